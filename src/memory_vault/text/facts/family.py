"""What the user says of family: where they live, what they do, how old they are, what they like."""

from __future__ import annotations

from typing import Literal

from .rules import DIET, JUST, NUMBER, ONE_NAME, PLACE, TAIL, Rule, names, rule, things
from .work import JOB, ORG_AT

_PEOPLE = (
    "wife husband fiancé fiancée girlfriend boyfriend partner mother mom mum father dad brother "
    "sister cousin niece nephew aunt uncle grandmother grandma grandfather grandpa granddaughter "
    "grandson son daughter roommate"
)
_KIN = rf"(?:{'|'.join(_PEOPLE.split())}|mother-in-law|father-in-law|sister-in-law|brother-in-law)"
_WHICH = r"(?:(?:older|elder|younger|little|big|twin|oldest|eldest|youngest|middle) )?"
_OLD = r"(?:\d{1,2}[- ]years?[- ]old )?"
_WHO = rf"my {_OLD}(?P<kin>{_WHICH}{_KIN})"
_HINTS = " ".join(f"{one} {one}'s {one}’s" for one in _PEOPLE.split()) + " law law's law’s"
_VERY = r"(?: (?:really|absolutely|also|just|always|currently|now|still|recently|actually|only))*"
_IS = rf"(?:['’]s| is){_VERY}"
_END = r"(?:,? (?:and|but|so|now|this|who|with|because|since|which)\b.*)?"
_AGE = r"(?P<age>\d{1,2})(?:[- ]years?[- ]old| ?y/?o)?"
_AGED = rf"(?P<age>\d{{1,2}})[- ]years?[- ]old (?P<kin>{_WHICH}{_KIN})"


def _of(
    says: str,
    subject: str,
    value: str,
    text: str,
    *,
    hints: str = _HINTS,
    many: Literal["", "thing"] = "",
    end: str = TAIL,
) -> tuple[Rule, ...]:
    """Rules for what is said of somebody: without a name, with one, and in passing ("…, who")."""
    lists = ("thing", things) if many else None
    named = rf",? (?P<name>{ONE_NAME}),?"
    of_kin = (f"{{kin}}: {subject}", value, f"{{who}}'s {{kin}} {text}")
    of_name = (f"{{name}}: {subject}", value, f"{{who}}'s {{kin}} {{name}} {text}")
    return (
        rule(hints, rf"{_WHO}{says}{end}", of_kin, many=lists),
        rule(hints, rf"{_WHO}{named}{says}{end}", of_name, many=lists),
        rule("who who's who’s", rf"\b{_WHO},? who{says}{end}$", of_kin, many=lists, is_inside=True),
        rule(
            "who who's who’s",
            rf"\b{_WHO}{named} who{says}{end}$",
            of_name,
            many=lists,
            is_inside=True,
        ),
    )


