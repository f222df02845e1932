"""What the user likes, eats, cannot eat, suffers from, and owns."""

from __future__ import annotations

from .rules import I_AM, I_HAVE, JUST, NAME, TAIL, rule, things

_ADVERB = (
    r"(?: (?:really|absolutely|also|generally|always|just|do|still|particularly|especially|truly"
    r"|actually|simply))*"
)
_FAN = r"(?:a (?:big |huge |massive )?fan of|into|fond of|passionate about|obsessed with)"
_DIET = (
    r"(?P<diet>vegan|vegetarian|pescatarian|flexitarian|gluten[- ]free|dairy[- ]free"
    r"|lactose[- ]intolerant"
    r"|keto|plant[- ]based|teetotal|celiac|coeliac)"
)
_BEEN = r"(?: (?:a|an|strictly|mostly|now|fully|strict|lifelong|basically|also|mainly))*"
_CONDITION = (
    r"(?:asthma|adhd|epilepsy|arthritis|rheumatoid arthritis|c(?:o)?eliac disease"
    r"|crohn['’]?s(?: disease)?|ibs|migraines|high blood pressure|hypertension|hypothyroidism"
    r"|sleep apnea|insomnia|psoriasis|eczema|dyslexia|ptsd|ocd|bipolar disorder|autism|scoliosis"
    r"|endometriosis|pcos|tinnitus|lupus|multiple sclerosis|an[a]?emia|gout|glaucoma|diabetes"
    r"|depression|anxiety|an anxiety disorder|fibromyalgia|acid reflux|gerd|osteoporosis"
    r"|diverticulitis|hay fever|a heart condition|parkinson['’]?s(?: disease)?|chronic pain)"
)
_THING = (
    r"(?:car|bike|bicycle|motorcycle|motorbike|scooter|van|truck|boat|sailboat|house|apartment"
    r"|condo"
    r"|laptop|computer|pc|macbook(?: pro| air)?|ipad|tablet|iphone(?: \d+)?|smartphone|phone|camera"
    r"|guitar|piano|violin|cello|ukulele|drum kit|drone|telescope|tent|kayak|e-reader|kindle|tv"
    r"|smartwatch|treadmill|sewing machine|3d printer|espresso machine|air fryer)"
)
_CAR = (
    r"(?-i:(?:\d{4} )?(?:Toyota|Honda|Ford|Tesla|BMW|Audi|Volkswagen|VW|Subaru|Mazda|Nissan|Hyundai"
    r"|Kia|Volvo|Jeep|Chevrolet|Chevy|Mercedes|Porsche|Lexus|Fiat|Renault|Peugeot|Skoda|Opel)"
    r"(?: [A-Z0-9][\w-]*){0,2})"
)
_OWNED = (
    rf"an? (?P<thing>(?:(?!(?:new|used|rental|rented|borrowed|company|in|of|for|with|on|about"
    rf"|like|and|or|called|my|the|few|couple|\w+['’]s)\b)[\w’'-]+ ){{0,3}}?"
    rf"(?P<head>{_THING}))"
)
_OLD = r"(?:old |beloved |trusty |first |second |[a-z]+ )?"
_HAS_TAIL = (
    r"(?:,? (?:and|but|so|with|that|which|from|for|last|this|in|on|at|because|since|recently"
    r"|too|now"
    r"|yesterday|today|a (?:week|month|year|few|couple)|(?:two|three|\d+) \w+ ago|to)\b.*)?"
)
_GET = rf"{I_HAVE}{JUST} (?:bought|purchased|got)(?: myself)?"
_OWN = r"i(?:['’]ve got|(?: (?:currently|also|still|now))* (?:have|own|drive|ride|play on))"
_GONE = rf"{I_HAVE}{JUST} (?:sold|gave away|given away|got rid of|donated|traded in|totaled)"

