"""A ranking's head in the order that a reranker and the first ranking agree on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.reorder import reorder

VALUE = st.floats(-100, 100, width=16)
PAIRS = st.lists(st.tuples(VALUE, VALUE), max_size=30)
WEIGHT = st.floats(0, 1)


def test_the_formula() -> None:
    # spans: before 1, 0.5, 0 and scores 0, 0.25, 1; mixed at 0.5: 0.5, 0.375, 0.5
    assert reorder([3, 2, 1], [-8, -6, 0], 0.5) == [0, 2, 1]
    assert reorder([3, 2, 1], [-8, -6, 0], 0.6) == [2, 0, 1]


def test_by_default_the_reranker_counts_for_more() -> None:
    assert reorder([2, 1], [0, 1]) == [1, 0]


@pytest.mark.parametrize(("before", "scores"), [([], []), ([1], [5])])
def test_of_none_and_of_one(before: list[float], scores: list[float]) -> None:
    assert reorder(before, scores) == list(range(len(before)))


def test_scores_without_a_difference_leave_the_other_list_to_decide() -> None:
    assert reorder([1, 2, 3], [7, 7, 7], 0.9) == [2, 1, 0]
    assert reorder([7, 7, 7], [1, 2, 3], 0.1) == [2, 1, 0]
    assert reorder([7, 7, 7], [2, 2, 2]) == [0, 1, 2]


def test_numbers_at_the_ends_of_float_are_taken() -> None:
    low, high = -1.7e308, 1.7e308
    assert reorder([low, high], [low, high]) == [1, 0]


@given(PAIRS, WEIGHT)
def test_every_place_comes_once_and_the_same_each_time(
    pairs: list[tuple[float, float]], weight: float
) -> None:
    before, scores = [one for one, _ in pairs], [one for _, one in pairs]
    found = reorder(before, scores, weight)
    assert sorted(found) == list(range(len(pairs)))
    assert found == reorder(np.array(before, np.float32), np.array(scores, np.float32), weight)


@given(PAIRS, WEIGHT)
def test_what_is_as_good_in_both_and_was_before_is_never_behind(
    pairs: list[tuple[float, float]], weight: float
) -> None:
    before, scores = [one for one, _ in pairs], [one for _, one in pairs]
    rank = {place: i for i, place in enumerate(reorder(before, scores, weight))}
    for i in range(len(pairs)):
        for j in range(i + 1, len(pairs)):
            if before[i] >= before[j] and scores[i] >= scores[j]:
                assert rank[i] < rank[j]


@given(PAIRS, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.25, 2.0, 1024.0]), VALUE)
def test_the_scale_of_neither_list_matters(
    pairs: list[tuple[float, float]], weight: float, factor: float, shift: float
) -> None:
    before, scores = [round(one) for one, _ in pairs], [round(one) for _, one in pairs]
    moved = [one * factor + round(shift) for one in scores]
    assert reorder(before, moved, weight) == reorder(before, scores, weight)
    assert reorder(moved, before, weight) == reorder(scores, before, weight)


@given(PAIRS)
def test_the_ends_of_the_weight_are_one_list_alone(pairs: list[tuple[float, float]]) -> None:
    before, scores = [round(one) for one, _ in pairs], [round(one) for _, one in pairs]
    places = range(len(pairs))
    assert reorder(before, scores, 0) == sorted(places, key=lambda i: -before[i])
    assert reorder(before, scores, 1) == sorted(places, key=lambda i: -scores[i])


@pytest.mark.parametrize(
    ("before", "scores", "weight", "wrong"),
    [
        ([1], [1, 2], 0.5, "1 scores before and 2 after"),
        ([1], [1], 1.5, "weight"),
        ([1], [1], float("nan"), "weight"),
        ([float("nan")], [1], 0.5, "not finite"),
        ([1, 2], [1, float("inf")], 0.5, "not finite"),
    ],
)
def test_what_cannot_be_ordered_is_refused(
    before: list[float], scores: list[float], weight: float, wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        reorder(before, scores, weight)
