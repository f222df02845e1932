"""What an outer index lacks of a file, by its mark; all of it read in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import CHUNKS_PER_VERSION, Mark

if TYPE_CHECKING:
    from ..sqlite.feed import Feed

BATCH = 500
"""Chunks put in one step, about."""
_ROUNDING = 1e-3

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
Chunks = tuple[Numbers, Floats]
"""Numbers of chunks, and their embeddings."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done next for a user, as of one moment of the file.

    Attributes:
        what: "drop", "begin", "mend", "take in" or "nothing".
        mark: How far it is then.
        chunks: How many the file holds, if that was asked for and there is nothing else to do.
    """

    what: str
    mark: Mark
    numbers: Numbers
    embeddings: Floats
    gone: Numbers
    chunks: int | None = None


def lacking(feed: Feed, mark: Mark | None, *, is_counted: bool) -> Step:
    """What is to be done next for an index with this mark.

    Args:
        feed: The file.
        mark: How far the index has come; None if it has nothing.
        is_counted: Whether to count the chunks, should there be nothing else to do.
    """
    none, nothing = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    end = feed.end()
    step = partial(Step, numbers=none, embeddings=nothing, gone=none)
    if not end.kind:
        return step("nothing" if mark is None else "drop", end)
    if mark is None or mark.kind != end.kind:
        return step("begin", end._replace(version=0))
    is_ahead = mark.version > end.version or mark.change > end.change
    if mark.making != end.making or is_ahead:
        return step("mend", end)
    if mark == end:
        return step("nothing", end, chunks=feed.count() if is_counted else None)
    numbers, embeddings = feed.chunks_after(mark.version, BATCH)
    version = int(version_of(numbers)[-1]) if len(numbers) >= BATCH else end.version
    gone = np.array(feed.gone_after(mark.change), np.int64)
    return Step("take in", end._replace(version=version), numbers, embeddings, gone)


def chunks_between(feed: Feed, version: int, last: int) -> Chunks:
    """The chunks of the next versions after one, but none of those after the last."""
    numbers, embeddings = feed.chunks_after(version, BATCH)
    count = int(np.count_nonzero(version_of(numbers) <= last))
    return numbers[:count], embeddings[:count]


def version_of(numbers: Numbers) -> Numbers:
    """The versions that some chunks are of."""
    return numbers // CHUNKS_PER_VERSION


def differing(
    numbers: Numbers, embeddings: Floats, there: Numbers, held: Floats
) -> NDArray[np.bool_]:
    """Which of some chunks an index, which has those that are there, does not hold as they are."""
    differs = np.ones(len(numbers), np.bool_)
    if held.shape[1:] == embeddings.shape[1:]:
        places = np.searchsorted(numbers, there)
        differs[places] = np.abs(embeddings[places] - held).max(1, initial=0) > _ROUNDING
    return differs
