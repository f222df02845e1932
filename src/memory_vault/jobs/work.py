"""What the function of a job gets: the engine, the job, and the right to write while it has it.

Steps of jobs that keep a core busy go one after the other: ten at once would leave an event loop
waiting for a core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..storage.sqlite.jobs import LeaseLost

if TYPE_CHECKING:
    from ..embed import Embedder, Embeddings
    from ..engine import Engine
    from ..models import Job
    from ..storage.sqlite.jobs import Jobs
    from ..storage.sqlite.transaction import Transaction

T = TypeVar("T")


class Work:
    """One attempt at one job.

    Attributes:
        engine: What the vault's layers share.
        job: The job as it was begun.
        lease: Proves to the store that the job is this runner's.
    """

    def __init__(self, engine: Engine, job: Job, lease: str) -> None:
        self.engine: Engine = engine
        self.job: Job = job
        self.lease: str = lease
        self._done, self._total = job.done, job.total
        self._so_far: Mapping[str, Any] = {}

    @property
    def user_id(self) -> str:
        """Whose job it is."""
        assert self.job.user_id is not None, "a job of the whole vault has no user"
        return self.job.user_id

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the job was given."""
        return self.job.arguments

    def progress(self, done: int, total: int, so_far: Mapping[str, Any] | None = None) -> None:
        """Say how far it is; stored with the next write, or soon.

        Args:
            done: Units of work done.
            total: Units in all.
            so_far: What the result is until now.
        """
        self._done, self._total, self._so_far = done, total, so_far or {}

    async def read(self, unit: Callable[[Transaction], T]) -> T:
        """Read in the user's file."""
        return await self.engine.store.read(self.user_id, unit, in_background=True)

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Write to the user's file, unless the job is not this runner's any more.

        Raises:
            LeaseLost: If it is not; let it pass.
        """
        fenced = partial(self._fenced, unit)
        return await self.engine.store.write(self.user_id, fenced, in_background=True)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Work something out in a worker thread."""
        return await self.engine.store.in_thread(work, in_background=True)

    async def embed(self, embedder: Embedder, texts: Sequence[str]) -> Embeddings:
        """Embed texts; what a service embeds keeps no core busy here, and holds up nobody."""
        if getattr(embedder, "is_remote", False):
            return await embedder.embed(texts)
        async with self.engine.store.background:
            return await embedder.embed(texts)

    def _fenced(self, unit: Callable[[Transaction], T], user: Transaction) -> T:
        if not self.renew(user.jobs):
            raise LeaseLost
        return unit(user)

    def renew(self, jobs: Jobs) -> bool:
        """Give a sign of life in this transaction; False if the job is somebody else's now."""
        return jobs.renew(self.job.id, self.lease, self._done, self._total, self._so_far)
