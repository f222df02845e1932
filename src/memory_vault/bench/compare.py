"""Two reports on one file, question by question: what changed, and whether it is more than luck."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from .bootstrap import intervals
from .metrics import GROUPS, Row, Scores, groups, mean, scores

Pair = tuple[Row, Row]
"""A question before and after."""

FLIPS = (("session", "any@5"), ("session", "all@5"), ("budget", "2000"))
"""Measures of which the questions are listed that gained or lost."""


def read(path: Path) -> dict[str, Any]:
    """Read what `bench recall --json` has written. Blocking.

    Raises:
        InvalidInput: If it cannot be read or is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not _is_report(found):
        raise InvalidInput(
            f"{path} is no report with its questions: give what `bench recall --json` has written"
        )
    return found


def _is_report(found: Mapping[str, Any]) -> bool:
    rows = found.get("questions")
    needed = {"id", "type", "abstention", "session_ranks", "turn_ranks", *GROUPS}
    return isinstance(rows, list) and all(isinstance(r, dict) and needed <= set(r) for r in rows)


def require_same_file(name: str, digest: str | None, other: Mapping[str, Any]) -> None:
    """Refuse a report on another data set: by the file's digest, else by its name.

    Raises:
        InvalidInput: If it is one.
    """
    before = other.get("digest")
    is_same = digest == before if digest and before else name == other.get("file")
    if not is_same:
        raise InvalidInput(
            f"the reports are on two data sets, {name} and {other.get('file')}, or on two versions "
            "of one: only reports on the same file can be compared"
        )


def compare(after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Every measure before and after, over the questions that both reports have.

    Raises:
        InvalidInput: If they are on two data sets or share no question.
    """
    require_same_file(str(after.get("file")), after.get("digest"), before)
    pairs = _pairs(after["questions"], before["questions"])
    parts = groups([new for _, new in pairs])
    return {
        "file": after.get("file"),
        "before": before.get("commit"),
        "after": after.get("commit"),
        "only_before": len(before["questions"]) - len(pairs),
        "only_after": len(after["questions"]) - len(pairs),
        **changes(pairs),
        "without_abstention": changes(_of(pairs, parts["without_abstention"])),
        "by_type": {kind: changes(_of(pairs, part)) for kind, part in parts["by_type"].items()},
        "flips": {f"{group} {name}": flips(pairs, group, name) for group, name in FLIPS},
    }


def _pairs(after: Sequence[Row], before: Sequence[Row]) -> list[Pair]:
    """The questions of both, with the same gold, in the order of the newer report."""
    old = {one["id"]: one for one in before}
    pairs = [(old[one["id"]], one) for one in after if one["id"] in old]
    if not pairs:
        raise InvalidInput("the reports have no question in common: there is nothing to compare")
    for one, other in pairs:
        if any(set(one[ranks]) != set(other[ranks]) for ranks in ("session_ranks", "turn_ranks")):
            raise InvalidInput(
                f"question {one['id']} has other evidence in the two reports: they are on two "
                "versions of a data set, and only reports on the same file can be compared"
            )
    return pairs


def _of(pairs: Sequence[Pair], rows: Sequence[Row]) -> list[Pair]:
    wanted = {one["id"] for one in rows}
    return [pair for pair in pairs if pair[1]["id"] in wanted]


def changes(pairs: Sequence[Pair]) -> dict[str, Any]:
    """By group and name: before, after, their mean difference and its interval; n questions."""
    old, new = ([scores(pair[at]) for pair in pairs] for at in (0, 1))
    both = [_both(one, other) for one, other in zip(old, new, strict=True)]
    before = mean([one for one, _ in both])
    after = mean([one for _, one in both])
    ends = intervals([_difference(one, other) for one, other in both])
    found: dict[str, Any] = {"n": len(pairs)}
    for group in after:
        found[group] = {
            name: _change(before[group][name], value, ends[group][name])
            for name, value in after[group].items()
        }
    return found


def _both(one: Scores, other: Scores) -> tuple[Scores, Scores]:
    """The measures that both have, in the order of the second."""
    names = {group: [n for n in part if n in one.get(group, {})] for group, part in other.items()}
    first, second = (
        {group: {name: row[group][name] for name in part} for group, part in names.items()}
        for row in (one, other)
    )
    return first, second


def _difference(before: Scores, after: Scores) -> Scores:
    return {
        group: {name: _minus(value, before[group][name]) for name, value in part.items()}
        for group, part in after.items()
    }


def _minus(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _change(before: float | None, after: float | None, ends: list[float] | None) -> dict[str, Any]:
    change = _minus(after, before)
    return {"before": before, "after": after, "difference": change, "interval95": ends}


def flips(pairs: Sequence[Pair], group: str, name: str) -> dict[str, list[str]]:
    """Ids of the questions whose value rose (`gained`) or fell (`lost`)."""
    found: dict[str, list[str]] = {"gained": [], "lost": []}
    for old, new in pairs:
        change = _minus(new[group].get(name), old[group].get(name))
        if change:
            found["gained" if change > 0 else "lost"].append(new["id"])
    return found
