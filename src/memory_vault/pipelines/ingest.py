"""The pipeline behind `save`: plan, embed what is new, write in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from .._ids import new_id
from .._stages import stage
from ..errors import InvalidInput
from ..models import Duplicate, Fact, FactChange, Memory, MemoryType, Preference, SaveResult
from ..storage import Draft, NewMemory
from ..text.facts.instructions import read_instructions
from ..text.route import route
from ..text.salience import importance
from ..text.speakers import speaker_prefix
from .facts import Noticed, merged, model_reads_after, notice, statements
from .pieces import Piece, as_bytes, chunks_of, pieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..embed import Embedder
    from ..engine import Engine
    from ..storage.sqlite.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of one draft before its embedding.

    Attributes:
        model_reads_after_s: Seconds after which a language model reads it; None if none does.
    """

    draft: Draft
    noticed: tuple[Noticed, ...]
    model_reads_after_s: float | None
    memory_type: MemoryType
    importance: float
    token_count: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save is to do, found before anything is embedded.

    Attributes:
        replay: Earlier result under the same idempotency key.
        digest: Of what is saved, if there is such a key.
        analyses: One for each draft, in order.
        known: Embeddings at hand, by text of the piece.
        missing: Texts to embed, each once.
        is_first: Whether the user has no embeddings of any kind yet.
    """

    replay: SaveResult | None
    digest: bytes = b""
    analyses: tuple[Analysis, ...] = ()
    known: Mapping[str, bytes] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    is_first: bool = False


async def ingest(
    engine: Engine,
    user_id: str,
    drafts: Sequence[Draft],
    *,
    session_id: str | None,
    key: str | None,
) -> SaveResult:
    """Store drafts in order, in one transaction; durable when it returns."""
    save = partial(_ingest, engine, user_id, drafts, session_id, key)
    return await engine.embedders.for_user(user_id, save)


async def _ingest(
    engine: Engine,
    user_id: str,
    drafts: Sequence[Draft],
    session_id: str | None,
    key: str | None,
    embedder: Embedder,
) -> SaveResult:
    """Store drafts with one embedder."""
    await embedder.open()
    unit = partial(_plan, engine, embedder, drafts, session_id, key)
    with stage("save", "plan"):
        plan = await engine.store.read(user_id, unit)
    if plan.replay is not None:
        return plan.replay
    if plan.is_first and (own := await engine.embedders.of_new_user()) is not embedder:
        return await _ingest(engine, user_id, drafts, session_id, key, own)
    with stage("save", "embed"):
        fresh = await embedder.embed(plan.missing) if plan.missing else None
    commit = partial(_commit, engine, embedder, plan, fresh, session_id, key)
    with stage("save", "write"):
        return await engine.store.write(user_id, commit, create=True, weight=len(drafts))


def _digest(drafts: Sequence[Draft], session_id: str | None) -> bytes:
    """Tells whether two saves under one idempotency key say the same."""
    return hashlib.sha256(repr((session_id, list(drafts))).encode("utf-8")).digest()


# planning, in a worker thread ---------------------------------------------------------------------


def _plan(
    engine: Engine,
    embedder: Embedder,
    drafts: Sequence[Draft],
    session_id: str | None,
    key: str | None,
    user: Transaction,
) -> Plan:
    """Find earlier results, known embeddings, and what is left to embed."""
    digest = b"" if key is None else _digest(drafts, session_id)
    if key is not None and (kept := user.replay(key, digest)) is not None:
        return Plan(_replayed(user, kept))
    user.require_embedder(embedder.fingerprint)
    analyses = []
    known: dict[str, bytes] = {}
    wanted: dict[str, None] = {}
    for draft in drafts:
        user.check()
        analysis = analyse(engine, embedder, draft, session_id, user.now)
        analyses.append(analysis)
        texts = [(draft.content, analysis.pieces)]
        texts += [(one.reading.text, one.pieces) for one in analysis.noticed]
        for content, found in texts:
            if any(piece.text not in known for piece in found):
                known.update(shared(user, content, draft.role))
            wanted.update(dict.fromkeys(p.text for p in found if p.text not in known))
    return Plan(None, digest, tuple(analyses), known, tuple(wanted), user.fingerprint is None)


def shared(user: Transaction, content: str, role: str) -> dict[str, bytes]:
    """Embeddings of what the vault already holds in the same words of the same speaker."""
    version = user.memories.same_text(content, role)
    chunks = user.memories.chunks(version) if version is not None else ()
    prefix = speaker_prefix(role)
    return {prefix + content[one.start : one.stop]: one.embedding for one in chunks}


def analyse(
    engine: Engine, embedder: Embedder, draft: Draft, session_id: str | None, now: int
) -> Analysis:
    """Choose a draft's type and weight, split it, and read what it states."""
    memory_type = draft.memory_type or _type(engine, draft, session_id)
    if memory_type == "working" and session_id is None:
        raise InvalidInput("memory_type='working' needs a session: give session_id")
    noticed: tuple[Noticed, ...] = ()
    after_s = None
    if memory_type != "working":
        after_s = model_reads_after(engine, draft.role, draft.origin)
        moment = now if draft.occurred_at is None else draft.occurred_at
        noticed = notice(engine, embedder, draft.content, draft.role, draft.origin, moment)
    return Analysis(
        draft,
        noticed,
        after_s,
        memory_type,
        importance(draft.content, draft.role, memory_type),
        engine.counter.count(draft.content),
        pieces(embedder, draft.content, draft.role),
    )


