"""The job that has a language model read facts from what was saved, and keeps those that hold.

A save lists what is to be read (`unread`) in its own transaction; each memory is one transaction of
this job, which keeps its facts and takes it off the list. So a job that is stopped or killed
anywhere is simply begun again, and no memory is read for nothing but the one at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .._times import to_micros
from ..errors import InvalidInput, ReplyRefused
from ..llm.read_facts import read_facts
from ..models import Message
from ..text.facts import is_said
from ..text.trust import least_trusted
from .facts import Noticed, as_reading, called, noticed, readings, statements
from .ingest import shared
from .pieces import as_bytes

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine
    from ..jobs.work import Work
    from ..models import Memory
    from ..plugins import StatedFact
    from ..storage.sqlite.transaction import Transaction

_TRIES = 3
"""A memory to which the model gives no usable answer in so many attempts of the job is left."""


async def learn(work: Work) -> Mapping[str, int]:
    """The job: read what is listed, in order; what was read is kept whatever comes after it.

    Gives how many memories were read, how many facts were new, how many did not hold, and how many
    memories were left because no answer to them was of use.
    """
    told = {"memories": 0, "facts": 0, "refused": 0, "left": 0}
    trouble: ReplyRefused | None = None
    ids = await work.read(lambda user: user.unread.ids())
    for place, memory_id in enumerate(ids):
        work.progress(place, len(ids), told)
        memory = await work.read(partial(_listed, memory_id))
        if memory is None:  # forgotten, or read by another process
            continue
        try:
            new, refused = await _read(work, memory)
        except (ReplyRefused, InvalidInput) as error:
            if isinstance(error, ReplyRefused) and error.did_nothing:
                raise
            if isinstance(error, ReplyRefused) and not _is_last(work):
                trouble = error
                continue
            await work.write(partial(_leave, memory))
            told["left"] += 1
        else:
            told["memories"] += 1
            told["facts"] += new
            told["refused"] += refused
    if trouble is not None:
        raise trouble
    work.progress(len(ids), len(ids))
    return told


def _is_last(work: Work) -> bool:
    return work.job.attempts >= min(_TRIES, work.engine.config.job_attempts)


def _leave(memory: Memory, user: Transaction) -> None:
    """Take a memory off the list, unless it says something else by now."""
    if _unchanged(memory, user) is not None:
        user.unread.drop(memory.id)


def _listed(memory_id: str, user: Transaction) -> Memory | None:
    return user.memories.get(memory_id) if user.unread.has(memory_id) else None


def _unchanged(memory: Memory, user: Transaction) -> Memory | None:
    """A memory as it is now; None if it is forgotten, read by now, or says something else.

    What changes a memory lists it and notes a job, so that nothing is lost by leaving it.
    """
    now = _listed(memory.id, user)
    if now is None or (now.content, now.occurred_at) != (memory.content, memory.occurred_at):
        return None
    return now


async def _read(work: Work, memory: Memory) -> tuple[int, int]:
    """Have one memory read, and keep what is new; how much that is, and how much did not hold."""
    assert work.engine.llm is not None, "without a model this kind of job is left to others"
    message = Message(memory.role, memory.content, memory.occurred_at or memory.recorded_at)
    found = await read_facts(work.engine.llm, message, called(memory.role))
    keep = partial(_keep, work, memory, found.facts)
    return await work.engine.embedders.for_user(work.user_id, keep), len(found.refused)


async def _keep(
    work: Work, memory: Memory, stated: Sequence[StatedFact], embedder: Embedder
) -> int:
    """Embed what the patterns did not find, and keep it if the memory is as it was."""
    await embedder.open()
    new = await work.in_thread(partial(_new, work.engine, embedder, memory, stated))
    embeddings = await work.read(partial(_known, embedder, new, memory.role))
    texts = dict.fromkeys(piece.text for one in new for piece in one.pieces)
    missing = [text for text in texts if text not in embeddings]
    if missing:
        embeddings |= zip(missing, as_bytes(await work.embed(embedder, missing)), strict=True)
    return await work.write(partial(_store, memory, new, embeddings, embedder))


def _new(
    engine: Engine, embedder: Embedder, memory: Memory, stated: Sequence[StatedFact]
) -> list[Noticed]:
    """What a model states that patterns and plugins do not, ready to be embedded. Blocking."""
    moment = to_micros(memory.occurred_at or memory.recorded_at)
    known = readings(engine, memory.content, memory.role, moment)
    new: list[Noticed] = []
    for one in map(as_reading, stated):
        if not is_said(one, known):
            known.append(one)
            new.append(noticed(engine, embedder, one, memory.role))
    return new


def _known(
    embedder: Embedder, new: Sequence[Noticed], role: str, user: Transaction
) -> dict[str, bytes]:
    """Embeddings at hand, by text of the piece."""
    user.require_embedder(embedder.fingerprint)
    known: dict[str, bytes] = {}
    for one in new:
        known |= shared(user, one.reading.text, role)
    return known


def _store(
    memory: Memory,
    new: Sequence[Noticed],
    embeddings: Mapping[str, bytes],
    embedder: Embedder,
    user: Transaction,
) -> int:
    """Keep what was read, unless the memory is not as it was; how many facts are new."""
    now = _unchanged(memory, user)
    if now is None:
        return 0
    user.require_embedder(embedder.fingerprint)
    origin = least_trusted((now.origin, "model"))
    learned = user.facts.learn_more(now, statements(now, new, embeddings, origin))
    user.unread.drop(now.id)
    return sum(one.change == "new" for one in learned)
