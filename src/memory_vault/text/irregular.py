"""English words whose forms share no stem: went is a form of go, children of child."""

from __future__ import annotations

# Not listed are forms that are more often another word: bit, born, bound, ground, lay, leaves,
# lives, rose, wound.
_FORMS = """
arise arose arisen | awake awoke awoken | become became | begin began begun
bend bent | bite bitten | bleed bled | blow blew blown | break broke broken | breed bred
bring brought | build built | burn burnt | buy bought | catch caught | choose chose chosen
come came | creep crept | deal dealt | dig dug | draw drew drawn | dream dreamt
drink drank drunk | drive drove driven | eat ate eaten | fall fell fallen | feed fed | feel felt
fight fought | find found | flee fled | fling flung | fly flew flown | forbid forbade forbidden
foresee foresaw foreseen | forget forgot forgotten | forgive forgave forgiven
freeze froze frozen | get got gotten | give gave given | go went gone | grow grew grown
hang hung | hear heard | hide hid hidden | hold held | keep kept | kneel knelt
know knew known | lead led | lean leant | leap leapt | learn learnt | leave left | lend lent
light lit | lose lost | make made | mean meant | meet met | mislead misled
misunderstand misunderstood | outgrow outgrew outgrown | overcome overcame | oversleep overslept
pay paid | prove proven | rebuild rebuilt | redo redid redone | repay repaid
retake retook retaken | rethink rethought | rewrite rewrote rewritten | ride rode ridden
ring rang rung | rise risen | run ran | say said | see saw seen | seek sought | sell sold
send sent | sew sewn | shake shook shaken | shine shone | shoot shot | show shown
shrink shrank shrunk | sing sang sung | sink sank sunk | sit sat | sleep slept | slide slid
smell smelt | speak spoke spoken | spell spelt | spend spent | spill spilt | spin spun
spring sprang sprung | stand stood | steal stole stolen | stick stuck | sting stung
stink stank stunk | strike struck | swear swore sworn | sweep swept | swim swam swum
swing swung | take took taken | teach taught | tear tore torn | tell told | think thought
throw threw thrown | undergo underwent undergone | understand understood
undertake undertook undertaken | undo undid undone | wake woke woken | wear wore worn
weave wove woven | weep wept | win won | withdraw withdrew withdrawn | write wrote written
calf calves | child children | foot feet | goose geese | half halves | knife knives | loaf loaves
man men | mouse mice | person people | scarf scarves | shelf shelves | thief thieves
tooth teeth | wife wives | wolf wolves | woman women
"""


def _base_of_each() -> dict[str, str]:
    words = (line.split() for line in _FORMS.replace("\n", "|").split("|"))
    return {form: base for base, *forms in filter(None, words) for form in forms}


_BASES = _base_of_each()


def base_form(word: str) -> str:
    """The form that a dictionary lists of a lower-case word, if it is an irregular one's."""
    return _BASES.get(word, word)
