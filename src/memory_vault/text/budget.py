"""Choose the lines of a prompt block so that it keeps its token budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .prompt import GROUP_WRAPPERS, WRAPPER, Group, Line, render
from .tokens import TokenCounter

_PREFERENCE_SHARE = 4
_READ_SHARE = 16
"""What was said goes before what was read from it, but for this fraction of the budget."""
_MAX_MISSES = 20
# Lines are counted after this one, as they stand in a block: a text alone may count for more.
_BEFORE = "-"
_MAX_HEADS = 4096
_ENOUGH = 0.97
"""A block that takes this share of its budget is not filled further."""
_SAMPLE = (
    ("- [2026-05-20, session s-12] user: ", "We moved the orders service to PostgreSQL."),
    ("- [2026-05-21, session s-12] Ann: ", "So what should we do with the old database?"),
    ("- [2025-11-02] assistant: ", "Keep it for 30 days, read-only; then drop it."),
    ("- [2024-01-30] ", "Ann lives in Lisbon with her two cats."),
)
_CAUTION = 0.95


class Candidate(NamedTuple):
    """One line that may go into the block.

    Attributes:
        cost: Tokens that the line is expected to add.
        worth: What it is worth beside the others, 0 or more; not read of preferences.
        is_read: Whether it was read from others, which say it at more length.
    """

    group: Group
    cost: float
    worth: float = 0.0
    is_read: bool = False


Write = Callable[[Sequence[int]], Iterable[tuple[Line, float]]]
"""Gives the lines of some candidates, by position, with the tokens that each adds or nearly so."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What went into the block.

    Attributes:
        kept: Positions in the candidates that stand in the block, best first.
        left_out: How many do not, by "budget" and "top_k".
        tokens: Tokens of `block`, never above the budget.
    """

    kept: list[int]
    left_out: dict[str, int]
    block: str
    tokens: int


class LineCosts:
    """Tokens that lines add to a block, counted, or told before their text is read.

    Args:
        counter: What counts.
    """

    def __init__(self, counter: TokenCounter) -> None:
        self.counter: TokenCounter = counter
        self._before = counter.count(_BEFORE)
        # What a beginning and a text count for more apart than as one line.
        apart = (
            self.of(head) + counter.count(text) - self.of(head + text) for head, text in _SAMPLE
        )
        self._apart = _CAUTION * sum(apart) / len(_SAMPLE)
        self._heads: dict[str, float] = {}

    def of(self, line: str) -> int:
        """Tokens that a line adds, or several lines joined."""
        return self.counter.count(f"{_BEFORE}\n{line}") - self._before

    def of_tags(self, tags: tuple[str, str]) -> float:
        """Tokens that the tags around a group, or around the block, add."""
        return self.expected("\n".join(tags), 0) + self._apart

    def expected(self, head: str, content_tokens: int) -> float:
        """Tokens that a line adds which begins so and goes on with a text of that many tokens."""
        cost = self._heads.get(head)
        if cost is None:
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            cost = self._heads[head] = self.of(head) - self._apart
        return cost + content_tokens


def pack(
    candidates: Sequence[Candidate],
    write: Write,
    *,
    token_budget: int,
    costs: LineCosts,
    max_items: int,
    first: str = WRAPPER[0],
) -> Packed:
    """Fill the budget with candidates; only what is likely to stay is written.

    Candidates come best first. If as many as may stand in the block fit, those stand in it;
    otherwise it is filled in order of worth / (cost + budget / 2), so that a line of half the
    budget must be worth twice as much as one of a few tokens. One that does not fit is passed over
    and others after it are tried, until 20 in a row did not fit. Preferences come first, take a
    quarter of the budget at most and do not count as items. What was read from
    others takes a sixteenth, and more only when there is room once the others were tried. When the
    block turns out smaller than expected, it is filled further. `first` is the first line of the
    block.
    """
    room = _Room(token_budget, max_items, costs, first)
    kept: dict[int, Line] = {}
    untried = _in_order(candidates, token_budget, max_items)
    block, tokens = "", 0
    while chosen := _fitting(candidates, untried, room):
        tried = set(chosen)
        untried = [at for at in untried if at not in tried]
        for at, (line, cost) in zip(chosen, write(chosen), strict=True):
            if room.take(line.group, cost):
                kept[at] = line
        block, tokens = _rendered(kept, room)
        room.spent = tokens
        if tokens >= _ENOUGH * token_budget:
            break
    return Packed(sorted(kept), _left_out(candidates, kept, room), block, tokens)


def _in_order(candidates: Sequence[Candidate], budget: int, max_items: int) -> list[int]:
    """Positions in the order in which they are tried; see `pack`."""
    items = [at for at, one in enumerate(candidates) if one.group != "preferences"]
    if sum(candidates[at].cost for at in items[:max_items]) > budget:
        items.sort(key=lambda at: -candidates[at].worth / (candidates[at].cost + budget / 2))
    preferences = [at for at, one in enumerate(candidates) if one.group == "preferences"]
    return preferences + _said_first(candidates, items, budget / _READ_SHARE)


def _said_first(candidates: Sequence[Candidate], items: list[int], room: float) -> list[int]:
    """The same positions, with what was read and does not fit into the room at the end."""
    first: list[int] = []
    last: list[int] = []
    for at in items:
        if candidates[at].is_read:
            room -= candidates[at].cost
        is_late = candidates[at].is_read and room < 0
        (last if is_late else first).append(at)
    return first + last


@dataclass(slots=True)
class _Room:
    """What is left of a budget."""

    budget: int
    max_items: int
    costs: LineCosts
    first: str
    spent: float = 0
    items: int = 0
    preferences: float = 0
    groups: frozenset[Group] = field(default_factory=frozenset)

    def take(self, group: Group, cost: float) -> bool:
        """Use up the room for a line, its group's tags included; False if there is not enough."""
        if group not in self.groups:
            cost += self.costs.of_tags(GROUP_WRAPPERS[group])
        if not self.groups:
            cost += self.costs.of_tags((self.first, WRAPPER[1]))
        is_item = group != "preferences"
        if self.spent + cost > self.budget or (is_item and self.items >= self.max_items):
            return False
        if not is_item and self.preferences + cost > self.budget // _PREFERENCE_SHARE:
            return False
        self.spent += cost
        self.items += is_item
        self.preferences += 0 if is_item else cost
        self.groups |= {group}
        return True


