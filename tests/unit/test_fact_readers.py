"""What is read from plain sentences, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.facts import _RULES, Reading, is_said, read_facts

MOMENT = datetime(2024, 5, 20, 12, tzinfo=UTC)
SENTENCES = [
    tuple(part.strip() for part in line.rpartition("=>")[::2])
    for line in (Path(__file__).parent / "statements_en.txt").read_text("utf-8").splitlines()
    if "=>" in line and not line.startswith("#")
]


def shown(reading: Reading) -> str:
    return f"{'' if reading.text else '!'}{reading.subject}={reading.value}"


def test_precision_is_95_percent_and_recall_is_told() -> None:
    """Over 660 sentences of our own, nearly half of which state nothing about their writer."""
    right = read = wanted = 0
    wrong = []
    for sentence, told in SENTENCES:
        expected = {part.strip() for part in told.split(";") if part.strip()}
        found = {shown(one) for one in read_facts(sentence, MOMENT)}
        right += len(found & expected)
        read, wanted = read + len(found), wanted + len(expected)
        wrong += [(sentence, found - expected)] if found - expected else []
    print(f"precision {right / read:.3f} of {read}, recall {right / wanted:.3f} of {wanted}")
    assert len(SENTENCES) >= 660
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


def test_a_sentence_may_leave_its_i_out_and_take_things_for_granted() -> None:
    text = "Just moved to Ghent. As a nurse, I work nights. Is my cat Miso too old for that?"
    home, job, pet = read_facts(text, MOMENT)
    assert (home.text, text[home.start : home.stop]) == (
        "User lives in Ghent.",
        "Just moved to Ghent",
    )
    assert (job.text, text[job.start : job.stop]) == ("User works as a nurse.", "As a nurse, I")
    assert pet.text == "User has a cat named Miso."
    assert text[pet.start : pet.stop] == "Is my cat Miso too old for that"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("on 3 June 2024", "on 2024-06-03"),
        ("next week", "between 2024-05-27 and 2024-06-02"),
    ],
)
def test_a_plan_tells_its_day_or_its_first_and_last(when: str, said: str) -> None:
    plan, _ = read_facts(f"I'm planning a trip to Oslo {when}.", MOMENT)
    assert plan.text == f"User plans on a trip to Oslo {said}."


def test_what_is_read_otherwise_is_known_again() -> None:
    found = read_facts("My sister Ida lives in Cork.", MOMENT)
    same = Reading("sister", "Ida", "User's sister is Ida.", 0, 0)
    other = Reading("ida job", "nurse", "Ida is a nurse.", 0, 0)
    elsewhere = Reading("sister", "Ida", "User's sister is Ida.", 60, 60)
    assert [is_said(one, found) for one in (same, other, elsewhere)] == [True, False, False]


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
