"""Times told from the day of asking: yesterday, last week, two months ago, the past few days."""

from __future__ import annotations

import re

from .absolute import named
from .days import (
    Days,
    Moment,
    add_months,
    current,
    earliest,
    fixed,
    latest_ended,
    month_of,
    months,
    week,
    week_of,
    weekend,
    year_of,
    years,
)
from .holidays import HOLIDAY_STARTS
from .vocabulary import (
    HALF_WIDTHS,
    LETTER_UNITS,
    MANY_WEEKDAYS,
    MINE,
    MONTHS,
    NEAR,
    ONES,
    PARTS_OF_DAY,
    SEASONS,
    TENS,
    UNIT_NAMES,
    UNITS,
    VAGUE,
    WEEKDAYS,
    Question,
    word_set,
)

Amount = tuple[float, float]
"""The least and the most of a number that was said: a few is 2 to 5."""

_LAST = frozenset({"last", "past", "previous"})
_NEXT = frozenset({"next", "coming", "upcoming"})
_COMING = frozenset({"coming", "upcoming"})
_WITHIN = word_set("in over during within for throughout")
_CYCLIC = frozenset({*MONTHS, *WEEKDAYS, *SEASONS, *HOLIDAY_STARTS})
_TO_COME = ({*NEAR, *WEEKDAYS, *HOLIDAY_STARTS, "this"} | _NEXT) - MONTHS.keys()
"""Words after which "a week from" counts on; "two days from 5 May" are those days."""
_DAY_MINUTES = 24 * 60
_DECIMAL = re.compile(r"[0-9]{1,3}\.[0-9]")
_SHORT = re.compile(r"([0-9]{1,3})([a-z]+)")
_AGO = frozenset({"ago", "back"})
_LONGEST_NUMBER = 4


def relative(question: Question, at: int, lead: str) -> Moment | None:
    """Read a time told from the day of asking, beginning at a token."""
    word = question.words[at]
    if word in NEAR:
        return _near(question, at)
    if word == "the":
        return _after_the(question, at + 1, lead)
    if word in {"these", "those"}:
        return _rolling(question, at + 1)
    if (word in _LAST or word in _NEXT or word == "this") and not _is_habit(question, at):
        return _rolling(question, at) or _turn(question, at)
    return _ago(question, at)


def _is_habit(question: Question, at: int) -> bool:
    """Whether it comes again and again: "every last Friday"."""
    return at > 0 and question.words[at - 1] in {"every", "each"}


def _near(question: Question, at: int) -> Moment:
    day = question.today + NEAR[question.words[at]]
    stop = at + 2 if question.words[at + 1] in PARTS_OF_DAY else at + 1
    return fixed(stop, (day, day + 1))


def _after_the(question: Question, at: int, lead: str) -> Moment | None:
    """The day before yesterday, the week before last, the last three weeks, the past year."""
    if question.words[at] in _CYCLIC:
        return _before_last(question, at)
    unit = UNIT_NAMES.get(question.words[at])
    following = question.words[at + 1 : at + 3]
    if unit == "night" and following == ["before", "last"]:
        return fixed(at + 3, (question.today - 2, question.today - 1))
    if unit and following in (["before", "last"], ["after", "next"]):
        return _turn_of(question, unit, -2 if following[0] == "before" else 2, at + 3)
    if unit == "day" and following in (["before", "yesterday"], ["after", "tomorrow"]):
        day = question.today + (-2 if following[0] == "before" else 2)
        return fixed(at + 3, (day, day + 1))
    if unit == "weekend" and lead in {"over", "at"}:
        here = week_of(question.today)
        saturday = weekend(here)
        return fixed(at + 1, saturday if saturday[0] <= question.today else weekend(here - 1))
    word = question.words[at]
    if word not in _LAST and word not in _NEXT:
        return None
    if found := _rolling(question, at):
        return found
    single = question.words[at + 1]
    if (
        (unit := UNIT_NAMES.get(single))
        and unit == single != "weekend"
        and lead in _WITHIN
        and _stands(question, at + 2)
    ):
        return _rolled(question, at + 2, (1, 1), unit, word in _NEXT)
    return _turn(question, at)


def _before_last(question: Question, at: int) -> Moment | None:
    """The summer before last."""
    moment = named(question, at, "last")
    if moment is None or question.words[moment.stop : moment.stop + 2] != ["before", "last"]:
        return None
    last = latest_ended(moment, question.today)
    days = latest_ended(moment, last[0]) if last else None
    return fixed(moment.stop + 2, days) if days else None


def _stands(question: Question, at: int) -> bool:
    """Whether a unit is no part of something: not "the last week of term"."""
    return question.words[at] != "of"


