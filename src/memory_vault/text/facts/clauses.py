"""A text as the plain statements in it: what asks, quotes, supposes or reports is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .undone import is_of_two, is_undone

_SCAN = 2_000
"""Characters of a text that are looked at; what is longer is seldom about its writer."""
_LONG = 6_000
"""A text of more characters is taken for material, not for something said."""
_MAX_SENTENCE = 400
_SELF = re.compile(r"\b(?:i|my|we|our|im|ive)\b", re.IGNORECASE)
# A text handed over to be worked on, or a part to play: what it says is not about its writer.
_TASK = re.compile(
    r"```|(?:^|[.!?:\n]\s*)(?:imagine|picture|consider|suppose)(?: (?:this|that|the following))?"
    r"(?: scenario| situation| case)?\s*[.:!…]"
    r"|\b(?:eli5|explain (?:\w+ )?(?:to me )?like i['’]?m|just kidding|only kidding|act as|pretend"
    r"|role-?play|you are an?\b|you will be"
    r"|in the style of|lyrics|screenplay"
    r"|(?:write|draft|compose|create|generate|make up|give me|tell me|continue|finish|rewrite"
    r"|paraphrase|rephrase|translate|proofread|correct|edit|improve|summari[sz]e|fix) "
    r"(?:me |us |up |out )?(?:an? |the |this |that |these |my |some |following |short |long "
    r"|\w+ ){0,5}?(?:story|poem|song|essay|letter|e-?mail|message|speech|bio|biography|paragraph"
    r"|text|sentences?|script|dialogue|monologue|post|tweet|caption|profile|statement|introduction"
    r"|review|resume|cv|article|scene|chapter|prompt|answer|reply|response|note|blog|diary|journal"
    r"|vows?|toast|ad|description|character|conversation|joke|riddle|transcript|passage|draft)\b)",
    re.IGNORECASE,
)
_QUOTES = re.compile(r'"[^"\n]{0,500}"?|“[^”\n]{0,500}”?|«[^»\n]{0,500}»?|`[^`\n]{0,200}`?')
_SINGLE_QUOTES = re.compile(r"(?:(?<=[\s(:])|^)['‘](?=\w)[^'’\n]{2,300}['’](?!\w)", re.MULTILINE)
# Lines that quote, list, give a speaker's label or are markup.
_NOT_PROSE = re.compile(
    r"^[ \t]*(?:[>|#*•=<{\[]|\d+[.)]|[A-Z][.)] |[-–—][ \t]|[A-Z][\w ]{0,30}:[ \t]).*$", re.MULTILINE
)
_HOLE = "\x00"
_SENTENCE = re.compile(
    r"(?:[^.!?\n]|\.(?=\w)|(?<=\be\.g)\.|(?<=\bi\.e)\.|(?<=\b[A-Z])\.|(?<=\bDr)\.|(?<=\bMr)\."
    r"|(?<=\bMs)\.|(?<=\bMrs)\."
    r"|(?<=\bSt)\.)+(?:[.!?]+|\n|$)"
)
# What makes a whole sentence doubtful: it reports, jokes, quotes or takes itself back.
_REPORTED = re.compile(
    rf"{_HOLE}|\b(?:said|says|saying|claim(?:s|ed)?|wrote|writes|quote|lyrics?|sarcas\w+"
    rf"|yeah,? right"
    r"|as if|just kidding|kidding|joking|jk|lol|lmao|haha\w*|hehe|totally not|in theory"
    r"|in another life|in my dreams|fictional|protagonist|hypothetical\w*|oh joy)\b"
    r"|[🙄😜😏😂🤣]|(?:^|\s)/s\b|;\)"
    r"|,? \(?(?:i guess|i think|i suppose|i believe|or so|maybe|not)\)?[.!]*$",
    re.IGNORECASE,
)
# What makes a clause doubtful, and those after it.
_SUPPOSED = re.compile(
    r"\b(?:if|unless|whether|suppose|supposing|imagine|imagining|pretend|assuming|let['’]s say"
    r"|as though|wish|wishes|dream(?:t|ed)?|told|tells|asked|asks|say|for example|e\.g"
    r"|for instance|character|novel|writing an? (?:\w+ )?(?:story|book|poem|play|script|song)"
    r"|in the (?:movie|film|book|game|story|show)|supposedly)\b",
    re.IGNORECASE,
)
# What makes a clause alone doubtful.
_OPEN = re.compile(
    r"\b(?:hope|maybe|perhaps|probably|possibly|almost|nearly|practically|basically|not sure|guess"
    r"|think|thinking|believe|feel like|sometimes|occasionally)\b",
    re.IGNORECASE,
)
# What makes a clause no plain statement of now; forms that mean an end are read before.
_UNREAL = re.compile(
    r"\b(?:would|could|should|might|(?-i:may)|can|will|shall|gonna|going to|want(?:ed)? to"
    r"|plan(?:ning)? to"
    r"|planned|hoping|thinking (?:of|about)|considering|about to|need to|have to|had to"
    r"|try(?:ing)? to"
    r"|tried to|ought|wanna|tempted|supposed to|used to|never|not|n['’]t|cannot|hardly|barely"
    r"|no longer|neither|nor|like i)\b|n['’]t\b|['’](?:d|ll)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"(?:so |and |but |or |also )?(?:please |do|does|did|can|could|would|will|shall|should|what"
    r"|which|how|who|where|when|why|any|is|are|was|were|have you|has|got any|am i)\b",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"(?:,? ?(?:\b(?:and|but|so|because|since|as|although|though|while|plus|where|which|or|now that"
    r"|who(?!(?:['’]s| is| just turned| turned| lives| works| loves| likes| hates| moved) ))\b) "
    r"(?:(?:also|now|then|just|that|currently|recently|by the way,?) )?"
    r"(?=(?:i|my|we|our|it['’]s|it|she|he|they|do|does|can|could|what|how|would|please|any|is|are"
    r"|was wondering|am|need|want)\b|i['’]))"
    r"|(?:, ?|\s*[;:–—]\s*|\s+-\s+|\s*[()]\s*)(?=(?:i|my|we|our|so|and|but|or|where|which"
    r"|who(?!(?:['’]s| is| just turned| turned| lives| works| loves| likes| hates| moved) )|do"
    r"|does|can|could|what|how|would|please|any|is (?:there|it|that|this)|are (?:there|you"
    r"|they)|though|right|you|it|he|she|they|don['’]t)\b"
    r"|i['’])|\s*[;()]\s*",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:(?:hi|hey|hello|hi there|hello there|ok|okay|so|well|also|and|but|oh|yes|yeah|yep|no|sure"
    r"|thanks|thank you|btw|by the way|fyi|actually|speaking of which|oh and|anyway|ah|great"
    r"|for context|for reference|in fact|just so you know|to be honest|honestly|unfortunately"
    r"|luckily|fortunately|sadly|personally|lately|recently|currently|now|right now|today"
    r"|these days"
    r"|nowadays|as you know|because|since|as(?! an? )|although|though|while|please note that"
    r"|please note"
    r"|note that|the thing is|(?:please )?remember that|that being said|good (?:morning|evening"
    r"|afternoon))\b[,:!.]*\s*)+",
    re.IGNORECASE,
)


# A sentence that leaves its "I" out, as people write to each other.
_DROPPED = re.compile(
    r"\W*(?:(?:just|recently|finally|also|actually|btw|yeah|yes|oh|hey)\b,? )*(?:(?P<have>been)"
    r"|(?P<am>living|working|based|learning|studying|planning)"
    r"|moved|got|bought|adopted|started|lost|quit|joined|graduated|switched|sold"
    r"|(?:love|loved|hate)(?! (?:(?-i:[A-Z])|(?:speech|crimes?|mail|story|stories|letters?|songs?"
    r"|life"
    r"|language|languages|triangle)\b)))\b",
    re.IGNORECASE,
)
# Where such a sentence has a subject after all: "Living in London is hard", "Based in Oslo, our …".
_HAS_SUBJECT = re.compile(
    r"(?:(?!,? (?:and|but|so|because|which|that|where|who|as|while|it|i|my|we)\b|[,;:(]).)*?"
    r" (?:is|isn['’]t|was|wasn['’]t|are|were|must|can|could|would|will|should|might|may|has|had"
    r"|takes"
    r"|took|makes|made|gets|feels|felt|seems|sounds|means|requires|needs)\b"
    r"|[^,]*, (?:our|the|this|these|it|they|he|she|\w+ is)\b",
    re.IGNORECASE,
)
_AS_A = re.compile(r"as an? ", re.IGNORECASE)
_ME = re.compile(r",? (?:i|my)\b", re.IGNORECASE)
_SHORT = re.compile(r"(?:im|ive)\b", re.IGNORECASE)
_EDGE = " \t\n.,;:!?-–—"


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence that says one thing.

    Attributes:
        text: Without what leads into it and without its end.
        start: Where `text` begins in the whole.
        stop: Where it ends.
        is_plain: Whether it neither denies nor speaks of what is not yet or no more.
        is_open: Whether it asks, leaves open or is taken back, so that only what it takes for
            granted holds.
    """

    text: str
    start: int
    stop: int
    is_plain: bool
    is_open: bool = False


