"""Runs an evaluation file through the public API and collects what recall found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from ..config import MemoryConfig
from ..embed import Embedder
from ..errors import MemoryVaultError
from ..layer import MemoryLayer
from ..models import Message, RecallResult
from ..pipelines.pieces import passages
from ..rerank import Reranker
from ..text.clean import is_blank
from ..text.facts import read_facts
from ..text.prompt import escape
from ..text.speakers import SUMMARY
from ..text.summary import statements
from ..text.tokens import token_counter
from ..vault import Vault
from .baseline import run as plain
from .embedding_cache import CachedEmbedder
from .eval_file import Chain, EvalFile, Place, Question, plan
from .journal import Journal, source_digest
from .metrics import BUDGETS, Block, Judged, row, unique
from .report import Report

_ALL = 1_000_000
"""A `top_k` that leaves nothing out."""
_ALL_TOKENS = 1_000_000_000
_TIMED_BUDGET = 2000
_SOURCE = Path(__file__).resolve().parents[2]
_TIMED_EMBEDDINGS = 200


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes about it.

    Attributes:
        jobs: Conversations worked on at once; more than one blurs the latencies.
        with_baseline: Also ask by plain retrieval.
        is_fresh: Begin anew whatever an earlier run has judged.
        compress: Compress everything to this share before asking; None for not at all.
        reranker: What orders the best found again, by name; None for what is configured, if any.
        model_dir: Where the installed model is; None for what is configured.
        cache_dir: Where embeddings are kept between runs; None for the user's cache folder.
        journal_dir: Where a stopped run is kept; None for the user's cache folder.
    """

    jobs: int = 1
    with_baseline: bool = False
    is_fresh: bool = False
    compress: float | None = None
    reranker: str | None = None
    model_dir: Path | None = None
    cache_dir: Path | None = None
    journal_dir: Path | None = None


Progress = Callable[[int, int], None]
"""Told how many steps were just done, and of how many: sessions saved and questions asked."""
_SOME_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


async def run(
    file: EvalFile,
    folder: Path,
    embedder: Embedder,
    options: Options | None = None,
    *,
    progress: Progress | None = None,
) -> Report:
    """Save every conversation once, ask every question, and judge what comes back.

    What is judged is kept in a journal: the same run, stopped and started again, goes on there.

    Args:
        file: What to ask.
        folder: An empty folder for the vault of this run.
        embedder: What embeds; opened and closed here.
        options: None for one conversation at a time and nothing else.
        progress: Told of every step.
    """
    options = options or Options()
    cached = CachedEmbedder(embedder, options.cache_dir)
    await cached.open()
    try:
        config = MemoryConfig(data_dir=folder, embedder=cached, durability="process")
        config = await to_thread.run_sync(config.with_file)
        if options.compress is not None:
            config = replace(config, compress_ratio=options.compress)
        if options.reranker is not None:
            config = replace(config, reranker=options.reranker)
        if options.model_dir is not None:
            config = replace(config, model_dir=options.model_dir)
        report = Report(file)
        if config.reranker is not None:
            report.reranked = {"by": _shown(config.reranker), "best": config.rerank_top}
        done = await to_thread.run_sync(_resume, report, _key(config, cached), options)
        report.embed_ms = await _time_embedding(embedder, file.questions)
        chains = plan(file.questions, done)
        whole = plan(file.questions) if options.with_baseline else []
        total = sum(map(len, chains)) + sum(map(len, whole))
        advance = partial(_advance, progress, total)
        async with Vault(config) as vault:
            await _all_chains(vault, cached, report, chains, options, advance)
        if options.with_baseline:
            counter = await to_thread.run_sync(token_counter, config.token_counter)
            report.baseline = await plain(file, cached, counter, advance)
    finally:
        with anyio.CancelScope(shield=True):
            await cached.close()
    places = {one.id: place for place, one in enumerate(file.questions)}
    report.rows.sort(key=lambda one: places[one["id"]])
    return report


def _shown(reranker: str | Reranker) -> str:
    """A reranker's name without what may be secret: that stands behind a question mark."""
    return reranker.partition("?")[0] if isinstance(reranker, str) else type(reranker).__name__


def _advance(progress: Progress | None, total: int, steps: int) -> None:
    if progress is not None:
        progress(steps, total)


