"""Whose words a question is about: a speaker it names, or the assistant it talks to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from .words import STOP_WORDS, has_no_spaces, words

SUMMARY = "summary"
"""The role of a memory that stands for a session."""
STANDARD_ROLES: frozenset[str] = frozenset({"user", "assistant", "tool", "system", SUMMARY})
"""Roles that are no names."""

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+|[.!?:\n]")
_STARTS = frozenset(".!?:\n")
_SAID = (
    "said|told|mentioned|recommended|suggested|proposed|advised|(?:gave|given)(?!\\s+up\\b)"
    "|provided|listed"
    "|explained|described|wrote|written|showed|shown|shared|came\\s+up|walked\\s+me|helped\\s+me"
)
_SAY = (
    "say|tell|mention|recommend|suggest|propose|advise|give(?!\\s+up\\b)|provide|list|explain"
    "|describe|write|show|share|come\\s+up|walk\\s+me|help\\s+me"
)
_ADVERBS = r"(?:(?:have|had|just|also|once|previously|already|earlier)\s+)*"
_TALK = r"\b(?:our|the)\s+(?:\w+\s+)?(?:conversation|chat|discussion)s?\b"
_OF_ASSISTANT = re.compile(
    rf"\byou(?:['’]ve|['’]d)?\s+{_ADVERBS}(?:{_SAID})\b"
    rf"|\bdid\s+you\s+{_ADVERBS}(?:{_SAY})\b"
    r"|\byour\s+(?:\w+\s+)?(?:suggestion|recommendation|advice|answer|explanation|reply)s?\b"
    rf"|{_TALK}.*\bremind\b|\bremind\b.*{_TALK}"
    r"|\bwere\s+you\s+(?:telling|explaining|showing|describing)\b"
    r"|\bwe\s+(?:discussed|talked\s+about|went\s+(?:over|through)|came\s+up\s+with)\b"
    rf"|\bdid\s+we\s+{_ADVERBS}"
    r"(?:discuss|talk\s+about|go\s+(?:over|through)|come\s+up\s+with)\b",
    re.IGNORECASE | re.DOTALL,
)
_SCAN = 2000
"""Characters of a question that are looked at."""
_SHORTEST_NAME = 2
_NAMES = """
ada adam alan alex ali alice allen amy ann anne ben bob dan david donna ella fred jack james jane
jean jim joe john jose ken kim lee leo louis martin mary mel mia michael mike nick paul peter roy
ruth sam sean smith tim tom
"""
_ONLY_NAMES = frozenset(_NAMES.split())
"""Common words that are hardly anything but names, however they are written."""
_ASKS = frozenset({"did", "does", "has", "had"})
"""Words before somebody who does something: "what did bill say"."""
_ACTS = """
said says told tells asked asks thought thinks wanted wants liked likes mentioned mentions
recommended suggested and s
"""
_DOES = frozenset(_ACTS.split())
"""Words after somebody: "Mark told me", but not "Mark the date"."""


def asked_about(question: str, roles: Iterable[str]) -> frozenset[str]:
    """Those of the roles whose words a question asks for.

    A named speaker, when one of the name's words stands in the question, in any case and with or
    without accents. A name that is also a common word ("Will", "Bill") counts only with a capital
    that no sentence gave it, or where somebody must stand: "what did bill say", "Mark told me".
    The assistant, when the question speaks of what "you" said, or of "our conversation".
    """
    head = question[:_SCAN]
    plain = _bare(head)
    said = frozenset(_WORD.findall(plain))
    names = {role: _names(role) for role in roles if role not in STANDARD_ROLES}
    has_words = any(one.is_word for parts in names.values() for one in parts)
    persons = frozenset(_persons(head) if has_words else ())
    found = {role for role, parts in names.items() if _is_named(parts, plain, said, persons)}
    if _OF_ASSISTANT.search(head):
        found.add("assistant")
    return frozenset(found)


def speaker_prefix(role: str) -> str:
    """How a text begins that a named speaker said; "" for the standard roles."""
    return "" if role in STANDARD_ROLES else f"{role}: "


def _bare(text: str) -> str:
    """Without case and accents."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in parts if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare)


class _Name(NamedTuple):
    """One word of a name.

    Attributes:
        text: Without case and accents.
        is_word: Whether it is also a common word.
        is_run: Whether it stands in a script without spaces, where it may be a part of a run.
    """

    text: str
    is_word: bool
    is_run: bool


@lru_cache(maxsize=1024)
def _names(role: str) -> tuple[_Name, ...]:
    """The words of a speaker's name."""
    parts = (part for part in _WORD.findall(_bare(role)) if len(part) >= _SHORTEST_NAME)
    common = _common_words() | STOP_WORDS
    return tuple(_Name(part, part in common, has_no_spaces(part)) for part in parts)


def _is_named(
    names: Iterable[_Name], plain: str, said: frozenset[str], persons: frozenset[str]
) -> bool:
    """Whether one of a name's words was said; one like "Will" only where it is a person's."""
    return any(
        one.text in (persons if one.is_word else said) or (one.is_run and one.text in plain)
        for one in names
    )


@cache
def _common_words() -> frozenset[str]:
    from ._common_words import COMMON_WORDS

    return COMMON_WORDS - _ONLY_NAMES


def _persons(text: str) -> Iterator[str]:
    """The words of a text, bare, that can only be somebody's name where they stand."""
    tokens = _TOKEN.findall(unicodedata.normalize("NFC", text))
    plain = [_bare(token) for token in tokens]
    is_shouted = text.isupper()
    for at, token in enumerate(tokens):
        before, after = plain[at - 1] if at else ".", plain[at + 1] if at + 1 < len(tokens) else ""
        is_capital = token[0].isupper() and not is_shouted
        if before in _ASKS or (is_capital and (before not in _STARTS or after in _DOES)):
            yield plain[at]


def search_terms(question: str, speakers: Iterable[str]) -> list[str]:
    """The search terms of a question but for the names of those whose words it asks for.

    A name finds what is said to a person as well as what the person says; who said it is known
    without it. A question that is nothing but names keeps them.
    """
    named = {term for name in speakers if name not in STANDARD_ROLES for term in words(name)}
    terms = words(question)
    return [term for term in terms if term not in named] or terms
