"""What a person states about themself, sentence by sentence, without a model.

English only, made to be right rather than complete. What is read:

1. A text is cut into sentences and these into clauses that each say one thing: "I'm a nurse, but I
   want to move" has two. Long texts, quotations, lists, code, and texts that hand over a text or a
   part to play ("write a letter …", "act as …") are left out: they are seldom about their writer.
2. A sentence that reports ("she says I …"), jokes or takes itself back gives nothing; a clause
   that supposes ("if I lived in …") gives nothing, nor do those after it. Of a clause that asks,
   hopes, leaves open or is taken back ("got a job but turned it down") only what it takes for
   granted is read: "is my cat Miso too old for …?"
3. A clause must fit one pattern from end to end, in the present, about the writer or somebody of
   the family; "used to" is history, "no longer", "sold", "quit" and the like end what held. A
   sentence may leave its "I" out ("Just moved to …"). What is taken for granted ("my 5-year-old
   daughter", "my road bike") may stand anywhere in a clause.
4. Names are told by their capitals; things by short lists of plain nouns. What only points at
   something ("the second one", "your idea") is none.
5. Times in a clause date moves, purchases, jobs and marriages, told from the moment of the message;
   "for three years" dates what goes on. One of the future dates nothing but a plan, and a plan
   needs one.
6. Statements on one subject replace each other ("home", "employer", "taste:coffee"); what may be
   many has subjects of its own ("allergy:peanuts", "pet:rex").
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from ..dates import TimeSpan, read_time_spans
from .clauses import Clause, clauses
from .family import FAMILY
from .health import HEALTH
from .hobbies import HOBBIES
from .life import PLACES, PLANS
from .people import IDENTITY, RELATIONS
from .rules import NUMBER, Form, Rule
from .tastes import TASTES
from .things import THINGS
from .work import WORK

__all__ = ["Reading", "is_said", "read_facts"]

_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_ANY_WORD = re.compile(r"\w+")
_FIELD = re.compile(r"\{(?:(a) )?(\w+)(\|?)\}")
_PLURAL = re.compile(r"[^\Wsui]s$")
_FOR = re.compile(
    r"(?:i|we)(?:['’]ve| have) (?:[^,]*? )?for (?:about |around |over |almost |nearly "
    r"|more than )?"
    rf"((?:an?|{NUMBER}) (?:year|month|week)s?)\b(?! and a half)",
    re.IGNORECASE,
)
_MOST = 20
"""Readings of one text at most."""
_MAX_CHARS = 120


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that a text states.

    Attributes:
        subject: What it is about, in small letters; statements on one subject replace each other.
        value: What it says of it, in small letters; "" ends whatever held.
        text: A sentence that states it; "" if it ends what held.
        start: Where in the text the clause begins.
        stop: Where it ends.
        since: Since when it holds, or when it ended, if the clause says so.
    """

    subject: str
    value: str
    text: str
    start: int
    stop: int
    since: datetime | None = None


def read_facts(text: str, moment: datetime, *, who: str = "User") -> tuple[Reading, ...]:
    """List what a text states about its writer, in order; at most 20.

    Args:
        moment: When it was said; aware.
        who: How the writer is called in what is stated.
    """
    found: dict[tuple[str, str, bool], Reading] = {}
    for clause in clauses(text, _may_say):
        for one in _of_clause(clause, moment, who):
            found[one.subject, one.value, one.text == ""] = one
    return tuple(found.values())[:_MOST]


def is_said(one: Reading, found: Iterable[Reading]) -> bool:
    """Whether something that was read otherwise says what one of the readings of a text says.

    It does on the same subject with the same value, and from the same clause in words of which none
    is new.
    """
    words = set(_ANY_WORD.findall(one.value.lower()))
    return any(
        (one.subject, one.value) == (other.subject, other.value)
        or (
            other.start <= one.start < max(other.stop, other.start + 1)
            and words <= set(_ANY_WORD.findall(f"{other.text} {other.value}".lower()))
        )
        for other in found
    )


def _of_clause(clause: Clause, moment: datetime, who: str) -> list[Reading]:
    """What one clause states; what it ends it does not state as well."""
    found: list[Reading] = []
    ended: set[tuple[str, str]] = set()
    has_whole = False
    for rule in _fitting(clause.text):
        if not rule.is_inside and (
            clause.is_open or has_whole or not (clause.is_plain or rule.is_denial)
        ):
            continue
        match = rule.match(clause.text)
        if match is None:
            continue
        made = list(_readings(rule, match, clause, moment, who))
        has_whole = has_whole or (bool(made) and not rule.is_inside)
        found += made
        if rule.time != "future":  # a plan ends with its day
            ended |= {(one.subject, one.value) for one in made if not one.text}
    return [
        one
        for one in found
        if not one.text or ended.isdisjoint([(one.subject, ""), (one.subject, one.value)])
    ]


