"""What the user owns."""

from __future__ import annotations

from .rules import I_HAVE, JUST, NUMBER, ONE_NAME, TAIL, rule

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
_OTHERS = (
    r"(?:wife|husband|partner|spouse|fianc[ée]e?|girlfriend|boyfriend|mother|mom|mum|father|dad"
    r"|parents?"
    r"|brothers?|sisters?|siblings?|cousins?|nieces?|nephews?|aunts?|uncles?|grand\w+|sons?"
    r"|daughters?"
    r"|kids?|child|children|baby|babies|family|friends?|roommates?|boss|teacher|colleagues?"
    r"|coworkers?"
    r"|team|students?|neighbou?rs?|clients?|employees?|dogs?|cats?)"
)
_NOT_MINE = (
    rf"(?!.*\b(?:on order\b|for (?:(?:my|our|a|his|her|their) (?:[\w-]+"
    rf" ){{0,2}}?{_OTHERS}\b(?!['’])"
    rf"|him\b|her\b(?! \w)|them\b|someone|somebody|{ONE_NAME}\b)))"
)
"""What is bought for somebody else, or has not come yet, is not had."""
_HAS_TAIL = _NOT_MINE + (
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
_GONE = (
    rf"{I_HAVE}{JUST} (?:sold|gave away|given away|got rid of|donated"
    r"|traded(?: in)?|totaled|totalled|wrecked)"
)
_PAST = "".join(
    rf"(?<!\b{verb} my)"
    for verb in (
        *(
            "miss",
            "missed",
            "crashed",
            "wrecked",
            "totaled",
            "totalled",
            "traded",
            "sold",
            "selling",
        ),
        *("lost", "returned", "donated"),
    )
)
"""After "my": what comes next is hardly had any more."""
_WAS_LOST = (
    r"(?: (?:was|were|got|has been)(?: just| recently)? (?:stolen|totaled|totalled|wrecked"
    r"|repossessed"
    r"|towed|destroyed|sold)\b)"
)
_IN_A_GAME = (
    r"(?! in (?:(?:stardew|minecraft|animal crossing|the sims|sims|roblox|terraria|skyrim|fortnite"
    r"|hay day|farmville|gta|zelda|my (?:game|dream|story|novel))\b|(?:the|a) (?:game|story|book"
    r"|movie)))"
)
_COLLECTED = (
    r"(?:accessory|action figure|album|antique|art|autograph|bag|ball|beer|bike|blu-ray|book"
    r"|bottle|button"
    r"|camera|candle|car|card|cassette|cd|clock|coin|collectible|comic|cookbook|crystal|dice|doll"
    r"|dress"
    r"|dvd|e-?book|earring|fabric|figure|figurine|film|fossil|funko pop|furniture|game|gem|guitar"
    r"|gun"
    r"|handbag|hat|houseplant|instrument|jewel(?:le)?ry|jersey|knife|lego|lens|lipstick|magazine"
    r"|magnet|makeup"
    r"|manga|map|medal|memorabilia|mineral|minifigure|model|movie|mug|music|nail polish|necklace"
    r"|ornament"
    r"|painting|pen|perfume|photo|pin|plant|plate|plushie|pokemon|pokémon|postcard|poster|print"
    r"|purse"
    r"|puzzle|quilt|record|recipe|rock|scarf|seashell|seed|shell|shoe|snow ?globe|sneaker|spice"
    r"|spoon"
    r"|stamp|star wars|succulent|t-shirt|tarot|tea|teacup|teapot|tie|toy|train|typewriter|vinyl"
    r"|watch"
    r"|whisk(?:e)?y|wine|yarn)"
)
_THEIRS = rf"(?!{_OTHERS}['’]s|\w+['’]s\b)"

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
        rf"\bmy{_PAST} (?:(?:new|current|trusty|own) )*(?P<thing>{_MAKE})(?!{_WAS_LOST})",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        is_inside=True,
    ),
    rule(
        "speaker thermostat vacuum beehive beehives tub pool truck van garden farm backyard"
        " aquarium tank greenhouse sailboat motorcycle motorbike rv piano guitar violin cello"
        " ukulele telescope drone kayak canoe treadmill printer machine fryer cooker mixer"
        " turntable player bike",
        rf"\bmy{_PAST} (?:(?:new|current|trusty|own) )*(?P<thing>(?:(?!(?:dream|old|next|first"
        rf"|future"
        rf"|ideal|last"
        rf"|previous|former|new|own|friend)\b)[\w-]+ )?(?P<head>{_TELLING})|(?:mountain|road"
        rf"|touring|gravel|electric"
        rf"|hybrid) (?P<head2>bike))\b(?! (?:club|class|lessons?"
        rf"|shop|teacher|store|ride|practice|skills?|tour|playing|solo|plan|centre|center|party))"
        rf"(?!{_WAS_LOST}){_IN_A_GAME}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        is_inside=True,
    ),
    rule(
        "collection",
        rf"\bmy (?:(?:own|entire|whole|growing|large|small|little|big|huge|current|existing"
        rf"|extensive"
        rf"|personal|beloved) )*(?P<thing>{_THEIRS}(?!(?:own|entire|whole|growing|new|old|latest"
        rf"|summer"
        rf"|winter|spring"
        rf"|fall|first|next|data|garbage|upcoming)\b)(?:[\w-]+ ){{0,3}}?{_COLLECTED}s?)"
        rf" collection\b{_IN_A_GAME}",
        ("collection:{thing}", "has", "{who} has a collection of {thing}."),
        is_inside=True,
    ),
    rule(
        "my",
        rf"\bmy{_PAST} (?:(?:new|current|trusty|own) )*(?P<thing>{_CAR})(?!['’\w]| dealer| account"
        rf"|{_WAS_LOST})",
        ("has:car", "{thing}", "{who} has {a thing}."),
        is_inside=True,
    ),
    rule(
        "sold gave given rid donated traded totaled totalled wrecked",
        rf"{_GONE} my {_OLD}(?P<head>{_THING}){_HAS_TAIL}",
        ("has:{head}", "", ""),
        time="past",
    ),
    rule(
        "sold gave given rid donated traded totaled totalled wrecked",
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
        "stolen totaled totalled wrecked repossessed destroyed",
        rf"my {_OLD}{_CAR}{_WAS_LOST}{TAIL}",
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
