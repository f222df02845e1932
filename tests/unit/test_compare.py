"""Two reports side by side: what is paired, what is refused, which questions flipped."""

import json

import pytest

from memory_vault import InvalidInput
from memory_vault.bench import compare, metrics
from memory_vault.bench.metrics import Block, Judged


def row(name, *, place=1, held=1.0, **changes):
    """A question whose only gold session stands at a rank."""
    plain = {
        "type": "plain", "is_abstention": False, "gold_sessions": frozenset({"s"}),
        "gold_turns": frozenset({"t"}),
    }  # fmt: skip
    found = ["x" + str(i) for i in range(place - 1)] + ["s"]
    blocks = {2000: Block(frozenset({"t"} if held else ()), 100)}
    return metrics.row(
        Judged(id=name, sessions=found, turns=["t"], blocks=blocks, **{**plain, **changes})
    )


def report(rows, **changes):
    return {"file": "f.json", "digest": "d", "commit": "c", "questions": rows, **changes}


BEFORE = report([row("a"), row("b", place=7), row("c", held=0), row("old")])
AFTER = report([row("a", place=9), row("b"), row("c"), row("new")])


def test_only_questions_of_both_count():
    found = compare.compare(AFTER, BEFORE)
    assert (found["n"], found["only_before"], found["only_after"]) == (3, 1, 1)


def test_every_measure_has_before_after_and_an_interval():
    found = compare.compare(AFTER, BEFORE)
    held = found["budget"]["2000"]
    assert held["before"] == pytest.approx(2 / 3)
    assert held["after"] == 1
    assert held["difference"] == pytest.approx(1 / 3)
    assert held["interval95"] == [0, 1]
    assert set(found) >= {"session", "turn", "budget", "budget_tokens", "without_abstention"}
    assert found["by_type"]["plain"]["n"] == 3


def test_the_difference_is_paired():
    """Questions that differ much but change alike leave no doubt about the change."""
    before = report([row(str(i), place=1 + 5 * (i % 2)) for i in range(20)])
    found = compare.compare(before, before)["session"]["any@5"]
    assert found["before"] == found["after"] == 0.5
    assert found["interval95"] == [0, 0]


def test_flips_name_the_questions():
    found = compare.compare(AFTER, BEFORE)["flips"]
    assert found["session any@5"] == {"gained": ["b"], "lost": ["a"]}
    assert found["session all@5"] == {"gained": ["b"], "lost": ["a"]}
    assert found["budget 2000"] == {"gained": ["c"], "lost": []}


def test_a_question_without_gold_has_no_difference():
    rows = [row("a", gold_sessions=frozenset(), gold_turns=frozenset())]
    found = compare.compare(report(rows), report(rows))
    assert found["session"]["any@5"]["difference"] is None
    assert found["session"]["any@5"]["interval95"] is None


def test_a_measure_that_one_report_lacks_is_left_out():
    older = json.loads(json.dumps(BEFORE))
    for one in older["questions"]:
        del one["budget"]["2000"]
    found = compare.compare(AFTER, older)
    assert found["budget"] == {}
    assert found["flips"]["budget 2000"] == {"gained": [], "lost": []}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"digest": "other"}, "two data sets"),
        ({"digest": None, "file": "g.json"}, "two data sets"),
        ({"questions": [row("z")]}, "no question in common"),
        ({"questions": [row("a", gold_turns=frozenset({"u"}))]}, "other evidence"),
    ],
)
def test_another_data_set_is_refused(changes, what):
    with pytest.raises(InvalidInput, match=what):
        compare.compare(AFTER, {**BEFORE, **changes})


def test_reports_without_a_digest_are_told_by_their_name():
    assert compare.compare(AFTER, {**BEFORE, "digest": None})["n"] == 3


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"questions": [1]}', '{"questions": [{}]}'])
def test_what_is_no_report_is_refused(text, tmp_path):
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"old\.json"):
        compare.read(path)


def test_a_report_is_read(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(BEFORE))
    assert compare.read(path) == json.loads(json.dumps(BEFORE))
