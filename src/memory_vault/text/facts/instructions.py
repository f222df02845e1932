"""Read the standing instructions that a user gives: how to answer, in which units, what name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..dates.vocabulary import NAMELESS, word_set
from ..words import STOP_WORDS

_MAX_CHARS = 600
_SENTENCES = re.compile(
    r"(?<=[.!?;\n])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\b[A-Z]\.)\s+|\n+"
)
_LEAD = re.compile(
    r"(?:(?:hi|hey|hello|ok|okay|so|well|also|and|btw|by the way|fyi|just so you know|please note"
    r"|note that|(?:please )?remember that)[,:!]?\s+)+",
    re.IGNORECASE,
)
# Signs that a text quotes, asks, reports, denies or supposes: then nothing is read from it.
_QUOTED = re.compile(r'["“”«»`]|(?:^|\s)[\'‘]\w|\w[\'’](?:$|\s)|^>', re.MULTILINE)
_DOUBTFUL = re.compile(
    r"\?|\b(?:if|unless|when|whenever|whether|would|could|should|might|may|maybe|perhaps|probably"
    r"|not|never|no longer|isn['’]t|aren['’]t|wasn['’]t|don['’]t|doesn['’]t|didn['’]t|was|were"
    r"|used to|said|says|say|told|tells|asked|thinks?|thought|believes?|guess|suppose|imagine"
    r"|pretend|today|tonight|right now|this time|for now|either|or|except)\b",
    re.IGNORECASE,
)
_LANGUAGES = (
    "Arabic|Bengali|Bulgarian|Catalan|Chinese|Croatian|Czech|Danish|Dutch|English|Estonian|Finnish"
    "|French|German|Greek|Hebrew|Hindi|Hungarian|Icelandic|Indonesian|Irish|Italian|Japanese"
    "|Korean|Latvian|Lithuanian|Malay|Mandarin|Norwegian|Persian|Polish|Portuguese|Romanian"
    "|Russian|Serbian|Slovak|Slovenian|Spanish|Swahili|Swedish|Tamil|Telugu|Thai|Turkish"
    "|Ukrainian|Urdu|Vietnamese|Welsh"
)
_FORMATS = (
    r"(?:short |numbered |complete |full )?(?:sentences|paragraphs|bullet points|bullets|lists?)"
    r"|plain (?:text|English)|Markdown|JSON|YAML|a table|tables|one (?:sentence|paragraph|line)"
)
_NAME = r"[A-Z][\w’'-]*\.?(?: [A-Z][\w’'-]*){0,2}"
_END = r"(?:,? (?:please|thanks|thank you))?[.!;]?"
# What "call me" is said with when the telephone, a car or a joke is meant.
_NO_NAMES = (STOP_WORDS - word_set("an don will")) | word_set(
    "ambulance anytime asap back cab collect crazy first immediately ishmael later lazy"
    " lyft maybe next old soon sometime stupid taxi uber weird whenever"
)
_SHORTEST_SHOUT = 3


@dataclass(frozen=True, slots=True)
class Instruction:
    """One standing instruction read from a text.

    Attributes:
        key: What it is about, lower case, spelt alike however it was said.
        confidence: From 0 to 1.
    """

    key: str
    value: str
    confidence: float


def read_instructions(text: str, role: str) -> list[Instruction]:
    """List the standing instructions that a user gives in plain words, in order, one a sentence.

    Made to be right rather than complete: a text that is long or quotes gives nothing, and so
    does a sentence that asks, supposes, reports, speaks of today only or denies, but for "never use
    emojis". A wish must say that it stands ("always", "from now on"): "Answer in French" may be
    about one answer. Of two values for one key the later one stays.
    """
    if role != "user" or len(text) > _MAX_CHARS or _QUOTED.search(text):
        return []
    read = (_read(sentence.strip()) for sentence in _SENTENCES.split(text))
    last = {one.key: one for one in read if one is not None}
    return list(last.values())


def _read(sentence: str) -> Instruction | None:
    """The instruction that one whole sentence gives, if any."""
    sentence = _LEAD.sub("", sentence, count=1) if _LEAD.match(sentence) else sentence
    if _NO_EMOJIS.fullmatch(sentence):
        return Instruction("emojis", "none", 0.9)
    if _DOUBTFUL.search(sentence):
        return None
    for pattern, make in _PATTERNS:
        match = pattern.fullmatch(sentence)
        if match:
            return make(match)
    return None


def _called(match: re.Match[str]) -> Instruction | None:
    """`call me X`."""
    name = match["value"].rstrip(".")
    return Instruction("name to use", name, 0.95) if may_be_name(name) else None


def may_be_name(text: str) -> bool:
    """Whether words after "call me" can be a name: no time to call at, no "ASAP", no "Uber"."""
    return not any(map(_is_no_name, text.split()))


def _is_no_name(word: str) -> bool:
    plain = word.rstrip(".").lower()
    is_shouted = word.isupper() and len(plain) >= _SHORTEST_SHOUT
    return is_shouted or plain in NAMELESS or plain in _NO_NAMES


def _language(match: re.Match[str]) -> Instruction | None:
    return Instruction("answer language", match["value"].capitalize(), 0.95)


def _length(match: re.Match[str]) -> Instruction | None:
    return Instruction("answer length", match["value"].lower(), 0.9)


def _spelling(match: re.Match[str]) -> Instruction | None:
    return Instruction("spelling", match["value"].capitalize(), 0.9)


def _format(match: re.Match[str]) -> Instruction | None:
    return Instruction("answer format", match["value"], 0.9)


def _units(match: re.Match[str]) -> Instruction | None:
    return Instruction("units", match["value"].lower(), 0.9)


def _temperature(match: re.Match[str]) -> Instruction | None:
    return Instruction("temperature unit", match["value"].capitalize(), 0.9)


_Make = Callable[[re.Match[str]], Instruction | None]
_ONWARDS = r"from now on,? (?:please )?(?:always )?"
_I_WANT = r"i(?:['’]d like| want) you to always "
_ALWAYS = rf"(?:please )?(?:always |{_ONWARDS}|{_I_WANT})"
_REPLY = r"(?:answer|reply|respond|write)(?: to)?(?: me)?"
_ANSWER = rf"{_ALWAYS}{_REPLY}"
_FROM_NOW_ON = r",? from now on"
_USE = rf"(?:please (?:always )?|always (?:please )?|{_ONWARDS}|{_I_WANT})use"
_DO_NOT = r"(?:don['’]t|do not)"
_NO_EMOJIS = re.compile(
    rf"(?:(?:please )?(?:never|{_DO_NOT} ever)|from now on,? (?:please )?(?:never|{_DO_NOT})) use"
    rf" (?:any )?emojis?{_END}"
    rf"|(?:please )?(?:{_DO_NOT} use (?:any )?|no )emojis?"
    rf",? (?:again|anymore|ever|from now on){_END}"
    rf"|from now on,? no emojis?{_END}",
    re.IGNORECASE,
)
_SOURCES: tuple[tuple[str, _Make], ...] = (
    (
        r"(?:please |you can |just |everyone calls me \w+, so )?call me "
        rf"(?-i:(?P<value>{_NAME}?)){_END}",
        _called,
    ),
    (rf"{_ANSWER}(?: only)? in (?P<value>{_LANGUAGES})(?: only)?{_END}", _language),
    (rf"(?:please )?{_REPLY} in (?P<value>{_LANGUAGES}){_FROM_NOW_ON}{_END}", _language),
    (rf"{_ANSWER} (?:in|with|using) (?P<value>{_FORMATS}){_END}", _format),
    (rf"{_ALWAYS}be (?:more )?(?P<value>brief|concise|succinct){_END}", _length),
    (
        r"(?:please )?(?:always )?keep (?:all )?your (?:answers|replies|responses) "
        rf"(?P<value>brief|concise|short){_END}",
        _length,
    ),
    (
        rf"{_USE} (?P<value>American|Australian|British|Canadian) (?:English|spellings?){_END}",
        _spelling,
    ),
    (
        rf"{_USE} (?:the )?(?P<value>metric|imperial|SI)(?: units?| system| measurements?)?{_END}",
        _units,
    ),
    (rf"{_USE} (?:degrees )?(?P<value>celsius|fahrenheit|kelvin){_END}", _temperature),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), make) for pattern, make in _SOURCES)
