"""English words whose forms share no stem: went is a form of go, children of child."""

from __future__ import annotations

# Not listed are forms that are as often another word, which would no longer meet its own plural:
# bit, born, bound, ground, lay, leaves, lives, rose, saw, shot, spoke, thought, wound.
_FORMS = """
arise arose arisen | awake awoke awoken | babysit babysat | become became | begin began begun
bend bent | bite bitten | bleed bled | blow blew blown | break broke broken | breed bred
bring brought | build built | burn burnt | buy bought | catch caught | choose chose chosen
come came | creep crept | deal dealt | dig dug | draw drew drawn | dream dreamt | drink drank drunk
drive drove driven | eat ate eaten | fall fell fallen | feed fed | feel felt | fight fought
find found | flee fled | fling flung | fly flew flown | forbid forbade forbidden
foresee foresaw foreseen | forget forgot forgotten | forgive forgave forgiven | freeze froze frozen
get got gotten | give gave given | go goes went gone | grow grew grown | hang hung | hear heard
hide hid hidden | hold held | keep kept | kneel knelt | know knew known | lead led | lean leant
leap leapt | learn learnt | leave left | lend lent | light lit | lose lost | make made | mean meant
meet met | mishear misheard | mislead misled | mistake mistook mistaken
misunderstand misunderstood | outgrow outgrew outgrown | overcome overcame | overhear overheard
oversee oversaw overseen | oversleep overslept | overtake overtook overtaken
overthrow overthrew overthrown | pay paid | prove proven | rebuild rebuilt | redo redid redone
repay repaid | retake retook retaken | rethink rethought | rewrite rewrote rewritten
ride rode ridden | ring rang rung | rise risen | run ran | say said | see seen | seek sought
sell sold | send sent | sew sewn | shake shook shaken | shine shone | show shown
shrink shrank shrunk | sing sang sung | sink sank sunk | sit sat | sleep slept | slide slid
smell smelt | speak spoken | spell spelt | spend spent | spill spilt | spin spun
spring sprang sprung | stand stood | steal stole stolen | stick stuck | sting stung
stink stank stunk | strike struck | swear swore sworn | sweep swept | swim swam swum | swing swung
take took taken | teach taught | tear tore torn | tell told | throw threw thrown
undergo underwent undergone | understand understood | undertake undertook undertaken
undo undid undone | wake woke woken | wear wore worn | weave wove woven | weep wept | win won
withdraw withdrew withdrawn | withhold withheld | write wrote written
bookshelf bookshelves | businessman businessmen | businesswoman businesswomen | calf calves
child children | fireman firemen | fisherman fishermen | foot feet | gentleman gentlemen
goose geese | grandchild grandchildren | half halves | housewife housewives | knife knives
loaf loaves | man men | midwife midwives | mouse mice | person people | policeman policemen
policewoman policewomen | salesman salesmen | scarf scarves | shelf shelves | snowman snowmen
stepchild stepchildren | thief thieves | tooth teeth | wife wives | wolf wolves | woman women
"""


def _base_of_each() -> dict[str, str]:
    words = (line.split() for line in _FORMS.replace("\n", "|").split("|"))
    return {form: base for base, *forms in filter(None, words) for form in forms}


_BASES = _base_of_each()


def base_form(word: str) -> str:
    """The form that a dictionary lists of a lower-case word, if it is an irregular one's."""
    return _BASES.get(word, word)
