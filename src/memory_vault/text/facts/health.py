"""What the user eats and does not eat, is allergic to, and suffers from."""

from __future__ import annotations

from ..dates.vocabulary import word_set
from .rules import DIET, I_AM, I_HAVE, JUST, TAIL, rule, things

_BEEN = r"(?: (?:a|an|strictly|mostly|now|fully|strict|lifelong|basically|also|mainly))*"
_CONDITION = (
    r"(?:asthma|adhd|epilepsy|arthritis|rheumatoid arthritis|c(?:o)?eliac disease"
    r"|crohn['’]?s(?: disease)?|ibs|migraines|high blood pressure|hypertension|hypothyroidism"
    r"|sleep apnea|insomnia|psoriasis|eczema|dyslexia|ptsd|ocd|bipolar disorder|autism|scoliosis"
    r"|endometriosis|pcos|tinnitus|lupus|multiple sclerosis|an[a]?emia|gout|glaucoma|diabetes"
    r"|depression|anxiety|an anxiety disorder|fibromyalgia|acid reflux|gerd|osteoporosis"
    r"|diverticulitis|(?:chronic )?sinusitis|sciatica|carpal tunnel(?: syndrome)?|plantar fasciitis"
    r"|ulcerative colitis|gastritis|high cholesterol|prediabetes|vertigo|rosacea|tendonitis"
    r"|hay fever|a heart condition|parkinson['’]?s(?: disease)?|chronic pain)"
)

_OF_WHAT = r"(?!(?:food|seasonal|severe|bad|new|own|mild|known|other)\b)[\w-]+"
_OUTGREW = (
    *("outgrew", "outgrown", "grew out of", "grown out of", "got rid of", "gotten rid of"),
    *("got over", "gotten over", "overcame", "overcome", "lost", "beat"),
)
_OUTGROWN = rf"(?:{'|'.join(_OUTGREW)})"
_OVER = "".join(rf"(?<!\b{verb} my)" for verb in _OUTGREW)
"""After "my": what comes next is behind one."""
_IS_GONE = (
    r"(?:(?:is|['’]s|has)(?: now| finally| completely)? (?:gone(?: away)?|over|cured|cleared(?:"
    r" up)?"
    r"|disappeared|healed)|went away|disappeared|cleared up)"
)
_COUNTED = word_set(
    "nut peanut walnut almond cashew hazelnut pistachio egg cat dog bee wasp strawberry banana"
    " apple tomato mushroom oat bean onion soybean lentil avocado mango peach cherry"
    " horse rabbit mite"
)
_NO_ALLERGENS = word_set(
    "mornings monday mondays bullshit bs work exercise fun drama math maths nonsense stupidity"
    " commitment effort responsibility meetings idiots people liars school sports money boredom"
    " failure homework"
)
"""What people call themselves allergic to and are not."""


def _allergens(text: str) -> list[str]:
    """What one is allergic to, in the plural where it is counted, so that it is one subject."""
    return [_plural(one) for one in things(text) if one.lower() not in _NO_ALLERGENS]


def _plural(thing: str) -> str:
    before, space, last = thing.rpartition(" ")
    if last.lower() not in _COUNTED:
        return thing
    if last.endswith("y"):
        return f"{before}{space}{last[:-1]}ies"
    return f"{before}{space}{last}{'es' if last.endswith(('o', 'ch')) else 's'}"


