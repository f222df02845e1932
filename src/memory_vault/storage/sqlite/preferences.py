"""The `preferences` table of one user: each key's current value and those before it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..._times import optional_moment, to_moment
from ...models import Preference
from .connection import Database

_COLUMNS = "key, value, confidence, recorded_at, superseded_at, source"


def _preference(row: Sequence[Any]) -> Preference:
    return Preference(
        key=row[0],
        value=row[1],
        confidence=row[2],
        recorded_at=to_moment(row[3]),
        superseded_at=optional_moment(row[4]),
        source=row[5],
    )


class Preferences:
    """What may be done with preferences inside one transaction."""

    def __init__(self, connection: Database, now: int) -> None:
        self._db, self._now = connection, now

    def list(
        self, *, include_history: bool = False, known_at: int | None = None
    ) -> tuple[Preference, ...]:
        """Preferences by key, then oldest first: current, known at a moment, or all."""
        tests, values = ["superseded_at IS NULL"], tuple[int, ...]()
        if include_history:
            tests = ["1"]
        elif known_at is not None:
            tests = ["recorded_at <= ?", "(superseded_at IS NULL OR superseded_at > ?)"]
            values = (known_at, known_at)
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM preferences WHERE {' AND '.join(tests)} ORDER BY key, seq",  # noqa: S608
            values,
        )
        return tuple(_preference(row) for row in rows)

    def current(self, key: str) -> Preference | None:
        """The value in force, or None."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM preferences WHERE key = ? AND superseded_at IS NULL",  # noqa: S608
            (key,),
        ).fetchone()
        return _preference(row) if row else None

    def sources(self, memory_ids: Iterable[str]) -> set[str]:
        """Those of the memories from which preferences were read, in force or not."""
        rows = self._db.execute(
            "SELECT DISTINCT source FROM preferences WHERE source IN "
            "(SELECT value FROM json_each(?))",
            (json.dumps(list(memory_ids)),),
        )
        return {row[0] for row in rows}

    def set(self, key: str, value: str, confidence: float, *, source: str | None) -> Preference:
        """Set a value; the one before is closed. The same value again changes nothing."""
        before = self.current(key)
        if before and (before.value, before.confidence) == (value, confidence):
            return before
        self.delete(key)
        self._db.execute(
            "INSERT INTO preferences (key, value, confidence, recorded_at, source) "
            "VALUES (?, ?, ?, ?, ?)",
            (key, value, confidence, self._now, source),
        )
        return Preference(key, value, confidence, to_moment(self._now), None, source)

    def delete(self, key: str) -> bool:
        """Close the value in force; say whether there was one."""
        self._db.execute(
            "UPDATE preferences SET superseded_at = ? WHERE key = ? AND superseded_at IS NULL",
            (self._now, key),
        )
        return bool(self._db.changes())

    def remove_from(self, memory_ids: Iterable[str]) -> tuple[int, tuple[str, ...]]:
        """Delete what was read from these memories; the value each had replaced comes back.

        Returns:
            How many were deleted, and the keys whose former value is in force again.
        """
        removed, restored = 0, dict[str, None]()
        for memory_id in memory_ids:
            rows = self._db.execute(
                "SELECT seq, key, recorded_at, superseded_at FROM preferences WHERE source = ?",
                (memory_id,),
            ).fetchall()
            for seq, key, recorded_at, superseded_at in rows:
                self._db.execute("DELETE FROM preferences WHERE seq = ?", (seq,))
                self._db.execute(
                    "UPDATE preferences SET superseded_at = ? WHERE superseded_at = ? AND seq = "
                    "(SELECT max(seq) FROM preferences WHERE key = ? AND seq < ?)",
                    (superseded_at, recorded_at, key, seq),
                )
                if superseded_at is None and self._db.changes():
                    restored[key] = None
            removed += len(rows)
        return removed, tuple(restored)
