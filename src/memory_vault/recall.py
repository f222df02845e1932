"""The pipeline behind `recall`: embed the question, then look up, rank and pack in one hop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ._times import to_micros
from .models import LeftOut, Memory, Preference, Recalled, RecallResult
from .storage.index.rank import Ranked, rank
from .storage.index.user_index import Filters, UserIndex
from .text.budget import Candidate, Packed, pack
from .text.near_copy import near_copies
from .text.prompt import Line, conversation_line, fact_line, preference_line
from .text.snippet import snippet
from .text.words import word_ids, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .engine import Engine
    from .storage.sqlite.transaction import Transaction

_FACTS = frozenset({"semantic", "procedural"})
_SPARE = 2
"""Memories ranked for each one asked for, so that near-copies and misfits leave no gap."""
_LEAST_SNIPPET_TOKENS = 64
_SHARE_OF_ONE = 4
"""One memory takes at most this fraction of the budget."""
_RELEVANT_COSINE = 0.35
"""Cosine from which the best memory counts as an answer with this model (provisional)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked recall."""

    query: str
    top_k: int
    token_budget: int
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class _Found:
    """One ranked memory with what would go into the block."""

    ranked: Ranked
    memory: Memory
    snippet: str


async def recall(engine: Engine, user_id: str, request: Request) -> RecallResult:
    """Answer one request."""
    await engine.embedder.open()
    embedding = await engine.embedder.embed_query(request.query)
    index = engine.indexes.get(user_id, engine.embedder.fingerprint.dimension)
    answer = partial(_answer, engine, index, request, embedding)
    return await engine.store.read(user_id, answer, holding=index.lock)


def _answer(
    engine: Engine,
    index: UserIndex,
    request: Request,
    embedding: NDArray[np.float32],
    user: Transaction,
) -> RecallResult:
    """Everything after the embedding, in one worker thread and one transaction."""
    ranked = _look_up(engine, index, request, embedding, user)
    memories = user.memories.versions(one.version for one in ranked)
    focus = frozenset(words(request.query))
    limit = max(_LEAST_SNIPPET_TOKENS, request.token_budget // _SHARE_OF_ONE)
    found = [
        _Found(one, memory, _snippet(engine, user, one, memory, focus, limit))
        for one in ranked
        if (memory := memories.get(one.version)) is not None
    ]
    distinct = _without_copies(user, found)
    preferences = _preferences(request, user)
    packed = _pack(engine, request, preferences, distinct)
    return _result(request, preferences, distinct, packed, copies=len(found) - len(distinct))


def _look_up(
    engine: Engine,
    index: UserIndex,
    request: Request,
    embedding: NDArray[np.float32],
    user: Transaction,
) -> list[Ranked]:
    """Bring the user's index up to date and rank what the request may see."""
    user.require_embedder(engine.embedder.fingerprint)
    index.refresh(user.feed)
    return rank(
        index,
        embedding=embedding,
        word_ids=word_ids(request.query),
        visible=index.visible(request.filters),
        limit=request.top_k * _SPARE,
        room=request.token_budget,
    )


def _snippet(
    engine: Engine,
    user: Transaction,
    ranked: Ranked,
    memory: Memory,
    focus: frozenset[str],
    limit: int,
) -> str:
    """The whole memory if it is short, else its best spans."""
    if memory.token_count <= limit:
        return memory.content
    spans = user.memories.chunk_spans(ranked.version)
    best = [spans[i] for i in ranked.chunks if i < len(spans)]
    return snippet(memory.content, best, max_tokens=limit, counter=engine.counter, focus=focus)


def _without_copies(user: Transaction, found: Sequence[_Found]) -> list[_Found]:
    """Leave out what says nearly the same as something better ranked."""
    terms = user.memories.words(one.ranked.version for one in found)
    copies = near_copies([np.frombuffer(terms[one.ranked.version], "<u4") for one in found])
    return [one for one, original in zip(found, copies, strict=True) if original is None]


def _preferences(request: Request, user: Transaction) -> tuple[Preference, ...]:
    """The preferences in force, unless the request asks for other things only."""
    wanted = request.filters.memory_types
    if wanted is not None and "procedural" not in wanted:
        return ()
    return user.preferences.list(known_at=request.filters.known_at)


def _day(memory: Memory) -> date:
    return (memory.occurred_at or memory.recorded_at).date()


def _line(memory: Memory, text: str) -> Line:
    """A memory as a line of the block."""
    when = memory.occurred_at or memory.recorded_at
    order = (to_micros(when), to_micros(memory.recorded_at))
    if memory.memory_type in _FACTS:
        return Line("facts", order, fact_line(_day(memory), text))
    said = conversation_line(_day(memory), memory.session_id, memory.role, text)
    return Line("conversations", order, said)


def _pack(
    engine: Engine,
    request: Request,
    preferences: Sequence[Preference],
    found: Sequence[_Found],
) -> Packed:
    """Fill the budget: preferences first, then memories as ranked."""
    lines = [
        Line("preferences", (i,), preference_line(one.key, one.value))
        for i, one in enumerate(preferences)
    ]
    lines += [_line(one.memory, one.snippet) for one in found]
    return pack(
        [Candidate(i, line) for i, line in enumerate(lines)],
        token_budget=request.token_budget,
        counter=engine.counter,
        max_items=request.top_k,
    )


def _is_near(ranked: Ranked) -> bool:
    return ranked.signals.get("dense", 0.0) >= _RELEVANT_COSINE


def _result(
    request: Request,
    preferences: Sequence[Preference],
    found: Sequence[_Found],
    packed: Packed,
    *,
    copies: int,
) -> RecallResult:
    """What the caller gets."""
    first = len(preferences)
    kept = [found[i - first] for i in packed.kept if i >= first]
    counts = {**packed.left_out, "near_copy": copies}
    reasons = {why: count for why, count in counts.items() if count}
    return RecallResult(
        query=request.query,
        memories=tuple(
            Recalled(one.memory, one.snippet, one.ranked.score, one.ranked.signals, rank)
            for rank, one in enumerate(kept, 1)
        ),
        prompt_block=packed.block,
        total_tokens=packed.tokens,
        token_budget=request.token_budget,
        left_out=LeftOut(sum(reasons.values()), reasons),
        preferences=tuple(preferences[i] for i in packed.kept if i < first),
        is_relevant=any(
            one.ranked.signals.get("dense", 0.0) >= _RELEVANT_COSINE for one in kept[:1]
        ),
    )
