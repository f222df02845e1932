"""The default embedder: all-MiniLM-L6-v2 in ONNX Runtime, in this process, without a network."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from ..errors import BackendError, InvalidInput
from . import Fingerprint
from . import model_files as files
from .runtime import (
    check_threads,
    group_by_length,
    load_session,
    load_tokenizer,
    pad,
    refusing_surrogates,
    translate,
)
from .scheduler import GROUP_TEXTS, Scheduler, stack

if TYPE_CHECKING:
    from . import Embeddings

    Ids = list[int]

WINDOW = files.MAX_TOKENS - 2
_DOCUMENT_TOKENS = 1_000
"""Of one batch: a save waits for that of another at most; longer ones are no faster."""
_QUERY_TOKENS = 256


class OnnxEmbedder:
    """Embeds with all-MiniLM-L6-v2 on the processor; embedders of one process share the model.

    Callers share batches, also those of several vaults; a question does not wait for documents. It
    loads at `open` or at first use, and again when used after `close`.

    Args:
        model_dir: Folder that `memory-vault model install` has filled. Not read before `open`.
        precision: "int8" takes a quarter of the memory; its embeddings live in a space of their
            own, which only the same graph on a similar processor gives.
        threads: Threads of one run; None for one a core, at most 8.
    """

    def __init__(
        self,
        model_dir: Path,
        *,
        precision: files.Precision = "float32",
        threads: int | None = None,
    ) -> None:
        if precision not in files.GRAPHS:
            raise InvalidInput(f"precision={precision!r}: give 'float32' or 'int8'")
        check_threads(threads)
        self._folder = Path(model_dir)
        self._precision = precision
        self._threads = threads
        self._engine: _Engine | None = None
        self._fingerprint: Fingerprint | None = None

    def __repr__(self) -> str:
        return f"OnnxEmbedder({str(self._folder)!r}, precision={self._precision!r})"

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the weights for float32, of the graph for int8 (then a small file is read)."""
        if self._fingerprint is None:
            name = _precision_name(self._folder, self._precision)
            self._fingerprint = Fingerprint(files.MODEL, files.REVISION, files.DIMENSION, name)
        return self._fingerprint

    @property
    def window(self) -> int:
        """254: the 256 tokens that the model was made for, less its two special ones."""
        return WINDOW

    async def open(self) -> None:
        """Load the model, once a process; 0.2 s. Repeatable at no cost."""
        if self._ready() is None:
            await to_thread.run_sync(self._load)

    async def close(self) -> None:
        """Give the model back; it is unloaded with its last embedder."""
        await to_thread.run_sync(self._unload)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, 384).

        Cancelled, it ends at once; the batch that is running goes on unseen.
        """
        texts = _check(texts)
        lane = self._lanes().documents
        parts: list[Embeddings] = []
        for start in range(0, len(texts), GROUP_TEXTS):
            rows = await lane.embed(texts[start : start + GROUP_TEXTS], self._run_documents)
            parts.append(stack(rows))
        import numpy as np

        return np.concatenate([np.empty((0, files.DIMENSION), np.float32), *parts])

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question; shape (384,). It runs beside the batch of documents in work."""
        texts = _check([text])
        (row,) = await self._lanes().queries.embed(texts, self._run_queries)
        found: Embeddings = row
        return found

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of the text's WordPiece tokens.

        Where one character gives several tokens, the first has its span, the others are empty and
        stand behind it: do not split there.
        """
        (text,) = _check([text])
        engine = self._load()
        with translate("a text could not be split into tokens"):
            return _disjoint(engine.offsets(text))

    def _lanes(self) -> _Lanes:
        """Those of the running event loop, shared with all embedders of this model."""
        lanes = _run_lanes.get(None)
        if lanes is None:
            lanes = {}
            _run_lanes.set(lanes)
        return lanes.setdefault((self._folder, self._precision, self._threads), _Lanes())

    async def _run_documents(self, texts: list[str]) -> Embeddings:
        return await to_thread.run_sync(self._run, texts, limiter=self._lanes().documents_limiter)

    async def _run_queries(self, texts: list[str]) -> Embeddings:
        return await to_thread.run_sync(self._run, texts, limiter=self._lanes().queries_limiter)

    def _ready(self) -> _Engine | None:
        """The model, if this process has loaded it: that of a parent is of no use."""
        engine = self._engine
        return engine if engine is not None and engine.pid == os.getpid() else None

    def _load(self) -> _Engine:
        with _lock:
            engine = self._engine = self._ready() or _acquire(
                self._folder, self._precision, self._threads
            )
            return engine

    def _unload(self) -> None:
        with _lock:
            engine, self._engine = self._engine, None
            if engine is not None:
                _release(engine)

    def _run(self, texts: list[str]) -> Embeddings:
        """Embed the texts of one batch, in a worker thread: in runs of similar length."""
        import numpy as np

        engine = self._load()
        rows: Embeddings = np.empty((len(texts), files.DIMENSION), np.float32)
        with translate("texts could not be embedded"):
            ids = engine.tokenize(texts)
            for batch in self._runs([len(one) for one in ids]):
                rows[batch] = engine.run([ids[i] for i in batch])
        return rows

    def _runs(self, lengths: list[int]) -> list[list[int]]:
        """Positions of texts that are run together: with int8 each alone.

        It scales over a whole batch, so neighbours would be felt.
        """
        if self._precision == "float32":
            return group_by_length(lengths)
        return [[i] for i in range(len(lengths))]


def _precision_name(folder: Path, precision: files.Precision) -> str:
    """The precision, with the graph's hash where another graph gives another space. Blocking."""
    if precision == "float32":
        return precision
    graph = files.read_manifest(folder).files.get(files.GRAPHS[precision])
    if graph is None:
        raise files.not_installed(f"{folder} holds no {files.GRAPHS[precision]}")
    return f"{precision}-{graph.sha256[:8]}"


