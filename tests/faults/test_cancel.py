"""Cancelled at every point, in every way: a call has happened wholly or not at all.

The driver cancels a call at its first point of suspension, at its second, and so on until the call
ends before it is cancelled. Each time the user's vault must be as before or as after, the next call
must work, and in the end every connection and every limiter's token must be back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import pytest

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.engine import _engines

pytestmark = pytest.mark.anyio

PATIENCE_S = 30
MANY = 200
"""No call here is suspended as often."""

CONVERSATION = [
    {"role": "user", "content": "We moved the orders service to PostgreSQL."},
    {"role": "assistant", "content": "Which version do you run?"},
    {"role": "user", "content": "Version 17, with two replicas. " * 30},
]


class Stepped:
    """Awaits a coroutine, and calls `act` each time it is suspended for the n-th time."""

    def __init__(self, call: Coroutine[Any, Any, Any], n: int, act: Callable[[], object]) -> None:
        self._call, self._n, self._act = call, n, act
        self.steps = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._call.__await__()
        resume: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - replaced at each step
        while True:
            try:
                wanted = resume()
            except StopIteration as end:
                return end.value
            self.steps += 1
            if self.steps == self._n:
                self._act()
            try:
                answer = yield wanted
            except BaseException as error:  # noqa: BLE001 - handed on into the coroutine
                resume = lambda error=error: inner.throw(error)  # noqa: E731
            else:
                resume = lambda answer=answer: inner.send(answer)  # noqa: E731


Way = Callable[[Callable[[], Coroutine[Any, Any, Any]], int], Awaitable[bool]]
"""Runs a call, to be cancelled at its n-th point; says whether the call was still under way."""


async def by_scope(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    with anyio.CancelScope() as scope:
        await Stepped(call(), n, scope.cancel)
    return scope.cancel_called


async def by_task_cancel(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    was_cancelled = []

    def cancel() -> None:
        was_cancelled.append(task.cancel())

    async def run() -> None:
        await Stepped(call(), n, cancel)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return bool(was_cancelled)


async def by_failing_sibling(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    now = asyncio.Event()

    async def fail() -> None:
        await now.wait()
        raise LookupError("the sibling")

    async def run() -> None:
        await Stepped(call(), n, now.set)
        sibling.cancel()

    try:
        async with asyncio.TaskGroup() as group:
            sibling = group.create_task(fail())
            group.create_task(run())
    except* LookupError:
        pass
    return now.is_set()


async def by_wait_for(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    """Timeouts grow with n, from none at all to more than the call takes."""
    try:
        await asyncio.wait_for(call(), 0.0002 * 1.3**n if n > 1 else 0)
    except TimeoutError:
        return True
    return False


WAYS = [
    *(pytest.param(loop, by_scope, id=f"scope-{loop}") for loop in ("asyncio", "trio")),
    pytest.param("asyncio", by_task_cancel, id="task_cancel"),
    pytest.param("asyncio", by_failing_sibling, id="failing_sibling"),
    pytest.param("asyncio", by_wait_for, id="wait_for"),
]
every_way = pytest.mark.parametrize(("anyio_backend", "way"), WAYS)


# the calls ----------------------------------------------------------------------------------------


async def _one(memory: MemoryLayer) -> str:
    """The id of the memory that every user here has."""
    page = await memory.list_memories(page_size=200)
    return next(m.id for m in page.items if m.content == "I live in Lisbon.")


def _call(name: str, memory: MemoryLayer, memory_id: str) -> Coroutine[Any, Any, Any]:
    match name:
        case "save":
            return memory.save("I prefer tea over coffee.", idempotency_key="k")
        case "save_conversation":
            return memory.save(CONVERSATION, session_id="talk")
        case "recall":
            return memory.recall("Where do I live?")
        case "update":
            return memory.update(memory_id, content="I live in Porto.", importance=0.9)
        case "forget":
            return memory.forget(memory_id)
        case "set_preference":
            return memory.set_preference("style", "concise")
        case "end_session":
            return memory.end_session("work")
        case _:
            raise AssertionError(name)


CALLS = [
    "save",
    "save_conversation",
    "recall",
    "update",
    "forget",
    "set_preference",
    "end_session",
]


async def _set_up(vault: Vault, user_id: str) -> tuple[MemoryLayer, str]:
    memory = MemoryLayer(user_id, vault=vault)
    await memory.open()
    await memory.save("I live in Lisbon.")
    await memory.save("My manager is Ana.", session_id="work", memory_type="working")
    return memory, await _one(memory)


async def _state(memory: MemoryLayer) -> tuple[Any, ...]:
    """What the vault holds of a user, without ids and times."""
    page = await memory.list_memories(page_size=1000)
    preferences = await memory.list_preferences(include_history=True)
    sessions = (await memory.list_sessions()).items
    stats = await memory.stats()
    return (
        [(m.content, m.role, m.memory_type, m.session_id, m.importance) for m in page.items],
        [(p.key, p.value) for p in preferences if p.key != "next"],
        [(s.id, s.ended_at is None, s.memory_count) for s in sessions],
        (stats.versions, stats.chunks),
    )


@dataclass
class Reference:
    """What a call changes when nobody cancels it."""

    before: tuple[Any, ...]
    after: tuple[Any, ...]


async def _reference(vault: Vault, name: str) -> Reference:
    memory, memory_id = await _set_up(vault, "reference")
    before = await _state(memory)
    await _call(name, memory, memory_id)
    await memory.set_preference("next", "works")
    return Reference(before, await _state(memory))


async def _settled(vault: Vault) -> None:
    """Wait until the threads of callers who left have ended."""
    with anyio.fail_after(PATIENCE_S):
        while vault.engine.store._pool.taken:
            await anyio.sleep(0.001)


@asynccontextmanager
async def _vault(config: MemoryConfig) -> AsyncIterator[Vault]:
    """A vault that must be sound, and have everything back when it has closed."""
    vault = Vault(replace(config, durability="process"))
    await vault.open()
    store = vault.engine.store
    try:
        yield vault
        assert (await vault.check()).problems == ()
    finally:
        with anyio.fail_after(PATIENCE_S):
            await vault.close()
    assert store._pool.taken == 0
    assert store._readers.borrowed_tokens == store._writers.borrowed_tokens == 0
    assert store._turns == {}


@pytest.mark.parametrize("name", CALLS)
@every_way
async def test_a_cancelled_call_is_whole_or_nothing(
    anyio_backend: str, way: Way, name: str, hash_config: MemoryConfig
) -> None:
    outcomes = set()
    async with _vault(hash_config) as vault:
        reference = await _reference(vault, name)
        for n in range(1, MANY):
            memory, memory_id = await _set_up(vault, f"user {n}")
            with anyio.fail_after(PATIENCE_S):
                was_cancelled = await way(lambda m=memory, i=memory_id: _call(name, m, i), n)
                assert (await memory.set_preference("next", "works")).value == "works"
                assert (await memory.recall("Who is my manager?")).query
            await _settled(vault)
            state = await _state(memory)
            assert state in (reference.before, reference.after), f"half done at {n}"
            outcomes.add(state == reference.after)
            if not was_cancelled:
                assert state == reference.after
                break
        else:
            pytest.fail("the call never ended")
    assert outcomes == ({True} if name == "recall" else {False, True})


@pytest.mark.parametrize("n", range(1, 12))
@every_way
async def test_a_cancelled_first_save_makes_no_half_user(
    anyio_backend: str, way: Way, n: int, hash_config: MemoryConfig
) -> None:
    """The first save of a user makes the file: the user is listed if and only if it is found."""
    async with _vault(hash_config) as vault:
        memory = MemoryLayer("alice", vault=vault)
        await memory.open()
        await way(lambda: memory.save(CONVERSATION), n)
        await _settled(vault)
        found = (await memory.list_memories()).items
        assert len(found) in (0, len(CONVERSATION))
        again = await memory.save(CONVERSATION)
        assert len(again.saved) + len(again.duplicates) == len(CONVERSATION)
        assert [u.user_id for u in (await vault.list_users()).items] == ["alice"]


@every_way
async def test_many_callers_leave_at_once(
    anyio_backend: str, way: Way, hash_config: MemoryConfig
) -> None:
    """Callers of one user who leave while others stay take nothing from those."""
    async with _vault(hash_config) as vault:
        memory, _ = await _set_up(vault, "alice")
        kept: list[str] = []

        async def stay(i: int) -> None:
            result = await memory.save(f"I stay for number {i}.")
            kept.extend(m.id for m in result.saved)

        async def leave(i: int) -> None:
            await way(lambda: memory.save(f"I leave from number {i}."), i + 1)

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                for i in range(15):
                    group.start_soon(stay, i)
                    group.start_soon(leave, i)
        await _settled(vault)
        held = {m.id for m in (await memory.list_memories(page_size=200)).items}
        assert set(kept) <= held
        assert len(kept) == 15


@every_way
async def test_a_cancelled_open_leaves_the_vault_closed(
    anyio_backend: str, way: Way, hash_config: MemoryConfig
) -> None:
    """At whichever point; it opens again, and no engine stays behind."""
    for n in range(1, MANY):
        vault = Vault(hash_config)
        was_cancelled = await way(vault.open, n)
        if was_cancelled and vault._held is None:
            with anyio.fail_after(PATIENCE_S):
                while _engines.get({}):
                    await anyio.sleep(0.001)
        with anyio.fail_after(PATIENCE_S):
            async with MemoryLayer("alice", vault=vault) if vault._held else vault:
                pass
            await vault.open()
            async with MemoryLayer("alice", vault=vault) as memory:
                await memory.save(f"Opened after {n}.")
            await vault.close()
        assert _engines.get({}) == {}
        if not was_cancelled:
            break


@every_way
async def test_a_cancelled_close_can_be_repeated(
    anyio_backend: str, way: Way, hash_config: MemoryConfig
) -> None:
    for n in range(1, MANY):
        vault = Vault(hash_config)
        await vault.open()
        memory = MemoryLayer("alice", vault=vault)
        await memory.open()
        await memory.save(f"Closed at {n}.")
        store = vault.engine.store
        was_cancelled = await way(vault.close, n)
        with anyio.fail_after(PATIENCE_S):
            await vault.close()
            while not store._pool._is_closed:
                await anyio.sleep(0.001)
        assert store._pool.taken == 0
        assert _engines.get({}) == {}
        if not was_cancelled:
            break
