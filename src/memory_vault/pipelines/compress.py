"""The pipeline behind `compress`: one summary a session, and its originals archived with it.

Each session is one transaction, so that a job that is stopped or killed anywhere is simply begun
again: what is compressed already is not found any more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .._ids import new_id
from .._times import to_micros
from ..errors import BackendError, InvalidInput
from ..llm.summarise import summarise as say
from ..models import Message
from ..storage import Chunk, NewMemory
from ..storage.sqlite.archive import COMPRESS
from ..text.speakers import SUMMARY, speaker_prefix
from ..text.summary import Said, summarise
from ..text.trust import least_trusted
from .pieces import as_bytes, pieces

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine
    from ..jobs.work import Work
    from ..llm import LanguageModel
    from ..models import Job, Memory
    from ..storage.sqlite.transaction import Transaction
    from ..text.tokens import TokenCounter

_DAY = 86_400 * 1_000_000
_LEAST_TOKENS = 60
"""No summary is shorter: a few sentences with a day and a speaker."""
_MOST_TOKENS = 2_000
"""No summary is longer: a block would hold no other beside it."""
_MOST_LONGER = 1.5
"""A model's words that take so many times the tokens of the sentences are no summary."""
_LEAST_WORDS = 40
"""Asked of a language model at least."""
_MOST_SOURCES = 8_000
_WORTH_IT = 0.6
"""A summary that takes more than this share of its originals is not worth having."""
_TRIES = 5


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
    if await engine.store.read(user_id, partial(past_threshold, engine)):
        await engine.store.write(user_id, lambda user: user.jobs.add(COMPRESS))


def past_threshold(engine: Engine, user: Transaction) -> list[str]:
    """Ended sessions past the thresholds that have something new to say, oldest first."""
    days = engine.config.compress_after_days
    found = user.sessions.unsettled()
    if not found or days is None:
        return []
    before = user.now - int(days * _DAY)
    old = [session_id for session_id, at in found if at < before]
    if len(old) == len(found):
        return old
    over = user.memories.over(engine.config.compress_over_memories)
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
    least = 0 if is_forced else work.engine.config.compress_min_tokens
    summaries = memories = 0
    model = _Model(work.engine.llm, work.engine.counter)
    for place, session_id in enumerate(sessions):
        work.progress(place, len(sessions))
        one = partial(_session, work, model, least, session_id)
        archived = await work.engine.embedders.for_user(work.user_id, one)
        summaries += archived > 0
        memories += archived
    work.progress(len(sessions), len(sessions))
    return {"sessions": summaries, "memories": memories, **model.told()}


def _due(engine: Engine, is_forced: bool, user: Transaction) -> list[str]:
    if is_forced:
        return user.sessions.ids()
    return past_threshold(engine, user)


async def _session(
    work: Work, model: _Model, least: int, session_id: str, embedder: Embedder
) -> int:
    """Compress one session unless it is too short; how many memories were archived."""
    engine = work.engine
    for _ in range(_TRIES):
        sources = await work.read(lambda user: user.archive.sources(session_id))
        text = await work.in_thread(partial(_text, engine, sources, least))
        summary = None
        if text:
            own = await model.summary(list(sources.values()), engine.counter.count(text))
            text = own or text
            summary = _summary(engine, session_id, sources, text, by_model=own is not None)
            chunks = await _chunks(work, embedder, text, sources)
            summary = replace(summary, chunks=chunks)
        store = partial(_store, session_id, summary, embedder, sources)
        done = await work.write(store)
        if done is not None:
            return done
    return 0  # somebody keeps writing into it: it is looked at again once it is past the threshold


def _text(engine: Engine, sources: Mapping[int, Memory], least: int) -> str:
    """The text of a summary; "" if there is nothing new, or too little. In a worker thread."""
    found, config = list(sources.values()), engine.config
    tokens = sum(one.token_count for one in found)
    if all(one.compressed for one in found) or len(found) > _MOST_SOURCES or tokens < least:
        return ""
    most = min(max(int(tokens * config.compress_ratio), _LEAST_TOKENS), _MOST_TOKENS)
    said = [_said(one) for one in found]
    text = summarise(said, max_tokens=most, counter=engine.counter, pause=_let_others_run)
    return text if engine.counter.count(text) <= tokens * _WORTH_IT else ""


