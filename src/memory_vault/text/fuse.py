"""Join signals of different scales into one score, the same way in a vault of any size.

    chunk   = spread(cosine) + .85 share(BM25)
    memory  = own                                      its best chunk
            + .5 beside + .1 beyond                    a neighbour, 1 and 2 turns away
            + .7 share(BM25 of its session as one text)
            + .9 importance + .45 recency
            + .4 speaker + 1 time                      only when the question names one

Cosines of one question lie close together and never at 0, so they are measured from the typical
one; BM25 is 0 for most chunks, so it is measured from 0. Both end at 1 for the best there is. So
one set of weights serves ten memories and a hundred thousand: the weights say what the best of one
signal is worth beside the best of another, not how large its numbers happen to be. The weights
stand in `storage/index/rank.py`; where they come from, in docs/adr/0010-ranking.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
_LEAST_WAY = 0.1
_DAY = 86_400_000_000
_CENTURY = 36_525
"""Days after which age makes no more difference."""


def spread(scores: Scores) -> Scores:
    """Scores as shares of the way from the typical one to the best; what is below it is 0.

    The typical score is the median: in a small vault or a large one, what has nothing to do with
    the question is around it, so that 0 means "like any other" and 1 "the best there is". Min-max
    scaling does the same from the worst, which moves with every stray memory. Where the best is
    hardly better than the typical one, as among two memories that say nearly the same, it is not
    made more of: the way is taken as 0.1 at least.
    """
    if not len(scores):
        return scores
    middle = (len(scores) - 1) // 2
    typical = np.partition(scores, middle)[middle]
    way = max(float(scores.max() - typical), _LEAST_WAY)
    shares: Scores = np.maximum((scores - typical) / way, 0).astype(np.float32)
    return shares


def share(scores: Scores) -> Scores:
    """Scores that are 0 or more, as shares of the best; all 0 stays 0."""
    best = np.float32(scores.max(initial=0))
    return np.divide(scores, best, dtype=np.float32) if best > 0 else scores


def fuse(signals: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """The weighted sum of signals of one shape; a signal without a weight counts for nothing.

    Rounded to five places, so that equal evidence ties wherever its rows lie in memory.
    """
    total = np.zeros(len(next(iter(signals.values()))), np.float32)
    for name, scores in signals.items():
        total += np.float32(weights.get(name, 0.0)) * scores
    return np.round(total, 5, out=total)


def recency(happened: NDArray[np.int64], moment: int) -> Scores:
    """How recent each memory is: 1 on the day of the moment, falling with the logarithm of its age.

    1 - ln(1 + days) / ln(1 + 36,525), at least 0: it falls as much in the first day as from day
    three to day seven. The odds that something is needed again fall as a power of the time since
    (Anderson and Schooler, Psychological Science 1991), so their logarithm, which adds up with
    other evidence, falls with the logarithm of the age. Times in microseconds, whole days count;
    what lies after the moment counts as of that day.
    """
    days = np.maximum(moment - happened, 0) // _DAY
    fall: Scores = (np.log1p(days) / np.log1p(_CENTURY)).astype(np.float32)
    return np.maximum(1 - fall, 0, dtype=np.float32)


def within(happened: NDArray[np.int64], spans: Sequence[tuple[int, int]]) -> Scores:
    """1 for each memory that happened in one of the spans [start, stop), else 0."""
    found = np.zeros(len(happened), np.bool_)
    for start, stop in spans:
        found |= (happened >= start) & (happened < stop)
    return found.astype(np.float32)


def best_first(scores: Scores, ties: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Where the `limit` highest scores are, best first; equal ones by `ties`, lowest first."""
    found = np.arange(len(scores))
    if len(scores) > limit > 0:
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        found = np.flatnonzero(scores >= least)
    return found[np.lexsort((ties[found], -scores[found]))][:limit]
