"""Cut a long memory down to the sentences that matter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .sentences import Span, sentences
from .tokens import TokenCounter
from .words import words

JOINER = " … "
_LINE = re.compile(r"[^\n]+")
_GAP = re.compile(r"\s+")
_MAX_TRIES = 40


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
        Whole sentences in text order, gaps marked by " … ". Only where no sentence fits, the
        first words of the best one. "" when not even one word fits.
    """
    if counter.count(content) <= max_tokens:
        return content
    parts = _lines(content) if by_line else sentences(content)
    kept: list[Span] = []
    wanted = _by_worth(content, parts, spans or [(0, len(content))], focus or frozenset())
    for sentence in wanted[:_MAX_TRIES]:
        if counter.count(_join(content, [*kept, sentence])) <= max_tokens:
            kept.append(sentence)
    if kept:
        return _join(content, kept)
    return _first_words(content, wanted[0], max_tokens, counter) if wanted else ""


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


def _first_words(content: str, sentence: Span, max_tokens: int, counter: TokenCounter) -> str:
    """As many first words of a sentence as fit, with a sign that there is more."""
    part = content[slice(*sentence)]
    ends = list(_word_ends(part))
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if counter.count(_more(part, ends[middle - 1])) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return _more(part, ends[low - 1]) if low else ""


def _word_ends(part: str) -> Iterator[int]:
    """Ends of the words of a sentence that are followed by another."""
    return (match.start() for match in _GAP.finditer(part))


def _more(part: str, end: int) -> str:
    """The beginning of a sentence, marked as cut."""
    return part[:end] + JOINER.rstrip()
