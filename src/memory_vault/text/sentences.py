"""Where the sentences of a text begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .words import STOP_WORDS

Span = tuple[int, int]

_CLOSING = r"[\"'”’»)\]」』】）*_]*"
# What may end a sentence: before white space in scripts that have it, anywhere in the others. It is
# looked for at the first sign of a run only: once more at each other one, long runs took minutes.
_END = re.compile(
    rf"(?<![.!?…؟۔])[.!?…؟۔]+{_CLOSING}(?=\s)|[。！？｡।॥។။]+{_CLOSING}|(?<!\s)\s*\n\s*"
)
_FOLLOWED = """
mr mrs ms mx dr prof mt capt lt sgt rev hon gov sen vs e.g i.e cf eg ie approx ca incl esp
resp z.b d.h bzw ggf p.ej mme mlle
"""
_FOLLOWED_BY_NUMBER = """
no nos nr fig figs eq vol p pp sec ch art para
"""
_DATES = "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu thur thurs fri"
_OFTEN_LAST = "etc al inc ltd co corp jr a.m p.m am pm u.s u.k u.n e.u ph.d est"
_NEVER_LAST = frozenset(_FOLLOWED.split())
_BEFORE_NUMBER = frozenset(_FOLLOWED_BY_NUMBER.split())
_OF_DATES = frozenset(_DATES.split())
_MAY_BE_LAST = frozenset(_OFTEN_LAST.split())
_OF_NAMES = frozenset({"st", "sr"})
# Words that begin a sentence and no name: "vitamin C. It helps", but "J. Will Smith".
_NO_NAMES = STOP_WORDS - {"will", "don"}
_WORD_BEFORE = re.compile(r"(?:^|(?<=[\s(\[\"'“‘]))[^\s(\[\"'“‘]{1,12}\Z")
_LIST_NUMBER = re.compile(r"^\s*(?:[-*•>#]+\s*)?(?:\(?\d{1,3}|[a-zA-Z]|[ivx]{1,4})\Z")
_INITIAL = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]\Z")
_NEXT = re.compile(r"\s+[\"'“‘(\[«*_]*(\w+\.?|\S)")
_CLAUSE = re.compile(r"[;:,、，；：]\s*|\s+[-–—]+\s+")
_SPACE = re.compile(r"\s+")
_LOOK_BACK = 40


def sentences(text: str, *, max_chars: int | None = None) -> list[Span]:
    """Spans of the sentences of a text, in order, without the space around them.

    A line break always ends one. A full stop ends one before white space, but not after a title,
    the number of a list or an abbreviation that something follows ("Dr.", "e.g."), after an initial
    or "St." only before a word that begins no name ("It"), and after an abbreviation that may stand
    last ("etc.", "p.m.") only before a capital. Scripts without spaces end sentences with signs of
    their own.

    Args:
        max_chars: Longer ones are cut at a clause, else at a space, else anywhere, as is the way of
            texts without punctuation; None leaves them whole.
    """
    found = []
    for start, stop in _whole(text):
        if max_chars is None or stop - start <= max_chars:
            found.append((start, stop))
        else:
            found += _cut(text, start, stop, max_chars)
    return found


def _whole(text: str) -> Iterator[Span]:
    """Sentences, however long they are."""
    start = 0
    for match in _END.finditer(text):
        if not match.group().strip():
            stop, following = match.start(), match.end()
        elif _ends(text, match):
            stop = following = match.end()
        else:
            continue
        yield from _trimmed(text, start, stop)
        start = following
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, stop: int) -> Iterator[Span]:
    """A span without white space at its ends; nothing if it has nothing else."""
    part = text[start:stop]
    if bare := part.strip():
        first = start + len(part) - len(part.lstrip())
        yield first, first + len(bare)


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a sign that may end a sentence does."""
    sign = match.group()
    following = _NEXT.match(text, match.end())
    after = "" if following is None else following.group(1)
    if sign.startswith(("...", "…")):
        return not after[:1].islower()
    if sign[0] != "." or "!" in sign or "?" in sign:
        return True
    earliest = max(0, match.start() - _LOOK_BACK)
    begin = max(text.rfind("\n", earliest, match.start()) + 1, earliest)
    line = text[begin : match.start()]
    return not _is_list_number(line) and not _is_abbreviation(line, after)


def _is_list_number(line: str) -> bool:
    return len(line) < _LOOK_BACK and _LIST_NUMBER.match(line) is not None


def _is_abbreviation(line: str, after: str) -> bool:
    """Whether the full stop after this belongs to its last word, told by that and the next one."""
    found = _WORD_BEFORE.search(line)
    if found is None:
        return False
    word = found.group()
    plain = word.casefold()
    if plain in _NEVER_LAST:
        return True
    if plain in _BEFORE_NUMBER:
        return after[:1].isdecimal()
    if plain in _OF_DATES:
        return after[:1].isdecimal() or (word[0].isupper() and after[:1].islower())
    if plain in _MAY_BE_LAST:
        return after[:1].islower()
    return _is_of_name(word) and after.casefold() not in _NO_NAMES


def _is_of_name(word: str) -> bool:
    """Whether a word with a full stop is mostly part of a name: an initial, "St."."""
    if word.casefold() in _OF_NAMES:
        return True
    return word != "I" and _INITIAL.match(word) is not None and word[0].isupper()


def _cut(text: str, start: int, stop: int, max_chars: int) -> Iterator[Span]:
    """A long sentence in parts, each as long as may be."""
    while stop - start > max_chars:
        window = text[start : start + max_chars]
        at = _last(_CLAUSE, window) or _last(_SPACE, window) or max_chars
        yield from _trimmed(text, start, start + at)
        start += at
    yield from _trimmed(text, start, stop)


def _last(pattern: re.Pattern[str], window: str) -> int:
    """Where the last match in the second half of a window ends, else 0."""
    ends = [one.end() for one in pattern.finditer(window, len(window) // 2)]
    return ends[-1] if ends else 0
