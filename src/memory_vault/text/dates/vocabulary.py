"""The words that times are said with, and a question as a list of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..words import STOP_WORDS
from .holidays import HOLIDAY_STARTS, HOLIDAYS


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


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
SHORT_UNITS = {
    "min": "minute",
    "hr": "hour",
    "wk": "week",
    "mth": "month",
    "mo": "month",
    "yr": "year",
}
UNIT_NAMES = {name: unit for unit in UNITS for name in (unit, f"{unit}s", f"{unit}s'")} | {
    name: unit for short, unit in SHORT_UNITS.items() for name in (short, f"{short}s")
}
LETTER_UNITS = {"h": "hour", "d": "day", "w": "week", "y": "year"}
"""Units that are one letter after a figure: 2h."""
MANY_WEEKDAYS = {f"{name}s": number for name, number in WEEKDAYS.items() if name.endswith("day")}
DECADES = {
    "twenties": "20s",
    "thirties": "30s",
    "forties": "40s",
    "fifties": "50s",
    "sixties": "60s",
    "seventies": "70s",
    "eighties": "80s",
    "nineties": "90s",
}
HALF_WIDTHS = {"week": 3, "weekend": 3, "fortnight": 3, "month": 15, "quarter": 15, "year": 182}
"""Days on each side that "two weeks ago" may mean; units not listed mean the day itself."""
PARTS_OF_DAY = frozenset({"morning", "afternoon", "evening", "night", "noon", "lunchtime"})
NEAR = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
THIRDS = {"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}
APPROXIMATE = frozenset(
    {"around", "roughly", "approximately", "circa", "nearly", "almost", "approx"}
)
PLAIN = word_set("in on at during over within throughout through for from by of about")
"""Words after which a month, season or holiday may stand alone."""
YEAR_LEADS = word_set(
    "in during since after before until till by around from through throughout between to"
    " year and or about circa early mid late start end beginning middle prior"
)
MINE = word_set("my our your his her their its whose a an")
CLOSING = (STOP_WORDS - {"own", "same", "few", "down", "up", "off"}) | word_set(
    "last next yesterday today compared versus vs please also already ago say said still"
    " would might that's i'm i've"
)
"""Words that begin something new: a month or year before one of them is no part of a name."""

AFTER_HOLIDAY = word_set(
    "dinner lunch breakfast brunch party break holiday holidays vacation morning evening"
    " weekend week time season"
)
NAMELESS = (
    frozenset({*MONTHS, *WEEKDAYS, *SEASONS, *UNITS, *NEAR, *PARTS_OF_DAY})
    | {name[0] for name in HOLIDAYS if len(name) == 1}
) - PEOPLE.union(word_set("summer autumn valentine"))
"""Words that say when and are nobody's name."""
TRIGGERS = frozenset(
    {*MONTHS, *WEEKDAYS, *SEASONS, *UNIT_NAMES, *NEAR, *HOLIDAY_STARTS, *PARTS_OF_DAY}
    | {*MANY_WEEKDAYS, *DECADES, *"0123456789"}
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
