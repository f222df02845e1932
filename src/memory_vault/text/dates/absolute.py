"""Times with a name of their own: dates, months, years, seasons, weekdays, holidays."""

from __future__ import annotations

import re

from .days import (
    Days,
    Moment,
    month_of,
    months,
    one_day,
    week_of,
    year_of,
)
from .figures import decade, is_decade, numeric, said_year, winter_year, year_alone
from .holidays import HOLIDAY_LONGEST, HOLIDAY_STARTS, HOLIDAYS
from .vocabulary import (
    AFTER_HOLIDAY,
    DECADES,
    MINE,
    MONTHS,
    ORDINALS,
    PARTS_OF_DAY,
    PEOPLE,
    PLAIN,
    SEASONS,
    SHORT_WEEKDAYS,
    SURE_MONTHS,
    VERBS,
    WEEKDAYS,
    Question,
    word_set,
)

_DAY = re.compile(r"([0-9]{1,2})(st|nd|rd|th)?")
_DAY_RANGE = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[-–]([0-9]{1,2})(?:st|nd|rd|th)?")
_QUARTER = re.compile(r"q[1-4]|h[12]")
_LISTING = frozenset({"and", "or", "&", ","})
_LONGEST_LIST = 4
_UNKNOWN = MINE | {"that", "those"}
"""Words after "of" that say which one, to those who know: "the summer of my senior year"."""
_TO = ("to", "-", "–", "through", "thru", "until", "till")
_OTHER_LEADS = word_set("around since after before until till prior to between and")
_DATE_LEADS = PLAIN | _OTHER_LEADS | {"the"}
_SURELY_IN = word_set("in during throughout within early mid late end start beginning")
_NOT_SINCE_FALL = word_set("in during over throughout early mid late last this next by")
_NO_WEEKDAY_AFTER = word_set(
    "school roast mornings afternoons evenings nights service paper league best brunches"
)
_OTHER_WORDS = frozenset({"sun", "sat", "mon", "wed"})
_NO_BARE_WEEKDAY = word_set(
    "the a an last next this my our your his her their every each any most all of no"
    " some named called like black good cyber casual taco ruby love hate watch"
)


def named(question: Question, at: int, lead: str) -> Moment | None:
    """Read a named time that begins at a token.

    Args:
        question: The question.
        at: Its first token.
        lead: The word before, when it is one after which times stand; "" otherwise.
    """
    word = question.words[at]
    if not word:
        return None
    if word == "the":
        return _after_the(question, at + 1, lead)
    if word[0] in "0123456789":
        return _number(question, at, lead)
    if word in HOLIDAY_STARTS and (found := _holiday(question, at, lead)):
        return found
    if word in MONTHS:
        return _month_first(question, at, lead)
    if word in WEEKDAYS:
        return _weekday(question, at, lead)
    if word in SEASONS:
        return _season(question, at, lead)
    if word in ORDINALS:
        return _day_first(question, at, lead)
    if word in {"'", "’"}:
        return decade(question, at + 1, "the")
    if word in DECADES:
        return decade(question, at, lead)
    if word == "year":
        return year_alone(question, at + 1, "year")
    return _quarter(question, at, lead) if _QUARTER.fullmatch(word) else None


def _after_the(question: Question, at: int, lead: str) -> Moment | None:
    """The 3rd of May, the 4th, the spring, the 1990s."""
    word = question.words[at]
    if word in SEASONS:
        return _season(question, at, lead)
    if word in {"'", "’"} or is_decade(word):
        return decade(question, question.skip(at, "'", "’"), "the")
    if _DAY.fullmatch(word) or _DAY_RANGE.fullmatch(word) or word in ORDINALS:
        return _day_first(question, at, lead or "the") or _day_alone(question, at, lead)
    return None


def _number(question: Question, at: int, lead: str) -> Moment | None:
    return (
        numeric(question, at, lead)
        or _day_first(question, at, lead)
        or year_alone(question, at, lead)
        or decade(question, at, lead)
    )


def _day_of(question: Question, at: int) -> tuple[int, bool] | None:
    """A day of the month, and whether it can be nothing but an ordinal."""
    word = question.words[at]
    if word in ORDINALS:
        return ORDINALS[word], True
    found = _DAY.fullmatch(word)
    return (int(found[1]), bool(found[2])) if found and 1 <= int(found[1]) <= 31 else None


def _date(stop: int, month: int, first: int, last: int, year: int | None) -> Moment:
    """Some days of a month, in the year that was said or in any."""

    def span(year: int) -> Days | None:
        begin, end = one_day(year, month, first), one_day(year, month, last)
        return (begin[0], end[1]) if begin and end and first <= last else None

    return Moment(stop, span, year_of, year)


def _month(stop: int, month: int, year: int | None) -> Moment:
    return Moment(stop, lambda year: months(year * 12 + month - 1), year_of, year)


