"""What the user works as, where, and what the user studies."""

from __future__ import annotations

from .rules import I_AM, I_HAVE, JUST, ORG, PLACE, SINCE, TAIL, rule

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
    r"|caregiver|nanny|homemaker|editor|writer|author|artist|musician|actor|actress|instructor"
    r"|illustrator|animator|investigator|planner|advisor|adviser|executive|representative|producer"
    r"|butcher|tailor|welder|landscaper|esthetician|nutritionist|dietitian|radiologist|optometrist)"
    r"|(?:bus|truck|taxi|delivery|uber) driver|(?:product|business) owner|social worker"
    r"|(?:fitness|personal|life|yoga) (?:trainer|coach|teacher)|stay-at-home (?:mom|mum|dad|parent)"
    r"|(?:police|loan|security|compliance|army|navy) officer|real estate agent|travel agent"
    r"|(?:executive|research|teaching|legal|medical|administrative) assistant)"
)
_NOT_WORK = (
    r"(?!(?:[\w-]+ ){0,3}?(?:good|great|bad|terrible|slow|fast|huge|big|beginner|aspiring|former|ex"
    r"|retired|hobby|amateur|home|better|natural|future|wannabe|budding|novice|would-be|lousy"
    r"|decent|poor|part of|excellent|amazing|wonderful|fantastic|terrific|skilled|talented|avid"
    r"|keen"
    r"|incredible|horrible|awful|average|lifelong|true|real)\b)"
)
_NO_MODIFIER = (
    r"(?!(?:of|for|to|the|this|that|these|those|my|your|our|his|her|their|a|an|or|but|in|on|at"
    r"|from"
    r"|with|about|who|whose|which|than|as|like|looking|tired|away|is|was|are|were|be|been|not|no"
    r"|by|into"
    r"|you|we|he|she|they|i|it|[\w]+['’](?:re|m|ve|ll|d))\b)"
)
_MODIFIER = rf"(?:{_NO_MODIFIER}[\w/&’'-]+ )"
_NOT_AS_SUCH = (
    r"(?! (?:in training|by training|at heart|in the making|in (?:a|the) (?:game|movie)))"
)
JOB = rf"(?P<job>{_NOT_WORK}{_MODIFIER}{{0,4}}?{_WORKER}){_NOT_AS_SUCH}"
_AS_JOB = (
    r"(?!(?:well|much|part|usual|follows|if|is)\b)[\w/&’'-]+"
    r"(?: (?!(?:is|are|was|were|be|must|would|can|could|will|has|had|who|that|my|your|the)\b)"
    r"[\w/&’'-]+){0,3}?"
)
_ANY_JOB = rf"(?P<job>{_AS_JOB}){_NOT_AS_SUCH}"
_OTHER_JOB = rf"(?P<job2>{_AS_JOB})"
ORG_AT = rf"(?: (?:at|for|with) (?P<org>{ORG}))"
_MORE = (
    r"(?:,? (?:and|but|so|in|at|for|by|with|on|since|who|which|specializing|working|from|based|near"
    r"|because|now|these days|full-time|part-time|currently|there|here|last|this|a|two|three)\b.*)?"
)
_BUSINESS = (
    r"(?:business|company|bakery|caf[eé]|coffee shop|shop|store|restaurant|salon|studio|agency"
    r"|startup"
    r"|start-up|firm|farm|gym|bar|pub|brewery|boutique|consultancy|food truck|bookstore|daycare"
    r"|nonprofit|bed and breakfast|b&b|podcast|blog|youtube channel)"
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

_WORKS_AGAIN = (("job", "unemployed", ""), ("job", "retired", ""))
"""Who works somewhere is no longer without work; another job stays what it was."""

WORK = (
    rule(
        "am i'm i’m",
        rf"{I_AM} an? {JOB}{ORG_AT}?{_MORE}",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "work working employed",
        rf"(?:i (?:(?:currently|now|still|also|actually) )*work|{I_AM} (?:working|employed))"
        rf"(?: (?:full|part)[- ]time| remotely)? as an? {_ANY_JOB}(?:{ORG_AT}{_MORE}|{_MORE})",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "work working employed",
        rf"(?:i (?:(?:currently|now|still|also|actually) )*work|{I_AM} (?:working|employed))"
        rf"(?: (?:full|part)[- ]time| remotely)? (?:at|for|by) (?P<org>{ORG})"
        rf"(?: as an? {_ANY_JOB})?{_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
        ("job", "{job}", "{who} works as {a job}."),
        *_WORKS_AGAIN,
    ),
    rule(
        "worked working",
        rf"i(?:['’]ve| have) (?:been working|worked) (?:at|for) (?P<org>{ORG}) {SINCE}",
        ("employer", "{org}", "{who} works at {org}."),
        time="past",
    ),
    rule(
        "been worked working",
        rf"i(?:['’]ve| have)(?: (?:also|now|been))* (?:an? {JOB}|(?:working|worked) as an?"
        rf" {_OTHER_JOB}){ORG_AT}? {SINCE}",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
        time="past",
    ),
    rule(
        "as",
        rf"as an? (?:new )?{JOB}{ORG_AT}?(?: in [\w ]+?)?,? (?:i|my)",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "job role position career",
        rf"\bmy (?:(?:new|current|day|full-time|part-time) )*(?:job|role|position"
        rf"|career) as an? {JOB}"
        rf"\b{ORG_AT}?",
        ("job", "{job}", "{who} works as {a job}."),
        ("employer", "{org}", "{who} works at {org}."),
        is_inside=True,
    ),
    rule(
        "job role position internship",
        rf"\bmy (?:(?:new|current|day|full-time|part-time) )*(?:job|role|position|internship) "
        rf"(?:at|with)"
        rf" (?P<org>{ORG})",
        ("employer", "{org}", "{who} works at {org}."),
        is_inside=True,
    ),
    rule(
        "teach",
        rf"i(?: currently| also)? teach (?P<field>(?!(?:my|myself|the|a|an|you|them|him|her|it"
        rf"|people|kids"
        rf"|children|students|others|how|in|at|for|online|him|us|about|some|classes|part-time)\b)"
        rf"[\w-]+(?: (?!at|in|to|and|for)[\w-]+)?)(?: (?:at|in) (?P<org>{ORG}))?"
        rf"(?:,? (?:and|but|so|to|for|part-time|full-time|online)\b.*)?",
        ("job", "{field} teacher", "{who} works as {a field} teacher."),
        ("employer", "{org}", "{who} works at {org}."),
    ),
    rule(
        "run own started opened",
        rf"i(?:['’]ve)?(?: (?:currently|also|now|just|recently))* (?:run|own|(?:started|opened)"
        rf"(?: up)?"
        rf"(?= (?:my own|a new)\b)) (?:an?|my own)(?: new)? (?P<what>"
        rf"(?:[\w-]+ ){{0,2}}?{_BUSINESS}){_MORE}",
        ("business", "{what}", "{who} runs {a what}."),
        time="past",
    ),
    rule(
        "employed freelance freelancing",
        rf"(?:{I_AM} (?P<job>self-employed)|i (?P<job2>freelance)|{I_AM}"
        rf" (?P<job3>freelancing)){_MORE}",
        ("job", "{job}", "{who} is {job}."),
    ),
    rule(
        "unemployed",
        rf"{I_AM} unemployed{_MORE}",
        ("job", "unemployed", "{who} is unemployed."),
        ("employer", "", ""),
    ),
    rule(
        "work",
        r"i(?: (?:currently|now|mostly|usually|also|still))* work (?:from home|remotely)"
        r"(?: full[- ]time)?(?:,? (?:and|but|so|now|these days|since|as)\b.*)?",
        ("workplace", "home", "{who} works from home."),
    ),
    rule(
        "work working",
        rf"(?:i (?:(?:currently|now|also) )*work|{I_AM} working) in (?:the city of |downtown "
        rf"|central )?"
        rf"(?!(?:IT|HR|PR|QA|AI|UX|PE|Sales|Marketing|Finance|Retail|Tech)\b)(?P<place>{PLACE})"
        rf"(?:,? (?:and|but|so|as|at|for|now)\b.*)?",
        ("work town", "{place}", "{who} works in {place}."),
    ),
    rule(
        "graduated",
        rf"{I_HAVE}{JUST} graduated(?: from (?:college|university|law school|medical school))?"
        rf"(?: (?:last|this|in|two|three|a|with honou?rs)\b.*)?",
        ("graduated", "yes", "{who} has graduated."),
        time="past",
    ),
    rule(
        "am i'm i’m",
        rf"{I_AM} in (?!it\b)(?P<field>{_FIELD})(?:,? (?:and|but|so)\b.*)?",
        ("field of work", "{field}", "{who} works in {field}."),
    ),
    rule(
        "work working",
        rf"(?:i (?:(?:currently|now|also) )*work|{I_AM} working) in (?:the )?(?P<field>{_FIELD})"
        rf"(?: (?:industry|sector|field|department))?(?:,? (?:and|but|so|at|for|as)\b.*)?",
        ("field of work", "{field}", "{who} works in {field}."),
    ),
    *(
        rule(
            "started began got landed accepted took",
            rf"{I_HAVE}{JUST} {how}(?: as an? (?P<job>{_MODIFIER}{{0,3}}?{_WORKER}))?"
            rf"{ORG_AT}?{_MORE}",
            ("employer", "{org}", "{who} works at {org}."),
            ("job", "{job}", "{who} works as {a job}."),
            *ends,
            time="past",
        )
        for how, ends in (
            ("(?:started|began) working", ()),  # on what, it may go on
            (
                r"(?:(?:started|began) (?:a|my)(?: new)? (?:job|position|role)"
                r"|(?:got|landed|accepted|took) (?:a|my|the)(?: new)? (?:job|position|role)|got"
                r" hired)",
                _WORKS_AGAIN,
            ),
        )
    ),
    rule(
        "joined",
        rf"{I_HAVE}{JUST} joined (?P<org>{ORG}) as an? (?P<job>{_MODIFIER}"
        rf"{{0,3}}?{_WORKER}){_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
        ("job", "{job}", "{who} works as {a job}."),
        time="past",
    ),
    rule(
        "promoted",
        rf"{I_HAVE}{JUST} (?:got|was|been)(?: just| recently)? promoted to (?:an? )?"
        rf"(?P<job>{_MODIFIER}{{0,3}}?{_WORKER}){_MORE}",
        ("job", "{job}", "{who} works as {a job}."),
        time="past",
    ),
    rule(
        "employer company",
        rf"my (?:new |current )?(?:employer|company) is (?:called )?(?P<org>{ORG}){_MORE}",
        ("employer", "{org}", "{who} works at {org}."),
        *_WORKS_AGAIN,
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
        rf"i used to (?:work as|be) an? {JOB}{_MORE}",
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
        "degree phd mba master's master’s masters bachelor's bachelor’s",
        rf"(?:{I_AM}|i(?:['’]ve| have) been) (?:getting|pursuing|working (?:on|towards?)|doing"
        rf"|finishing"
        rf"|completing|studying for) (?:my|an?) (?:[\w’']+ )?(?:degree|master['’]?s"
        rf"|bachelor['’]?s|phd|mba)"
        rf"(?: degree)? in {_STUDY}(?: (?:at|from) (?P<org>{ORG}))?"
        rf"(?:,? (?:and|but|so|right now|because|as|with|this|full-time|part-time)\b.*)?",
        ("studies", "{field}", "{who} studies {field}."),
        ("school", "{org}", "{who} studies at {org}."),
    ),
    rule(
        "go attend",
        rf"i(?: currently| now)? (?:go to|attend) (?P<org>(?-i:(?:the )?(?:[A-Z][\w.’'-]* "
        rf"(?:of )?)+"
        rf"(?:School|College|University|Academy|Institute|High)|University of [A-Z]\w+)){_MORE}",
        ("school", "{org}", "{who} studies at {org}."),
    ),
    rule(
        "freshman sophomore junior senior undergrad undergraduate",
        rf"{I_AM} an? (?P<kind>(?:college |high school |university )?(?:freshman|sophomore|junior"
        rf"|senior"
        rf"|undergrad|undergraduate))(?: (?:at|in) (?P<org>{ORG})| in (?:college|high school"
        rf"|university))"
        rf"{_MORE}",
        ("student", "{kind}", "{who} is {a kind}."),
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
        rf"{I_HAVE}{JUST} graduated(?: with an? (?P<degree>[\w’' ]{{2,40}}?)(?: in "
        rf"(?P<field>[\w’' &]"
        rf"{{2,40}}?))?)? from (?P<org>{ORG})(?: exactly| about| just)?"
        rf"(?: with an? (?P<degree2>[\w’']+(?: degree)?) in (?P<field2>[\w’'&]+"
        rf"(?: [\w’'&]+){{0,2}}?))?{TAIL}",
        ("graduated:{org}", "{org}", "{who} graduated from {org}."),
        ("school", "{org}", ""),
        ("degree:{field}", "{degree}", "{who} has a {degree} in {field}."),
        time="past",
    ),
    rule(
        "graduated",
        rf"{I_HAVE}{JUST} graduated(?: from college| from university)? with (?:an?|my)"
        rf" (?P<degree>[\w’']+(?: degree)?) in (?P<field>[\w&’'-]+(?: [\w&’'-]+){{0,3}}?){TAIL}",
        ("degree:{field}", "{degree}", "{who} has a {degree} in {field}."),
    ),
    rule(
        "degree bachelor's bachelor’s master's master’s phd mba",
        rf"i(?:['’]ve got| have| just got| got| earned| completed) (?:an?|my) (?P<degree>"
        rf"(?:bachelor['’]s|master['’]s|phd|doctorate|mba"
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