def number(question: Question, at: int) -> tuple[Amount, int] | None:
    """Read how many: figures, words, a couple, a few, two or three."""
    first = _one_number(question, at)
    if first is None:
        return None
    amount, stop = first
    if question.words[stop] in {"or", "to", "-", "–"} and (more := _one_number(question, stop + 1)):
        return (min(amount[0], more[0][0]), max(amount[1], more[0][1])), more[1]
    return first


def _one_number(question: Question, at: int) -> tuple[Amount, int] | None:
    word = question.words[at]
    if word.isascii() and word.isdecimal() and len(word) <= _LONGEST_NUMBER:
        return (int(word), int(word)), at + 1
    if word in VAGUE:
        return VAGUE[word], question.skip(at + 1, "of")
    if word in {"a", "an"} and question.words[at + 1] in VAGUE:
        return VAGUE[question.words[at + 1]], question.skip(at + 2, "of")
    if word in {"a", "an"}:
        return (1, 1), at + 1
    if word in TENS:
        more_at = question.skip(at + 1, "-")
        more = ONES.get(question.words[more_at], 0)
        count = TENS[word] + (more if more < 10 else 0)
        return (count, count), more_at + 1 if more else at + 1
    if word in ONES:
        return (ONES[word], ONES[word]), at + 1
    if _DECIMAL.fullmatch(word):
        return (float(word), float(word)), at + 1
    return _figures_range(word, at)


def _figures_range(word: str, at: int) -> tuple[Amount, int] | None:
    """Two figures in one token: 2-3."""
    low, sign, high = word.replace("–", "-").partition("-")
    is_range = sign and low.isascii() and high.isascii() and low.isdecimal() and high.isdecimal()
    if is_range and len(low) <= 2 and len(high) <= 2:
        return (int(low), int(high)), at + 1
    return None


def amount_of_units(question: Question, at: int) -> tuple[Amount, str, int] | None:
    """Read how many of which unit: two weeks, half a year, a year and a half."""
    if question.words[at] == "half" and question.words[at + 1] in {"a", "an"}:
        unit = UNIT_NAMES.get(question.words[at + 2])
        return ((0.5, 0.5), unit, at + 3) if unit else None
    found = number(question, at)
    if found is None:
        return _short_amount(question, at)
    (low, high), here = found
    if question.words[here : here + 3] == ["and", "a", "half"]:
        low, high, here = low + 0.5, high + 0.5, here + 3
    unit = UNIT_NAMES.get(question.words[here])
    if unit is None:
        return None
    here += 1
    if question.words[here : here + 3] == ["and", "a", "half"]:
        return (low + 0.5, high + 0.5), unit, here + 3
    return (low, high), unit, here


def _short_amount(question: Question, at: int) -> tuple[Amount, str, int] | None:
    """A figure with its unit in one token: 2h, 6mos."""
    found = _SHORT.fullmatch(question.words[at])
    unit = (UNIT_NAMES | LETTER_UNITS).get(found[2]) if found else None
    if found is None or unit is None or not question.closes(at + 1):
        return None
    return (int(found[1]), int(found[1])), unit, at + 1


