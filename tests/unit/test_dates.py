"""Which times a question speaks of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_vault.text.dates import TimeSpan, read_time_spans
from memory_vault.text.dates.phrases import phrases
from memory_vault.text.dates.vocabulary import MONTHS, TRIGGERS, Question, tokenized

ASKED = datetime(2023, 5, 25, 14, 30, tzinfo=UTC)
"""A Thursday."""
SAMPLE = json.loads(
    (Path(__file__).parents[2] / "benchmarks/date_questions.json").read_text(encoding="utf-8")
)
KNOWN_FALSE_ALARMS = {"Which band played September?"}


def days(text: str, asked: datetime = ASKED) -> list[str]:
    """The spans of a text, each as "first day/day after the last"."""
    return [f"{one.start.date()}/{one.end.date()}" for one in read_time_spans(text, asked)]


@pytest.mark.parametrize("half", [1, 2])
def test_the_sample_of_the_benchmark_is_read_as_it_says(half: int) -> None:
    wrong = {
        one["text"]
        for one in SAMPLE["questions"]
        if one["half"] == half
        and days(one["text"], datetime.fromisoformat(SAMPLE["asked"][one["asked"]]))
        != ["/".join(span) for span in one["spans"]]
    }
    assert wrong <= KNOWN_FALSE_ALARMS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # months: the last that began
        ("What happened in May?", "2023-05-01/2023-06-01"),
        ("What happened in June?", "2022-06-01/2022-07-01"),
        ("how far did we march in march", "2023-03-01/2023-04-01"),
        ("as of May 2023", "2023-05-01/2023-06-01"),
        ("last May", "2022-05-01/2022-06-01"),
        ("this May", "2023-05-01/2023-06-01"),
        ("next May", "2024-05-01/2024-06-01"),
        ("in 2023-05", "2023-05-01/2023-06-01"),
        ("in 05/2023", "2023-05-01/2023-06-01"),
        # days
        ("on 25 May", "2023-05-25/2023-05-26"),
        ("on 26 May", "2022-05-26/2022-05-27"),
        ("on 29 Feb", "2020-02-29/2020-03-01"),
        ("on Tuesday, May 9, 2023", "2023-05-09/2023-05-10"),
        ("on the 5th of last month", "2023-04-05/2023-04-06"),
        ("31/12/2022", "2022-12-31/2023-01-01"),
        ("12/31/2022", "2022-12-31/2023-01-01"),
        ("12.10.2022", "2022-10-12/2022-10-13"),
        ("2023-05-07T10:00:00Z", "2023-05-07/2023-05-08"),
        # weekdays: one to seven days back
        ("on Thursday", "2023-05-18/2023-05-19"),
        ("What did I say in Monday's meeting?", "2023-05-22/2023-05-23"),
        ("What did I do Saturday?", "2023-05-20/2023-05-21"),
        ("this Friday", "2023-05-26/2023-05-27"),
        ("the first Monday of May", "2023-05-01/2023-05-02"),
        # weeks, weekends, years, decades
        ("next week", "2023-05-29/2023-06-05"),
        ("this weekend", "2023-05-27/2023-05-29"),
        ("over the weekend", "2023-05-20/2023-05-22"),
        ("the weekend before Christmas", "2022-12-17/2022-12-19"),
        ("the week after Easter", "2023-04-10/2023-04-17"),
        ("the last week of May 2022", "2022-05-25/2022-06-01"),
        ("in the first two weeks of May", "2023-05-01/2023-05-15"),
        ("in the 90s", "1990-01-01/2000-01-01"),
        ("the early 1990s", "1990-01-01/1993-05-01"),
        ("summer of '69", "1969-06-01/1969-09-01"),
        ("winter 2021", "2021-12-01/2022-03-01"),
        # ago, and up to now
        ("three hours ago", "2023-05-25/2023-05-26"),
        ("half a year ago", "2022-11-10/2022-12-11"),
        ("a year ago today", "2022-05-25/2022-05-26"),
        ("one or two months ago", "2023-03-10/2023-05-11"),
        ("twenty-one days ago", "2023-05-04/2023-05-05"),
        ("three days from now", "2023-05-28/2023-05-29"),
        ("in the last 24 hours", "2023-05-24/2023-05-26"),
        ("in the last week", "2023-05-18/2023-05-26"),
        ("in the next two weeks", "2023-05-25/2023-06-09"),
        # one time inside another
        ("What did I buy at Christmas last year?", "2022-12-25/2022-12-26"),
        ("since May last year", "2022-05-01/2023-05-26"),
        ("between May and June last year", "2022-05-01/2022-07-01"),
        ("last week on Tuesday", "2023-05-16/2023-05-17"),
        ("on Tuesday of last week", "2023-05-16/2023-05-17"),
        ("in 2021 in May", "2021-05-01/2021-06-01"),
        ("around Christmas last year", "2022-12-22/2022-12-29"),
        ("on Sunday the 14th", "2023-05-14/2023-05-15"),
        ("the summer before last", "2021-06-01/2021-09-01"),
        ("the week starting 8 May", "2023-05-08/2023-05-15"),
        # parts
        ("the end of the year", "2023-09-01/2024-01-01"),
        ("the middle of next month", "2023-06-11/2023-06-21"),
        ("the last days of May", "2023-05-21/2023-06-01"),
        ("the last quarter of 2022", "2022-10-01/2023-01-01"),
        ("the last half of 2022", "2022-07-01/2023-01-01"),
        # ranges and open sides
        ("on May 5-7", "2023-05-05/2023-05-08"),
        ("between May 5 and 10", "2023-05-05/2023-05-11"),
        ("between October and March", "2022-10-01/2023-04-01"),
        ("from May 2021 to March", "2021-05-01/2022-04-01"),
        ("from March to now", "2023-03-01/2023-05-26"),
        ("May 2022 to March 2023", "2022-05-01/2023-04-01"),
        ("after next Friday", "2023-05-27/9999-12-31"),
        ("until yesterday", "0001-01-02/2023-05-25"),
        ("How many weeks since May 5?", "2023-05-05/2023-05-06"),
        # offsets from days that the calendar knows
        ("two weeks after Christmas", "2023-01-05/2023-01-12"),
        ("two days after the last day of April", "2023-05-02/2023-05-03"),
        ("in last weekend before April 10, 2023", "2023-04-08/2023-04-10"),
        # words that widen
        ("around the end of March 2023", "2023-03-16/2023-04-06"),
        ("over a month ago", "2023-03-26/2023-05-26"),
        ("What did I say about last May?", "2022-05-01/2022-06-01"),
    ],
)
def test_a_time_is_read(text: str, expected: str) -> None:
    assert days(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "May I ask you something? It may be long.",
        "May 5 people come?",
        "Did April, June or August call before May left?",
        "I think since June moved in, may be before april left",
        "Do we march 5 miles? The first may come, the second may not, and 12 may stay.",
        "What changed in Python 3.11.2 and 2023.1?",
        "Is +44 20 7946 0018 or 555-2023-05 the number?",
        "I paid $2022 and €12.50 for order #2023-05-07 or A2023-05-07.",
        "Is it open 24/7? What about 9/11 and a 3/4 cup?",
        "13/13/2022, 2023-13-01, 31 June, 0 May and 99 May",
        "Mid-life, spring roll, fall asleep, last name, last time, Spring Boot in fall colours",
        "the last week of school, my last day, every last Friday, each Monday, on Mondays",
        "a while ago, years ago, recently, lately, one day, someday, since then, before long",
        "How many days until Christmas?",
        "Do I like Wednesday Addams, Easter eggs or Christmas trees?",
        "a budget of 2000, in 2000 words, after 2000 steps, at 1820 Elm Street",
        "Give me a second, a minute, an hour, the day off.",
        "",
        "昨日何をしましたか 5月7日",
    ],
)
def test_what_is_no_time_is_left_alone(text: str) -> None:
    assert days(text) == []


LATER = datetime(2026, 11, 26, 15, tzinfo=UTC)
"""A Thursday as well."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what is said after a unit narrows it, unless the unit is a part of that
        ("last year in summer", "2025-06-01/2025-09-01"),
        ("What happened last year in March?", "2025-03-01/2025-04-01"),
        ("last year in May", "2025-05-01/2025-06-01"),
        ("last year in the first week of may", "2025-05-01/2025-05-08"),
        ("last year in early May", "2025-05-01/2025-05-11"),
        ("the last week in May", "2026-05-25/2026-06-01"),
        ("last week in May", "2026-05-25/2026-06-01"),
        ("the last quarter in 2024", "2024-10-01/2025-01-01"),
        ("Easter last year, where were we?", "2025-04-20/2025-04-21"),
        ("May of last year", "2025-05-01/2025-06-01"),
        ("the summer of last year", "2025-06-01/2025-09-01"),
        ("Monday last week, what did I do?", "2026-11-16/2026-11-17"),
        # counted on
        ("a week from Friday", "2026-12-04/2026-12-05"),
        ("two weeks from tomorrow", "2026-12-11/2026-12-12"),
        ("a month from today", "2026-12-26/2026-12-27"),
        ("a week from next Monday", "2026-12-07/2026-12-08"),
        ("two days from the 5th of May", "2026-05-05/2026-05-06"),
        # weekends
        ("this past weekend", "2026-11-21/2026-11-23"),
        ("over the past weekend", "2026-11-21/2026-11-23"),
        ("the past two weekends", "2026-11-12/2026-11-27"),
        ("the coming weekend", "2026-11-28/2026-11-30"),
        ("this coming weekend", "2026-11-28/2026-11-30"),
        ("this past week", "2026-11-19/2026-11-27"),
        # pairs and ranges
        ("may 5 and 6, 2025", "2025-05-05/2025-05-07"),
        ("on May 5 and 6", "2026-05-05/2026-05-07"),
        ("from Jan - Mar 2024", "2024-01-01/2024-04-01"),
        ("from April to June", "2026-04-01/2026-07-01"),
        ("on 3.4.2024", "2024-04-03/2024-04-04"),
        # about
        ("what did we talk about an hour ago", "2026-11-26/2026-11-27"),
        ("What did I tell you about three days ago?", "2026-11-23/2026-11-24"),
        ("What did I do about three days ago?", "2026-11-20/2026-11-27"),
        ("Where did I meet you about three days ago?", "2026-11-20/2026-11-27"),
        # until without a count
        ("How long did I work there until May?", "0001-01-02/2026-06-01"),
        ("How much did I have until May?", "0001-01-02/2026-06-01"),
        # decades, halves, winters
        ("in the early 90s", "1990-01-01/1993-05-01"),
        ("in the late 90s", "1996-09-01/2000-01-01"),
        ("in the nineties", "1990-01-01/2000-01-01"),
        ("in the late eighties", "1986-09-01/1990-01-01"),
        ("H1 2024", "2024-01-01/2024-07-01"),
        ("in H2", "2026-07-01/2027-01-01"),
        ("winter 2021/22", "2021-12-01/2022-03-01"),
        ("the winter of 2021-2022", "2021-12-01/2022-03-01"),
        # ago
        ("two fridays ago", "2026-11-13/2026-11-14"),
        ("two Thursdays ago", "2026-11-12/2026-11-13"),
        ("a couple of Fridays ago", "2026-11-06/2026-11-14"),
        ("two and a half years ago", "2023-11-26/2024-11-25"),
        ("1.5 years ago", "2024-11-25/2025-11-25"),
        ("2h ago", "2026-11-26/2026-11-27"),
        ("in the last 24h", "2026-11-25/2026-11-27"),
        ("6 mos ago", "2026-05-11/2026-06-11"),
        ("the night before last", "2026-11-24/2026-11-25"),
    ],
)
def test_a_time_is_read_late_in_the_year(text: str, expected: str) -> None:
    assert days(text, LATER) == [expected]


