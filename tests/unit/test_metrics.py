"""The measures of retrieval, against hand-counted examples and against their definitions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.bench import metrics
from memory_vault.bench.metrics import Block, Judged

RANKED = ["a", "b", "c", "d", "e", "f"]


def judged(**changes) -> Judged:
    values = {
        "id": "q1",
        "type": "plain",
        "is_abstention": False,
        "gold_sessions": frozenset({"b", "z"}),
        "gold_turns": frozenset({"b:1"}),
        "sessions": RANKED,
        "turns": ["a:1", "b:1"],
        "blocks": {500: Block(frozenset({"b:1"}), 321)},
    }
    return Judged(**(values | changes))


def test_any_all_and_frac_count_gold_in_the_first_k():
    gold = frozenset({"b", "d"})
    assert [metrics.any_at(RANKED, gold, k) for k in (1, 2, 4)] == [0, 1, 1]
    assert [metrics.all_at(RANKED, gold, k) for k in (1, 2, 4)] == [0, 0, 1]
    assert [metrics.frac_at(RANKED, gold, k) for k in (1, 2, 4)] == [0, 0.5, 1]


def test_ndcg_of_a_perfect_order_is_one():
    assert metrics.ndcg_at(RANKED, frozenset({"a", "b"}), 10) == pytest.approx(1)


def test_ndcg_is_normalised_over_all_gold_also_what_was_not_found():
    found = metrics.ndcg_at(["a"], frozenset({"a", "missing"}), 10)
    assert found == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_ndcg_discounts_by_rank():
    assert metrics.ndcg_at(["x", "y", "a"], frozenset({"a"}), 10) == pytest.approx(0.5)
    assert metrics.ndcg_at(["x", "y", "a"], frozenset({"a"}), 2) == 0


@given(
    ranked=st.lists(st.integers(0, 20).map(str), unique=True),
    gold=st.frozensets(st.integers(0, 20).map(str), min_size=1),
    k=st.integers(1, 12),
)
def test_every_measure_is_a_share_and_grows_with_k(ranked, gold, k):
    for measure in (metrics.any_at, metrics.all_at, metrics.frac_at):
        assert 0 <= measure(ranked, gold, k) <= measure(ranked, gold, k + 1) <= 1
    assert 0 <= metrics.ndcg_at(ranked, gold, k) <= 1 + 1e-12
    assert metrics.all_at(ranked, gold, k) <= metrics.frac_at(ranked, gold, k)
    assert metrics.frac_at(ranked, gold, k) <= metrics.any_at(ranked, gold, k)


def test_sessions_are_ranked_by_their_best_evidence():
    assert metrics.unique(["s2", "s1", "s2", "s3", "s1"]) == ["s2", "s1", "s3"]


def test_ranks_start_at_one_and_tell_what_was_not_found():
    assert metrics.ranks(RANKED, {"c", "z"}) == {"c": 3, "z": None}


def test_score_names_every_measure():
    found = metrics.score(judged())
    assert set(found["session"]) == {
        *(f"{kind}@{k}" for kind in ("any", "all", "frac") for k in (1, 3, 5, 10)),
        "ndcg@10",
    }
    assert found["turn"] == {"frac@5": 1, "frac@10": 1}
    assert found["budget"] == {"500": 1}
    assert found["budget_tokens"] == {"500": 321}


def test_a_question_without_gold_is_skipped_for_its_measure_only():
    rows = [judged(), judged(gold_turns=frozenset(), gold_sessions=frozenset({"a"}))]
    found = metrics.summary([metrics.row(one) for one in rows])
    assert found["n"] == 2
    assert found["n_with_gold_turns"] == 1
    assert found["turn"]["frac@5"] == 1
    assert found["session"]["any@1"] == 0.5


def test_summary_splits_by_type_and_by_abstention():
    rows = [judged(), judged(type="other", is_abstention=True)]
    found = metrics.summary([metrics.row(one) for one in rows])
    assert found["without_abstention"]["n"] == 1
    assert {kind: part["n"] for kind, part in found["by_type"].items()} == {"other": 1, "plain": 1}


def test_summary_of_nothing_is_empty():
    assert metrics.summary([])["n"] == 0


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.95, 3.0), ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
     ([float(i) for i in range(1, 101)], 0.95, 95.0)],
)  # fmt: skip
def test_percentile_is_the_nearest_rank(values, share, expected):
    assert metrics.percentile(values, share) == expected
