"""Who the user is, whom the user is related to, and the animals of the house."""

from __future__ import annotations

from .rules import (
    CALENDAR_DAY,
    I_AM,
    I_HAVE,
    JUST,
    LANGUAGE,
    NAME,
    NO_VERB,
    NOT_GIVEN,
    NUMBER,
    ONE_NAME,
    TAIL,
    Form,
    Rule,
    names,
    rule,
)

_ADJECTIVE = (
    r"(?:(?:older|elder|younger|little|big|baby|oldest|eldest|youngest|middle|twin|half|lovely"
    r"|dear|new|old|beautiful|wonderful|\d{1,2}[- ](?:year|month|week)[- ]old|only|other"
    r"|rescue|pet)[ -])*"
)
_ONE = (
    r"(?-i:wife|husband|spouse|fianc[ée]e?|girlfriend|boyfriend|mother|mom|mum|father|dad"
    r"|stepmother"
    r"|stepfather|mother-in-law|father-in-law)"
)
_SOME = (
    r"(?-i:brother|sister|cousin|niece|nephew|aunt|uncle|grandmother|grandma"
    r"|grandfather|grandpa|granddaughter|grandson|best friend|roommate|flatmate|brother-in-law"
    r"|sister-in-law|godson|goddaughter|son|daughter)"
)
_PET = (
    r"(?-i:dog|cat|puppy|kitten|rabbit|bunny|hamster|guinea pig|parrot|parakeet|budgie|horse|pony"
    r"|turtle|tortoise|snake|gecko|lizard|ferret|goldfish|labrador|lab|golden retriever|retriever"
    r"|beagle|poodle|corgi|german shepherd|terrier|bulldog|tabby|dachshund|border collie|husky)"
)
_PETS = rf"(?:{_PET}s|puppies|bunnies|ponies|goldfish)"
_NAMED = r"(?:['’]s name is| is (?:called|named)|,? (?:named|called|whose name is))"
_CALLED = r"(?:,? (?:named|called|whose name is)|, whose name is)"
_STATUS = r"(?P<status>married|engaged|divorced|widowed|separated)"
_EX = r"(?:girlfriend|boyfriend|partner|fianc[ée]e?)"
_NATION = (
    r"(?:American|Argentinian|Australian|Austrian|Belgian|Brazilian|British|Bulgarian|Canadian"
    r"|Chilean|Chinese|Colombian|Croatian|Czech|Danish|Dutch|Egyptian|English|Estonian|Filipino"
    r"|Finnish|French|German|Greek|Hungarian|Indian|Indonesian|Iranian|Irish|Israeli|Italian"
    r"|Jamaican|Japanese|Kenyan|Korean|Latvian|Lebanese|Lithuanian|Malaysian|Mexican|Moroccan"
    r"|New Zealander|Nigerian|Norwegian|Pakistani|Peruvian|Polish|Portuguese|Romanian|Russian"
    r"|Scottish|Serbian|Singaporean|Slovak|Slovenian|Spanish|Swedish|Swiss|Syrian|Taiwanese|Thai"
    r"|Turkish|Ukrainian|Vietnamese|Welsh)"
)
_PRONOUN = r"(?:he|she|they|him|her|them|his|hers|theirs|xe|ze|it)"

