"""How a vault changes its embedder: new chunks beside the old, user by user, in the background."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..errors import NotFound, StorageError
from ..storage import Chunk, Cursor
from ..storage.sqlite import spaces
from ..storage.sqlite.jobs import NotHere
from .pieces import Piece, as_bytes, pieces

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine
    from ..jobs.work import Work
    from ..models import Job
    from ..storage.sqlite.transaction import Transaction

_USERS = 200
_VERSIONS, _CHARS = 64, 100_000
"""Versions of one step at most, and characters after which no more are added to it."""
_ROWS = 500
"""Old chunks that are overwritten in one transaction."""


@dataclass(frozen=True, slots=True)
class _Version:
    """A version that lacks fresh chunks: its pieces, or another one whose chunks it can share."""

    seq: int
    twin: int | None
    pieces: tuple[Piece, ...] = ()


async def begin(engine: Engine, embedder: str | Embedder) -> Job:
    """Make another embedder the vault's, and note the job that moves every user to it.

    Raises:
        ModelNotInstalled: If its files are missing.
    """
    embedders = engine.embedders
    former, target = embedders.current, embedders.made(embedder)
    await target.open()
    space = await embedders.space_of(target)
    assert space is not None, "it has just been opened"
    before = await embedders.space_of(former)
    now = time.time_ns() // 1_000
    note = partial(spaces.switch, former=before, target=space, now=now)
    job_id = await engine.store.in_catalog(note, is_writing=True)
    embedders.become(target)
    engine.runner.wake(None)
    job = await engine.runner.job(None, job_id)
    if job is None:
        raise NotFound(f"no job {job_id!r}: it was removed meanwhile")
    return job


async def move_users(work: Work) -> dict[str, int]:
    """The job: move every user who is not there yet, then look once more.

    Raises:
        StorageError: If a user's file cannot be used; the others are moved all the same.
    """
    target = str(work.arguments["fingerprint"])
    embedder = await work.engine.embedders.find(target)
    if embedder is None:
        raise NotHere
    await embedder.open()
    mover = _Mover(work, embedder, target)
    while behind := await mover.behind():
        for user_id in behind:
            await mover.move(user_id)
        if mover.troubles:
            break
    if mover.troubles:
        raise mover.troubles[0]
    return mover.so_far()


@dataclass(frozen=True, slots=True)
class _Step:
    """What one transaction of a move did, and from where the next one looks on.

    Attributes:
        chunks: How many were written.
        seq: All versions up to this one have their fresh chunks.
        making: Which making of the table they are in.
    """

    chunks: int
    is_over: bool
    seq: int = 0
    making: int = 0


class _Mover:
    """One attempt at moving all users. Every step looks at the file before it changes anything."""

    def __init__(self, work: Work, embedder: Embedder, target: str) -> None:
        self._work, self._store = work, work.engine.store
        self._embedder, self._target = embedder, target
        self._done = self._total = self._users = self._chunks = 0
        self.troubles: list[StorageError] = []

    def so_far(self) -> dict[str, int]:
        """What the job tells of itself."""
        return {"users": self._users, "chunks": self._chunks}

    async def behind(self) -> list[str]:
        """Users who are not moved wholly; what there is to do is added up on the way."""
        found, after = list[str](), ""
        while True:
            page = await self._store.list_users(size=_USERS, after=Cursor("users", 0, after))
            for one in page.items:
                versions = await self._versions(one.user_id)
                if versions is not None:
                    found.append(one.user_id)
                    self._total += versions
            self._tell(0)
            if page.next_cursor is None:
                return found
            after = page.items[-1].user_id

    async def _versions(self, user_id: str) -> int | None:
        """Versions of a user who is to be moved; None for one who is there."""

        def look(user: Transaction) -> tuple[bool, int | None]:
            if user.fingerprint in (None, self._target) and not user.moving.is_under_way():
                return user.fingerprint is None, None
            return False, user.moving.versions()

        try:
            is_new, versions = await self._store.read(user_id, look)
            if is_new:  # a first save under way may be in the former space, or it sees the switch
                _, versions = await self._store.write(user_id, look)
            return versions
        except StorageError as error:
            self.troubles.append(error)
            return None

    async def move(self, user_id: str) -> None:
        """Gather one user's chunks, cut over, and take the old ones away."""
        try:
            making = await self._store.write(user_id, lambda user: user.moving.begin(self._target))
            if making is not None:
                await self._gather(user_id, making)
            while await self._store.write(user_id, lambda user: user.moving.drop_old(_ROWS)):
                pass
        except StorageError as error:
            self.troubles.append(error)
            return
        self._users += 1
        self._tell(0)

    async def _gather(self, user_id: str, making: int) -> None:
        """Make what is missing; with the last of it, if nothing was saved meanwhile, cut over.

        Whoever saves all the time is moved all the same: between the look at what is missing and
        the cut-over there is only the embedding of the last few.
        """
        step = _Step(0, is_over=False, making=making)
        while not step.is_over:
            found = await self._store.read(user_id, partial(self._missing, step.seq))
            fresh = list(dict.fromkeys(p.text for one in found for p in one.pieces))
            rows = as_bytes(await self._embedder.embed(fresh)) if fresh else []
            known = dict(zip(fresh, rows, strict=True))
            step = await self._store.write(user_id, partial(self._add, found, known, step))
            self._chunks += step.chunks
            self._tell(len(found))

    def _missing(self, seq: int, user: Transaction) -> list[_Version]:
        """The next versions without fresh chunks, split for the new embedder's window."""
        found = list[_Version]()
        if not user.moving.is_for(self._target):
            return found
        for number, content, role in user.moving.missing(seq, _VERSIONS, _CHARS):
            user.check()
            twin = user.moving.twin(content, role)
            parts = () if twin is not None else pieces(self._embedder, content, role)
            found.append(_Version(number, twin, parts))
        return found

    def _add(
        self, found: list[_Version], known: dict[str, bytes], before: _Step, user: Transaction
    ) -> _Step:
        """Write fresh chunks, and cut over if these were the last.

        Whom others have brought elsewhere meanwhile is over too. Where the table was made anew, or
        a twin was forgotten meanwhile, the next step looks again from where that may matter.
        """
        moving, count, is_whole = user.moving, 0, True
        if not moving.is_for(self._target):
            return _Step(0, is_over=True)
        for one in found:
            if one.twin is not None:
                added = moving.copy(one.twin, one.seq)
            else:
                chunks = [Chunk(p.start, p.stop, known[p.text], p.words) for p in one.pieces]
                added = moving.add(one.seq, chunks)
            is_whole &= added > 0 or not moving.has(one.seq)
            count += added
        making = moving.making()
        seq = before.seq if making == before.making else 0
        if len(found) < _VERSIONS and moving.cut_over(seq):
            return _Step(count, is_over=True)
        if found and is_whole and making == before.making:
            seq = found[-1].seq
        return _Step(count, is_over=False, seq=seq, making=making)

    def _tell(self, versions: int) -> None:
        self._done += versions
        self._work.progress(self._done, max(self._done, self._total), self.so_far())