def test_the_coming_weekend_on_a_saturday_is_the_next() -> None:
    assert days("the coming weekend", datetime(2026, 11, 28, tzinfo=UTC)) == [
        "2026-12-05/2026-12-07"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "how long until Friday? how long till christmas, how long is it until monday",
        "how much time until monday, how many sleeps until christmas",
        "How many days are left until May 5, 2027?",
        "how much longer do we have to go until Friday",
        "two weeks from the wedding",
        "What changed in release 2025.10.1, version 3.4.2024 and v 2025.10.1?",
        "in the summer of my senior year, in May of that year, the spring of our first year",
        "on the 31st of February",
        "in my late 20s, the low 90s, his forties, she is in her early thirties",
        "the last 3d model, 2h tape, use h1 headings in h2",
        "two and a half men, 1.5 miles ago, two fridays",
    ],
)
def test_what_only_looks_like_a_time_is_left_alone(text: str) -> None:
    assert days(text, LATER) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on the 5th and 6th of may", ["2026-05-05/2026-05-06", "2026-05-06/2026-05-07"]),
        ("the 5th, 7th and 9th of May", [f"2026-05-0{n}/2026-05-{n + 1:02}" for n in (5, 7, 9)]),
        ("5 and 6 may 2025", ["2025-05-05/2025-05-06", "2025-05-06/2025-05-07"]),
        ("5 and 6 people in May", ["2026-05-01/2026-06-01"]),
        ("It may last year after year.", ["2025-01-01/2026-01-01"]),
        ("Did prices fall last year?", ["2025-01-01/2026-01-01"]),
        ("Did June call last week?", ["2026-11-16/2026-11-23"]),
    ],
)
def test_days_share_the_month_of_the_last_and_verbs_are_none(
    text: str, expected: list[str]
) -> None:
    assert days(text, LATER) == expected


