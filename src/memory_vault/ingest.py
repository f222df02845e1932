"""The pipeline behind `save` and `update`: plan, embed what is new, write in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ._ids import new_id
from ._stages import stage
from ._times import optional_micros
from .errors import InvalidInput, NotFound
from .models import Duplicate, Memory, MemoryType, Preference, SaveResult
from .storage import Changes, Chunk, Draft, NewMemory, require_revision
from .text.chunk import split
from .text.preferences import read_preferences
from .text.route import route
from .text.salience import importance
from .text.speakers import STANDARD_ROLES
from .text.words import word_ids

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .embed import Embedder, Fingerprint
    from .engine import Engine
    from .storage.sqlite.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of a text that is to get an embedding.

    Attributes:
        text: What is embedded: the span, after the name of its speaker when there is one.
        words: Hashed search terms of `text`.
    """

    start: int
    stop: int
    text: str
    words: bytes


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of one draft before its embedding."""

    draft: Draft
    memory_type: MemoryType
    importance: float
    token_count: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save is to do, found before anything is embedded.

    Attributes:
        replay: Earlier result under the same idempotency key.
        analyses: One for each draft, in order.
        known: Embeddings at hand, by text of the piece.
        missing: Texts to embed, each once.
        is_first: Whether the user has no embeddings of any kind yet.
    """

    replay: SaveResult | None
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
    idempotency_key: str | None,
) -> SaveResult:
    """Store drafts in order, in one transaction; durable when it returns."""
    save = partial(_ingest, engine, user_id, drafts, session_id, idempotency_key)
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
    digest = _digest(drafts, session_id)
    await embedder.open()
    unit = partial(_plan, engine, embedder, drafts, session_id, key, digest)
    with stage("save", "plan"):
        plan = await engine.store.read(user_id, unit)
    if plan.replay is not None:
        return plan.replay
    if plan.is_first and (own := await engine.embedders.of_new_user()) is not embedder:
        return await _ingest(engine, user_id, drafts, session_id, key, own)
    with stage("save", "embed"):
        fresh = as_bytes(await embedder.embed(plan.missing)) if plan.missing else []
    embeddings = {**plan.known, **dict(zip(plan.missing, fresh, strict=True))}
    commit = partial(_commit, embedder, plan, embeddings, session_id, key, digest)
    with stage("save", "write"):
        return await engine.store.write(user_id, commit, create=True)


def as_bytes(embeddings: NDArray[np.float32]) -> list[bytes]:
    """Each embedding as bytes, little endian."""
    packed = embeddings.astype("<f4", copy=False)
    return [row.tobytes() for row in packed]


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
    digest: bytes,
    user: Transaction,
) -> Plan:
    """Find earlier results, known embeddings, and what is left to embed."""
    if key is not None and (kept := user.replay(key, digest)) is not None:
        return Plan(_replayed(user, kept))
    user.require_embedder(embedder.fingerprint)
    analyses = []
    known: dict[str, bytes] = {}
    wanted: dict[str, None] = {}
    for draft in drafts:
        user.check()
        analysis = analyse(engine, embedder, draft, session_id)
        analyses.append(analysis)
        if any(piece.text not in known for piece in analysis.pieces):
            known.update(_shared(user, draft))
        wanted.update(dict.fromkeys(p.text for p in analysis.pieces if p.text not in known))
    return Plan(None, tuple(analyses), known, tuple(wanted), user.fingerprint is None)


def _shared(user: Transaction, draft: Draft) -> dict[str, bytes]:
    """Embeddings of what the vault already holds in the same words of the same speaker."""
    version = user.memories.same_text(draft.content, draft.role)
    chunks = user.memories.chunks(version) if version is not None else ()
    prefix = speaker_prefix(draft.role)
    return {prefix + draft.content[one.start : one.stop]: one.embedding for one in chunks}


def analyse(engine: Engine, embedder: Embedder, draft: Draft, session_id: str | None) -> Analysis:
    """Choose a draft's type and weight, and split it."""
    memory_type = draft.memory_type or route(draft.content, draft.role)
    if memory_type == "working" and session_id is None:
        raise InvalidInput("memory_type='working' needs a session: give session_id")
    return Analysis(
        draft,
        memory_type,
        importance(draft.content, draft.role, memory_type),
        engine.counter.count(draft.content),
        pieces(embedder, draft.content, draft.role),
    )


def pieces(embedder: Embedder, content: str, role: str) -> tuple[Piece, ...]:
    """Split a text into spans that fit the embedder's window, each with its search terms.

    A named speaker's name stands before each span, in its embedding and in its terms, so that a
    question about a person finds what that person said.
    """
    spans = passages(embedder, content, role)
    return tuple(Piece(start, stop, text, terms(text)) for start, stop, text in spans)


def passages(embedder: Embedder, content: str, role: str) -> list[tuple[int, int, str]]:
    """Start, stop and what is embedded of each span of a text; see `pieces`."""
    prefix = speaker_prefix(role)
    window = max(1, embedder.window - len(embedder.token_spans(prefix)))
    spans = split(content, embedder.token_spans(content), window=window)
    return [(start, stop, prefix + content[start:stop]) for start, stop in spans]