def _month_first(question: Question, at: int, lead: str) -> Moment | None:
    """May 7th, 2023 · May 5-7 · May 2023 · May."""
    month = MONTHS[question.words[at]]
    here = question.skip(at + 1, ".") if len(question.words[at]) <= 4 else at + 1
    year, stop = said_year(question, here)
    if year is not None:
        return _month(stop, month, year)
    here = question.skip(here, "the")
    if found := _DAY_RANGE.fullmatch(question.words[here]):
        year, stop = said_year(question, here + 1)
        return _date(stop, month, int(found[1]), int(found[2]), year)
    if day := _day_of(question, here):
        last, stop = _range_end(question, here + 1, day[0], lead)
        year, stop = said_year(question, stop)
        sure = year is not None or (day[1] and question.words[here] not in ORDINALS)
        if sure or _is_date(question, at, stop, lead, day[1]):
            return _date(stop, month, day[0], last, year)
    return _month_alone(question, at, lead)


def _range_end(question: Question, at: int, first: int, lead: str) -> tuple[int, int]:
    """The last day of "5 to 7", and the token after it."""
    is_range = question.words[at] in _TO or (lead == "between" and question.words[at] == "and")
    here = question.skip(at + 1, "the")
    last = _day_of(question, here) if is_range or question.words[at] in _LISTING else None
    if last and last[0] > first and question.words[here + 1] not in MONTHS:
        is_pair = last[0] == first + 1 and question.closes(here + 1)
        return (last[0], here + 1) if is_range or is_pair else (first, at)
    return first, at


def _is_date(question: Question, at: int, stop: int, lead: str, is_spoken: bool) -> bool:
    """Whether a month and a plain number are a date: "on May 5", not "May 5 people come"."""
    if lead in _DATE_LEADS and lead != "in":
        return not is_spoken or question.closes(stop)
    is_month = question.words[at] not in VERBS or question.is_capital(at)
    return is_month and not is_spoken and question.closes(stop)


def _month_alone(question: Question, at: int, lead: str) -> Moment | None:
    """A month without day or year, where it is neither a verb nor a person."""
    word, stop = question.words[at], at + 1
    if not _is_month_alone(question, at, lead):
        return None
    return _month(stop, MONTHS[word], None)


def _is_month_alone(question: Question, at: int, lead: str) -> bool:
    word = question.words[at]
    is_short = len(word) <= 4 and word not in {"may", "june", "july"}
    if _is_unknown(question, at + 1):
        return False
    if lead == "from" and question.words[at + 1] in _TO and question.words[at + 2] in MONTHS:
        return True
    if lead in _SURELY_IN:
        return True
    if not lead:
        return word in SURE_MONTHS
    if lead == "this" and word in VERBS and not question.is_capital(at):
        return False
    if word in PEOPLE:
        return lead not in {"about", "for", "by", "on", "of", "at", "from"} and _alone(question, at)
    if word in VERBS and not question.is_capital(at) and lead in {"to", "on", "for", "of", "at"}:
        return False
    return not is_short or _alone(question, at)


def _is_unknown(question: Question, at: int) -> bool:
    """Whether what follows tells a month or season by something that no calendar knows."""
    return question.words[at] == "of" and question.words[at + 1] in _UNKNOWN


def _alone(question: Question, at: int) -> bool:
    """Whether no noun or verb follows, and no possessive ending stands."""
    return question.closes(at + 1) and question.raw[at][-2:].lower() not in {"'s", "’s"}


def _day_first(question: Question, at: int, lead: str) -> Moment | None:
    """7 May 2023 · the third of February · 5-7 May · 3 to 7 October."""
    if found := _DAY_RANGE.fullmatch(question.words[at]):
        first, last, here, is_ordinal = int(found[1]), int(found[2]), at + 1, False
    elif day := _day_of(question, at):
        first, is_ordinal = day
        last, here = _span_to_month(question, at + 1, first, lead)
        listed = _listed(question, at, lead) if last == first else None
        if listed:
            return listed
    else:
        return None
    month_at = question.skip(here, "of")
    word = question.words[month_at]
    if word not in MONTHS:
        return None
    stop = question.skip(month_at + 1, ".") if len(word) <= 4 else month_at + 1
    year, after = said_year(question, stop)
    is_figure = is_ordinal and question.words[at] not in ORDINALS
    is_sure = year is not None or is_figure or month_at > here or lead == "on"
    if is_sure or word not in VERBS or question.is_capital(month_at):
        return _date(after if year else month_at + 1, MONTHS[word], first, last, year)
    return None


