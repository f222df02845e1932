"""What the user likes, eats, cannot eat, suffers from, and owns."""

from __future__ import annotations

from .rules import DIET, I_AM, I_HAVE, JUST, NAME, NUMBER, TAIL, Rule, rule, things

_ADVERB = (
    r"(?: (?:really|absolutely|also|generally|always|just|do|still|particularly|especially|truly"
    r"|actually|simply))*"
)
_FAN = (
    r"(?:a (?:big |huge |massive )?fan of|into|fond of|passionate about|obsessed with|addicted to"
    r"|hooked on|crazy about|getting (?:really |more )?into)"
)
_LATELY = (
    r"(?:,? (?:lately|recently|these days|right now|now|at the moment|a lot|for (?:about |over |almost"
    r" )?(?:(?:\w+ )?(?:few )?(?:years|months|weeks)|a (?:while|year|month))(?: now)?))?"
)
_VERY = r"(?: (?:really|super|so|very|quite|pretty|totally|also|recently|actually))"
_DOING = (
    r"(?:cook|bake|swim|hike|run|read|paint|draw|sing|dance|travel|knit|sew|crochet|garden|write|camp"
    r"|fish|ski|surf|climb|cycle|bike|walk|jog|sail|work out|meditate|shop|sleep in"
    r"|(?:play|eat|drink|watch|collect|ride|grow|grill) (?!it\b|that\b|them\b|this\b)\w+)"
)
_TASTE_OF = (
    r"(?:tea|coffee|dog|cat|beer|wine|beach|city|outdoors|morning|night|people|numbers|plant|book"
    r"|cocktail|chocolate|dessert|breakfast|winter|summer)"
)
_BEEN = r"(?: (?:a|an|strictly|mostly|now|fully|strict|lifelong|basically|also|mainly))*"
_CONDITION = (
    r"(?:asthma|adhd|epilepsy|arthritis|rheumatoid arthritis|c(?:o)?eliac disease"
    r"|crohn['’]?s(?: disease)?|ibs|migraines|high blood pressure|hypertension|hypothyroidism"
    r"|sleep apnea|insomnia|psoriasis|eczema|dyslexia|ptsd|ocd|bipolar disorder|autism|scoliosis"
    r"|endometriosis|pcos|tinnitus|lupus|multiple sclerosis|an[a]?emia|gout|glaucoma|diabetes"
    r"|depression|anxiety|an anxiety disorder|fibromyalgia|acid reflux|gerd|osteoporosis"
    r"|diverticulitis|(?:chronic )?sinusitis|sciatica|carpal tunnel(?: syndrome)?|plantar fasciitis"
    r"|ulcerative colitis|gastritis|high cholesterol|prediabetes|vertigo|rosacea|tendonitis|hay fever|a heart condition|parkinson['’]?s(?: disease)?|chronic pain)"
)
_THING = (
    r"(?:car|bike|bicycle|motorcycle|motorbike|scooter|van|truck|boat|sailboat|house|apartment"
    r"|condo"
    r"|laptop|computer|pc|macbook(?: pro| air)?|ipad|tablet|iphone(?: \d+)?|smartphone|phone|camera"
    r"|guitar|piano|violin|cello|ukulele|drum kit|drone|telescope|tent|kayak|e-reader|kindle|tv"
    r"|smartwatch|monitor|smart speaker|treadmill|sewing machine|3d printer|espresso machine|air fryer|fish tank|aquarium"
    r"|swimming pool|hot tub|greenhouse|record player|turntable|synthesizer|banjo|saxophone|trumpet"
    r"|flute|clarinet|mandolin|harmonica|coffee maker|coffee machine|slow cooker|pressure cooker"
    r"|instant pot|blender|stand mixer|food processor|dishwasher|washing machine|rice cooker|smoker"
    r"|camper(?: van)?|rv|trailer|fitness tracker|headphones|earbuds|game console|robot vacuum|standing desk"
    r"|bookshelf|couch|sofa|armchair|mattress|printer|projector|soundbar|exercise bike|rowing machine"
    r"|stationary bike|kettlebells?|dumbbells|snowboard|skateboard|surfboard|skis|golf clubs|canoe"
    r"|paddleboard|binoculars|microscope|hiking boots|running shoes|climbing shoes|sneakers|backpack"
    r"|sleeping bag|engagement ring|necklace|leather jacket|typewriter|loom|pottery wheel|easel)"
)
_MAKE = (
    r"(?-i:(?P<head>Fitbit|Canon|Nikon|Fujifilm|GoPro|Garmin|Kindle|Roomba|Dyson|KitchenAid|Instant Pot"
    r"|Vitamix|Nespresso|Keurig|Fender|Gibson|Yamaha|Peloton|iPhone|iPad|MacBook|ThinkPad|PlayStation"
    r"|Xbox|Nintendo Switch|Apple Watch|AirPods|Chromebook|Sonos|Samsung Galaxy|Google Pixel|Surface Pro"
    r"|Dell XPS|Blue Yeti)(?: (?:[A-Z0-9][\w-]*|mini))*)"
    r"(?!(?: [\w-]+)? (?:account|app|subscription|stock|shares|membership|warranty|ad|store)\b)"
)
_TELLING = (
    r"(?:vegetable garden|herb garden|garden|farm|backyard|aquarium|fish tank|community tank|greenhouse"
    r"|sailboat|motorcycle|motorbike|rv|piano|guitar|violin|cello|ukulele|telescope|drone|kayak|canoe"
    r"|treadmill|3d printer|sewing machine|espresso machine|air fryer|slow cooker|stand mixer|turntable"
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
    rf"(?:{I_HAVE}|we(?:['’]ve| have)?){JUST} (?:bought|purchased|got|ordered|upgraded to|switched to)"
    rf"(?: myself| ourselves)?"
)
_OWN = r"(?:i|we)(?:['’]ve got|(?: (?:currently|also|still|now))* (?:have|own|drive|ride|play on))"
_GONE = rf"{I_HAVE}{JUST} (?:sold|gave away|given away|got rid of|donated|traded in|totaled)"

