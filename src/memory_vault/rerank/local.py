"""Runs a reranker's model in this process: loaded once, a batch at a time, off the event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from ..embed.runtime import group_by_length
from .checks import check_input, check_scores

if TYPE_CHECKING:
    from . import Scores

_CHARS_PER_TOKEN = 16
"""More than words have: a text is cut to this before it is split into tokens."""
_GROUP_TEXTS = 64
"""Texts that are tokenised at once: cancelling takes effect between two groups or batches."""


class Row(Protocol):
    """What a model reads to score one text."""

    @property
    def ids(self) -> list[int]:
        """Its token ids."""
        ...


R = TypeVar("R", bound=Row)


class Model(Protocol[R]):
    """A loaded model; its methods block, and may be called from several threads.

    Attributes:
        pid: The process that loaded it.
    """

    pid: int

    def tokenize(self, query: str, texts: list[str]) -> list[R]:
        """What is read of each text."""
        ...

    def run(self, rows: Sequence[R]) -> Scores:
        """Score rows of similar length; shape (n,)."""
        ...


class Local(Generic[R]):
    """Scores texts with a model that is loaded at `open` or at first use.

    Args:
        load: Loads the model. Blocking.
        max_tokens: Tokens that it reads at most.
    """

    def __init__(self, load: Callable[[], Model[R]], max_tokens: int) -> None:
        self._load_model, self._max_chars = load, max_tokens * _CHARS_PER_TOKEN
        self._lock = threading.Lock()
        self._model: Model[R] | None = None

    async def open(self) -> None:
        """Load the model. Repeatable at no cost."""
        await to_thread.run_sync(self._load, limiter=_limiter())

    def close(self) -> None:
        """Let the model go; the next use loads it again."""
        self._model = None

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,). Cancelling it takes effect after the batch that is running."""
        import numpy as np

        query, texts = check_input(query, texts, self._max_chars)
        scores: Scores = np.empty(len(texts), np.float32)
        if texts:
            model = await to_thread.run_sync(self._load, limiter=_limiter())
        for start in range(0, len(texts), _GROUP_TEXTS):
            group = slice(start, start + _GROUP_TEXTS)
            await _score(model, query, texts[group], scores[group])
        return check_scores(scores)

    def _load(self) -> Model[R]:
        with self._lock:
            model = self._model
            if model is None or model.pid != os.getpid():  # a fork has no threads to run it
                model = self._model = self._load_model()
            return model


async def _score(model: Model[R], query: str, texts: list[str], scores: Scores) -> None:
    """Score some texts, a batch of similar length at a time."""
    limiter = _limiter()
    rows = await to_thread.run_sync(model.tokenize, query, texts, limiter=limiter)
    for batch in group_by_length([len(one.ids) for one in rows]):
        part = [rows[i] for i in batch]
        scores[batch] = await to_thread.run_sync(model.run, part, limiter=limiter)


_run_limiter: RunVar[CapacityLimiter] = RunVar("memory_vault.rerank.local")


def _limiter() -> CapacityLimiter:
    """One run at a time for the running event loop: a run uses all cores.

    Apart from the embedder's, so that a recall does not wait for documents being embedded.
    """
    limiter = _run_limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(1)
        _run_limiter.set(limiter)
    return limiter
