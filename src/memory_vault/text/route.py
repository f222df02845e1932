"""Pick the type of a memory from what it says; when in doubt it is something that happened."""

from __future__ import annotations

import re

from ..models import MemoryType
from .facts.instructions import may_be_name
from .facts.rules import LANGUAGE

_MAX_CHARS = 240
_MAX_WORDS = 36
_NOT_PEOPLE = frozenset(("assistant", "tool", "system"))
_I = re.IGNORECASE

_LEAD = (
    r"(?:(?:hi|hey|hello|ok(?:ay)?|so|well|also|and|btw|by the way|fyi|for context|for reference"
    r"|just so you know|please note that|note that|(?:please )?remember(?: that)?)[,:!.]?\s+)*"
)
# What makes a statement about today rather than about the person.
_PASSING = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|right now|at the moment|this (?:time|morning|afternoon"
    r"|evening|week|weekend|month|year)|(?:last|next) \w+|for now|just now|soon|ago|recently"
    r"|going to|about to|thinking of|wonder(?:ing)?|if i|if you|would|could|might|maybe|perhaps"
    r"|used to|not sure)\b",
    _I,
)
_NO_TRAITS = (
    "bit|little|lot|few|while|tad|moment|mess|wreck|fool|idiot|moron|failure|disaster|zombie|wimp"
    "|(?:half[- ])?(?:second|minute|hour|day|week|month|year|mile|block|step)"
    " (?:late|early|behind|ahead|away|older|younger|in|into|off|short|from|too)"
)
_SELF = (
    rf"(?:a|an)\s+(?!(?:{_NO_TRAITS})\b)"
    r"(?:[\w-]+\s+){0,3}[\w-]+"
    r"|allergic to|intolerant|vegan|vegetarian|pescatarian|diabetic|left-handed|right-handed"
    r"|colou?r[- ]?blind|deaf|blind|married|single|divorced|widowed|retired|engaged"
    r"|\d{1,3} years old|based in|from\s+[A-Z]|originally from|fluent in|born (?:in|on)"
    r"|(?:american|australian|austrian|belgian|brazilian|british|canadian|chinese|danish|dutch"
    r"|english|finnish|french|german|greek|indian|irish|israeli|italian|japanese|korean|mexican"
    r"|norwegian|polish|portuguese|russian|scottish|spanish|swedish|swiss|turkish|ukrainian)\b"
)
_KIN = (
    r"wife|husband|partner|spouse|fianc[eé]e?|girlfriend|boyfriend|son|daughter|child|children"
    r"|kids?|mother|mom|mum|father|dad|parents|brothers?|sisters?|siblings?|twins?|grand\w+|uncle"
    r"|aunt|niece|nephew|cousins?|dogs?|cats?|pets?|parrot|rabbit|horse|hamster|puppy|kitten"
)
_MINE = (
    rf"(?:{_KIN})(?:'s name)?|(?:first |last |middle |full )?name|birthday|date of birth|age|job"
    r"|e-?mail(?: address)?|phone(?: number)?|address|time ?zone|hometown|native language"
    r"|mother tongue|first language|blood type|employer|company|team|boss|manager|occupation"
    r"|profession|nationality|shoe size|pronouns|(?:all[- ]time )?favou?rite [\w -]{1,30}"
)
_PEOPLE = rf"{_KIN}|team|boss|manager"
# What somebody is for now, and where.
_STATES = (
    "late|sick|ill|here|there|home|down|broken|not|so|too|very|really|pretty|fine|ok|okay|\\w+ing"
)
_STATES_OF_PEOPLE = (
    "angry|annoyed|asleep|awake|away|back|better|bored|busy|cold|crazy|cross|done|drunk|early|excited"
    "|exhausted|full|furious|glad|gone|happy|hot|hungry|hurt|injured|jealous|just|lost|mad|nervous"
    "|off|out|ready|sad|safe|scared|sleepy|stuck|still|stressed|sure|thirsty|tired|up|upset"
    "|worried|worse|wet|at|behind|beside|by|in|inside|near|next to|on|outside|under|upstairs|with"
)
_SEMANTIC = re.compile(
    _LEAD + r"(?:"
    rf"I(?:['’]m| am) (?:{_SELF})"
    r"|I (?:currently |now |still )?(?:live|work|study|teach|volunteer|reside) "
    r"(?:in|at|for|as|on|with|near|from)\b"
    r"|I (?:was born|grew up|graduated) (?:in|on|from)\b"
    r"|I(?:['’]ve| have)(?: got)? (?:an?|one|two|three|four|five|six|\d|no|many) "
    rf"(?:[\w-]+ ){{0,3}}?(?:{_KIN}|allerg(?:y|ies)|degree|phd|diabetes|asthma)\b"
    r"|I(?:['’]ve| have) (?:diabetes|asthma|celiac disease|coeliac disease|adhd|epilepsy)\b"
    rf"|I (?:speak (?:{LANGUAGE}\b|(?-i:[A-Z])\w*)"
    r"|play the|own an?|drive an?|don[’']t (?:eat|drink))\b"
    rf"|my (?!(?:{_PEOPLE}) (?:is|are) (?:{_STATES_OF_PEOPLE})\b)(?:{_MINE}) (?:is|are) "
    rf"(?!(?:{_STATES})\b)"
    r")",
    _I,
)
_ORDERS = (
    r"(?:address|answer|avoid|be (?:more )?(?:brief|concise|succinct)"
    r"|call|cite|convert|end|explain|format|give(?! up)|include|keep|list"
    r"|make sure|mention|provide|refer to|remind|reply|respond|show|sign|speak|spell|start|suggest"
    r"|summari[sz]e|talk|tell|translate|use|write)"
)
_PROCEDURAL = re.compile(
    _LEAD + r"(?:"
    rf"(?:please |could you please )?(?:always|never|do not ever|don[’']t ever) {_ORDERS}\b"
    r"|(?:from now on|in (?:the )?future|going forward)\b,? "
    r"(?!I\b|we\b|it\b|they\b|he\b|she\b|there\b)"
    rf"(?:please |always |never |do not |don[’']t |you should )*{_ORDERS}\b"
    rf"|I(?:'d like| want) you to (?:always|never) {_ORDERS}\b"
    rf"|(?:when(?:ever)?|every time|each time) (?:you|I) [\w ,']{{3,60}}, "
    rf"(?:please |always |never )+{_ORDERS}\b"
    r"|I (?:(?:always|usually|generally|much|strongly|really) )?prefer "
    r"(?!(?:this|that|these|those|it|them|not|the (?:first|second|third|last|former|latter|other)"
    r"|option|number)\b|[^.]*\b(?:instead|today|tonight|I['’]ll)\b)"
    r"|I (?:like|want) (?:my|your) (?:answers|replies|responses|explanations|code|summaries)\b"
    r"|please (?:do not|don[’']t) (?:ever )?(?:use|call|include|mention) [\w ,']+ "
    r"(?:again|anymore|ever)\b"
    r"|(?:please )?keep (?:all )?your (?:answers|replies|responses)\b"
    r"|from now on,? no emojis?\b"
    r"|(?:please |you can |just )?call me (?P<name>(?-i:[A-Z])[\w’'-]*)"
    r")",
    _I,
)


def route(text: str, role: str) -> MemoryType:
    """Tell a lasting fact ("semantic") and a standing wish ("procedural") from an event.

    Only short statements that begin with what they are about are taken for more than
    "episodic"; questions, quotations, long texts and what an assistant says never are. A
    standing wish must come from the user: other speakers do not instruct the assistant.
    """
    statement = " ".join(text.split())
    if role in _NOT_PEOPLE or not _is_plain(statement):
        return "episodic"
    if role == "user" and _is_wish(statement):
        return "procedural"
    if _SEMANTIC.match(statement) and not _PASSING.search(statement):
        return "semantic"
    return "episodic"


def _is_plain(statement: str) -> bool:
    """Whether a text is short, asks nothing and quotes nothing."""
    return (
        0 < len(statement) <= _MAX_CHARS
        and statement.count(" ") < _MAX_WORDS
        and not re.search(r'[?？"“”«»`]', statement)
    )


def _is_wish(statement: str) -> bool:
    """Whether a statement says how to answer or what to call the user, and not when to call."""
    found = _PROCEDURAL.match(statement)
    return found is not None and (found["name"] is None or may_be_name(found["name"]))
