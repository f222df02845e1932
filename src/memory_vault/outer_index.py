"""An outer index as the rest of a vault has it: asked for what is near, told what is forgotten."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio import CapacityLimiter, to_thread

from .errors import BackendError, BackendUnavailable
from .outer_feed import OuterFeed
from .storage.index import Found, Mark, VectorIndex

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .storage.sqlite.store import SqliteStore

LIMIT = 2_000
"""So many of the nearest chunks are asked for."""
_ASKERS = 4
_ANSWER_S = 2.0
"""A recall waits so long for an answer, then does without."""
_REST_S = 5.0
"""After that it is not asked again for a while."""
_FORGET_S = 10.0
"""A forget waits so long for the index; after that its receipt is pending."""
_MISSES = 3
"""Answers in a row that were none, after which a user's part is begun anew."""


class OuterIndex:
    """One vault's outer index.

    Args:
        store: Whose files are the truth.
        index: What is kept in step with them.
        owns: Whether it is to be closed here.
        lock: File of the lock that the process has that feeds the index.

    Attributes:
        feed: What keeps it in step.
    """

    def __init__(self, store: SqliteStore, index: VectorIndex, *, owns: bool, lock: Path) -> None:
        self._store, self._index, self._owns = store, index, owns
        self.feed: OuterFeed = OuterFeed(store, index, lock)
        self._askers = CapacityLimiter(_ASKERS)
        self._misses: dict[str, int] = {}
        self._rest_until = 0.0
        self._silence = ""

    @property
    def troubles(self) -> list[str]:
        """What goes wrong just now: in asking, as a whole, or for some users; each once."""
        return list(dict.fromkeys(filter(None, [self._silence, *self.feed.failures.values()])))

    @property
    def outside(self) -> str:
        """What a scan for forgotten bytes cannot read."""
        return self._index.outside

    async def open(self) -> None:
        """Make the index ready; what is behind is brought up to date by the feed.

        Raises:
            ConfigError: If its package is not installed.
            StorageBusy: If one process alone can use it, and another does.
        """
        secret = await self._store.in_thread(self._store.erasure.secret)
        self.feed.secret = hashlib.sha256(secret + b"outer index").digest()
        if not self._index.is_shared:
            await self.feed.do(partial(self.feed.owner.require, self._index.name))
        await self.feed.do(self._index.open)
        self._store.indexed.is_kept = True
        self._store.on_change = self.feed.wake

    async def close(self) -> None:
        """Let go of the index; another process may go on. Repeatable, also if it never opened."""
        try:
            if self._owns:
                await self.feed.do(self._index.close)
        finally:
            await self.feed.do(self.feed.owner.give_back)

    async def search(self, user_id: str, embedding: NDArray[np.float32]) -> Found | None:
        """What is near, as far as the index knows; None if it does not answer."""
        if anyio.current_time() < self._rest_until:
            return None
        work = partial(self._index.search, self.feed.part(user_id), embedding, LIMIT)
        try:
            with anyio.fail_after(_ANSWER_S):
                found = await to_thread.run_sync(work, limiter=self._askers, abandon_on_cancel=True)
        except (TimeoutError, BackendUnavailable) as error:
            self._rest_until = anyio.current_time() + _REST_S
            late = f"{self._index.name} did not answer in {_ANSWER_S:g} s"
            self._silence = str(error) or late
        except BackendError as error:
            self.feed.note(user_id, error)
            self._doubt(user_id)
        else:
            self._silence = ""
            is_whole = found is not None and len(found.numbers) * 2 >= LIMIT
            if is_whole or user_id in self.feed.behind:
                self._misses.pop(user_id, None)
            else:
                self._doubt(user_id)
            return found
        self.feed.wake(user_id)
        return None

    def _doubt(self, user_id: str) -> None:
        """Compare a user's part with the file; begin it anew if that does not help."""
        if not self.feed.owner.is_held:
            return
        self._misses[user_id] = self._misses.get(user_id, 0) + 1
        self.feed.checked.discard(user_id)
        if self._misses[user_id] % _MISSES == 0:
            self.feed.leftovers.add(self.feed.part(user_id))
        self.feed.wake(user_id)

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
                    await self.feed.next_step(user_id)
                return ""
        except BackendError as error:
            self.feed.note(user_id, error)
            self.feed.wake(user_id)
            return f"{error}: what was forgotten is taken out of it as soon as it answers"
        return f"{self._index.name} is not up to date yet; a background task goes on"

    async def _is_clean(self, user_id: str) -> bool:
        """Whether nothing that went from a file is left in the index."""
        end = await self.feed.read(user_id, lambda user: user.feed.end())
        mark = await self.feed.do(partial(self._index.mark, self.feed.part(user_id)))
        return mark is None or (mark.making == end.making and mark.change >= end.change)

    async def drop(self, user_id: str) -> None:
        """Remove all that the index has of a user; what the file has comes back by itself.

        Raises:
            BackendError: If that fails; it is tried again in the background, and at the next open.
        """
        async with self.feed.turn(user_id):
            part = self.feed.part(user_id)
            self.feed.leftovers.add(part)
            await self.feed.do(partial(self._index.drop, part))
            self.feed.leftovers.discard(part)
        self.feed.wake(user_id)

    async def rebuild(self, user_id: str | None) -> None:
        """Drop what the index has of one user, or of all; see `drop`."""
        if user_id is not None:
            await self.drop(user_id)
        else:
            for one in await self.feed.users():
                await self.drop(one)

    async def files(self, user_id: str) -> tuple[Path, ...]:
        """Files of this machine in which something of a user may stand."""
        return tuple(await self.feed.do(partial(self._index.files, self.feed.part(user_id))))

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
        async with self.feed.turn(user_id):
            wrong = await self.feed.mend(user_id, mark, repair=False)
        if wrong and repair:
            doubtful = mark._replace(making="in doubt")
            await self.feed.do(partial(self._index.set_mark, self.feed.part(user_id), doubtful))
            await self._store.work(lambda _: self._store.indexed.strike(user_id))
            await self._up_to_date(user_id)
        return wrong

    async def _up_to_date(self, user_id: str) -> Mark | None:
        """Wait until the index has all of a user's file; its mark then.

        Raises:
            BackendError: If that fails.
        """
        self.feed.failures.pop(user_id, None)
        while True:
            end = await self.feed.read(user_id, lambda user: user.feed.end())
            mark = await self.feed.do(partial(self._index.mark, self.feed.part(user_id)))
            if mark == end or (mark is None and not end.kind):
                return mark
            if user_id in self.feed.failures:
                raise BackendError(self.feed.failures[user_id])
            await self.feed.next_step(user_id)
