"""What the statements on one subject amount to: which fact held from when to when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """One reading of one memory, as the store keeps it. Times in microseconds UTC.

    Attributes:
        source: Id of the memory it was read from.
        start: Where in that memory it stands.
        subject: What it is about; statements on one subject replace each other.
        value: What it says of it, in small letters; "" for an end of whatever holds.
        text: The fact as a sentence; "" if this ends a fact.
        since: Since when it holds, or when it ended.
        learned_at: When the vault was told.
        fact: Id of the memory that states the fact; None for an end.
    """

    source: str
    start: int
    subject: str
    value: str
    text: str
    since: int
    learned_at: int
    fact: str | None = None


@dataclass(slots=True)
class Fact:
    """One fact with the statements that say it, in order of time.

    Attributes:
        valid_to: When another took its place or it ended; None while it holds.
    """

    statements: list[Statement]
    valid_to: int | None = None

    @property
    def valid_from(self) -> int:
        """Since when it holds, as far as the vault was told.

        What was taken back in the moment in which it was said held for the microsecond before, so
        that no `as_of` shows it.
        """
        at = self.statements[0].since
        return at if self.valid_to is None or self.valid_to > at else self.valid_to - 1

    @property
    def first_told(self) -> Statement:
        """The statement that the vault knew first."""
        return min(self.statements, key=lambda one: (one.learned_at, one.source, one.start))


def timeline(statements: Iterable[Statement]) -> list[Fact]:
    """The facts that statements on one subject amount to, in order of time.

    Whatever the order in which they were told: each holds from its time until a later one says
    something else or ends it. The same text again, with nothing in between, confirms. An end with a
    value ends only a fact of that value. Of two with one time the one told later counts as later.
    """
    found: list[Fact] = []
    current: Fact | None = None
    for one in sorted(statements, key=lambda s: (s.since, s.learned_at, s.source, s.start)):
        if not one.text:
            if current is not None and one.value in ("", current.statements[-1].value):
                current.valid_to = one.since
                current = None
        elif current is not None and current.statements[-1].text == one.text:
            current.statements.append(one)
        else:
            if current is not None:
                current.valid_to = one.since
            current = Fact([one])
            found.append(current)
    return found
