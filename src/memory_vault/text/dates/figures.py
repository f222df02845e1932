"""Times written in figures: dates, years, decades."""

from __future__ import annotations

import re

from .days import Moment, fixed, months, one_day, year_of, years
from .vocabulary import DECADES, THIRDS, YEAR_LEADS, Question, word_set

_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?:t.*)?", re.DOTALL)
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_YEAR_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})|([0-9]{1,2})/([0-9]{4})")
_YEARS = re.compile(r"((?:19|20)[0-9]{2})[-–/]([0-9]{4}|[0-9]{2})")
_LIKELY = re.compile(r"19[5-9][0-9]|20(?!00)[0-5][0-9]")
_DECADE = re.compile(r"((?:1[0-9]|20)?)([0-9]0)s")
_VERSIONED = word_set(
    "version versions ver v release releases build patch update firmware tag revision rev upgrade"
)
"""Words before figures that count versions, however much they look like a day."""
_AHEAD = 10
"""Years of two digits lie in the last century when they would be further ahead than this."""


def numeric(question: Question, at: int, lead: str) -> Moment | None:
    """Dates in figures. Dots mean day first; slashes and hyphens month first."""
    word = question.words[at]
    if at and "." in word and question.words[at - 1] in _VERSIONED:
        return None
    if found := _YEAR_FIRST.fullmatch(word):
        days = one_day(int(found[1]), int(found[3]), int(found[4]))
        return fixed(at + 1, days) if days else None
    if found := _YEAR_LAST.fullmatch(word):
        return _year_last(question, at, found)
    if lead in YEAR_LEADS and (found := _YEAR_MONTH.fullmatch(word)):
        year, month = int(found[1] or found[4]), int(found[2] or found[3])
        return fixed(at + 1, months(year * 12 + month - 1)) if 1 <= month <= 12 else None
    if lead in YEAR_LEADS and (found := _YEARS.fullmatch(word)):
        first = int(found[1])
        last = int(found[2]) if len(found[2]) == 4 else first // 100 * 100 + int(found[2])
        return fixed(at + 1, years(first, last - first + 1)) if first < last else None
    return None


def _year_last(question: Question, at: int, found: re.Match[str]) -> Moment | None:
    first, sign, second, year = int(found[1]), found[2], int(found[3]), found[4]
    if len(year) == 2 and sign != "/":
        return None
    is_day_first = sign == "." or first > 12
    month, day = (second, first) if is_day_first else (first, second)
    days = one_day(_full_year(question, year), month, day)
    return fixed(at + 1, days) if days else None


def _full_year(question: Question, digits: str) -> int:
    """A year that may be cut to two digits."""
    number = int(digits)
    if len(digits) > 2:
        return number
    return number + (2000 if number + 2000 <= year_of(question.today) + _AHEAD else 1900)


def said_year(question: Question, at: int) -> tuple[int | None, int]:
    """The year that follows a month, day or season, and the token after it."""
    here = question.skip(question.skip(at, ",", "of", "in"), "'", "’")
    word = question.words[here]
    is_short = len(word) == 2 and question.words[here - 1] in {"'", "’"}
    if word.isascii() and word.isdecimal() and (len(word) == 4 or is_short):
        return _full_year(question, word), here + 1
    return None, at


def winter_year(question: Question, at: int) -> tuple[int | None, int]:
    """The year in which a season of two years began: winter 2021/22."""
    here = question.skip(at, "of")
    found = _YEARS.fullmatch(question.words[here])
    first = int(found[1]) if found else 0
    is_next = found and int(found[2][-2:]) == (first + 1) % 100
    return (first, here + 1) if is_next else (None, at)


def year_alone(question: Question, at: int, lead: str) -> Moment | None:
    """A year of four digits, after a word that years stand after, before no noun."""
    word = question.words[at]
    is_year = len(word) == 4 and word.isascii() and word.isdecimal() and "1800" <= word < "2200"
    is_led = lead in YEAR_LEADS or (lead in {"of", "for"} and bool(_LIKELY.fullmatch(word)))
    if not is_year or not is_led or not question.closes(at + 1):
        return None
    if question.words[at + 1] == "," and question.words[at + 2].isdecimal():
        return None
    return fixed(at + 1, years(int(word)))


def is_decade(word: str) -> bool:
    """Whether a word is a decade's: 1990s, 90s, nineties."""
    return word in DECADES or _DECADE.fullmatch(word) is not None


def decade(question: Question, at: int, lead: str) -> Moment | None:
    """The 1990s, the 90s, the late nineties; two digits count from 1930."""
    word = question.words[at]
    found = _DECADE.fullmatch(DECADES.get(word, word))
    if found is None or not (found[1] or _is_led(question, at, lead)):
        return None
    start = int(found[1] + found[2]) if found[1] else 1900 + int(found[2])
    return fixed(at + 1, years(start + (100 if start < 1930 and not found[1] else 0), 10))


def _is_led(question: Question, at: int, lead: str) -> bool:
    """Whether "90s" is no age and no warmth: "the 90s", "the early 90s", but not "my late 20s"."""
    if lead == "the" or question.words[at - 1] in {"'", "’"}:
        return True
    return lead in THIRDS and "the" in question.words[max(at - 3, 0) : at - 1]