def _fitting(candidates: Sequence[Candidate], positions: Sequence[int], room: _Room) -> list[int]:
    """Those of the positions that fit if they cost what is expected."""
    room = replace(room)
    found: list[int] = []
    misses = 0
    for at in positions:
        group = candidates[at].group
        if room.take(group, candidates[at].cost):
            found.append(at)
            misses = 0
        elif group != "preferences":
            misses += 1
            if misses >= _MAX_MISSES:
                break
    return found


def _rendered(kept: dict[int, Line], room: _Room) -> tuple[str, int]:
    """The block and its tokens; the worst are dropped while the whole counts for too much."""
    while True:
        block = render((kept[at] for at in sorted(kept)), room.first)
        tokens = room.costs.counter.count(block)
        if tokens <= room.budget or not kept:
            return block, tokens
        dropped = kept.pop(max(kept))
        room.items -= dropped.group != "preferences"


def _left_out(
    candidates: Sequence[Candidate], kept: dict[int, Line], room: _Room
) -> dict[str, int]:
    """How many are not in the block, by reason: after the last one there may be no more items."""
    last = max(kept, default=-1) if room.items >= room.max_items else len(candidates)
    missing = [at for at in range(len(candidates)) if at not in kept]
    over = sum(at > last and candidates[at].group != "preferences" for at in missing)
    return {"budget": len(missing) - over, "top_k": over}
