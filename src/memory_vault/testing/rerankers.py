"""A small real reranker for tests: no model files, the same promises as the large ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from anyio import to_thread

from memory_vault.rerank.checks import check_input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

_WORD = re.compile(r"\w+")
_MAX_CHARS = 20_000
_GROUP_TEXTS = 16
"""Texts of one stay in a thread: pure Python there slows the event loop's thread too."""


class OverlapReranker:
    """Scores a text by the share of the question's words that it holds: 0 to 1.

    It knows neither synonyms nor endings. Scores are the same in every process and on every
    machine.

    Args:
        window: Words of a text, and of a question, that are read.
    """

    def __init__(self, *, window: int = 256) -> None:
        self._window = window

    async def open(self) -> None:
        """Do nothing: there is nothing to load."""

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,)."""
        import numpy as np

        query, texts = check_input(query, texts, _MAX_CHARS)
        scores: Scores = np.empty(len(texts), np.float32)
        for start in range(0, len(texts), _GROUP_TEXTS):
            group = slice(start, start + _GROUP_TEXTS)
            scores[group] = await to_thread.run_sync(self._score, query, texts[group])
        return scores

    def _score(self, query: str, texts: Sequence[str]) -> list[float]:
        wanted = self._words(query)
        return [len(wanted & self._words(text)) / max(1, len(wanted)) for text in texts]

    def _words(self, text: str) -> set[str]:
        found = islice(_WORD.finditer(text.casefold()), self._window)
        return {match[0] for match in found}