def _check(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise InvalidInput("texts: give a list of strings, not one string")
    checked = list(texts)
    if not all(isinstance(text, str) for text in checked):
        raise InvalidInput("texts: every text must be a string")
    return checked


def _disjoint(offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """A token's span without what the one before it has: Hangul and others share characters."""
    spans: list[tuple[int, int]] = []
    end = 0
    for start, stop in offsets:
        spans.append((max(start, end), max(stop, end)))
        end = spans[-1][1]
    return spans


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Who waits for one model on one event loop.

    A run uses all cores, so documents are run one batch at a time. Questions have a lane of their
    own: they do not wait for the batch in work, and share their runs among themselves.
    """

    documents: Scheduler = field(
        default_factory=lambda: Scheduler(tokens=_DOCUMENT_TOKENS, window=WINDOW)
    )
    queries: Scheduler = field(
        default_factory=lambda: Scheduler(tokens=_QUERY_TOKENS, window=WINDOW)
    )
    documents_limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    queries_limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))


_run_lanes: RunVar[dict[_Key, _Lanes]] = RunVar("memory_vault.embed.onnx")

_Key = tuple[Path, files.Precision, int | None]
_lock = threading.Lock()
_engines: dict[_Key, _Engine] = {}


def _acquire(folder: Path, precision: files.Precision, threads: int | None) -> _Engine:
    """The process's engine for a model, loaded if it is the first use. Hold the lock."""
    key = (folder.resolve(), precision, threads)
    engine = _engines.get(key)
    if engine is None or engine.pid != os.getpid():  # a fork has no threads to run it
        engine = _engines[key] = _Engine(key)
    engine.users += 1
    return engine


def _release(engine: _Engine) -> None:
    """Take one user away and unload with the last. Hold the lock."""
    engine.users -= 1
    if not engine.users and _engines.get(engine.key) is engine:
        del _engines[engine.key]


class _Engine:
    """A loaded graph with its tokenizer; both may be used from several threads."""

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.pid = os.getpid()
        self.users = 0
        folder, precision, threads = key
        files.check_sizes(folder, files.read_manifest(folder))
        try:
            with translate(f"{folder} could not be loaded"):
                self._tokenizer = load_tokenizer(folder / files.TOKENIZER)
                self._session = load_session(folder / files.GRAPHS[precision], threads)
        except BackendError as error:
            raise files.not_installed(str(error)) from error
        ends = [self._tokenizer.token_to_id(one) for one in ("[CLS]", "[SEP]")]
        self._first, self._last = ends

    def tokenize(self, texts: list[str]) -> list[Ids]:
        """Token ids of each text, cut to the window, with the special ones around them."""
        with refusing_surrogates():
            found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [[self._first, *one.ids[:WINDOW], self._last] for one in found]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Start and end of each token, in characters; the whole text, without special tokens."""
        with refusing_surrogates():
            # A batch of one, because `encode` holds the GIL and `encode_batch` does not.
            (found,) = self._tokenizer.encode_batch([text], add_special_tokens=False)
        offsets: list[tuple[int, int]] = found.offsets
        return offsets

    def run(self, ids: Sequence[Ids]) -> Embeddings:
        """Embed texts of similar length in one run; shape (n, 384)."""
        padded, mask = pad(ids)
        feed = {"input_ids": padded, "attention_mask": mask}
        rows: Embeddings = self._session.run(None, feed)[0]
        return rows
