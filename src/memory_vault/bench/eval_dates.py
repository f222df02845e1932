"""Reads the dates that evaluation files carry as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ..errors import InvalidInput

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NUMERIC = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:\s*\(\w+\))?(?:\s+(\d{1,2}):(\d{2}))?")
_SPOKEN = re.compile(r"(\d{1,2}):(\d{2})\s*([ap]m)\s+on\s+(\d{1,2})\s+([a-z]+),?\s+(\d{4})", re.I)


def parse(text: str) -> datetime:
    """Read a date as UTC, at midnight when it names no time.

    Known are "2023/05/20 (Sat) 02:21", "1:56 pm on 8 May, 2023", "2025-12-15 (Monday)" and ISO.

    Raises:
        InvalidInput: If it is none of these, or no day of the calendar.
    """
    line = text.strip()
    try:
        return _numeric(line) or _spoken(line) or _iso(line)
    except ValueError:
        raise InvalidInput(
            f"date {text!r}: give it as '2023/05/20 (Sat) 02:21', '1:56 pm on 8 May, 2023', "
            "'2025-12-15 (Monday)' or in ISO form"
        ) from None


def _numeric(line: str) -> datetime | None:
    found = _NUMERIC.fullmatch(line)
    if found is None:
        return None
    year, month, day, hour, minute = (int(one or 0) for one in found.groups())
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def _spoken(line: str) -> datetime | None:
    found = _SPOKEN.fullmatch(line)
    if found is None:
        return None
    hour, minute, half, day, month, year = found.groups()
    if not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    hour_24 = int(hour) % 12 + (12 if half.lower() == "pm" else 0)
    number = _MONTHS.index(month.lower()) + 1
    return datetime(int(year), number, int(day), hour_24, int(minute), tzinfo=UTC)


def _iso(line: str) -> datetime:
    found = datetime.fromisoformat(line)
    return found.replace(tzinfo=UTC) if found.utcoffset() is None else found.astimezone(UTC)
