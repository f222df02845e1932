"""What the user likes and dislikes."""

from __future__ import annotations

from .rules import I_AM, NAME, Rule, rule, things

_ADVERB = (
    r"(?: (?:really|absolutely|also|generally|always|just|do|still|particularly|especially|truly"
    r"|actually|simply))*"
)
_FAN = (
    r"(?:a (?:big |huge |massive )?fan of|into|fond of|passionate about|obsessed with|addicted to"
    r"|hooked on|crazy about|getting (?:really |more )?into)"
)
_LATELY = (
    r"(?:,? (?:lately|recently|these days|right now|now|at the moment|a lot|for (?:about |over "
    r"|almost"
    r" )?(?:(?:\w+ )?(?:few )?(?:years|months|weeks)|a (?:while|year|month))(?: now)?))?"
)
_VERY = r"(?: (?:really|super|so|very|quite|pretty|totally|also|recently|actually))"
_DOING = (
    r"(?:cook|bake|swim|hike|run|read|paint|draw|sing|dance|travel|knit|sew|crochet|garden|write"
    r"|camp"
    r"|fish|ski|surf|climb|cycle|bike|walk|jog|sail|work out|meditate|shop|sleep in"
    r"|(?:play|eat|drink|watch|collect|ride|grow|grill) (?!it\b|that\b|them\b|this\b)\w+)"
)
_TASTE_OF = (
    r"(?:tea|coffee|dog|cat|beer|wine|beach|city|outdoors|morning|night|people|numbers|plant|book"
    r"|cocktail|chocolate|dessert|breakfast|winter|summer)"
)
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
        rf"i(?:['’]ve| have){_ADVERB} always been(?:{_VERY})* (?:fascinated (?:by|with)"
        rf"|interested in"
        rf"|drawn to|passionate about|obsessed with) (?P<thing>.+)",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
        many=("thing", things),
    ),
    rule(
        "love like",
        rf"i{_ADVERB} (?:love|like) to (?P<thing>{_DOING}(?: (?:in|at|with|on|outdoors|alone|early"
        rf"|by)\b(?: [\w-]+){{0,3}})?)(?:,? (?:and|but|so|when|because|as|since|too"
        rf"|whenever)\b.*)?",
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
        rf"{I_AM} (?:such )?an? (?:(?:big|huge|total|real|true|lifelong) )*(?P<thing>(?!(?:avid"
        rf"|great|fellow"
        rf"|new|good|former|big|huge)\b)[\w-]+(?: [\w-]+)?) (?:lover|enthusiast|buff|addict|fanatic"
        rf"|aficionado|junkie)(?:,? (?:and|but|so|myself|by|who|since)\b.*)?",
        ("taste:{thing}", "likes", "{who} likes {thing}."),
    ),
    rule(
        "fave faves favorite favourite favorites favourites",
        r"(?P<thing>[\w’' -]{2,40}?) (?:is|are)(?: definitely| always)? (?:one of )?my "
        r"(?:all[- ]time )?"
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
        r"|at)\b)[\w-]+){0,3}?) (?:is|are) (?:(?:now|currently) )?(?!(?:now|currently|the (?:one"
        r"|same|first|second"
        r"|third|last|former|latter|other)|this|that|these|those|it|its|one|here|there|still|always"
        r"|also|something|anything|everything|what|how|why|getting|changing|hard|difficult|so|too"
        r"|very|really|coming|playing|on|in|at|when|definitely|probably|\w+ed by)\b)"
        r"(?P<value>[^,:()]{1,60}?)(?:,? (?:because|since|but|though|as|by far|so"
        r"|(?-i:what|which|how|help|please|can you|could you|do you|now|right now|these days))\b.*"
        r"|, .*)?",
        ("favourite {topic}", "{value}", "{who}'s favourite {topic} is {value}."),
    ),
)

_FAVOURITE = (
    rule(
        "one",
        r"one of my(?: all[- ]time)? favou?rite (?P<topic>[a-z][\w-]*(?: (?!is\b|are\b|to\b|in\b"
        r"|for\b"
        r"|about\b)[\w-]+)?) (?:is|has always been) (?P<value>(?!(?:the|this|that|to|when|how"
        r"|what|it|also"
        r"|definitely|a|an|in|on|at|my|your)\b)[^,:()]{1,50}?)(?:,? (?:because|since|but|though"
        r"|by)\b.*|, .*)?",
        ("favourite {topic}:{value}", "{value}", "One of {who}'s favourite {topic} is {value}."),
    ),
    rule(
        "favourite favorite",
        r"(?P<value>(?!one\b)[\w’'. -]{2,40}?) (?:is|are)(?: definitely| probably| still)?"
        r" my(?: all[- ]time| absolute)? favou?rite (?P<topic>(?!(?:part|thing|things|one|ones"
        r"|bit|aspect"
        r"|way|so|of|and|but|right|for|to|from)\b)[a-z][\w-]*(?: (?!(?:and|but|so|because|of|in"
        r"|from|for|to"
        r"|right|by)\b)[\w-]+)?)(?:,? (?:and|but|so|because|of all time|ever|by far"
        r"|right now)\b.*)?",
        ("favourite {topic}", "{value}", "{who}'s favourite {topic} is {value}."),
        many=("value", things),
    ),
)
TASTES += _FAVOURITE
