"""The pipeline behind `update`: embed and read what is new, write in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .._times import optional_micros, to_micros
from .._tracing import part
from ..errors import InvalidInput, NotFound
from ..models import Memory
from ..storage import Changes, Chunk, require_revision
from .facts import Noticed, model_reads_after, notice, statements
from .ingest import shared
from .pieces import Piece, as_bytes, chunks_of, pieces

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine
    from ..storage.sqlite.transaction import Transaction

_SUMMARISED = frozenset({"content", "memory_type", "occurred_at"})
"""What a summary says of a memory: when that changes, it is no summary of it any more."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an update is to read and to embed anew.

    Attributes:
        before: The memory that it was made for.
        pieces: Those of new content; none when it stays.
        noticed: What is read from the memory; None when that stays.
        model_reads_after_s: Seconds after which a language model reads it; None if none does.
        known: Embeddings at hand, by text of the piece.
    """

    before: Memory
    pieces: tuple[Piece, ...]
    token_count: int
    noticed: tuple[Noticed, ...] | None
    known: dict[str, bytes]
    model_reads_after_s: float | None = None


async def revise(engine: Engine, user_id: str, memory_id: str, changes: Changes) -> Memory:
    """Add a version of a memory with what `changes` gives.

    Facts are read anew when the text or the time of what they were read from changes.
    """
    if not changes.values.keys() & {"content", "occurred_at"}:
        return await engine.store.write(user_id, partial(_revise, memory_id, changes))
    change = partial(_change, engine, user_id, memory_id, changes)
    return await engine.embedders.for_user(user_id, change)


async def _change(
    engine: Engine, user_id: str, memory_id: str, changes: Changes, embedder: Embedder
) -> Memory:
    """Add a version with another text or time, by one embedder."""
    await embedder.open()
    after = None
    while after is None:  # another call has changed the memory in between
        after = await _try(engine, user_id, memory_id, changes, embedder)
    return after


async def _try(
    engine: Engine, user_id: str, memory_id: str, changes: Changes, embedder: Embedder
) -> Memory | None:
    """The new version; None if the memory is not what its facts were read from any more."""
    read = partial(_plan, engine, embedder, memory_id, changes.values)
    plan = await engine.store.read(user_id, read)
    wanted = [*plan.pieces, *(piece for one in plan.noticed or () for piece in one.pieces)]
    missing = list(dict.fromkeys(one.text for one in wanted if one.text not in plan.known))
    with part("update", "embed"):
        vectors = as_bytes(await embedder.embed(missing)) if missing else []
    embeddings = {**plan.known, **dict(zip(missing, vectors, strict=True))}
    if plan.pieces:
        changes = replace(changes, values={**changes.values, "token_count": plan.token_count})
    commit = partial(_revise_and_learn, embedder, memory_id, changes, plan, embeddings)
    with part("update", "write"):
        return await engine.store.write(user_id, commit)


def _plan(
    engine: Engine, embedder: Embedder, memory_id: str, values: Mapping[str, Any], user: Transaction
) -> _Plan:
    """Split new content, and read what the memory will state."""
    user.require_embedder(embedder.fingerprint)
    memory = _existing(user, memory_id)
    content = values.get("content", memory.content)
    found = pieces(embedder, content, memory.role) if "content" in values else ()
    tokens = engine.counter.count(content) if found else 0
    if memory.derived_from or memory.memory_type == "working":
        return _Plan(memory, found, tokens, None, {})
    moment = values.get("occurred_at", optional_micros(memory.occurred_at))
    told = to_micros(memory.recorded_at) if moment is None else moment
    noticed = notice(engine, embedder, content, memory.role, memory.origin, told)
    known: dict[str, bytes] = {}
    for one in noticed:
        known.update(shared(user, one.reading.text, memory.role))
    after_s = model_reads_after(engine, memory.role, memory.origin)
    return _Plan(memory, found, tokens, noticed, known, after_s)


def _revise_and_learn(
    embedder: Embedder,
    memory_id: str,
    changes: Changes,
    plan: _Plan,
    embeddings: Mapping[str, bytes],
    user: Transaction,
) -> Memory | None:
    if not _is_planned(plan.before, _existing(user, memory_id), changes.values):
        return None
    user.claim_embedder(embedder.fingerprint)
    chunks = chunks_of(plan.pieces, embeddings) if plan.pieces else None
    after = _revise(memory_id, changes, user, chunks)
    if plan.model_reads_after_s is not None:
        user.unread.add(memory_id, plan.model_reads_after_s)
    if plan.noticed is not None:
        user.facts.learn(after, statements(after, plan.noticed, embeddings))
    return after


def _is_planned(before: Memory, now: Memory, values: Mapping[str, Any]) -> bool:
    """Whether what an update keeps of a memory, and reads facts from, is as it was."""
    return ("content" in values or now.content == before.content) and (
        "occurred_at" in values or now.occurred_at == before.occurred_at
    )


def _existing(user: Transaction, memory_id: str) -> Memory:
    memory = user.memories.get(memory_id)
    if memory is None:
        raise NotFound(f"no memory {memory_id!r}: list_memories() shows the ids there are")
    return memory


def _revise(
    memory_id: str,
    changes: Changes,
    user: Transaction,
    chunks: tuple[Chunk, ...] | None = None,
) -> Memory:
    """Check the new version against the one in force, and write it."""
    before, values = _existing(user, memory_id), changes.values
    require_revision(before, changes.if_revision)
    start = values.get("valid_from", optional_micros(before.valid_from))
    stop = values.get("valid_to", optional_micros(before.valid_to))
    if start is not None and stop is not None and stop <= start:
        raise InvalidInput("valid_to is not after valid_from: give a later moment, or None")
    if values.get("memory_type") == "working" and before.session_id is None:
        raise InvalidInput("memory_type='working' needs a session: this memory has none")
    after = user.memories.replace(memory_id, values, chunks)
    if before.compressed and before.session_id is not None and _SUMMARISED & set(values):
        user.archive.withdraw(before.session_id)
        after = user.memories.get(memory_id)
    assert after is not None, "it was there in this transaction"
    return after
