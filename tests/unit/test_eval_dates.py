"""Dates of evaluation files, and the order of saving and asking that they lead to."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault import InvalidInput
from memory_vault.bench import eval_file
from memory_vault.bench.eval_dates import parse
from memory_vault.bench.eval_file import Place, Question, plan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023/05/20 (Sat) 02:21", datetime(2023, 5, 20, 2, 21, tzinfo=UTC)),
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ("12:09 am on 13 September, 2023", datetime(2023, 9, 13, 0, 9, tzinfo=UTC)),
        ("12:30 PM on 1 January 2024", datetime(2024, 1, 1, 12, 30, tzinfo=UTC)),
        ("2025-12-15 (Monday)", datetime(2025, 12, 15, tzinfo=UTC)),
        ("2025-12-15", datetime(2025, 12, 15, tzinfo=UTC)),
        ("2025-12-15T08:30:00", datetime(2025, 12, 15, 8, 30, tzinfo=UTC)),
        ("2025-12-15T08:30:00+02:00", datetime(2025, 12, 15, 6, 30, tzinfo=UTC)),
    ],
)
def test_known_forms(text, expected):
    assert parse(text) == expected
    assert parse(f"  {text} ").tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2023/13/01", "2023-02-30", "25:00 pm on 8 May, 2023",
             "0:10 am on 8 May, 2023", "1:00 pm on 8 Smarch, 2023"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidInput, match="date"):
        parse(text)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_iso_comes_back(moment):
    assert parse(moment.isoformat()) == moment.replace(tzinfo=UTC)


def question(name: str, *places: Place) -> Question:
    return Question(name, "t", "?", frozenset(places), places, frozenset(), frozenset(), False)


A, B, C = (Place(name, f"2024-01-0{day}", name) for name, day in (("a", 3), ("b", 2), ("c", 1)))


def test_questions_that_share_a_conversation_share_one_chain():
    chains = plan([question("q1", A, B), question("q2", B, A)])
    assert len(chains) == 1
    assert [[q.id for q in step.questions] for step in chains[0].steps] == [["q1", "q2"]]


def test_sessions_are_saved_in_order_of_time():
    (chain,) = plan([question("q", A, B, C)])
    assert chain.steps[0].places == (C, B, A)


def test_growing_haystacks_save_each_session_once():
    chains = plan([question("all", A, B, C), question("one", C), question("two", C, B)])
    assert len(chains) == 1
    steps = [(step.places, [q.id for q in step.questions]) for step in chains[0].steps]
    assert steps == [((C,), ["one"]), ((B,), ["two"]), ((A,), ["all"])]


def test_different_haystacks_have_different_users():
    assert len(plan([question("q1", A), question("q2", B)])) == 2


def test_a_question_without_haystack_is_asked_of_an_empty_user():
    assert [q.id for q in plan([question("q")])[0].steps[0].questions] == ["q"]


@given(st.lists(st.frozensets(st.sampled_from([A, B, C])), max_size=8))
def test_every_question_meets_exactly_its_haystack(haystacks):
    questions = [question(str(i), *places) for i, places in enumerate(haystacks)]
    asked = []
    for chain in plan(questions):
        held = []
        for step in chain.steps:
            held.extend(step.places)
            asked.extend(q.id for q in step.questions)
            assert all(set(held) == q.haystack for q in step.questions)
        assert len(held) == len(set(held))
    assert sorted(asked) == sorted(q.id for q in questions)


def test_done_questions_are_not_asked_and_leave_no_session_that_nobody_needs():
    questions = [question("all", A, B, C), question("one", C), question("two", C, B)]
    (chain,) = plan(questions, {"one", "all"})
    steps = [(step.places, [q.id for q in step.questions]) for step in chain.steps]
    assert steps == [((C,), []), ((B,), ["two"])]
    assert len(chain) == 3
    assert plan(questions, {"one", "two", "all"}) == []


def test_embedding_ahead_covers_each_session_once():
    places = tuple(Place(str(i), f"2024-01-01T00:{i:02}", str(i)) for i in range(30))
    (chain,) = plan([question("q", *places), question("r", *places[:5])])
    ahead = chain.ahead()
    assert [one for some in ahead.values() for one in some] == list(places)
    assert all(some[0] == first for first, some in ahead.items())


@pytest.mark.parametrize(
    ("asked_at", "places", "expected"),
    [
        ("2024-02-01", (A, B), datetime(2024, 2, 1, tzinfo=UTC)),
        ("2024-01-01", (B, A, C), datetime(2024, 1, 3, tzinfo=UTC)),
        (None, (A, C), datetime(2024, 1, 3, tzinfo=UTC)),
        (None, (), None),
        ("2024-02-01", (A, Place("d", None, "d")), None),
    ],
    ids=["as the file says", "never before a session", "after the last session", "unknown",
         "a session without a date"],
)  # fmt: skip
def test_when_a_question_is_asked(asked_at, places, expected):
    assert eval_file.asking_time(asked_at, places) == expected


def test_limit_spreads_evenly():
    file = eval_file.EvalFile("x", {}, tuple(question(str(i)) for i in range(10)))
    assert [q.id for q in file.limited(3).questions] == ["0", "3", "6"]
    assert file.limited(None) is file
    assert file.limited(99) is file
    with pytest.raises(InvalidInput):
        file.limited(0)


@pytest.mark.parametrize(
    "data", [[], {}, {"format": "other"}, {"format": "memory-eval/1"},
             {"format": "memory-eval/1", "sessions": {}, "questions": [
                 {"id": "q", "type": "t", "question": "?", "haystack": [["s", None, "gone"]],
                  "gold_sessions": [], "gold_turns": []}]},
             {"format": "memory-eval/1", "sessions": {}, "questions": [
                 {"id": "twice", "type": "t", "question": "?", "haystack": [],
                  "gold_sessions": [], "gold_turns": []}] * 2}],
)  # fmt: skip
def test_unsound_files_are_refused(tmp_path, data):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InvalidInput):
        eval_file.read(path)


def test_the_digest_is_that_of_the_content_packed_or_not(tmp_path):
    raw = json.dumps({"format": "memory-eval/1", "sessions": {}, "questions": []}).encode()
    (tmp_path / "x.json").write_bytes(raw)
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "y.json").write_bytes(raw + b" ")
    names = ("x.json", "x.json.gz", "y.json")
    x, packed, y = (eval_file.read(tmp_path / name).digest for name in names)
    assert x == packed != y


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InvalidInput):
        eval_file.read(tmp_path / "missing")
    (tmp_path / "cut.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(InvalidInput):
        eval_file.read(tmp_path / "cut.gz")