def clauses(text: str, may_say: Callable[[str], bool]) -> Iterator[Clause]:
    """Yield what a text states about its writer, in order.

    Args:
        may_say: Whether a clause may be of use. Sentences in which none is are left out before what
            costs more is looked at; most are.
    """
    shown = text[:_SCAN]
    if len(text) > _LONG:
        return
    is_looked_at = False
    holed = shown
    for pattern in (_QUOTES, _SINGLE_QUOTES, _NOT_PROSE):
        holed = pattern.sub(_hole, holed)
    for sentence in _SENTENCE.finditer(holed):
        whose = _whose(sentence[0])
        if len(sentence[0]) > _MAX_SENTENCE or whose is None:
            continue
        parts = [_trimmed(sentence[0], *part) for part in _parts(sentence[0])]
        said = [_spelt(sentence[0][start:stop]) for start, stop in parts]
        said[:1] = [whose + one for one in said[:1]]
        if not any(map(may_say, said)):
            continue
        if not is_looked_at and _TASK.search(shown):
            return
        is_looked_at = True
        yield from _of_sentence(sentence[0], parts, sentence.start(), whose)


def _hole(match: re.Match[str]) -> str:
    """As many signs as were there, of which none is a word."""
    return re.sub(r"[^\n]", _HOLE, match[0])


