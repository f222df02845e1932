"""How far a mean over questions may be off: percentile bootstrap.

Questions are drawn again with replacement, 2,000 times. That tells how the mean would vary with
other questions about the same conversations, not with other conversations: a file has too few of
those to draw from. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

RESAMPLES = 2_000
LEVEL = 0.95
_SEED = 95
_DRAWS = 2_000_000
"""Questions drawn at once, at most: bounds the memory taken."""

Measures = Mapping[str, Mapping[str, float | None]]
"""Values of one question by group and name; None for what it has no value for."""
Intervals = dict[str, dict[str, list[float] | None]]


def intervals(rows: Sequence[Measures]) -> Intervals:
    """The 95 % interval [low, high] of each measure's mean, None for one that no question has.

    The mean is over the questions that have the measure, in every resample too. The same rows give
    the same intervals. All questions alike give an interval of no width.
    """
    import numpy as np

    names = list(dict.fromkeys((g, n) for one in rows for g, part in one.items() for n in part))
    if not names:
        return {}
    values = np.array([[_number(one, g, n) for g, n in names] for one in rows], np.float64)
    found: Intervals = {group: {} for group, _ in names}
    for (group, name), ends in zip(names, interval(values).T.tolist(), strict=True):
        found[group][name] = None if np.isnan(ends).any() else ends
    return found


def _number(row: Measures, group: str, name: str) -> float:
    value = row.get(group, {}).get(name)
    return float("nan") if value is None else value


def interval(values: Values) -> Values:
    """Low and high end of each column's mean over the rows that are not NaN; shape (2, m).

    Args:
        values: Shape (n, m), a row for each question. A column of NaN alone gives NaN.
    """
    import numpy as np

    is_known = ~np.isnan(values)
    filled = np.where(is_known, values, 0.0)
    sums = np.empty((RESAMPLES, values.shape[1]))
    counts = np.empty_like(sums)
    done = 0
    for weights in _resamples(len(values)):
        part = slice(done, done := done + len(weights))
        sums[part], counts[part] = weights @ filled, weights @ is_known
    with np.errstate(invalid="ignore"):
        means = sums / counts
    tail = (1 - LEVEL) / 2
    found: Values = np.full((2, values.shape[1]), np.nan)
    some = is_known.any(0)
    if some.any():
        found[:, some] = np.nanquantile(means[:, some], [tail, 1 - tail], axis=0)
    return found


def _resamples(n: int) -> Iterator[Values]:
    """How often each of n questions was drawn, shape (some, n), until there are 2,000."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    at_once = max(1, _DRAWS // n)
    for start in range(0, RESAMPLES, at_once):
        count = min(at_once, RESAMPLES - start)
        drawn = random.integers(n, size=(count, n)) + np.arange(count)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)
