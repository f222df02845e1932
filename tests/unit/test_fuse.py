"""Signals of different scales become one score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from memory_vault.text.fuse import best_first, fuse, recency, share, spread, top, within

SCORES = arrays(np.float32, st.integers(1, 60), elements=st.floats(-1, 1, width=16))


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_spread_runs_from_the_typical_to_the_best() -> None:
    assert spread(floats(0.1, 0.2, 0.3, 0.5, 0.7)).tolist() == pytest.approx([0, 0, 0, 0.5, 1])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((), []), ((0.4,), [0]), ((0.4, 0.4), [0, 0]), ((-0.3,), [0]), ((0.0, 0.5), [0, 1])],
)
def test_spread_of_few(scores: tuple[float, ...], expected: list[float]) -> None:
    assert spread(floats(*scores)).tolist() == expected


@given(SCORES)
def test_spread_keeps_order_within_bounds(scores: np.ndarray) -> None:
    found = spread(scores)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-6
    order = np.argsort(scores)
    assert (np.diff(found[order]) >= -1e-6).all()


@given(SCORES, st.floats(0.25, 4, width=16), st.floats(-1, 1, width=16))
def test_spread_does_not_depend_on_the_scale(
    scores: np.ndarray, factor: float, shift: float
) -> None:
    distinct = np.unique(scores)
    if len(distinct) < 2 or np.median(scores) >= scores.max() - 0.5:
        return
    moved = (scores * factor + shift).astype(np.float32)
    assert spread(moved) == pytest.approx(spread(scores), abs=1e-2)


def test_spread_makes_no_more_of_a_small_difference() -> None:
    assert spread(floats(0.7, 0.71, 0.72)).tolist() == pytest.approx([0, 0, 0.1], abs=1e-3)


def test_share_is_of_the_best() -> None:
    assert share(floats(0, 2, 8)).tolist() == [0, 0.25, 1]
    assert share(floats(0, 0)).tolist() == [0, 0]
    assert share(floats()).tolist() == []


def test_the_scale_may_be_given_with_a_part_of_the_scores() -> None:
    scores = floats(0.1, 0.2, 0.3, 0.5, 0.7)
    assert spread(scores[3:], typical=0.3).tolist() == spread(scores)[3:].tolist()
    assert share(scores[:2], best=scores.max()).tolist() == share(scores)[:2].tolist()
    assert share(scores, best=0.0) is scores


def test_some_scores_may_be_measured_by_others() -> None:
    scores = floats(0.1, 0.2, 0.7, 0.3, 1.0)
    among = np.array([True, True, True, True, False])
    assert spread(scores, among=among).tolist() == pytest.approx([0, 0, 1, 0.2, 1.6], abs=1e-6)
    assert spread(scores, among=among)[:4].tolist() == spread(scores[:4]).tolist()


@given(st.integers(0, 1 << 30), st.integers(1, 400), st.sampled_from([0.0, 0.1, 3.0]))
def test_top_holds_the_highest_and_all_that_tie_with_them(
    seed: int, count: int, step: float
) -> None:
    """Of many scores, also where most are the same or they come in order."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=20_000).astype(np.float32)
    scores = np.sort(scores) if seed % 3 == 0 else scores
    scores = np.round(scores / step) * step if step else scores
    least = np.sort(scores)[-count]
    assert top(scores, count).tolist() == np.flatnonzero(scores >= least).tolist()


def test_fuse_weighs_and_leaves_out() -> None:
    signals = {"a": floats(1, 0), "b": floats(0, 1), "c": floats(9, 9)}
    assert fuse(signals, {"a": 1.0, "b": 0.5}).tolist() == [1, 0.5]


def test_equal_evidence_ties() -> None:
    found = fuse({"a": floats(0.3, 0.3000002)}, {"a": 1.0})
    assert found[0] == found[1]


@given(SCORES, st.integers(0, 70))
def test_best_first_is_a_sorted_list(scores: np.ndarray, limit: int) -> None:
    ties = np.random.default_rng(len(scores)).permutation(len(scores))
    plain = sorted(range(len(scores)), key=lambda i: (-scores[i], ties[i]))
    assert best_first(scores, ties, limit).tolist() == plain[:limit]


def test_the_log_of_age_makes_recency() -> None:
    day = 86_400_000_000
    moment = 40_000 * day
    ages = np.array([0, 1, 3, 7, 36_525, 39_000], np.int64)
    found = recency(moment - ages * day, moment)
    assert found[0] == 1
    assert found[[4, 5]].tolist() == [0, 0]
    assert found[0] - found[1] == pytest.approx(found[2] - found[3], abs=1e-6)
    assert recency(np.array([moment + day]), moment).tolist() == [1]
    assert recency(moment - ages * day - 5, moment).tolist() == found.tolist()


def test_within_is_half_open() -> None:
    happened = np.array([9, 10, 19, 20, 30], np.int64)
    assert within(happened, [(10, 20), (30, 31)]).tolist() == [0, 1, 1, 0, 1]
    assert within(happened, []).tolist() == [0, 0, 0, 0, 0]
