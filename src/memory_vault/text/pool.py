"""From chunks to memories, and from a memory to what stands beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def best_chunk(scores: Scores, starts: NDArray[np.int64]) -> Scores:
    """The best score among each memory's chunks; `starts` holds where each memory's first one is.

    A long memory answers with its best part: its other chunks are about something else and say
    nothing against it.
    """
    return scores if len(starts) == len(scores) else np.maximum.reduceat(scores, starts)


def beside(
    order: NDArray[np.int64], sessions: NDArray[np.integer], scores: Scores, *, distance: int = 1
) -> Scores:
    """The better score of the two memories that far from each one in its session; shape (n,).

    An answer stands next to its question, and a remark near what it is about. `order` sorts the
    memories by session, then by place in it; 0 where there is no neighbour.
    """
    found = np.zeros(len(scores), np.float32)
    first, second = order[:-distance], order[distance:]
    together = sessions[first] == sessions[second]
    first, second = first[together], second[together]
    found[second] = scores[first]
    found[first] = np.maximum(found[first], scores[second])
    return found
