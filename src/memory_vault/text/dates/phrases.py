"""Times made of times: parts, offsets, ranges, open sides, and words like "around"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .absolute import named
from .context import is_count, is_talk, lead_of
from .days import (
    FIRST,
    LAST,
    Days,
    Moment,
    earliest,
    fixed,
    latest,
    resolve,
    share,
)
from .parts import beside, length_of, unit_around, unit_in, weekday_in
from .relative import amount_of_units, around, number, relative, turn_of_unit
from .vocabulary import (
    APPROXIMATE,
    ORDINALS,
    PARTS_OF_DAY,
    PLAIN,
    THIRDS,
    UNIT_NAMES,
    UNITS,
    WEEKDAYS,
    Question,
)

Found = tuple[Days, int]
"""The days that a phrase speaks of, and the token after it."""

_DEEPEST = 3
"""How often a time may be a part of a part."""
_TO = frozenset({"to", "through", "thru", "until", "till", "-", "–"})
_NOW = frozenset({"now", "present", "date"})
_SINCE = {"since": False, "after": True, "following": True}
_UNTIL = {"before": False, "until": True, "till": True}
_LISTING = frozenset({"and", "or", "&", ","})
_ORDINAL = re.compile("([0-9]{1,2})(?:st|nd|rd|th)")
_TOLD = frozenset({"last", "this", "next", "the"})
_GOES_ON = frozenset({"of", "before", "after"})
_OF = frozenset({"of", "starting", "beginning"})
_INSIDE = ("on", "at", "in", "around")
_NOTHING: Days = (0, 0)
"""Of what names a time and has none, such as 31 February: its words are passed over."""
_WIDER = 3
"""Days on each side that "around" adds at least; half of the span when that is more."""


def phrases(question: Question) -> Iterator[tuple[Days, int, int]]:
    """Yield the days of each time that a question speaks of, with its first and last token.

    Every rule looks at a bounded number of tokens, so the work grows with their number alone.
    """
    at, listed_at = 0, -1
    while question.words[at]:
        found = _phrase(question, at, "and" if at == listed_at else "")
        if found is None:
            at += 1
            continue
        days, stop = found
        if days != _NOTHING:
            yield days, at, stop
        at = stop
        listed_at = stop + 1 if question.words[stop] in _LISTING else -1


def _phrase(question: Question, at: int, lead: str) -> Found | None:
    word, following = question.words[at], question.words[at + 1]
    if word in APPROXIMATE:
        return _approximate(question, at + 1, word)
    if word in {"more", "less"} and following == "than":
        return _approximate(question, at + 2, "")
    if word in _SINCE or word in _UNTIL or (word == "prior" and following == "to"):
        if is_count(question, at):
            return _counted_from(question, at)
        return _open(question, at)
    if word == "between":
        return _between(question, at + 1)
    if word == "about" and _is_amount(question, at + 1) and not is_talk(question, at):
        return _approximate(question, at + 1, word)
    if word in PLAIN:
        return _plain(question, at + 1, word)
    return _plain(question, at, lead)


def _counted_from(question: Question, at: int) -> Found | None:
    """How many days since May 5: the time itself; what they count towards is still to come."""
    word = question.words[at]
    found = _plain(question, at + 1, word)
    return (_NOTHING, found[1]) if found and word in {"until", "till"} else found


def _is_amount(question: Question, at: int) -> bool:
    """Whether "about" is said of a number: what is asked about is no less certain for it."""
    return amount_of_units(question, at) is not None


def _plain(question: Question, at: int, lead: str) -> Found | None:
    """A time, or a range from it: in May, from May to July, from May on."""
    moment = _moment(question, at, lead_of(question, at, lead))
    if moment is None:
        return None
    stop = moment.stop
    if question.words[stop] in _TO and (joined := _joined(question, moment, stop + 1, "to")):
        return joined
    days = resolve(moment, question.today)
    if days is None:
        return _NOTHING, stop
    if lead == "from" and question.words[stop] in {"on", "onwards", "onward"}:
        return _after(question, days[0]), stop + 1
    if lead == "over" and question.words[stop - 1] == "ago":
        days = _widened(days)
    return days, stop


def _narrowed(question: Question, moment: Moment) -> Moment:
    """Christmas last year · Monday of last week · last week on Monday: the one inside the other."""
    at = moment.stop
    if moment.turn is None:
        outer = relative(question, question.skip(question.skip(at, ","), "of", "in"), "")
        days = resolve(outer, question.today) if outer else None
        return _inside(moment, days, outer.stop) if outer else moment
    days = moment.of(moment.turn)
    here = question.skip(at, ",")
    lead = question.words[here] if question.words[here] in _INSIDE else "on"
    here = question.skip(here, *_INSIDE)
    inner = _part(question, here, 1) or named(question, here, lead)
    if days is None or inner is None or inner.turn is not None:
        return moment
    return _inside(inner, days, inner.stop, moment)


def _inside(
    moment: Moment, days: Days | None, stop: int, otherwise: Moment | None = None
) -> Moment:
    """The first turn of a time that lies inside some days, when one does."""
    found = earliest(moment, days[0]) if days else None
    if days is None or found is None or found[1] > days[1] or days[1] - days[0] == 1:
        return otherwise or moment
    return fixed(stop, found)


def _between(question: Question, at: int) -> Found | None:
    """Between two times; none when only one of them is known."""
    moment = _moment(question, at, "between")
    if moment is None:
        return None
    if question.words[moment.stop] in {"and", "-", "–"}:
        return _joined(question, moment, moment.stop + 1, "and")
    days = resolve(moment, question.today)
    return (days, moment.stop) if days else None


def _joined(question: Question, first: Moment, at: int, lead: str) -> Found | None:
    """From one time to the end of another; a year said once holds for both."""
    today = question.today
    if question.words[at] in _NOW:
        begin = resolve(first, today)
        return ((begin[0], max(today, begin[0]) + 1), at + 1) if begin else None
    second = _moment(question, at, lead)
    if second is None:
        return None
    if first.turn is not None and second.turn is None:
        begin = resolve(first, today)
        end = earliest(second, begin[0]) if begin else None
    else:
        end = resolve(second, today)
        begin = latest(first, end[0] + 1) if end and first.turn is None else resolve(first, today)
    if begin is None or end is None:
        return None
    return (min(begin[0], end[0]), max(begin[1], end[1])), second.stop


def _open(question: Question, at: int) -> Found | None:
    """Since, after, before, until: up to today, or from the beginning of the calendar."""
    word = question.words[at]
    here = at + 2 if word == "prior" else at + 1
    moment = _moment(question, question.skip(here, "about", *APPROXIMATE), word)
    days = resolve(moment, question.today) if moment else None
    if moment is None or days is None:
        return None
    if word in _SINCE:
        return _after(question, days[_SINCE[word]]), moment.stop
    return (FIRST, days[_UNTIL.get(word, False)]), moment.stop


def _after(question: Question, day: int) -> Days:
    """From a day to the end of today, or of the calendar when it is still to come."""
    return day, question.today + 1 if day <= question.today else LAST


def _approximate(question: Question, at: int, lead: str) -> Found | None:
    moment = _moment(question, at, lead)
    days = resolve(moment, question.today) if moment else None
    return (_widened(days), moment.stop) if moment and days else None


def _widened(days: Days) -> Days:
    margin = max(_WIDER, (days[1] - days[0]) // 2)
    return days[0] - margin, days[1] + margin


def _moment(question: Question, at: int, lead: str, depth: int = 0) -> Moment | None:
    """Read one time that begins at a token, with all that belongs to it."""
    if depth > _DEEPEST:
        return None
    moment = (
        _part(question, at, depth)
        or _offset(question, at, depth)
        or relative(question, at, lead)
        or named(question, at, lead)
    )
    return moment if moment is None or depth else _narrowed(question, moment)


def _inner(question: Question, at: int, lead: str, depth: int) -> Moment | None:
    """The time that a part belongs to; "the year" is this year."""
    unit, after = question.words[at + 1], question.words[at + 2]
    is_now = question.words[at] == "the" and unit in UNITS and after not in _GOES_ON
    if is_now and (days := turn_of_unit(question.today, unit, 0)):
        return fixed(at + 2, days)
    return _moment(question, at, lead, depth + 1)


def _made(inner: Moment, change: Callable[[Days], Days | None]) -> Moment:
    """Each turn of a time, changed."""

    def of(turn: int) -> Days | None:
        days = inner.of(turn)
        return change(days) if days else None

    return Moment(inner.stop, of, inner.cycle, inner.turn)


def _part(question: Question, at: int, depth: int) -> Moment | None:
    """Early March · the end of last month · the first week of May · the night of 7 May."""
    here = question.skip(at, "the")
    word = question.words[here]
    if word in {"earlier", "later"}:
        return _side_of_today(question, here, depth)
    if word in THIRDS:
        return _third(question, here, depth)
    if word in ORDINALS or word == "last" or word[:1].isdecimal():
        return _nth(question, here, depth)
    if question.words[here + 1] in _OF and (word in UNIT_NAMES or word in PARTS_OF_DAY):
        inner = _moment(question, here + 2, "in" if word == "month" else "of", depth + 1)
        return _made(inner, unit_around(UNIT_NAMES.get(word))) if inner else None
    return None


def _third(question: Question, at: int, depth: int) -> Moment | None:
    word = question.words[at]
    is_noun = word in {"beginning", "start", "middle", "end"}
    if is_noun and question.words[at + 1] != "of":
        return None
    stop = at + 2 if is_noun else question.skip(at + 1, "-", "in")
    inner = _inner(question, stop, word, depth)
    return _made(inner, lambda days: share(days, THIRDS[word], 3)) if inner else None


def _side_of_today(question: Question, at: int, depth: int) -> Moment | None:
    """Earlier this week, later this month: the side of today, itself included."""
    is_earlier = question.words[at] == "earlier"
    inner = _moment(question, question.skip(at + 1, "in"), "in", depth + 1)
    if inner is None:
        return None
    today = question.today

    def side(days: Days) -> Days:
        if not days[0] <= today < days[1]:
            return days
        return (days[0], today + 1) if is_earlier else (today, days[1])

    return _made(inner, side)


def _nth(question: Question, at: int, depth: int) -> Moment | None:
    """The first week of May, the last Monday of 2022, the second half of last year."""
    word = question.words[at]
    figures = _ORDINAL.fullmatch(word)
    nth = -1 if word == "last" else int(figures[1]) if figures else ORDINALS.get(word, 0)
    if not nth:
        return None
    if question.words[at + 1] == "of" and question.words[at + 2] in _TOLD:
        inner = _inner(question, at + 2, "in", depth)
        return _made(inner, lambda days: unit_in(days, "day", nth, 1)) if inner else None
    counted = number(question, at + 1)
    (_, count), here = counted if counted else ((1, 1), at + 1)
    what = question.words[here]
    unit = "half" if what == "half" else UNIT_NAMES.get(what, "")
    if not (unit or what in WEEKDAYS) or question.words[here + 1] not in {"of", "in"}:
        return None
    inner = _inner(question, here + 2, "in", depth)
    if inner is None or (question.words[here + 1] == "in" and _is_longer(question, unit, inner)):
        return None
    if what in WEEKDAYS:
        return _made(inner, lambda days: weekday_in(days, WEEKDAYS[what] - 1, nth))
    if counted is None and what == f"{unit}s":
        return _made(inner, lambda days: share(days, 0 if nth > 0 else 2, 3))
    return _made(inner, lambda days: unit_in(days, unit, nth, int(count)))


def _is_longer(question: Question, unit: str, inner: Moment) -> bool:
    """Whether a unit is no part of a time for its length: "last year in May" is a May."""
    days = resolve(inner, question.today)
    return days is not None and unit in UNITS and length_of(unit) >= days[1] - days[0]


def _offset(question: Question, at: int, depth: int) -> Moment | None:
    """Three days before Christmas · the week after Easter: from a day that the calendar knows."""
    counted = amount_of_units(question, at)
    amount, unit, stop = counted or _single_unit(question, at)
    word = question.words[stop]
    is_before = word in {"before", "prior"}
    if not unit or not (is_before or word in {"after", "following"}):
        return None
    inner = _moment(question, question.skip(stop + 1, "to"), "after", depth + 1)
    if inner is None:
        return None
    sign = -1 if is_before else 1

    def change(days: Days) -> Days | None:
        if amount is None:
            return beside(days, unit, sign)
        return around(question, days[0] if is_before else days[1] - 1, amount, unit, sign)

    return _made(inner, change)


def _single_unit(question: Question, at: int) -> tuple[None, str, int]:
    """The unit of "the week before", "last weekend before", "week before"."""
    here = question.skip(question.skip(at, "the"), "last", "first")
    word = question.words[here]
    unit = word if word in UNITS else "day" if word in PARTS_OF_DAY else ""
    return None, unit, here + 1