@pytest.mark.parametrize(
    "text",
    [
        "two weeks after the wedding",
        "the day before the exam",
        "since the move",
        "three months before I met her",
        "between the wedding and the move",
        "until the baby came",
        "the following week, the next day, later that year",
    ],
)
def test_what_is_told_from_an_event_has_no_date(text: str) -> None:
    assert days(text) == []


def test_times_come_in_order_with_the_words_that_said_them() -> None:
    found = read_time_spans("Was it in May 2021, yesterday, or the week before last?", ASKED)
    assert [one.text for one in found] == ["in May 2021", "yesterday", "the week before last"]


def test_a_list_of_months_gives_each() -> None:
    assert days("in March and April, or on Monday or Tuesday") == [
        "2023-03-01/2023-04-01",
        "2023-04-01/2023-05-01",
        "2023-05-22/2023-05-23",
        "2023-05-23/2023-05-24",
    ]


def test_days_are_those_of_the_zone_of_asking() -> None:
    zone = ZoneInfo("America/New_York")
    span = read_time_spans("What did I do today?", datetime(2023, 3, 12, 23, tzinfo=zone))[0]
    assert span == TimeSpan(
        datetime(2023, 3, 12, tzinfo=zone), datetime(2023, 3, 13, tzinfo=zone), "today"
    )
    assert (span.start.utcoffset(), span.end.utcoffset()) == (
        timedelta(hours=-5),
        timedelta(hours=-4),
    )