IDENTITY = (
    rule(
        "name name's name’s",
        rf"my (?:full |first |real |given |actual )?name(?:['’]s| is)(?: actually| now)? "
        rf"(?P<name>{NAME})(?:, .*|{TAIL})",
        ("name", "{name}", "{who}'s name is {name}."),
    ),
    rule(
        "name name's name’s",
        rf"my (?P<which>last|middle|maiden|family) name(?:['’]s| is)(?: actually| now)? "
        rf"(?P<name>{NAME}){TAIL}",
        ("{which} name", "{name}", "{who}'s {which} name is {name}."),
    ),
    rule(
        "name name's name’s",
        rf"{I_HAVE}{JUST} changed my (?P<which>first |last )?name to (?P<name>{NAME}){TAIL}",
        ("{which|}name", "{name}", "{who}'s {which|}name is {name}."),
        time="past",
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} (?P<name>{ONE_NAME}),? (?:by the way|btw|nice to meet you)\b.*",
        ("name", "{name}", "{who}'s name is {name}."),
    ),
    rule(
        "by",
        rf"i(?: usually| mostly)? go by (?:the name )?(?P<name>{ONE_NAME}){TAIL}",
        ("nickname", "{name}", "{who} goes by {name}."),
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} (?P<age>[1-9]\d)(?: ?(?:years?[- ]old|yo|y/o))?(?:,? (?:and|but|so|now|with)"
        rf" .*)?",
        ("age", "{age}", "{who} is {age} years old."),
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} an? (?P<age>[1-9]\d)[- ]year[- ]old\b.*",
        ("age", "{age}", "{who} is {age} years old."),
    ),
    rule(
        "old",
        r"as an? (?P<age>[2-9]\d)[- ]year[- ]old(?: [a-z]+)?,? (?:i|my)",
        ("age", "{age}", "{who} is {age} years old."),
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} in my (?P<age>(?:(?:early|mid|late)[- ])?(?:[2-9]0['’]?s|twenties|thirties"
        rf"|forties"
        rf"|fifties|sixties|seventies|eighties))(?:,? (?:and|but|so|now)\b.*)?",
        ("age", "{age}", "{who} is in their {age}."),
    ),
    rule(
        "tall",
        rf"{I_AM}(?: about| around)? (?P<height>\d feet(?: (?:and )?\d{{1,2}}(?: inches)?)?"
        rf"|\d['’]\d{{1,2}}"
        rf"|[12]\d\d ?cm|[12][.,]\d\d ?m(?:eters|etres)?)(?: tall)(?:,? (?:and|but|so|with)\b.*)?",
        ("height", "{height}", "{who} is {height} tall."),
    ),
    rule(
        "weigh",
        r"i(?: currently| now)? weigh(?: about| around)? (?P<weight>\d{2,3} ?(?:kg|kilos"
        r"|kilograms|lbs?"
        r"|pounds))(?:,? (?:and|but|so|now)\b.*)?",
        ("weight", "{weight}", "{who} weighs {weight}."),
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} (?:such |quite |a bit of )?an? (?:real |total |big |bit of an? )?"
        rf"(?P<what>night owl"
        rf"|early bird|early riser|introvert|extrovert|ambivert|homebody|perfectionist|workaholic"
        rf"|procrastinator|foodie|bookworm|minimalist)(?:,? (?:and|but|so|by)\b.*)?",
        ("character", "{what}", "{who} is {a what}."),
    ),
    rule(
        "turned",
        rf"{I_HAVE}{JUST} turned (?P<age>[1-9]\d)(?: years old)?{TAIL}",
        ("age", "{age}", "{who} is {age} years old."),
        time="past",
    ),
    rule(
        "birthday",
        rf"my birthday(?:['’]s| is)(?: on)? (?P<day>{CALENDAR_DAY}){TAIL}",
        ("birthday", "{day}", "{who}'s birthday is {day}."),
    ),
    rule(
        "born",
        rf"i was born on (?P<day>{CALENDAR_DAY}){TAIL}",
        ("birthday", "{day}", "{who}'s birthday is {day}."),
    ),
    rule(
        "born",
        rf"i was born in (?P<year>(?:19|20)\d\d){TAIL}",
        ("birth year", "{year}", "{who} was born in {year}."),
    ),
    rule(
        "pronouns",
        rf"(?:my pronouns are|i (?:use|go by)) (?P<pronouns>{_PRONOUN}(?:/{_PRONOUN}){{1,2}})"
        rf"(?: pronouns)?{TAIL}",
        ("pronouns", "{pronouns}", "{who}'s pronouns are {pronouns}."),
    ),
    rule(
        "native first mother",
        rf"my (?:native|first|mother) (?:language|tongue) is (?P<language>{LANGUAGE}){TAIL}",
        ("native language", "{language}", "{who}'s native language is {language}."),
    ),
    rule(
        "native",
        rf"{I_AM} an? native (?P<language>{LANGUAGE}) speaker{TAIL}",
        ("native language", "{language}", "{who}'s native language is {language}."),
    ),
    rule(
        "speak fluent",
        rf"(?:i (?:also |already )?speak(?: fluent)?|{I_AM} fluent in) "
        rf"(?P<language>{LANGUAGE}(?:(?:, and |, | and ){LANGUAGE})*)(?: fluently| at (?:home"
        rf"|work|school)| too)?",
        ("language:{language}", "{language}", "{who} speaks {language}."),
        many=("language", names),
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} (?:an? )?(?P<nation>(?-i:{_NATION}))(?: citizen)?(?:,? (?:and|but|by|so) .*)?",
        ("nationality", "{nation}", "{who} is {nation}."),
    ),
)

