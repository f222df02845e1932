"""What stands beside a memory in its session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def beside(order: NDArray[np.int64], sessions: NDArray[np.int64], scores: Scores) -> Scores:
    """The better score of the two memories next to each one in its session; shape (n,).

    An answer stands next to its question, and a remark next to what it is about. `order` sorts the
    memories by session, then by place in it; 0 where there is no neighbour.
    """
    found = np.zeros(len(scores), np.float32)
    if len(order) < 2:
        return found
    first, second = order[:-1], order[1:]
    together = sessions[first] == sessions[second]
    first, second = first[together], second[together]
    found[second] = scores[first]
    found[first] = np.maximum(found[first], scores[second])
    return found
