from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory_vault.text.near_copy import near_copies
from memory_vault.text.words import word_ids


def ids(*numbers: int) -> NDArray[np.uint32]:
    return np.array(numbers, dtype=np.uint32)


def slow(sets: list[set[int]], threshold: float) -> list[int | None]:
    """The definition, pair by pair."""
    found: list[int | None] = []
    for at, one in enumerate(sets):
        alike = (
            rival
            for rival in range(at)
            if found[rival] is None
            and min(len(one), len(sets[rival])) >= 5
            and len(one & sets[rival]) >= threshold * len(one | sets[rival]) - 1e-9
        )
        found.append(next(alike, None))
    return found


SETS = st.lists(st.sets(st.integers(0, 14), max_size=14), max_size=25)


@given(SETS, st.sampled_from([0.3, 0.5, 0.8, 0.9, 1.0]))
def test_it_finds_exactly_what_the_definition_finds(sets: list[set[int]], threshold: float) -> None:
    arrays = [ids(*one) for one in sets]
    assert near_copies(arrays, threshold=threshold) == slow(sets, threshold)


def test_the_first_is_kept_and_named() -> None:
    one, other = ids(1, 2, 3, 4, 5), ids(6, 7, 8, 9, 10)
    assert near_copies([one, other, one, other, one]) == [None, None, 0, 1, 0]


def test_repeats_and_order_do_not_matter() -> None:
    assert near_copies([ids(1, 2, 3, 4, 5), ids(5, 4, 4, 3, 2, 1, 1)]) == [None, 0]


@pytest.mark.parametrize("size", [0, 1, 4])
def test_short_ones_are_never_copies(size: int) -> None:
    assert near_copies([ids(*range(size))] * 2) == [None, None]


def test_nine_of_ten_words_are_enough() -> None:
    assert near_copies([ids(*range(10)), ids(*range(9))]) == [None, 0]
    assert near_copies([ids(*range(10)), ids(*range(8))]) == [None, None]


def test_a_changed_word_makes_a_short_fact_another_fact() -> None:
    facts = ["Alice paid 340 euros for the red bicycle", "Alice paid 350 euros for the red bicycle"]
    assert near_copies([word_ids(fact) for fact in facts]) == [None, None]
