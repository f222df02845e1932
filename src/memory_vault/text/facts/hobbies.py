"""What the user does for pleasure, learns, collects, and volunteers for."""

from __future__ import annotations

from .rules import I_AM, LANGUAGE, ORG, TAIL, rule, things

_INSTRUMENT = (
    r"(?:(?:electric |acoustic |classical |bass )?(?:guitar|piano|violin|cello|ukulele|drums|bass"
    r"|flute|clarinet|saxophone|trumpet|trombone|harmonica|banjo|mandolin|harp|accordion|viola"
    r"|oboe|keyboard))"
)
_SPORT = (
    r"(?:tennis|golf|chess|soccer|football|basketball|baseball|volleyball|badminton|hockey|cricket"
    r"|rugby|squash|table tennis|ping pong|pickleball|softball|lacrosse|water polo|poker|bridge"
    r"|frisbee|ultimate frisbee|dungeons (?:and|&) dragons|d&d|paintball|darts|pool)"
)
_PRACTICE = (
    r"(?:(?:(?:aerial|hot|vinyasa|power|chair|morning|prenatal) )?yoga|pilates|tai chi|karate"
    r"|judo|taekwondo|jiu[- ]jitsu|crossfit|zumba|martial arts"
    r"|ballet|calligraphy|meditation|kickboxing|boxing|gymnastics|archery|pottery|origami"
    r"|embroidery|woodworking)"
)
_COLLECTED = (
    r"(?:(?:old|vintage|antique|rare|foreign|vinyl|action|comic|baseball|sports|pok[ée]mon|trading"
    r"|tarot|model|toy|enamel|fountain|first-edition) )*(?:stamps|coins|vinyls?|records|postcards"
    r"|comics|books|figures|figurines|sneakers|watches|cards|trains|cars|pins|pens|maps|cameras"
    r"|typewriters|teapots|mugs|magnets|shells|seashells|rocks|minerals|crystals|fossils"
    r"|instruments|dolls|antiques)"
)
_MOVING = (
    r"(?:running|jogging|cycling|swimming|hiking|climbing|rock climbing|bouldering|surfing|skiing"
    r"|snowboarding|painting|drawing|knitting|crocheting|gardening|baking|dancing|journaling"
    r"|meditating"
    r"|birdwatching|bird watching|kayaking|sailing|weightlifting|lifting weights|embroidering"
    r"|sewing)"
)
_CHARITY = (
    r"(?:an?|the|our|my)(?: local)? (?:[\w-]+ ){0,2}?(?:shelter|food bank|soup kitchen|library"
    r"|hospital"
    r"|museum|school|church|nursing home|community cent(?:er|re)|charity|zoo|animal rescue)"
)
_OFTEN = r"(?: (?:also|still|usually|often|sometimes|regularly|currently|now|mostly))*"
_I_DO = rf"i{_OFTEN}"
_BEEN = r"i(?:['’]ve| have)(?: (?:also|recently|just))* been"
_END = (
    r"(?:,? (?:and|but|so|with|for|in|on|at|since|every|once|twice|three|when|whenever|as|because"
    r"|regularly|a lot|a few|too|now|again|these days|lately|competitively|professionally|weekly"
    r"|daily|after|before|most|to|last|this|earlier)\b.*)?"
)