def _resume(report: Report, key: Mapping[str, Any], options: Options) -> set[str]:
    """Take over what an earlier run has judged; the ids of those questions. Blocking."""
    questions = [one.id for one in report.file.questions]
    whole = {**key, "file": report.file.digest, "questions": questions, "code": source_digest()}
    whole["jobs"] = options.jobs  # a latency measured beside others is another one
    whole["compress"] = options.compress
    report.journal = Journal(options.journal_dir, whole)
    if options.is_fresh:
        report.journal.remove()
    found = report.journal.read()
    report.rows = [row for row, _ in found.values()]
    report.search_ms = [ms for _, ms in found.values()]
    report.resumed = len(found)
    return set(found)


_NO_MATTER = {"data_dir", "model_dir", "embedder"}
"""Settings that say where things are; the embedder counts by its fingerprint."""


def _key(config: MemoryConfig, embedder: Embedder) -> dict[str, Any]:
    """What of the settings the figures depend on."""
    names = sorted({one.name for one in fields(config)} - _NO_MATTER)
    return {
        "embedder": str(embedder.fingerprint),
        "settings": {name: repr(getattr(config, name)) for name in names},
    }


async def _time_embedding(embedder: Embedder, questions: Sequence[Question]) -> list[float]:
    """Milliseconds of embedding each of some questions, after one to warm up."""
    found = []
    for one in [*questions[:1], *questions[:_TIMED_EMBEDDINGS]]:
        start = time.perf_counter()
        await embedder.embed_query(one.text)
        found.append((time.perf_counter() - start) * 1000)
    return found[1:]


async def _all_chains(
    vault: Vault,
    embedder: CachedEmbedder,
    report: Report,
    chains: Sequence[Chain],
    options: Options,
    advance: Callable[[int], None],
) -> None:
    limiter = anyio.CapacityLimiter(options.jobs)
    is_compressed = options.compress is not None
    try:
        async with anyio.create_task_group() as tasks:
            for number, chain in enumerate(chains):
                work = _Work(vault, embedder, f"user-{number}", report, advance, is_compressed)
                tasks.start_soon(partial(_limited, limiter, work, chain))
    except BaseExceptionGroup as group:
        ours, others = group.split(MemoryVaultError)
        if ours is None or others is not None:
            raise
        raise _first(ours) from None


