"""What is read from a text as it is saved, made ready for the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import _arguments as check
from .._times import optional_micros, to_moment
from ..models import Fact, Memory, Message
from ..plugins import StatedFact
from ..storage import NewMemory, NewStatement
from ..text.facts import Reading, read_facts
from ..text.salience import importance
from .pieces import Piece, chunks_of, pieces

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine


@dataclass(frozen=True, slots=True)
class Noticed:
    """A fact, or the end of one, that was read from a text.

    Attributes:
        pieces: Spans of the sentence that states it; none for an end.
    """

    reading: Reading
    importance: float
    token_count: int
    pieces: tuple[Piece, ...]


def notice(
    engine: Engine, embedder: Embedder, content: str, role: str, origin: str, moment: int
) -> tuple[Noticed, ...]:
    """Read the facts that a text states, if it is one of those that facts are read from.

    What plugins find comes after what is found here.
    """
    if not _is_read(engine, role, origin):
        return ()
    found = readings(engine, content, role, moment)
    return tuple(noticed(engine, embedder, one, role) for one in found)


def model_reads_after(engine: Engine, role: str, origin: str) -> float | None:
    """Seconds after which a language model reads such a message too; None if none does."""
    is_read = engine.llm is not None and _is_read(engine, role, origin)
    return engine.config.llm_facts_after_s if is_read else None


def _is_read(engine: Engine, role: str, origin: str) -> bool:
    """Whether facts are read from what somebody says that came this way."""
    trusted = engine.config.fact_sources
    trust = origin.partition(":")[0]
    return role in trusted and (trust in trusted or trust == check.origin_of(role))


def readings(engine: Engine, content: str, role: str, moment: int) -> list[Reading]:
    """What patterns and plugins read from a text, whosever it is."""
    when = to_moment(moment)
    return [
        *read_facts(content, when, who=called(role)),
        *map(as_reading, engine.plugins.read_facts(Message(role, content, when))),
    ]


def called(role: str) -> str:
    """What a speaker is called in facts."""
    return role[:1].upper() + role[1:]


def as_reading(one: StatedFact) -> Reading:
    """What a plugin or a model has read, in the form of what is read here."""
    subject, value = one.subject.casefold(), one.value.casefold()
    return Reading(subject, value, one.text, one.start, one.start, one.since)


def noticed(engine: Engine, embedder: Embedder, one: Reading, role: str) -> Noticed:
    """A reading, weighed and split."""
    if not one.text:
        return Noticed(one, 0.0, 0, ())
    weight = importance(one.text, role, "semantic")
    count = engine.counter.count(one.text)
    return Noticed(one, weight, count, pieces(embedder, one.text, role))


def statements(
    source: Memory,
    found: Sequence[Noticed],
    embeddings: Mapping[str, bytes],
    origin: str | None = None,
) -> list[NewStatement]:
    """What was read from a memory, ready to be kept; of the memory's origin unless told.

    What was said by others than the user, or of another class of trust, is about subjects of its
    own: it never replaces what the user said.
    """
    trust = source.origin.partition(":")[0]
    scope = "" if (source.role, trust) == ("user", "user") else f"{trust}/{source.role}: "
    return [
        NewStatement(
            start=one.reading.start,
            subject=scope + one.reading.subject,
            value=one.reading.value,
            since=optional_micros(one.reading.since),
            fact=_stating(source, one, embeddings, origin) if one.reading.text else None,
        )
        for one in found
    ]


def _stating(
    source: Memory, one: Noticed, embeddings: Mapping[str, bytes], origin: str | None
) -> NewMemory:
    """The memory that states a fact, but for what the store knows of it."""
    return NewMemory(
        id="",
        session_id=None,
        memory_type="semantic",
        role=source.role,
        content=one.reading.text,
        importance=one.importance,
        occurred_at=None,
        origin=origin or source.origin,
        token_count=one.token_count,
        metadata=None,
        chunks=chunks_of(one.pieces, embeddings),
    )


def merged(facts: Mapping[str, Fact], learned: Sequence[Fact]) -> dict[str, Fact]:
    """What was done to some facts, by id, counting from before the save."""
    found = {}
    for one in learned:
        before = facts.get(one.memory.id)
        is_new = before is not None and before.change == "new"
        found[one.memory.id] = Fact("new", one.memory) if is_new else one
    return found