HEALTH = (
    rule(
        "am i'm i’m are we're we’re",
        rf"(?:{I_AM}|we(?:['’]re| are)(?: both| all)?){_BEEN} {DIET}(?:,? (?:and|but|so|now|since"
        rf"|for|because)\b.*)?",
        ("diet", "{diet}", "{who} is {diet}."),
        time="past",
    ),
    rule(
        "been went became turned gone",
        rf"{I_HAVE}{JUST} (?:been|went|became|become|turned|gone){_BEEN} {DIET}"
        rf"(?: (?:since|for|in|last|this|a|two|three|\d+)\b.*)?",
        ("diet", "{diet}", "{who} is {diet}."),
        time="past",
    ),
    rule(
        "my",
        rf"\bmy{_OVER} (?P<what>(?:(?:type [12]|chronic|severe|mild|seasonal) )?(?!(?:anxiety"
        rf"|depression"
        rf"|insomnia"
        rf"|acid reflux|an?)\b){_CONDITION})\b(?! about| {_IS_GONE})",
        ("condition:{what}", "yes", "{who} has {what}."),
        is_inside=True,
    ),
    rule(
        "allergy intolerance",
        rf"\bmy{_OVER} (?P<thing>{_OF_WHAT}) (?:allergy|intolerance)\b(?! {_IS_GONE})",
        ("allergy:{thing}", "allergic", "{who} is allergic to {thing}."),
        is_inside=True,
        many=("thing", _allergens),
    ),
    rule(
        "allergy intolerance",
        rf"(?:{I_HAVE}{JUST} {_OUTGROWN} my (?P<thing>{_OF_WHAT}) (?:allergy|intolerance)|my"
        rf" (?P<thing2>{_OF_WHAT}) (?:allergy|intolerance) {_IS_GONE}){TAIL}",
        ("allergy:{thing}", "", ""),
        time="past",
        many=("thing", _allergens),
    ),
    rule(
        "my longer have",
        rf"(?:{I_HAVE}{JUST} {_OUTGROWN} my (?P<what>{_CONDITION})|my (?P<what2>{_CONDITION})"
        rf" {_IS_GONE}|i (?:no longer have|(?:don['’]t|do not) have(?=.* any ?more)) "
        rf"(?P<what3>{_CONDITION})(?: any ?more)?){TAIL}",
        ("condition:{what}", "", ""),
        is_denial=True,
    ),
    rule(
        "used",
        rf"i used to be{_BEEN} {DIET}(?:,? (?:and|but|so|for|until|in|when|before)\b.*)?",
        ("diet", "{diet}", ""),
        is_denial=True,
    ),
    rule(
        "quit gave given stopped",
        rf"{I_HAVE}{JUST} (?:quit|gave up|given up|stopped)(?: eating| drinking)? "
        rf"(?P<thing>smoking|drinking"
        rf"|vaping|alcohol|caffeine|coffee|sugar|meat|red meat|dairy|gluten|soda|bread|carbs"
        rf"|cigarettes"
        rf"|chocolate|fast food|junk food){TAIL}",
        ("avoids:{thing}", "quit", "{who} gave up {thing}."),
        time="past",
    ),
    rule(
        "drink",
        r"i (?:don['’]t|do not|never) (?P<verb>drink)(?! and drive)(?:,? (?:and|but|so|or|any"
        r" ?more)\b.*)?",
        ("avoids:alcohol", "{verb}", "{who} does not drink."),
        is_denial=True,
    ),
    rule(
        "smoke vape",
        r"i (?:don['’]t|do not|never) (?P<verb>smoke)(?:,? (?:and|but|so|or|any ?more)\b.*)?",
        ("avoids:smoking", "{verb}", "{who} does not smoke."),
        is_denial=True,
    ),
    rule(
        "follow following diet switched keto",
        rf"(?:i(?:['’]ve| have)(?: \w+)? been (?:following|on|doing)|{I_HAVE}{JUST} switched to)"
        rf" (?:an? )?(?:strict |mostly )?{DIET}(?: diet)?{TAIL}",
        ("diet", "{diet}", "{who} is {diet}."),
        time="past",
    ),
    rule(
        "intolerant sensitive",
        rf"{I_AM}(?: (?:very|highly|also))* (?:intolerant|sensitive) to (?P<thing>lactose|gluten"
        rf"|dairy|eggs?"
        rf"|soy|nuts|wheat|fructose|histamine|caffeine)(?:,? (?:and|but|so)\b.*)?",
        ("allergy:{thing}", "intolerant", "{who} is intolerant to {thing}."),
    ),
    rule(
        "follow diet",
        rf"(?:i follow|{I_AM} on|i eat) an? (?:strict |mostly )?{DIET} diet{TAIL}",
        ("diet", "{diet}", "{who} is {diet}."),
    ),
    rule(
        "longer not stopped",
        rf"(?:{I_AM} (?:not|no longer)|i{JUST} stopped being)(?: an?)?(?: actually)? {DIET}"
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
        many=("thing", _allergens),
    ),
    rule(
        "allergy",
        rf"i(?:['’]ve got| have) an? (?:severe |mild |bad |serious )*(?P<thing>[\w-]+(?:"
        rf" [\w-]+)?) allergy"
        rf"{TAIL}",
        ("allergy:{thing}", "allergic", "{who} is allergic to {thing}."),
        many=("thing", _allergens),
    ),
    rule(
        "allergic",
        rf"{I_AM} (?:not|no longer)(?: actually)? allergic to (?P<thing>.+?)(?: any ?more)?",
        ("allergy:{thing}", "", ""),
        is_denial=True,
        many=("thing", _allergens),
    ),
    rule(
        "have suffer diagnosed i've i’ve",
        rf"(?:i (?:also |still )?have|i suffer from|i(?:['’]ve| have) (?:got|had)|i(?:['’]ve"
        rf"| have) been"
        rf"(?: recently| just)? (?:diagnosed|struggling|dealing|living) with|i was(?: recently"
        rf"| just)? diagnosed with) "
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
