"""Where the user lives and lived, works, studies, and is going."""

from __future__ import annotations

from .rules import I_AM, I_HAVE, JUST, ORG, PLACE, TAIL, rule

_DWELLING = (
    r"(?:an? (?:[\w-]+ ){0,3}?(?:apartment|flat|house|studio|condo|room|loft|place|suburb|town|city"
    r"|village|neighbou?rhood|area) (?:in|near|outside(?: of)?|called) )?"
)
_SINCE = (
    r"(?:since\b.*|for (?:about |over |almost |nearly |the (?:past|last) |more than )*"
    r"(?:\w+ )?(?:years?|months?|decades?|weeks)\b.*|all my life\b.*|my (?:whole|entire) life\b.*)"
)
_WE = r"(?:i|we|my \w+ and i|me and my \w+)"

PLACES = (
    rule(
        "live reside",
        rf"i (?:(?:currently|now|still|actually|only|also|do) )*(?:live|reside)"
        rf"(?: (?:alone|happily|here|right here|over here|with my [\w ]{{2,20}}))? in {_DWELLING}"
        rf"(?P<place>{PLACE})(?! temporarily){TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
    ),
    rule(
        "living based located residing",
        rf"{I_AM} (?:living|based|located|residing)(?: here)?(?: out)? (?:in|out of) {_DWELLING}"
        rf"(?P<place>{PLACE})(?:(?! temporarily| for (?:a|the|two|three)\b| until){TAIL})",
        ("home", "{place}", "{who} lives in {place}."),
    ),
    rule(
        "lived living",
        rf"i(?:['’]ve| have) (?:been living|lived) (?:here )?in (?P<place>{PLACE}) {_SINCE}",
        ("home", "{place}", "{who} lives in {place}."),
        time="past",
    ),
    rule(
        "moved relocated",
        rf"{_WE}(?:['’]ve| have)?{JUST} (?:moved|relocated)"
        rf"(?: (?:back|here|over|out|down|up|house|with my \w+))*(?: from (?P<old>{PLACE}))?"
        rf" to {_DWELLING}"
        rf"(?P<place>{PLACE})(?: from (?P<old2>{PLACE}))?{TAIL}",
        ("home", "{place}", "{who} lives in {place}."),
        ("past home:{old}", "{old}", "{who} used to live in {old}."),
        time="past",
    ),
    rule(
        "up raised",
        rf"i (?:grew up|was raised|was brought up) in {_DWELLING}(?P<place>{PLACE}){TAIL}",
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
        rf"{I_AM} from (?P<place>{PLACE})(?:,? (?:and|but|so|originally|by the way)\b.*)?",
        ("from", "{place}", "{who} is from {place}."),
    ),
    rule(
        "hometown",
        rf"my home ?town is (?P<place>{PLACE}){TAIL}",
        ("from", "{place}", "{who} is from {place}."),
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

_WORKER = (
    r"(?:\w*(?:engineer|developer|programmer|designer|manager|director|teacher|nurse|doctor|lawyer"
    r"|attorney|accountant|analyst|scientist|researcher|consultant|architect|journalist"
    r"|photographer|chef|baker|barista|waiter|waitress|pilot|mechanic|electrician|plumber"
    r"|carpenter|farmer|librarian|professor|lecturer|therapist|psychologist|counsell?or|dentist"
    r"|pharmacist|veterinarian|paramedic|firefighter|translator|interpreter|technician"
    r"|administrator"
    r"|secretary|receptionist|cashier|realtor|banker|economist|biologist|chemist|physicist"
    r"|mathematician|statistician|geologist|historian|coordinator|specialist|strategist|marketer"
    r"|recruiter|freelancer|entrepreneur|surgeon|physician|pediatrician|midwife|paralegal"
    r"|bartender|hairdresser|stylist|barber|superintendent|auditor|surveyor|contractor"
    r"|caregiver|nanny|homemaker|editor|writer|author|artist|musician|actor|actress|instructor)"
    r"|(?:bus|truck|taxi|delivery|uber) driver|(?:product|business) owner|social worker"
    r"|(?:fitness|personal|life|yoga) (?:trainer|coach|teacher)|stay-at-home (?:mom|mum|dad|parent)"
    r"|(?:police|loan|security|compliance|army|navy) officer|real estate agent|travel agent"
    r"|(?:executive|research|teaching|legal|medical|administrative) assistant)"
)
_NOT_WORK = (
    r"(?!(?:[\w-]+ ){0,3}?(?:good|great|bad|terrible|slow|fast|huge|big|beginner|aspiring|former|ex"
    r"|retired|hobby|amateur|home|better|natural|future|wannabe|budding|novice|would-be|lousy"
    r"|decent|poor|part of)\b)"
)
_JOB = rf"(?P<job>{_NOT_WORK}(?:[\w/&’'-]+ ){{0,4}}?{_WORKER})"
_ANY_JOB = r"(?P<job>(?!(?:well|much|part|usual|follows|if|is)\b)[\w/&’'-]+(?: [\w/&’'-]+){0,3}?)"
_AT = rf"(?: (?:at|for|with) (?P<org>{ORG}))"
_MORE = (
    r"(?:,? (?:and|but|so|in|at|for|by|with|on|since|who|which|specializing|working|from|based|near"
    r"|because|now|these days|full-time|part-time|currently|there|here|last|this|a|two|three)\b.*)?"
)
_FIELD = (
    r"(?:marketing|finance|sales|hr|human resources|it|tech|software|healthcare|education|retail"
    r"|hospitality|construction|real estate|insurance|banking|advertising|logistics|publishing"
    r"|consulting|accounting|law|journalism|customer service|cybersecurity|data science|biotech"
    r"|fashion|film|tourism|agriculture|manufacturing|engineering|design|public health|academia)"
)
_STUDY = (
    r"(?P<field>(?!(?:for|the|a|an|this|that|these|my|how|what|abroad|hard|every|at|in|to|on|about"
    r"|all|and|some|more|it|from|online|with|together|very|really|so|up)\b)"
    r"[\w&’'-]+(?: (?!(?:at|in|for|on|and|but|with|to|so|right|now|this|last|because|since)\b)"
    r"[\w&’'-]+){0,3})"
)

WORK = (
    rule(
        "am i'm i’m",
        rf"{I_AM} an? {_JOB}{_AT}?{_MORE}",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "work working employed",
        rf"(?:i (?:(?:currently|now|still|also|actually) )*work|{I_AM} (?:working|employed))"
        rf" as an? {_ANY_JOB}(?:{_AT}{_MORE}|{_MORE})",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "work working employed",
        rf"(?:i (?:(?:currently|now|still|also|actually) )*work|{I_AM} (?:working|employed))"
        rf" (?:at|for|by) (?P<org>{ORG})(?: as an? {_ANY_JOB})?{_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
        ("job", "{job}", "{who} works as {a job}."),
    ),
    rule(
        "worked working",
        rf"i(?:['’]ve| have) (?:been working|worked) (?:at|for) (?P<org>{ORG}) {_SINCE}",
        ("employer", "{org}", "{who} works at {org}."),
        time="past",
    ),
    rule(
        "work working",
        rf"(?:i (?:(?:currently|now|also) )*work|{I_AM} working) in (?:the )?(?P<field>{_FIELD})"
        rf"(?: (?:industry|sector|field|department))?(?:,? (?:and|but|so|at|for|as)\b.*)?",
        ("field of work", "{field}", "{who} works in {field}."),
    ),
    rule(
        "started began joined got landed accepted took job position role",
        rf"{I_HAVE}{JUST} (?:(?:started|began) (?:working|a new job|my new job|a job|a new position"
        rf"|a new role|my new role|my new position)|(?:got|landed|accepted|took) (?:a|my|the)"
        rf" (?:new )?"
        rf"(?:job|position|role)|got hired)(?: as an? (?P<job>(?:[\w/&’'-]+ ){{0,3}}?{_WORKER}))?"
        rf"{_AT}?{_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
        ("job", "{job}", "{who} works as {a job}."),
        time="past",
    ),
    rule(
        "joined",
        rf"{I_HAVE}{JUST} joined (?P<org>{ORG}) as an? (?P<job>(?:[\w/&’'-]+"
        rf" ){{0,3}}?{_WORKER}){_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
        ("job", "{job}", "{who} works as {a job}."),
        time="past",
    ),
    rule(
        "promoted",
        rf"{I_HAVE}{JUST} (?:got|was|been)(?: just| recently)? promoted to (?:an? )?"
        rf"(?P<job>(?:[\w/&’'-]+ ){{0,3}}?{_WORKER}){_MORE}",
        ("job", "{job}", "{who} works as {a job}."),
        time="past",
    ),
    rule(
        "employer company",
        rf"my (?:new |current )?(?:employer|company) is (?:called )?(?P<org>{ORG}){_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "company employer",
        rf"\bmy (?:new |current )?(?:company|employer), (?P<org>{ORG}(?: Inc\.)?),",
        ("employer", "{org}", "{who} works at {org}."),
        is_inside=True,
    ),
    rule(
        "industry",
        rf"{I_AM} in the (?P<field>[a-z]+(?: [a-z]+)?) (?:industry|business|field)"
        rf"(?:,? (?:and|but|so|for)\b.*)?",
        ("field of work", "{field}", "{who} works in {field}."),
    ),
    rule(
        "retired",
        rf"(?:{I_AM} retired|{I_HAVE}{JUST} retired){_MORE}",
        ("job", "retired", "{who} is retired."),
        ("employer", "", ""),
        time="past",
    ),
    rule(
        "quit left resigned lost",
        rf"{I_HAVE}{JUST} (?:quit|left|resigned from|lost) my (?:old |current |last |\w+ )?"
        rf"(?:job|position|role)(?: as an? [\w ]{{2,40}}?)?(?: (?:at|with) (?P<org>{ORG}))?{_MORE}",
        ("employer", "{org|}", ""),
        ("job", "", ""),
        time="past",
    ),
    rule(
        "laid fired let",
        rf"{I_HAVE}{JUST} (?:got|was|were|been)(?: just| recently)? (?:laid off|fired|let go)"
        rf"(?: (?:from|by) (?P<org>{ORG}))?{_MORE}",
        ("employer", "{org|}", ""),
        ("job", "", ""),
        time="past",
    ),
    rule(
        "longer more anymore stopped",
        rf"(?:i no longer work|i (?:don['’]t|do not) work(?=.* any ?more)|i{JUST} stopped working) "
        rf"(?:at|for) (?P<org>{ORG})(?: any ?more)?{_MORE}",
        ("employer", "{org}", ""),
        ("job", "", ""),
        is_denial=True,
    ),
    rule(
        "used",
        rf"i used to work (?:at|for) (?P<org>{ORG}){_MORE}",
        ("past employer:{org}", "{org}", "{who} used to work at {org}."),
        ("employer", "{org}", ""),
        is_denial=True,
    ),
    rule(
        "used",
        rf"i used to (?:work as|be) an? {_JOB}{_MORE}",
        ("past job:{job}", "{job}", "{who} used to work as {a job}."),
        ("job", "{job}", ""),
        is_denial=True,
    ),
    rule(
        "study studying majoring",
        rf"(?:i (?:(?:currently|now|also) )*study|{I_AM} (?:studying|majoring in|doing a degree in"
        rf"|doing a phd in|doing my phd in)) {_STUDY}(?: (?:at|in) (?P<org>{ORG}))?"
        rf"(?:,? (?:and|but|so|right now|because|as|with|this|full-time|part-time)\b.*)?",
        ("studies", "{field}", "{who} studies {field}."),
        ("school", "{org}", "{who} studies at {org}."),
    ),
    rule(
        "student",
        rf"{I_AM} an? (?P<kind>(?:[\w-]+ ){{0,4}}?student)(?: (?:at|in) (?P<org>{ORG}))?{_MORE}",
        ("student", "{kind}", "{who} is {a kind}."),
        ("school", "{org}", "{who} studies at {org}."),
    ),
    rule(
        "graduated",
        rf"{I_HAVE}{JUST} graduated(?: with an? [\w’' ]{{2,60}}?)? from (?P<org>{ORG})"
        rf"(?: exactly| about| just)?{TAIL}",
        ("graduated:{org}", "{org}", "{who} graduated from {org}."),
        ("school", "{org}", ""),
        time="past",
    ),
    rule(
        "degree bachelor's bachelor’s master's master’s phd mba",
        rf"i(?:['’]ve got| have) an? (?P<degree>(?:bachelor['’]s|master['’]s|phd|doctorate|mba"
        rf"|associate['’]s|college|university)?(?: ?degree)?) in (?P<field>[\w&’'-]+(?:"
        rf" [\w&’'-]+){{0,3}}?)"
        rf"(?: from (?P<org>{ORG}))?(?:,? (?:and|but|so|with|which)\b.*)?",
        ("degree:{field}", "{degree}", "{who} has a {degree} in {field}."),
        ("graduated:{org}", "{org}", "{who} graduated from {org}."),
    ),
    rule(
        "dropped",
        rf"{I_HAVE}{JUST} dropped out of (?P<org>{ORG}|college|university|school|grad"
        rf" school){TAIL}",
        ("school", "", ""),
        ("studies", "", ""),
        ("student", "", ""),
        time="past",
    ),
)

PLANS = (
    rule(
        "flying traveling travelling moving going",
        rf"{I_AM} (?P<verb>flying|travell?ing|moving|going) (?:back )?to (?P<place>{PLACE}) .*",
        ("plan:{verb} to {place}", "{day}", "{who} plans on {verb} to {place} on {day}."),
        time="future",
        is_denial=True,
    ),
    rule(
        "cancelled canceled",
        rf"{I_HAVE}{JUST} cancell?ed my (?:trip|flight|journey|vacation|holiday) to"
        rf" (?P<place>{PLACE}){TAIL}",
        ("plan:flying to {place}", "", ""),
        ("plan:going to {place}", "", ""),
        ("plan:traveling to {place}", "", ""),
        ("plan:travelling to {place}", "", ""),
    ),
)
