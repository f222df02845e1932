"""Read the few preferences that a user states beyond doubt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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
_NO_VALUE = re.compile(
    r"(?:the (?:one|same|first|second|third|last|former|latter|other)|this|that|these|those|it|its"
    r"|one|here|there|still|always|also|something|anything|everything|what|how|why|getting"
    r"|changing|hard|difficult|so|too|very|really|coming|playing|on|in|at|\w+ed by)\b",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(("Back", "Later", "Tomorrow", "Today", "Now", "Maybe", "Crazy", "When", "At"))


@dataclass(frozen=True, slots=True)
class StatedPreference:
    """One preference read from a text.

    Attributes:
        key: What it is about, lower case, spelt alike however it was said.
        confidence: From 0 to 1.
    """

    key: str
    value: str
    confidence: float


def read_preferences(text: str, role: str) -> list[StatedPreference]:
    """List the preferences that a user states in plain words, in order, one a sentence.

    Made to be right rather than complete: a text that is long or quotes gives nothing, and so
    does a sentence that asks, denies, supposes, reports or speaks of today only. Of two values
    for one key the later one stays.
    """
    if role != "user" or len(text) > _MAX_CHARS or _QUOTED.search(text):
        return []
    read = (_read(sentence.strip()) for sentence in _SENTENCES.split(text))
    last = {one.key: one for one in read if one is not None}
    return list(last.values())


def _read(sentence: str) -> StatedPreference | None:
    """The preference that one whole sentence states, if any."""
    sentence = _LEAD.sub("", sentence, count=1) if _LEAD.match(sentence) else sentence
    if _DOUBTFUL.search(sentence):
        return None
    for pattern, make in _PATTERNS:
        match = pattern.fullmatch(sentence)
        if match:
            return make(match)
    return None


def _favourite(match: re.Match[str]) -> StatedPreference | None:
    """`my favourite X is Y`."""
    topic, value = " ".join(match["topic"].lower().split()), match["value"].strip()
    if _NO_VALUE.match(value) or len(value.split()) > 6:
        return None
    return StatedPreference(f"favourite {topic}", value, 0.9)


def _preferred(match: re.Match[str]) -> StatedPreference | None:
    """`I prefer X over Y`, when X and Y end in the word that says what they are kinds of."""
    one, other = match["one"].split(), match["other"].split()
    kind = one[-1].lower()
    if len(one) < 2 or len(other) < 2 or other[-1].lower() != kind or kind in ("one", "ones"):
        return None
    if _NO_VALUE.match(match["one"]):
        return None
    return StatedPreference(f"preferred {kind}", match["one"], 0.8)


def _called(match: re.Match[str]) -> StatedPreference | None:
    """`call me X`."""
    name = match["value"].rstrip(".")
    if name.split()[0] in _NO_NAMES:
        return None
    return StatedPreference("name to use", name, 0.95)


def _language(match: re.Match[str]) -> StatedPreference | None:
    return StatedPreference("answer language", match["value"].capitalize(), 0.95)


def _format(match: re.Match[str]) -> StatedPreference | None:
    return StatedPreference("answer format", match["value"], 0.9)


def _units(match: re.Match[str]) -> StatedPreference | None:
    return StatedPreference("units", match["value"].lower(), 0.9)


def _temperature(match: re.Match[str]) -> StatedPreference | None:
    return StatedPreference("temperature unit", match["value"].capitalize(), 0.9)


_Make = Callable[[re.Match[str]], StatedPreference | None]
_ANSWER = (
    r"(?:please )?(?:always |from now on,? (?:please )?(?:always )?)(?:answer|reply|respond|write)"
)
_USE = r"(?:please (?:always )?|always (?:please )?)use"
_SOURCES: tuple[tuple[str, _Make], ...] = (
    (
        r"my (?:all[- ]time )?favou?rite (?P<topic>[a-z][\w-]*(?: [\w-]+){0,2}?) (?:is|are) "
        r"(?P<value>[^,:()]{1,60}?)"
        r"(?:,? (?:because|since|but|though|as) .{1,200}|, .{1,200})?[.!;]?",
        _favourite,
    ),
    (
        r"I (?:(?:always|generally|usually|much|strongly|really) )?prefer "
        rf"(?P<one>[\w -]{{2,40}}?) (?:over|to) (?P<other>[\w -]{{2,40}}?){_END}",
        _preferred,
    ),
    (
        r"(?:please |you can |just |everyone calls me \w+, so )?call me "
        rf"(?-i:(?P<value>{_NAME}?)){_END}",
        _called,
    ),
    (rf"{_ANSWER}(?: to)?(?: me)? in (?P<value>{_LANGUAGES}){_END}", _language),
    (rf"{_ANSWER}(?: to)?(?: me)? (?:in|with|using) (?P<value>{_FORMATS}){_END}", _format),
    (
        rf"{_USE} (?:the )?(?P<value>metric|imperial|SI)(?: units?| system| measurements?)?{_END}",
        _units,
    ),
    (rf"{_USE} (?:degrees )?(?P<value>celsius|fahrenheit|kelvin){_END}", _temperature),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), make) for pattern, make in _SOURCES)
