"""Keeps an outer index in step with the users' files, and asks it; the files are always right.

What the index lacks is known from the file's own order of versions and changes, and the mark that
the index keeps: a file that has changed since is behind, whatever happened to either. One process
brings all users up to date in the background, in steps that may be done twice; every other one
strikes users off the catalog's list as it writes. A step that fails is tried again; an index that
holds what it should not is mended from the file, or begun anew, without embedding anything again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from .errors import BackendError, BackendUnavailable, NotFound, StorageError
from .storage import Cursor
from .storage.index import Found, Mark, VectorIndex
from .storage.index.lacking import Chunks, Step, chunks_between, differing, lacking, version_of
from .storage.sqlite.owner import Owner

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .storage.sqlite.store import SqliteStore
    from .storage.sqlite.transaction import Transaction

T = TypeVar("T")

LIMIT = 2_000
"""So many of the nearest chunks are asked for."""
_PAGE = 200
"""Users looked up at once."""
_THREADS = 4
_ANSWER_S = 2.0
"""A recall waits so long for an answer, then does without."""
_REST_S = 5.0
"""After that it is not asked again for a while."""
_LOOK_S = 0.5
"""How often the catalog is looked at for what other processes wrote."""
_QUIET_S = 1.0
"""A user who is up to date and was left alone for so long is listed as such."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_FORGET_S = 10.0
"""A forget waits so long for the index; after that its receipt is pending."""
_HOPELESS = 2
"""Failures in a row after which a user's part is begun anew."""


