"""What is taken back in the sentence that says it: "got a job at Contoso but turned it down"."""

from __future__ import annotations

import re

_TURN = (
    r"(?:,? ?\b(?:but|and|then|yet|only to|before)|, then)"
    r"(?: (?:then|later|now|eventually|soon|since|have|has|had|just|recently|already|finally"
    r"|quickly"
    r"|ended up{}))*,? "
)
_OWN_TURN = _TURN.format(r"|i|we|it|he|she|they|i['’]ve|we['’]ve")
_SAME_TURN = _TURN.format("")
_ITSELF = (
    r"(?:(?:sold|returned|lost|cancel+ed|refunded|traded|broke) (?:it|them|him|her|that)\b"
    r"|gave (?:it|them|him|her|that) (?:away|back|up|to)\b|turned (?:(?:it|them|that|the offer)"
    r" )?down"
    r"|turned out|was (?:wrong|stolen|a mis\w+)|got stolen|died|passed away|broke down"
    r"|(?:moved|went|came) back\b|changed my mind|never (?:arrived|came|started|happened|went)"
    r"|declined\b|backed out)"
)
_OVER = (
    r"(?:(?:got |was |were )?(?:quit|left|stopped|resigned|divorced|separated|split up|broke up"
    r"|parted|fired|laid off|retired)\b"
    r"(?! (?:(?:my|our|the|a|an|for|from|\w+ing)\b|(?-i:[A-Z]))))"
)
_ELSEWHERE = (
    r"(?:(?:moved|relocated)\b(?! (?:it|in|into|here|there)\b)|(?:on|over|back)\b(?! it\b)"
    r"|(?:in|to) (?-i:[A-Z]))"
)
_RESUMED = (
    r"(?:(?:started|began|smok\w+|drink\w*|eat\w*)\b.{0,20} again\b|relapsed|restarted|took it up"
    r"|(?:bought|got) (?:it|one|another)\b)"
)
# What must stand before, and what takes it back.
_UNDONE = tuple(
    (re.compile(rf"\b{before}", re.IGNORECASE), re.compile(after, re.IGNORECASE))
    for before, after in (
        ("", rf"{_OWN_TURN}(?:{_ITSELF}|{_OVER})"),
        (
            r"(?:moved|relocated|live|living|based|(?:have|['’]ve) lived)\b",
            _SAME_TURN + _ELSEWHERE,
        ),
        (r"(?:quit|stopped|gave up|given up|sold)\b", _OWN_TURN + _RESUMED),
    )
)
_COUPLE = re.compile(
    r"\bmy (?:[\w-]+ )?(?:wife|husband|partner|spouse|fianc[ée]e?|girlfriend|boyfriend|ex)"
    r"(?:,? (?-i:[A-Z][\w’-]*),?)?$",
    re.IGNORECASE,
)
_PARTED = re.compile(
    r"i(?: (?:just|recently|have|finally|got|gotten|are|were))*"
    r" (?:divorced|separated|split|broke up|parted)\b",
    re.IGNORECASE,
)


def is_undone(sentence: str, start: int, stop: int) -> bool:
    """Whether a clause is taken back, in it or by what follows at once."""
    return any(
        before.search(sentence, start, turn.start())
        for before, after in _UNDONE
        for turn in after.finditer(sentence, start)
        if turn.start() <= stop and not _COUPLE.search(sentence, start, turn.start())
    )


def is_of_two(sentence: str, start: int, stop: int, after: int) -> bool:
    """Whether a cut would part two who part: "my wife and | I divorced" says one thing.

    Args:
        start: Where the clause before the cut begins.
        stop: Where it ends.
        after: Where the next one begins.
    """
    return (
        _COUPLE.search(sentence, start, stop) is not None
        and _PARTED.match(sentence, after) is not None
    )
