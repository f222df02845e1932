"""Runs the jobs of all users: a few at once, each user in turn, each job by one process only."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import get_cancelled_exc_class

from ..errors import DailyLimitReached, InvalidInput, MemoryVaultError, NotFound, StorageError
from ..storage.sqlite.jobs import LONGEST_WAIT_S, Jobs, LeaseLost, NotHere, Unfinished
from .kinds import Kind
from .work import Work

if TYPE_CHECKING:
    from ..engine import Engine
    from ..models import Job, JobState, Page
    from ..storage import Cursor

T = TypeVar("T")

_PAGE = 100
"""Users looked up at once, and jobs looked at of each."""
_NEXT_PAGE_S = 0.1
_FIRST_LOOK_S = 0.5
"""A vault that is closed again before has begun no job that it would have to give back."""
_GIVE_BACK_S = 2.0
_LOOK_S = 0.5
"""How often somebody who waits for a job looks whether another process has ended it."""
_BEATS = 3
"""Signs of life in the time of a lease."""
_SLOWEST_BEAT_S = 2.0
_HOPELESS = (InvalidInput, NotFound)
"""What trying again cannot help."""

Owner = str | None
"""Whose jobs: a user's, or (None) those of the whole vault."""
_Sight = tuple[str | None, int, float]
"""A lease and its beat, and since when they have been the same."""
_End = Callable[[Jobs, str, str], Any]
"""How a job's row is to be changed, given its id and lease."""


