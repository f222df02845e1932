"""Runs an evaluation file through the public API and collects what recall found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from ..config import MemoryConfig
from ..embed import Embedder
from ..layer import MemoryLayer
from ..models import Message, RecallResult
from ..text.clean import is_blank
from ..text.prompt import escape
from ..vault import Vault
from .embedding_cache import CachedEmbedder
from .eval_file import Chain, EvalFile, Place, Question, plan
from .metrics import BUDGETS, Block, Judged, percentile, ranks, score, summary, unique

_ALL = 1_000_000
"""A `top_k` that leaves nothing out."""
_ALL_TOKENS = 1_000_000_000
_TIMED_BUDGET = 2000
_SOURCE = Path(__file__).resolve().parents[2]
_TIMED_EMBEDDINGS = 200


@dataclass(slots=True)
class Report:
    """What a run collected.

    Attributes:
        judged: One entry a question, in the order of the file.
        search_ms: Duration of a recall with 2,000 tokens, question already embedded.
        embed_ms: Duration of embedding a question, not cached.
    """

    judged: list[Judged] = field(default_factory=list)
    search_ms: list[float] = field(default_factory=list)
    embed_ms: list[float] = field(default_factory=list)

    def as_dict(self, file: str, commit: str | None) -> dict[str, Any]:
        """All figures in the form in which runs are kept and compared; no text of the file."""
        return {
            "file": file,
            "commit": commit,
            **summary(self.judged),
            "latency_ms": self.latency_ms(),
            "questions": [_row(one) for one in self.judged],
        }

    def latency_ms(self) -> dict[str, float | None]:
        """Percentiles; `recall` is `search` plus the median of embedding a question."""
        embed = percentile(self.embed_ms, 0.5)
        found: dict[str, float | None] = {}
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            search = percentile(self.search_ms, share)
            both = search + embed if search is not None and embed is not None else None
            found[f"recall_{name}"] = both
            found[f"search_{name}"] = search
        return {
            **found,
            "embed_query_p50": embed,
            "embed_query_p95": percentile(self.embed_ms, 0.95),
        }


def _row(one: Judged) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.type,
        "abstention": one.is_abstention,
        "session_ranks": ranks(one.sessions, one.gold_sessions),
        "turn_ranks": ranks(one.turns, one.gold_turns),
        **score(one),
    }


async def run(
    file: EvalFile,
    folder: Path,
    embedder: Embedder,
    *,
    cache_dir: Path | None = None,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Save every conversation once, ask every question, and judge what comes back.

    Args:
        file: What to ask.
        folder: An empty folder for the vault of this run.
        embedder: What embeds; opened and closed here.
        cache_dir: Where embeddings are kept between runs; None for the user's cache folder.
        jobs: Conversations worked on at once; more than one blurs the latencies.
        progress: Told how many questions were just done.
    """
    cached = CachedEmbedder(embedder, cache_dir)
    report = Report()
    await cached.open()
    try:
        report.embed_ms = await _time_embedding(embedder, file.questions)
        config = MemoryConfig(data_dir=folder, embedder=cached, durability="process")
        async with Vault(config) as vault:
            await _all_chains(vault, file, report, jobs, progress or _say_nothing)
    finally:
        with anyio.CancelScope(shield=True):
            await cached.close()
    places = {one.id: place for place, one in enumerate(file.questions)}
    report.judged.sort(key=lambda one: places[one.id])
    return report


def _say_nothing(count: int) -> None:
    """Tell nobody how many questions were done."""


async def _time_embedding(embedder: Embedder, questions: Sequence[Question]) -> list[float]:
    """Milliseconds of embedding each of some questions, after one to warm up."""
    found = []
    for one in [*questions[:1], *questions[:_TIMED_EMBEDDINGS]]:
        start = time.perf_counter()
        await embedder.embed_query(one.text)
        found.append((time.perf_counter() - start) * 1000)
    return found[1:]


async def _all_chains(
    vault: Vault, file: EvalFile, report: Report, jobs: int, progress: Callable[[int], None]
) -> None:
    limiter = anyio.CapacityLimiter(jobs)
    async with anyio.create_task_group() as tasks:
        for number, chain in enumerate(plan(file.questions)):
            work = _Work(vault, f"user-{number}", file, report, progress)
            tasks.start_soon(partial(_limited, limiter, work, chain))


async def _limited(limiter: anyio.CapacityLimiter, work: _Work, chain: Chain) -> None:
    async with limiter:
        await work.run(chain)


class _Work:
    """One user: saves sessions, asks questions, and is forgotten at the end."""

    def __init__(
        self,
        vault: Vault,
        user_id: str,
        file: EvalFile,
        report: Report,
        progress: Callable[[int], None],
    ) -> None:
        self._vault = vault
        self._user_id = user_id
        self._file = file
        self._report = report
        self._progress = progress
        self._turns: dict[str, list[str]] = {}
        """Turn ids by memory: duplicates share one."""

    async def run(self, chain: Chain) -> None:
        async with MemoryLayer(self._user_id, vault=self._vault) as memory:
            for step in chain.steps:
                for place in step.places:
                    await self._save(memory, place)
                for question in step.questions:
                    self._report.judged.append(await self._ask(memory, question))
                    self._progress(1)
        await self._vault.forget_user(self._user_id, confirm=True)

    async def _save(self, memory: MemoryLayer, place: Place) -> None:
        """Save one session in one call; blank turns, which no vault keeps, are left out."""
        turns = [one for one in self._file.sessions[place.key] if not is_blank(one.text)]
        if not turns:
            return
        messages = [Message(t.role, t.text, place.moment, {"turn": t.id}) for t in turns]
        result = await memory.save(messages, session_id=place.session_id)
        for saved in result.saved:
            self._turns.setdefault(saved.id, []).append(saved.metadata["turn"])
        for one in result.duplicates:
            self._turns.setdefault(one.memory_id, []).append(turns[one.position].id)

    async def _ask(self, memory: MemoryLayer, question: Question) -> Judged:
        everything = await memory.recall(question.text, top_k=_ALL, token_budget=_ALL_TOKENS)
        return Judged(
            id=question.id,
            type=question.type,
            is_abstention=question.is_abstention,
            gold_sessions=question.gold_sessions,
            gold_turns=question.gold_turns,
            sessions=unique(one.memory.session_id or "" for one in everything.memories),
            turns=unique(t for one in everything.memories for t in self._turns[one.memory.id]),
            blocks={budget: await self._block(memory, question, budget) for budget in BUDGETS},
        )

    async def _block(self, memory: MemoryLayer, question: Question, budget: int) -> Block:
        start = time.perf_counter()
        result = await memory.recall(question.text, token_budget=budget)
        if budget == _TIMED_BUDGET:
            self._report.search_ms.append((time.perf_counter() - start) * 1000)
        held = self._whole(result) & question.gold_turns
        held |= _standing_in(result.prompt_block, self._texts(question))
        return Block(frozenset(held), result.total_tokens)

    def _whole(self, result: RecallResult) -> set[str]:
        """Turns that the block holds whole."""
        whole = (one.memory for one in result.memories if one.snippet == one.memory.content)
        return {turn for memory in whole for turn in self._turns[memory.id]}

    def _texts(self, question: Question) -> dict[str, str]:
        """Text of each gold turn."""
        turns = (one for place in question.order for one in self._file.sessions[place.key])
        return {one.id: one.text for one in turns if one.id in question.gold_turns}


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
