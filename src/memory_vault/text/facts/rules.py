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
    r"|Level|Step|Phase|Section|Option|Postgres|PostgreSQL|MySQL|MariaDB|MongoDB|SQLite|Redis|Kafka"
    r"|Kubernetes|Docker|Terraform|Jenkins|GitLab|GitHub|Bitbucket|Jira|Confluence|Trello|Asana"
    r"|Figma|Shopify|WordPress|Salesforce|HubSpot|Snowflake|Databricks|Django|Flask|Rails|Kotlin"
    r"|Swift"
    r"|Go(?:lang)?|Scrum|Kanban|Agile|Zoom|Webex|Signal|WhatsApp|Telegram|Sales|Legal|Marketing"
    r"|Finance"
    r"|HR|IT|QA|PR|UX|Accounting|Engineering|Procurement|Operations|Logistics|Support|Compliance"
    r"|Management|Product|Production|Staging|Trash|Archive|Drafts|Inbox|Spam|Done|Backlog|Stardew"
    r"|Minecraft|Animal Crossing|The Sims|Sims|Roblox|Terraria|Skyrim|Fortnite|Azeroth|Hogwarts"
    r"|Second Life|Hay Day|FarmVille)\b)"
)
_GIVE = (
    "give gives gave given giving get gets got gotten getting buy buys bought buying make makes "
    "made making send sends sent sending show shows showed shown showing teach teaches taught "
    "teaching read reads reading feed feeds fed feeding offer offers offered offering order orders "
    "ordered ordering cook cooks cooked cooking bring brought lend lends lent lending sell sells "
    "sold selling hand hands handed handing serve serves served serving pay pays paid paying owe "
    "owes owed owing wish wishes wished wishing gift gifts gifted gifting play plays played playing"
)
_CALL = (
    "name names named naming call calls called calling rename renames renamed renaming tell tells "
    "told telling"
)
_GIVEN = "".join(rf"(?<!\b{verb} my)" for verb in _GIVE.split())
_CALLED = "".join(rf"(?<!\b{verb} my)" for verb in _CALL.split())
_SOMETHING = r"(?:an?(?! (?:few|couple|day|week|lot|bit|little|second|third|try))|some|his|her)"
NOT_GIVEN = (
    rf"(?:{_GIVEN}|(?= [\w -]+? (?-i:[A-Z]\w+ {_SOMETHING}\b))"
    rf"|(?<=\bbring my)(?= [\w -]+? (?-i:[A-Z]\w+)(?:['’]s| along| to)\b)){_CALLED}"
)
"""After "my", where a name may follow a person: "give my dog Benadryl" and "name my dog Rex" have
none, "give my dog Rex a bath" has one, since what is given comes after it."""
NO_VERB = (
    r"(?!(?-i:(?:(?:Skyp|Uber|Venmo|Zoom|Face[Tt]im|Googl|Whats[Aa]pp|Snapchat|Facebook|Pay[Pp]al"
    r"|DM)(?:ed|['’]d)\b|[A-Z]\w*ed (?:me|it|us|home|him|her|them|you)\b)))"
)
"""Before a name: "my dad Skyped me" has none."""
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

