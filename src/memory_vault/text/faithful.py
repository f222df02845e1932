"""Whether a text says only what its source says, as far as that can be told without understanding.

What is checked of a text that a model wrote about others: every name, number and date in it must
stand in the source. What is not: negation, who did what to whom, and plain words. When in doubt a
thing counts as missing, since whoever asks has something safe to keep instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from ..models import Message
from .dates import read_time_spans


def _words(text: str) -> list[str]:
    return text.split()


_MONTHS = _words(
    "january february march april may june july august september october november december"
)
_DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
_MONTH_NUMBERS = {
    **{name: i for i, name in enumerate(_MONTHS, 1)},
    **{name[:3]: i for i, name in enumerate(_MONTHS, 1)},
    "sept": 9,
}
_UNITS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = _words(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
)
_NUMBER_WORDS = {
    **{word: str(i) for i, word in enumerate(_UNITS)},
    **{word: str(i * 10 + 20) for i, word in enumerate(_TENS)},
    **{word: str(i) for i, word in enumerate(_ORDINALS)},
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
    "twice": "2",
    "dozen": "12",
}
_NO_NUMBERS = frozenset({"one", "first", "second", "zero"})
"""Words that more often mean something else; they are plain words here."""
_STARTERS = frozenset(
    _words(
        "a about after afterwards all also although an and another any as at because before being "
        "both but by despite during each earlier either even every finally first following for "
        "from going had has have having he her hers his how however i if in instead it its later "
        "many more most much my neither next no none not now of on once one only other others our "
        "over people previously recently several she since so some someone soon still such that "
        "the their them then there these they this those though through to together today under "
        "until user we were what when where whether which while who while with within without yet "
        "you your assistant speaker speakers conversation"
    )
)
"""Words with which a sentence may begin; any other word there counts as a name until it stands in
the source."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ENDS = ".,;:!?()[]{}<>'\"“”’«»*"
_HOST_END = re.compile(r"\w\.[a-z]{2,}(?:/|\Z)")
_ANY_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE_END = re.compile(r"[.!?:;…\n(\[\"“”«»•*-]\s*\Z|\A\s*\Z")
_ISO = re.compile(r"(?<![\d.,])\b(\d{4})-(\d{1,2})(?:-(\d{1,2}))?\b(?![.,]\d)")
_MONTH = "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True))
_DAY_FIRST = re.compile(
    rf"(?<![\d.,])\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\b\.?"
    r"(?:,? (\d{4})\b(?![.,]\d))?",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?![.,]\d)(?:,? (\d{{4}})\b)?", re.IGNORECASE
)
_FROM_NOW = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|last night|this (?:morning|afternoon|evening)|ago)\b",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\b\.?,? (?:of )?(\d{{4}})\b", re.IGNORECASE)

Day = tuple[int | None, int | None, int | None]
"""Year, month, day of the month, as far as they are said."""


def missing(text: str, source: Sequence[Message]) -> tuple[str, ...]:
    """What stands in a text and not in its source: names, numbers, dates, in that order.

    The source is what was said, who said it, and when: `occurred_at` counts as a date, and so do
    the days that a message speaks of from there ("yesterday"). Names are words with a capital that
    do not merely begin a sentence; several in a row must stand in a row. Of scripts without
    capitals every run of letters must stand in the source.

    Returns:
        What is missing, each once; empty if nothing is.
    """
    known = _Source(source)
    lost = [
        *(name for name in _names(text) if not known.has_name(name)),
        *(run for run in _uncased_runs(text) if run not in known.folded),
        *(address for address in _addresses(text) if address not in known.folded),
        *(number for number in _numbers(text) if number not in known.numbers),
        *(said for said, day in _dates(text) if not known.has_day(day)),
    ]
    return tuple(dict.fromkeys(lost))


class _Source:
    """What a source holds, ready to be asked."""

    def __init__(self, messages: Sequence[Message]) -> None:
        moments = [one.occurred_at for one in messages if one.occurred_at is not None]
        said = [part for one in messages for part in (one.role, one.content)]
        self.days: set[Day] = {
            *(_day_of(moment) for moment in moments),
            *(day for one in messages for day in _days_spoken_of(one)),
            *(day for one in messages for _, day in _dates(one.content)),
        }
        dated = [_words_of(day) for day in self.days]
        whole = " ".join([*said, *dated])
        self.folded: str = unicodedata.normalize("NFKC", whole).casefold()
        self._words = f" {' '.join(_plain(word) for word in _WORD.findall(whole))} "
        self.numbers: set[str] = {
            *_all_numbers(whole),
            *(str(year) for year, _, _ in self.days if year is not None),
        }

    def has_name(self, name: str) -> bool:
        """Whether a name stands there, its words in a row."""
        return f" {name} " in self._words

    def has_day(self, day: Day) -> bool:
        """Whether a day of the source agrees with all that is said of this one."""
        return any(
            all(a is None or a == b for a, b in zip(day, one, strict=True)) for one in self.days
        )


