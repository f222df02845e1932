"""The `jobs` table, of a user's file or of the catalog: rows first, whoever runs them.

A lease is a token that only its holder knows and a beat that the holder raises now and then. It
has no time: whoever sees the same beat for long enough by a clock of their own takes the job over,
so that no step of the system's clock ends a lease or keeps it alive.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._ids import new_id
from ..._times import optional_moment, to_moment
from ...models import Job, Page
from .. import Cursor, next_cursor
from .connection import Database

_COLUMNS = (
    "id, kind, arguments, state, done, total, attempts, created_at, started_at, finished_at, "
    "due_at, error, result"
)
_KEPT = 30 * 86_400 * 1_000_000
"""How long a job that was done is listed, in microseconds."""
_SHINGLE = 16
LONGEST_WAIT_S = 3_600.0
_MICRO = 1_000_000


class LeaseLost(Exception):
    """Another runner has this job now, or it was cancelled, or its user is gone."""


class NotHere(Exception):
    """This process cannot do a job that another may be able to do."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A job that is to be begun, or that somebody runs.

    Attributes:
        wait_s: Seconds until it may be begun; 0 if it may now.
        lease: Whose it is; None while it waits.
        beat: Raised by the holder, as a sign of life.
    """

    id: str
    kind: str
    wait_s: float
    lease: str | None
    beat: int


def _job(row: Sequence[Any], user_id: str | None) -> Job:
    return Job(
        id=row[0],
        kind=row[1],
        user_id=user_id,
        arguments=json.loads(row[2]),
        state=row[3],
        done=row[4],
        total=row[5],
        attempts=row[6],
        created_at=to_moment(row[7]),
        started_at=optional_moment(row[8]),
        finished_at=optional_moment(row[9]),
        next_attempt_at=to_moment(row[10]) if row[3] == "waiting" else None,
        error=row[11],
        result=json.loads(row[12]) if row[12] else {},
    )


def _wall() -> int:
    """The system's clock: what a wait is measured by, and nothing else."""
    return time.time_ns() // 1_000


