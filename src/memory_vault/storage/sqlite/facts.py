"""What was read from memories, and the memories that state it: each holds from when to when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ..._ids import new_id
from ..._times import optional_micros, to_micros
from ...models import Fact, FactChange, Memory
from ...text.facts.timeline import Fact as Span
from ...text.facts.timeline import Statement, timeline
from .. import NewMemory, NewStatement
from .connection import Database
from .memories import Memories, Times

_COLUMNS = "source, start, subject, value, text, since, learned_at, fact"


@dataclass(slots=True)
class Restored:
    """What forgetting left of the facts that it concerned.

    Attributes:
        reopened: Facts that hold longer again.
        rebuilt: Facts made anew from what remains.
        lost: Facts that nothing says any more.
        removed: Statements that went.
    """

    reopened: list[str] = field(default_factory=list)
    rebuilt: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    removed: int = 0


class Facts:
    """What may be done with facts inside one transaction."""

    def __init__(self, connection: Database, memories: Memories, now: int) -> None:
        self._db, self._memories, self._now = connection, memories, now

    # reading -------------------------------------------------------------------------------------

    def on(self, subject: str) -> list[Statement]:
        """All statements on one subject."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM statements WHERE subject = ?",  # noqa: S608
            (subject,),
        )
        return [Statement(*row) for row in rows]

    def sources(self, memory_ids: Iterable[str]) -> set[str]:
        """Those of the memories from which facts were read."""
        rows = self._db.execute(
            "SELECT DISTINCT source FROM statements WHERE source IN "
            "(SELECT value FROM json_each(?))",
            (json.dumps(list(memory_ids)),),
        )
        return {row[0] for row in rows}

    def _subjects_of(self, source: str) -> list[str]:
        rows = self._db.execute(
            "SELECT DISTINCT subject FROM statements WHERE source = ?", (source,)
        )
        return [row[0] for row in rows]

    # learning ------------------------------------------------------------------------------------

    def learn(self, source: Memory, found: Sequence[NewStatement]) -> list[Fact]:
        """Keep what is read from a memory, in place of what was read from it before.

        Facts whose time this changes get a new version; those that nothing says any more are in
        force no longer, and stay for `known_at`.
        """
        subjects = dict.fromkeys([*self._subjects_of(source.id), *(one.subject for one in found)])
        before = {subject: self.on(subject) for subject in subjects}
        if any(before.values()):
            self._db.execute("DELETE FROM statements WHERE source = ?", (source.id,))
        return self._take_in(source, found, before)

    def learn_more(self, source: Memory, found: Sequence[NewStatement]) -> list[Fact]:
        """Keep what is read from a memory later, beside what was read from it before.

        What is stated already, in whatever words, is confirmed in those words.
        """
        before = {one.subject: self.on(one.subject) for one in found}
        told = {
            (one.subject, one.value): one.text for old in before.values() for one in old if one.text
        }
        same = [_reworded(one, told.get((one.subject, one.value))) for one in found]
        return self._take_in(source, same, before)

    def _take_in(
        self,
        source: Memory,
        found: Sequence[NewStatement],
        before: Mapping[str, Sequence[Statement]],
    ) -> list[Fact]:
        """Add statements to those on their subjects, and make the facts fit."""
        for one in dict.fromkeys(self._statement(source, one) for one in found):
            self._insert(one)
        made = {one.fact.content: one.fact for one in found if one.fact and one.fact.chunks}
        return [
            change
            for subject, old in before.items()
            for change in self._settle(subject, old, made, frozenset(), source.id)
        ]

    def _statement(self, source: Memory, new: NewStatement) -> Statement:
        told = source.occurred_at or source.recorded_at
        text = "" if new.fact is None else new.fact.content
        since = to_micros(told) if new.since is None else new.since
        return Statement(source.id, new.start, new.subject, new.value, text, since, self._now)

    def _insert(self, one: Statement) -> None:
        self._db.execute(
            f"INSERT INTO statements ({_COLUMNS}) "  # noqa: S608
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(one.source, one.start, one.subject, one.value, one.text),
                *(one.since, one.learned_at, one.fact),
            ),
        )

    def _settle(
        self,
        subject: str,
        old: Sequence[Statement],
        made: Mapping[str, NewMemory],
        gone: frozenset[str],
        source: str,
    ) -> list[Fact]:
        """Make the memories of one subject say what its statements amount to now.

        Args:
            old: The statements as they were.
            made: Memories that may be needed, by content.
            gone: Facts that cannot be used any more.
            source: Whose statements are new.
        """
        before = _by_fact(timeline(old))
        changes: list[Fact] = []
        taken: dict[str, None] = {}
        for span in timeline(self.on(subject)):
            known = _known(span, {*taken, *gone})
            memory_id = known or self._state(span, made)
            if memory_id is None:
                continue
            taken[memory_id] = None
            self._link(span, memory_id)
            change = self._change(memory_id, span, before.get(memory_id), source)
            if change is not None:
                changes.append(change)
        for memory_id in before.keys() - taken.keys() - gone:
            self._memories.withdraw(memory_id)
        return changes

    def _change(self, memory_id: str, now: Span, was: Span | None, source: str) -> Fact | None:
        """Give a fact its time if that is another one than before, and say what was done."""
        times = _times(now)
        if was is None:
            kind: FactChange = "new"
        elif _times(was) != times:
            kind = "closed" if was.valid_to is None and now.valid_to is not None else "changed"
            self._move(memory_id, times)
        elif any(one.source == source for one in now.statements):
            kind = "confirmed"
        else:
            return None
        memory = self._memories.get(memory_id)
        return None if memory is None else Fact(kind, memory)

    def _move(self, memory_id: str, times: Times) -> None:
        """Give a fact its time in a new version, unless it has it."""
        one = self._memories.get(memory_id)
        if one is not None and times != tuple(
            map(optional_micros, (one.valid_from, one.valid_to, one.occurred_at))
        ):
            values = dict(zip(("valid_from", "valid_to", "occurred_at"), times, strict=True))
            self._memories.replace(memory_id, values, None)

    def _link(self, span: Span, memory_id: str) -> None:
        """Note which memory states what these statements say."""
        for one in span.statements:
            if one.fact != memory_id:
                self._db.execute(
                    "UPDATE statements SET fact = ? "
                    "WHERE source = ? AND start = ? AND subject = ? AND text = ?",
                    (memory_id, one.source, one.start, one.subject, one.text),
                )

    def _state(self, span: Span, made: Mapping[str, NewMemory]) -> str | None:
        """Make the memory that states a fact, from a new text or from one that said the same."""
        told = span.first_told
        source = self._memories.get(told.source)
        if source is None:
            return None
        new = made.get(told.text) or self._copy(told.text, source)
        if new is None:
            return None
        valid_from, valid_to, occurred_at = _times(span)
        memory = replace(
            new,
            id=new_id("mem"),
            occurred_at=occurred_at,
            metadata=json.dumps({"subject": told.subject}, ensure_ascii=False),
            derived_from=(source.id,),
            valid_from=valid_from,
            valid_to=valid_to,
        )
        return self._memories.add(memory).id

    def _copy(self, text: str, source: Memory) -> NewMemory | None:
        """A memory with the text and the embeddings of one that there is or was."""
        version = self._memories.same_text(text, source.role)
        if version is None:
            return None
        found = self._memories.versions([version])[version]
        return NewMemory(
            id="",
            session_id=None,
            memory_type="semantic",
            role=source.role,
            content=text,
            importance=found.importance,
            occurred_at=None,
            origin="model" if found.origin == "model" else source.origin,
            token_count=found.token_count,
            metadata=None,
            chunks=self._memories.chunks(version),
        )

    # forgetting ----------------------------------------------------------------------------------

    def forget(self, doomed: Sequence[str]) -> Restored:
        """Drop what was read from memories that are about to be removed, as if never told.

        A fact that others say too is made anew from what they say; a fact forgotten by its own id
        is not. What a dropped statement had replaced or ended holds again, in former versions too.
        """
        ids, done = frozenset(doomed), Restored()
        subjects: dict[str, None] = {}
        disowned: list[str] = []
        for memory_id in doomed:
            subjects.update(dict.fromkeys(self._subjects_of(memory_id)))
            sources = self._sources_of(memory_id)
            subjects.update(dict.fromkeys(self._stated_by(memory_id, sources)))
            if sources and ids.isdisjoint(sources):
                disowned.append(memory_id)
        before = {subject: self.on(subject) for subject in subjects}
        for memory_id in doomed:
            self._db.execute("DELETE FROM statements WHERE source = ?", (memory_id,))
            done.removed += self._db.changes()
        for memory_id in disowned:
            for subject in subjects:
                self._db.execute(
                    "DELETE FROM statements WHERE subject = ? AND fact = ?", (subject, memory_id)
                )
                done.removed += self._db.changes()
        for subject, old in before.items():
            self._restore(subject, old, ids, done)
        return done

    def _sources_of(self, memory_id: str) -> tuple[str, ...]:
        memory = self._memories.get(memory_id)
        return () if memory is None else memory.derived_from

    def _stated_by(self, memory_id: str, sources: Iterable[str]) -> list[str]:
        """The subjects of a fact, found by the memories it was read from."""
        return [
            row[0]
            for source in sources
            for row in self._db.execute(
                "SELECT subject FROM statements WHERE source = ? AND fact = ?", (source, memory_id)
            )
        ]

    def _restore(
        self, subject: str, old: Sequence[Statement], gone: frozenset[str], done: Restored
    ) -> None:
        """Settle one subject after statements were dropped, and its past with it."""
        left = self.on(subject)
        before = _by_fact(timeline(old))
        for memory_id in before.keys() - gone:
            self._memories.rewind(memory_id, partial(_as_told, old, left, memory_id))
        for one in self._settle(subject, old, {}, gone, ""):
            (done.rebuilt if one.change == "new" else done.reopened).append(one.memory.id)
        done.lost += [one for one in before if one not in gone and self._memories.get(one) is None]