_STATES = r"(?: (?:just|recently|sadly|suddenly|unexpectedly|finally|has|have|had))*"
_GONE = (
    r"(?:died|passed(?: away| on)?|left me|divorced me|broke up with me|dumped me|was put down"
    r"|had to be put down)"
)
_PARTED = (
    r"(?:(?:are |got |gotten )?divorced|(?:are )?separated|split(?: up)?|broke up|parted ways)"
)
_NO_MORE = rf"(?!,?{_STATES} {_GONE}\b| and i{_STATES} {_PARTED}\b)"
"""After a name: who died or left is no longer what they were."""


def _relation(
    kin: str, form: Form, *, whose: str = "my", named: str = rf"{_NAMED} |, (?=[^,]+,)"
) -> tuple[Rule, Rule]:
    """Rules for whose a name is: told ("my son is called Ed") or beside ("my son Ed").

    What stands beside may be given to them instead, or be what they do.
    """
    one = rf"{_ADJECTIVE}(?P<kin>{kin})"
    told = rf"(?:{named})(?P<name>{ONE_NAME})(?![\w’-]),?{_NO_MORE}"
    beside = rf" {NO_VERB}(?P<name>{ONE_NAME})(?= [a-z]|,|$|['’]s){_NO_MORE}"
    return (
        rule("my our", rf"\b{whose} {one}{told}", form, is_inside=True),
        rule("my our", rf"\b{whose}{NOT_GIVEN} {one}{beside}", form, is_inside=True),
    )


_WED = (("wife", "", ""), ("husband", "", ""), ("spouse", "", ""))
_DIED = rf"(?:,? (?P<name>{ONE_NAME}),?)?{_STATES} {_GONE}{TAIL}"

_ENDED = (
    rule(
        "died passed left divorced dumped broke",
        rf"my {_ADJECTIVE}(?P<kin>wife|husband){_DIED}",
        ("{kin}", "", ""),
        ("spouse", "", ""),
        time="past",
    ),
    rule(
        "died passed left dumped broke",
        rf"my {_ADJECTIVE}(?P<kin>{_ONE}){_DIED}",
        ("{kin}", "", ""),
        time="past",
    ),
    rule(
        "died passed",
        rf"(?:my|our) {_ADJECTIVE}(?P<kin>{_SOME}){_DIED}",
        ("{kin}:{name}", "", ""),
        time="past",
    ),
    rule(
        "divorced separated split broke parted",
        rf"(?:my {_ADJECTIVE}(?:wife|husband|partner|spouse)(?:,? {NAME},?)? and i|we|i){_STATES}"
        rf" (?:(?:got |gotten |are )?(?P<status>divorced)(?: my (?:wife|husband)(?: {NAME})?)?"
        rf"|(?<=and i ){_PARTED}){TAIL}",
        ("marital status", "{status}", "{who} is {status}."),
        *_WED,
        time="past",
    ),
    rule(
        "separated split broke parted",
        rf"my {_ADJECTIVE}(?P<kin>{_EX})(?:,? {NAME},?)? and i{_STATES} {_PARTED}{TAIL}",
        ("{kin}", "", ""),
        time="past",
    ),
    rule(
        "married",
        rf"{I_AM} (?:not married any ?more|no longer married)(?:,? (?:and|but|so|since)\b.*)?",
        ("marital status", "married", ""),
        *_WED,
        is_denial=True,
    ),
    rule(
        "have",
        rf"i (?:no longer have|(?:don['’]t|do not) have(?=.* any ?more)) (?P<pet>an? {_PET})"
        rf"(?: any ?more)?(?:,? (?:and|but|so|since)\b.*)?",
        ("pets", "{pet}", ""),
        is_denial=True,
    ),
)

