"""Reads `memory-eval/1` files and plans in which order to save and ask."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from ..text.clean import is_blank
from .eval_dates import parse

FORMAT = "memory-eval/1"
_AHEAD = 12
"""Sessions embedded together: a third less time than one at a time, and a bar still moves."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a session."""

    id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session stands in a haystack: its id there, when it was, and what holds its turns."""

    session_id: str
    date: str | None
    key: str

    @property
    def moment(self) -> datetime | None:
        """Its date in UTC, None when not known."""
        return None if self.date is None else parse(self.date)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, the sessions it may be answered from, and what answers it."""

    id: str
    type: str
    text: str
    haystack: frozenset[Place]
    order: tuple[Place, ...]
    gold_sessions: frozenset[str]
    gold_turns: frozenset[str]
    is_abstention: bool
    moment: datetime | None = None
    """When it is asked; see `asking_time`."""


@dataclass(frozen=True, slots=True)
class EvalFile:
    """Sessions by key, and questions over them.

    Attributes:
        digest: SHA-256 of the file's content, unpacked.
    """

    name: str
    sessions: Mapping[str, tuple[Turn, ...]]
    questions: tuple[Question, ...]
    digest: str = ""

    def shown(self, place: Place) -> list[Turn]:
        """The turns of a session but blank ones, which no vault keeps."""
        return [one for one in self.sessions[place.key] if not is_blank(one.text)]

    def limited(self, limit: int | None) -> EvalFile:
        """At most this many questions, spread evenly over the file."""
        total = len(self.questions)
        if limit is None or limit >= total:
            return self
        if limit < 1:
            raise InvalidInput(f"limit={limit}: give at least 1")
        chosen = tuple(self.questions[i * total // limit] for i in range(limit))
        return replace(self, questions=chosen)


def read(path: Path) -> EvalFile:
    """Read a file, packed with gzip or plain. Blocking.

    Raises:
        InvalidInput: If it cannot be read or is not in this format.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
        data = json.loads(raw)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InvalidInput(f"{path} is no {FORMAT} file: its 'format' must say so")
    try:
        return _file(data, hashlib.sha256(raw).hexdigest())
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is no sound {FORMAT} file: {error!r}") from error


def _file(data: Mapping[str, Any], digest: str) -> EvalFile:
    sessions = {
        str(key): tuple(Turn(one["id"], one["role"], one["text"]) for one in turns)
        for key, turns in data["sessions"].items()
    }
    questions = tuple(_question(one) for one in data["questions"])
    for place in {place for one in questions for place in one.order}:
        if place.key not in sessions:
            raise KeyError(place.key)
    if len({one.id for one in questions}) < len(questions):
        raise KeyError("two questions have one id")
    return EvalFile(str(data.get("name", "")), sessions, questions, digest)


def _question(one: Mapping[str, Any]) -> Question:
    order = tuple(Place(*place) for place in one["haystack"])
    return Question(
        id=str(one["id"]),
        type=str(one["type"]),
        text=one["question"],
        haystack=frozenset(order),
        order=order,
        gold_sessions=frozenset(one["gold_sessions"]),
        gold_turns=frozenset(one["gold_turns"]),
        is_abstention=bool(one.get("abstention", False)),
        moment=asking_time(one.get("asked_at"), order),
    )


def asking_time(asked_at: str | None, order: Sequence[Place]) -> datetime | None:
    """When a question is asked: when the file says, but never before its last session.

    Some files date sessions of a haystack, even ones with the answer, after the question: a recall
    as of then would not see them. None, which sees everything, if a session has no date.
    """
    dates = [one.moment for one in order]
    known = [one for one in dates if one is not None]
    if len(known) < len(dates):
        return None
    asked = [] if asked_at is None else [parse(asked_at)]
    return max([*asked, *known], default=None)


@dataclass(slots=True)
class Step:
    """Sessions to save, in order of time, and the questions to ask once they are saved."""

    places: tuple[Place, ...]
    questions: list[Question]


@dataclass(slots=True)
class Chain:
    """Steps for one user, whose haystack only grows: each session is saved once.

    Every question is asked at the moment when the user has exactly its haystack.
    """

    held: frozenset[Place] = frozenset()
    steps: list[Step] = field(default_factory=list)

    def add(self, question: Question) -> None:
        """Grow to the question's haystack and ask it there."""
        if not self.steps or question.haystack != self.held:
            new = tuple(one for one in question.order if one not in self.held)
            self.steps.append(Step(_in_time_order(new), []))
            self.held = question.haystack
        self.steps[-1].questions.append(question)

    def without(self, done: Collection[str]) -> Chain:
        """The chain without some questions, and without sessions that no question needs then."""
        left = [
            Step(step.places, [one for one in step.questions if one.id not in done])
            for step in self.steps
        ]
        while left and not left[-1].questions:
            left.pop()
        return Chain(self.held, left)

    def ahead(self) -> dict[Place, list[Place]]:
        """At which sessions to embed ahead, and for which: a dozen at a time, that one first."""
        places = [place for step in self.steps for place in step.places]
        return {places[i]: places[i : i + _AHEAD] for i in range(0, len(places), _AHEAD)}

    def __len__(self) -> int:
        return sum(len(step.places) + len(step.questions) for step in self.steps)


_EARLIEST = datetime.min.replace(tzinfo=UTC)


def _in_time_order(places: Sequence[Place]) -> tuple[Place, ...]:
    """Earliest first; those without a date first, in the order of the file."""
    return tuple(sorted(places, key=lambda one: one.moment or _EARLIEST))


def plan(questions: Sequence[Question], done: Collection[str] = ()) -> list[Chain]:
    """Sort questions into chains of growing haystacks: shared conversations are saved once.

    Questions whose ids are `done` shape the chains but are not asked: what is left is asked of the
    same haystacks, saved in the same order, as if none had been.
    """
    chains: list[Chain] = []
    for one in sorted(questions, key=lambda one: len(one.haystack)):
        fitting = [chain for chain in chains if chain.held <= one.haystack]
        chain = max(fitting, key=lambda chain: len(chain.held), default=None)
        if chain is None:
            chains.append(chain := Chain())
        chain.add(one)
    return [left for chain in chains if (left := chain.without(done)).steps]