def _reworded(one: NewStatement, text: str | None) -> NewStatement:
    """A statement in the words in which the vault has it already, if it has; they have chunks."""
    if text is None or one.fact is None or one.fact.content == text:
        return one
    return replace(one, fact=replace(one.fact, content=text, chunks=()))


def _by_fact(spans: Iterable[Span]) -> dict[str, Span]:
    """Facts by the memory that states them."""
    return {one.fact: span for span in spans for one in span.statements if one.fact is not None}


def _known(span: Span, but: set[str]) -> str | None:
    """The memory that states a fact already, if there is one."""
    told = sorted(span.statements, key=lambda one: (one.learned_at, one.source, one.start))
    return next((one.fact for one in told if one.fact is not None and one.fact not in but), None)


def _times(span: Span) -> Times:
    return span.valid_from, span.valid_to, span.statements[0].since


def _as_told(
    old: Sequence[Statement], left: Sequence[Statement], fact: str, at: int
) -> tuple[Times | None, Times | None]:
    """When a fact held by what had been told at a moment, before some was forgotten and after."""
    return _told(old, fact, at), _told(left, fact, at)


def _told(statements: Sequence[Statement], fact: str, at: int) -> Times | None:
    """When a fact held, by what had been told at a moment."""
    spans = timeline(one for one in statements if one.learned_at <= at)
    found = _by_fact(spans).get(fact)
    return None if found is None else _times(found)
