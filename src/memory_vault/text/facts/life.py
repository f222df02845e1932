"""Where the user lives and lived, and is going."""

from __future__ import annotations

from .rules import I_AM, I_HAVE, JUST, PLACE, SINCE, TAIL, rule

_DWELLING = (
    r"(?:an? (?:[\w-]+ ){0,3}?(?:apartment|flat|house|studio|condo|room|loft|place|suburb|town|city"
    r"|village|neighbou?rhood|area) (?:in|called) )?"
)
_NEAR = (
    r"an? (?:[\w-]+ ){0,3}?(?:apartment|flat|house|studio|condo|place|suburb|town|city|village"
    r"|neighbou?rhood|area) (?:near|outside(?: of)?|close to)"
)
_KNOWN = (
    r"(?:the )?(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida"
    r"|Georgia"
    r"|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New [A-Z]\w+|North [A-Z]\w+"
    r"|South [A-Z]\w+|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|Tennessee|Texas|Utah|Vermont"
    r"|Virginia|Washington|West Virginia|Wisconsin|Wyoming|Ontario|Quebec|Alberta|British Columbia"
    r"|US|USA|UK|United [A-Z]\w+|Canada|Mexico|Brazil|Argentina|Chile|Peru|Colombia|England"
    r"|Scotland"
    r"|Wales|Ireland|France|Spain|Portugal|Italy|Germany|Austria|Switzerland|Belgium|Netherlands"
    r"|Denmark|Sweden|Norway|Finland|Iceland|Poland|Czech Republic|Hungary|Greece|Turkey|Israel"
    r"|Egypt"
    r"|Morocco|Kenya|Nigeria|India|China|Japan|Korea|Thailand|Vietnam|Indonesia|Malaysia|Singapore"
    r"|Philippines|Australia|London|Manchester|Birmingham|Leeds|Bristol|Liverpool|Edinburgh|Glasgow"
    r"|Cardiff|Belfast|Dublin|Cork|Paris|Lyon|Marseille|Berlin|Hamburg|Munich|Cologne|Frankfurt"
    r"|Stuttgart|Leipzig|Vienna|Zurich|Geneva|Basel|Brussels|Amsterdam|Rotterdam|Utrecht|Copenhagen"
    r"|Stockholm|Oslo|Bergen|Helsinki|Warsaw|Krakow|Prague|Budapest|Athens|Rome|Milan|Turin|Naples"
    r"|Florence|Madrid|Barcelona|Valencia|Seville|Lisbon|Porto|Istanbul|Cairo|Nairobi|Lagos|Mumbai"
    r"|Delhi|Bangalore|Chennai|Beijing|Shanghai|Hong Kong|Tokyo|Osaka|Kyoto|Seoul|Bangkok|Hanoi"
    r"|Jakarta"
    r"|Kuala Lumpur|Manila|Sydney|Melbourne|Brisbane|Perth|Adelaide|Auckland|Wellington|Toronto"
    r"|Montreal|Vancouver|Calgary|Ottawa|Boston|Chicago|Denver|Seattle|Portland|Austin|Dallas"
    r"|Houston"
    r"|Atlanta|Miami|Orlando|Tampa|Phoenix|Tucson|Las Vegas|Los Angeles|San [A-Z]\w+|Sacramento"
    r"|Oakland|Brooklyn|Philadelphia|Pittsburgh|Baltimore|Detroit|Cleveland|Columbus|Cincinnati"
    r"|Indianapolis|Nashville|Memphis|Charlotte|Raleigh|Minneapolis|Milwaukee|Salt Lake City|Boise"
    r"|St\. \w+|Tulsa|Omaha)\b"
)
_HOME_SIGN = (
    rf"(?=.*\b(?:(?-i:(?:in)?to {_KNOWN}|from {_KNOWN}|[A-Z]\w+, [A-Z]\w+)|apartment|flat|house"
    rf"|studio|condo"
    r"|loft|suburb|town|city|village|neighbou?rhood|with my|for (?:work|school|college|my|his"
    r"|her))\b)"
)
"""A team moves too: "we moved to Postgres". From one who says "we" a home wants a sign of one."""
_WE = rf"(?:i|we(?:['’]ve)?(?={_HOME_SIGN})|my \w+ and i|me and my \w+)"

PLACES = (
    rule(
        "live reside",
        rf"(?:i|we) (?:(?:currently|now|still|actually|only|also|do|both|all) )*(?:live|reside)"
        rf"(?: (?:alone|happily|here|right here|over here|with my [\w ]{{2,20}}))? in"
        rf" (?:{_DWELLING}"
        rf"(?P<place>{PLACE})|{_NEAR} (?P<near>{PLACE}))(?! temporarily){TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
        ("home", "near {near}", "{who} lives near {near}."),
    ),
    rule(
        "living based located residing",
        rf"(?:{I_AM}|we(?:['’]re| are))(?: an expat)? (?:living|based|located|residing)(?: here)?"
        rf"(?: out)? (?:in|out of) (?:{_DWELLING}"
        rf"(?P<place>{PLACE})|{_NEAR} (?P<near>{PLACE}))(?:(?! temporarily| for (?:a|the|two"
        rf"|three)\b| until){TAIL})",
        ("home", "{place}", "{who} lives in {place}."),
        ("home", "near {near}", "{who} lives near {near}."),
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
        rf" (?:in)?to (?:{_DWELLING}"
        rf"(?P<place>{PLACE})|{_NEAR} (?P<near>{PLACE}))(?: from (?P<old2>{PLACE}))?{TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
        ("home", "near {near}", "{who} lives near {near}."),
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
