"""The `sessions` table of one user."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..._times import optional_moment, to_moment
from ...models import Page, Session
from .. import Cursor, next_cursor
from .connection import Database

_COLUMNS = """s.id, s.started_at, s.last_active_at, s.ended_at, s.metadata,
    (SELECT count(*) FROM memories m WHERE m.session_id = s.id AND m.superseded_at IS NULL)"""


def _session(row: Sequence[Any]) -> Session:
    return Session(
        id=row[0],
        started_at=to_moment(row[1]),
        last_active_at=to_moment(row[2]),
        ended_at=optional_moment(row[3]),
        memory_count=row[5],
        metadata=json.loads(row[4]) if row[4] else {},
    )


class Sessions:
    """What may be done with sessions inside one transaction."""

    def __init__(self, connection: Database, now: int) -> None:
        self._db, self._now = connection, now

    def get(self, session_id: str) -> Session | None:
        """One session, or None."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM sessions s WHERE s.id = ?",  # noqa: S608
            (session_id,),
        ).fetchone()
        return _session(row) if row else None

    def page(self, *, state: str | None, size: int, after: Cursor | None) -> Page[Session]:
        """Sessions by (started_at, id)."""
        tests, values = ["1"], list[Any]()
        if state is not None:
            tests.append(f"s.ended_at IS {'NULL' if state == 'open' else 'NOT NULL'}")
        if after is not None:
            tests.append("(s.started_at, s.id) > (?, ?)")
            values += [after.key, after.id]
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM sessions s WHERE {' AND '.join(tests)} "  # noqa: S608
            "ORDER BY s.started_at, s.id LIMIT ?",
            [*values, size + 1],
        ).fetchall()
        items = tuple(_session(row) for row in rows[:size])
        return Page(items, next_cursor("sessions", rows, size, key=1))

    def idle_since(self, moment: int) -> list[str]:
        """Ids of open sessions without activity since then."""
        rows = self._db.execute(
            "SELECT id FROM sessions WHERE ended_at IS NULL AND last_active_at < ?", (moment,)
        )
        return [row[0] for row in rows]

    def touch(self, session_id: str) -> None:
        """Note activity: start the session, or go on with it, ended or not."""
        self._db.execute(
            "INSERT INTO sessions (id, started_at, last_active_at) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET last_active_at = excluded.last_active_at, "
            "ended_at = NULL, settled_at = NULL",
            (session_id, self._now, self._now),
        )

    def start(self, session_id: str, metadata: str | None) -> Session:
        """Start a session or go on with one; metadata that is given replaces what it has."""
        self.touch(session_id)
        if metadata is not None:
            self._db.execute(
                "UPDATE sessions SET metadata = ? WHERE id = ?", (metadata, session_id)
            )
        session = self.get(session_id)
        assert session is not None, "touch has just made it"
        return session

    def end(self, session_id: str) -> None:
        """Mark as ended now, unless it has ended."""
        self._db.execute(
            "UPDATE sessions SET ended_at = ? WHERE id = ? AND ended_at IS NULL",
            (self._now, session_id),
        )

    def ids(self) -> list[str]:
        """All sessions, the one whose activity is longest ago first."""
        rows = self._db.execute("SELECT id FROM sessions ORDER BY last_active_at, id")
        return [row[0] for row in rows]

    def unsettled(self) -> list[tuple[str, int]]:
        """Ended sessions that may need a summary, with when they were last active; oldest first."""
        rows = self._db.execute(
            "SELECT id, last_active_at FROM sessions WHERE settled_at IS NULL "
            "AND ended_at IS NOT NULL ORDER BY last_active_at, id"
        )
        return [(session_id, at) for session_id, at in rows]

    def settle(self, session_id: str, *, is_settled: bool = True) -> None:
        """Note that a session needs no summary, or no other than it has; or that it may again."""
        moment = self._now if is_settled else None
        self._db.execute("UPDATE sessions SET settled_at = ? WHERE id = ?", (moment, session_id))

    def remove(self, session_id: str) -> int:
        """Delete one session's row; 1 if there was one."""
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        return int(self._db.changes())