# names --------------------------------------------------------------------------------------------


def _plain(word: str) -> str:
    """A word as it is compared: small letters, no possessive."""
    folded = unicodedata.normalize("NFKC", word).casefold().replace("’", "'")
    return folded.removesuffix("'s").removesuffix("'")


def _names(text: str) -> Iterator[str]:
    """Runs of words with a capital, in small letters; what may begin a sentence is left out there.

    A word that begins a sentence is a run of its own unless it is part of a longer one.
    """
    run: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        word, gap = match[0], text[end : match.start()]
        if run and gap.strip() not in ("", "-"):
            yield " ".join(run)
            run = []
        begins = bool(_SENTENCE_END.search(text[max(0, match.start() - 8) : match.start()]))
        plain = _plain(word)
        is_name = any(char.isupper() for char in word) and plain.split("'")[0] != "i"
        if is_name and not (begins and (plain in _STARTERS or plain in _NUMBER_WORDS)):
            run.append(plain)
        elif run:
            yield " ".join(run)
            run = []
        end = match.end()
    if run:
        yield " ".join(run)


def _uncased_runs(text: str) -> Iterator[str]:
    """Runs of letters of scripts that have no capitals."""
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text)):
        if any(unicodedata.category(char) == "Lo" for char in match[0]):
            yield match[0].casefold()


def _addresses(text: str) -> Iterator[str]:
    """What looks like an address of mail, of a page, or like a file's name."""
    for word in unicodedata.normalize("NFKC", text).casefold().split():
        plain = word.strip(_ENDS)
        if "@" in plain or "://" in plain or _HOST_END.search(plain):
            yield plain


# numbers ------------------------------------------------------------------------------------------


def _value(figures: str) -> str:
    """A number as it is compared: no separators of thousands, no zeros at its ends."""
    figures = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in figures)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", figures):
        figures = figures.replace(",", "")
    whole, point, part = figures.replace(",", ".").partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + part if part else "")


def _numbers(text: str) -> Iterator[str]:
    """Numbers in a text, in figures or in words, but for those that belong to a date."""
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST, _MONTH_YEAR):
        text = pattern.sub(" ", text)
    yield from _all_numbers(text)


def _all_numbers(text: str) -> Iterator[str]:
    """Numbers in a text, wherever they stand; "twenty-five" is 25."""
    yield from (_value(match[0]) for match in _ANY_NUMBER.finditer(text))
    words = [*(one.casefold() for one in _WORD.findall(text)), ""]
    tens = 0
    for word, after in pairwise(words):
        if word in _TENS and after in _UNITS[1:10]:
            tens = int(_NUMBER_WORDS[word])
        elif tens:
            yield str(tens + _UNITS.index(word))
            tens = 0
        elif word in _NUMBER_WORDS and word not in _NO_NUMBERS:
            yield _NUMBER_WORDS[word]


# dates --------------------------------------------------------------------------------------------


def _dates(text: str) -> Iterator[tuple[str, Day]]:
    """Dates in a text, with the words that say them; what the calendar does not know is none."""
    for match in _ISO.finditer(text):
        yield match[0], (int(match[1]), int(match[2]), int(match[3]) if match[3] else None)
    for match in _DAY_FIRST.finditer(text):
        yield match[0], (_int(match[3]), _month(match[2]), int(match[1]))
    for match in _MONTH_FIRST.finditer(text):
        yield match[0], (_int(match[3]), _month(match[1]), int(match[2]))
    for match in _MONTH_YEAR.finditer(text):
        yield match[0], (int(match[2]), _month(match[1]), None)


def _int(figures: str | None) -> int | None:
    return int(figures) if figures else None


def _month(name: str) -> int:
    return _MONTH_NUMBERS[name.casefold()]


def _day_of(moment: datetime | date) -> Day:
    return moment.year, moment.month, moment.day


def _days_spoken_of(message: Message) -> Iterable[Day]:
    """Single days that a message surely means, told from when it was said.

    "On Monday" and "on 7 May" are none of them: they may lie ahead or back.
    """
    if message.occurred_at is None:
        return []
    spans = read_time_spans(message.content, message.occurred_at)
    return [
        _day_of(one.start)
        for one in spans
        if one.end - one.start <= timedelta(days=1) and _FROM_NOW.search(one.text)
    ]


def _words_of(day: Day) -> str:
    """The names of a day's month and weekday."""
    year, month, number = day
    if month is None or not 1 <= month <= 12:
        return ""
    name = _MONTHS[month - 1]
    try:
        return f"{name} {_DAYS[date(year or 0, month, number or 0).weekday()]}"
    except ValueError:
        return name
