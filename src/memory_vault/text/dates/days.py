"""The calendar as day numbers: spans, months, seasons and holidays, clamped and without overflow.

A day is its proleptic ordinal, 0001-01-01 being 1; a span is (first day, day after the last).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, date

Days = tuple[int, int]
"""First day, and the day after the last."""
FIRST: int = date(1, 1, 2).toordinal()
LAST: int = date(MAXYEAR, 12, 31).toordinal()
"""Bounds of all spans: one day inside what datetime holds, so that every zone can express them."""

_WEEK = 7
_YEAR = 12
_DAYS_OF_THIRDS = (0, 10, 20)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something on the calendar that comes back each year, month or week, or came once.

    Attributes:
        stop: The token after its words.
        of: Its days in a given turn of its cycle, or None when that turn lacks it (29 February).
        cycle: The turn in which a day lies: its year, month or week.
        turn: The turn that was said; None when only the reference can tell.
    """

    stop: int
    of: Callable[[int], Days | None]
    cycle: Callable[[int], int]
    turn: int | None = None


def year_of(day: int) -> int:
    """The year of a day; of the nearest day of the calendar when it lies outside."""
    return date.fromordinal(min(max(day, 1), LAST)).year


def month_of(day: int) -> int:
    """The number of a day's month, counted from year 0."""
    one = date.fromordinal(min(max(day, 1), LAST))
    return one.year * _YEAR + one.month - 1


def week_of(day: int) -> int:
    """The number of a day's week; weeks begin on Monday, as day 1 did."""
    return (day - 1) // _WEEK


def fixed(stop: int, days: Days) -> Moment:
    """What came once."""
    return Moment(stop, lambda _: days, year_of, 0)


def date_of(day: int) -> date:
    """A numbered day as a date."""
    return date.fromordinal(day)


def day_number(year: int, month: int, day: int) -> int | None:
    """The number of a day, or None when there is no such day."""
    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return None


def one_day(year: int, month: int, day: int) -> Days | None:
    """The span of one day, or None when there is no such day."""
    number = day_number(year, month, day)
    return None if number is None else (number, number + 1)


def month_start(month: int) -> int:
    """The first day of a numbered month, clamped to the calendar."""
    year, rest = divmod(month, _YEAR)
    if year < 1:
        return 1
    return date(year, rest + 1, 1).toordinal() if year <= MAXYEAR else LAST + 1


def months(first: int, count: int = 1) -> Days:
    """The span of some months, the first by its number."""
    return month_start(first), month_start(first + count)


def years(first: int, count: int = 1) -> Days:
    """The span of some years."""
    return months(first * _YEAR, count * _YEAR)


def week(number: int) -> Days:
    """The span of a numbered week."""
    return number * _WEEK + 1, number * _WEEK + 1 + _WEEK


def weekend(number: int) -> Days:
    """Saturday and Sunday of a numbered week."""
    return number * _WEEK + 6, number * _WEEK + 8


def add_months(day: int, count: int) -> int:
    """The same day some months on, or the last day of that month when it is shorter."""
    here = month_of(day)
    start, end = months(here + count)
    return min(start + day - month_start(here), max(end - 1, start))


def latest(moment: Moment, limit: int) -> Days | None:
    """The last of its turns to begin before a day."""
    first = moment.cycle(limit)
    turns = (moment.of(turn) for turn in range(first, first - 10, -1))
    return next((days for days in turns if days and days[0] < limit), None)


def latest_ended(moment: Moment, limit: int) -> Days | None:
    """The last of its turns that is over on a day."""
    first = moment.cycle(limit)
    turns = (moment.of(turn) for turn in range(first, first - 10, -1))
    return next((days for days in turns if days and days[1] <= limit), None)


def earliest(moment: Moment, limit: int) -> Days | None:
    """The first of its turns to begin on a day or later."""
    first = moment.cycle(limit)
    turns = (moment.of(turn) for turn in range(first - 1, first + 10))
    return next((days for days in turns if days and days[0] >= limit), None)


def current(moment: Moment, today: int) -> Days | None:
    """Its turn of this year or week; the one before where that still lasts (winter)."""
    turn = moment.cycle(today)
    before = moment.of(turn - 1)
    return before if before and before[0] <= today < before[1] else moment.of(turn)


def resolve(moment: Moment, today: int) -> Days | None:
    """The turn that was said, or else the last to have begun; a weekday lies before today."""
    if moment.turn is not None:
        return moment.of(moment.turn)
    return latest(moment, today if moment.cycle is week_of else today + 1)


def share(days: Days, index: int, of: int) -> Days:
    """One of equal shares of a span, in whole months where it is made of enough of them."""
    start, end = days
    first, after = month_of(start), month_of(end)
    count = after - first
    if count >= of and days == months(first, count):
        return months(first + count * index // of, 0)[0], month_start(
            first + -(-count * (index + 1) // of)
        )
    if of == len(_DAYS_OF_THIRDS) and days == months(first):
        begin = start + _DAYS_OF_THIRDS[index]
        return begin, end if index == of - 1 else begin + 10
    length = end - start
    return start + length * index // of, start + -(-length * (index + 1) // of)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> Days:
    """The nth of a weekday (Monday 0) in a month; -1 is the last."""
    start, end = months(year * _YEAR + month - 1)
    if nth < 0:
        day = end - 1 - (end - 2 - weekday) % _WEEK
    else:
        day = start + (weekday - (start - 1)) % _WEEK + (nth - 1) * _WEEK
    return day, day + 1


def easter(year: int) -> int | None:
    """Easter Sunday. Source: the anonymous Gregorian algorithm, in Meeus, 1991, chapter 8."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    rest = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * rest) // 451
    month, day = divmod(h + rest - 7 * m + 114, 31)
    return day_number(year, month, day + 1)
