"""What a rule of reading is, and the parts that many patterns share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Form = tuple[str, str, str]
"""Subject, value and text of one reading, with the names of groups in braces."""
Split = Callable[[str], list[str]]


@dataclass(frozen=True)
class Rule:
    """One way of saying something.

    Attributes:
        hints: Words of which one stands in every clause that the pattern fits.
        source: Of the pattern that fits a whole clause, or with `is_inside` a part of it.
        forms: What is read from it; a text of "" ends a fact. A form that names a group which
            fitted nothing is left out.
        time: Whether the clause may date it: "none", "past", or "future", which must be given.
        is_denial: Whether it also fits what denies, or speaks of what is no more.
        many: The group that may be a list, with what splits it.
        is_inside: Whether it may stand anywhere in a clause, denied or not.
    """

    hints: tuple[str, ...]
    source: str
    forms: tuple[Form, ...]
    time: Literal["none", "past", "future"] = "none"
    is_denial: bool = False
    many: tuple[str, Split] | None = None
    is_inside: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, made when a clause first has one of the hints: most never do."""
        return re.compile(self.source, re.IGNORECASE)

    def match(self, clause: str) -> re.Match[str] | None:
        """How it fits a clause; None if it does not."""
        return self.pattern.search(clause) if self.is_inside else self.pattern.fullmatch(clause)


def rule(
    hints: str,
    pattern: str,
    *forms: Form,
    time: Literal["none", "past", "future"] = "none",
    is_denial: bool = False,
    many: tuple[str, Split] | None = None,
    is_inside: bool = False,
) -> Rule:
    """Make a rule from its sources."""
    return Rule(tuple(hints.split()), pattern, forms, time, is_denial, many, is_inside)


# Parts of patterns. `(?-i:…)` is told by its capitals.
_NO_NAME = (
    r"(?!(?:I|I['’]\w+|January|February|March|April|May|June|July|August|September|October|November"
    r"|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Christmas|Easter"
    r"|Thanksgiving|Halloween|God|OK|TV|Mr|Mrs|Ms|Dr|The|A|And|But|So|My|It|We|He|She|They)\b)"
)
LANGUAGE = (
    "(?:Arabic|Bengali|Bulgarian|Cantonese|Catalan|Chinese|Croatian|Czech|Danish|Dutch|English"
    "|Estonian|Farsi|Finnish|French|German|Greek|Hebrew|Hindi|Hungarian|Icelandic|Indonesian|Irish"
    "|Italian|Japanese|Korean|Latvian|Lithuanian|Malay|Mandarin|Norwegian|Persian|Polish"
    "|Portuguese|Punjabi|Romanian|Russian|Serbian|Slovak|Slovenian|Spanish|Swahili|Swedish"
    "|Tagalog|Tamil|Telugu|Thai|Turkish|Ukrainian|Urdu|Vietnamese|Welsh)"
)
CAP = rf"{_NO_NAME}[A-Z][\w’'-]*\w"
NAME = rf"(?-i:{CAP}(?: {CAP}){{0,2}})"
ONE_NAME = rf"(?-i:(?!{LANGUAGE}\b){_NO_NAME}[A-Z][a-z][\w’-]*)"
_NO_PLACE = (
    r"(?!(?:Python|Java|JavaScript|TypeScript|Rust|Linux|Ubuntu|Windows|Mac|Android|Google|Netflix"
    r"|Spotify|Excel|Slack|Teams|AWS|Azure|React|Vue|Angular|Notion|Obsidian|Chrome|Firefox|Apple"
    r"|Amazon|Microsoft|Facebook|Instagram|Twitter|TikTok|Discord|Gmail|Outlook|Plan|Chapter|Part"
    r"|Level|Step|Phase|Section|Option)\b)"
)
PLACE = (
    rf"(?-i:(?:the )?{_NO_PLACE}(?:St\. )?{CAP}(?: (?:(?:of|de|la|del|los|upon|du|da|do|am)"
    rf" )?{CAP})"
    rf"{{0,3}}(?:, {CAP}(?: {CAP}){{0,2}})?)"
)
ORG = rf"(?-i:(?:the )?{CAP}(?: (?:(?:of|and|&|for|the|de) )*(?:{CAP}|[A-Z])){{0,4}})"
TAIL = (
    r"(?:,? (?:with|for|in|on|at|near|since|from|because|about|over|during|after|before|when|while"
    r"|last|this|these|just|right|too|now|again|already|recently|and|but|so|as|where|which|who|by"
    r"|through|every|all|full-time|part-time|myself|together|currently|alone|back|around|a|two"
    r"|three|earlier|yesterday|today|\w+ (?:years?|months?|weeks?|days?) ago|years|months|to be"
    r"|actually|though|of course|by the way|btw)\b.*)?"
)
SINCE = (
    r"(?:since\b.*|for (?:about |over |almost |nearly |the (?:past|last) |more than )*"
    r"(?:\w+ )?(?:years?|months?|decades?|weeks)\b.*|all my life\b.*|my (?:whole|entire) life\b.*)"
)
I_AM = r"i(?:['’]m| am)(?: (?:currently|now|also|actually|still|only|already|originally|happily))*"
I_HAVE = r"i(?:['’]ve| have)?"
JUST = r"(?: (?:just|recently|finally|actually|also|then|only|officially|eventually|have))*"
NUMBER = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})"
_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
CALENDAR_DAY = (
    rf"(?:(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{4}})?"
    rf"|{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)"
)

