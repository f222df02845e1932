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
stand in `storage/index/rank.py`; where they come from, in docs/adr/0010-ranking.md. What was read
from memories is measured by what was said; docs/adr/0014-facts-without-a-model.md says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
_LEAST_WAY = 0.1
_DAY = 86_400_000_000
_SAMPLE = 2_048
_CENTURY = 36_525
"""Days after which age makes no more difference."""


def spread(
    scores: Scores, *, typical: float | None = None, among: NDArray[np.bool_] | None = None
) -> Scores:
    """Scores as shares of the way from the typical one to the best; what is below it is 0.

    The typical score is the median: in a small vault or a large one, what has nothing to do with
    the question is around it, so that 0 means "like any other" and 1 "the best there is". Min-max
    scaling does the same from the worst, which moves with every stray memory. Where the best is
    hardly better than the typical one, as among two memories that say nearly the same, it is not
    made more of: the way is taken as 0.1 at least. Give `typical` where the scores are not all
    there are, but the best ones among them. With `among`, the typical and the best are those of
    some scores; others may come to more than 1.
    """
    if not len(scores):
        return scores
    measured = scores if among is None or typical is not None else scores[among]
    low = median(measured) if typical is None else np.float32(typical)
    way = max(float(best_of(scores, among) - low), _LEAST_WAY)
    shares: Scores = scores - low
    shares /= np.float32(way)
    np.maximum(shares, 0, out=shares)
    return shares


def best_of(scores: Scores, among: NDArray[np.bool_] | None) -> np.float32:
    """The highest of some scores, of which there is one at least."""
    best = int(scores.argmax())
    found: np.float32 = scores[best] if among is None or among[best] else scores[among].max()
    return found


def median(scores: Scores) -> np.float32:
    """The middle one of some scores, the lower one of two."""
    middle = (len(scores) - 1) // 2
    found: np.float32 = np.partition(scores, middle)[middle]
    return found


def share(scores: Scores, *, best: float | None = None) -> Scores:
    """Scores that are 0 or more, as shares of the best; all 0 stays 0.

    Give `best` where it may not be among them.
    """
    most = np.float32(scores.max(initial=0) if best is None else best)
    return np.divide(scores, most, dtype=np.float32) if most > 0 else scores


def fuse(signals: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """The weighted sum of signals of one shape; a signal without a weight counts for nothing.

    Rounded to five places, so that equal evidence ties wherever its rows lie in memory.
    """
    total, part = np.zeros((2, len(next(iter(signals.values())))), np.float32)
    for name, scores in signals.items():
        total += np.multiply(scores, np.float32(weights.get(name, 0.0)), out=part)
    return np.round(total, 5, out=total)


def recency(happened: NDArray[np.int64], moment: int) -> Scores:
    """How recent each memory is: 1 on the day of the moment, falling with the logarithm of its age.

    1 - ln(1 + days) / ln(1 + 36,525), at least 0: it falls as much in the first day as from day
    three to day seven. The odds that something is needed again fall as a power of the time since
    (Anderson and Schooler, Psychological Science 1991), so their logarithm, which adds up with
    other evidence, falls with the logarithm of the age. Times in microseconds, whole days count;
    what lies after the moment counts as of that day.
    """
    days = moment - happened
    days //= _DAY
    found: Scores = _by_age().take(days, mode="clip")
    return found


@cache
def _by_age() -> Scores:
    """`recency` by age in days: a table is read faster than a logarithm is taken."""
    fall = np.log1p(np.arange(_CENTURY + 1)) / np.log1p(_CENTURY)
    found: Scores = np.maximum(1 - fall.astype(np.float32), 0, dtype=np.float32)
    return found


def within(happened: NDArray[np.int64], spans: Sequence[tuple[int, int]]) -> Scores:
    """1 for each memory that happened in one of the spans [start, stop), else 0."""
    found = np.zeros(len(happened), np.bool_)
    for start, stop in spans:
        found |= (happened >= start) & (happened < stop)
    return found.astype(np.float32)


def top(scores: Scores, count: int) -> NDArray[np.int64]:
    """Where the `count` highest scores are, and any that equal the last of them; in no order."""
    if len(scores) <= count:
        return np.arange(len(scores))
    likely = _likely(scores, count)
    among = scores if likely is None else scores[likely]
    least = np.partition(among, len(among) - count)[len(among) - count]
    found = np.flatnonzero(among >= least)
    return found if likely is None else likely[found]


def _likely(scores: Scores, count: int) -> NDArray[np.int64] | None:
    """Where all of the highest are and not many others, by the look of a sample; None if unsure."""
    sample = scores[:: max(1, len(scores) // _SAMPLE)]
    rank = 2 * count * len(sample) // len(scores) + 8
    if 4 * rank > len(sample):
        return None
    least = np.partition(sample, len(sample) - rank)[len(sample) - rank]
    found = np.flatnonzero(scores >= least)
    return found if count <= len(found) < len(scores) // 2 else None


def best_first(scores: Scores, ties: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Where the `limit` highest scores are, best first; equal ones by `ties`, lowest first."""
    found = top(scores, limit) if limit > 0 else np.arange(0)
    return found[np.lexsort((ties[found], -scores[found]))][:limit]