FAMILY = (
    *_of(
        rf"{_VERY} (?:lives|resides) in (?P<place>{PLACE})(?! temporarily)",
        "home",
        "{place}",
        "lives in {place}.",
        hints="lives resides",
    ),
    *_of(
        rf"{_VERY} (?:moved|relocated)(?: back| out| down| up| over)? to (?P<place>{PLACE})",
        "home",
        "{place}",
        "lives in {place}.",
        hints="moved relocated",
    ),
    *_of(
        rf"{_VERY} works(?: as an? (?P<job>[\w-]+(?: [\w-]+){{0,2}}?))?{ORG_AT}",
        "employer",
        "{org}",
        "works at {org}.",
        hints="works",
    ),
    *_of(rf"{_VERY} works as an? {JOB}", "job", "{job}", "works as {a job}.", hints="works"),
    *_of(rf"{_IS} an? {JOB}", "job", "{job}", "works as {a job}."),
    *_of(rf"{_IS} {_AGE}", "age", "{age}", "is {age} years old.", end=_END),
    *_of(
        rf"{_VERY} turned {_AGE}", "age", "{age}", "is {age} years old.", hints="turned", end=_END
    ),
    *_of(rf"{_IS}(?: an?)? {DIET}", "diet", "{diet}", "is {diet}.", end=_END),
    *_of(
        rf"{_IS}(?: severely| very| highly)? allergic to (?P<thing>.+)",
        "allergy:{thing}",
        "allergic",
        "is allergic to {thing}.",
        hints="allergic",
        many="thing",
        end="",
    ),
    *_of(
        rf"(?:{_VERY} (?:loves|likes|enjoys|adores)|{_IS}(?: (?:so|super|very|a (?:big|huge)))*"
        r" (?:into|fan of|obsessed with)) (?P<thing>.+)",
        "taste:{thing}",
        "likes",
        "likes {thing}.",
        hints="loves likes enjoys adores into fan obsessed",
        many="thing",
        end="",
    ),
    *_of(
        rf"{_VERY} (?:hates|dislikes|detests) (?P<thing>.+)",
        "taste:{thing}",
        "dislikes",
        "dislikes {thing}.",
        hints="hates dislikes detests",
        many="thing",
        end="",
    ),
    rule(
        "flatmates roommates cousins sisters brothers nieces nephews aunts uncles",
        rf"\bone of my (?P<kin>flatmate|roommate|cousin|sister|brother|niece|nephew|aunt|uncle)s,?"
        rf" (?P<name>{ONE_NAME})\b",
        ("{kin}:{name}", "{name}", "{who} has a {kin} named {name}."),
        is_inside=True,
    ),
    rule(
        "old",
        rf"\bmy {_AGED}\b",
        ("{kin}: age", "{age}", "{who}'s {kin} is {age} years old."),
        is_inside=True,
    ),
    rule(
        "parents grandparents laws",
        rf"my (?P<kin>parents|grandparents|in-laws){_VERY} live in (?P<place>{PLACE}){TAIL}",
        ("{kin}: home", "{place}", "{who}'s {kin} live in {place}."),
    ),
    rule(
        "toddler newborn baby teenager",
        r"(?:i|we)(?:['’]ve got|(?: also| already| now)? have) (?P<what>an? (?:\d{1,2}[- ]"
        r"(?:year|month|week)[- ]old )?(?:toddler|newborn|baby|teenager)(?: at home)?)"
        r"(?:,? (?:and|but|so|who|now)\b.*)?",
        ("kids", "{what}", "{who} has {what}."),
    ),
    *(
        rule(
            plural,
            rf"\b(?:my|have|got) (?:{NUMBER} )?(?:(?:young|little|beautiful|lovely|rescue) )?"
            rf"{plural},? (?:named |called )?(?P<name>{ONE_NAME}(?:, {ONE_NAME})*,? (?:and|&)"
            rf" {ONE_NAME})\b",
            (f"{key}:{{name}}", "{name}", f"{{who}} has a {key} named {{name}}."),
            many=("name", names),
            is_inside=True,
        )
        for plural, key in (
            ("daughters", "daughter"),
            ("sons", "son"),
            ("brothers", "brother"),
            ("sisters", "sister"),
            ("kids", "child"),
            ("children", "child"),
        )
    ),
    *(
        rule(
            plural,
            rf"\b(?:my|have|got) (?:{NUMBER} )?(?:\w+ )?{plural},? (?:named |called )?"
            rf"(?P<name>{ONE_NAME}(?:, {ONE_NAME})*,? (?:and|&) {ONE_NAME})\b",
            ("pet:{name}", "{name}", f"{{who}} has a {plural[:-1]} named {{name}}."),
            many=("name", names),
            is_inside=True,
        )
        for plural in ("dogs", "cats", "kittens", "rabbits", "hamsters", "horses")
    ),
    rule(
        "married",
        r"(?:i|we|my (?:wife|husband|partner) and i)(?:['’]ve| have) been(?: happily)? married"
        r"(?: (?:for|since)\b.*)",
        ("marital status", "married", "{who} is married."),
    ),
    rule(
        "have i've i’ve we've we’ve got",
        rf"(?:i|we)(?:['’]ve| have)?{JUST}(?: (?:have|got|adopted))? an? (?P<pet>dog|cat|puppy"
        rf"|kitten"
        rf"|rabbit|parrot|horse|hamster), (?P<name>{ONE_NAME})(?:, .*)?",
        ("pet:{name}", "{name}", "{who} has a {pet} named {name}."),
    ),
)
