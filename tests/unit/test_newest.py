"""A newer statement stands before the older ones like it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.newest import newest_first


def ordered(scores: list[float], days: list[int], pairs: list[tuple[int, int]]) -> list[int]:
    alike = np.eye(len(scores), dtype=np.bool_)
    for one, other in pairs:
        alike[one, other] = alike[other, one] = True
    lifted, ties = newest_first(np.array(scores, np.float32), np.array(days, np.int64), alike)
    assert (lifted >= np.array(scores, np.float32)).all()
    return np.lexsort((ties, -lifted)).tolist()


def test_a_newer_one_moves_just_before_the_older() -> None:
    assert ordered([4, 3, 2, 1], [1, 1, 9, 1], [(1, 2)]) == [0, 2, 1, 3]


def test_of_several_the_newest_is_first() -> None:
    assert ordered([4, 3, 2], [1, 2, 3], [(0, 1), (0, 2), (1, 2)]) == [2, 1, 0]


def test_older_ones_of_the_same_day_and_unlike_ones_stay() -> None:
    assert ordered([4, 3, 2], [5, 5, 1], [(0, 1), (0, 2)]) == [0, 1, 2]
    assert ordered([4, 3], [1, 9], []) == [0, 1]
    assert ordered([], [], []) == []


@given(st.lists(st.tuples(st.floats(0, 4, width=16), st.integers(0, 5)), max_size=20), st.data())
def test_nothing_is_lost_and_the_first_is_one_of_the_best_or_like_it(
    given: list[tuple[float, int]], data: st.DataObject
) -> None:
    scores = sorted((score for score, _ in given), reverse=True)
    places = st.integers(0, max(0, len(given) - 1))
    pairs = data.draw(st.lists(st.tuples(places, places), max_size=20)) if given else []
    order = ordered(scores, [day for _, day in given], pairs)
    assert sorted(order) == list(range(len(given)))
    if order and order[0] != 0:
        first = order[0]
        like = {b for a, b in pairs if a == first} | {a for a, b in pairs if b == first}
        assert scores[first] == scores[0] or any(scores[one] == scores[0] for one in like)
