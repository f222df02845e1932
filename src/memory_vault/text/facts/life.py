"""Where the user lives and lived, and is going."""

from __future__ import annotations

from .rules import I_AM, I_HAVE, JUST, PLACE, SINCE, TAIL, rule

_DWELLING = (
    r"(?:an? (?:[\w-]+ ){0,3}?(?:apartment|flat|house|studio|condo|room|loft|place|suburb|town|city"
    r"|village|neighbou?rhood|area) (?:in|near|outside(?: of)?|called) )?"
)
_WE = r"(?:i|we|my \w+ and i|me and my \w+)"

PLACES = (
    rule(
        "live reside",
        rf"(?:i|we) (?:(?:currently|now|still|actually|only|also|do|both|all) )*(?:live|reside)"
        rf"(?: (?:alone|happily|here|right here|over here|with my [\w ]{{2,20}}))? in {_DWELLING}"
        rf"(?P<place>{PLACE})(?! temporarily){TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
    ),
    rule(
        "living based located residing",
        rf"(?:{I_AM}|we(?:['’]re| are))(?: an expat)? (?:living|based|located|residing)(?: here)?"
        rf"(?: out)? (?:in|out of) {_DWELLING}"
        rf"(?P<place>{PLACE})(?:(?! temporarily| for (?:a|the|two|three)\b| until){TAIL})",
        ("home", "{place}", "{who} lives in {place}."),
    ),
    rule(
        "lived living",
        rf"i(?:['’]ve| have) (?:been living|lived) (?:here )?in (?P<place>{PLACE}) {SINCE}",
        ("home", "{place}", "{who} lives in {place}."),
        time="past",
    ),
    rule(
        "moved relocated",
        rf"{_WE}(?:['’]ve| have)?{JUST} (?:moved|relocated)"
        rf"(?: (?:back|here|over|out|down|up|house|with my \w+))*(?: from (?P<old>{PLACE}))?"
        rf" (?:in)?to {_DWELLING}"
        rf"(?P<place>{PLACE})(?: from (?P<old2>{PLACE}))?{TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
        ("past home:{old}", "{old}", "{who} used to live in {old}."),
        time="past",
    ),
    rule(
        "up raised",
        rf"i (?:grew up|was raised|was brought up)(?: here)? in {_DWELLING}"
        rf"(?P<place>{PLACE}){TAIL}",
        ("grew up", "{place}", "{who} grew up in {place}."),
    ),
    rule(
        "born",
        rf"i was (?:actually |originally )?born(?: and (?:raised|grew up))? in"
        rf" (?P<place>{PLACE}){TAIL}",
        ("birthplace", "{place}", "{who} was born in {place}."),
    ),
    rule(
        "from",
        rf"(?:{I_AM}|i (?:originally )?come|my family is|we(?:['’]re| are)) from "
        rf"(?P<place>{PLACE})(?:,? (?:and|but|so|originally|by the way)\b.*)?",
        ("from", "{place}", "{who} is from {place}."),
    ),
    rule(
        "hometown",
        rf"my home ?town is (?P<place>{PLACE}){TAIL}",
        ("from", "{place}", "{who} is from {place}."),
    ),
    rule(
        "moving relocating",
        rf"(?:since|ever since|after|before) (?:moving|relocating)(?: (?:back|here|out|down"
        rf"|up))* to"
        rf" (?P<place>{PLACE}){TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
        time="past",
    ),
    rule(
        "apartment flat house home condo studio place loft",
        rf"\bmy (?:(?:new|current|small|tiny|little|own|cozy|one-bedroom|two-bedroom|studio) )*"
        rf"(?:apartment|flat|house|home|condo|studio|place|loft) in (?:downtown |central )?"
        rf"(?P<place>{PLACE})",
        ("home", "{place}", "{who} lives in {place}."),
        is_inside=True,
    ),
    rule(
        "lived living",
        rf"(?:back )?(?:when|while) i (?:lived|was living) in (?P<place>{PLACE}){TAIL}",
        ("past home:{place}", "{place}", "{who} used to live in {place}."),
    ),
    rule(
        "used",
        rf"i used to live in (?P<place>{PLACE}){TAIL}",
        ("past home:{place}", "{place}", "{who} used to live in {place}."),
        ("home", "{place}", ""),
        is_denial=True,
    ),
    rule(
        "lived",
        rf"i lived in (?P<place>{PLACE}) (?:for|from|until|till|in|when|back|before|as|during)\b.*",
        ("past home:{place}", "{place}", "{who} used to live in {place}."),
    ),
    rule(
        "longer more anymore",
        rf"i (?:no longer live|don['’]t live|do not live) in (?P<place>{PLACE})(?: any ?more)?"
        rf"(?:,? (?:so|since|and|because)\b.*)?",
        ("home", "{place}", ""),
        is_denial=True,
    ),
    rule(
        "moved",
        rf"{_WE}(?:['’]ve| have)?{JUST} moved (?:away from|out of) (?P<place>{PLACE})"
        rf"(?! to\b)(?:,? (?:so|and|because|last|in|this|\w+ \w+ ago)\b.*)?",
        ("home", "{place}", ""),
        time="past",
    ),
)

PLANS = (
    rule(
        "flying traveling travelling moving going",
        rf"(?:{I_AM}|we(?:['’]re| are)) (?P<verb>(?:flying|travell?ing|moving|going|heading)"
        rf"(?: on vacation)?) (?:back )?to (?P<place>{PLACE}) .*",
        ("plan:{verb} to {place}", "{day}", "{who} plans on {verb} to {place} {when}."),
        time="future",
        is_denial=True,
    ),
    rule(
        "visiting",
        rf"(?:{I_AM}|we(?:['’]re| are)) visiting (?P<place>{PLACE}) .*",
        ("plan:visiting {place}", "{day}", "{who} plans on visiting {place} {when}."),
        time="future",
        is_denial=True,
    ),
    rule(
        "trip vacation holiday",
        rf"(?:{I_AM}|we(?:['’]re| are)) (?:planning|taking|going on) (?:an? |my |our )?"
        rf"(?:[\w-]+ ){{0,2}}?"
        rf"(?:trip|vacation|holiday) (?:back )?to (?P<place>{PLACE}) .*",
        ("plan:trip to {place}", "{day}", "{who} plans on a trip to {place} {when}."),
        time="future",
        is_denial=True,
    ),
    rule(
        "cancelled canceled",
        rf"{I_HAVE}{JUST} cancell?ed my (?:trip|flight|journey|vacation|holiday) to"
        rf" (?P<place>{PLACE}){TAIL}",
        ("plan:trip to {place}", "", ""),
        ("plan:flying to {place}", "", ""),
        ("plan:going to {place}", "", ""),
        ("plan:traveling to {place}", "", ""),
        ("plan:travelling to {place}", "", ""),
    ),
)
