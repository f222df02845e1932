"""Which times a question speaks of, told from when it is asked.

English only. What a phrase means:

1. Spans are whole days in the zone of asking: "this morning" is today, "last night" yesterday,
   "an hour ago" the day on which that was. Weeks begin on Monday; a weekend is Saturday and Sunday.
2. A time without its year, month or week is the last that began before the asking: "in May", "on
   7 May", "at Easter", "the 3rd"; a weekday lies one to seven days back. "Last" is the last that is
   over, "next" the first to begin after today, "this" the one of now. "A week from Friday" counts
   on from the Friday to come.
3. "Last month" is the calendar month; "the last three weeks", "the past year" and "in the last
   month" reach back from today, today included.
4. "Ago" means the day for days, and for larger units half a unit on each side: "two weeks ago" is 7
   days around, months 31, years 365. A couple is 2 to 3, a few 2 to 5, several 3 to 8.
5. "Around", "almost", "about two weeks ago" widen by half the span on each side, by three days at
   least. "About" before anything but a number widens nothing, nor where it belongs to a verb:
   "What did I say about last May?", "What did we talk about an hour ago?".
6. "Since" and "after" end with today, or with the calendar when they begin later. "Before" and
   "until" begin with the calendar: 0001-01-02. "After" leaves out what it names, "since" and
   "until" hold it.
7. Early, mid and late are thirds: of a month days 1–10, 11–20 and the rest; of a year four months
   each. Seasons are northern: spring is March to May; winter 2022 begins in December 2022.
8. Figures: year first, or day first with dots; with slashes or hyphens month first unless the first
   number exceeds 12. Without a year figures are no date, so "24/7" and "9/11" are none.
9. What the calendar does not know gives nothing: "two weeks after the wedding", "recently",
   "on Mondays", "the summer of my senior year". Nor do holidays of other calendars, nor months and
   seasons that may be names, verbs or things: "What did April say?", "May I", "spring rolls"; nor
   what counts up to a time ("how long until Friday?"), versions, and days that no month has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, tzinfo

from .days import FIRST, LAST, Days, date_of
from .phrases import phrases
from .vocabulary import TRIGGERS, tokenized

__all__ = ["TimeSpan", "read_time_spans"]

_SCAN = 4_000
"""Characters of a question that are looked at: 40 ms at worst."""
_WORDS = re.compile("[a-z]+|[0-9]")


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A time that a text speaks of.

    Attributes:
        start: Its first moment.
        end: The moment after its last.
        text: The words that said it.
    """

    start: datetime
    end: datetime
    text: str


def read_time_spans(text: str, reference: datetime) -> tuple[TimeSpan, ...]:
    """List the times that a question speaks of, in order of appearance.

    Args:
        text: The question, of which the first 4,000 characters are read.
        reference: When it is asked, aware; spans are in its zone.
    """
    head = text[:_SCAN]
    if TRIGGERS.isdisjoint(_WORDS.findall(head.lower())):
        return ()
    minute = reference.hour * 60 + reference.minute
    question = tokenized(head, reference.toordinal(), minute)
    found = []
    for days, first, stop in phrases(question):
        start, end = max(days[0], FIRST), min(days[1], LAST)
        if start < end:
            said = head[question.spans[first][0] : question.spans[stop - 1][1]]
            found.append(_span((start, end), said, reference.tzinfo))
    return tuple(found)


def _span(days: Days, text: str, zone: tzinfo | None) -> TimeSpan:
    start, end = (datetime.combine(date_of(day), time(), zone) for day in days)
    return TimeSpan(start, end, text)