def _type(engine: Engine, draft: Draft, session_id: str | None) -> MemoryType:
    """What a plugin says, unless it cannot be; else what our own rules say."""
    found = engine.plugins.classify(draft.content, draft.role)
    if found is None or (found == "working" and session_id is None):
        return route(draft.content, draft.role)
    return found


# writing, in a worker thread ----------------------------------------------------------------------


def _commit(
    engine: Engine,
    embedder: Embedder,
    plan: Plan,
    fresh: NDArray[np.float32] | None,
    session_id: str | None,
    key: str | None,
    user: Transaction,
) -> SaveResult:
    """Insert what is new; what is a duplicate is decided here, where no other writer can be."""
    if key is not None and (kept := user.replay(key, plan.digest)) is not None:
        return _replayed(user, kept)
    embeddings = dict(plan.known)
    if fresh is not None:
        embeddings.update(zip(plan.missing, as_bytes(fresh), strict=True))
    if user.fingerprint is None:
        engine.embedders.require_own(embedder)
    user.claim_embedder(embedder.fingerprint)
    if session_id is not None:
        user.sessions.touch(session_id)
    saved: list[Memory] = []
    duplicates: list[Duplicate] = []
    preferences: list[Preference] = []
    facts: dict[str, Fact] = {}
    for position, analysis in enumerate(plan.analyses):
        user.check()
        draft = analysis.draft
        same = user.memories.duplicate_of(
            content=draft.content,
            role=draft.role,
            session_id=session_id,
            occurred_at=draft.occurred_at,
        )
        if same is not None:
            duplicates.append(Duplicate(position, *same))
            continue
        memory = user.memories.add(_new(analysis, embeddings, session_id))
        saved.append(memory)
        preferences += _stated(user, memory)
        if analysis.model_reads_after_s is not None:
            user.unread.add(memory.id, analysis.model_reads_after_s)
        if analysis.noticed:
            learned = user.facts.learn(memory, statements(memory, analysis.noticed, embeddings))
            facts.update(merged(facts, learned))
    result = SaveResult(tuple(saved), tuple(duplicates), tuple(preferences), tuple(facts.values()))
    if key is not None:
        user.keep_result(key, plan.digest, _kept(result))
    return result


def _new(analysis: Analysis, embeddings: Mapping[str, bytes], session_id: str | None) -> NewMemory:
    """A memory ready to be inserted."""
    draft = analysis.draft
    return NewMemory(
        id=new_id("mem"),
        session_id=session_id,
        memory_type=analysis.memory_type,
        role=draft.role,
        content=draft.content,
        importance=analysis.importance,
        occurred_at=draft.occurred_at,
        origin=draft.origin,
        token_count=analysis.token_count,
        metadata=draft.metadata,
        chunks=chunks_of(analysis.pieces, embeddings),
    )


def _stated(user: Transaction, memory: Memory) -> list[Preference]:
    """Set the preferences that a text states, with the memory as their source."""
    return [
        user.preferences.set(found.key, found.value, found.confidence, source=memory.id)
        for found in read_instructions(memory.content, memory.role)
    ]


# idempotency --------------------------------------------------------------------------------------


def _kept(result: SaveResult) -> dict[str, list[str]]:
    """A result as ids, small enough to keep for a day."""
    return {
        "saved": [memory.id for memory in result.saved],
        "duplicates": [
            part for d in result.duplicates for part in (str(d.position), d.memory_id, d.reason)
        ],
        "preferences": [p.key for p in result.preferences],
        "facts": [part for f in result.facts for part in (f.change, f.memory.id)],
    }


def _replayed(user: Transaction, kept: dict[str, list[str]]) -> SaveResult:
    """The first result again, with the memories as they are now."""
    found = user.memories.get_many(kept["saved"])
    parts = iter(kept["duplicates"])
    current = [user.preferences.current(key) for key in kept["preferences"]]
    changes = iter(kept.get("facts", ()))
    facts = [(change, user.memories.get(one)) for change, one in zip(changes, changes, strict=True)]
    return SaveResult(
        tuple(found[one] for one in kept["saved"] if one in found),
        tuple(
            Duplicate(int(at), one, why) for at, one, why in zip(parts, parts, parts, strict=True)
        ),
        tuple(one for one in current if one is not None),
        tuple(Fact(cast("FactChange", how), one) for how, one in facts if one is not None),
    )
