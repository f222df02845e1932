"""Keeps an outer index in step with the users' files; the files are always right.

What the index lacks is known from the file's own order of versions and changes, and the mark that
the index keeps: a file that has changed since is behind, whatever happened to either. One process
brings all users up to date in the background, in steps that may be done twice; every other one
strikes users off the catalog's list as it writes. A step that fails is tried again; an index that
holds what it should not is mended from the file, or begun anew, without embedding anything again.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from .errors import BackendError, BackendUnavailable, NotFound, StorageError
from .storage import Cursor
from .storage.index import Mark, VectorIndex
from .storage.index.lacking import Chunks, Step, chunks_between, differing, lacking, version_of
from .storage.sqlite.owner import Owner

if TYPE_CHECKING:
    from pathlib import Path

    from .storage.sqlite.store import SqliteStore
    from .storage.sqlite.transaction import Transaction

T = TypeVar("T")

_PAGE = 200
"""Users looked up at once."""
_THREADS = 4
_LOOK_S, _LOOK_ALONE_S = 0.5, 5.0
"""How often the catalog is looked at for what other processes wrote; if none should."""
_QUIET_S = 1.0
"""A user who is up to date and was left alone for so long is listed as such."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_HOPELESS = 2
"""Failures in a row after which a user's part is begun anew."""


