"""Group commit: small units of one user that wait at the same time share one transaction.

What takes time in a small write is the sync of the disk at its commit. Units that arrive while a
commit is under way are run together in the next one, each in a savepoint of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import anyio
from anyio import get_cancelled_exc_class

from ..._host import spawn
from ..._outcome import Outcome
from ...errors import NotOpen, StorageBusy
from .connection import Stopped
from .transaction import Transaction

T = TypeVar("T")

MAX_WEIGHT = 256
"""Memories that one shared transaction writes at most: the first unit waits for the last."""


class Member(Generic[T]):
    """One caller's unit, and what it came to.

    Attributes:
        has_left: The caller was cancelled; set on the event loop, read in the worker thread.
        has_begun: The unit may be running. It is set before `has_left` is read, and the caller
            reads it after it has set `has_left`: one of the two always sees the other.
    """

    def __init__(self, work: Callable[[Transaction], T], weight: int) -> None:
        self.work: Callable[[Transaction], T] = work
        self.weight: int = weight
        self.has_left: bool = False
        self.has_begun: bool = False
        self.outcome: Outcome[T] = Outcome(error=NotOpen("the event loop ended before the write"))
        self.ended: anyio.Event = anyio.Event()

    def check(self) -> None:
        """Stop here if the caller has left."""
        if self.has_left:
            raise Stopped

    def end(self, outcome: Outcome[T]) -> None:
        """Tell the caller; on the event loop."""
        self.outcome = outcome
        self.ended.set()


def run_all(members: Sequence[Member[Any]], user: Transaction) -> list[Outcome[Any]]:
    """Run every unit in one transaction; one that fails is undone alone. In a worker thread.

    Raises:
        Exception: If a unit's error has undone the whole transaction, as a full disk may.
    """
    for one in members:
        one.has_begun = True
    if len(members) == 1:
        members[0].check()
        return [Outcome(members[0].work(user))]
    return [user.share(one.check, one.work) for one in members]


@dataclass(frozen=True, slots=True)
class Commit:
    """One attempt to write units in one transaction.

    Attributes:
        run: Waits for other processes' locks; what it returns is durable.
        stop: Makes it give up at its next step, for all callers have left.
    """

    run: Callable[[], Awaitable[list[Outcome[Any]]]]
    stop: Callable[[], None]


class Groups:
    """The units of all users that wait to be written.

    A user's units are written by a task that belongs to none of the callers, so that whoever is
    cancelled, in whatever way, takes nothing from the others.

    Args:
        commit: Makes the transaction of a user's units.
    """

    def __init__(self, commit: Callable[[str, Sequence[Member[Any]]], Commit]) -> None:
        self._commit = commit
        self._waiting: dict[str, deque[Member[Any]]] = {}
        self._running: dict[str, tuple[Sequence[Member[Any]], Commit]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no unit waits or runs."""
        return not self._waiting

    async def write(self, user_id: str, work: Callable[[Transaction], T], weight: int) -> T:
        """Run a unit together with others; durable when it returns.

        Cancelled, it has happened wholly or not at all, and is over.
        """
        member = Member(work, weight)
        queue = self._waiting.get(user_id)
        if queue is None:
            queue = self._waiting[user_id] = deque()
            spawn(partial(self._serve, user_id, queue))
        queue.append(member)
        try:
            await member.ended.wait()
        except get_cancelled_exc_class():
            self._leave(user_id, member)
            if member.has_begun:
                with anyio.CancelScope(shield=True):
                    await member.ended.wait()
            raise
        return member.outcome.get()

    def _leave(self, user_id: str, member: Member[Any]) -> None:
        member.has_left = True
        members, commit = self._running.get(user_id, ((), None))
        if commit is not None and all(one.has_left for one in members):
            commit.stop()

    async def _serve(self, user_id: str, queue: deque[Member[Any]]) -> None:
        """Write a user's units until none waits."""
        members: Sequence[Member[Any]] = ()
        try:
            while queue:
                members = _next(queue)
                await self._write(user_id, members)
        finally:  # units are left only where the event loop ends
            del self._waiting[user_id]
            for one in (*members, *queue):
                one.ended.set()

    async def _write(self, user_id: str, members: Sequence[Member[Any]]) -> None:
        """Write units together; where that fails, one by one, so that each has its own error."""
        for one in members:
            if one.has_left:
                one.ended.set()
        staying = [one for one in members if not one.has_left]
        if not staying:
            return
        commit = self._commit(user_id, staying)
        self._running[user_id] = staying, commit
        try:
            found = await Outcome.of_async(commit.run)
        finally:
            del self._running[user_id]
        if found.error is None:
            for one, outcome in zip(staying, found.get(), strict=True):
                one.end(outcome)
        elif len(staying) == 1 or isinstance(found.error, StorageBusy):
            for one in staying:
                one.end(Outcome(error=copy(found.error) if len(staying) > 1 else found.error))
        else:
            for one in staying:
                one.has_begun = False
                await self._write(user_id, [one])


def _next(queue: deque[Member[Any]]) -> Sequence[Member[Any]]:
    """The units of the next transaction, in the order in which they came."""
    members = [queue.popleft()]
    weight = members[0].weight
    while queue and weight + queue[0].weight <= MAX_WEIGHT:
        weight += queue[0].weight
        members.append(queue.popleft())
    return members