@pytest.mark.parametrize("year", [1, 9999])
def test_at_the_ends_of_the_calendar_spans_are_cut(year: int) -> None:
    asked = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, tzinfo=UTC)
    text = "last decade, next decade, 9999 years ago, the last 9999 decades, since last year"
    for one in read_time_spans(text, asked):
        assert one.start < one.end
        one.start.astimezone(timezone(timedelta(hours=23)))
        one.end.astimezone(timezone(timedelta(hours=-23)))


MORE_WORDS = """
the a of in on since before after until between and to last next this early late mid - , ' end few
couple half two ago around first 5th 2023 9999 0 31 5-7 2022-2 99999999999 1.1.0001 1990s q3 every
"""
WORDS = sorted(TRIGGERS.union(MORE_WORDS.split()))
ZONES = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
REFERENCES = st.datetimes(timezones=ZONES | st.sampled_from([UTC, ZoneInfo("Asia/Tokyo")]))
TEXTS = st.text() | st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(TEXTS, REFERENCES)
def test_any_text_is_read_without_error(text: str, asked: datetime) -> None:
    found = read_time_spans(text, asked)
    assert found == read_time_spans(text, asked)
    for one in found:
        assert one.start < one.end
        assert one.start.tzinfo is asked.tzinfo
        assert one.text in text
        one.start.astimezone(UTC)
        one.end.astimezone(UTC)


class Counting(list[str]):
    """A list that counts how often it is read."""

    reads = 0

    def __getitem__(self, at):
        self.reads += 1
        return super().__getitem__(at)


def reads(text: str) -> int:
    """How often tokens are looked at."""
    plain = tokenized(text, ASKED.toordinal(), 0)
    words = Counting(plain.words)
    list(phrases(Question(words, plain.raw, plain.spans, plain.today, plain.minute)))
    return words.reads


@pytest.mark.parametrize(
    "part",
    [
        "may ",
        "1 ",
        "May 5 to ",
        "the end of ",
        "early mid late ",
        "a couple of weeks before ",
        "the day before the first week of ",
        "between May and ",
        "twenty-",
        "Tuesday, ",
        "5th and ",
        "how long is it until ",
        "last year in the first week of ",
    ],
)
def test_work_grows_with_the_length_of_a_text_alone(part: str) -> None:
    once, twice = reads(part * 200), reads(part * 400)
    assert twice <= 2.1 * once
    assert twice <= 400 * len(part.split()) * 250


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert len(read_time_spans("yesterday " * 10_000, ASKED)) == 400


def test_every_month_is_known_by_its_names() -> None:
    for word, number in MONTHS.items():
        assert days(f"on {word.title()} 3, 2021") == [f"2021-{number:02}-03/2021-{number:02}-04"]