class OuterIndex:
    """One vault's outer index.

    Args:
        store: Whose files are the truth.
        index: What is kept in step with them.
        owns: Whether it is to be closed here.
        lock: File of the lock that the process has that does the work.
    """

    def __init__(self, store: SqliteStore, index: VectorIndex, *, owns: bool, lock: Path) -> None:
        self._store, self._index, self._owns = store, index, owns
        self._owner = Owner(lock)
        self._threads, self._askers = CapacityLimiter(_THREADS), CapacityLimiter(_THREADS)
        self._secret = b""
        self._behind: dict[str, None] = {}
        self._quiet: dict[str, float] = {}
        self._checked: set[str] = set()
        self._failures: dict[str, int] = {}
        self._misses: dict[str, int] = {}
        self._waits: dict[str, float] = {}
        self._leftovers: set[str] = set()
        self._turns: dict[str, anyio.Lock] = {}
        self.reading: anyio.Lock = anyio.Lock()
        """Held while a user's file is read here: a log that is read cannot be emptied."""
        self._rest_until = 0.0
        self._woken, self._stepped = anyio.Event(), anyio.Event()
        self._silence = ""
        self._failed_last: dict[str, str] = {}

    @property
    def troubles(self) -> list[str]:
        """What goes wrong just now: in asking, as a whole, or for some users; each once."""
        return list(dict.fromkeys(filter(None, [self._silence, *self._failed_last.values()])))

    @property
    def outside(self) -> str:
        """What a scan for forgotten bytes cannot read."""
        return self._index.outside

    async def open(self) -> None:
        """Make the index ready; what is behind is brought up to date by `run`.

        Raises:
            ConfigError: If its package is not installed.
            StorageBusy: If one process alone can use it, and another does.
        """
        secret = await self._store.in_thread(self._store.erasure.secret)
        self._secret = hashlib.sha256(secret + b"outer index").digest()
        if not self._index.is_shared:
            await self._do(partial(self._owner.require, self._index.name))
        await self._do(self._index.open)
        self._store.indexed.is_kept = True
        self._store.on_change = self.wake

    async def close(self) -> None:
        """Let go of the index; another process may go on."""
        if self._owns:
            await self._do(self._index.close)
        await self._do(self._owner.give_back)

    def wake(self, user_id: str) -> None:
        """Look at a user's file soon."""
        self._quiet.pop(user_id, None)
        self._behind[user_id] = None
        self._woken.set()

    # asking --------------------------------------------------------------------------------------

    async def search(self, user_id: str, embedding: NDArray[np.float32]) -> Found | None:
        """What is near, as far as the index knows; None if it does not answer."""
        if anyio.current_time() < self._rest_until:
            return None
        work = partial(self._index.search, self._part(user_id), embedding, LIMIT)
        try:
            with anyio.fail_after(_ANSWER_S):
                found = await to_thread.run_sync(work, limiter=self._askers, abandon_on_cancel=True)
        except (TimeoutError, BackendUnavailable) as error:
            self._rest_until = anyio.current_time() + _REST_S
            late = f"{self._index.name} did not answer in {_ANSWER_S:g} s"
            self._silence = str(error) or late
        except BackendError as error:
            self._note(user_id, error)
            self._doubt(user_id)
        else:
            self._silence = ""
            is_whole = found is not None and len(found.numbers) * 2 >= LIMIT
            if is_whole or user_id in self._behind:
                self._misses.pop(user_id, None)
            else:
                self._doubt(user_id)
            return found
        self.wake(user_id)
        return None

    def _doubt(self, user_id: str) -> None:
        """Compare a user's part with the file; begin it anew if that does not help."""
        if not self._owner.is_held:
            return
        self._misses[user_id] = self._misses.get(user_id, 0) + 1
        self._checked.discard(user_id)
        if self._misses[user_id] % (_HOPELESS + 1) == 0:
            self._leftovers.add(self._part(user_id))
        self.wake(user_id)

    async def forgotten(self, user_id: str, *, drops: bool) -> str:
        """Wait until the index has let go of what was forgotten; why that is to come, or "".

        Args:
            drops: Whether to remove all that it has of the user at once.
        """
        try:
            if drops:
                await self.drop(user_id)
                return ""
            with anyio.move_on_after(_FORGET_S):
                while not await self._is_clean(user_id):
                    await self._next_step(user_id)
                return ""
        except BackendError as error:
            self._note(user_id, error)
            self.wake(user_id)
            return f"{error}: what was forgotten is taken out of it as soon as it answers"
        return f"{self._index.name} is not up to date yet; a background task goes on"

    async def _is_clean(self, user_id: str) -> bool:
        """Whether nothing that went from a file is left in the index."""
        end = await self._read(user_id, lambda user: user.feed.end())
        mark = await self._do(partial(self._index.mark, self._part(user_id)))
        return mark is None or (mark.making == end.making and mark.change >= end.change)

    async def drop(self, user_id: str) -> None:
        """Remove all that the index has of a user; what the file has comes back by itself.

        Raises:
            BackendError: If that fails; it is tried again in the background, and at the next open.
        """
        async with self.turn(user_id):
            part = self._part(user_id)
            self._leftovers.add(part)
            await self._do(partial(self._index.drop, part))
            self._leftovers.discard(part)
        self.wake(user_id)

    async def rebuild(self, user_id: str | None) -> None:
        """Drop what the index has of one user, or of all; see `drop`."""
        if user_id is not None:
            await self.drop(user_id)
        else:
            async for one in self.users():
                await self.drop(one)

    async def files(self, user_id: str) -> tuple[Path, ...]:
        """Files of this machine in which something of a user may stand."""
        return tuple(await self._do(partial(self._index.files, self._part(user_id))))

    async def check(self, user_id: str, *, repair: bool) -> int:
        """How many embeddings the index has wrong, lacks or has too many, once it is up to date.

        Args:
            repair: Whether to have that put right, and to wait for it.

        Raises:
            BackendError: If it cannot be asked.
        """
        mark = await self._up_to_date(user_id)
        if mark is None:
            return 0
        async with self.turn(user_id):
            wrong = await self._mend(user_id, mark, repair=False)
        if wrong and repair:
            doubtful = mark._replace(making="in doubt")
            await self._do(partial(self._index.set_mark, self._part(user_id), doubtful))
            await self._store.work(lambda _: self._store.indexed.strike(user_id))
            await self._up_to_date(user_id)
        return wrong

    async def _up_to_date(self, user_id: str) -> Mark | None:
        """Wait until the index has all of a user's file; its mark then.

        Raises:
            BackendError: If that fails.
        """
        self._failed_last.pop(user_id, None)
        while True:
            end = await self._read(user_id, lambda user: user.feed.end())
            mark = await self._do(partial(self._index.mark, self._part(user_id)))
            if mark == end or (mark is None and not end.kind):
                return mark
            if user_id in self._failed_last:
                raise BackendError(self._failed_last[user_id])
            await self._next_step(user_id)

    async def _next_step(self, user_id: str) -> None:
        """Have a user looked at, and wait for the next step there, or a little."""
        stepped = self._stepped
        self.wake(user_id)
        with anyio.move_on_after(_LOOK_S):
            await stepped.wait()

    # keeping up ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Bring every user up to date, for as long as the vault is open."""
        after, is_first = "", True
        while True:
            self._woken = anyio.Event()
            wait_s = _LOOK_S
            try:
                if await self._do(self._owner.take):
                    if is_first:
                        await self._sweep()
                    if is_first or self._index.is_shared or after:
                        after, is_first = await self._look(after), False
                    wait_s = await self._round()
                self._failed_last.pop("", None)
            except (BackendError, StorageError) as error:
                self._note("", error)
                wait_s = _FIRST_WAIT_S
            with anyio.move_on_after(0.0 if after else wait_s):
                await self._woken.wait()

    async def _sweep(self) -> None:
        """Remove parts of users who are gone."""
        known = {self._part(user_id) async for user_id in self.users()}
        parts = await self._do(partial(self._index.parts, self._prefix()))
        self._leftovers |= set(parts) - known

    async def users(self) -> AsyncIterator[str]:
        """Every user of the vault, by id."""
        after = ""
        while True:
            page = await self._store.list_users(size=_PAGE, after=Cursor("users", 0, after))
            for one in page.items:
                yield one.user_id
            if page.next_cursor is None:
                return
            after = page.items[-1].user_id

    async def _look(self, after: str) -> str:
        """Note the next users who are not listed as up to date; the last of them, "" at the end."""
        look = partial(self._store.indexed.behind, after, _PAGE)
        found = await self._store.work(lambda _: look())
        for user_id in found:
            if user_id not in self._quiet:
                self._behind.setdefault(user_id)
        return found[-1] if len(found) == _PAGE else ""

    async def _round(self) -> float:
        """One step for each user who is behind; seconds until there is more to do."""
        for part in list(self._leftovers):
            await self._drop_leftover(part)
        now, wait_s = anyio.current_time(), _LONGEST_WAIT_S
        for user_id in list(self._behind):
            if self._waits.get(user_id, 0.0) > now:
                wait_s = min(wait_s, self._waits[user_id] - now)
            elif await self._try_step(user_id):
                wait_s = 0.0
        for user_id, since in list(self._quiet.items()):
            if anyio.current_time() - since >= _QUIET_S:
                await self._enter(user_id)
        if self._quiet:
            wait_s = min(wait_s, _QUIET_S)
        return min(wait_s, _LOOK_S) if self._index.is_shared else wait_s

    async def _drop_leftover(self, part: str) -> None:
        try:
            await self._do(partial(self._index.drop, part))
        except BackendError as error:
            self._note(part, error)
        else:
            self._failed_last.pop(part, None)
            self._leftovers.discard(part)

    async def _try_step(self, user_id: str) -> bool:
        """Bring a user one step further; whether there is more to do now."""
        self._behind.pop(user_id, None)
        try:
            async with self.turn(user_id):
                is_over = await self._step(user_id)
        except NotFound:
            is_over = False  # the part was dropped meanwhile
        except (BackendError, StorageError) as error:
            await self._failed(user_id, error)
            is_over = False
        else:
            self._failures.pop(user_id, None)
            self._waits.pop(user_id, None)
            self._failed_last.pop(user_id, None)
        stepped, self._stepped = self._stepped, anyio.Event()
        stepped.set()
        if not is_over:
            self._behind.setdefault(user_id)
        elif user_id not in self._behind:
            self._quiet[user_id] = anyio.current_time()
        return user_id in self._behind and user_id not in self._waits

    async def _failed(self, user_id: str, error: BackendError) -> None:
        """Try again later; a part that goes on failing is begun anew."""
        self._note(user_id, error)
        failures = self._failures[user_id] = self._failures.get(user_id, 0) + 1
        wait_s = min(_FIRST_WAIT_S * 2 ** (failures - 1), _LONGEST_WAIT_S)
        self._waits[user_id] = anyio.current_time() + wait_s
        is_reached = not isinstance(error, BackendUnavailable | StorageError)
        if is_reached and failures % _HOPELESS == 0:
            self._leftovers.add(self._part(user_id))

    async def _next(self, user_id: str) -> Step:
        mark = await self._do(partial(self._index.mark, self._part(user_id)))
        is_counted = user_id not in self._checked
        return await self._read(
            user_id, lambda user: lacking(user.feed, mark, is_counted=is_counted)
        )

    async def _step(self, user_id: str) -> bool:
        """Do what is next for a user; whether that was all."""
        part, step = self._part(user_id), await self._next(user_id)
        if step.what == "drop":
            await self._do(partial(self._index.drop, part))
            return True
        if step.what == "nothing":
            if step.chunks is not None:
                if step.chunks != await self._do(partial(self._index.count, part)):
                    await self._mend(user_id, step.mark, repair=True)
                self._checked.add(user_id)
            return True
        if step.what == "mend":
            await self._mend(user_id, step.mark, repair=True)
            return False
        if step.what == "begin":
            await self._do(partial(self._index.begin, part, step.mark))
            return False
        if len(step.numbers):
            await self._do(partial(self._index.put, part, step.numbers, step.embeddings))
        if len(step.gone):
            await self._do(partial(self._index.delete, part, step.gone))
        await self._do(partial(self._index.set_mark, part, step.mark))
        return False

    async def _mend(self, user_id: str, end: Mark, *, repair: bool) -> int:
        """Compare all of a part with the file, and put right what is not; how much that was.

        What is saved or forgotten meanwhile is left to the steps that follow.
        """
        part = self._part(user_id)
        held = await self._do(partial(self._index.numbers, part))
        gone = await self._read(user_id, lambda user: user.feed.without(held))
        if repair and len(gone):
            await self._do(partial(self._index.delete, part, gone))
        wrong, version = len(gone), 0
        while True:
            numbers, embeddings = await self._read(user_id, partial(_chunks, version, end.version))
            if not len(numbers):
                break
            version = int(version_of(numbers)[-1])
            found = await self._do(partial(self._index.embeddings, part, numbers))
            differs = differing(numbers, embeddings, *found)
            wrong += int(differs.sum())
            if repair and differs.any():
                put = partial(self._index.put, part, numbers[differs], embeddings[differs])
                await self._do(put)
        if repair:
            await self._do(partial(self._index.set_mark, part, end))
        return wrong

    async def _enter(self, user_id: str) -> None:
        """List a user as up to date, unless that has changed."""
        del self._quiet[user_id]
        mark = await self._do(partial(self._index.mark, self._part(user_id)))

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

    # parts ---------------------------------------------------------------------------------------

    def _prefix(self) -> str:
        return f"mv-{self._secret.hex()[:12]}-"

    def _part(self, user_id: str) -> str:
        """What stands for a user: it tells nothing to whoever does not know this vault's secret."""
        digest = hmac.new(self._secret, user_id.encode("utf-8"), "sha256").hexdigest()
        return self._prefix() + digest[:40]

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

    async def _read(self, user_id: str, unit: Callable[[Transaction], T]) -> T:
        async with self.reading:
            return await self._store.read(user_id, unit)

    async def _do(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._threads)

    def _note(self, user_id: str, error: Exception) -> None:
        self._failed_last[user_id] = str(error)


def _chunks(version: int, last: int, user: Transaction) -> Chunks:
    return chunks_between(user.feed, version, last)
