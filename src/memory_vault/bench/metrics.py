"""The measures of retrieval, from ranks alone: pure functions, shares from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .bootstrap import intervals

SESSION_KS = (1, 3, 5, 10)
TURN_KS = (5, 10)
NDCG_K = 10
BUDGETS = (500, 1000, 2000, 4000)

GROUPS = ("session", "turn", "budget", "budget_tokens")

Scores = dict[str, dict[str, float | None]]
"""Values by group, one of `GROUPS`, and name; None without gold."""

Row = dict[str, Any]
"""One question as reports and journals keep it; see `row`."""


@dataclass(frozen=True, slots=True)
class Block:
    """What a recall with one budget gave for one question.

    Attributes:
        held: Gold turns whose text is inside the block.
        tokens: Tokens that the block really took.
    """

    held: frozenset[str]
    tokens: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's gold beside what recall gave for it.

    Attributes:
        sessions: Recalled sessions, best first, each once.
        turns: Recalled turns, best first, each once.
        blocks: What stood in the prompt block, by budget.
        is_relevant: Whether the block was said to hold an answer; None when nothing was said.
        relevance: How surely, from 0 to 1; None when nothing was said.
        visible: Tokens in default recall as a share of all; None where nothing was compressed.
        archived: Share of archived originals in the prompt block, by budget.
    """

    id: str
    type: str
    is_abstention: bool
    gold_sessions: frozenset[str]
    gold_turns: frozenset[str]
    sessions: Sequence[str]
    turns: Sequence[str]
    blocks: Mapping[int, Block] = field(default_factory=dict)
    is_relevant: bool | None = None
    relevance: float | None = None
    visible: float | None = None
    archived: Mapping[int, float] = field(default_factory=dict)


def unique(ids: Iterable[str]) -> list[str]:
    """Each id once, at its first place: ranks sessions by their best evidence."""
    return list(dict.fromkeys(ids))


def ranks(ranked: Sequence[str], gold: Iterable[str]) -> dict[str, int | None]:
    """Rank of each gold id from 1, None for one that was not found; ordered by id."""
    places = {one: place for place, one in enumerate(ranked, 1)}
    return {one: places.get(one) for one in sorted(gold)}


def any_at(ranked: Sequence[str], gold: frozenset[str], k: int) -> float:
    """1 if some gold id is among the first k, else 0."""
    return float(not gold.isdisjoint(ranked[:k]))


def all_at(ranked: Sequence[str], gold: frozenset[str], k: int) -> float:
    """1 if every gold id is among the first k, else 0."""
    return float(gold <= set(ranked[:k]))


def frac_at(ranked: Sequence[str], gold: frozenset[str], k: int) -> float:
    """Share of the gold ids that are among the first k."""
    return len(gold & set(ranked[:k])) / len(gold)


def ndcg_at(ranked: Sequence[str], gold: frozenset[str], k: int) -> float:
    """Discounted gain of the first k, as a share of the best that any order of all ids allows.

    Gain 1 for gold, discount 1 / log2(rank + 1). The ideal counts every gold id, found or not.
    """
    gain = sum(1 / math.log2(i + 1) for i, one in enumerate(ranked[:k], 1) if one in gold)
    ideal = sum(1 / math.log2(i + 1) for i in range(1, min(len(gold), k) + 1))
    return gain / ideal


def score(one: Judged) -> Scores:
    """Every measure of one question."""
    return {
        "session": _sessions(one),
        "turn": _of(one.gold_turns, lambda gold: _fracs(one.turns, gold, TURN_KS)),
        "budget": {str(b): _held(one, block) for b, block in one.blocks.items()},
        "budget_tokens": {str(b): float(block.tokens) for b, block in one.blocks.items()},
    }


def _sessions(one: Judged) -> dict[str, float | None]:
    return _of(
        one.gold_sessions,
        lambda gold: {
            **{f"any@{k}": any_at(one.sessions, gold, k) for k in SESSION_KS},
            **{f"all@{k}": all_at(one.sessions, gold, k) for k in SESSION_KS},
            **_fracs(one.sessions, gold, SESSION_KS),
            f"ndcg@{NDCG_K}": ndcg_at(one.sessions, gold, NDCG_K),
        },
    )


def _fracs(ranked: Sequence[str], gold: frozenset[str], ks: Sequence[int]) -> dict[str, float]:
    return {f"frac@{k}": frac_at(ranked, gold, k) for k in ks}


def _of(
    gold: frozenset[str], measure: Callable[[frozenset[str]], dict[str, float]]
) -> dict[str, float | None]:
    """Measures, or the same names with None for a question that has no gold."""
    if gold:
        return dict(measure(gold))
    return dict.fromkeys(measure(frozenset({"\0"})))


def _held(one: Judged, block: Block) -> float | None:
    return len(block.held & one.gold_turns) / len(one.gold_turns) if one.gold_turns else None


def row(one: Judged) -> Row:
    """What is kept of a question: ids and numbers, no text."""
    archived = {str(budget): share for budget, share in one.archived.items()}
    compressed = {} if one.visible is None else {"visible": one.visible, "archived": archived}
    return {
        **({"compressed": compressed} if compressed else {}),
        "id": one.id,
        "type": one.type,
        "abstention": one.is_abstention,
        "is_relevant": one.is_relevant,
        "relevance": one.relevance,
        "session_ranks": ranks(one.sessions, one.gold_sessions),
        "turn_ranks": ranks(one.turns, one.gold_turns),
        **score(one),
    }


def mean(rows: Sequence[Scores]) -> Scores:
    """Mean of each measure over the questions that have it; None where none has."""
    names = {group: list(values) for row in rows for group, values in row.items()}
    return {
        group: {name: _mean([row[group].get(name) for row in rows]) for name in found}
        for group, found in names.items()
    }


def _mean(values: Sequence[float | None]) -> float | None:
    found = [one for one in values if one is not None]
    return sum(found) / len(found) if found else None


def scores(row: Row) -> Scores:
    """The measures of a row, as `score` gave them."""
    return {group: row[group] for group in GROUPS}


def groups(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows to be summed up apart, nested as in a report: "without_abstention", "by_type"."""
    kinds = sorted({one["type"] for one in rows})
    return {
        "without_abstention": [one for one in rows if not one["abstention"]],
        "by_type": {kind: [one for one in rows if one["type"] == kind] for kind in kinds},
    }


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """All measures with their intervals: of all questions, without abstention, and by type."""
    parts = groups(rows)
    return {
        **_summary(rows),
        "without_abstention": _summary(parts["without_abstention"]),
        "by_type": {kind: _summary(part) for kind, part in parts["by_type"].items()},
    }


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    counts = {
        "n": len(rows),
        "n_with_gold_sessions": sum(bool(one["session_ranks"]) for one in rows),
        "n_with_gold_turns": sum(bool(one["turn_ranks"]) for one in rows),
    }
    found = [scores(one) for one in rows]
    return {**counts, **mean(found), "interval95": intervals(found)}


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