class Runner:
    """Finds jobs by the catalog's hints and runs them as tasks of the vault's host.

    Args:
        engine: Its settings say how many at once, how long a lease is, and how often to try.
        kinds: What can be done; see `kinds.py`. Jobs of other kinds are left to others.
    """

    def __init__(self, engine: Engine, kinds: Mapping[str, Kind]) -> None:
        self._engine, self._kinds, self._config = engine, kinds, engine.config
        self._woken, self._ended = anyio.Event(), anyio.Event()
        self._running: set[Owner] = set()
        self._rests: dict[Owner, float] = {}
        self._seen: dict[Owner, dict[str, _Sight]] = {}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._last = ""
        self.troubles: dict[Owner, str] = {}
        """Why the last look at somebody's jobs failed; only of those where it did."""

    def wake(self, owner: Owner) -> None:
        """Look at somebody's jobs at once."""
        self._rests.pop(owner, None)
        self._woken.set()

    async def run(self) -> None:
        """Begin what is due, for as long as the vault is open."""
        with anyio.move_on_after(_FIRST_LOOK_S):
            await self._woken.wait()
        while self._config.jobs_at_once:
            self._woken = anyio.Event()
            try:
                wait_s = await self._begin_due()
            except Exception as error:  # noqa: BLE001 - a fence: jobs are looked for all the same
                wait_s, self.troubles[None] = self._config.job_lease_s, _told(error)
            with anyio.move_on_after(wait_s):
                await self._woken.wait()

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        """A job as it stands."""
        return await self._look_in(owner, lambda jobs: jobs.get(job_id))

    async def page(
        self, owner: Owner, *, state: JobState | None, size: int, after: Cursor | None
    ) -> Page[Job]:
        """Jobs in the order in which they were noted."""
        return await self._look_in(owner, partial(Jobs.page, state=state, size=size, after=after))

    async def cancel(self, owner: Owner, job_id: str) -> Job | None:
        """End a job that is not finished."""
        job = await self._write_in(owner, lambda jobs: jobs.cancel(job_id))
        if job is not None and job.is_finished and job_id in self._scopes:
            self._scopes[job_id].cancel()
        return job

    async def wait(self, owner: Owner, job_id: str) -> Job:
        """Wait until a job is finished, by whoever runs it.

        Raises:
            NotFound: If there is no such job, or it is forgotten meanwhile.
        """
        self.wake(owner)
        while True:
            ended = self._ended
            job = await self.job(owner, job_id)
            if job is None:
                raise NotFound(f"no job {job_id!r}: list_jobs() shows those there are")
            if job.is_finished:
                return job
            with anyio.move_on_after(_LOOK_S):
                await ended.wait()

    # finding -------------------------------------------------------------------------------------

    async def _begin_due(self) -> float:
        """Begin as many jobs as there is room for; seconds until something else may be due."""
        wait_s, now = self._config.job_lease_s, anyio.current_time()
        self._rests = {owner: until for owner, until in self._rests.items() if until > now}
        owners = await self._owners()
        if len(owners) > _PAGE:
            wait_s = min(wait_s, _NEXT_PAGE_S)
        for owner in owners:
            if owner is not None and self._is_full():
                return self._config.job_lease_s  # whoever ends wakes
            self._last = owner or self._last
            if owner in self._running:
                continue
            if owner not in self._rests:
                self._rests[owner] = now + LONGEST_WAIT_S
                rest_s = await self._begin_one(owner)
                if owner in self._rests:  # else somebody woke it meanwhile
                    self._rests[owner] = anyio.current_time() + rest_s
            rest_s = self._rests.get(owner, 0.0) - anyio.current_time()
            wait_s = max(0.0, min(wait_s, rest_s))
        return wait_s

    def _is_full(self) -> bool:
        """Whether no user's job has room; one of the whole vault may be long, and has its own."""
        return len(self._running - {None}) >= self._config.jobs_at_once

    async def _owners(self) -> list[Owner]:
        """The vault, and who may have work, from the user after the last one; a page of them."""
        found = await self._hinted(self._last)
        if len(found) < _PAGE:
            found += [one for one in await self._hinted("") if one <= self._last]
        return [None, *found]

    async def _hinted(self, after: str) -> list[str]:
        return await self._engine.store.work(lambda hints: hints.after(after, _PAGE))

    async def _begin_one(self, owner: Owner) -> float:
        """Begin the oldest job of an owner that is due; seconds until one may be, if none is."""
        try:
            found = await self._look_in(owner, lambda jobs: jobs.unfinished(_PAGE))
            if not found and owner is not None:
                await self._engine.store.settle(owner)
        except Exception as error:  # noqa: BLE001 - a fence: one user's file, not all of them
            self.troubles[owner] = _told(error)
            return self._config.job_lease_s
        self.troubles.pop(owner, None)
        seen = self._seen.pop(owner, {})
        if found:
            self._seen[owner] = {one.id: _sight(one, seen) for one in found}
        wait_s = self._config.job_lease_s
        for one in found:
            one_s = self._wait_s(owner, one)
            if one_s <= 0:
                self._running.add(owner)
                attempt = partial(self._attempt, owner, one)
                self._engine.host.start_soon(f"job {one.kind}", attempt)
                return wait_s
            wait_s = min(wait_s, one_s)
        return wait_s

    def _wait_s(self, owner: Owner, found: Unfinished) -> float:
        """Seconds until a job may be begun: it waits, or its holder may be gone."""
        if found.kind not in self._kinds:
            return LONGEST_WAIT_S
        if found.lease is None:
            return found.wait_s
        _, _, since = self._seen[owner][found.id]
        return since + self._config.job_lease_s - anyio.current_time()

    # running -------------------------------------------------------------------------------------

    async def _attempt(self, owner: Owner, found: Unfinished) -> None:
        """Run a job once, unless another was first, and store what came of it."""
        lease, is_stored = secrets.token_hex(8), False
        try:
            job = await self._write_in(owner, lambda jobs: jobs.claim(found, lease))
            if job is not None:
                work = Work(self._engine, job, lease)
                end = await self._outcome(owner, work)
                if end is not None:
                    await self._write_in(owner, partial(_end, work, end))
            is_stored = True
        except get_cancelled_exc_class():
            with anyio.CancelScope(shield=True), anyio.move_on_after(_GIVE_BACK_S):
                await self._write_in(owner, lambda jobs: jobs.give_back(found.id, lease))
            raise
        finally:
            self._running.discard(owner)
            if not is_stored:  # a full disk is not asked again at once
                self._rests[owner] = anyio.current_time() + self._config.job_lease_s
            self.wake(owner if is_stored else None)
            ended, self._ended = self._ended, anyio.Event()
            ended.set()

    async def _outcome(self, owner: Owner, work: Work) -> _End | None:
        """How to store what a job's function did; None if the job is not ours any more."""
        end: _End | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat, owner, work, tasks.cancel_scope)
            self._scopes[work.job.id] = tasks.cancel_scope
            try:
                end = await self._run(work)
            except LeaseLost:
                pass
            except NotHere:
                end = partial(Jobs.give_back, wait_s=self._config.job_lease_s)
            except Exception as error:  # noqa: BLE001 - a fence: a job must not take the vault down
                end = self._after(error, work)
            finally:
                del self._scopes[work.job.id]
            tasks.cancel_scope.cancel()
        return end

    async def _run(self, work: Work) -> _End:
        if work.job.attempts > self._config.job_attempts:
            return partial(Jobs.fail, error="every attempt ended with its process")
        result = await self._kinds[work.job.kind](work)
        return partial(Jobs.finish, result=result or {})

    def _after(self, error: Exception, work: Work) -> _End:
        """Try again later, or give up."""
        said = _told(error)
        if isinstance(error, MemoryVaultError):
            said = f"{type(error).__name__}: {said}"
        if isinstance(error, DailyLimitReached):  # no fault of the job: looked at every hour
            return partial(Jobs.give_back, error=said, wait_s=LONGEST_WAIT_S)
        attempts = work.job.attempts
        if attempts >= self._config.job_attempts or isinstance(error, _HOPELESS):
            return partial(Jobs.fail, error=said)
        wait_s = min(self._config.job_retry_s * 2 ** (attempts - 1), LONGEST_WAIT_S)
        return partial(Jobs.retry, error=said, wait_s=wait_s)

    async def _beat(self, owner: Owner, work: Work, scope: anyio.CancelScope) -> None:
        """Give signs of life, with the progress; stop the job when it is somebody else's."""
        while True:
            await anyio.sleep(min(self._config.job_lease_s / _BEATS, _SLOWEST_BEAT_S))
            try:
                is_held = await self._write_in(owner, work.renew)
            except StorageError:
                continue  # the next beat may get through; if none does, the lease ends
            if not is_held:
                scope.cancel()
                return

    async def _look_in(self, owner: Owner, use: Callable[[Jobs], T]) -> T:
        store = self._engine.store
        if owner is None:
            return await store.work(lambda hints: hints.of_vault(use, is_writing=False))
        return await store.read(owner, lambda user: use(user.jobs))

    async def _write_in(self, owner: Owner, use: Callable[[Jobs], T]) -> T:
        store = self._engine.store
        if owner is None:
            return await store.work(lambda hints: hints.of_vault(use, is_writing=True))
        return await store.write(owner, lambda user: use(user.jobs))


def _told(error: Exception) -> str:
    """What may be said of an error; only the kind of a stranger's, which may quote what it read."""
    if isinstance(error, MemoryVaultError):
        return str(error)
    return f"{type(error).__module__}.{type(error).__name__}"


def _sight(found: Unfinished, seen: Mapping[str, _Sight]) -> _Sight:
    """What is seen of a job now, and since when it has been so."""
    before = seen.get(found.id)
    if before is not None and before[:2] == (found.lease, found.beat):
        return before
    return found.lease, found.beat, anyio.current_time()


def _end(work: Work, end: _End, jobs: Jobs) -> None:
    """Store how an attempt ended, with its progress, unless the job is not ours any more."""
    if work.renew(jobs):
        end(jobs, work.job.id, work.lease)
