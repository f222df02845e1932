"""Writes the prompt block of one recall: what may stand in it, its lines, and the result."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from .._times import to_micros, to_moment
from ..models import FACT_TYPES, LeftOut, Memory, Preference, Recalled, RecallResult
from ..text.budget import Candidate, Packed
from ..text.prompt import (
    Group,
    Line,
    conversation_head,
    escape,
    fact_head,
    opening,
    past_note,
    preference_line,
)
from ..text.relevance import THRESHOLD, relevance
from ..text.snippet import snippet
from ..text.speakers import SUMMARY
from ..text.words import words

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.index.rank import Ranking
    from ..storage.index.user_index import UserIndex
    from ..storage.sqlite.transaction import Transaction
    from .recall import Request

_FRAME, _FRAME_SHARE = 64, 5
"""Tokens that lines take besides their texts, a fifth of the budget at most."""
_SPANS = 16
"""Of a long memory so many of the best chunks are looked at for what to show."""
_SOME_DAY = date(2026, 1, 1)
"""Stands for any day where only the length of a line is wanted."""
_MAX_HEADS = 4096
_SAID = "episodic"
"""What facts or preferences were read from stands among what was said: those stand for it, and
may end."""


class Block:
    """The block of one recall. Only memories that are likely to stand in it are read.

    Args:
        ranking: The memories found.
        places: Those places of the ranking that may go into the block, best first.
        facts: Versions that state a fact which was read from others.
    """

    def __init__(
        self,
        engine: Engine,
        user: Transaction,
        index: UserIndex,
        request: Request,
        ranking: Ranking,
        places: Sequence[int],
        facts: Set[int],
    ) -> None:
        self._engine, self._user, self._index, self._request = engine, user, index, request
        self._ranking, self._places, self._facts = ranking, places, facts
        self._preferences = _preferences(request, user)
        self._moment = request.filters.moment(user.now)
        self._limit = most_of_one(request.token_budget)
        self._versions: list[int] = ranking.versions[places].tolist()
        self._rows = ranking.rows[places]
        times = (index.column(name)[self._rows].tolist() for name in ("happened", "recorded"))
        self._orders = list(zip(*times, strict=True))
        self._expected: list[float] = []
        self._told: set[str] = set()
        self._written: dict[int, tuple[Memory, str]] = {}

    def opening(self) -> str:
        """The first line of the block, with what the settings want to stand there."""
        user = self._user.user_id if self._request.shows_user else None
        moment = to_moment(self._request.filters.moment(self._user.now))
        return opening(user_id=user, day=moment.date() if self._request.shows_date else None)

    def candidates(self) -> list[Candidate]:
        """What may go into the block, best first: preferences, then memories as ranked."""
        costs = self._engine.line_costs
        found = [
            Candidate("preferences", costs.of(preference_line(one.key, one.value)))
            for one in self._preferences
        ]
        tokens = self._index.column("tokens")[self._rows].clip(max=self._limit).tolist()
        scores = self._ranking.scores[self._places].tolist()
        of = zip(self._index.labels(self._rows), tokens, scores, self._versions, strict=True)
        for who, count, score, version in of:
            group, head = _any_day(*who)
            cost = costs.expected(head, count)
            found.append(Candidate(group, cost, score, version in self._facts))
        self._expected = [one.cost for one in found]
        return found

    def write(self, positions: Sequence[int]) -> Iterator[tuple[Line, float]]:
        """The lines of some candidates with the tokens that each adds."""
        first = len(self._preferences)
        wanted = [self._versions[at - first] for at in positions if at >= first]
        memories = self._user.memories.versions(wanted)
        ids = [one.id for one in memories.values()]
        self._told |= self._user.facts.sources(ids) | self._user.preferences.sources(ids)
        for at in positions:
            if at < first:
                yield self._preference(at)
            else:
                yield self._memory(at, memories[self._versions[at - first]])

    def _preference(self, at: int) -> tuple[Line, float]:
        """One preference as a line."""
        text = preference_line(self._preferences[at].key, self._preferences[at].value)
        return Line("preferences", (at,), text), self._engine.line_costs.of(text)

    def _memory(self, at: int, memory: Memory) -> tuple[Line, float]:
        """One memory as a line; its text is counted only when it is not as it was saved."""
        text = self._snippet(at, memory)
        self._written[at] = memory, text
        when = memory.occurred_at or memory.recorded_at
        kind = _SAID if memory.id in self._told else memory.memory_type
        group, head = _head(kind, when.date(), memory.session_id, memory.role)
        shown = escape(text) + self._end_of(memory)
        line = Line(group, self._orders[at - len(self._preferences)], head + shown)
        if not text:  # not a word of it fits
            return line, math.inf
        is_as_expected = shown == memory.content and kind == memory.memory_type
        return line, self._expected[at] if is_as_expected else self._engine.line_costs.of(line.text)

    def _end_of(self, memory: Memory) -> str:
        """What tells that a fact holds no more at the moment of asking."""
        end = memory.valid_to
        return "" if end is None or to_micros(end) > self._moment else past_note(end.date())

    def _snippet(self, at: int, memory: Memory) -> str:
        """The whole memory if it is short, else its best spans."""
        if memory.token_count <= self._limit:
            return memory.content
        number = at - len(self._preferences)
        spans = self._user.memories.chunk_spans(self._versions[number])
        chunks = self._ranking.chunks(self._places[number])
        best = [spans[i] for i in chunks[:_SPANS] if i < len(spans)]
        return snippet(
            memory.content,
            best,
            max_tokens=self._limit,
            counter=self._engine.counter,
            focus=frozenset(words(self._request.query)),
            by_line=memory.role == SUMMARY,
        )

    def result(self, packed: Packed) -> RecallResult:
        """What the caller gets."""
        first = len(self._preferences)
        kept = [at for at in packed.kept if at >= first]
        copies = len(self._ranking) - len(self._places)
        counts = {**packed.left_out, "near_copy": copies}
        reasons = {why: count for why, count in counts.items() if count}
        likely = relevance(self._ranking.cosine, self._ranking.coverage)
        return RecallResult(
            query=self._request.query,
            memories=self._recalled(kept),
            prompt_block=packed.block,
            total_tokens=packed.tokens,
            token_budget=self._request.token_budget,
            left_out=LeftOut(sum(reasons.values()), reasons),
            preferences=tuple(self._preferences[at] for at in packed.kept if at < first),
            relevance=likely,
            is_relevant=bool(kept) and likely >= THRESHOLD,
        )

    def _recalled(self, kept: Sequence[int]) -> tuple[Recalled, ...]:
        """The memories that stand in the block, and why."""
        places = [self._places[at - len(self._preferences)] for at in kept]
        scores, signals = self._ranking.scores[places].tolist(), self._ranking.signals(places)
        return tuple(
            Recalled(*self._written[at], score, why, rank)
            for rank, (at, score, why) in enumerate(zip(kept, scores, signals, strict=True), 1)
        )


def most_of_one(token_budget: int) -> int:
    """Tokens of one memory at most: half of what is left beside the lines' own."""
    return max(1, (token_budget - min(_FRAME, token_budget // _FRAME_SHARE)) // 2)


def _preferences(request: Request, user: Transaction) -> tuple[Preference, ...]:
    """The preferences in force, unless the request asks for other things only."""
    wanted = request.filters.memory_types
    if wanted is not None and "procedural" not in wanted:
        return ()
    return user.preferences.list(known_at=request.filters.known_at)


@lru_cache(_MAX_HEADS)
def _any_day(kind: str, session_id: str | None, role: str) -> tuple[Group, str]:
    """As `_head`, for a line of which only the length is wanted."""
    return _head(kind, _SOME_DAY, session_id, role)


def _head(kind: str, day: date, session_id: str | None, role: str) -> tuple[Group, str]:
    """The group of a memory, and how its line begins."""
    if kind in FACT_TYPES:
        return "facts", fact_head(day)
    return "conversations", conversation_head(day, session_id, role)
