"""Splits text where no tokenizer is at hand, so that a service's window is never exceeded."""

from __future__ import annotations

import re

PIECE_BYTES = 4
SPECIAL_TOKENS = 8
"""Tokens that a service may add to a text: its ends, a word or two before it."""
_PIECE = re.compile(
    r"[^\x00-\x7f]|[A-Za-z0-9]{1,3}\s|[A-Za-z0-9]{1,4}|[^A-Za-z0-9\x80-\U0010ffff]{1,4}",
    re.ASCII | re.DOTALL,
)


def pieces(text: str) -> list[tuple[int, int]]:
    """Spans of one to four bytes that together hold the whole text; long words are cut.

    No tokenizer in use makes more tokens of a text than it has bytes in UTF-8: byte-level BPE makes
    one a byte at most, WordPiece and SentencePiece one a character. So n pieces are never more
    than 4 n tokens; of English prose they are about 0.7 n. (A few ligatures of Arabic that some
    tokenizers spell out are the exception.)
    """
    return [match.span() for match in _PIECE.finditer(text)]


def pieces_of(window_tokens: int) -> int:
    """Pieces that a window of so many tokens holds whatever the text is; at least 8."""
    return max(8, (window_tokens - SPECIAL_TOKENS) // PIECE_BYTES)


def cut(text: str, most: int) -> str:
    """As much of a text as that many pieces hold."""
    spans = pieces(text[: most * PIECE_BYTES])  # a piece has at most that many characters
    return text[: spans[most - 1][1]] if len(spans) > most else text[: most * PIECE_BYTES]
