"""The intervals of the benchmark: where they lie, what they leave out, that they are the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.bench import bootstrap


def rows(values, name="any@5"):
    return [{"session": {name: value}} for value in values]


def interval(values):
    return bootstrap.intervals(rows(values))["session"]["any@5"]


def test_an_interval_is_as_wide_as_theory_says():
    low, high = interval([1.0] * 320 + [0.0] * 80)
    spread = 1.96 * (0.8 * 0.2 / 400) ** 0.5
    assert low == pytest.approx(0.8 - spread, abs=0.006)
    assert high == pytest.approx(0.8 + spread, abs=0.006)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_an_interval_lies_among_the_values_and_is_the_same_every_time(values):
    low, high = interval(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert interval(values) == [low, high]


def test_equal_values_give_an_interval_without_width():
    assert interval([1.0] * 9) == [1.0, 1.0]


def test_questions_without_a_value_do_not_count():
    few = interval([1.0, 0.0, 1.0, 1.0, None, None, None])
    assert few[0] < 0.75 < few[1]
    assert interval([None, None]) is None


def test_no_questions_have_no_intervals():
    assert bootstrap.intervals([]) == {}


def test_measures_are_drawn_together():
    pairs = [{"session": {"a": float(i % 3 == 0), "b": float(i % 3 == 0)}} for i in range(30)]
    found = bootstrap.intervals(pairs)["session"]
    assert found["a"] == found["b"]


def test_many_questions_are_drawn_in_parts(monkeypatch):
    values = [float(i % 4 > 0) for i in range(50)]
    whole = interval(values)
    monkeypatch.setattr(bootstrap, "_DRAWS", 1000)
    assert np.allclose(interval(values), whole, atol=0.03)