RELATIONS = (
    *_ENDED,
    *_relation(_ONE, ("{kin}", "{name}", "{who}'s {kin} is {name}.")),
    *_relation(
        _SOME, ("{kin}:{name}", "{name}", "{who} has a {kin} named {name}."), whose="(?:my|our)"
    ),
    *_relation(
        _PET,
        ("pet:{name}", "{name}", "{who} has a {kin} named {name}."),
        whose="(?:my|our)",
        named=rf"{_NAMED} |, ",
    ),
    rule(
        "have got adopted bought rescued i've i’ve",
        rf"(?:i|we)(?:['’]ve| have)?{JUST}(?: (?:have|got|adopted|bought|rescued))? an? "
        rf"(?:[\w-]+ ){{0,3}}?(?P<pet>{_PET}){_CALLED} (?P<name>{ONE_NAME}){TAIL}",
        ("pet:{name}", "{name}", "{who} has a {pet} named {name}."),
        time="past",
    ),
    rule(
        "have got own i've i’ve",
        rf"i(?:['’]ve got|(?: also| currently| still)? (?:have|own)) "
        rf"(?P<pet>(?:an?|{NUMBER}) (?:(?:[\w-]+) ){{0,2}}?(?:{_PET}|{_PETS}))"
        rf"(?:,? (?:and|but|so|who|at home|that)\b.*)?",
        ("pets", "{pet}", "{who} has {pet}."),
    ),
    rule(
        "adopted rescued got",
        rf"(?:i|we)(?:['’]ve| have)?{JUST} (?:adopted|rescued|got) (?P<pet>an? (?:[\w-]+"
        rf" ){{0,2}}?{_PET})"
        rf"{TAIL}",
        ("pets", "{pet}", "{who} has {pet}."),
        time="past",
    ),
    rule(
        "died passed put",
        rf"my {_ADJECTIVE}{_PET},? (?P<name>{ONE_NAME}),?(?: just| recently| sadly)* "
        rf"(?:died|passed away|had to be put down|was put down)\b.*",
        ("pet:{name}", "", ""),
        time="past",
    ),
    rule(
        "divorced widowed separated single",
        rf"(?:{I_AM}|we(?:['’]re| are)|i(?:['’]ve| have){JUST} been)(?: happily| newly)? "
        rf"(?P<status>divorced|widowed|separated|single)(?: from my \w+)?"
        rf"(?:,? (?:and|but|with|so|now|again|since|for|in|last|this)\b.*)?",
        ("marital status", "{status}", "{who} is {status}."),
        *_WED,
        time="past",
    ),
    rule(
        "married engaged",
        rf"{I_AM} (?P<status>married|engaged)"
        rf"(?: to (?:my \w+,? )?(?P<name>{ONE_NAME}))?(?:,? (?:and|but|with|so|now|since|for) .*)?",
        ("marital status", "{status}", "{who} is {status}."),
        ("spouse", "{name}", "{who} is {status} to {name}."),
        time="past",
    ),
    rule(
        "got been",
        rf"(?:i|we|my {_ADJECTIVE}(?:wife|husband|partner|{_EX})(?: \w+)? and i)(?:['’]ve|"
        rf" have)?{JUST} "
        rf"(?:got|gotten|been) {_STATUS}(?: to (?:my \w+,? )?(?P<name>{ONE_NAME}))?{TAIL}",
        ("marital status", "{status}", "{who} is {status}."),
        ("spouse", "{name}", "{who} is {status} to {name}."),
        time="past",
    ),
    rule(
        "broke",
        rf"(?:i{JUST} broke up with my|my (?=\w+ and i)){_ADJECTIVE} ?(?P<kin>{_EX})"
        rf"(?: and i{JUST} broke up)?{TAIL}",
        ("{kin}", "", ""),
        time="past",
    ),
    rule(
        "have i've i’ve we've we’ve",
        rf"(?:i|we)(?:['’]ve got|(?: also| already| now)? have) (?P<count>{NUMBER}) "
        rf"(?:(?:young|small|little|grown|adult|older|younger|beautiful|lovely|teenage)[ ,]+)*"
        rf"(?P<kin>kids|children|sons|daughters|brothers|sisters|siblings|grandchildren)"
        rf"(?:,? (?:and|but|so|who|aged|at home|under|together|named|called)\b.*|, .*)?",
        ("{kin}", "{count}", "{who} has {count} {kin}."),
    ),
    rule(
        "have i've i’ve",
        rf"i(?:['’]ve got|(?: also)? have) an? {_ADJECTIVE}(?P<kin>son|daughter|brother|sister)"
        rf"{_CALLED} (?P<name>{ONE_NAME}){TAIL}",
        ("{kin}:{name}", "{name}", "{who} has a {kin} named {name}."),
    ),
    rule(
        "have i've i’ve",
        r"i(?:['’]ve got|(?: also)? have) (?P<what>an? (?:\d{1,2}[- ](?:year|month)[- ]old |"
        r"(?:older|younger|little|big|twin|baby|teenage|toddler) )?(?P<kin>son|daughter"
        r"|brother|sister))"
        r"(?:,? (?:and|but|so|who)\b.*)?",
        ("{kin}", "{what}", "{who} has {what}."),
    ),
    rule(
        "of to",
        rf"{I_AM} (?:an?|the) (?:single |proud |busy |working |stay-at-home )*"
        rf"(?:mom|mum|mother|dad|father|parent) (?:of|to) (?P<count>{NUMBER}){TAIL}",
        ("children", "{count}", "{who} has {count} children."),
    ),
)
