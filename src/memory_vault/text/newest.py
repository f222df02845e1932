"""Put the newer of two statements first that say the same thing of different times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def newest_first(
    scores: NDArray[np.float32], days: NDArray[np.int64], alike: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """A new order, in which newer statements stand before older ones like them, and new scores.

    Both of shape (n,); the scores are those of the places before, so `scores[order]` descends.

    A changed fact is told again in nearly the same words: "the budget is 300", months later "it is
    500 now". Each memory therefore counts as much as the best older one that it is like, and among
    those that count alike the newest comes first. The older ones stay, just behind; nothing else
    moves.

    Args:
        scores: Best first; shape (n,).
        days: The day on which each happened, as a number; shape (n,).
        alike: Which say the same thing, in the same role; symmetric, shape (n, n).
    """
    is_newer = days[:, None] > days[None, :]
    lent = np.where(alike & is_newer, scores[None, :], -np.inf)
    lifted = np.maximum(scores, lent.max(1, initial=-np.inf))
    return np.lexsort((-days * (lifted > scores), -lifted)), lifted
