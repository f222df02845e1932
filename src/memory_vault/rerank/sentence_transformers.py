"""Reranks with the sentence-transformers library: any of its cross-encoders, on any device."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from ..errors import BackendError, ConfigError, MemoryVaultError, ModelNotInstalled
from .checks import check_input, check_scores

if TYPE_CHECKING:
    from . import Scores

_INSTALL = "pip install 'memory-vault[sentence-transformers]'"
_GROUP_TEXTS = 32
"""Texts of one run: cancelling takes effect between two."""
_CHARS_PER_TOKEN = 16
_MAX_TOKENS = 8_192


class SentenceTransformersReranker:
    """Scores pairs with a `CrossEncoder`, named or in a folder; scores are its raw outputs.

    A model that is not in the Hugging Face cache is downloaded at `open`.

    Args:
        model: A name on the hub, or a folder.
        device: What torch calls it: "cpu", "cuda", "mps".
    """

    def __init__(self, model: str | Path, *, device: str = "cpu") -> None:
        self._name = str(model)
        self._device = device
        self._lock = threading.Lock()
        self._model: Any = None

    def __repr__(self) -> str:
        return f"SentenceTransformersReranker({self._name!r}, device={self._device!r})"

    async def open(self) -> None:
        """Import the library and load the model: several seconds.

        Raises:
            ConfigError: If sentence-transformers is not installed.
            ModelNotInstalled: If the model is neither on disk nor on a hub that can be reached,
                or gives more than one number a pair.
        """
        await to_thread.run_sync(self._load, limiter=_limiter())

    async def close(self) -> None:
        """Let the model go; the next use loads it again."""
        self._model = None

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,)."""
        import numpy as np

        query, texts = check_input(query, texts, _MAX_TOKENS * _CHARS_PER_TOKEN)
        scores: Scores = np.empty(len(texts), np.float32)
        for start in range(0, len(texts), _GROUP_TEXTS):
            group = slice(start, start + _GROUP_TEXTS)
            work = query, texts[group]
            scores[group] = await to_thread.run_sync(self._score, *work, limiter=_limiter())
        return check_scores(scores)

    def _load(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = _load_model(self._name, self._device)
            return self._model

    def _score(self, query: str, texts: list[str]) -> Scores:
        """Raw outputs, as the other rerankers give: a sigmoid would press the best together.

        Texts are cut by characters first: for two long ones the tokenizer's own cutting takes
        minutes (see pairs.py).
        """
        model = self._load()
        most = _window(model) * _CHARS_PER_TOKEN
        pairs = [(query[:most], text[:most]) for text in texts]
        with translate("texts could not be reranked"):
            from torch.nn import Identity

            scores: Scores = model.predict(
                pairs, activation_fn=Identity(), convert_to_numpy=True, show_progress_bar=False
            )
            return scores.astype("float32", copy=False)


def _load_model(name: str, device: str) -> Any:
    try:
        from sentence_transformers import CrossEncoder
    except ImportError as error:
        raise ConfigError(
            f"reranker 'sentence-transformers' needs an optional package: {_INSTALL}"
        ) from error
    try:
        with translate(f"model {name!r} could not be loaded"):
            model = CrossEncoder(name, device=device)
    except BackendError as error:
        raise ModelNotInstalled(f"{error}; give the folder of a cross-encoder") from error
    if model.num_labels != 1:
        raise ModelNotInstalled(
            f"model {name!r} gives {model.num_labels} numbers a pair; give a cross-encoder with one"
        )
    return model


def _window(model: Any) -> int:
    """Tokens that a model takes in; older versions of the library have another name for it."""
    length = getattr(model, "max_seq_length", None) or getattr(model, "max_length", None)
    return min(length or _MAX_TOKENS, _MAX_TOKENS)


_run_limiter: RunVar[CapacityLimiter] = RunVar("memory_vault.rerank.sentence_transformers")


def _limiter() -> CapacityLimiter:
    """One run at a time for the running event loop: torch uses all cores by itself."""
    limiter = _run_limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(1)
        _run_limiter.set(limiter)
    return limiter


@contextmanager
def translate(what: str) -> Iterator[None]:
    """Turn the library's errors into ours; torch and its hub client share no common base."""
    try:
        yield
    except MemoryVaultError:
        raise
    except Exception as error:
        raise BackendError(f"{what}: {type(error).__name__}: {error}") from error
