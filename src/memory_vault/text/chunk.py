"""Cut a long text where a reader would pause, so that each part fits the embedder."""

from __future__ import annotations

import re
from collections.abc import Sequence

# How good it is to cut before a token, judged by the text that ends there; first match wins.
_BREAKS = (
    (5, re.compile(r"\n[^\S\n]*\n\s*\Z")),
    (4, re.compile(r"\n\s*\Z")),
    (3, re.compile(r"(?:[.!?…]['\")\]’”]*\s+|[。！？｡]['\")\]’”」』]*\s*)\Z")),
    (2, re.compile(r"(?:[,;:–—]\s+|[，、；：])\Z")),
    (1, re.compile(r"\s\Z")),
)
_IN_WORD = re.compile(r"[\w'’.@-][\w'’.@-]")
# Scripts that write words without spaces: there any cut between two signs will do.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uabff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_LOOK_BACK = 16
_INSIDE_WORD = -1
_BETWEEN_SIGNS = 0
# A better boundary is worth walking this share of a span further from the even cut.
_REACH = 0.25


def split(
    text: str, token_spans: Sequence[tuple[int, int]], *, window: int
) -> list[tuple[int, int]]:
    """Cut a text into character spans that hold at most `window` tokens each.

    Args:
        token_spans: Start and end of each token in `text`, in order.
        window: Most tokens of one span, at least 1.

    Returns:
        Spans in order that do not overlap and together hold every token. A text that fits is
        one span, `(0, len(text))`. Longer ones are cut about evenly, so that no small tail is
        left, at the best boundary near: paragraph, line, sentence, clause, word. A word is cut
        only when it alone exceeds the window.
    """
    if len(token_spans) <= window:
        return [(0, len(text))]
    spans: list[tuple[int, int]] = []
    first, last = 0, len(token_spans)
    while first < last:
        end = _end(text, token_spans, first, window)
        spans.append((token_spans[first][0], token_spans[end - 1][1]))
        first = end
    return _apart(spans, len(text))


def _end(text: str, tokens: Sequence[tuple[int, int]], first: int, window: int) -> int:
    """Position after the last token of the span that starts at token `first`."""
    left = len(tokens) - first
    if left <= window:
        return len(tokens)
    parts = -(-left // window)
    even = -(-left // parts)
    reach = max(1, int(even * _REACH))
    # Cutting earlier than this would need one more part than the fewest.
    low = max(first + 1, first + left - (parts - 1) * window)
    near = range(max(low, first + even - reach), min(first + window, first + even + reach) + 1)
    best = _best(text, tokens, near, first + even)
    if best is not None:
        return best
    whole = range(first + 1, first + window + 1)
    return _best(text, tokens, whole, first + even) or first + window


def _best(text: str, tokens: Sequence[tuple[int, int]], near: range, even: int) -> int | None:
    """The token to cut before, or None when every cut in `near` would break a word."""
    rank, _, at = max((_quality(text, tokens, at), -abs(at - even), at) for at in near)
    return None if rank == _INSIDE_WORD else at


def _quality(text: str, tokens: Sequence[tuple[int, int]], at: int) -> int:
    """How good a boundary stands before token `at`: from 5, a paragraph, to -1, in a word."""
    start = tokens[at][0]
    if start < tokens[at - 1][1]:
        return _INSIDE_WORD
    before = text[max(0, start - _LOOK_BACK) : start]
    for rank, pattern in _BREAKS:
        if pattern.search(before):
            return rank
    if _IN_WORD.match(text, max(0, start - 1)) and not _UNSPACED.match(text, start - 1):
        return _INSIDE_WORD
    return _BETWEEN_SIGNS


def _apart(spans: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Clip spans whose tokens overlap in characters, as byte-level tokens of one sign do."""
    apart: list[tuple[int, int]] = []
    at = 0
    for start, end in spans:
        start, end = max(start, at), min(max(end, at), length)
        if start < end:
            apart.append((start, end))
            at = end
    return apart
