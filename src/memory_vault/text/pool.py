"""From chunks to memories, and from a memory to what stands beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Neighbours = tuple[NDArray[np.int64], NDArray[np.int64]]


def best_chunk(scores: Scores, starts: NDArray[np.int64]) -> Scores:
    """The best score among each memory's chunks; `starts` holds where each memory's first one is.

    A long memory answers with its best part: its other chunks are about something else and say
    nothing against it.
    """
    return scores if len(starts) == len(scores) else np.maximum.reduceat(scores, starts)


def neighbours(
    order: NDArray[np.int64], sessions: NDArray[np.integer], *, distance: int = 1
) -> Neighbours:
    """The two memories that far from each one in its session, before and after; shape (n,) each.

    `order` sorts the memories by session, then by place in it; n stands where there is none.
    """
    nobody = len(order)
    before, after = np.empty((2, nobody), np.int64)
    before[order[:distance]] = after[order[-distance:]] = nobody
    first, second = order[:-distance], order[distance:]
    together = sessions[first] == sessions[second]
    before[second] = np.where(together, first, nobody)
    after[first] = np.where(together, second, nobody)
    return before, after


def beside(scores: Scores, near: Neighbours) -> Scores:
    """The better score of the two neighbours of each memory; 0 where it has none; shape (n,).

    An answer stands next to its question, and a remark near what it is about.
    """
    before, after = near
    padded = np.append(scores, np.float32(0))
    found: Scores = padded.take(before, mode="clip")
    return np.maximum(found, padded.take(after, mode="clip"), out=found)