@cache
def _by_hint() -> dict[str, list[int]]:
    """Numbers of the rules by each word of which one must stand in a clause."""
    found = defaultdict(list)
    for number, rule in enumerate(_RULES):
        for hint in rule.hints:
            found[hint].append(number)
    return found


def _may_say(clause: str) -> bool:
    """Whether any rule fits a clause, whatever stands around it."""
    return any(rule.match(clause) is not None for rule in _fitting(clause))


def _fitting(clause: str) -> list[Rule]:
    """The rules that may fit a clause, in their order."""
    hints = _by_hint()
    numbers = {n for word in _WORD.findall(clause.lower()) for n in hints.get(word, ())}
    return [_RULES[number] for number in sorted(numbers)]


def _readings(
    rule: Rule, match: re.Match[str], clause: Clause, moment: datetime, who: str
) -> Iterator[Reading]:
    """What a rule makes of what it fits."""
    groups = {name.rstrip("23"): value for name, value in match.groupdict().items() if value}
    span = None if rule.time == "none" else _span(clause.text, moment)
    if rule.time == "future" and (span is None or span.start <= moment):
        return
    if rule.time == "past" and span is not None and span.start > moment:
        return
    groups["who"] = who
    if span is not None:
        groups["day"] = span.start.date().isoformat()
        groups["when"] = _when(span)
    if span is None and rule.time == "past":
        span = _lasting(clause.text, moment)
    since = _began(span) if rule.time == "past" and span is not None else None
    for values in _each(rule, groups):
        for form in rule.forms:
            made = _made(form, values)
            if made is not None:
                subject, value, text = made
                yield Reading(subject, value, text, clause.start, clause.stop, since)
                if rule.time == "future" and span is not None:
                    yield Reading(subject, value, "", clause.start, clause.stop, span.end)


def _each(rule: Rule, groups: dict[str, str]) -> Iterator[dict[str, str]]:
    """The groups once, or once for each member of their list."""
    if rule.many is None:
        yield groups
        return
    name, split = rule.many
    for one in split(groups[name]):
        yield {**groups, name: one, "pair": " or ".join(sorted((one, groups.get("other", ""))))}


def _made(form: Form, groups: dict[str, str]) -> tuple[str, str, str] | None:
    """A form filled in; None if it names a group that fitted nothing."""
    needed = [m[2] for part in form for m in _FIELD.finditer(part) if not m[3]]
    if any(name not in groups for name in needed):
        return None
    subject, value, text = (_FIELD.sub(lambda m: _filled(m, groups), part) for part in form)
    if len(subject) > _MAX_CHARS or len(text) > 2 * _MAX_CHARS:
        return None
    return " ".join(subject.lower().split()), " ".join(value.lower().split()), text


def _filled(match: re.Match[str], groups: dict[str, str]) -> str:
    value = " ".join(groups.get(match[2], "").split())
    if match[1]:
        return value if _PLURAL.search(value) else f"{_article(value)} {value}"
    return value + " " if match[3] and value and match[2] == "which" else value


def _article(value: str) -> str:
    return "an" if value.startswith((*"aeiouAEIOU8", "11 ", "18", "11-")) else "a"


def _span(text: str, moment: datetime) -> TimeSpan | None:
    """The one time that a clause speaks of; None for none or several."""
    found = read_time_spans(text, moment)
    return found[0] if len(found) == 1 else None


def _lasting(text: str, moment: datetime) -> TimeSpan | None:
    """The time at which what goes on began: that of "ago" for "I've … for three years"."""
    match = _FOR.match(text)
    return _span(f"{match[1]} ago", moment) if match and not read_time_spans(text, moment) else None


def _when(span: TimeSpan) -> str:
    """The day of a span, or its first and last."""
    first, last = span.start.date(), (span.end - timedelta(microseconds=1)).date()
    return f"on {first}" if first == last else f"between {first} and {last}"


def _began(span: TimeSpan) -> datetime:
    """When something of that time began: "ago" is around the middle of what it may mean."""
    is_wide = span.end - span.start > timedelta(days=1)
    if is_wide and span.text.lower().endswith("ago"):
        return span.start + (span.end - span.start) / 2
    return span.start


_RULES: tuple[Rule, ...] = (
    *IDENTITY,
    *RELATIONS,
    *FAMILY,
    *PLACES,
    *WORK,
    *PLANS,
    *TASTES,
    *HOBBIES,
    *HEALTH,
    *THINGS,
)
