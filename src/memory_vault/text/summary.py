"""Say a session in fewer words without a model: choose the sentences that carry it."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ._common_words import COMMON_WORDS
from .salience import importance
from .sentences import sentences
from .tokens import TokenCounter
from .words import words

_MAX_CHARS = 320
_LINE_TOKENS = 4
"""What a line takes before its first sentence: who speaks."""
_HEAD_TOKENS = 8
"""What the first line takes besides: the day."""
_SCALE = 0.5
"""How much a sentence's length counts against it: 0 not at all, 1 wholly."""
_OF_COMMON = 0.3
"""What a common English word is worth beside another."""
_SMALL_TALK = 0.05
"""What `importance` gives to greetings and thanks: they have no place in a summary."""
_POINTING_BACK, _ASKING = 0.7, 0.5
"""What is left of a sentence's worth that needs another one to be understood, or asks."""
_NEEDS_ANOTHER = re.compile(
    r"(?:it|that|this|these|those|they|he|she|him|her|them|yes|yeah|no|so|and|but|or|also|which)\b",
    re.IGNORECASE,
)
_FENCE = ("```", "~~~")
_LIST_SIGN = re.compile(r"(?:[-*•+]|#{1,6}|\(?\d{1,3}[.)])\s+(?=\S)")
_BEFORE_SPEECH = re.compile(r"(?:On \d{4}-\d\d-\d\d )?(?:(?:user|assistant|tool|system): )?")


@dataclass(frozen=True, slots=True)
class Said:
    """One memory of a session, as a summary reads it."""

    day: date
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence that may be chosen.

    Attributes:
        place: Which memory it is from.
        words: Its distinct search words.
        worth: How much it matters, from 0 to 1.
    """

    place: int
    text: str
    words: tuple[str, ...]
    tokens: int
    worth: float


def summarise(
    said: Sequence[Said],
    *,
    max_tokens: int,
    counter: TokenCounter,
    pause: Callable[[], None] = lambda: None,
) -> str:
    """The sentences that carry a session, word for word, in about `max_tokens`; "" if none fits.

    One line for each memory that has a sentence in it, in order: "On 2026-05-20 user: …", the day
    where it is another one than before. Texts cannot forge the beginning of a line.

    Sentences are taken one by one, each time the one that adds most: the weights of its words that
    no chosen sentence has, times how much it matters (`importance`; less where it asks or points
    back), over the square root of its length in tokens. A word weighs the square root of how often
    it is said, common English ones 0.3 of that. This is the greedy algorithm with scaled costs for
    coverage within a budget of Lin and Bilmes (NAACL 2010), with words as the concepts to cover
    after Gillick and Favre (2009). Sums are exact, so that what ties in one version of Python ties
    in all. What it was measured against: docs/adr/0013-compression.md.

    `pause` is called every millisecond or so, to let others have the interpreter.
    """
    found = list(_candidates(said, counter, pause))
    chosen = _chosen(found, max_tokens, pause)
    return "\n".join(_lines(said, [found[at] for at in sorted(chosen)]))


def spoken(summary: str) -> list[tuple[int, int]]:
    """Where in each line of a summary its speech is: what is embedded and searched of it.

    The day and a role that is no name are left out; a name is part of it, as it is of a turn's.
    """
    found, start = [], 0
    for line in summary.split("\n"):
        match = _BEFORE_SPEECH.match(line)
        first = match.end() if match and match.end() < len(line) else 0
        if line.strip():
            found.append((start + first, start + len(line)))
        start += len(line) + 1
    return found


def _candidates(
    said: Sequence[Said], counter: TokenCounter, pause: Callable[[], None]
) -> Iterator[_Sentence]:
    """Every sentence that says something, in order."""
    for place, one in enumerate(said):
        for text in statements(one.text):
            pause()
            worth, found = _worth(text, one.role), words(text)
            if found and worth > _SMALL_TALK:
                yield _Sentence(
                    place, text, tuple(dict.fromkeys(found)), counter.count(text), worth
                )


def statements(text: str) -> Iterator[str]:
    """The sentences of a text as a summary has them; what is between code fences is left out."""
    is_code = False
    for start, stop in sentences(text, max_chars=_MAX_CHARS):
        found = _plain(text[start:stop])
        if found.startswith(_FENCE):
            is_code = not is_code
        elif found and not is_code:
            yield found


def _plain(text: str) -> str:
    """One line that cannot pass for the beginning of another, which a block shows after " / ".

    Signs of lists and emphasis, which mean nothing here, are left out.
    """
    bare = _LIST_SIGN.sub("", text, count=1) if _LIST_SIGN.match(text) else text
    return " ".join(bare.replace("**", "").split()).replace(" / ", "/")


def _worth(text: str, role: str) -> float:
    """How much a sentence matters by itself."""
    worth = importance(text, role, "episodic")
    if _NEEDS_ANOTHER.match(text):
        worth *= _POINTING_BACK
    return worth * _ASKING if text.endswith(("?", "？", "؟")) else worth


def _chosen(found: Sequence[_Sentence], max_tokens: int, pause: Callable[[], None]) -> list[int]:
    """Which sentences to take; see `summarise`. Ties go to the earlier one.

    What a sentence adds only falls while others are taken, so that the best of yesterday's figures
    that still holds is the best there is.
    """
    weights = _weights(found)
    covered: set[str] = set()
    spoken: set[int] = set()
    room = max_tokens - _HEAD_TOKENS

    def cost(at: int) -> int:
        return found[at].tokens + _LINE_TOKENS * (found[at].place not in spoken)

    def gain(at: int) -> float:
        one = found[at]
        fresh = math.fsum(weights[word] for word in one.words if word not in covered)
        return fresh * one.worth / float((one.tokens + _LINE_TOKENS) ** _SCALE)

    heap = [(-gain(at), at) for at in range(len(found))]
    heapq.heapify(heap)
    chosen = []
    while heap:
        pause()
        _, at = heapq.heappop(heap)
        now = gain(at)
        if heap and -heap[0][0] > now:
            heapq.heappush(heap, (-now, at))
        elif now > 0 and cost(at) <= room:
            room -= cost(at)
            spoken.add(found[at].place)
            covered.update(found[at].words)
            chosen.append(at)
    return chosen


def _weights(found: Sequence[_Sentence]) -> dict[str, float]:
    """What each word is worth."""
    often = Counter(word for one in found for word in one.words)
    return {
        word: count**0.5 * (_OF_COMMON if word in COMMON_WORDS else 1.0)
        for word, count in often.items()
    }


def _lines(said: Sequence[Said], chosen: Sequence[_Sentence]) -> Iterator[str]:
    """One line a memory, with its day where that changes."""
    texts: dict[int, list[str]] = {}
    for one in chosen:
        texts.setdefault(one.place, []).append(one.text)
    day = None
    for place, parts in texts.items():
        speaker = " ".join(said[place].role.replace(":", "-").split())
        dated = "" if said[place].day == day else f"On {said[place].day.isoformat()} "
        day = said[place].day
        yield f"{dated}{speaker}: {' '.join(parts)}"
