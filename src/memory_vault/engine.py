"""What vaults on one folder share in one event loop: store, indexes, embedder, background work."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from ._host import Host, finish
from ._tracing import tracer_of
from .config import MemoryConfig
from .embed import Embedder
from .embed.choose import is_local
from .embedders import Embedders
from .errors import ConfigError, MemoryVaultError
from .jobs.kinds import kinds
from .jobs.runner import Runner
from .llm import LanguageModel
from .llm.choose import choose as choose_llm
from .llm.limited import LimitedModel
from .models import Health
from .outer_index import OuterIndex
from .pipelines.proof import start
from .plugins import Plugins
from .rerank import Reranker
from .rerank.checks import CheckedReranker
from .rerank.choose import choose as choose_reranker
from .rerank.choose import is_ours
from .storage.index import stored
from .storage.index.cache import IndexCache
from .storage.index.choose import choose as choose_index
from .storage.sqlite.store import SqliteStore
from .text.budget import LineCosts
from .text.tokens import TokenCounter, token_counter

_NEVER_SHOWN = {"encryption_key"}
_PER_CALL = {"top_k", "token_budget", "block_user", "block_date", "tracing"}
"""Settings in which vaults on one folder may differ."""

_engines: RunVar[dict[Path, Engine]] = RunVar("memory_vault_engines")


class Engine:
    """Everything that vaults on one folder share; made by `acquire`, closed by the last `release`.

    Engines are kept by folder within one event loop. Two loops in one process have two engines,
    which meet as two processes do: in the files.

    Attributes:
        holders: Open vaults that share it.
        counter: Made by `open`, since a table of tokens may have to be read.
        line_costs: What lines of a block cost by that counter; made with it.
        reranker: Opens by itself when it is first used; None when none is configured.
        llm: The same, for background work only; within the limit of a day, if there is one.
        plugins: Classifiers and readers; looked for when they are first asked.
        outer: The index outside of this process's memory; None with the exact one.
    """

    counter: TokenCounter
    line_costs: LineCosts

    def __init__(self, config: MemoryConfig) -> None:
        self.config: MemoryConfig = config
        self.holders: int = 0
        self.host: Host = Host()
        self.store: SqliteStore = SqliteStore(
            config.data_dir,
            durability=config.durability,
            lock_timeout_s=config.lock_timeout_s,
            max_open_files=config.max_open_files,
            readers=config.workers or _default_workers(),
            encryption_key=config.encryption_key,
        )
        self.outer: OuterIndex | None = _outer_index(config, self.store)
        few_rows = None if self.outer is None else stored.FEW_ROWS
        self.indexes: IndexCache = IndexCache(config.index_bytes, few_rows=few_rows)
        self.embedders: Embedders = Embedders(config, self.store)
        self._owns_reranker = isinstance(config.reranker, str)
        self.reranker: Reranker | None = _reranker(config)
        reads_facts = config.llm is not None and config.llm_facts_after_s is not None
        self.runner: Runner = Runner(self, kinds(reads_facts=reads_facts))
        self.store.on_work = self.runner.wake
        self._owns_llm = isinstance(config.llm, str)
        self.llm: LanguageModel | None = _llm(config, self.store)
        self.plugins: Plugins = _plugins(config)
        self._lock = anyio.Lock()
        self._is_open = False

    @property
    def embedder(self) -> Embedder:
        """The vault's own; `embedders.for_user` finds that of a user who has not moved yet."""
        return self.embedders.current

    async def open(self) -> None:
        """Open the store and start loading the model; repeatable."""
        async with self._lock:
            if self._is_open:
                return
            name = self.config.token_counter
            self.counter = await to_thread.run_sync(token_counter, name)
            self.line_costs = LineCosts(self.counter)
            await self.store.open()
            await self.embedders.follow()
            await self._open_outer_index()
            unfinished = await self.store.in_thread(self.store.erasure.owed)
            self.host = Host()  # one whose start was cut short takes no jobs any more
            await self.host.start()
            for owed in unfinished:
                start(self, owed)
            self.host.start_soon("jobs", self.runner.run)
            if self.outer is not None:
                self.host.start_soon("outer index", self.outer.feed.run)
            self._is_open = True
            if self.config.preload and _has_model_to_load(self.config):
                self.host.start_soon("model", self._preload)

    async def _open_outer_index(self) -> None:
        if self.outer is not None:
            await self.outer.open()
        else:
            await self.store.work(lambda _: self.store.indexed.clear())

    async def _preload(self) -> None:
        """Load what the first calls need, so that no import holds up the event loop then."""
        await to_thread.run_sync(_import_pipelines)
        await self.embedder.open()

    async def close(self) -> None:
        """Stop background work, wait for units under way, close the files."""
        with anyio.CancelScope(shield=True):
            async with self._lock:
                await self.host.stop()  # an open that was cut short may have started it
                if self._is_open:
                    await self.embedders.close()
                    if self.reranker is not None and self._owns_reranker:
                        await self.reranker.close()
                    if self.llm is not None and self._owns_llm:
                        await self.llm.close()
                if self.outer is not None:
                    await self.outer.close()
                await self.store.close()
                self._is_open = False

    async def health(self) -> Health:
        """Try each part."""
        failures = self.host.failures
        failures.pop("model", None)
        wrong = [f"{name}: {what}" for name, what in failures.items()]
        if owed := len(await self.store.in_thread(self.store.erasure.owed)):
            wrong.append(f"{owed} calls to forget wait for a reader in another process to end")
        if failed := await self.store.work(lambda hints: hints.failed()):
            wrong.append(f"{failed} jobs failed: `memory-vault jobs list --state failed` tells why")
        wrong += [f"jobs: {what}" for what in self.runner.troubles.values()]
        background = "; ".join(wrong)
        return Health(
            store=await self._try_store(),
            index=self._outer_troubles() or "ok",  # derived: what is in doubt is built anew
            embedder=await self._try_embedder(),
            background=background or "ok",
            plugins="; ".join(self.plugins.problems) or "ok",
        )

    def _outer_troubles(self) -> str:
        said = "" if self.outer is None else "; ".join(self.outer.troubles)
        return said and f"{said}; until then near embeddings are found in the users' files"

    async def _try_store(self) -> str:
        try:
            await self.store.list_users(size=1, after=None)
        except MemoryVaultError as error:
            return str(error)
        is_writable = await to_thread.run_sync(os.access, self.config.data_dir, os.W_OK)
        return "ok" if is_writable else f"{self.config.data_dir} cannot be written"

    async def _try_embedder(self) -> str:
        try:
            await self.embedder.open()
        except MemoryVaultError as error:
            return str(error)
        return "ok"