class Jobs:
    """What may be done with jobs inside one transaction.

    Attributes:
        has_work: Whether somebody has to look here after this transaction: there is something to
            run, or the hint says more than is true.
    """

    def __init__(self, connection: Database, user_id: str | None, now: int) -> None:
        self._db, self._user_id, self._now = connection, user_id, now
        self.has_work: bool = False

    def add(
        self, kind: str, arguments: Mapping[str, Any] | None = None, *, after_s: float = 0.0
    ) -> Job:
        """Note a job; it is run once this transaction is committed, here or elsewhere.

        One like it that still waits is returned instead; one like it that failed goes.

        Args:
            kind: A key of `jobs.kinds.KINDS`.
            arguments: Ids and numbers, never text: what a forget removes is found by id.
            after_s: Seconds to wait for more of its kind, an hour at most.
        """
        packed = json.dumps(arguments or {}, ensure_ascii=False, sort_keys=True)
        like = "kind = ? AND arguments = ?"
        self._db.execute(f"DELETE FROM jobs WHERE {like} AND state = 'failed'", (kind, packed))  # noqa: S608
        self._db.execute(
            "DELETE FROM jobs WHERE state IN ('done', 'cancelled') AND finished_at < ?",
            (self._now - _KEPT,),
        )
        self.has_work = True
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE {like} AND state = 'waiting'",  # noqa: S608
            (kind, packed),
        ).fetchone()
        if row is not None:
            return _job(row, self._user_id)
        job_id = new_id("job")
        self._db.execute(
            "INSERT INTO jobs (id, kind, arguments, state, created_at, due_at) "
            "VALUES (?, ?, ?, 'waiting', ?, ?)",
            (job_id, kind, packed, self._now, _wall() + int(after_s * _MICRO)),
        )
        return self._existing(job_id)

    def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE id = ?",  # noqa: S608
            (job_id,),
        ).fetchone()
        return _job(row, self._user_id) if row else None

    def _existing(self, job_id: str) -> Job:
        job = self.get(job_id)
        assert job is not None, "it was there in this transaction"
        return job

    def page(self, *, state: str | None, size: int, after: Cursor | None) -> Page[Job]:
        """Jobs by (created_at, id)."""
        tests, values = ["1"], list[Any]()
        if state is not None:
            tests.append("state = ?")
            values.append(state)
        if after is not None:
            tests.append("(created_at, id) > (?, ?)")
            values += [after.key, after.id]
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE {' AND '.join(tests)} "  # noqa: S608
            "ORDER BY created_at, id LIMIT ?",
            [*values, size + 1],
        ).fetchall()
        items = tuple(_job(row, self._user_id) for row in rows[:size])
        return Page(items, next_cursor("jobs", rows, size, key=7))

    def counts(self) -> tuple[int, int]:
        """How many are unfinished, and how many failed."""
        found: tuple[int, int] = self._db.execute(
            "SELECT count(*) FILTER (WHERE state IN ('waiting', 'running')), "
            "count(*) FILTER (WHERE state = 'failed') FROM jobs"
        ).fetchone()
        return found

    def cancel(self, job_id: str) -> Job | None:
        """End an unfinished job; whoever runs it finds out at the next beat."""
        self._db.execute(
            "UPDATE jobs SET state = 'cancelled', finished_at = ?, lease = NULL "
            "WHERE id = ? AND state IN ('waiting', 'running')",
            (self._now, job_id),
        )
        return self.get(job_id)

    def remove_about(self, ids: Iterable[str]) -> int:
        """Delete the jobs that name any of these memories or sessions; how many there were."""
        count = 0
        for one in ids:
            self._db.execute(
                "DELETE FROM jobs WHERE instr(arguments || coalesce(result, ''), ?1) "
                "OR (length(?2) >= ?3 AND instr(error, ?2))",
                (json.dumps(one, ensure_ascii=False), one, _SHINGLE),
            )
            count += self._db.changes()
        self.has_work |= bool(count)
        return count

    def start_over(self) -> None:
        """Let what was being run wait again: these rows came out of a copy."""
        self._db.execute(
            "UPDATE jobs SET state = 'waiting', lease = NULL, due_at = 0 WHERE state = 'running'"
        )
        self.has_work = bool(self.counts()[0])

    # for whoever runs them -----------------------------------------------------------------------

    def unfinished(self, limit: int) -> list[Unfinished]:
        """The oldest jobs that wait or are being run."""
        rows = self._db.execute(
            "SELECT id, kind, due_at, lease, beat FROM jobs "
            "WHERE state IN ('waiting', 'running') ORDER BY created_at, id LIMIT ?",
            (limit,),
        )
        now = _wall()
        return [Unfinished(row[0], row[1], _wait_s(row[2] - now), *row[3:]) for row in rows]

    def claim(self, found: Unfinished, lease: str) -> Job | None:
        """Take a job that waits, or one whose holder is gone; None if it changed meanwhile."""
        self._db.execute(
            "UPDATE jobs SET state = 'running', lease = ?, beat = beat + 1, "
            "attempts = attempts + 1, started_at = coalesce(started_at, ?) "
            "WHERE id = ? AND lease IS ? AND beat = ? AND state IN ('waiting', 'running')",
            (lease, self._now, found.id, found.lease, found.beat),
        )
        return self._existing(found.id) if self._db.changes() else None

    def renew(
        self, job_id: str, lease: str, done: int, total: int, so_far: Mapping[str, Any]
    ) -> bool:
        """Give a sign of life, and say how far it is; False if the job is somebody else's now."""
        return self._set(
            job_id, lease, "done = ?, total = ?, result = ?", done, total, _pack(so_far)
        )

    def give_back(self, job_id: str, lease: str, wait_s: float = 0.0, error: str = "") -> bool:
        """Let it wait for the next who comes; this attempt does not count."""
        values = (
            "state = 'waiting', lease = NULL, attempts = attempts - 1, due_at = ?, "
            "error = coalesce(?, error)"
        )
        return self._set(job_id, lease, values, _wall() + int(wait_s * _MICRO), error or None)

    def retry(self, job_id: str, lease: str, error: str, wait_s: float) -> bool:
        """Let it wait after a failure."""
        values = "state = 'waiting', lease = NULL, error = ?, due_at = ?"
        return self._set(job_id, lease, values, error, _wall() + int(wait_s * _MICRO))

    def fail(self, job_id: str, lease: str, error: str) -> bool:
        """End it after its last attempt."""
        values = "state = 'failed', lease = NULL, error = ?, finished_at = ?"
        return self._set(job_id, lease, values, error, self._now)

    def finish(self, job_id: str, lease: str, result: Mapping[str, Any]) -> bool:
        """End it as done."""
        values = "state = 'done', lease = NULL, error = '', result = ?, finished_at = ?"
        return self._set(job_id, lease, values, _pack(result), self._now)

    def _set(self, job_id: str, lease: str, values: str, *given: Any) -> bool:
        """Change a row, if the lease still holds."""
        self._db.execute(
            f"UPDATE jobs SET beat = beat + 1, {values} WHERE id = ? AND lease = ?",  # noqa: S608
            (*given, job_id, lease),
        )
        return bool(self._db.changes())


def _pack(result: Mapping[str, Any]) -> str | None:
    return json.dumps(result, ensure_ascii=False, sort_keys=True) if result else None


def _wait_s(micros: int) -> float:
    """Seconds of a wait; one above the longest there is comes of a clock that was put back."""
    wait_s = micros / _MICRO
    return wait_s if 0 < wait_s <= LONGEST_WAIT_S else 0.0
