"""A small real embedder for tests: no model files, the same promises as the large ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import shake_128
from typing import TYPE_CHECKING

from anyio import to_thread

from memory_vault.embed import Fingerprint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_GROUP_TEXTS = 16
"""Texts of one stay in a thread: pure Python there slows the event loop's thread too."""

_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s", "e")
_COMMON = frozenset(
    _TOKEN.findall(
        "a an and are as at be but by did do does for from had has have he her his i in is it "
        "its me my of on or our she so that the their them they this to was we were what when "
        "where which who why will with would you your"
    )
)


class HashEmbedder:
    """Embeds words and their three-letter pieces by hashing: texts that share them are near.

    It knows no synonyms. One embedding takes well under a millisecond, and it is the same in
    every process and on every machine.

    Args:
        dimension: Length of an embedding; a multiple of 8.
        window: Tokens (words and single marks) that one embedding takes in.
    """

    def __init__(self, dimension: int = 64, *, window: int = 64) -> None:
        if dimension < 8 or dimension % 8:
            raise ValueError(f"dimension={dimension}: give a multiple of 8")
        self._window = window
        self._fingerprint = Fingerprint("hash-test", "1", dimension, "float32")

    @property
    def fingerprint(self) -> Fingerprint:
        """Model "hash-test"; spaces of two dimensions differ."""
        return self._fingerprint

    @property
    def window(self) -> int:
        """Words and single marks that one embedding takes in."""
        return self._window

    async def open(self) -> None:
        """Do nothing: there is nothing to load."""

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, dimension)."""
        import numpy as np

        groups = [texts[i : i + _GROUP_TEXTS] for i in range(0, len(texts), _GROUP_TEXTS)]
        rows = [await to_thread.run_sync(self._embed, group) for group in groups]
        return np.concatenate([np.empty((0, self._fingerprint.dimension), np.float32), *rows])

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question; shape (dimension,)."""
        rows = await self.embed([text])
        row: Embeddings = rows[0]
        return row

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of words and of single marks."""
        return [match.span() for match in _TOKEN.finditer(text)]

    def _embed(self, texts: Sequence[str]) -> Embeddings:
        import numpy as np

        rows = np.zeros((len(texts), self._fingerprint.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._embed_one(text)
        return rows

    def _embed_one(self, text: str) -> Embeddings:
        import numpy as np

        words = [text[slice(*span)] for span in self.token_spans(text)[: self._window]]
        total = np.zeros(self._fingerprint.dimension, np.float32)
        for feature, weight in _features(words):
            total += weight * _signs(feature, self._fingerprint.dimension)
        if not total.any():
            total = _signs("\0", self._fingerprint.dimension).copy()
        return total / np.float32(np.linalg.norm(total))


def _features(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Stems at weight 3 and their three-letter pieces at 1; common words count only alone."""
    lowered = [word.casefold() for word in words]
    for word in [one for one in lowered if one not in _COMMON] or lowered:
        stem = _stem(word)
        yield stem, 3.0
        yield from ((f"~{stem[i : i + 3]}", 1.0) for i in range(len(stem) - 2))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=16_384)
def _signs(feature: str, dimension: int) -> Embeddings:
    """The fixed direction of a feature: +1 or -1 in each component, drawn from its hash."""
    import numpy as np

    digest = shake_128(feature.encode("utf-8", "surrogatepass")).digest(dimension // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8))
    return bits.astype(np.float32) * 2 - 1