def _import_pipelines() -> None:
    """Import what `save` and `recall` import at their first call. Blocking."""
    from .pipelines import ingest, recall  # noqa: F401


def _default_workers() -> int:
    """One less than the cores, at most 4: much of what they do holds the interpreter's lock.

    Each thread that waits for it makes the event loop wait longer; with the model's threads they
    would outnumber the cores.
    """
    return min(max(1, (os.cpu_count() or 1) - 1), 4)


def _has_model_to_load(config: MemoryConfig) -> bool:
    """Whether opening may start it: opening a vault asks no service."""
    return not isinstance(config.embedder, str) or is_local(config.embedder)


def _reranker(config: MemoryConfig) -> Reranker | None:
    """The configured reranker: ours by name, any other with its answers checked, or none."""
    given = config.reranker
    if given is None:
        return None
    if not isinstance(given, str):
        return CheckedReranker(given)
    made = choose_reranker(
        given,
        config.reranker_api_key,
        model_dir=config.model_dir,
        threads=config.model_threads,
    )
    return made if is_ours(given) else CheckedReranker(made)


def _outer_index(config: MemoryConfig, store: SqliteStore) -> OuterIndex | None:
    """The configured outer index: the caller's own, one of ours by name, or none."""
    index = choose_index(config.index, config.data_dir)
    if index is None:
        return None
    owns, lock = isinstance(config.index, str), config.data_dir / "outer-index.lock"
    return OuterIndex(store, index, owns=owns, lock=lock)


