"""How measures of recall are shown to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import show

_GROUPS = {"session": "sessions", "turn": "turns", "budget": "in a block of"}
_MOST_IDS = 20


def measures(found: Mapping[str, Any]) -> None:
    """Print a report: its measures in columns, and what else it has below."""
    parts = {
        "all": found,
        "95 %": {"n": "", **found["interval95"]},
        **_baseline(found.get("baseline")),
        "without abstention": found["without_abstention"],
        **found["by_type"],
    }
    rows: list[list[object]] = [["questions", *(part["n"] for part in parts.values())]]
    for group, title in _GROUPS.items():
        for name in found.get(group, {}):
            values = (part.get(group, {}).get(name) for part in parts.values())
            rows.append([f"{title} {name}", *map(_percent, values)])
    columns = ["percent", *(name.replace("-", " ") for name in parts)]
    show.table(columns, rows, empty="no questions")
    _numbers("tokens used", found.get("budget_tokens", {}))
    if "abstention" in found:
        _numbers("no answer told", found["abstention"], digits=3)
    _numbers("latency, ms", found["latency_ms"])
    if found["resumed"]:
        show.lines(f"{show.plural(found['resumed'], 'question')} of a stopped run taken over")
    if "comparison" in found:
        show.lines("")
        comparison(found["comparison"])


def _baseline(found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Columns of the baseline: its measures, and the interval of what recall has above them."""
    if found is None:
        return {}
    gain = {
        group: {name: one["interval95"] for name, one in found["gain"].get(group, {}).items()}
        for group in _GROUPS
    }
    return {"baseline": found, "gain, 95 %": {"n": "", **gain}}


def comparison(found: Mapping[str, Any]) -> None:
    """Print what changed between two reports."""
    rows: list[list[object]] = []
    for group, title in _GROUPS.items():
        for name, one in found.get(group, {}).items():
            ends = one["interval95"]
            is_clear = ends is not None and not ends[0] <= 0 <= ends[1]
            values = (one["before"], one["after"], one["difference"], ends)
            rows.append([f"{title} {name}", *map(_percent, values), "*" if is_clear else ""])
    columns = ["percent", "before", "after", "change", "95 %", ""]
    show.table(columns, rows, empty="no questions")
    show.lines("", f"{show.plural(found['n'], 'question')} in both; * the interval leaves out 0")
    for name, flipped in found["flips"].items():
        for way, ids in flipped.items():
            show.lines(f"{name} {way} {len(ids)}{': ' if ids else ''}{_some(ids)}")


def _some(ids: list[str]) -> str:
    """The first of some ids; the others are in the JSON."""
    more = len(ids) - _MOST_IDS
    return ", ".join(ids[:_MOST_IDS]) + (f" and {more} more" if more > 0 else "")


def _percent(value: float | list[float] | None) -> str:
    """A share, or the two ends of an interval, as percent."""
    if isinstance(value, list):
        return f"{_percent(value[0])} to {_percent(value[1])}"
    return "-" if value is None else f"{value * 100:.1f}"


def _numbers(title: str, values: Mapping[str, float | None], *, digits: int = 1) -> None:
    shown = (
        f"{name} {value if isinstance(value, int) else round(value, digits)}"
        for name, value in values.items()
        if value is not None
    )
    show.lines("", f"{title}: {', '.join(shown)}")
