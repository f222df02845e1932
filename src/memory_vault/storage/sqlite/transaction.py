"""One transaction on one user's file: its tables, its moment, and what concerns the whole file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ..._outcome import Outcome
from ..._times import optional_moment
from ...embed import Fingerprint
from ...errors import EmbedderMismatch, IdempotencyConflict
from ...models import Stats
from .. import Removal
from .archive import Archive
from .connection import Database, Retired, translated
from .facts import Facts
from .feed import Feed
from .jobs import Jobs
from .memories import Memories, spare_tables
from .moving import Moving
from .preferences import Preferences
from .records import Records
from .schema import CONTENT_TABLES
from .sessions import Sessions
from .traces import Traces
from .unread import Unread

T = TypeVar("T")

_DAY = 86_400 * 1_000_000


class Transaction:
    """What a unit of work may do.

    Attributes:
        user_id: Whose file it is.
        fingerprint: The kind of the file's embeddings; None while it has none.
        now: The moment of a writing unit, in microseconds; later than that of every unit before
            it on this file, whatever the system's clock does.
    """

    def __init__(
        self,
        connection: Database,
        user_id: str,
        check: Callable[[], None],
        *,
        is_writing: bool,
    ) -> None:
        self._db = connection
        self.user_id: str = user_id
        self.check: Callable[[], None] = check
        row: tuple[Any, ...] = connection.execute(
            "SELECT generation, retired, clock, fingerprint FROM meta WHERE id = 1"
        ).fetchone() or (0, 0, 0, None)
        self.generation: int = row[0]
        self.fingerprint: str | None = row[3]
        if row[1] and not is_writing:
            raise Retired
        self.is_retired: bool = bool(row[1])
        self.now: int = max(time.time_ns() // 1_000, row[2] + 1)
        if is_writing:
            connection.execute("UPDATE meta SET clock = ? WHERE id = 1", (self.now,))

    @cached_property
    def memories(self) -> Memories:
        """The memories, all versions."""
        return Memories(self._db, self.user_id, self.now)

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions."""
        return Sessions(self._db, self.now)

    @cached_property
    def preferences(self) -> Preferences:
        """The preferences, with history."""
        return Preferences(self._db, self.now)

    @cached_property
    def jobs(self) -> Jobs:
        """The user's background work."""
        return Jobs(self._db, self.user_id, self.now)

    @cached_property
    def unread(self) -> Unread:
        """What a language model is still to read."""
        return Unread(self._db, self.jobs)

    @cached_property
    def archive(self) -> Archive:
        """Summaries, and what they stand for."""
        return Archive(self._db, self.memories, self.sessions, self.jobs)

    @cached_property
    def moving(self) -> Moving:
        """The way to another embedder."""
        return Moving(self._db)

    @cached_property
    def facts(self) -> Facts:
        """What was read from memories."""
        return Facts(self._db, self.memories, self.now)

    @cached_property
    def feed(self) -> Feed:
        """What an index reads."""
        return Feed(self._db, self.generation, self.check)

    @cached_property
    def records(self) -> Records:
        """Rows as they are, for copies."""
        return Records(self._db)

    @cached_property
    def traces(self) -> Traces:
        """What is to be found nowhere after a forget."""
        return Traces(self._db)

    def share(self, check: Callable[[], None], work: Callable[[Transaction], T]) -> Outcome[T]:
        """Do another unit's work in this transaction, at a later moment; undone alone if it fails.

        Jobs that it notes count as noted here, for whoever commits.

        Raises:
            Exception: What the work raised, if SQLite has undone the whole transaction for it.
        """

        def run() -> T:
            check()
            with translated(Path(self._db.filename)):
                inner = Transaction(self._db, self.user_id, check, is_writing=True)
                result = work(inner)
            self.jobs.has_work |= inner.jobs.has_work
            return result

        self._db.execute("SAVEPOINT unit")
        outcome = Outcome.of(run)
        if outcome.error is not None:
            if not self._db.in_transaction:
                raise outcome.error
            self._db.execute("ROLLBACK TO unit")
        self._db.execute("RELEASE unit")
        return outcome

    def doomed(self, memory_ids: list[str]) -> list[str]:
        """What `remove` takes: these memories, and those that were derived from them."""
        chosen = set(memory_ids)
        derived = self.memories.derived_from(memory_ids)
        return [*memory_ids, *(one for one in derived if one not in chosen)]

    def require_embedder(self, fingerprint: Fingerprint) -> None:
        """Check that embeddings of this kind may be compared with those in the file.

        Raises:
            EmbedderMismatch: If the file's embeddings were made by another model.
        """
        if self.fingerprint not in (None, str(fingerprint)):
            mismatch = EmbedderMismatch(
                f"the embeddings of user {self.user_id!r} were made by {self.fingerprint}, the "
                f"vault is open with {fingerprint}: open it with the embedder that made them "
                "(MemoryConfig.embedder), switch it (Vault.switch_embedder, `memory-vault model "
                "switch`), or use another data_dir"
            )
            mismatch.held = self.fingerprint or ""
            raise mismatch

    def claim_embedder(self, fingerprint: Fingerprint) -> None:
        """`require_embedder`, and note the kind in a file that has no embeddings yet."""
        self.require_embedder(fingerprint)
        if self.fingerprint is None:
            self.fingerprint = str(fingerprint)
            self._db.execute("UPDATE meta SET fingerprint = ? WHERE id = 1", (self.fingerprint,))

    def replay(self, key: str, digest: bytes) -> dict[str, list[str]] | None:
        """The result kept under an idempotency key, or None.

        Raises:
            IdempotencyConflict: If the key was used with other content.
        """
        row = self._db.execute(
            "SELECT digest, result FROM idempotency WHERE key = ? AND at > ?",
            (key, self.now - _DAY),
        ).fetchone()
        if row is None:
            return None
        if row[0] != digest:
            raise IdempotencyConflict(
                "idempotency_key: this key was used with other content in the last 24 hours; "
                "use a new key for new content"
            )
        kept: dict[str, list[str]] = json.loads(row[1])
        return kept

    def keep_result(self, key: str, digest: bytes, result: dict[str, list[str]]) -> None:
        """Keep a result under an idempotency key, and drop those that are over a day old."""
        self._db.execute("DELETE FROM idempotency WHERE at <= ?", (self.now - _DAY,))
        self._db.execute(
            "INSERT OR REPLACE INTO idempotency (key, digest, at, result) VALUES (?, ?, ?, ?)",
            (key, digest, self.now, json.dumps(result)),
        )

    def remove(self, memory_ids: list[str]) -> Removal:
        """Delete memories, all that was derived from them, and every trace in other tables.

        What a summary stood for that goes with them is back in default recall at once.
        """
        doomed = self.doomed(memory_ids)
        facts = self.facts.forget(doomed)
        doomed += facts.lost
        sources, gone = self.archive.made_from(doomed), set(doomed)
        preferences, restored = self.preferences.remove_from(doomed)
        counts = self.memories.remove(doomed)
        counts["preferences"] = preferences
        counts["statements"] = facts.removed
        counts["idempotency"] = 0
        for memory_id in doomed:
            self._db.execute("DELETE FROM idempotency WHERE instr(result, ?)", (memory_id,))
            counts["idempotency"] += self._db.changes()
            self.unread.drop(memory_id)
        counts["jobs"] = self.jobs.remove_about(doomed)
        left = [one for one in sources if one not in gone]
        back = self.archive.bring_back(left, is_again=len(left) < len(sources))
        return Removal(
            {k: v for k, v in counts.items() if v},
            (*restored, *facts.reopened, *back),
            tuple(facts.rebuilt),
            tuple(doomed),
        )

    def empty(self) -> Removal:
        """Delete everything under a new generation number; the file stays in place.

        Other processes may hold the file open: they see the new number in their next transaction
        and start their indexes anew.
        """
        counts = {}
        (memories,) = self._db.execute("SELECT count(DISTINCT id) FROM memories").fetchone()
        for table in CONTENT_TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            counts["versions" if table == "memories" else table] = self._db.changes()
        counts["memories"] = memories
        self.jobs.has_work = bool(counts["jobs"])
        for table in spare_tables(self._db):
            self._db.execute(f"DROP TABLE {table}")
        self._db.execute(
            "UPDATE meta SET generation = generation + 1, fingerprint = NULL, target = NULL"
        )
        return Removal({k: v for k, v in counts.items() if v and k != "changes"})

    def retire(self) -> None:
        """Mark an emptied file as struck from the vault."""
        self._db.execute("UPDATE meta SET retired = 1 WHERE id = 1")

    def revive(self) -> None:
        """Take a struck file back into use, empty as it is."""
        self._db.execute("UPDATE meta SET retired = 0 WHERE id = 1")
        self.is_retired = False

    def stats(self) -> Stats:
        """Counts of what the file holds."""
        one = self._db.execute
        rows = one(
            "SELECT memory_type, count(*) FROM memories WHERE superseded_at IS NULL GROUP BY 1"
        ).fetchall()
        first, last, former = one(
            "SELECT min(recorded_at), max(recorded_at), "
            "(SELECT count(*) FROM memories WHERE superseded_at IS NOT NULL) "
            "FROM memories WHERE superseded_at IS NULL"
        ).fetchone()
        (chunks,) = one("SELECT count(*) FROM chunks").fetchone()
        (sessions,) = one("SELECT count(*) FROM sessions").fetchone()
        (kept,) = one("SELECT count(*) FROM preferences WHERE superseded_at IS NULL").fetchone()
        is_file = self._db.filename not in ("", ":memory:")
        size = self._db.pragma("page_count") * self._db.pragma("page_size") if is_file else 0
        return Stats(
            user_id=self.user_id,
            memories=dict(rows),
            versions=former,
            chunks=chunks,
            sessions=sessions,
            preferences=kept,
            bytes_on_disk=size,
            first_recorded_at=optional_moment(first),
            last_recorded_at=optional_moment(last),
            embedder=self.fingerprint,
        )
