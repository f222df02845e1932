"""Days of the year with a name."""

from __future__ import annotations

from collections.abc import Callable

from .days import Days, easter, nth_weekday, one_day

_Holiday = Callable[[int], Days | None]


def _on(month: int, day: int) -> _Holiday:
    return lambda year: one_day(year, month, day)


def _nth(month: int, weekday: int, nth: int, later: int = 0) -> _Holiday:
    def days(year: int) -> Days:
        first, after = nth_weekday(year, month, weekday, nth)
        return first + later, after + later

    return days


def _easter(later: int) -> _Holiday:
    def days(year: int) -> Days | None:
        sunday = easter(year)
        return None if sunday is None else (sunday + later, sunday + later + 1)

    return days


HOLIDAYS: dict[tuple[str, ...], _Holiday] = {
    ("christmas",): _on(12, 25),
    ("christmas", "day"): _on(12, 25),
    ("christmas", "eve"): _on(12, 24),
    ("xmas",): _on(12, 25),
    ("xmas", "eve"): _on(12, 24),
    ("boxing", "day"): _on(12, 26),
    ("new", "year", "eve"): _on(12, 31),
    ("new", "year", "day"): _on(1, 1),
    ("new", "years", "eve"): _on(12, 31),
    ("new", "years", "day"): _on(1, 1),
    ("new", "years"): _on(1, 1),
    ("new", "year"): _on(1, 1),
    ("valentine",): _on(2, 14),
    ("valentine", "day"): _on(2, 14),
    ("valentines", "day"): _on(2, 14),
    ("patrick", "day"): _on(3, 17),
    ("april", "fools"): _on(4, 1),
    ("april", "fools", "day"): _on(4, 1),
    ("april", "fool", "day"): _on(4, 1),
    ("earth", "day"): _on(4, 22),
    ("may", "day"): _on(5, 1),
    ("cinco", "de", "mayo"): _on(5, 5),
    ("juneteenth",): _on(6, 19),
    ("independence", "day"): _on(7, 4),
    ("halloween",): _on(10, 31),
    ("bonfire", "night"): _on(11, 5),
    ("veterans", "day"): _on(11, 11),
    ("groundhog", "day"): _on(2, 2),
    ("women", "day"): _on(3, 8),
    ("mother", "day"): _nth(5, 6, 2),
    ("mothers", "day"): _nth(5, 6, 2),
    ("father", "day"): _nth(6, 6, 3),
    ("fathers", "day"): _nth(6, 6, 3),
    ("memorial", "day"): _nth(5, 0, -1),
    ("labor", "day"): _nth(9, 0, 1),
    ("labour", "day"): _nth(9, 0, 1),
    ("columbus", "day"): _nth(10, 0, 2),
    ("thanksgiving",): _nth(11, 3, 4),
    ("thanksgiving", "day"): _nth(11, 3, 4),
    ("black", "friday"): _nth(11, 3, 4, 1),
    ("cyber", "monday"): _nth(11, 3, 4, 4),
    ("mlk", "day"): _nth(1, 0, 3),
    ("presidents", "day"): _nth(2, 0, 3),
    ("easter",): _easter(0),
    ("easter", "sunday"): _easter(0),
    ("easter", "monday"): _easter(1),
    ("good", "friday"): _easter(-2),
}
"""Days of the year by name; where countries differ, as in the United States."""
HOLIDAY_STARTS = frozenset(name[0] for name in HOLIDAYS)
HOLIDAY_LONGEST = max(len(name) for name in HOLIDAYS)