TASTES: tuple[Rule, ...] = (
    rule(
        "love like enjoy adore",
        rf"i{_ADVERB} (?:love|like|enjoy|adore) (?P<thing>.+)",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "loving enjoying always loved liked enjoyed",
        rf"i(?:['’]ve| have){_ADVERB} (?:been{_ADVERB} (?:loving|enjoying)"
        rf"|always (?:loved|liked|enjoyed|been a fan of|been into)) (?P<thing>.+?){_LATELY}",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "into obsessed hooked addicted fan",
        rf"i(?:['’]ve| have){_VERY}* (?:been(?:(?:{_VERY}| getting)+ into|{_VERY}* (?:obsessed with"
        rf"|hooked on|addicted to))|(?:gotten|got)(?:{_VERY}| back)* into) (?P<thing>.+?){_LATELY}",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "always",
        rf"i(?:['’]ve| have){_ADVERB} always been(?:{_VERY})* (?:fascinated (?:by|with)|interested in"
        rf"|drawn to|passionate about|obsessed with) (?P<thing>.+)",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "love like",
        rf"i{_ADVERB} (?:love|like) to (?P<thing>{_DOING}(?: (?:in|at|with|on|outdoors|alone|early"
        rf"|by)\b(?: [\w-]+){{0,3}})?)(?:,? (?:and|but|so|when|because|as|since|too|whenever)\b.*)?",
        ("taste:{thing}", "likes", "{who} likes to {thing}."),
    ),
    rule(
        "enough",
        rf"i(?: just| really)? (?:can['’]?t|cannot) get enough(?: of)? (?P<thing>.+?){_LATELY}",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "person",
        rf"{I_AM} (?:more of )?an? (?:big |huge |total |real )*(?P<thing>{_TASTE_OF}) person"
        rf"(?:,? (?:and|but|so|myself|than|by)\b.*)?",
        ("taste:{thing}", "likes", "{who} is {a thing} person."),
    ),
    rule(
        "person",
        rf"{I_AM} not(?: really| much of| exactly)* an? (?P<thing>{_TASTE_OF}) person"
        rf"(?:,? (?:and|but|so|myself|by)\b.*)?",
        ("taste:{thing}", "dislikes", "{who} is not {a thing} person."),
        is_denial=True,
    ),
    rule(
        "lover enthusiast buff addict fanatic aficionado junkie",
        rf"{I_AM} (?:such )?an? (?:(?:big|huge|total|real|true|lifelong) )*(?P<thing>(?!(?:avid|great|fellow"
        rf"|new|good|former|big|huge)\b)[\w-]+(?: [\w-]+)?) (?:lover|enthusiast|buff|addict|fanatic"
        rf"|aficionado|junkie)(?:,? (?:and|but|so|myself|by|who|since)\b.*)?",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
    ),
    rule(
        "fave faves favorite favourite favorites favourites",
        r"(?P<thing>[\w’' -]{2,40}?) (?:is|are)(?: definitely| always)? (?:one of )?my (?:all[- ]time )?"
        r"(?:faves?|favou?rites?)(?:,? (?:and|but|so|because)\b.*)?",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "thing cup",
        r"(?P<thing>[\w’' -]{2,40}?) (?:is not|are not|isn['’]t|aren['’]t)(?: really| exactly)? my"
        r" (?:thing|cup of tea)",
        ("taste:{thing}", "dislikes", "{who} dislikes {thing}."),
        is_denial=True,
        many=("thing", things),
    ),
    rule(
        "always hated disliked",
        rf"i(?:['’]ve| have){_ADVERB} always (?:hated|disliked) (?P<thing>.+)",
        ("taste:{thing}", "dislikes", "{who} dislikes {thing}."),
        many=("thing", things),
    ),
    rule(
        "fan into fond passionate obsessed addicted hooked crazy",
        rf"{I_AM}(?: (?:really|very|so|quite))* {_FAN} (?P<thing>.+?){_LATELY}",
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

_FAVOURITE = (
    rule(
        "one",
        r"one of my(?: all[- ]time)? favou?rite (?P<topic>[a-z][\w-]*(?: (?!is\b|are\b|to\b|in\b|for\b"
        r"|about\b)[\w-]+)?) (?:is|has always been) (?P<value>(?!(?:the|this|that|to|when|how|what|it|also"
        r"|definitely|a|an|in|on|at|my|your)\b)[^,:()]{1,50}?)(?:,? (?:because|since|but|though|by)\b.*|, .*)?",
        ("favourite {topic}:{value}", "{value}", "One of {who}'s favourite {topic} is {value}."),
    ),
    rule(
        "favourite favorite",
        r"(?P<value>(?!one\b)[\w’'. -]{2,40}?) (?:is|are)(?: definitely| probably| still)?"
        r" my(?: all[- ]time| absolute)? favou?rite (?P<topic>(?!(?:part|thing|things|one|ones|bit|aspect"
        r"|way|so|of|and|but|right|for|to|from)\b)[a-z][\w-]*(?: (?!(?:and|but|so|because|of|in|from|for|to"
        r"|right|by)\b)[\w-]+)?)(?:,? (?:and|but|so|because|of all time|ever|by far|right now)\b.*)?",
        ("favourite {topic}", "{value}", "{who}'s favourite {topic} is {value}."),
        many=("value", things),
    ),
)
TASTES += _FAVOURITE

HEALTH = (
    rule(
        "am i'm i’m",
        rf"{I_AM}{_BEEN} {DIET}(?:,? (?:and|but|so|now|since|for|because)\b.*)?",
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
        rf"\bmy (?P<what>(?:(?:type [12]|chronic|severe|mild|seasonal) )?(?!(?:anxiety|depression|insomnia"
        rf"|acid reflux|an?)\b){_CONDITION})\b(?! about)",
        ("condition:{what}", "yes", "{who} has {what}."),
        is_inside=True,
    ),
    rule(
        "allergy intolerance",
        r"\bmy (?P<thing>(?!(?:food|seasonal|severe|bad|new|own|mild|known|other)\b)[\w-]+) (?:allergy"
        r"|intolerance)\b",
        ("allergy:{thing}", "allergic", "{who} is allergic to {thing}."),
        is_inside=True,
    ),
    rule(
        "quit gave given stopped",
        rf"{I_HAVE}{JUST} (?:quit|gave up|given up|stopped)(?: eating| drinking)? (?P<thing>smoking|drinking"
        rf"|vaping|alcohol|caffeine|coffee|sugar|meat|red meat|dairy|gluten|soda|bread|carbs|cigarettes"
        rf"|chocolate|fast food|junk food){TAIL}",
        ("avoids:{thing}", "quit", "{who} gave up {thing}."),
        time="past",
    ),
    rule(
        "drink",
        r"i (?:don['’]t|do not|never) (?P<verb>drink)(?:,? (?:and|but|so|or|any ?more)\b.*)?",
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
        rf"{I_AM}(?: (?:very|highly|also))* (?:intolerant|sensitive) to (?P<thing>lactose|gluten|dairy|eggs?"
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
        rf"(?:i (?:also |still )?have|i suffer from|i(?:['’]ve| have) (?:got|had)|i(?:['’]ve| have) been"
        rf"(?: recently| just)? (?:diagnosed|struggling|dealing|living) with|i was(?: recently| just)? diagnosed with) "
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
        rf"{_GET} (?:an? |the |some )?(?:brand[- ]new |new |used |second-hand |secondhand )"
        rf"(?:pair of |set of )?"
        rf"(?P<thing>(?:[\w’'-]+ ){{0,2}}?(?P<head>{_THING})){_HAS_TAIL}",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        time="past",
    ),
    rule(
        "bought purchased ordered upgraded switched",
        rf"(?:{I_HAVE}|we(?:['’]ve| have)?){JUST} (?:bought|purchased|ordered|upgraded to|switched to)"
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
        "speaker thermostat vacuum beehive beehives tub pool truck van garden farm backyard aquarium tank greenhouse sailboat motorcycle motorbike rv piano guitar"
        " violin cello ukulele telescope drone kayak canoe treadmill printer machine fryer cooker mixer"
        " turntable player bike",
        rf"\bmy (?:(?:new|current|trusty|own) )*(?P<thing>(?:(?!(?:dream|old|next|first|future|ideal|last"
        rf"|previous|former|new|own|friend)\b)[\w-]+ )?(?P<head>{_TELLING})|(?:mountain|road|touring|gravel|electric"
        rf"|hybrid) (?P<head2>bike))\b(?! (?:club|class|lessons?"
        rf"|shop|teacher|store|ride|practice|skills?|tour|playing|solo|plan|centre|center|party))",
        ("has:{head}", "{thing}", "{who} has {a thing}."),
        is_inside=True,
    ),
    rule(
        "collection",
        r"\bmy (?:(?:own|entire|whole|growing|large|small|little|big|huge|current|existing|extensive"
        r"|personal|beloved) )*(?P<thing>(?!(?:own|entire|whole|growing|new|old|latest|summer|winter|spring"
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