TASTES = (
    rule(
        "love like enjoy adore",
        rf"i{_ADVERB} (?:love|like|enjoy|adore) (?P<thing>.+)",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "loving enjoying always loved liked enjoyed",
        rf"i(?:['’]ve| have){_ADVERB} (?:been{_ADVERB} (?:loving|enjoying)"
        rf"|always (?:loved|liked|enjoyed|been a fan of|been into)) (?P<thing>.+)",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "always hated disliked",
        rf"i(?:['’]ve| have){_ADVERB} always (?:hated|disliked) (?P<thing>.+)",
        ("taste:{thing}", "dislikes", "{who} dislikes {thing}."),
        many=("thing", things),
    ),
    rule(
        "fan into fond passionate obsessed",
        rf"{I_AM}(?: (?:really|very|so|quite))* {_FAN} (?P<thing>.+)",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "fan",
        rf"{I_AM} an? (?:(?:huge|big|massive|lifelong|long-?time|die-?hard) )*"
        rf"(?P<thing>(?!(?:huge|big)\b){NAME}) fan(?:,? (?:and|but|so|since|myself|too)\b.*)?",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
    ),
    rule(
        "hate dislike detest loathe despise",
        rf"i{_ADVERB} (?:hate|dislike|detest|loathe|despise) (?P<thing>.+)",
        ("taste:{thing}", "dislikes", "{who} dislikes {thing}."),
        many=("thing", things),
    ),
    rule(
        "longer more anymore",
        r"i (?:no longer (?:like|love|enjoy)|(?:don['’]t|do not) (?:like|love|enjoy)(?=.* any"
        r" ?more$)) "
        r"(?P<thing>.+?)(?: any ?more)?",
        ("taste:{thing}", "likes", ""),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "stand don't don’t do not",
        rf"i{_ADVERB} (?:can['’]?t stand|cannot stand|(?:don['’]t|do not)(?: really| particularly)?"
        rf" (?:like|enjoy|care for)) (?P<thing>(?!.* any ?more$).+)",
        ("taste:{thing}", "dislikes", "{who} dislikes {thing}."),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "fan into fond",
        rf"{I_AM} not(?: really| exactly| much)*(?: of)? {_FAN} (?P<thing>.+)",
        ("taste:{thing}", "dislikes", "{who} dislikes {thing}."),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "prefer",
        r"i(?: (?:always|generally|usually|much|strongly|really|definitely|still))* prefer "
        r"(?P<thing>(?!to\b)[\w’' -]{2,40}?) (?:over|to) (?P<other>[\w’' -]{2,40}?)",
        ("preference: {pair}", "{thing}", "{who} prefers {thing} over {other}."),
        many=("thing", things),
    ),
    rule(
        "favourite favorite",
        r"my (?:all[- ]time )?favou?rite (?P<topic>(?!(?:part|thing|things|one|ones|bit|aspect"
        r"|way|so|in|from|about|for|to|at)\b)"
        r"[a-z][\w-]*(?: (?!(?:is|are|so|far|in|from|about|for|to|this|that"
        r"|at)\b)[\w-]+){0,3}?) (?:is|are) (?!(?:the (?:one|same|first|second"
        r"|third|last|former|latter|other)|this|that|these|those|it|its|one|here|there|still|always"
        r"|also|something|anything|everything|what|how|why|getting|changing|hard|difficult|so|too"
        r"|very|really|coming|playing|on|in|at|when|definitely|probably|\w+ed by)\b)"
        r"(?P<value>[^,:()]{1,60}?)(?:,? (?:because|since|but|though|as|by far|so)\b.*|, .*)?",
        ("favourite {topic}", "{value}", "{who}'s favourite {topic} is {value}."),
    ),
)