HOBBIES = (
    rule(
        "play playing",
        rf"(?:{_I_DO} play|{_BEEN} playing)(?: the)? (?P<thing>{_INSTRUMENT}|{_SPORT}){_END}",
        ("hobby:{thing}", "plays", "{who} plays {thing}."),
    ),
    rule(
        "learning",
        rf"(?:{I_AM}|{_BEEN}) learning (?:how )?(?:to play )?(?:the )?(?P<thing>{_INSTRUMENT})"
        rf"{_END}",
        ("hobby:{thing}", "learns", "{who} is learning to play {thing}."),
    ),
    rule(
        "learning studying",
        rf"(?:{I_AM}|{_BEEN}) (?:learning|studying)(?: to speak)? (?P<language>(?-i:{LANGUAGE}))"
        rf"(?: language)?{_END}",
        ("learning:{language}", "{language}", "{who} is learning {language}."),
    ),
    rule(
        "do doing practice practise practicing practising",
        rf"(?:{_I_DO} (?:do|practi[cs]e)|{_BEEN} (?:doing|practi[cs]ing)(?: some)?) "
        rf"(?P<thing>{_PRACTICE}){_END}",
        ("hobby:{thing}", "does", "{who} does {thing}."),
    ),
    rule(
        "collect collecting",
        rf"(?:{_I_DO} collect|{_BEEN} collecting) (?P<thing>{_COLLECTED}){_END}",
        ("hobby:{thing}", "collects", "{who} collects {thing}."),
    ),
    rule(
        "volunteer volunteering",
        rf"(?:{_I_DO} volunteer|{_BEEN} volunteering|{I_AM} a volunteer)"
        rf" (?:at|with|for) (?P<org>{ORG}|{_CHARITY}){TAIL}",
        ("volunteers:{org}", "{org}", "{who} volunteers at {org}."),
    ),
    rule(
        "class classes lessons",
        rf"(?:{I_AM}|{_BEEN}|i(?:['’]ve)?(?: (?:just|recently))* (?:started|been)|i(?: also)?) "
        rf"(?:taking|take"
        rf"|have|attending)(?: an?| some)?(?: weekly| online| beginner['’]?s?)* (?P<thing>(?!"
        rf"(?:my|the|this"
        rf"|that|your|more|these|first|new|next|math|history|science|business)\b)[a-z][\w-]*(?: "
        rf"(?!(?:in|at|with|for|of|a)\b)[\w-]+)?)"
        rf" (?:class|classes|lessons){_END}",
        ("hobby:{thing}", "classes", "{who} takes {thing} classes."),
    ),
    rule(
        "been",
        rf"{_BEEN} (?P<thing>{_MOVING})(?: (?:(?:a lot|lots|more|longer)\b(?! of)|for (?!work\b)"
        rf"|since"
        rf"|every"
        rf"|regularly|lately|recently|again|on (?:weekends|\w+days)).*|,? lately|,? recently)",
        ("hobby:{thing}", "does", "{who} has been {thing}."),
    ),
    rule(
        "started took taken began begun",
        rf"i(?:['’]ve| have)?(?: (?:just|recently|finally|also))* (?:started|took up|taken up"
        rf"|began|begun)"
        rf"(?: (?:doing|practi[cs]ing|playing|learning|taking up))?(?: the)? (?P<thing>{_PRACTICE}"
        rf"|{_INSTRUMENT}|{_SPORT}|{_MOVING}){_END}",
        ("hobby:{thing}", "does", "{who} has started {thing}."),
        time="past",
    ),
    rule(
        "lot lots",
        rf"{_BEEN} (?P<verb>watching|reading|listening to|playing|eating|drinking|making|cooking"
        rf"|baking)"
        rf" (?:a lot of|lots of) (?P<thing>.+?)(?:,? (?:lately|recently|these days|on|in|during"
        rf"|while|with"
        rf"|at|for)\b.*)?",
        ("habit:{verb} {thing}", "often", "{who} has been {verb} a lot of {thing}."),
        many=("thing", things),
    ),
    rule(
        "have own i've i’ve got",
        r"i(?:['’]ve got|(?: also| already| currently)? (?:have|own)) (?P<thing>(?:about |over "
        r"|around )?"
        r"\d{1,4} (?:[\w’'-]+ ){0,4}?(?P<head>stamps|coins|vinyls|records|postcards|comics|figures"
        r"|figurines|sneakers|watches|cameras|typewriters|teapots|dolls|houseplants|plants"
        r"|succulents"
        r"|chickens|hens|goats|horses|beehives))(?:,? (?:and|but|so|from|in|including|with|at"
        r"|that)\b.*)?",
        ("has:{head}", "{thing}", "{who} has {thing}."),
    ),
    rule(
        "avid keen",
        rf"{I_AM} an? (?:avid|keen) (?P<thing>reader|runner|hiker|cyclist|gardener|cook|baker"
        rf"|traveler|traveller|birdwatcher|birder|gamer|photographer|swimmer|skier|climber|golfer"
        rf"|knitter|sailor|surfer|camper|angler|collector|moviegoer){_END}",
        ("hobby:{thing}", "is", "{who} is an avid {thing}."),
    ),
)