class OuterFeed:
    """The work on one vault's outer index.

    Args:
        store: Whose files are the truth.
        index: What is kept in step with them.
        lock: File of the lock that the process has that does the work.

    Attributes:
        secret: Keys the names of parts; set before anything else is asked for.
        behind: Users who are to be looked at.
        checked: Users whose number of embeddings was compared with the file.
        leftovers: Parts that are to go.
        failures: What went wrong last, by user; "" for the index as a whole.
        reading: Held while a user's file is read here: a log that is read cannot be emptied.
    """

    def __init__(self, store: SqliteStore, index: VectorIndex, lock: Path) -> None:
        self._store, self._index = store, index
        self.owner: Owner = Owner(lock)
        self.secret: bytes = b""
        self.behind: dict[str, None] = {}
        self.checked: set[str] = set()
        self.leftovers: set[str] = set()
        self.failures: dict[str, str] = {}
        self.reading: anyio.Lock = anyio.Lock()
        self._threads = CapacityLimiter(_THREADS)
        self._quiet: dict[str, float] = {}
        self._times_failed: dict[str, int] = {}
        self._waits: dict[str, float] = {}
        self._turns: dict[str, anyio.Lock] = {}
        self._woken, self._stepped = anyio.Event(), anyio.Event()
        self._look_s = _LOOK_S if index.is_shared else _LOOK_ALONE_S

    def wake(self, user_id: str) -> None:
        """Look at a user's file soon."""
        self._quiet.pop(user_id, None)
        self.behind[user_id] = None
        self._woken.set()

    async def next_step(self, user_id: str) -> None:
        """Have a user looked at, and wait for the next step there, or a little."""
        stepped = self._stepped
        self.wake(user_id)
        with anyio.move_on_after(_LOOK_S):
            await stepped.wait()

    async def run(self) -> None:
        """Bring every user up to date, for as long as the vault is open."""
        after, is_first, look_at = "", True, 0.0
        while True:
            self._woken = anyio.Event()
            wait_s = _LOOK_S
            try:
                if await self.do(self.owner.take):
                    if is_first:
                        await self._sweep()
                    if after or anyio.current_time() >= look_at:
                        after, is_first = await self._look(after), False
                        look_at = anyio.current_time() + self._look_s
                    wait_s = await self._round()
                self.failures.pop("", None)
            except BackendError as error:
                self.note("", error)
                wait_s = _FIRST_WAIT_S
            with anyio.move_on_after(0.0 if after else wait_s):
                await self._woken.wait()

    async def _sweep(self) -> None:
        """Remove parts of users who are gone."""
        known = set(map(self.part, await self.users()))
        parts = await self.do(partial(self._index.parts, self.prefix()))
        self.leftovers |= set(parts) - known

    async def users(self) -> list[str]:
        """Every user of the vault, by id."""
        found: list[str] = []
        while True:
            after = Cursor("users", 0, found[-1] if found else "")
            page = await self._store.list_users(size=_PAGE, after=after)
            found += [one.user_id for one in page.items]
            if page.next_cursor is None:
                return found

    async def _look(self, after: str) -> str:
        """Note the next users who are not listed as up to date; the last of them, "" at the end."""
        look = partial(self._store.indexed.behind, after, _PAGE)
        found = await self._store.work(lambda _: look())
        for user_id in found:
            if user_id not in self._quiet:
                self.behind.setdefault(user_id)
        return found[-1] if len(found) == _PAGE else ""

    async def _round(self) -> float:
        """One step for each user who is behind; seconds until there is more to do."""
        for part in list(self.leftovers):
            await self._drop_leftover(part)
        now, wait_s = anyio.current_time(), _LONGEST_WAIT_S
        for user_id in list(self.behind):
            if self._waits.get(user_id, 0.0) > now:
                wait_s = min(wait_s, self._waits[user_id] - now)
            elif await self._try_step(user_id):
                wait_s = 0.0
        for user_id, since in list(self._quiet.items()):
            if anyio.current_time() - since >= _QUIET_S:
                await self._enter(user_id)
        if self._quiet:
            wait_s = min(wait_s, _QUIET_S)
        return min(wait_s, self._look_s)

    async def _drop_leftover(self, part: str) -> None:
        try:
            await self.do(partial(self._index.drop, part))
        except BackendError as error:
            self.note(part, error)
        else:
            self.failures.pop(part, None)
            self.leftovers.discard(part)

    async def _try_step(self, user_id: str) -> bool:
        """Bring a user one step further; whether there is more to do now."""
        self.behind.pop(user_id, None)
        try:
            async with self.turn(user_id):
                is_over = await self._step(user_id)
        except NotFound:
            is_over = False  # the part was dropped meanwhile
        except BackendError as error:
            await self._failed(user_id, error)
            is_over = False
        else:
            self._times_failed.pop(user_id, None)
            self._waits.pop(user_id, None)
            self.failures.pop(user_id, None)
        stepped, self._stepped = self._stepped, anyio.Event()
        stepped.set()
        if not is_over:
            self.behind.setdefault(user_id)
        elif user_id not in self.behind:
            self._quiet[user_id] = anyio.current_time()
        return user_id in self.behind and user_id not in self._waits

    async def _failed(self, user_id: str, error: BackendError) -> None:
        """Try again later; a part that goes on failing is begun anew."""
        self.note(user_id, error)
        failures = self._times_failed[user_id] = self._times_failed.get(user_id, 0) + 1
        wait_s = min(_FIRST_WAIT_S * 2 ** (failures - 1), _LONGEST_WAIT_S)
        self._waits[user_id] = anyio.current_time() + wait_s
        is_reached = not isinstance(error, BackendUnavailable | StorageError)
        if is_reached and failures % _HOPELESS == 0:
            self.leftovers.add(self.part(user_id))

    async def _next(self, user_id: str) -> Step:
        mark = await self.do(partial(self._index.mark, self.part(user_id)))
        is_counted = user_id not in self.checked
        return await self.read(
            user_id, lambda user: lacking(user.feed, mark, is_counted=is_counted)
        )

    async def _step(self, user_id: str) -> bool:
        """Do what is next for a user; whether that was all."""
        part, step = self.part(user_id), await self._next(user_id)
        if step.what == "drop":
            await self.do(partial(self._index.drop, part))
            return True
        if step.what == "nothing":
            if step.chunks is not None:
                if step.chunks != await self.do(partial(self._index.count, part)):
                    await self.mend(user_id, step.mark, repair=True)
                self.checked.add(user_id)
            return True
        if step.what == "mend":
            await self.mend(user_id, step.mark, repair=True)
            return False
        if step.what == "begin":
            await self.do(partial(self._index.begin, part, step.mark))
            return False
        if len(step.numbers):
            await self.do(partial(self._index.put, part, step.numbers, step.embeddings))
        if len(step.gone):
            await self.do(partial(self._index.delete, part, step.gone))
        await self.do(partial(self._index.set_mark, part, step.mark))
        return False

    async def mend(self, user_id: str, end: Mark, *, repair: bool) -> int:
        """Compare all of a part with the file, and put right what is not; how much that was.

        What is saved or forgotten meanwhile is left to the steps that follow.
        """
        part = self.part(user_id)
        held = await self.do(partial(self._index.numbers, part))
        gone = await self.read(user_id, lambda user: user.feed.without(held))
        if repair and len(gone):
            await self.do(partial(self._index.delete, part, gone))
        wrong, version = len(gone), 0
        while True:
            numbers, embeddings = await self.read(user_id, partial(_chunks, version, end.version))
            if not len(numbers):
                break
            version = int(version_of(numbers)[-1])
            found = await self.do(partial(self._index.embeddings, part, numbers))
            differs = differing(numbers, embeddings, *found)
            wrong += int(differs.sum())
            if repair and differs.any():
                put = partial(self._index.put, part, numbers[differs], embeddings[differs])
                await self.do(put)
        if repair:
            await self.do(partial(self._index.set_mark, part, end))
        return wrong

    async def _enter(self, user_id: str) -> None:
        """List a user as up to date, unless that has changed."""
        del self._quiet[user_id]
        mark = await self.do(partial(self._index.mark, self.part(user_id)))

        def enter(user: Transaction) -> bool:
            end = user.feed.end()
            if end == mark or (not end.kind and mark is None):
                self._store.indexed.enter(user_id)
                return True
            return False

        async with self.reading:
            is_entered = await self._store.write(user_id, enter)
        if not is_entered:
            self.wake(user_id)

    # what is used here and elsewhere --------------------------------------------------------------

    def prefix(self) -> str:
        """How the names of all parts of this vault begin."""
        return f"mv-{self.secret.hex()[:12]}-"

    def part(self, user_id: str) -> str:
        """What stands for a user: it tells nothing to whoever does not know this vault's secret."""
        digest = hmac.new(self.secret, user_id.encode("utf-8"), "sha256").hexdigest()
        return self.prefix() + digest[:40]

    @asynccontextmanager
    async def turn(self, user_id: str) -> AsyncIterator[None]:
        """One at a time changes a user's part."""
        lock = self._turns.setdefault(user_id, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._turns.pop(user_id, None)

    async def read(self, user_id: str, unit: Callable[[Transaction], T]) -> T:
        """Read in a user's file, while nobody has to empty its log."""
        async with self.reading:
            return await self._store.read(user_id, unit)

    async def do(self, work: Callable[[], T]) -> T:
        """Do something with the index in a worker thread."""
        return await to_thread.run_sync(work, limiter=self._threads)

    def note(self, user_id: str, error: Exception) -> None:
        """Remember what went wrong for a user, or ("") as a whole."""
        self.failures[user_id] = str(error)


def _chunks(version: int, last: int, user: Transaction) -> Chunks:
    return chunks_between(user.feed, version, last)
