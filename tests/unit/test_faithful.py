"""What of a text must stand in its source, and what is found missing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_vault import Message
from memory_vault.text.faithful import missing

SOURCE = [
    Message("user", "I met Ada Lovelace yesterday in Lisbon.", datetime(2026, 3, 2, 9, tzinfo=UTC)),
    Message("Caroline", "Dr. O'Brien paid $1,250.50 for twenty-five tickets; see ada@example.com."),
    Message("assistant", "The GDPR talk is on 7 May 2026, at 10:30. You need 3 forms."),
    Message("user", "昨日は友達と映画を見ました。"),
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The user met Ada Lovelace in Lisbon.",
        "On 2026-03-01 the user met Ada Lovelace.",  # "yesterday"
        "In March 2026 they met Ada.",
        "On Monday, March 2, they told that they had met.",
        "Caroline told that O'Brien's tickets cost 1250.50.",
        "O’Brien paid 1250.5 dollars for 25 tickets.",
        "There were twenty-five tickets.",
        "The assistant said that the GDPR talk is on May 7th at 10:30.",
        "A talk takes place on 2026-05-07.",
        "Three forms are needed.",
        "The address is ada@example.com.",
        "I was in Lisbon. In 2026 I met Ada.",
        "昨日は友達と映画を見ました。",
    ],
)
def test_what_stands_in_the_source_is_not_missing(text: str) -> None:
    assert missing(text, SOURCE) == ()


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("The user met Grace in Lisbon.", ("grace",)),
        ("Grace met the user.", ("grace",)),
        ("The user met Ada O'Brien.", ("ada o'brien",)),
        ("The user moved to Porto, Lisbon.", ("porto",)),
        ("They paid 1,251 for it.", ("1251",)),
        ("They paid 1250.5 for twenty tickets.", ("20",)),
        ("They have two dogs.", ("2",)),
        ("They met on 2026-03-04.", ("2026-03-04",)),
        ("They met on March 7.", ("March 7",)),  # both words stand there, the day does not
        ("They met on 2 May 2026.", ("2 May 2026",)),
        ("The talk is in June 2026.", ("june", "June 2026")),
        ("The talk is on Friday.", ("friday",)),
        ("The talk is in 2027.", ("2027",)),
        ("The address is bob@example.com.", ("bob@example.com",)),
        ("It is at https://evil.example/x now.", ("https://evil.example/x",)),
        ("Write to them.", ("write",)),  # it may be a name
        ("彼は東京に住んでいます。", ("彼は東京に住んでいます",)),
        ("The user met МАША.", ("маша",)),
        ("They got 5 forms, and 5 more.", ("5",)),
    ],
)
def test_what_does_not_stand_there_is_named(text: str, lost: tuple[str, ...]) -> None:
    assert missing(text, SOURCE) == lost


@pytest.mark.parametrize(
    ("said", "day", "is_known"),
    [
        ("We met yesterday.", "2026-05-07", True),
        ("We met 3 days ago.", "2026-05-05", True),
        ("I fly tomorrow.", "2026-05-09", True),
        ("It was last night.", "2026-05-07", True),
        ("We meet on Monday.", "2026-05-04", False),
        ("We meet on Monday.", "2026-05-11", False),
        ("We meet on 9 May.", "2025-05-09", False),
        ("We met last week.", "2026-05-01", False),
        ("We met.", "2026-05-08", True),
    ],
)
def test_a_day_is_known_when_it_can_only_be_that_one(said: str, day: str, is_known: bool) -> None:
    source = [Message("user", said, datetime(2026, 5, 8, 20, tzinfo=UTC))]
    assert (missing(f"It is about {day}.", source) == ()) is is_known


def test_a_text_of_its_own_words_misses_nothing() -> None:
    for one in SOURCE:
        assert missing(one.content, SOURCE) == ()


SAID = """Ada Lisbon tea the and 7 1,200 3.50 May 2026-05-07 twenty five Monday O'Brien 漢字 met on
2027 a@b.org 12 March half — . , !"""
WORDS = st.sampled_from([*SAID.split(), "\n"])
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
MOMENTS = st.none() | st.datetimes(
    datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)
)
MESSAGES = st.builds(Message, st.sampled_from(["user", "Zoë"]), TEXTS, MOMENTS)


@settings(deadline=None, max_examples=60)
@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_what_is_copied_is_faithful(messages: list[Message]) -> None:
    for one in messages:
        assert missing(one.content, messages) == ()


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.lists(MESSAGES, max_size=2), MESSAGES)
def test_more_source_never_loses_more(text: str, source: list[Message], more: Message) -> None:
    assert set(missing(text, [*source, more])) <= set(missing(text, source))


@settings(deadline=None, max_examples=40)
@given(TEXTS, TEXTS, st.lists(MESSAGES, max_size=2))
def test_a_strange_name_is_found_wherever_it_stands(
    before: str, after: str, source: list[Message]
) -> None:
    text = f"{before} . Xanthippe , {after}"
    assert any("xanthippe" in one for one in missing(text, source))


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_is_too_odd(text: str, source: str) -> None:
    found = missing(text, [Message("user", source, datetime(2026, 1, 1, tzinfo=UTC))])
    assert all(isinstance(one, str) for one in found)
    assert missing(source, [Message("user", source)]) is not None
