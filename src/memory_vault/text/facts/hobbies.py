"""What the user does for pleasure, learns, collects, and volunteers for."""

from __future__ import annotations

from .rules import I_AM, LANGUAGE, ORG, TAIL, rule

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
    r"(?:yoga|pilates|tai chi|karate|judo|taekwondo|jiu[- ]jitsu|crossfit|zumba|martial arts"
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
_OFTEN = r"(?: (?:also|still|usually|often|sometimes|regularly|currently|now|mostly))*"
_I_DO = rf"i{_OFTEN}"
_BEEN = rf"i(?:['’]ve| have)(?: (?:also|recently|just))* been"
_END = (
    r"(?:,? (?:and|but|so|with|for|in|on|at|since|every|once|twice|three|when|whenever|as|because"
    r"|regularly|a lot|a few|too|now|again|these days|lately|competitively|professionally|weekly"
    r"|daily|after|before|most|to)\b.*)?"
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
        rf" (?:at|with|for) (?P<org>{ORG}){TAIL}",
        ("volunteers:{org}", "{org}", "{who} volunteers at {org}."),
    ),
    rule(
        "avid keen",
        rf"{I_AM} an? (?:avid|keen) (?P<thing>reader|runner|hiker|cyclist|gardener|cook|baker"
        rf"|traveler|traveller|birdwatcher|birder|gamer|photographer|swimmer|skier|climber|golfer"
        rf"|knitter|sailor|surfer|camper|angler|collector|moviegoer){_END}",
        ("hobby:{thing}", "is", "{who} is an avid {thing}."),
    ),
)
