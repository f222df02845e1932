"""Choose the lines of a prompt block so that it keeps its token budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .prompt import GROUP_WRAPPERS, WRAPPER, Group, Line, render
from .tokens import TokenCounter

_PREFERENCE_SHARE = 4
_MAX_MISSES = 20
# Lines are counted after this one, as they stand in a block: a text alone may count for more.
_BEFORE = "-"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line that may go into the block.

    Attributes:
        key: The caller's own number for it; not read here.
    """

    key: int
    line: Line


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


def pack(
    candidates: Sequence[Candidate], *, token_budget: int, counter: TokenCounter, max_items: int
) -> Packed:
    """Fill the budget with candidates, best first.

    One that does not fit is passed over and smaller ones after it are tried, until 20 in a row
    did not fit. Preferences take a quarter of the budget at most and do not count as items.
    """
    packer = _Packer(token_budget, counter, max_items)
    for position, candidate in enumerate(candidates):
        if packer.misses >= _MAX_MISSES:
            packer.left_out["budget"] += len(candidates) - position
            break
        packer.offer(position, candidate.line)
    return packer.finish(candidates)


@dataclass(slots=True)
class _Packer:
    """The state of one packing: what is kept, and an estimate of what it costs."""

    budget: int
    counter: TokenCounter
    max_items: int
    kept: list[int] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=lambda: {"budget": 0, "top_k": 0})
    spent: int = 0
    items: int = 0
    misses: int = 0
    groups: dict[Group, int] = field(default_factory=dict)
    before: int = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.counter.count(_BEFORE)

    def offer(self, position: int, line: Line) -> None:
        """Keep a line if there is room for it."""
        if line.group != "preferences" and self.items >= self.max_items:
            self.left_out["top_k"] += 1
            return
        cost = self.cost(line)
        if self.fits(line.group, cost):
            self.keep(position, line.group, cost)
        else:
            self.left_out["budget"] += 1
            self.misses += line.group != "preferences"

    def cost(self, line: Line) -> int:
        """Tokens that a line adds, with its group's tags if it is the first there."""
        cost = self.added(line.text)
        if line.group not in self.groups:
            cost += self.added("\n".join(GROUP_WRAPPERS[line.group]))
        if not self.groups:
            cost += self.counter.count("\n".join(WRAPPER))
        return cost

    def added(self, text: str) -> int:
        """Tokens that a text adds on lines of its own."""
        return self.counter.count(f"{_BEFORE}\n{text}") - self.before

    def fits(self, group: Group, cost: int) -> bool:
        """Whether the budget, and the share of preferences, has room for more tokens."""
        if self.spent + cost > self.budget:
            return False
        share = self.groups.get(group, 0) + cost
        return group != "preferences" or share <= self.budget // _PREFERENCE_SHARE

    def keep(self, position: int, group: Group, cost: int) -> None:
        """Take a line in."""
        self.kept.append(position)
        self.spent += cost
        self.items += group != "preferences"
        self.groups[group] = self.groups.get(group, 0) + cost
        self.misses = 0

    def finish(self, candidates: Sequence[Candidate]) -> Packed:
        """Render what is kept and drop the worst while the whole counts for too much."""
        while True:
            block = render(candidates[at].line for at in self.kept)
            tokens = self.counter.count(block)
            if tokens <= self.budget or not self.kept:
                return Packed(self.kept, self.left_out, block, tokens)
            self.kept.pop()
            self.left_out["budget"] += 1
