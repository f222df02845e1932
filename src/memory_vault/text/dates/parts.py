"""Parts of a span of days, and what lies beside one."""

from __future__ import annotations

from collections.abc import Callable

from .days import Days, add_months, share, week, week_of, weekend
from .vocabulary import UNITS

_SHORTEST_MONTH = 28


def weekday_in(days: Days, weekday: int, nth: int) -> Days | None:
    """The nth of a weekday in a span."""
    if nth < 0:
        day = days[1] - 1 - (days[1] - 2 - weekday) % 7
    else:
        day = days[0] + (weekday - (days[0] - 1)) % 7 + (nth - 1) * 7
    return (day, day + 1) if days[0] <= day < days[1] else None


def unit_in(days: Days, unit: str, nth: int, count: int) -> Days | None:
    """The nth of a unit in a span, or the first or last few."""
    start, end = days
    if unit in {"half", "quarter"}:
        of = 2 if unit == "half" else 4
        return share(days, of - 1 if nth < 0 else nth - 1, of) if nth <= of else None
    if unit == "weekend":
        saturday = weekday_in(days, 5, nth)
        return (saturday[0], saturday[0] + 2) if saturday else None
    if unit in {"month", "year", "decade"}:
        size = {"month": 1, "year": 12, "decade": 120}[unit] * count
        found = (
            (add_months(end, -size), end)
            if nth < 0
            else (add_months(start, size * (nth - 1)), add_months(start, size * nth))
        )
    else:
        width = {"week": 7, "fortnight": 14}.get(unit, 1) * count
        found = (end - width, end) if nth < 0 else (start + width * (nth - 1), start + width * nth)
    return (max(found[0], start), min(found[1], end)) if found[0] < end else None


def length_of(unit: str) -> int:
    """The days of a unit, as few as it may have."""
    kind, size = UNITS[unit]
    if unit == "weekend":
        return 2
    return size * _SHORTEST_MONTH if kind == "month" else size if kind == "day" else 0


def unit_around(unit: str | None) -> Callable[[Days], Days | None]:
    """The week or weekend in which a time begins; the time itself for other units."""
    if unit == "week":
        return lambda days: week(week_of(days[0])) if days[1] - days[0] < 7 else days
    if unit == "weekend":
        return lambda days: weekend(week_of(days[0]))
    return lambda days: days


def beside(days: Days, unit: str, sign: int) -> Days | None:
    """The unit right before or after a span."""
    if unit == "weekend":
        return weekend((days[0] - 8) // 7 if sign < 0 else -((6 - days[1]) // 7))
    if unit in {"month", "quarter", "year", "decade"}:
        size = {"month": 1, "quarter": 3, "year": 12, "decade": 120}[unit]
        edge = days[0] if sign < 0 else days[1]
        return min(edge, add_months(edge, sign * size)), max(edge, add_months(edge, sign * size))
    width = {"week": 7, "fortnight": 14}.get(unit, 1)
    return (days[0] - width, days[0]) if sign < 0 else (days[1], days[1] + width)
