"""Chunks make memories, and memories have neighbours."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.pool import beside, best_chunk, neighbours


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_memory_is_as_good_as_its_best_chunk() -> None:
    assert best_chunk(floats(1, 3, 2, 5), np.array([0, 2, 3])).tolist() == [3, 2, 5]
    assert best_chunk(floats(1, 3), np.array([0, 1])).tolist() == [1, 3]
    assert best_chunk(floats(), np.zeros(0, np.int64)).tolist() == []


def test_neighbours_are_of_the_same_session() -> None:
    order, sessions = np.arange(4), np.array([0, 0, 1, 1])
    near = neighbours(order, sessions)
    assert beside(floats(1, 2, 8, 4), near).tolist() == [2, 1, 4, 8]


def test_one_alone_has_no_neighbour() -> None:
    assert beside(floats(7), neighbours(np.array([0]), np.array([0]))).tolist() == [0]
    nobody = np.zeros(0, np.int64)
    assert beside(floats(), neighbours(nobody, nobody)).tolist() == []


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 2, width=16)), max_size=40),
    st.integers(1, 3),
)
def test_it_agrees_with_plain_lists(memories: list[tuple[int, float]], distance: int) -> None:
    random = np.random.default_rng(len(memories))
    place = random.permutation(len(memories))
    order = sorted(range(len(memories)), key=lambda i: (memories[i][0], place[i]))
    expected = [0.0] * len(memories)
    for at, i in enumerate(order):
        near = [order[j] for j in (at - distance, at + distance) if 0 <= j < len(order)]
        expected[i] = max([memories[j][1] for j in near if memories[j][0] == memories[i][0]] or [0])
    sessions = np.array([session for session, _ in memories], np.int64)
    near = neighbours(np.array(order, np.int64), sessions, distance=distance)
    found = beside(floats(*(score for _, score in memories)), near)
    assert found.tolist() == expected
