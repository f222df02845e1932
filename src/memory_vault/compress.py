"""The pipeline behind `compress`: one summary a session, and its originals archived with it.

Each session is one transaction, so that a job that is stopped or killed anywhere is simply begun
again: what is compressed already is not found any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from ._ids import new_id
from ._times import to_micros
from .ingest import Piece, as_bytes, pieces, speaker_prefix
from .models import ORIGINS
from .storage import Chunk, NewMemory
from .storage.sqlite.archive import COMPRESS
from .text.speakers import SUMMARY
from .text.summary import Said, summarise

if TYPE_CHECKING:
    from .engine import Engine
    from .jobs.work import Work
    from .models import Job, Memory
    from .storage.sqlite.transaction import Transaction

_DAY = 86_400 * 1_000_000
_LEAST_TOKENS = 60
"""No summary is shorter: a few sentences with a day and a speaker."""
_MOST_TOKENS = 2_000
"""No summary is longer: a block would hold no other beside it."""
_MOST_SOURCES = 8_000
_WORTH_IT = 0.6
"""A summary that takes more than this share of its originals is not worth having."""
_TRIES = 5
_TRUST = {"user": 0, "assistant": 1, "model": 2, "plugin": 3, "import": 4, "tool": 5}
"""From what the user said to what came from anywhere; `ORIGINS` has no order."""
assert set(_TRUST) == set(ORIGINS)


# when ---------------------------------------------------------------------------------------------


async def note(engine: Engine, user_id: str, *, is_forced: bool) -> Job:
    """Note the job that compresses what is due, or everything."""
    arguments = {"force": True} if is_forced else {}
    return await engine.store.write(
        user_id, lambda user: user.jobs.add(COMPRESS, arguments), create=True
    )


async def note_if_due(engine: Engine, user_id: str) -> None:
    """Note that job if a session is past its threshold; costs one look at the sessions if not."""
    if engine.config.compress_after_days is None:
        return
    if await engine.store.read(user_id, lambda user: bool(_past(engine, user))):
        await engine.store.write(user_id, lambda user: user.jobs.add(COMPRESS))


def _past(engine: Engine, user: Transaction) -> list[str]:
    """Ended sessions past the thresholds that have something new to say, oldest first."""
    days = engine.config.compress_after_days
    found = user.sessions.unsettled()
    if not found or days is None:
        return []
    before = user.now - int(days * _DAY)
    old = [session_id for session_id, at in found if at < before]
    if len(old) == len(found):
        return old
    over = user.memories.count_visible() - engine.config.compress_over_memories
    for session_id, _ in found[len(old) :]:
        if over <= 0:
            break
        over -= sum(not one.compressed for one in user.archive.sources(session_id).values())
        old.append(session_id)
    return old


# what ---------------------------------------------------------------------------------------------


async def compress(work: Work) -> Mapping[str, Any]:
    """The job: compress sessions one by one, each wholly or not at all.

    Arguments: "session_id" for that one whatever its age, "force" for all whatever their age and
    size, neither for those past the thresholds.
    """
    is_forced = bool(work.arguments.get("force"))
    named = work.arguments.get("session_id")
    due = partial(_due, work.engine, is_forced)
    sessions = [named] if named is not None else await work.read(due)
    summaries = memories = 0
    for place, session_id in enumerate(sessions):
        work.progress(place, len(sessions))
        archived = await _session(work, session_id, 0 if is_forced else None)
        summaries += archived > 0
        memories += archived
    work.progress(len(sessions), len(sessions))
    return {"sessions": summaries, "memories": memories}


def _due(engine: Engine, is_forced: bool, user: Transaction) -> list[str]:
    if is_forced:
        return user.sessions.ids()
    return _past(engine, user)


async def _session(work: Work, session_id: str, least: int | None) -> int:
    """Compress one session unless it is too short; how many memories were archived."""
    engine, sources = work.engine, dict[int, "Memory"]()
    for _ in range(_TRIES):
        sources = await work.read(lambda user: user.archive.sources(session_id))
        summary = await to_thread.run_sync(
            partial(_summary, engine, session_id, sources, least), limiter=engine.store.long
        )
        if summary is not None:
            summary = await _embedded(work, summary, sources)
        done = await work.write(partial(_store, session_id, summary, sources))
        if done is not None:
            return done
    return 0  # somebody keeps writing into it: it is looked at again once it is past the threshold


@dataclass(frozen=True, slots=True)
class _Summary:
    """A summary, and what of it is to be embedded."""

    memory: NewMemory
    pieces: tuple[Piece, ...]


def _summary(
    engine: Engine, session_id: str, sources: Mapping[int, Memory], least: int | None
) -> _Summary | None:
    """Summarise a session; None if there is nothing new, or too little. In a worker thread."""
    found = list(sources.values())
    tokens = sum(one.token_count for one in found)
    if all(one.compressed for one in found) or len(found) > _MOST_SOURCES:
        return None
    if tokens < (engine.config.compress_min_tokens if least is None else least):
        return None
    most = min(max(int(tokens * engine.config.compress_ratio), _LEAST_TOKENS), _MOST_TOKENS)
    content = summarise([_said(one) for one in found], max_tokens=most, counter=engine.counter)
    count = engine.counter.count(content)
    if not content or count > tokens * _WORTH_IT:
        return None
    times = [to_micros(one.occurred_at or one.recorded_at) for one in found]
    memory = NewMemory(
        id=new_id("mem"),
        session_id=session_id,
        memory_type="semantic",
        role=SUMMARY,
        content=content,
        importance=round(sum(one.importance for one in found) / len(found), 4),
        occurred_at=max(times),
        origin=_least_trusted([one.origin for one in found]),
        token_count=count,
        metadata=None,
        chunks=(),
        derived_from=tuple(one.id for one in found),
        valid_from=min(times),
    )
    return _Summary(memory, pieces(engine, content, SUMMARY))


def _said(memory: Memory) -> Said:
    day = (memory.occurred_at or memory.recorded_at).date()
    return Said(day, memory.role, memory.content)


def _least_trusted(origins: Sequence[str]) -> str:
    """The class that deserves least trust, with its detail if all of that class have the same."""
    worst = max((one.partition(":")[0] for one in origins), key=lambda name: _TRUST[name])
    of_worst = {one for one in origins if one.partition(":")[0] == worst}
    return of_worst.pop() if len(of_worst) == 1 else worst


async def _embedded(work: Work, summary: _Summary, sources: Mapping[int, Memory]) -> _Summary:
    """The summary with its chunks; embeddings that its originals have are taken from there."""
    await work.engine.embedder.open()
    known = await work.read(partial(_known, work.engine, sources))
    missing = list(dict.fromkeys(p.text for p in summary.pieces if p.text not in known))
    if missing:
        known |= zip(missing, as_bytes(await work.engine.embedder.embed(missing)), strict=True)
    chunks = tuple(Chunk(p.start, p.stop, known[p.text], p.words) for p in summary.pieces)
    return _Summary(replace(summary.memory, chunks=chunks), summary.pieces)


def _known(engine: Engine, sources: Mapping[int, Memory], user: Transaction) -> dict[str, bytes]:
    """Embeddings of the originals, by what was embedded."""
    user.require_embedder(engine.embedder.fingerprint)
    return {
        speaker_prefix(one.role) + one.content[chunk.start : chunk.stop]: chunk.embedding
        for version, one in sources.items()
        for chunk in user.memories.chunks(version)
    }


def _store(
    session_id: str, summary: _Summary | None, sources: Mapping[int, Memory], user: Transaction
) -> int | None:
    """Put the summary in force, if the session is as it was; None if it is not."""
    if list(user.archive.sources(session_id)) != list(sources):
        return None
    if summary is None:
        user.sessions.settle(session_id)
        return 0
    user.archive.put(summary.memory, sources)
    return sum(not one.compressed for one in sources.values())
