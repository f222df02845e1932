"""How well "not relevant" and the relevance tell unanswerable questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.bench.abstention import abstention, auroc


def row(is_abstention, is_relevant, relevance=None, turns=()):
    return {
        "abstention": is_abstention, "is_relevant": is_relevant, "relevance": relevance,
        "turn_ranks": dict.fromkeys(turns),
    }  # fmt: skip


ROWS = [
    row(False, True, 0.9, ["t"]), row(False, True, 0.8, ["t"]), row(False, False, 0.3, ["t"]),
    row(True, False, 0.2), row(True, True, 0.8, ["t"]),
]  # fmt: skip


def test_it_counts_what_was_refused():
    assert abstention(ROWS) == {
        "n": 5, "n_abstention": 2, "n_abstention_with_gold": 1, "precision": 0.5, "recall": 0.5,
        "auroc": pytest.approx((3 + 1 + 0.5) / 6),
    }  # fmt: skip


def test_without_flagged_questions_there_is_nothing_to_say():
    assert abstention(ROWS[:3]) is None
    assert abstention([]) is None


def test_nothing_refused_has_no_precision():
    found = abstention([row(False, True), row(True, True)])
    assert found["precision"] is None
    assert found["recall"] == 0


def test_without_relevance_there_is_no_auroc():
    assert abstention([row(False, True, None), row(True, False, None)])["auroc"] is None


shares = st.lists(st.integers(0, 4).map(lambda i: i / 4), min_size=1, max_size=8)


@given(shares, shares)
def test_auroc_counts_pairs(answerable, flagged):
    pairs = [(a > f) + (a == f) / 2 for a in answerable for f in flagged]
    assert auroc(answerable, flagged) == pytest.approx(sum(pairs) / len(pairs))


def test_auroc_of_one_side_alone_is_unknown():
    assert auroc([0.5], []) is None
    assert auroc([], [0.5]) is None