def speaker_prefix(role: str) -> str:
    """How a text begins that a named speaker said; "" for the four standard roles."""
    return "" if role in STANDARD_ROLES else f"{role}: "


def terms(text: str) -> bytes:
    """Hashed search terms of a text, uint32, little endian."""
    return word_ids(text).astype("<u4").tobytes()


# writing, in a worker thread ----------------------------------------------------------------------


def _commit(
    embedder: Embedder,
    plan: Plan,
    embeddings: Mapping[str, bytes],
    session_id: str | None,
    key: str | None,
    digest: bytes,
    user: Transaction,
) -> SaveResult:
    """Insert what is new; what is a duplicate is decided here, where no other writer can be."""
    if key is not None and (kept := user.replay(key, digest)) is not None:
        return _replayed(user, kept)
    user.claim_embedder(embedder.fingerprint)
    if session_id is not None:
        user.sessions.touch(session_id)
    saved: list[Memory] = []
    duplicates: list[Duplicate] = []
    preferences: list[Preference] = []
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
    result = SaveResult(tuple(saved), tuple(duplicates), tuple(preferences))
    if key is not None:
        user.keep_result(key, digest, _kept(result))
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
        chunks=_chunks(analysis.pieces, embeddings),
    )


def _chunks(pieces: Sequence[Piece], embeddings: Mapping[str, bytes]) -> tuple[Chunk, ...]:
    """Pieces with their embeddings."""
    return tuple(Chunk(p.start, p.stop, embeddings[p.text], p.words) for p in pieces)


def _stated(user: Transaction, memory: Memory) -> list[Preference]:
    """Set the preferences that a text states, with the memory as their source."""
    return [
        user.preferences.set(found.key, found.value, found.confidence, source=memory.id)
        for found in read_preferences(memory.content, memory.role)
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
    }


def _replayed(user: Transaction, kept: dict[str, list[str]]) -> SaveResult:
    """The first result again, with the memories as they are now."""
    found = user.memories.get_many(kept["saved"])
    parts = iter(kept["duplicates"])
    current = [user.preferences.current(key) for key in kept["preferences"]]
    return SaveResult(
        tuple(found[one] for one in kept["saved"] if one in found),
        tuple(
            Duplicate(int(at), one, why) for at, one, why in zip(parts, parts, parts, strict=True)
        ),
        tuple(one for one in current if one is not None),
    )


# update -------------------------------------------------------------------------------------------


async def revise(
    engine: Engine, user_id: str, memory_id: str, changes: Changes, *, if_revision: str | None
) -> Memory:
    """Add a version of a memory with what `changes` gives, if it is still that revision."""
    values = dict(changes.values)
    if "content" not in values:
        unit = partial(_revise, memory_id, values, None, None, if_revision)
        return await engine.store.write(user_id, unit)
    values["token_count"] = engine.counter.count(values["content"])
    change = partial(_change_text, engine, user_id, memory_id, values, if_revision)
    return await engine.embedders.for_user(user_id, change)


async def _change_text(
    engine: Engine,
    user_id: str,
    memory_id: str,
    values: dict[str, Any],
    if_revision: str | None,
    embedder: Embedder,
) -> Memory:
    """Add a version with another text, by one embedder."""
    await embedder.open()
    found = await engine.store.read(
        user_id, partial(_read_pieces, embedder, memory_id, values["content"])
    )
    texts = [piece.text for piece in found]
    vectors = as_bytes(await embedder.embed(texts))
    chunks = _chunks(found, dict(zip(texts, vectors, strict=True)))
    unit = partial(_revise, memory_id, values, chunks, embedder.fingerprint, if_revision)
    return await engine.store.write(user_id, unit)


def _read_pieces(
    embedder: Embedder, memory_id: str, content: str, user: Transaction
) -> tuple[Piece, ...]:
    """The pieces of new content for a memory that exists."""
    user.require_embedder(embedder.fingerprint)
    return pieces(embedder, content, _existing(user, memory_id).role)


def _existing(user: Transaction, memory_id: str) -> Memory:
    memory = user.memories.get(memory_id)
    if memory is None:
        raise NotFound(f"no memory {memory_id!r}: list_memories() shows the ids there are")
    return memory


def _revise(
    memory_id: str,
    values: dict[str, Any],
    chunks: tuple[Chunk, ...] | None,
    space: Fingerprint | None,
    if_revision: str | None,
    user: Transaction,
) -> Memory:
    """Check the new version against the one in force, and write it."""
    before = _existing(user, memory_id)
    require_revision(before, if_revision)
    start = values.get("valid_from", optional_micros(before.valid_from))
    stop = values.get("valid_to", optional_micros(before.valid_to))
    if start is not None and stop is not None and stop <= start:
        raise InvalidInput("valid_to is not after valid_from: give a later moment, or None")
    if values.get("memory_type") == "working" and before.session_id is None:
        raise InvalidInput("memory_type='working' needs a session: this memory has none")
    if space is not None:
        user.claim_embedder(space)
    after = user.memories.replace(memory_id, values, chunks)
    assert after is not None, "it was there in this transaction"
    return after
