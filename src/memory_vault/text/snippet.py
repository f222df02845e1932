"""Cut a long memory down to the sentences that matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from .sentences import Span, sentences
from .tokens import TokenCounter
from .words import words

JOINER = " … "
_LINE = re.compile(r"[^\n]+")
_GAP = re.compile(r"\s+")
_MAX_TRIES = 40
_MOST_SIGNS = 24
"""Characters a token at most, so that a text of one endless line is not counted whole."""
_JOINING = "\u200d"


def snippet(
    content: str,
    spans: Sequence[Span],
    *,
    max_tokens: int,
    counter: TokenCounter,
    focus: frozenset[str] | None = None,
    by_line: bool = False,
) -> str:
    """Say what matters of a memory in at most `max_tokens`; all of it when it fits.

    Args:
        spans: Character spans that matter, best first; none means from the beginning.
        focus: Words of the question as `words` gives them: sentences that hold more of them
            are taken first.
        by_line: Take whole lines instead, where each needs its beginning.

    Returns:
        Whole sentences in text order, gaps marked by " … ". Only where no sentence fits, words of
        the best one from the best span on; where not even one of those fits, characters. "" when
        nothing fits.
    """
    if counter.count(content) <= max_tokens:
        return content
    parts = _lines(content) if by_line else sentences(content)
    wanted = _by_worth(content, parts, spans or [(0, len(content))], focus or frozenset())

    def fits(some: Sequence[Span]) -> bool:
        return counter.count(_join(content, some)) <= max_tokens

    together = _last(len(wanted[:max_tokens]), lambda count: fits(wanted[:count]))
    kept = wanted[:together]
    for sentence in wanted[together + 1 : together + 1 + _MAX_TRIES]:
        if fits([*kept, sentence]):
            kept.append(sentence)
    if kept:
        return _join(content, kept)
    return _cut(content, wanted[0], spans, max_tokens, counter) if wanted else ""


def _lines(content: str) -> list[Span]:
    """Spans of the lines of a text."""
    return [match.span() for match in _LINE.finditer(content)]


def _by_worth(
    content: str, sentences: list[Span], spans: Sequence[Span], focus: frozenset[str]
) -> list[Span]:
    """Sentences that touch a span, best first: more words of the question, then better span."""
    ranked: list[tuple[int, int, int]] = []
    for at, sentence in enumerate(sentences):
        place = _first_touching(sentence, spans)
        if place is not None:
            shared = len(focus.intersection(words(content[slice(*sentence)]))) if focus else 0
            ranked.append((-shared, place, at))
    return [sentences[at] for _, _, at in sorted(ranked)]


def _first_touching(sentence: Span, spans: Sequence[Span]) -> int | None:
    """Position of the best span that shares a character with a sentence."""
    touching = (
        place
        for place, (start, end) in enumerate(spans)
        if start < sentence[1] and sentence[0] < end
    )
    return next(touching, None)


def _join(content: str, sentences: Sequence[Span]) -> str:
    """Sentences in text order; neighbours keep the space between them."""
    text, last = "", None
    for start, end in sorted(sentences):
        if last is not None:
            between = content[last:start]
            text += between if not between.strip() else JOINER
        text += content[start:end]
        last = end
    return text


def _cut(
    content: str, sentence: Span, spans: Sequence[Span], max_tokens: int, counter: TokenCounter
) -> str:
    """As much of a sentence as fits, from the best span in it on, marked where it is cut."""
    place = _first_touching(sentence, spans)
    start = sentence[0] if place is None else max(sentence[0], spans[place][0])
    before = "" if start == sentence[0] else JOINER.lstrip()
    part = content[start : min(sentence[1], start + _MOST_SIGNS * max_tokens)]
    for ends in ([match.start() for match in _GAP.finditer(part)], _character_ends(part)):
        if found := _longest(part, ends, before, max_tokens, counter):
            return found
    return ""


def _longest(
    part: str, ends: Sequence[int], before: str, max_tokens: int, counter: TokenCounter
) -> str:
    """The part up to the last of the ends with which it fits; "" if it fits with none."""

    def until(end: int) -> str:
        return before + part[:end] + JOINER.rstrip()

    count = _last(len(ends), lambda at: counter.count(until(ends[at - 1])) <= max_tokens)
    return until(ends[count - 1]) if count else ""


def _last(most: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to `most` of which something holds that holds of all below, or 0."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _character_ends(part: str) -> list[int]:
    """Where a text without spaces may be cut: never between a letter and its marks."""
    return [at for at in range(1, len(part)) if not _is_joined(part[at - 1], part[at])]


def _is_joined(before: str, after: str) -> bool:
    """Whether two code points are parts of one character."""
    is_mark = unicodedata.category(after)[0] == "M" or "\U0001f3fb" <= after <= "\U0001f3ff"
    return is_mark or _JOINING in (before, after)