def _first(group: BaseExceptionGroup[MemoryVaultError]) -> MemoryVaultError:
    """One error of a group: what a person is told."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _limited(limiter: anyio.CapacityLimiter, work: _Work, chain: Chain) -> None:
    async with limiter:
        await work.run(chain)


class _Work:
    """One user: saves sessions, asks questions, and is forgotten at the end."""

    def __init__(
        self,
        vault: Vault,
        embedder: CachedEmbedder,
        user_id: str,
        report: Report,
        advance: Callable[[int], None],
        is_compressed: bool,
    ) -> None:
        self._vault = vault
        self._embedder = embedder
        self._user_id = user_id
        self._report = report
        self._sessions = report.file.sessions
        self._advance = advance
        self._turns: dict[str, list[str]] = {}
        """Turn ids by memory: duplicates share one, a summary has those that speak in it; facts
        read from turns have none."""
        self._is_compressed = is_compressed
        self._texts: dict[str, str] = {}
        """Text by turn, where summaries have to be read."""
        self._visible: float | None = None

    async def run(self, chain: Chain) -> None:
        async with MemoryLayer(self._user_id, vault=self._vault) as memory:
            ahead = chain.ahead()
            for step in chain.steps:
                for place in step.places:
                    await self._embed_ahead(ahead.get(place, ()))
                    await self._save(memory, place)
                    self._advance(1)
                if self._is_compressed:
                    await self._compress(memory)
                for question in step.questions:
                    await self._keep(*await self._ask(memory, question))
                    self._advance(1)
        await self._vault.forget_user(self._user_id, confirm=True)

    async def _keep(self, judged: Judged, search_ms: float) -> None:
        """Note what was found, in the journal first."""
        found, journal = row(judged), self._report.journal
        if journal is not None:
            await to_thread.run_sync(journal.add, found, search_ms)
        self._report.rows.append(found)
        self._report.search_ms.append(search_ms)

    async def _embed_ahead(self, places: Sequence[Place]) -> None:
        """Have the cache hold what saving these sessions will embed."""
        groups = await to_thread.run_sync(self._passages, places)
        await self._embedder.embed_ahead(groups)

    def _passages(self, places: Sequence[Place]) -> list[list[str]]:
        shown = [self._report.file.shown(place) for place in places]
        return [
            [text for one in turns for *_, text in passages(self._embedder, one.text, one.role)]
            + [fact for one in turns for fact in _facts(one.role, one.text)]
            for turns in shown
        ]

    async def _save(self, memory: MemoryLayer, place: Place) -> None:
        """Save one session in one call."""
        turns = self._report.file.shown(place)
        if not turns:
            return
        messages = [Message(t.role, t.text, place.moment, {"turn": t.id}) for t in turns]
        result = await memory.save(messages, session_id=place.session_id)
        for saved in result.saved:
            self._turns.setdefault(saved.id, []).append(saved.metadata["turn"])
        for one in result.duplicates:
            self._turns.setdefault(one.memory_id, []).append(turns[one.position].id)

    async def _compress(self, memory: MemoryLayer) -> None:
        """Compress everything, and find out what speaks in each summary."""
        await memory.compress(wait=True, force=True)
        tokens = {True: 0, False: 0}
        cursor, is_more = None, True
        while is_more:
            page = await memory.list_memories(
                include_compressed=True, page_size=1000, cursor=cursor
            )
            for one in page.items:
                tokens[one.compressed] += one.token_count
                if one.role == SUMMARY:
                    sources = [turn for source in one.derived_from for turn in self._turns[source]]
                    self._turns[one.id] = [t for t in sources if self._speaks(t, one.content)]
                else:
                    self._texts |= dict.fromkeys(self._turns.get(one.id, ()), one.content)
            cursor, is_more = page.next_cursor, page.next_cursor is not None
        originals = sum(map(self._vault.engine.counter.count, self._texts.values()))
        self._visible = tokens[False] / originals if originals else None

    def _speaks(self, turn: str, text: str) -> bool:
        """Whether a sentence of a turn stands in a summary."""
        return any(one in text for one in statements(self._texts[turn]))

    async def _ask(self, memory: MemoryLayer, question: Question) -> tuple[Judged, float]:
        """Ask as of the question's moment; also how many milliseconds the timed recall took."""
        recall = partial(memory.recall, question.text, as_of=question.moment)
        everything = await recall(top_k=_ALL, token_budget=_ALL_TOKENS)
        results, search_ms = {}, 0.0
        for budget in BUDGETS:
            start = time.perf_counter()
            results[budget] = await recall(token_budget=budget)
            if budget == _TIMED_BUDGET:
                search_ms = (time.perf_counter() - start) * 1000
        told = results[_TIMED_BUDGET]
        judged = Judged(
            id=question.id,
            type=question.type,
            is_abstention=question.is_abstention,
            gold_sessions=question.gold_sessions,
            gold_turns=question.gold_turns,
            sessions=unique(
                one.memory.session_id or ""
                for one in everything.memories
                if one.memory.id in self._turns
            ),
            turns=unique(
                t for one in everything.memories for t in self._turns.get(one.memory.id, ())
            ),
            blocks={budget: self._block(question, one) for budget, one in results.items()},
            is_relevant=told.is_relevant,
            relevance=told.relevance,
            visible=self._visible,
            archived={b: _archived(one) for b, one in results.items()},
        )
        return judged, search_ms

    def _block(self, question: Question, result: RecallResult) -> Block:
        held = self._whole(result) & question.gold_turns
        held |= _standing_in(result.prompt_block, self._gold(question))
        return Block(frozenset(held), result.total_tokens)

    def _whole(self, result: RecallResult) -> set[str]:
        """Turns that the block holds whole; of those in a summary, a sentence."""
        found = set[str]()
        for one in result.memories:
            turns = self._turns.get(one.memory.id, ())
            if one.memory.role == SUMMARY:
                found |= {turn for turn in turns if self._speaks(turn, one.snippet)}
            elif one.snippet == one.memory.content:
                found |= set(turns)
        return found

    def _gold(self, question: Question) -> dict[str, str]:
        """Text of each gold turn."""
        turns = (one for place in question.order for one in self._sessions[place.key])
        return {one.id: one.text for one in turns if one.id in question.gold_turns}


def _archived(result: RecallResult) -> float:
    """The share of archived originals among the memories of a block."""
    return sum(one.memory.compressed for one in result.memories) / max(1, len(result.memories))


def _facts(role: str, text: str) -> list[str]:
    """The facts that a save will read from a turn, but for those that depend on its date."""
    found = read_facts(text, _SOME_MOMENT) if role == "user" else ()
    return [one.text for one in found if one.text]


def _standing_in(block: str, texts: Mapping[str, str]) -> set[str]:
    """Turns whose text, written as a block writes it, stands in this one."""
    return {turn for turn, text in texts.items() if not is_blank(text) and escape(text) in block}


async def commit() -> str | None:
    """The commit of the source tree this runs from, or None when it is installed."""
    if _SOURCE.name != "src":
        return None
    try:
        done = await anyio.run_process(["git", "rev-parse", "HEAD"], cwd=_SOURCE, check=False)
    except OSError:
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None
