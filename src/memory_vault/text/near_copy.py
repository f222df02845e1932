"""Find results that say the same in almost the same words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MIN_WORDS = 5


def near_copies(
    word_sets: Sequence[NDArray[np.uint32]], *, threshold: float = 0.9
) -> list[int | None]:
    """Name for each item the earlier kept one that it nearly repeats, or None if it is kept.

    Two items are near-copies when the Jaccard similarity of their sets of word ids reaches the
    threshold (above 0, at most 1); items of fewer than five different words never are. Of
    several, the best one, that is the first, is named.

    Pairs are found by the prefix filter of Chaudhuri et al., ICDE 2006: sets that similar share
    one of their first few members in any common order, so most pairs are never compared.
    """
    found: list[int | None] = []
    kept: list[set[int]] = []
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for position, members in enumerate(_by_rarity(word_sets)):
        kept.append(members)
        prefix = _prefix(members, threshold)
        rivals = sorted({rival for word in prefix for rival in holders[word]})
        original = next((at for at in rivals if _alike(kept[at], members, threshold)), None)
        found.append(original)
        if original is None:
            for word in prefix:
                holders[word].append(position)
    return found


def _by_rarity(word_sets: Sequence[NDArray[np.uint32]]) -> list[set[int]]:
    """Sets with the same overlaps, whose members are numbered from the rarest word up.

    So the first members, which `_prefix` takes, are those that few others share.
    """
    if not word_sets:
        return []
    _, places, counts = np.unique(
        np.concatenate(word_sets), return_inverse=True, return_counts=True
    )
    ranks = np.empty(len(counts), dtype=np.int64)
    ranks[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    ends = np.cumsum([len(ids) for ids in word_sets])[:-1]
    return [set(part.tolist()) for part in np.split(ranks[places], ends)]


def _prefix(members: set[int], threshold: float) -> list[int]:
    """Members of which a near-copy must share at least one; none for sets too small to judge."""
    size = len(members)
    if size < _MIN_WORDS:
        return []
    # Rounded, so that 0.9 * 10 asks for 9 shared words although floats make it a little more.
    return sorted(members)[: size - math.ceil(round(threshold * size, 9)) + 1]


def _alike(one: set[int], other: set[int], threshold: float) -> bool:
    """Whether two sets reach the threshold; sizes that rule it out are not compared."""
    small, large = sorted((len(one), len(other)))
    if small < threshold * large - 1e-9:
        return False
    shared = len(one & other)
    return shared >= threshold * (small + large - shared) - 1e-9