def _let_others_run() -> None:
    """Give up the interpreter's lock, for which an event loop may wait; by itself 5 ms go by."""
    time.sleep(0)


class _Model:
    """Asks a language model for a session in its own words, and counts what came of it.

    Whatever goes wrong, the sentences of the session stand: they need no model.

    Args:
        llm: None where none is configured.
        counter: Says how long its words are.
    """

    def __init__(self, llm: LanguageModel | None, counter: TokenCounter) -> None:
        self._llm, self._counter = llm, counter
        self._written = self._refused = 0
        self._failure = ""

    async def summary(self, sources: Sequence[Memory], tokens: int) -> str | None:
        """What it says of a session, if that is checked and about as short as the sentences."""
        if self._llm is None or self._failure:
            return None
        turns = [
            Message(one.role, one.content, one.occurred_at or one.recorded_at) for one in sources
        ]
        try:
            found = await say(self._llm, turns, max_words=max(_LEAST_WORDS, tokens // 2))
        except (BackendError, InvalidInput) as error:
            self._failure = type(error).__name__  # this job goes on without it
            return None
        is_long = self._counter.count(found.text or "") > max(_LEAST_TOKENS, _MOST_LONGER * tokens)
        if found.refused or is_long:
            self._refused += 1
            return None
        self._written += bool(found.text)
        return found.text or None

    def told(self) -> dict[str, Any]:
        """What a job says of it; nothing where there is no model."""
        if self._llm is None:
            return {}
        told: dict[str, Any] = {"by_model": self._written, "refused": self._refused}
        return {**told, "model_error": self._failure} if self._failure else told


def _said(memory: Memory) -> Said:
    day = (memory.occurred_at or memory.recorded_at).date()
    return Said(day, memory.role, memory.content)


def _summary(
    engine: Engine, session_id: str, sources: Mapping[int, Memory], text: str, *, by_model: bool
) -> NewMemory:
    """The summary of a session as a memory, still without its chunks."""
    found = list(sources.values())
    times = [to_micros(one.occurred_at or one.recorded_at) for one in found]
    return NewMemory(
        id=new_id("mem"),
        session_id=session_id,
        memory_type="semantic",
        role=SUMMARY,
        content=text,
        importance=round(sum(one.importance for one in found) / len(found), 4),
        occurred_at=max(times),
        origin=least_trusted([one.origin for one in found] + ["model"] * by_model),
        token_count=engine.counter.count(text),
        metadata=None,
        chunks=(),
        derived_from=tuple(one.id for one in found),
        valid_from=min(times),
    )


async def _chunks(
    work: Work, embedder: Embedder, text: str, sources: Mapping[int, Memory]
) -> tuple[Chunk, ...]:
    """The chunks of a summary, one a line at least; embeddings that its originals have are kept."""
    await embedder.open()
    known = await work.read(partial(_known, embedder, sources))
    found = await work.in_thread(partial(pieces, embedder, text, SUMMARY))
    missing = list(dict.fromkeys(one.text for one in found if one.text not in known))
    if missing:
        known |= zip(missing, as_bytes(await work.embed(embedder, missing)), strict=True)
    return tuple(Chunk(one.start, one.stop, known[one.text], one.words) for one in found)


def _known(
    embedder: Embedder, sources: Mapping[int, Memory], user: Transaction
) -> dict[str, bytes]:
    """Embeddings of the originals, by what was embedded."""
    user.require_embedder(embedder.fingerprint)
    return {
        speaker_prefix(one.role) + one.content[chunk.start : chunk.stop]: chunk.embedding
        for version, one in sources.items()
        for chunk in user.memories.chunks(version)
    }


def _store(
    session_id: str,
    summary: NewMemory | None,
    embedder: Embedder,
    sources: Mapping[int, Memory],
    user: Transaction,
) -> int | None:
    """Put the summary in force, if the session is as it was; None if it is not."""
    if list(user.archive.sources(session_id)) != list(sources):
        return None
    if summary is None:
        user.sessions.settle(session_id)
        return 0
    user.require_embedder(embedder.fingerprint)
    user.archive.put(summary, sources)
    return sum(not one.compressed for one in sources.values())
