"""The words that times are said with, and a question as a list of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..words import STOP_WORDS
from .days import Days, easter, nth_weekday, one_day


def _numbered(lines: str) -> dict[str, int]:
    """Each line's words get the line's number, from 1."""
    rows = lines.strip().splitlines()
    return {word: at for at, row in enumerate(rows, 1) for word in row.split()}


MONTHS = _numbered("""
january jan
february feb
march mar
april apr
may
june jun
july jul
august aug
september sep sept
october oct
november nov
december dec
""")
PEOPLE = frozenset({"april", "may", "june", "august", "jan"})
"""Months that are also first names."""
VERBS = frozenset({"may", "march", "mar"})
"""Months that are also other words when written small."""
SURE_MONTHS = frozenset(
    {"january", "february", "july", "september", "october", "november", "december"}
)
WEEKDAYS = _numbered("""
monday mon
tuesday tue tues
wednesday wed
thursday thu thur thurs
friday fri
saturday sat
sunday sun
""")
SHORT_WEEKDAYS = frozenset(word for word in WEEKDAYS if not word.endswith("day"))
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""First month, as weather services of the northern hemisphere count; winter ends a year later."""
ONES = _numbered("""
one
two
three
four
five
six
seven
eight
nine
ten
eleven
twelve
thirteen
fourteen
fifteen
sixteen
seventeen
eighteen
nineteen
""")
TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
VAGUE = {"couple": (2, 3), "few": (2, 5), "several": (3, 8), "dozen": (12, 12)}
"""Words for numbers that nobody counts: the least and the most that they are taken for."""
ORDINALS = _numbered("""
first
second
third
fourth
fifth
sixth
seventh
eighth
ninth
tenth
eleventh
twelfth
thirteenth
fourteenth
fifteenth
sixteenth
seventeenth
eighteenth
nineteenth
twentieth
""")
UNITS = {
    "second": ("minute", 0),
    "minute": ("minute", 1),
    "hour": ("minute", 60),
    "day": ("day", 1),
    "night": ("day", 1),
    "week": ("day", 7),
    "weekend": ("day", 7),
    "fortnight": ("day", 14),
    "month": ("month", 1),
    "quarter": ("month", 3),
    "year": ("month", 12),
    "decade": ("month", 120),
}
UNIT_NAMES = {name: unit for unit in UNITS for name in (unit, f"{unit}s", f"{unit}s'")}
HALF_WIDTHS = {"week": 3, "weekend": 3, "fortnight": 3, "month": 15, "quarter": 15, "year": 182}
"""Days on each side that "two weeks ago" may mean; units not listed mean the day itself."""
PARTS_OF_DAY = frozenset({"morning", "afternoon", "evening", "night", "noon", "lunchtime"})
NEAR = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
THIRDS = {"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}
APPROXIMATE = frozenset(
    {"around", "roughly", "approximately", "circa", "nearly", "almost", "approx"}
)
PLAIN = frozenset(
    [
        "in",
        "on",
        "at",
        "during",
        "over",
        "within",
        "throughout",
        "through",
        "for",
        "from",
        "by",
        "of",
        "about",
    ]
)
"""Words after which a month, season or holiday may stand alone."""
YEAR_LEADS = frozenset(
    [
        "in",
        "during",
        "since",
        "after",
        "before",
        "until",
        "till",
        "by",
        "around",
        "from",
        "through",
        "throughout",
        "between",
        "to",
        "year",
        "and",
        "or",
        "about",
        "circa",
        "early",
        "mid",
        "late",
        "start",
        "end",
        "beginning",
        "middle",
        "prior",
    ]
)
MINE = frozenset(["my", "our", "your", "his", "her", "their", "its", "whose", "a", "an"])
CLOSING = (STOP_WORDS - {"own", "same", "few", "down", "up", "off"}) | frozenset(
    [
        "last",
        "next",
        "yesterday",
        "today",
        "compared",
        "versus",
        "vs",
        "please",
        "also",
        "already",
        "ago",
        "say",
        "said",
        "still",
        "would",
        "might",
        "that's",
        "i'm",
        "i've",
    ]
)
"""Words that begin something new: a month or year before one of them is no part of a name."""

_Holiday = Callable[[int], Days | None]


def _on(month: int, day: int) -> _Holiday:
    return lambda year: one_day(year, month, day)


def _nth(month: int, weekday: int, nth: int, later: int = 0) -> _Holiday:
    def days(year: int) -> Days:
        first, after = nth_weekday(year, month, weekday, nth)
        return first + later, after + later

    return days


def _easter(later: int) -> _Holiday:
    def days(year: int) -> Days | None:
        sunday = easter(year)
        return None if sunday is None else (sunday + later, sunday + later + 1)

    return days


HOLIDAYS: dict[tuple[str, ...], _Holiday] = {
    ("christmas",): _on(12, 25),
    ("christmas", "day"): _on(12, 25),
    ("christmas", "eve"): _on(12, 24),
    ("xmas",): _on(12, 25),
    ("xmas", "eve"): _on(12, 24),
    ("boxing", "day"): _on(12, 26),
    ("new", "year", "eve"): _on(12, 31),
    ("new", "year", "day"): _on(1, 1),
    ("new", "years", "eve"): _on(12, 31),
    ("new", "years", "day"): _on(1, 1),
    ("new", "years"): _on(1, 1),
    ("new", "year"): _on(1, 1),
    ("valentine",): _on(2, 14),
    ("valentine", "day"): _on(2, 14),
    ("valentines", "day"): _on(2, 14),
    ("patrick", "day"): _on(3, 17),
    ("april", "fools"): _on(4, 1),
    ("april", "fools", "day"): _on(4, 1),
    ("april", "fool", "day"): _on(4, 1),
    ("earth", "day"): _on(4, 22),
    ("may", "day"): _on(5, 1),
    ("cinco", "de", "mayo"): _on(5, 5),
    ("juneteenth",): _on(6, 19),
    ("independence", "day"): _on(7, 4),
    ("halloween",): _on(10, 31),
    ("bonfire", "night"): _on(11, 5),
    ("veterans", "day"): _on(11, 11),
    ("groundhog", "day"): _on(2, 2),
    ("women", "day"): _on(3, 8),
    ("mother", "day"): _nth(5, 6, 2),
    ("mothers", "day"): _nth(5, 6, 2),
    ("father", "day"): _nth(6, 6, 3),
    ("fathers", "day"): _nth(6, 6, 3),
    ("memorial", "day"): _nth(5, 0, -1),
    ("labor", "day"): _nth(9, 0, 1),
    ("labour", "day"): _nth(9, 0, 1),
    ("columbus", "day"): _nth(10, 0, 2),
    ("thanksgiving",): _nth(11, 3, 4),
    ("thanksgiving", "day"): _nth(11, 3, 4),
    ("black", "friday"): _nth(11, 3, 4, 1),
    ("cyber", "monday"): _nth(11, 3, 4, 4),
    ("mlk", "day"): _nth(1, 0, 3),
    ("presidents", "day"): _nth(2, 0, 3),
    ("easter",): _easter(0),
    ("easter", "sunday"): _easter(0),
    ("easter", "monday"): _easter(1),
    ("good", "friday"): _easter(-2),
}
"""Days of the year by name; where countries differ, as in the United States."""
HOLIDAY_STARTS = frozenset(name[0] for name in HOLIDAYS)
HOLIDAY_LONGEST = max(len(name) for name in HOLIDAYS)
AFTER_HOLIDAY = frozenset(
    [
        "dinner",
        "lunch",
        "breakfast",
        "brunch",
        "party",
        "break",
        "holiday",
        "holidays",
        "vacation",
        "morning",
        "evening",
        "weekend",
        "week",
        "time",
        "season",
    ]
)
TRIGGERS = frozenset(
    {*MONTHS, *WEEKDAYS, *SEASONS, *UNIT_NAMES, *NEAR, *HOLIDAY_STARTS, *PARTS_OF_DAY}
    | {*"0123456789"}
)
"""Every phrase that says a time holds one of these."""

_TOKEN = re.compile(r"[0-9]\w*(?:[./:–-]\w+)*|[^\W\d_]\w*(?:['’]\w+)?|[^\s\w]|\w")
_GLUED = frozenset("/._@#$€£&=:+~")
_PAD = 16
"""More than the tokens that any rule looks ahead."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as tokens, and the day on which it is asked.

    Attributes:
        words: Tokens in lower case without a possessive ending; "" past the end; "#" for a number
            that is stuck to what stands before it, such as a price or a part of an id.
        raw: Tokens as they were written.
        spans: Where each token stands in the text.
        today: The day's number.
        minute: Minutes since midnight.
    """

    words: Sequence[str]
    raw: Sequence[str]
    spans: Sequence[tuple[int, int]]
    today: int
    minute: int

    def closes(self, at: int) -> bool:
        """Whether what stands before this token can be a time by itself: no noun follows."""
        word = self.words[at]
        return not word or word in CLOSING or not (word[0].isalnum() or word == "#")

    def is_capital(self, at: int) -> bool:
        """Whether a word begins with a capital letter."""
        return self.raw[at][:1].isupper()

    def skip(self, at: int, *words: str) -> int:
        """The next token, or the one after it when this is one of some words."""
        return at + 1 if self.words[at] in words else at


def tokenized(text: str, today: int, minute: int) -> Question:
    """Cut a question into tokens, in time that grows with its length alone."""
    words, raw, spans = [], [], []
    for found in _TOKEN.finditer(text):
        token, start = found[0], found.start()
        raw.append(token)
        spans.append(found.span())
        before = text[start - 1] if start else " "
        is_stuck = before in _GLUED or (before == "-" and not token.isalnum())
        words.append("#" if is_stuck and token[0].isdecimal() else _plain(token))
    pad = [""] * _PAD
    return Question([*words, *pad], [*raw, *pad], spans, today, minute)


def _plain(token: str) -> str:
    """A word in lower case, without a possessive ending."""
    word = token.lower().replace("’", "'")
    return word.removesuffix("'s")