def _whose(sentence: str) -> str | None:
    """What is to stand before a sentence so that it says whom it is about; None if of no use."""
    match = _DROPPED.match(sentence)
    if match is not None and not (match["am"] and _HAS_SUBJECT.match(sentence)):
        return "I've " if match["have"] else "I'm " if match["am"] else "I "
    return "" if _SELF.search(sentence) else None


def _of_sentence(
    sentence: str, parts: list[tuple[int, int]], offset: int, whose: str
) -> Iterator[Clause]:
    """The clauses of one sentence before the first that is doubtful."""
    if _REPORTED.search(sentence.rstrip()):
        return
    asking = len(parts)
    if sentence.rstrip().endswith("?"):
        asking = next((at for at, part in enumerate(parts) if _asks(sentence[slice(*part)])), 0)
    for place, (start, stop) in enumerate(parts):
        shown = ("" if place else whose) + _spelt(sentence[start:stop])
        if _SUPPOSED.search(shown):
            return
        if shown:
            is_doubtful = _OPEN.search(shown) is not None or is_undone(sentence, start, stop)
            is_open = place >= asking or is_doubtful
            is_plain = not _UNREAL.search(shown)
            yield Clause(shown, offset + start, offset + stop, is_plain, is_open)


def _spelt(clause: str) -> str:
    """With the apostrophe of its first word, which many leave out: "im", "ive"."""
    short = _SHORT.match(clause)
    return f"{clause[0]}'{clause[1:]}" if short else clause


def _trimmed(sentence: str, start: int, stop: int) -> tuple[int, int]:
    """A clause without what leads into it and without its end."""
    shown = sentence[start:stop]
    start += len(shown) - len(shown.lstrip(_EDGE))
    lead = _LEAD.match(sentence, start, stop)
    start = lead.end() if lead else start
    if _AS_A.match(sentence, start) and (me := _ME.match(sentence, stop)):
        stop = me.end()  # whose part it is: "as a nurse, I …"
    return start, start + len(sentence[start:stop].rstrip(_EDGE))


def _asks(clause: str) -> bool:
    return _ASKING.match(clause.lstrip(" ,")) is not None


def _parts(sentence: str) -> Iterator[tuple[int, int]]:
    """Start and stop of each clause."""
    start = 0
    for match in _SPLIT.finditer(sentence):
        if is_of_two(sentence, start, match.start(), match.end()):
            continue
        if match.start() > start:
            yield start, match.start()
        start = match.end()
    if start < len(sentence):
        yield start, len(sentence)
