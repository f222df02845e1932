"""Whose words a question is about: a speaker it names, or the assistant it talks to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .words import STOP_WORDS, words

SUMMARY = "summary"
"""The role of a memory that stands for a session."""
STANDARD_ROLES: frozenset[str] = frozenset({"user", "assistant", "tool", "system", SUMMARY})
"""Roles that are no names."""

_WORD = re.compile(r"\w+")
_SAID = (
    "said|told|mentioned|recommended|suggested|proposed|advised|gave|given|provided|listed"
    "|explained|described|wrote|written|showed|shown|shared|came\\s+up|walked\\s+me|helped\\s+me"
)
_SAY = (
    "say|tell|mention|recommend|suggest|propose|advise|give|provide|list|explain|describe|write"
    "|show|share|come\\s+up|walk\\s+me|help\\s+me"
)
_ADVERBS = r"(?:(?:have|had|just|also|once|previously|already|earlier)\s+)*"
_TALK = r"\b(?:our|the)\s+(?:\w+\s+)?(?:conversation|chat|discussion)s?\b"
_OF_ASSISTANT = re.compile(
    rf"\byou(?:['’]ve|['’]d)?\s+{_ADVERBS}(?:{_SAID})\b"
    rf"|\bdid\s+you\s+{_ADVERBS}(?:{_SAY})\b"
    r"|\byour\s+(?:\w+\s+)?(?:suggestion|recommendation|advice|answer|explanation|reply)s?\b"
    rf"|{_TALK}.*\bremind\b|\bremind\b.*{_TALK}"
    r"|\bwe\s+(?:discussed|talked\s+about|went\s+(?:over|through)|came\s+up\s+with)\b",
    re.IGNORECASE | re.DOTALL,
)
_SCAN = 2000
"""Characters of a question that are looked at."""
_SHORTEST_NAME = 2


def asked_about(question: str, roles: Iterable[str]) -> frozenset[str]:
    """Those of the roles whose words a question asks for.

    A named speaker, when one of the name's words stands in the question, in any case unless it is
    also a common word ("Will"); the assistant, when the question speaks of what "you" said, or of
    "our conversation".
    """
    head = question[:_SCAN]
    said = frozenset(_WORD.findall(head))
    said |= {word.casefold() for word in said}
    found = {role for role in roles if role not in STANDARD_ROLES and _named(role, said)}
    if _OF_ASSISTANT.search(head):
        found.add("assistant")
    return frozenset(found)


def speaker_prefix(role: str) -> str:
    """How a text begins that a named speaker said; "" for the standard roles."""
    return "" if role in STANDARD_ROLES else f"{role}: "


def _named(role: str, said: frozenset[str]) -> bool:
    """Whether one of a name's words was said; one like "Will" only as it is written."""
    parts = (part for part in _WORD.findall(role) if len(part) >= _SHORTEST_NAME)
    return any(
        (part if part.casefold() in STOP_WORDS else part.casefold()) in said for part in parts
    )


def search_terms(question: str, speakers: Iterable[str]) -> list[str]:
    """The search terms of a question but for the names of those whose words it asks for.

    A name finds what is said to a person as well as what the person says; who said it is known
    without it. A question that is nothing but names keeps them.
    """
    named = {term for name in speakers if name not in STANDARD_ROLES for term in words(name)}
    terms = words(question)
    return [term for term in terms if term not in named] or terms
