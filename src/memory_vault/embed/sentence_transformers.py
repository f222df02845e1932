"""Embeds with the sentence-transformers library: any of its models, on any of its devices."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from ..errors import BackendError, ConfigError, InvalidInput, MemoryVaultError, ModelNotInstalled
from . import Fingerprint
from . import model_files as files

if TYPE_CHECKING:
    from . import Embeddings

_INSTALL = "pip install 'memory-vault[sentence-transformers]'"
_GROUP_TEXTS = 64
"""Texts of one run: cancelling takes effect between two."""


class SentenceTransformersEmbedder:
    """Embeds with a sentence-transformers model, named or in a folder.

    With the weights of all-MiniLM-L6-v2 its fingerprint is that of `OnnxEmbedder` in float32, so
    that a vault opens with either. A model that is not in the Hugging Face cache is downloaded at
    `open`.

    Args:
        model: A name on the hub, or a folder.
        device: What torch calls it: "cpu", "cuda", "mps".
    """

    def __init__(self, model: str | Path = files.HUB_NAME, *, device: str = "cpu") -> None:
        self._name = str(model)
        self._device = device
        self._lock = threading.Lock()
        self._model: Any = None
        self._fingerprint: Fingerprint | None = None

    def __repr__(self) -> str:
        return f"SentenceTransformersEmbedder({self._name!r}, device={self._device!r})"

    @property
    def fingerprint(self) -> Fingerprint:
        """Named after the hash of the weights; before `open` that file is read, 0.1 to 0.5 s.

        Raises:
            ModelNotInstalled: Before `open`, unless the weights of all-MiniLM-L6-v2 are on disk.
        """
        if self._fingerprint is None:
            weights = _find_weights(self._name)
            if weights is None or files.sha256(weights) != files.SOURCES[files.WEIGHTS].sha256:
                raise ModelNotInstalled(f"model {self._name!r}: its fingerprint needs open() first")
            self._fingerprint = _minilm()
        return self._fingerprint

    @property
    def window(self) -> int:
        """Tokens that the model takes in, less its two special ones; before `open`, 254."""
        return int(self._model.max_seq_length) - 2 if self._model else files.MAX_TOKENS - 2

    async def open(self) -> None:
        """Import the library and load the model: several seconds. Repeatable at no cost.

        Raises:
            ConfigError: If sentence-transformers is not installed.
            ModelNotInstalled: If the model is neither on disk nor on a hub that can be reached.
        """
        if self._model is None:
            await to_thread.run_sync(self._load, limiter=_limiter())

    async def close(self) -> None:
        """Let the model go; the next use loads it again."""
        self._model = None

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, dimension)."""
        import numpy as np

        if isinstance(texts, str):
            raise InvalidInput("texts: give a list of strings, not one string")
        await self.open()
        rows = [np.empty((0, self.fingerprint.dimension), np.float32)]
        for start in range(0, len(texts), _GROUP_TEXTS):
            group = list(texts[start : start + _GROUP_TEXTS])
            rows.append(await to_thread.run_sync(self._encode, group, limiter=_limiter()))
        return np.concatenate(rows)

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question, with the model's own prompt for questions if it has one."""
        rows = await to_thread.run_sync(self._encode, [text], True, limiter=_limiter())
        row: Embeddings = rows[0]
        return row

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of the text's tokens; an empty span belongs to the character before it."""
        tokenizer = self._load().tokenizer
        with translate("a text could not be split into tokens"):
            found = tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
            )
        return list(_disjoint(found["offset_mapping"]))

    def _load(self) -> Any:
        with self._lock:
            if self._model is None:
                model = _load_model(self._name, self._device)
                self._fingerprint = _identify(self._name, model)
                if self._fingerprint == _minilm():
                    model.max_seq_length = files.MAX_TOKENS
                self._model = model
            return self._model

    def _encode(self, texts: list[str], is_query: bool = False) -> Embeddings:
        model = self._load()
        encode = model.encode_query if is_query else model.encode_document
        with translate("texts could not be embedded"):
            rows: Embeddings = encode(
                texts, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
            )
            return rows.astype("float32", copy=False)


def _load_model(name: str, device: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ConfigError(
            f"embedder 'sentence-transformers' needs an optional package: {_INSTALL}"
        ) from error
    try:
        with translate(f"model {name!r} could not be loaded"):
            return SentenceTransformer(name, device=device)
    except BackendError as error:
        raise ModelNotInstalled(
            f"{error}; give a folder that holds it, or use the embedder 'minilm'"
        ) from error


def _minilm() -> Fingerprint:
    return Fingerprint(files.MODEL, files.REVISION, files.DIMENSION, "float32")


def _identify(name: str, model: Any) -> Fingerprint:
    """The fingerprint of a loaded model: by its weights' hash, or the commit it came from."""
    weights = _find_weights(name)
    digest = files.sha256(weights) if weights else ""
    if digest == files.SOURCES[files.WEIGHTS].sha256:
        return _minilm()
    revision = digest[:12] or str(getattr(model[0].auto_model.config, "_commit_hash", "unknown"))
    dimension = int(model.get_embedding_dimension())
    return Fingerprint(Path(name).name, revision, dimension, "float32")


def _find_weights(name: str) -> Path | None:
    """The weights file that a name or folder stands for, if it is on disk. Blocking."""
    hub_name = name if "/" in name else f"sentence-transformers/{name}"
    folder = Path(name) if Path(name).is_dir() else files.hub_cache(hub_name)
    weights = folder / files.WEIGHTS if folder else None
    return weights if weights and weights.is_file() else None


def _disjoint(offsets: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """A token's span without what the one before it has."""
    end = 0
    for start, stop in offsets:
        yield max(start, end), max(stop, end)
        end = max(stop, end)


_run_limiter: RunVar[CapacityLimiter] = RunVar("memory_vault.embed.sentence_transformers")


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