def shifted(question: Question, day: int, count: float, unit: str) -> int:
    """The day that lies some units on, or back when the count is negative."""
    kind, size = UNITS[unit]
    if kind == "month":
        return add_months(day, int(count * size))
    if kind == "day":
        return day + int(count * size)
    return day + int((question.minute + count * size) // _DAY_MINUTES)


def around(question: Question, day: int, amount: Amount, unit: str, sign: int) -> Days:
    """The days that may be meant by some units from a day: half a unit on each side."""
    ends = [shifted(question, day, sign * count, unit) for count in amount]
    half = HALF_WIDTHS.get("month" if unit == "year" and amount[1] < 1 else unit, 0)
    return min(ends) - half, max(ends) + half + 1


def _ago(question: Question, at: int) -> Moment | None:
    """Two weeks ago · three days from now."""
    found = amount_of_units(question, at)
    if found is None:
        return _weekdays_ago(question, at)
    amount, unit, stop = found
    word = question.words[stop]
    if word == "ago" and question.words[stop + 1] == "today":
        day = shifted(question, question.today, -amount[1], unit)
        return fixed(stop + 2, (day, day + 1))
    if word in _AGO:
        return fixed(stop + 1, around(question, question.today, amount, unit, -1))
    if word == "hence" or (word == "from" and question.words[stop + 1] == "now"):
        stop += 1 if word == "hence" else 2
        return fixed(stop, around(question, question.today, amount, unit, 1))
    return _counted_on(question, stop + 1, amount, unit) if word == "from" else None


def _counted_on(question: Question, at: int, amount: Amount, unit: str) -> Moment | None:
    """A week from Friday, a month from today: that day itself, as far on as was said."""
    if question.words[at] not in _TO_COME:
        return None
    inner = relative(question, at, "from") or named(question, at, "on")
    if inner is None or question.words[inner.stop] in {"to", "until", "till", "-", "–"}:
        return None
    known = inner.of(inner.turn) if inner.turn is not None else None
    days = known or earliest(inner, question.today + 1)
    if days is None or days[1] - days[0] > 1:
        return None
    first, last = (shifted(question, days[0], count, unit) for count in amount)
    return fixed(inner.stop, (first, last + 1))


def _weekdays_ago(question: Question, at: int) -> Moment | None:
    """Two Fridays ago: the last but one before today."""
    found = number(question, at)
    if found is None:
        return None
    (low, high), here = found
    weekday = MANY_WEEKDAYS.get(question.words[here])
    if weekday is None or question.words[here + 1] not in _AGO:
        return None
    last = question.today - 1 - (question.today - 1 - weekday) % 7
    return fixed(here + 2, (last - 7 * int(high - 1), last - 7 * int(low - 1) + 1))


def _rolling(question: Question, at: int) -> Moment | None:
    """Last three weeks · past few days · past year · next ten days: up to today or from today."""
    word = question.words[at]
    if word == "this" or (at and question.words[at - 1] in MINE):
        return None
    is_next = word in _NEXT
    few = question.words[at + 1]
    if found := amount_of_units(question, at + 1):
        amount, unit, stop = found
        if few not in {"a", "an"} and _stands(question, stop):
            return _rolled(question, stop, amount, unit, is_next)
    if word == "past" and few in UNITS and few != "weekend" and _stands(question, at + 2):
        return _rolled(question, at + 2, (1, 1), few, is_next)
    return None


def _rolled(question: Question, stop: int, amount: Amount, unit: str, is_next: bool) -> Moment:
    today = question.today
    if is_next:
        return fixed(stop, (today, shifted(question, today, amount[1], unit) + 1))
    return fixed(stop, (shifted(question, today, -amount[1], unit), today + 1))


def _turn(question: Question, at: int) -> Moment | None:
    """Last week · this spring · next Friday · last night."""
    word, what = question.words[at], question.words[at + 1]
    if word == "this" and what in _LAST | _NEXT and question.words[at + 2] in UNITS:
        return _rolling(question, at + 1) or _turn(question, at + 1)
    step = 0 if word == "this" else 1 if word in _NEXT else -1
    if what in PARTS_OF_DAY:
        return _part_of_day(question, at, step)
    unit = UNIT_NAMES.get(what)
    if unit and what == unit and _stands(question, at + 2):
        is_near = word in _COMING and unit == "weekend" and _is_before_weekend(question)
        return _turn_of(question, unit, 0 if is_near else step, at + 2)
    this_at = at + 1
    if word == "this" and what in _LAST | _NEXT:
        this_at, step = at + 2, 1 if what in _NEXT else -1
        what = question.words[this_at]
    if what not in _CYCLIC:
        return None
    if what == "fall" and at and question.words[at - 1] in MINE:
        return None
    moment = named(question, this_at, "this" if word == "this" else "last")
    return _stepped(question, moment, step) if moment else None


def _is_before_weekend(question: Question) -> bool:
    """Whether the coming weekend is that of this week."""
    return question.today < weekend(week_of(question.today))[0]


def _stepped(question: Question, moment: Moment, step: int) -> Moment | None:
    """The turn before, of now, or to come, unless the year was said."""
    if moment.turn is not None:
        return moment
    today = question.today
    if step == 0:
        days = current(moment, today)
    else:
        days = latest_ended(moment, today) if step < 0 else earliest(moment, today + 1)
    return fixed(moment.stop, days) if days else None


def _part_of_day(question: Question, at: int, step: int) -> Moment | None:
    """This morning, last night: the whole day, as nothing finer than a day is told apart."""
    if step > 0:
        return None
    day = question.today + step
    return fixed(at + 2, (day, day + 1))


def _turn_of(question: Question, unit: str, step: int, stop: int) -> Moment | None:
    """The week, weekend, month, quarter or year some steps from this one."""
    days = turn_of_unit(question.today, unit, step)
    return fixed(stop, days) if days else None


def turn_of_unit(day: int, unit: str, step: int) -> Days | None:
    """The calendar unit in which a day lies, or one some steps from it."""
    if unit == "week":
        return week(week_of(day) + step)
    if unit == "weekend":
        return weekend(week_of(day) + step)
    if unit == "month":
        return months(month_of(day) + step)
    if unit == "quarter":
        return months((month_of(day) // 3 + step) * 3, 3)
    if unit == "year":
        return years(year_of(day) + step)
    return years((year_of(day) // 10 + step) * 10, 10) if unit == "decade" else None
