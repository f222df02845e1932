"""Summaries and what they stand for: originals that default recall leaves to their summary."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ...models import Memory
from ...text.speakers import SUMMARY
from .. import NewMemory
from .connection import Database
from .jobs import Jobs
from .memories import Memories
from .sessions import Sessions

COMPRESS = "compress"
"""The kind of the jobs that make summaries."""
_OF_SESSION = """
    SELECT seq FROM memories WHERE session_id = ? AND superseded_at IS NULL
    AND memory_type = 'episodic' AND role != ? ORDER BY position
"""
_SOURCES = """
    SELECT DISTINCT d.value FROM memories m, json_each(m.derived_from) d
    WHERE m.role = ? AND m.derived_from IS NOT NULL
    AND m.id IN (SELECT value FROM json_each(?))
"""
_SUMMARIES = """
    SELECT id FROM memories WHERE session_id = ? AND superseded_at IS NULL
    AND memory_type = 'semantic' AND role = ? AND derived_from IS NOT NULL
"""


class Archive:
    """What may be done with summaries inside one transaction.

    A session has one summary at most; while it is in force, all that it was made from is archived,
    and nothing else is.
    """

    def __init__(
        self, connection: Database, memories: Memories, sessions: Sessions, jobs: Jobs
    ) -> None:
        self._db, self._memories, self._sessions, self._jobs = connection, memories, sessions, jobs

    def sources(self, session_id: str) -> dict[int, Memory]:
        """What a summary of a session is made from, archived or not, by version, in order."""
        rows = self._db.execute(_OF_SESSION, (session_id, SUMMARY)).fetchall()
        found = self._memories.versions(row[0] for row in rows)
        return {row[0]: found[row[0]] for row in rows}

    def put(self, new: NewMemory, sources: Mapping[int, Memory]) -> None:
        """Let a summary stand for these memories from now on, in place of the one before."""
        assert new.session_id is not None, "a summary is of a session"
        before = self._summary_of(new.session_id)
        if before is None:
            self._memories.add(new)
        else:
            values = {
                "content": new.content,
                "importance": new.importance,
                "occurred_at": new.occurred_at,
                "origin": new.origin,
                "token_count": new.token_count,
                "derived_from": json.dumps(new.derived_from),
                "valid_from": new.valid_from,
            }
            self._memories.replace(before, values, new.chunks)
        for one in sources.values():
            if not one.compressed:
                self._memories.replace(one.id, {"compressed": True}, None)
        self._sessions.settle(new.session_id)

    def _summary_of(self, session_id: str) -> str | None:
        row = self._db.execute(_SUMMARIES, (session_id, SUMMARY)).fetchone()
        return row[0] if row else None

    def made_from(self, memory_ids: Iterable[str]) -> list[str]:
        """Ids of all that those of these memories that are summaries were ever made from."""
        rows = self._db.execute(_SOURCES, (SUMMARY, json.dumps(list(memory_ids))))
        return [row[0] for row in rows]

    def bring_back(self, memory_ids: Iterable[str], *, is_again: bool) -> tuple[str, ...]:
        """Put archived memories back into default recall; the ids of those that were archived.

        Those that another summary stands for stay where they are.

        Args:
            is_again: Whether their sessions are to get a summary again, of what they are now.
        """
        found = self._memories.get_many(memory_ids)
        archived = [one for one in found.values() if one.compressed]
        sessions = {one.session_id for one in archived if one.session_id is not None}
        summed_up = {one for one in sessions if self._summary_of(one) is not None}
        back = [one for one in archived if one.session_id not in summed_up]
        for one in back:
            self._memories.replace(one.id, {"compressed": False}, None)
        for session_id in sorted({one.session_id for one in back if one.session_id is not None}):
            if is_again:
                self._sessions.settle(session_id, is_settled=False)
                self._jobs.add(COMPRESS, {"session_id": session_id})
        return tuple(one.id for one in back)

    def withdraw(self, session_id: str) -> None:
        """Take a summary out of force, because what it was made from has changed.

        What it stood for is back at once; its versions stay for `known_at`.
        """
        summary = self._summary_of(session_id)
        if summary is not None:
            self._memories.withdraw(summary)
            self.bring_back(self.made_from([summary]), is_again=True)