DIET = (
    r"(?P<diet>vegan|vegetarian|pescatarian|flexitarian|gluten[- ]free|dairy[- ]free"
    r"|lactose[- ]intolerant"
    r"|keto|low[- ]carb|plant[- ]based|teetotal|celiac|coeliac)"
)

_BREAK = re.compile(r"\s*,\s*(?:(?:and|or|&)\s+)?|\s+(?:and|or|&)\s+", re.IGNORECASE)
_AND = re.compile(r"\b(?:and|or)\b|&", re.IGNORECASE)
_THING = re.compile(r"[^\W\d_][\w’'&+/.-]*(?: [\w’'&+/.-]+){0,5}")
_NOT_A_THING = re.compile(
    r"^(?:(?:the|a|an|some|any|no|this|that|these|those|it|them|you|your|him|her|his|their|its|my"
    r"|our|me|us|how|what|when|where|why|who|all|both|each|every|everything|everyone|something"
    r"|anything|nothing|being|having|getting|seeing|knowing|hearing|living|working|talking|option"
    r"|number|one|two|three|to|more|most|less|just|so|very|too|also|really|not|learning|using"
    r"|trying|making|doing|going|looking|thinking|up|by|still|at|on|in|for|of|with|down|back"
    r"|over)\b)"
    r"|\b(?:my|me|mine|our|us|you|your|yours|it|this|that|these|those|them|they|he|she|him|his|her"
    r"|their|i|we|idea|ideas|option|options|suggestions?|ones?|thing|things|way|ways|stuff|list"
    r"|version|part|thought|sound of|look of|is|are|was|were|am|be|been|because|than|if|when|how"
    r"|what|who|which|while|lately|best|though|but|n't|not|would|can|will|do|does|did|has|have|had"
    r"|much|lot|few|recommend\w*|mentioned|above|below|here|there|today|tonight|yesterday|tomorrow"
    r"|recently|week|weekend|month|year|year's|so far|myself|enough|else|out)\b",
    re.IGNORECASE,
)
_PREPOSITIONS = frozenset(["for", "with", "of", "about", "from", "in", "on", "at", "to"])
_AFTER = re.compile(
    r",? (?:especially|particularly|because|since|so much|very much|a lot|a bit|too|as well"
    r"|more than"
    r"|though|these days|in general|in particular|even though|like|such as|from time to time"
    r"|but|by the way|overall|and (?:i|my|we))\b.*$",
    re.IGNORECASE,
)


def things(text: str) -> list[str]:
    """Each of a list of things; those that only point at something are left out.

    "hiking and tea" are two, "trying new dishes and flavours" is one: what follows an activity with
    its object, or a preposition, may belong to it.
    """
    whole = _AFTER.sub("", text).strip()
    if whole != text and text[len(whole) :].lstrip(", ").startswith(("like", "such")):
        return [] if whole.split()[0].endswith("ing") else _sound([whole])
    parts = [part.strip() for part in _BREAK.split(whole)]
    if len(parts) == 2 and "," in whole and not _AND.search(whole):
        return []  # "casual, comfortable outfits"
    if len(parts) > 1 and any(map(_goes_on, parts[:-1])):
        parts = [whole]
    return _sound(parts)


def _goes_on(part: str) -> bool:
    """Whether what is listed after this may be a part of it."""
    words = part.split()
    return (len(words) > 1 and words[0].endswith("ing")) or not _PREPOSITIONS.isdisjoint(words)


def _sound(parts: list[str]) -> list[str]:
    is_sound = all(_THING.fullmatch(part) and not _NOT_A_THING.search(part) for part in parts)
    return parts if is_sound else []


def names(text: str) -> list[str]:
    """Each of a list of names."""
    return [part for part in _BREAK.split(text) if part]
