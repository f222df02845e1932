"""What the user owns."""

from __future__ import annotations

from .rules import I_HAVE, JUST, NUMBER, TAIL, rule

_THING = (
    r"(?:car|bike|bicycle|motorcycle|motorbike|scooter|van|truck|boat|sailboat|house|apartment"
    r"|condo"
    r"|laptop|computer|pc|macbook(?: pro| air)?|ipad|tablet|iphone(?: \d+)?|smartphone|phone|camera"
    r"|guitar|piano|violin|cello|ukulele|drum kit|drone|telescope|tent|kayak|e-reader|kindle|tv"
    r"|smartwatch|monitor|smart speaker|treadmill|sewing machine|3d printer|espresso machine"
    r"|air fryer|fish tank|aquarium"
    r"|swimming pool|hot tub|greenhouse|record player|turntable|synthesizer|banjo|saxophone|trumpet"
    r"|flute|clarinet|mandolin|harmonica|coffee maker|coffee machine|slow cooker|pressure cooker"
    r"|instant pot|blender|stand mixer|food processor|dishwasher|washing machine|rice cooker|smoker"
    r"|camper(?: van)?|rv|trailer|fitness tracker|headphones|earbuds|game console|robot vacuum"
    r"|standing desk"
    r"|bookshelf|couch|sofa|armchair|mattress|printer|projector|soundbar|exercise bike"
    r"|rowing machine"
    r"|stationary bike|kettlebells?|dumbbells|snowboard|skateboard|surfboard|skis|golf clubs|canoe"
    r"|paddleboard|binoculars|microscope|hiking boots|running shoes|climbing shoes|sneakers"
    r"|backpack"
    r"|sleeping bag|engagement ring|necklace|leather jacket|typewriter|loom|pottery wheel|easel)"
)
_MAKE = (
    r"(?-i:(?P<head>Fitbit|Canon|Nikon|Fujifilm|GoPro|Garmin|Kindle|Roomba|Dyson|KitchenAid"
    r"|Instant Pot"
    r"|Vitamix|Nespresso|Keurig|Fender|Gibson|Yamaha|Peloton|iPhone|iPad|MacBook|ThinkPad"
    r"|PlayStation"
    r"|Xbox|Nintendo Switch|Apple Watch|AirPods|Chromebook|Sonos|Samsung Galaxy|Google Pixel"
    r"|Surface Pro"
    r"|Dell XPS|Blue Yeti)(?: (?:[A-Z0-9][\w-]*|mini))*)"
    r"(?!(?: [\w-]+)? (?:account|app|subscription|stock|shares|membership|warranty|ad|store)\b)"
)
_TELLING = (
    r"(?:vegetable garden|herb garden|garden|farm|backyard|aquarium|fish tank|community tank"
    r"|greenhouse"
    r"|sailboat|motorcycle|motorbike|rv|piano|guitar|violin|cello|ukulele|telescope|drone|kayak"
    r"|canoe"
    r"|treadmill|3d printer|sewing machine|espresso machine|air fryer|slow cooker|stand mixer"
    r"|turntable"
    r"|record player|smart speaker|smart thermostat|robot vacuum|beehives?"
    r"|hot tub|swimming pool|food truck|camper van)"
)
"""Things that say something of who has them; every second person has a phone."""
_GIFT = (
    r"(?:for (?:christmas|my birthday|graduation|my anniversary|my \d+\w\w birthday)|as a (?:\w+ )?"
    r"(?:gift|present)|from (?:amazon|ikea|costco|target|best buy|my [a-z]+)|on sale)"
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
_GET = (
    rf"(?:{I_HAVE}|we(?:['’]ve| have)?){JUST} (?:bought|purchased|got|ordered|upgraded to"
    rf"|switched to)"
    rf"(?: myself| ourselves)?"
)
_OWN = r"(?:i|we)(?:['’]ve got|(?: (?:currently|also|still|now))* (?:have|own|drive|ride|play on))"
_GONE = rf"{I_HAVE}{JUST} (?:sold|gave away|given away|got rid of|donated|traded in|totaled)"

THINGS = (
    rule(
        "bought purchased got",
        rf"{_GET} (?:an? |the |some )?(?:brand[- ]new |new |used |second-hand |secondhand )"
        rf"(?:pair of |set of )?"
        rf"(?P<thing>(?:[\w’'-]+ ){{0,2}}?(?P<head>{_THING})){_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "bought purchased ordered upgraded switched",
        rf"(?:{I_HAVE}|we(?:['’]ve| have)?){JUST} (?:bought|purchased|ordered|upgraded to"
        rf"|switched to)"
        rf"(?: myself| ourselves)? {_OWNED}{_HAS_TAIL}",
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
        "got received",
        rf"{I_HAVE}{JUST} (?:got|received) {_OWNED},? {_GIFT}\b.*",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "gave got bought",
        rf"my [a-z]+(?: and \w+)?{JUST} (?:gave|got|bought) me {_OWNED}{_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "have own i've i’ve we've we’ve",
        rf"{_OWN} (?P<thing>{NUMBER} (?:[\w-]+ ){{0,2}}?(?P<head>{_THING}s)){_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {thing}."),
    ),
    rule(
        "bought purchased got ordered upgraded switched have own use using received",
        rf"(?:{_GET}|{_OWN}|i(?: \w+)? use|i(?:['’]ve| have)(?: \w+)? been using) (?:an?|my|the)"
        rf" (?:new |used |old )*(?P<thing>{_MAKE}){_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "my",
        rf"\bmy (?:(?:new|current|trusty|own) )*(?P<thing>{_MAKE})",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        is_inside=True,
    ),
    rule(
        "speaker thermostat vacuum beehive beehives tub pool truck van garden farm backyard"
        " aquarium tank greenhouse sailboat motorcycle motorbike rv piano guitar violin cello"
        " ukulele telescope drone kayak canoe treadmill printer machine fryer cooker mixer"
        " turntable player bike",
        rf"\bmy (?:(?:new|current|trusty|own) )*(?P<thing>(?:(?!(?:dream|old|next|first|future"
        rf"|ideal|last"
        rf"|previous|former|new|own|friend)\b)[\w-]+ )?(?P<head>{_TELLING})|(?:mountain|road"
        rf"|touring|gravel|electric"
        rf"|hybrid) (?P<head2>bike))\b(?! (?:club|class|lessons?"
        rf"|shop|teacher|store|ride|practice|skills?|tour|playing|solo|plan|centre|center|party))",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        is_inside=True,
    ),
    rule(
        "collection",
        r"\bmy (?:(?:own|entire|whole|growing|large|small|little|big|huge|current|existing"
        r"|extensive"
        r"|personal|beloved) )*(?P<thing>(?!(?:own|entire|whole|growing|new|old|latest|summer"
        r"|winter|spring"
        r"|fall|first|next|data|garbage|upcoming)\b)[\w’'-]+(?: [\w’'-]+){0,3}?) collection\b",
        ("collection:{thing}", "has", "{who} has a collection of {thing}."),
        is_inside=True,
    ),
    rule(
        "my",
        rf"\bmy (?:(?:new|current|trusty|own) )*(?P<thing>{_CAR})(?!['’\w]| dealer| account)",
        ("has:car", "{thing}", "{who} has {a thing}."),
        is_inside=True,
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
        "sold gave given rid donated traded lost",
        rf"(?:{_GONE}|{I_HAVE}{JUST} lost) my {_OLD}{_MAKE}{_HAS_TAIL}",
        ("has:{head}", "", ""),
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
