"""The store on SQLite: hops into worker threads, waiting for locks, and the catalog of users."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import anyio
import apsw
from anyio import CapacityLimiter, get_cancelled_exc_class, to_thread

from ..._outcome import Outcome
from ..._times import to_moment
from ...errors import StorageBusy, StorageError, StorageReadOnly
from ...models import CheckReport, Page, UserInfo
from .. import Cursor, next_cursor
from .api_keys import ApiKeys, lost_keys, strike_user
from .backup import user_files
from .catalog import Catalog
from .connection import Database, Retired, close, translated
from .erasure import Erasure
from .files import (
    FilePool,
    drop_note,
    has_moved,
    make_folder,
    note_removal,
    noted_removals,
    publish,
    sweep,
    unlink_file,
    user_path,
)
from .group import Commit, Groups, Member, run_all
from .held import Snapshot, Stage, clear_staging
from .hints import Hints
from .indexed import Indexed
from .keys import Keys, Source
from .maintenance import Maintenance
from .repair import problem_of
from .schema import CATALOG, USER
from .spending import Spending
from .transaction import Transaction
from .unit import Unit

T = TypeVar("T")

_WRITERS = 4
_LONG = 2
"""Threads for exports, imports, backups and checks, and as many for jobs; no more than readers."""
_CLOSE_TIMEOUT_S = 30.0
_GENERATION_BITS = 53
"""Room is left to count on, and programs that read numbers as floats read these exactly."""


class _Hop(Generic[T]):
    """One trip into a worker thread; `stop` reaches the unit that runs there."""

    def __init__(
        self,
        work: Callable[[_Hop[T]], T],
        holding: AbstractContextManager[Any] | None = None,
    ) -> None:
        self._work = work
        self._holding: AbstractContextManager[Any] = holding or nullcontext()
        self._unit: Unit[T] | None = None
        self._is_stopped = False

    def __call__(self) -> T:
        with self._holding:
            return self._work(self)

    def run(self, unit: Unit[T]) -> T:
        """Run a unit so that it can be stopped."""
        self._unit = unit
        if self._is_stopped:
            unit.is_stopped = True
        try:
            return unit.run()
        except StorageReadOnly:
            if unit.path is not None and not unit.path.exists():
                raise Retired from None  # it went between our look and SQLite's
            raise

    def stop(self) -> None:
        """Stop the unit under way, and those that would follow it."""
        self._is_stopped = True
        if self._unit is not None:
            self._unit.is_stopped = True


def _unlink_under_lock(connection: Database, path: Path) -> bool:
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
        # It ends the log, which only the sole user of a file can, and leaves no journal behind.
        connection.execute("PRAGMA journal_mode=MEMORY").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        (retired,) = connection.execute("SELECT retired FROM meta").fetchone()
        if retired:
            unlink_file(path)
        connection.execute("ROLLBACK")
        if not retired:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
    except (apsw.BusyError, PermissionError):
        return False
    return bool(retired)


class SqliteStore:
    """Keeps every promise of `Store` with one SQLite file a user.

    Args:
        data_dir: Folder of the vault.
        durability: "power" or "process".
        lock_timeout_s: Seconds to wait for another process's lock.
        max_open_files: Idle connections kept.
        readers: Threads for reading and searching at once.
        encryption_key: What encrypts every file, or what to call for it; None for plain files.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durability: str,
        lock_timeout_s: float,
        max_open_files: int,
        readers: int,
        encryption_key: Source = None,
    ) -> None:
        self._dir, self._durability = data_dir, durability
        self._lock_timeout_s = lock_timeout_s
        self._keys = Keys(data_dir, encryption_key)
        self._pool = FilePool(max_open_files, durability, self._keys.of)
        self._readers, self._writers = CapacityLimiter(readers), CapacityLimiter(_WRITERS)
        self.long: CapacityLimiter = CapacityLimiter(min(readers, _LONG))
        self.background: CapacityLimiter = CapacityLimiter(min(readers, _LONG))
        self._turns: dict[str, tuple[anyio.Lock, int]] = {}
        self._groups = Groups(self._commit)
        self._known: set[str] = set()
        self._in_catalog = threading.Lock()
        self._listing = Catalog(self._pool, self._catalog, self._in_catalog)
        self.hints: Hints = Hints(self._listing)
        self.indexed: Indexed = Indexed(self._listing)
        self.api_keys: ApiKeys = ApiKeys(self._listing)
        self.on_work: Callable[[str], None] = lambda _: None
        """Called on the event loop when a unit has noted a job of this user."""
        self.on_change: Callable[[str], None] = lambda _: None
        """The same, when a unit has changed what an outer index holds of this user."""
        self.erasure: Erasure = Erasure(data_dir, self._pool, self._keys)
        self.spending: Spending = Spending(self._pool, self._catalog, self.in_thread)
        self.maintenance: Maintenance = Maintenance(
            data_dir, self._pool, self._keys, self._alone, self._enter, self._adopt
        )

    @property
    def _catalog(self) -> Path:
        return self._dir / "catalog.db"

    @property
    def _aside(self) -> Path:
        """Where new files are made; on the same file system as the place they are linked to."""
        return self._dir / "new"

    async def open(self) -> None:
        """Make the folder and the catalog, or check the ones that are there.

        Raises:
            StorageError: If the folder cannot be used.
        """
        await self._until_free(self._open_folder, self._writers)

    async def close(self) -> None:
        """Wait for units under way, then close every file. Repeatable."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(_CLOSE_TIMEOUT_S):
                while self._pool.taken or not self._groups.is_idle:  # noqa: ASYNC110 - given back by threads, not by tasks
                    await anyio.sleep(0.002)
            await to_thread.run_sync(self._pool.close)

    async def read(
        self,
        user_id: str,
        unit: Callable[[Transaction], T],
        *,
        holding: AbstractContextManager[Any] | None = None,
        in_background: bool = False,
    ) -> T:
        """Run a unit that only reads; a cancelled one stops at its next step."""
        run = _Hop(partial(self._read, user_id, unit), holding)
        limiter = self.background if in_background else self._readers
        return await self._until_free(run, limiter, may_abandon=True)

    async def write(
        self,
        user_id: str,
        unit: Callable[[Transaction], T],
        *,
        create: bool = False,
        weight: int | None = None,
        in_background: bool = False,
    ) -> T:
        """Run a unit that writes; only with `create` it makes the file of a new user."""
        if create and weight is not None:
            return await self._groups.write(user_id, unit, weight)
        run = _Hop(partial(self._write, user_id, unit, create))
        limiter = self.background if in_background else self._writers
        try:
            async with self._turn(user_id):
                return await self._until_free(run, limiter)
        finally:
            self._tell(user_id)

    def _tell(self, user_id: str) -> None:
        """Say that a unit has left work behind, or what an outer index is to follow."""
        if user_id in self.hints.fresh:
            self.hints.fresh.discard(user_id)
            self.on_work(user_id)
        if user_id in self.indexed.fresh:
            self.indexed.fresh.discard(user_id)
            self.on_change(user_id)

    async def work(self, use: Callable[[Hints], T]) -> T:
        """Read or write what the catalog says of background work."""
        return await self._until_free(partial(use, self.hints), self._writers)

    async def in_catalog(self, use: Callable[[Database], T], *, is_writing: bool = False) -> T:
        """Read or write what the catalog says of the whole vault, in one transaction."""
        run = self._listing.write if is_writing else self._listing.read
        return await self._until_free(partial(run, use), self._writers)

    async def settle(self, user_id: str) -> None:
        """Take back the hint of a user who has nothing to do, unless that has changed."""
        await self.write(user_id, lambda user: self.hints.settle(user_id, user.jobs.counts()))

    def snapshot(self, user_id: str) -> Snapshot:
        """A user's file at one moment, to be read over several hops; close it in one."""
        return Snapshot(self._pool, user_path(self._dir, user_id), user_id)

    def stage(self) -> Stage:
        """A file of one's own in the data folder; close it in a hop."""
        return Stage(self._dir, self._keys.scratch())

    async def in_thread(self, work: Callable[[], T], *, in_background: bool = False) -> T:
        """Run one hop of long work; it takes no thread from those who read or write."""
        return await self._until_free(work, self.background if in_background else self.long)

    def waiting(self) -> dict[str, int]:
        """Calls that wait for a thread, by what for."""
        limiters = {
            "read": self._readers,
            "write": self._writers,
            "long": self.long,
            "background": self.background,
        }
        return {name: one.statistics().tasks_waiting for name, one in limiters.items()}

    async def with_api_keys(self, use: Callable[[ApiKeys], T]) -> T:
        """Read or change the keys of the server."""
        return await self._until_free(partial(use, self.api_keys), self._readers)

    async def checkpoint(self, user_id: str) -> bool:
        """Empty the user's write-ahead log; False if a reader elsewhere still needs it."""
        path = user_path(self._dir, user_id)
        run = _Hop(partial(self._empty_log, path, False))
        return await to_thread.run_sync(run, limiter=self._writers)

    async def empty_log(self, path: Path, *, rewrite: bool) -> bool:
        """Empty the log of a file, maybe after writing it anew; False if it is still needed.

        Cancelled, it has emptied it or not; a rewrite stops at its next step.
        """
        run = _Hop(partial(self._empty_log, path, rewrite))
        limiter = self.long if rewrite else self._writers
        async with self._turn(path.stem):
            return await self._until_free(run, limiter, may_abandon=rewrite)

    async def rewrite(self, user_id: str) -> bool:
        """Write a user's file anew without free pages and empty its log; see `empty_log`."""
        path = user_path(self._dir, user_id)
        async with self._turn(user_id):
            return await self.empty_log(path, rewrite=True)

    async def finish_removal(self, user_id: str) -> bool:
        """Unlink the file of a user who was struck; False while another process has it open."""
        path = user_path(self._dir, user_id)
        return await self._until_free(partial(self._finish_removal, path), self._writers)

    async def list_users(self, *, size: int, after: Cursor | None) -> Page[UserInfo]:
        """A page of users by id."""
        run = _Hop(partial(self._list_users, size, after))
        return await self._until_free(run, self._readers)

    async def has_user(self, user_id: str) -> bool:
        """Whether the catalog lists this user."""
        return await self._until_free(partial(self._is_listed, user_id), self._readers)

    async def has_file(self, user_id: str) -> bool:
        """Whether a file of this user is there, in use or emptied and struck."""
        path = user_path(self._dir, user_id)
        return await to_thread.run_sync(path.exists, limiter=self._readers)

    async def remove_user(self, user_id: str) -> bool:
        """Strike an emptied user from the catalog and unlink the file; False if it is in use."""
        run = _Hop(partial(self._remove_user, user_id))
        async with self._turn(user_id):
            return await self._until_free(run, self._writers)

    async def check(self) -> CheckReport:
        """Read every file and say what is damaged; cancelled, it stops after the file at hand."""
        files = await to_thread.run_sync(user_files, self._dir, limiter=self.long)
        found = [
            await to_thread.run_sync(problem_of, *each, limiter=self.long)
            for each in [(self._pool.connect, path, self._dir) for path in (self._catalog, *files)]
        ]
        return CheckReport(len(files), tuple(one for one in found if one is not None))

    # on the event loop ---------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, user_id: str) -> AsyncIterator[None]:
        """Writers of one user in this process take turns; that spares waiting for the lock."""
        lock, waiting = self._turns.get(user_id, (anyio.Lock(), 0))
        self._turns[user_id] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[user_id]
            if waiting == 1:
                del self._turns[user_id]
            else:
                self._turns[user_id] = lock, waiting - 1

    def _commit(self, user_id: str, members: Sequence[Member[Any]]) -> Commit:
        """Writes units of one user in one transaction."""
        hop = _Hop(partial(self._write, user_id, partial(run_all, members), True))

        async def run() -> list[Outcome[Any]]:
            try:
                async with self._turn(user_id):
                    return await self._until_free(hop, self._writers)
            finally:
                self._tell(user_id)

        return Commit(run, hop.stop)

    async def _until_free(
        self,
        run: Callable[[], T] | _Hop[T],
        limiter: CapacityLimiter,
        *,
        may_abandon: bool = False,
    ) -> T:
        """Run in a worker thread; while another process holds the lock, wait here and try again."""
        deadline = anyio.current_time() + self._lock_timeout_s
        while True:
            try:
                return await to_thread.run_sync(run, limiter=limiter, abandon_on_cancel=may_abandon)
            except StorageBusy:
                if anyio.current_time() > deadline:
                    raise
            except get_cancelled_exc_class():
                if isinstance(run, _Hop):
                    run.stop()
                raise
            await anyio.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - spreads rivals out

    # in worker threads ---------------------------------------------------------------------------

    def _open_folder(self) -> None:
        make_folder(self._dir / "users", durability=self._durability)
        self._keys.unlock()
        clear_staging(self._dir)
        sweep(self._aside)
        if not self._catalog.exists():
            files = user_files(self._dir)
            self._publish_catalog(is_lost=bool(files))
            for path in files:
                self._adopt(path)
        connection = self._pool.take(self._catalog, CATALOG)
        self._pool.give(self._catalog, connection)
        for path in noted_removals(self._aside, self._dir):
            with suppress(StorageError):  # what cannot be done now is left to a later open
                self._remove_file(path)

    def _publish_catalog(self, *, is_lost: bool) -> None:
        """Make a catalog; in the place of one that was lost, where keys may have stood, closed."""
        fill = "INSERT INTO meta (id, created_at) VALUES (1, ?)"
        values: tuple[object, ...] = (time.time_ns() // 1_000,)
        if is_lost:
            statement, more = lost_keys()
            fill, values = f"{fill};\n{statement}", values + more
        key = self._keys.of(self._catalog)
        publish(self._catalog, CATALOG, self._durability, fill, values, key, aside_dir=self._aside)

    def _adopt(self, path: Path) -> None:
        """Enter the user of a file that the catalog does not know; damaged ones are left alone."""
        user_id, is_retired, since = self._whose(path)
        if user_id is not None and not is_retired:
            self._enter(user_id, since)
            self.hints.note(user_id)  # taken back by the first who looks and finds nothing to do

    def _whose(self, path: Path) -> tuple[str | None, bool, int]:
        """Whose file it is, whether it is struck, since when; nobody if missing or damaged."""
        if not path.exists():
            return None, False, 0
        try:
            connection: Database = self._pool.connect(path, USER)
        except StorageError:
            return None, False, 0
        try:
            with translated(path):
                return tuple(
                    connection.execute("SELECT user_id, retired, created_at FROM meta").fetchone()
                )
        finally:
            close(connection)

    def _read(self, user_id: str, work: Callable[[Transaction], T], hop: _Hop[T]) -> T:
        path = user_path(self._dir, user_id)
        begin = partial(self._user_unit, user_id, work, is_writing=False)
        try:
            return hop.run(begin(path if path.exists() else None))
        except Retired:
            self._pool.drop(path)
        try:
            return hop.run(begin(path if path.exists() else None))
        except Retired:
            return hop.run(begin(None))

    def _write(
        self,
        user_id: str,
        work: Callable[[Transaction], T],
        create: bool,
        hop: _Hop[T],
    ) -> T:
        path = user_path(self._dir, user_id)
        if not create:
            return self._write_if_there(user_id, work, path, hop)
        for is_second in (False, True, True):
            is_new = self._make_user(user_id, path)
            unit = self._user_unit(user_id, work, path, is_writing=True, may_revive=is_second)
            try:
                result = hop.run(unit)
            except Retired:
                self._pool.drop(path)
                self._known.discard(user_id)
                continue
            if is_new or is_second:
                self._enter(user_id)  # once more: the user may have been struck in between
            return result
        raise StorageBusy(f"user {user_id!r} is being removed by another process; try again")

    def _write_if_there(
        self, user_id: str, work: Callable[[Transaction], T], path: Path, hop: _Hop[T]
    ) -> T:
        """Write to a user who exists; who does not, or was struck, is written to as if empty."""
        for _ in range(2):
            if not path.exists():
                break
            try:
                return hop.run(self._user_unit(user_id, work, path, is_writing=True))
            except Retired:
                self._pool.drop(path)
                self._known.discard(user_id)
        return hop.run(self._user_unit(user_id, work, None, is_writing=True))

    def _make_user(self, user_id: str, path: Path) -> bool:
        """Enter a user in the catalog first, then make the file; True if there was no file.

        Whose file is missing is entered whatever is known here: another process may have removed
        the user, and a kill must not leave a file that nobody lists.
        """
        is_missing = not path.exists()
        if is_missing or user_id not in self._known:
            self._enter(user_id)
            self._known.add(user_id)
        if not is_missing:
            return False
        if self._keys.is_on:
            return self._alone(lambda: self._publish_user(user_id, path))
        return self._publish_user(user_id, path)

    def _publish_user(self, user_id: str, path: Path) -> bool:
        """Make the file of a user, unless there is one.

        Under a generation number that no other file has: it may take the place of one from which
        indexes were read.
        """
        if path.exists():
            return False
        now = time.time_ns() // 1_000
        fill = "INSERT INTO meta (id, user_id, created_at, generation) VALUES (1, ?, ?, ?)"
        publish(
            path,
            USER,
            self._durability,
            fill,
            (user_id, now, secrets.randbits(_GENERATION_BITS)),
            self._keys.make(path),
            aside_dir=self._aside,
        )
        return True

    def _alone(self, work: Callable[[], T]) -> T:
        """Make or remove an encrypted file with its salt where no other process does."""
        with self._in_catalog:
            return Unit[T](
                self._pool, self._catalog, CATALOG, lambda *_: work(), begin="BEGIN IMMEDIATE"
            ).run()

    def _is_listed(self, user_id: str) -> bool:
        def run(connection: Database, _: Unit[bool]) -> bool:
            row = connection.execute("SELECT 1 FROM users WHERE user_id = ?", (user_id,)).fetchone()
            return row is not None

        return Unit(self._pool, self._catalog, CATALOG, run, begin="BEGIN").run()

    def _enter(self, user_id: str, since: int | None = None) -> None:
        """Write a user into the catalog, unless it is there."""
        at = time.time_ns() // 1_000 if since is None else since

        def enter(connection: Database, _: Unit[None]) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO users (user_id, created_at) VALUES (?, ?)",
                (user_id, at),
            )

        with self._in_catalog:
            if not self._is_listed(user_id):
                Unit(self._pool, self._catalog, CATALOG, enter, begin="BEGIN IMMEDIATE").run()

    def _user_unit(
        self,
        user_id: str,
        work: Callable[[Transaction], T],
        path: Path | None,
        *,
        is_writing: bool,
        may_revive: bool = False,
    ) -> Unit[T]:
        """A unit on a user's file; a struck file may be taken back into use once it is listed."""

        def run(connection: Database, unit: Unit[T]) -> T:
            if is_writing and path is not None and has_moved(connection):
                raise Retired  # a repair set it aside, or it was struck and unlinked
            try:
                transaction = Transaction(connection, user_id, unit.check, is_writing=is_writing)
            except apsw.ReadOnlyError:
                if has_moved(connection):  # struck and unlinked since this connection was made
                    raise Retired from None
                raise
            if transaction.is_retired:
                if not may_revive or has_moved(connection):
                    raise Retired
                transaction.revive()
            is_watched = is_writing and self.indexed.is_kept and path is not None
            before = transaction.feed.end() if is_watched else None
            result = work(transaction)
            if is_watched and transaction.feed.end() != before:
                self.indexed.strike(user_id)
            if transaction.jobs.has_work and path is not None:
                self.hints.note(user_id)
            return result

        begin = "BEGIN IMMEDIATE" if is_writing else "BEGIN"
        return Unit(self._pool, path, USER, run, begin=begin)

    def _empty_log(self, path: Path, rewrite: bool, hop: _Hop[bool]) -> bool:
        if not path.exists():
            return True
        try:
            return hop.run(self.erasure.empty_log(path, rewrite=rewrite))
        except Retired:
            return True  # it went meanwhile

    def _finish_removal(self, path: Path) -> bool:
        self._remove_file(path)
        return path not in noted_removals(self._aside, self._dir)

    def _list_users(
        self, size: int, after: Cursor | None, _hop: _Hop[Page[UserInfo]]
    ) -> Page[UserInfo]:
        def run(connection: Database, _: Unit[Any]) -> Page[UserInfo]:
            rows = connection.execute(
                "SELECT user_id, created_at FROM users WHERE user_id > ? ORDER BY user_id LIMIT ?",
                (after.id if after else "", size + 1),
            ).fetchall()
            items = tuple(UserInfo(user, to_moment(at)) for user, at in rows[:size])
            return Page(items, next_cursor("users", rows, size, key=1))

        page: Page[UserInfo] = Unit(self._pool, self._catalog, CATALOG, run, begin="BEGIN").run()
        return page

    def _remove_user(self, user_id: str, _hop: _Hop[bool]) -> bool:
        path = user_path(self._dir, user_id)
        note_removal(self._aside, path)
        self._strike(user_id)
        self._known.discard(user_id)
        self._pool.drop(path)
        if self._keys.is_on:
            is_gone = self._alone(lambda: self._unlink_with_key(path))
        else:
            is_gone = not path.exists() or self._unlink(path)
        self._adopt(path)  # who came back meanwhile is listed again
        if is_gone:
            drop_note(self._aside, path)
        return is_gone

    def _strike(self, user_id: str) -> None:
        def strike(connection: Database, _: Unit[None]) -> None:
            connection.execute("DELETE FROM users WHERE user_id = ?", (user_id,))
            connection.execute("DELETE FROM hints WHERE user_id = ?", (user_id,))
            connection.execute("DELETE FROM indexed WHERE user_id = ?", (user_id,))
            strike_user(connection, user_id)

        with self._in_catalog:
            Unit(self._pool, self._catalog, CATALOG, strike, begin="BEGIN IMMEDIATE").run()

    def _remove_file(self, path: Path) -> None:
        """Finish a removal that a kill cut short; one under way elsewhere is left alone.

        Who came back meanwhile is listed, lest that was cut short too.
        """
        user_id, is_retired, _ = self._whose(path)
        if user_id is not None and is_retired:
            self._remove_user(user_id, _Hop(lambda _: True))
            return
        self._adopt(path)
        if self._keys.is_on:
            self._alone(lambda: self._destroy_key(path))
        drop_note(self._aside, path)

    def _destroy_key(self, path: Path) -> None:
        """Destroy what is left of the key of a file that has gone."""
        if not path.exists():
            self._keys.destroy(path)

    def _unlink_with_key(self, path: Path) -> bool:
        if path.exists() and not self._unlink(path):
            return False
        self._keys.destroy(path)
        return True

    def _unlink(self, path: Path) -> bool:
        """Unlink a struck file under an exclusive lock; False if another process has it open."""
        try:
            connection: Database = self._pool.connect(path, USER)
        except StorageReadOnly:
            return not path.exists()
        with translated(path):
            try:
                return _unlink_under_lock(connection, path)
            finally:
                connection.close()
