"""What is read from plain sentences, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.facts import _RULES, Reading, read_facts

MOMENT = datetime(2024, 5, 20, 12, tzinfo=UTC)
SENTENCES = [
    tuple(part.strip() for part in line.rpartition("=>")[::2])
    for line in (Path(__file__).parent / "statements_en.txt").read_text("utf-8").splitlines()
    if "=>" in line and not line.startswith("#")
]


def shown(reading: Reading) -> str:
    return f"{'' if reading.text else '!'}{reading.subject}={reading.value}"


def test_precision_is_95_percent_and_recall_is_told() -> None:
    """Over 380 sentences of our own, half of which state nothing about their writer."""
    right = read = wanted = 0
    wrong = []
    for sentence, told in SENTENCES:
        expected = {part.strip() for part in told.split(";") if part.strip()}
        found = {shown(one) for one in read_facts(sentence, MOMENT)}
        right += len(found & expected)
        read, wanted = read + len(found), wanted + len(expected)
        wrong += [(sentence, found - expected)] if found - expected else []
    print(f"precision {right / read:.3f} of {read}, recall {right / wanted:.3f} of {wanted}")
    assert len(SENTENCES) >= 300
    assert right / read >= 0.95, wrong
    assert right / wanted >= 0.95


def test_what_is_said_of_others_or_in_play_is_not_read() -> None:
    """One by one, what costs most when it is wrong."""
    for sentence in (
        "My friend says he loves coffee.",
        "If I lived in Berlin, I would cycle more.",
        "Write a story: I live in a castle in Scotland.",
        "I love paying taxes /s",
        "She said I live in Rome.",
        "> I live in Madrid.",
    ):
        assert read_facts(sentence, MOMENT) == ()


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("I moved to Oslo in March 2023.", datetime(2023, 3, 1, tzinfo=UTC)),
        ("I moved to Oslo two days ago.", datetime(2024, 5, 18, tzinfo=UTC)),
        ("I've lived in Oslo since 2015.", datetime(2015, 1, 1, tzinfo=UTC)),
        ("I moved to Oslo.", None),
        ("I live in Oslo.", None),
        ("I moved to Oslo in March 2023, not in May 2022.", None),
    ],
)
def test_a_time_in_the_clause_dates_it(text: str, since: datetime | None) -> None:
    (found,) = read_facts(text, MOMENT) or (None,)
    assert found is None or (found.text, found.since) == ("User lives in Oslo.", since)
    assert found is not None or "not in" in text


def test_what_lies_ahead_dates_a_plan_and_nothing_else() -> None:
    assert read_facts("I moved to Oslo next week.", MOMENT) == ()
    assert read_facts("I'm flying to Oslo on 3 May 2024.", MOMENT) == ()
    plan, over = read_facts("I'm flying to Oslo on 3 June 2024.", MOMENT)
    assert plan.text == "User plans on flying to Oslo on 2024-06-03."
    assert (over.text, over.value, over.since) == ("", plan.value, datetime(2024, 6, 4, tzinfo=UTC))


def test_spans_show_the_clause_and_who_is_named() -> None:
    text = "Good morning! I'm a nurse, and I live in Ghent."
    job, home = read_facts(text, MOMENT, who="Ada")
    assert (job.text, text[job.start : job.stop]) == ("Ada works as a nurse.", "I'm a nurse")
    assert (home.text, text[home.start : home.stop]) == ("Ada lives in Ghent.", "I live in Ghent")


def test_long_texts_and_code_are_not_read() -> None:
    said = "I live in Ghent. "
    assert read_facts(said + "x " * 3_000, MOMENT) == ()
    assert read_facts(said + "```\nprint()\n```", MOMENT) == ()
    assert len(read_facts("x. " * 600 + said, MOMENT)) == 1
    assert read_facts("x. " * 700 + said, MOMENT) == ()


_WORDS = st.sampled_from(
    [
        *("I", "my", "am", "not", "like", "love", "live", "in", "work", "at", "Berlin", "Ann,"),
        *("and", "but", "if", "?", ".", "!", '"', "'", ";", "\n", "since", "2019", "used", "to"),
        *("have", "a", "dog", "named", "the", "moved", "from", "-", ":", "don't", "any", "more"),
    ]
)


@given(st.one_of(st.text(), st.lists(_WORDS, max_size=40).map(" ".join)))
def test_any_text_can_be_read_and_spans_lie_within_it(text: str) -> None:
    for one in read_facts(text, MOMENT):
        assert 0 <= one.start < one.stop <= len(text)
        assert one.subject
        assert one.subject == one.subject.lower()
        assert one.text or one.since is None or one.since.tzinfo is not None


def test_every_pattern_can_be_made() -> None:
    """They are made when they are first needed, which may be late."""
    assert all(one.pattern.pattern and one.hints for one in _RULES)
