"""Put the newer of two statements first that say the same thing of different times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def newest_first(
    scores: NDArray[np.float32], days: NDArray[np.int64], alike: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """New scores, by which newer statements stand before older ones like them, and how ties break.

    Both of shape (n,); of equal scores the lower tie stands first, then the earlier place.

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
    lifted = np.maximum(scores, lent.max(1, initial=-np.inf)).astype(np.float32)
    return lifted, -days * (lifted > scores)