HEALTH = (
    rule(
        "am i'm i’m",
        rf"{I_AM}{_BEEN} {_DIET}(?:,? (?:and|but|so|now|since|for|because)\b.*)?",
        ("diet", "{diet}", "{who} is {diet}."),
        time="past",
    ),
    rule(
        "been went became turned gone",
        rf"{I_HAVE}{JUST} (?:been|went|became|become|turned|gone){_BEEN} {_DIET}"
        rf"(?: (?:since|for|in|last|this|a|two|three|\d+)\b.*)?",
        ("diet", "{diet}", "{who} is {diet}."),
        time="past",
    ),
    rule(
        "follow diet",
        rf"(?:i follow|{I_AM} on|i eat) an? (?:strict |mostly )?{_DIET} diet{TAIL}",
        ("diet", "{diet}", "{who} is {diet}."),
    ),
    rule(
        "longer not stopped",
        rf"(?:{I_AM} (?:not|no longer)|i{JUST} stopped being)(?: an?)?(?: actually)? {_DIET}"
        rf"(?: any ?more| now)?(?:,? (?:and|but|so|since)\b.*)?",
        ("diet", "{diet}", ""),
        is_denial=True,
    ),
    rule(
        "don't don’t do never",
        r"i (?:don['’]t|do not|never) (?P<verb>eat|drink) (?P<thing>[\w’' ,-]{2,40}?)"
        r"(?:,? (?:because|since|for|so|and i|at all|any ?more)\b.*)?",
        ("avoids:{thing}", "{verb}", "{who} does not {verb} {thing}."),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "again",
        r"i(?:['’]ve)?(?: just| recently)?(?: started| now)? (?:eat|drink|eating|drinking) "
        r"(?P<thing>[\w’' ,-]{2,40}?) again(?:,? (?:and|but|so|since)\b.*)?",
        ("avoids:{thing}", "", ""),
        ("diet", "", ""),
        many=("thing", things),
    ),
    rule(
        "allergic",
        rf"{I_AM}(?: (?:severely|very|mildly|deathly|highly|really))* allergic to (?P<thing>.+)",
        ("allergy:{thing}", "allergic", "{who} is allergic to {thing}."),
        many=("thing", things),
    ),
    rule(
        "allergy",
        rf"i(?:['’]ve got| have) an? (?:severe |mild |bad |serious )*(?P<thing>[\w-]+(?:"
        rf" [\w-]+)?) allergy"
        rf"{TAIL}",
        ("allergy:{thing}", "allergic", "{who} is allergic to {thing}."),
        many=("thing", things),
    ),
    rule(
        "allergic",
        rf"{I_AM} (?:not|no longer)(?: actually)? allergic to (?P<thing>.+?)(?: any ?more)?",
        ("allergy:{thing}", "", ""),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "have suffer diagnosed i've i’ve",
        rf"(?:i (?:also |still )?have|i suffer from|i(?:['’]ve| have) got|i(?:['’]ve| have) been"
        rf"(?: recently| just)? diagnosed with|i was(?: recently| just)? diagnosed with) "
        rf"(?P<what>(?:type [12] |chronic |mild |severe |bad |seasonal )?{_CONDITION})"
        rf"(?:,? (?:and|but|so|since|for \w+ years|which|in|last|this|a)\b.*)?",
        ("condition:{what}", "yes", "{who} has {what}."),
        time="past",
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} (?:a )?(?P<what>diabetic|asthmatic|epileptic|colou?r[- ]?blind|dyslexic"
        rf"|autistic|deaf"
        rf"|left[- ]handed|right[- ]handed)(?:,? (?:and|but|so|since)\b.*)?",
        ("condition:{what}", "yes", "{who} is {what}."),
    ),
)

THINGS = (
    rule(
        "bought purchased got",
        rf"{_GET} (?:an? )?(?:brand[- ]new |new |used |second-hand |secondhand )"
        rf"(?P<thing>(?:[\w’'-]+ ){{0,2}}?(?P<head>{_THING})){_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "bought purchased",
        rf"{I_HAVE}{JUST} (?:bought|purchased)(?: myself)? {_OWNED}{_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "have own drive ride i've i’ve",
        rf"{_OWN} {_OWNED}{_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
    ),
    rule(
        "bought purchased got have own drive i've i’ve",
        rf"(?:{_GET}|{_OWN}) an? (?:new |used |second-hand |red |blue |black |white |old )*"
        rf"(?P<thing>{_CAR}){_HAS_TAIL}",
        ("has:car", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "sold gave given rid donated traded totaled",
        rf"{_GONE} my {_OLD}(?P<head>{_THING}){_HAS_TAIL}",
        ("has:{head}", "", ""),
        time="past",
    ),
    rule(
        "sold gave given rid donated traded totaled",
        rf"{_GONE} my {_OLD}{_CAR}{_HAS_TAIL}",
        ("has:car", "", ""),
        time="past",
    ),
    rule(
        "stolen totaled",
        rf"my {_OLD}(?P<head>{_THING}) (?:was|got|has been)(?: just| recently)? (?:stolen"
        rf"|totaled){TAIL}",
        ("has:{head}", "", ""),
        time="past",
    ),
    rule(
        "longer more anymore",
        rf"i (?:no longer (?:have|own|drive)|(?:don['’]t|do not) (?:have|own|drive)(?=.* any"
        rf" ?more)) "
        rf"(?:an?|my|the) {_OLD}(?P<head>{_THING})(?: any ?more)?{TAIL}",
        ("has:{head}", "", ""),
        is_denial=True,
    ),
)
