"""Guess how much a memory matters, from its words alone."""

from __future__ import annotations

import re

from ..models import MemoryType

_SMALL_TALK = re.compile(
    r"(?:(?:hi|hey|hello|hiya|good (?:morning|afternoon|evening|night)|thanks?(?: you)?|thx|bye|cya"
    r"|goodbye|see (?:you|ya)|ok(?:ay)?|yes|yeah|yep|no|nope|sure|great|cool|nice|wow|awesome"
    r"|perfect|got it|i see|lol|haha+|hmm+|right|exactly|indeed|so much|very much|a lot|again|later"
    r"|there|sounds good|that'?s (?:great|cool|nice|fine|ok|okay)|how are you|you too|no problem"
    r"|you'?re welcome|have a (?:good|nice|great) (?:day|one|evening|weekend))[\s,.!?~:)]*)+",
    re.IGNORECASE,
)
# A number, or a capitalised word that is not simply the first of its sentence.
_SPECIFIC = re.compile(r"\d[\d.,:/-]*|(?<=[a-z,;] )[A-Z][\w’'-]+")
_OWN = re.compile(r"\b(?:I|I['’]\w+|my|mine|we|our)\b", re.IGNORECASE)
_FULL_LENGTH = 25
_FULL_SPECIFICS = 3
_OF_TYPE: dict[MemoryType, float] = {
    "episodic": 0.0,
    "working": 0.0,
    "semantic": 0.15,
    "procedural": 0.2,
}
_SCAN = 4000
"""Characters that are looked at: what comes later no longer changes the score."""


def importance(text: str, role: str, memory_type: MemoryType) -> float:
    """Score a memory from 0 (small talk) to 1 (must not be missed), without a model.

    Greetings, thanks and "ok" score 0.05. Anything else starts at 0.2 and adds
    0.2 x min(1, words / 25), 0.2 x min(1, names and numbers / 3), 0.15 when it speaks of the
    speaker ("I", "my", "we"), 0.1 when it asks nothing, and 0.15 for a fact or 0.2 for a
    preference. What an assistant, a tool or the system says counts 0.6 of that.
    """
    head = text[:_SCAN].strip()
    if not head or _SMALL_TALK.fullmatch(head[:200]):
        return 0.05
    share = 0.6 if role in ("assistant", "tool", "system") else 1.0
    score = 0.2 + _length(head) + _specifics(head) + _stance(head) + _OF_TYPE[memory_type]
    return round(min(1.0, score * share), 4)


def _length(text: str) -> float:
    """Up to 0.2 for saying more than a few words."""
    return 0.2 * min(1.0, len(text.split(None, _FULL_LENGTH)) / _FULL_LENGTH)


def _specifics(text: str) -> float:
    """Up to 0.2 for names, numbers and dates."""
    found = sum(1 for _ in zip(range(_FULL_SPECIFICS), _SPECIFIC.finditer(text), strict=False))
    return 0.2 * found / _FULL_SPECIFICS


def _stance(text: str) -> float:
    """0.15 for speaking of oneself, 0.1 for stating rather than asking."""
    return 0.15 * bool(_OWN.search(text)) + 0.1 * (not text.endswith(("?", "？")))
