"""The words of a text as search sees them, and their stable numbers."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import Stemmer
from numpy.typing import NDArray

from .irregular import base_form

# Marks that belong to words although `\w` leaves them out: accents, vowel signs, joiners.
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u0963\u0966-\u0dff\u0e30-\u0e3a\u0e47-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ece"
    "\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3\u3099\u309a\u200c\u200d"
)
_SIGN = rf"[\w{_MARKS}]"
_UNIT = re.compile(rf"{_SIGN}+(?:[.'’@]{_SIGN}+)*(?:\+\+|#)?")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_PARTS = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_OTHER_PARTS = re.compile(r"\d+|[^\d._@'+#]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_ENDINGS = re.compile(r"(?:'(?:s|ll|re|ve|d|m)|n't|')\Z")
_ACRONYM = re.compile(r"[A-Z]{2,3}(?:'s)?\Z")
"""Short words in capitals, which are no forms of others: LED, FED, MET."""
_NEGATIONS = {"ain't": "is", "can't": "can", "shan't": "shall", "won't": "will"}
"""Those that are no word of their own without their ending."""
_CACHED_UNIT = 64
"""Longer runs are data rather than words; keeping them would only fill the cache."""

_STOP_TEXT = """
a about above after again against ain all also am an and any are aren arent as at be because been
before being below between both but by can cannot cant could couldn couldnt d did didn didnt do
does doesn doesnt doing dont down during each few for from further had hadn hadnt has hasn hasnt
have haven havent having he her here hers herself him himself his how i if im in into is isn isnt
it its itself ive just let ll m me might mightn more most must mustn my myself needn no nor not now
o of off on once only or other our ours ourselves out over own re s same shall shan she should
shouldn shouldnt so some such t than that thats the their theirs them themselves then there these
they this those through to too under until up us ve very was wasn wasnt we were weren werent what
when where which while who whom why will with wont would wouldn wouldnt you your youre yours
yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())
_local = threading.local()


def words(text: str) -> list[str]:
    """List the search terms of a text in order, repeats included.

    Terms are NFKC, case-folded, without accents, and English words are reduced to Snowball
    stems, irregular forms to those of their base: "went" to that of "go", but "LED" to "led". Stop
    words are left out unless the text has nothing else. Identifiers, versions and addresses come
    whole and in parts; scripts without spaces come as pairs of characters.

    The store keeps terms beside each chunk. Whoever changes what this gives adds
    `storage.sqlite.rewording.reword` to the migrations once more, so that older files follow.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("’", "'")
    units = _UNIT.findall(_THOUSANDS.sub("", text))
    terms: list[str] = []
    for unit in units:
        terms += _kept(unit)
    return terms or [term for unit in units for term in _all_terms(unit)]


def has_no_spaces(text: str) -> bool:
    """Whether a text is of a script that sets no spaces between words."""
    return _IS_UNSPACED.search(text) is not None


def word_ids(text: str) -> NDArray[np.uint32]:
    """The numbers of `words(text)`, shape (n,)."""
    return numbered(words(text))


def word_bytes(text: str) -> bytes:
    """The same as the store keeps them: uint32, little endian."""
    return word_ids(text).astype("<u4").tobytes()


def numbered(terms: Iterable[str]) -> NDArray[np.uint32]:
    """Number each term by a hash that is the same on every machine, shape (n,)."""
    return np.fromiter(map(_word_id, terms), dtype=np.uint32)


@lru_cache(maxsize=1 << 16)
def _word_id(word: str) -> int:
    """First four bytes of the word's BLAKE2b digest, little endian."""
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little"
    )


def _kept(unit: str) -> tuple[str, ...]:
    """Terms of one run of signs without stop words."""
    return _kept_cached(unit) if len(unit) <= _CACHED_UNIT else _without_stop_words(unit)


def _without_stop_words(unit: str) -> tuple[str, ...]:
    stem = _stem_as_is if _ACRONYM.match(unit) else _stem
    return tuple(stem(word) for word in _spellings(unit) if word not in STOP_WORDS)


_kept_cached = lru_cache(maxsize=1 << 16)(_without_stop_words)


def _all_terms(unit: str) -> tuple[str, ...]:
    """Terms of one run of signs, stop words as they are."""
    return tuple(word if word in STOP_WORDS else _stem(word) for word in _spellings(unit))


def _spellings(unit: str) -> Iterator[str]:
    """Forms under which one run of signs may be looked for, not yet stemmed."""
    for run in _RUNS.findall(unit):
        if _IS_UNSPACED.match(run):
            yield from _pairs(run)
        else:
            yield from _forms(run)


def _pairs(run: str) -> Iterator[str]:
    """Neighbouring characters of a script without spaces; one alone stands for itself."""
    if len(run) == 1:
        yield run
    for at in range(len(run) - 1):
        yield run[at : at + 2]


def _forms(run: str) -> Iterator[str]:
    """The whole of a word or identifier, then its parts when it has more than one."""
    word = _plain(run).strip("._@'")
    word = _NEGATIONS.get(word.casefold()) or _ENDINGS.sub("", word)
    whole = word.replace("'", "").casefold()
    if not whole:
        return
    yield whole
    parts = (_PARTS if word.isascii() else _OTHER_PARTS).findall(word)
    if len(parts) > 1:
        yield from (part.casefold() for part in parts)


def _plain(run: str) -> str:
    """Without accents, so that words are found however they were typed."""
    if run.isascii():
        return run
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", run))
    return unicodedata.normalize("NFC", bare)


def _stem(word: str) -> str:
    """Snowball English stem of a word or, of an irregular form, that of its base.

    Words of other alphabets and with digits stay as they are.
    """
    return _stem_as_is(base_form(word))


def _stem_as_is(word: str) -> str:
    """Snowball English stem of a word that is no form of another."""
    if not (word.isascii() and word.isalpha()) or len(word) > _CACHED_UNIT:
        return word
    stem: str = _stemmer().stemWord(word)
    return stem


def _stemmer() -> Stemmer.Stemmer:
    """This thread's stemmer: one must not be shared between threads."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english", 0)
    stemmer: Stemmer.Stemmer = _local.stemmer
    return stemmer