def _llm(config: MemoryConfig, store: SqliteStore) -> LanguageModel | None:
    """The configured language model: the caller's own, one of ours by name, or none."""
    found = config.llm
    if isinstance(found, str):
        found = choose_llm(
            found, config.llm_api_key, timeout_s=config.llm_timeout_s, at_once=config.llm_at_once
        )
    if found is None or config.llm_tokens_a_day is None:
        return found
    return LimitedModel(found, store.spending, config.llm_tokens_a_day)


def _plugins(config: MemoryConfig) -> Plugins:
    """The caller's own, or those of installed packages, or none."""
    if isinstance(config.plugins, str):
        return Plugins(installed=config.plugins == "installed")
    return config.plugins


async def acquire(config: MemoryConfig | None) -> tuple[Engine, MemoryConfig]:
    """The open engine of a folder in this event loop, and the settings in full.

    Cancelled, it holds nothing.

    Raises:
        ConfigError: If a setting is wrong or differs from those the folder is open with.
        StorageError: If the folder cannot be used.
    """
    settled = await to_thread.run_sync(_settle, config)
    engine = _find(settled)
    engine.holders += 1
    try:
        await engine.open()
    except BaseException:
        await release(engine)
        raise
    return engine, settled


async def release(engine: Engine) -> None:
    """Let go of an engine; the last one to do so closes it."""
    engine.holders -= 1
    if engine.holders:
        return
    engines = _engines.get({})
    if engines.get(engine.config.data_dir) is engine:
        del engines[engine.config.data_dir]
    await finish(engine.close)


async def mend(config: MemoryConfig | None) -> tuple[str, ...]:
    """Set a catalog aside that is too damaged to open the vault; what was done.

    Raises:
        StorageError: If the folder cannot be used, or another process has the catalog in use.
    """
    store = Engine(await to_thread.run_sync(_settle, config)).store
    try:
        done = await store.in_thread(store.maintenance.mend)
    finally:
        await store.close()
    return () if done is None else (done,)


def _settle(config: MemoryConfig | None) -> MemoryConfig:
    """Settings with the config file read and the folder's path made absolute. Blocking."""
    found = (config or MemoryConfig()).with_file()
    tracer_of(found.tracing)  # what it imports is imported here, or it is refused
    return replace(found, data_dir=found.data_dir.expanduser().resolve())


def _find(config: MemoryConfig) -> Engine:
    """The engine of this folder, made if there is none."""
    try:
        engines = _engines.get()
    except LookupError:
        engines = {}
        _engines.set(engines)
    engine = engines.get(config.data_dir)
    if engine is None:
        engine = engines[config.data_dir] = Engine(config)
    _agree(engine, config)
    return engine


def _agree(engine: Engine, wanted: MemoryConfig) -> None:
    """Refuse a second vault with other settings on the folder."""
    held = engine.config
    for one in fields(MemoryConfig):
        before, now = getattr(held, one.name), getattr(wanted, one.name)
        if one.name == "embedder" and engine.embedders.accepts(now):
            continue
        if one.name in _NEVER_SHOWN and before != now:
            raise ConfigError(
                f"{one.name}: {held.data_dir} is already open in this program with another one; "
                "close that vault first, or use the same"
            )
        if one.name not in _PER_CALL and before != now:
            here, there = (f"={now!r}", repr(before)) if one.repr else ("", "another")
            raise ConfigError(
                f"{one.name}{here}: {held.data_dir} is already open in this program with "
                f"{there}; close that vault first, or use the same setting"
            )
