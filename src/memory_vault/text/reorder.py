"""Order the best of a ranking again by a reranker's scores, without forgetting why they led it.

    mixed = (1 - weight) * span(before) + weight * span(scores)
            where span(x) = (x - min x) / (max x - min x), or 0 for all where all are the same

A cross-encoder's raw outputs have no scale that two models, or two questions, share, and neither
have the scores of a first ranking. So both are measured between the worst and the best of this
very head: what is compared is how far a memory stands above the others, in one and in the other.
Distances count and not only ranks, so a reranker that finds one text far better than the rest says
more than one that can hardly tell them apart. Of the ways to join two such lists, this convex sum
lost least where it was compared (Bruch, Gai and Ingber, ACM TOIS 2023).

The ranking before is kept in because it knows what a reranker cannot read in a text: the turns
beside it, its session, who said it, when.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WEIGHT = 0.7
"""The reranker's part: it has read question and text together, so its word counts for more."""


def reorder(
    before: Sequence[float] | NDArray[np.float32],
    scores: Sequence[float] | NDArray[np.float32],
    weight: float = WEIGHT,
) -> list[int]:
    """Places in the head of a ranking, in their new order: best first.

    Whatever is better in both is placed before. Multiplying either list by something above 0, or
    adding something to it, changes nothing. Mixed scores are rounded to five places, so that equal
    evidence ties; ties keep their order.

    Args:
        before: Scores of the first ranking, higher is better; finite.
        scores: Scores of the reranker for the same memories; finite.
        weight: From 0 (the first ranking alone) to 1 (the reranker alone).

    Raises:
        ValueError: If the lists differ in length, the weight is not from 0 to 1, or a score is
            not finite.
    """
    if len(before) != len(scores):
        raise ValueError(f"{len(before)} scores before and {len(scores)} after")
    if not 0 <= weight <= 1:
        raise ValueError(f"weight={weight}: give a number from 0 to 1")
    mixed = (1 - weight) * _span(before) + weight * _span(scores)
    return [int(place) for place in np.argsort(-np.round(mixed, 5), kind="stable")]


def _span(scores: Sequence[float] | NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores from 0 for the worst to 1 for the best."""
    values = np.asarray(scores, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a score is not finite")
    if not len(values):
        return values
    halves = values / 2  # the way between two floats may be too long for a float
    low, high = halves.min(), halves.max()
    if high <= low:
        return np.zeros(len(values))
    return np.asarray((halves - low) / (high - low))
