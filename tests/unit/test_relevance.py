"""An answer is told from the nearest noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.relevance import relevance


def test_the_formula() -> None:
    assert relevance(0.5, 0.6) == pytest.approx(0.7773, abs=1e-4)
    assert relevance(0.0, 0.0) == pytest.approx(0.0005, abs=1e-4)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_more_of_either_never_makes_it_less(cosine: float, coverage: float, more: float) -> None:
    base = relevance(cosine, coverage)
    assert 0 <= base <= 1
    assert relevance(cosine + more, coverage) >= base
    assert relevance(cosine, coverage + more) >= base