def _listed(question: Question, at: int, lead: str) -> Moment | None:
    """The 5th of "the 5th and 6th of May", whose month is said with the last."""
    here = at + 1
    for _ in range(_LONGEST_LIST):
        next_at = question.skip(here + 1, "the")
        if lead == "between" or question.words[here] not in _LISTING or not question.words[next_at]:
            break
        here = next_at + 1 if _day_of(question, next_at) else here
    month_at = question.skip(here, "of")
    if here == at + 1 or question.words[month_at] not in MONTHS:
        return None
    day, year = _day_of(question, at), said_year(question, month_at + 1)[0]
    if day and (day[1] or year is not None or lead == "on"):
        return _date(at + 1, MONTHS[question.words[month_at]], day[0], day[0], year)
    return None


def _span_to_month(question: Question, at: int, first: int, lead: str) -> tuple[int, int]:
    """The last day of "3 to 7 October", and the token after it."""
    is_range = question.words[at] in _TO or (lead == "between" and question.words[at] == "and")
    here = question.skip(at + 1, "the")
    last = _day_of(question, here) if is_range else None
    month_at = question.skip(here + 1, "of")
    if last and last[0] > first and question.words[month_at] in MONTHS:
        return last[0], here + 1
    return first, at


def _day_alone(question: Question, at: int, lead: str) -> Moment | None:
    """The 3rd: of the month that it last came in."""
    day = _day_of(question, at)
    is_figure = question.words[at][0] in "0123456789"
    if not day or not day[1] or not is_figure or lead not in _DATE_LEADS or lead == "in":
        return None
    number = day[0]

    def of(month: int) -> Days | None:
        return one_day(month // 12, month % 12 + 1, number)

    return Moment(at + 1, of, month_of) if question.closes(at + 1) else None


def _weekday(question: Question, at: int, lead: str) -> Moment | None:
    """Tuesday, alone or before its date."""
    word, stop = question.words[at], at + 1
    date_at = question.skip(stop, ",")
    after = question.words[date_at]
    if after in MONTHS or after == "the" or after[:1] in set("0123456789"):
        dated = named(question, date_at, "on")
        if dated and dated.cycle is not week_of:
            return dated
    is_said = question.is_capital(at) or word not in _OTHER_WORDS
    if word in SHORT_WEEKDAYS and not (lead and is_said):
        return None
    if question.words[stop] in PARTS_OF_DAY:
        stop += 1
    if question.words[stop] in _NO_WEEKDAY_AFTER:
        return None
    is_possessive = question.raw[at][-2:].lower() in {"'s", "’s"}
    if not lead and not is_possessive and not _bare(question, at, stop):
        return None
    number = WEEKDAYS[word] - 1

    def of(week: int) -> Days:
        return week * 7 + 1 + number, week * 7 + 2 + number

    return Moment(stop, of, week_of)


def _bare(question: Question, at: int, stop: int) -> bool:
    """Whether a weekday without a word before it is a time: "What did I do Saturday?"."""
    before = question.words[at - 1] if at else ""
    return bool(before) and before not in _NO_BARE_WEEKDAY and question.closes(stop)


def _season(question: Question, at: int, lead: str) -> Moment | None:
    """Summer of 2022 · in the summer."""
    word = question.words[at]
    year, stop = said_year(question, at + 1)
    if year is None:
        year, stop = winter_year(question, at + 1)
    if year is None and not (lead and _is_season_alone(question, at + 1)):
        return None
    if year is None and word == "fall" and lead not in _NOT_SINCE_FALL:
        return None
    first = SEASONS[word] - 1
    return Moment(stop, lambda year: months(year * 12 + first, 3), year_of, year)


def _is_season_alone(question: Question, at: int) -> bool:
    return question.closes(at) and not _is_unknown(question, at)


def _holiday(question: Question, at: int, lead: str) -> Moment | None:
    """Christmas Eve 2022 · at Easter · Mother's Day."""
    for length in range(HOLIDAY_LONGEST, 0, -1):
        of = HOLIDAYS.get(tuple(question.words[at : at + length]))
        if of is None:
            continue
        year, stop = said_year(question, at + length)
        is_sure = year is not None or (length > 1 and question.words[at + 1] != "year")
        next_word = question.words[stop]
        if is_sure or (lead and (question.closes(stop) or next_word in AFTER_HOLIDAY)):
            return Moment(stop, of, year_of, year)
        if question.words[at : at + 2] == ["new", "year"] and length == 2 and lead:
            return None
    return None


def _quarter(question: Question, at: int, lead: str) -> Moment | None:
    """Q3 2024 · in Q3 · H1 2024 · in H1."""
    kind, number = question.words[at][0], int(question.words[at][1])
    year, stop = said_year(question, at + 1)
    if year is None and not (lead and (kind == "q" or question.is_capital(at))):
        return None
    size = 3 if kind == "q" else 6
    first = (number - 1) * size
    return Moment(stop, lambda year: months(year * 12 + first, size), year_of, year)
