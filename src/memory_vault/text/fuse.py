"""Join signals of different scales into one score, the same way in a vault of any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def spread(scores: Scores, visible: NDArray[np.bool_]) -> Scores:
    """Scores as shares of the way from the typical visible one to the best; 0 for the rest.

    The typical score is the median: with few memories or many, what has nothing to do with the
    question is around it, so that 0 means "like any other" and 1 "the best there is". Min-max
    scaling does the same from the worst, which moves with every stray memory.
    """
    found = np.zeros(len(scores), np.float32)
    seen = scores[visible]
    if not len(seen):
        return found
    typical, best = float(np.median(seen)), float(seen.max())
    if best > typical:
        found[visible] = np.maximum(seen - typical, 0) / (best - typical)
    elif best > 0:
        found[visible] = 1
    return found


def share(scores: Scores) -> Scores:
    """Scores that are 0 or more, as shares of the best; all 0 stays 0."""
    best = float(scores.max()) if len(scores) else 0.0
    return scores / np.float32(best) if best > 0 else scores


def fuse(signals: dict[str, Scores], weights: dict[str, float]) -> Scores:
    """The weighted sum of signals of one shape; a signal without a weight counts for nothing."""
    total = np.zeros(len(next(iter(signals.values()))), np.float32)
    for name, scores in signals.items():
        total += np.float32(weights.get(name, 0.0)) * scores
    return total
