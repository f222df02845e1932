"""What is read from a text as it is saved, made ready for the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _arguments as check
from ._times import optional_micros, to_moment
from .models import Fact, Memory, Message
from .pieces import Piece, chunks_of, pieces
from .plugins import StatedFact
from .storage import NewMemory, NewStatement
from .text.facts import Reading, read_facts
from .text.salience import importance

if TYPE_CHECKING:
    from .embed import Embedder
    from .engine import Engine


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
    trusted = engine.config.fact_sources
    trust = origin.partition(":")[0]
    if role not in trusted or not (trust in trusted or trust == check.origin_of(role)):
        return ()
    who = role[:1].upper() + role[1:]
    when = to_moment(moment)
    found = [
        *read_facts(content, when, who=who),
        *map(_reading, engine.plugins.read_facts(Message(role, content, when))),
    ]
    return tuple(_noticed(engine, embedder, one, role) for one in found)


def _reading(one: StatedFact) -> Reading:
    """What a plugin has read, in the form of what is read here."""
    subject, value = one.subject.casefold(), one.value.casefold()
    return Reading(subject, value, one.text, one.start, one.start, one.since)


def _noticed(engine: Engine, embedder: Embedder, one: Reading, role: str) -> Noticed:
    if not one.text:
        return Noticed(one, 0.0, 0, ())
    weight = importance(one.text, role, "semantic")
    count = engine.counter.count(one.text)
    return Noticed(one, weight, count, pieces(embedder, one.text, role))


def statements(
    source: Memory, noticed: Sequence[Noticed], embeddings: Mapping[str, bytes]
) -> list[NewStatement]:
    """What was read from a memory, ready to be kept.

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
            fact=_stating(source, one, embeddings) if one.reading.text else None,
        )
        for one in noticed
    ]


def _stating(source: Memory, one: Noticed, embeddings: Mapping[str, bytes]) -> NewMemory:
    """The memory that states a fact, but for what the store knows of it."""
    return NewMemory(
        id="",
        session_id=None,
        memory_type="semantic",
        role=source.role,
        content=one.reading.text,
        importance=one.importance,
        occurred_at=None,
        origin=source.origin,
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
