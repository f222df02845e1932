"""What the words around a time make of it: a count up to it, talk about it, a lead for it."""

from __future__ import annotations

from .holidays import HOLIDAYS
from .vocabulary import MONTHS, SEASONS, UNITS, VERBS, WEEKDAYS, Question, word_set

_PLURALS = frozenset(f"{unit}s" for unit in UNITS)
_UNTIL = frozenset({"until", "till"})
_MUCH = frozenset({"many", "much"})
_AUXILIARIES = word_set("is are was were do does did have has had i we")
_LITTLE = _AUXILIARIES - {"did", "had"} | word_set(
    "it there left more longer still now to go got remain remaining"
)
_LONGEST_COUNT = 9
_TALKED = word_set(
    "talk talked talking speak spoke speaking chat chatted chatting say said saying tell told ask"
    " asked asking think thought thinking know knew hear heard read write wrote complain complained"
    " something anything"
)
_TOLD_SOMEONE = word_set("tell told telling ask asked asking remind reminded")
_SOMEONE = word_set("you me us him her them")
_TOLD = word_set("last this next previous past")
_FALLING = VERBS | {"fall"}
"""Months and seasons that are verbs when written small."""


def is_count(question: Question, at: int) -> bool:
    """Whether time is counted up to here: "days since", "how long until", "how much is it till"."""
    if at and question.words[at - 1] in _PLURALS:
        return True
    return question.words[at] in _UNTIL and any(
        question.words[here] == "how" and _counts(question, here + 1, at)
        for here in range(max(at - _LONGEST_COUNT, 0), at - 1)
    )


def _counts(question: Question, at: int, stop: int) -> bool:
    """Whether what follows "how" is an amount and little words: "long is it", "many days left"."""
    word = question.words[at]
    if word == "long":
        return _LITTLE.issuperset(question.words[at + 1 : stop])
    is_amount = word in _MUCH and at + 2 <= stop and question.words[at + 1] not in _AUXILIARIES
    return is_amount and _LITTLE.issuperset(question.words[at + 2 : stop])


def is_talk(question: Question, at: int) -> bool:
    """Whether "about" belongs to a verb: "talk about an hour ago", "tell you about a day ago"."""
    before = question.words[at - 1] if at else ""
    if before in _SOMEONE and at > 1:
        return question.words[at - 2] in _TOLD_SOMEONE
    return before in _TALKED


def lead_of(question: Question, at: int, lead: str) -> str:
    """The word after which a time stands, supplied where its year makes one unneeded.

    "Easter last year, where were we?" and "Monday last week" need no "at" and no "on".
    """
    name_at = question.skip(at, "the")
    told_at = question.skip(name_at + 1, "of")
    if lead or question.words[told_at] not in _TOLD:
        return lead
    name, unit = question.words[name_at], question.words[told_at + 1]
    if name in WEEKDAYS:
        return "on" if unit == "week" else ""
    is_name = name in MONTHS or name in SEASONS or (name,) in HOLIDAYS
    is_verb = name in _FALLING and told_at == name_at + 1 and not question.is_capital(name_at)
    return "in" if unit == "year" and is_name and not is_verb else ""
