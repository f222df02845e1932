"""Texts as what is embedded of them: spans that fit the model, each with its search terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..storage import Chunk
from ..text.chunk import split
from ..text.speakers import SUMMARY, speaker_prefix
from ..text.summary import spoken
from ..text.words import word_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..embed import Embedder


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of a text that is to get an embedding.

    Attributes:
        text: What is embedded: the span, after the name of its speaker when there is one.
        words: Hashed search terms of `text`.
    """

    start: int
    stop: int
    text: str
    words: bytes


def pieces(embedder: Embedder, content: str, role: str) -> tuple[Piece, ...]:
    """Split a text into spans that fit the embedder's window, each with its search terms.

    A named speaker's name stands before each span, in its embedding and in its terms, so that a
    question about a person finds what that person said.
    """
    spans = passages(embedder, content, role)
    return tuple(Piece(start, stop, text, word_bytes(text)) for start, stop, text in spans)


def passages(embedder: Embedder, content: str, role: str) -> list[tuple[int, int, str]]:
    """Start, stop and what is embedded of each span of a text; a summary is split by lines."""
    if role == SUMMARY:
        return [
            (first + start, first + stop, text)
            for first, last in spoken(content)
            for start, stop, text in passages(embedder, content[first:last], "user")
        ]
    prefix = speaker_prefix(role)
    whole = prefix + content
    if whole.isascii() and len(whole) <= embedder.window:  # most are: none has its tokens counted
        return [(0, len(content), whole)]
    window = max(1, embedder.window - len(embedder.token_spans(prefix)))
    spans = split(content, embedder.token_spans(content), window=window)
    return [(start, stop, prefix + content[start:stop]) for start, stop in spans]


def as_bytes(embeddings: NDArray[np.float32]) -> list[bytes]:
    """Each embedding as bytes, little endian."""
    packed = embeddings.astype("<f4", copy=False)
    return [row.tobytes() for row in packed]


def chunks_of(pieces: Sequence[Piece], embeddings: Mapping[str, bytes]) -> tuple[Chunk, ...]:
    """Pieces with their embeddings."""
    return tuple(Chunk(p.start, p.stop, embeddings[p.text], p.words) for p in pieces)