_JOINED = "\ue000"
_BREAK = re.compile(r"\s*,\s*(?:(?:and|or|&)\s+)?|\s+(?:and|or|&)\s+", re.IGNORECASE)
_AND = re.compile(r"\b(?:and|or)\b|&", re.IGNORECASE)
_THING = re.compile(r"[^\W\d_][\w’'&+/.-]*(?: [\w’'&+/.-]+){0,5}")
_NOT_A_THING = re.compile(
    r"^(?:(?:and|or|the|a|an|some|any|no|this|that|these|those|it|them|you|your|him|her|his|their"
    r"|its|my"
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
    r"|recently|week|weekend|month|year|year's|so far|myself|enough|else|out"
    r"|(?<!-)help|please)\b",
    re.IGNORECASE,
)
# Where a list ends because another thing is said: "nuts and carry an EpiPen". Of these verbs those
# that are also things must have something after them: "novels and plays" are two.
_NEXT_VERB = re.compile(
    r"(?:\s*,\s*(?:(?:and|or|but)\s+)?|\s+(?:and|or|but)\s+)(?:(?:also|always|never|often|really"
    r"|then)"
    r" )?(?:hates?|loves|dislikes?|enjoys?|prefers?|carr(?:y|ies)|avoids?|owns?|goes|has|eats?"
    r"|(?:love|likes?|drinks?|plays?|lives?(?! (?:music|shows?|concerts?|theat\w+|performances?)\b)"
    r"|have|takes?|use[sd]?|go|runs?|writes?|watch(?:es)?|reads?|works?|wants?|needs?|teach(?:es)?"
    r"|makes?|keeps?|gets?|feels?|knows?|thinks?|tr(?:y|ies)|stud(?:y|ies)|speaks?|wears?|buys?"
    r"|collects?|sings?|sleeps?|swims?|cooks?|drives?|rides?|moved|lived|worked|started|stopped)"
    r"(?= [a-z]))\b.*$",
    re.IGNORECASE,
)
_ONE_THING = re.compile(
    r"\b(?:mac(?:aroni)? (?:and|&) cheese|rick (?:and|&) morty|tom (?:and|&) jerry|fish (?:and|&)"
    r" chips"
    r"|salt (?:and|&) (?:vinegar|pepper)|rock (?:and|&) roll|drum (?:and|&) bass|gin (?:and|&)"
    r" tonic"
    r"|dungeons (?:and|&) dragons|peanut butter (?:and|&) jelly|ham (?:and|&) cheese|arts (?:and|&)"
    r" crafts|biscuits (?:and|&) gravy|bacon (?:and|&) eggs|rhythm (?:and|&) blues|law (?:and|&)"
    r" order"
    r"|calvin (?:and|&) hobbes|pride (?:and|&) prejudice|war (?:and|&) peace|cookies (?:and|&)"
    r" cream"
    r"|chicken (?:and|&) waffles|shrimp (?:and|&) grits|rice (?:and|&) beans|wine (?:and|&)"
    r" cheese)\b",
    re.IGNORECASE,
)
"""Two words for one thing, of which neither need be liked alone."""
_PREPOSITIONS = frozenset(["for", "with", "of", "about", "from", "in", "on", "at", "to"])
_AFTER = re.compile(
    r",? (?:especially|particularly|because|since|so much|very much|a lot|a bit|too|as well"
    r"|more than"
    r"|though|these days|in general|in particular|even though|like|such as|from time to time"
    r"|but|by the way|overall|and (?:i|my|we)|(?-i:right now|now|again|any ?more|nowadays))\b.*$",
    re.IGNORECASE,
)


def things(text: str) -> list[str]:
    """Each of a list of things; those that only point at something are left out.

    "hiking and tea" are two, "trying new dishes and flavours" is one: what follows an activity with
    its object, or a preposition, may belong to it.
    """
    text = _NEXT_VERB.sub("", text)
    whole = _AFTER.sub("", text).strip()
    if whole != text and text[len(whole) :].lstrip(", ").startswith(("like", "such")):
        return [] if whole.split()[0].endswith("ing") else _sound([whole])
    parts = _listed(whole)
    if len(parts) == 2 and "," in whole and not _AND.search(whole):
        return []  # "casual, comfortable outfits"
    if len(parts) > 1 and any(map(_goes_on, parts[:-1])):
        parts = [whole]
    return _sound(parts)


def _listed(text: str) -> list[str]:
    """The members of a list; "mac and cheese" is one."""
    joined = _ONE_THING.sub(lambda match: match[0].replace(" ", _JOINED), text)
    return [part.replace(_JOINED, " ").strip() for part in _BREAK.split(joined)]


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
