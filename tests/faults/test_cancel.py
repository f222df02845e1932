"""Cancelled at every point, in every way: a call has happened wholly or not at all.

The driver cancels a call at its first point of suspension, at its second, and so on until the call
ends before it is cancelled. Each time the user's vault must be as before or as after, the next call
must work, and in the end every connection and every limiter's token must be back.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
import trio
from tests.faults.children import locked_by_another

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.embed.scheduler import BatchingEmbedder
from memory_vault.engine import _engines
from memory_vault.errors import MemoryVaultError, NotOpen
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.storage.sqlite.unit import Unit
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio

PATIENCE_S = 30
FIGURES = os.environ.get("TORTURE")
"""Set by `make torture`: every call is cancelled in every way, and the points are noted there."""
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


async def by_timeout(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    """The deadline is moved to now when the call is suspended for the n-th time."""
    try:
        async with asyncio.timeout(None) as timeout:
            now = asyncio.get_running_loop().time()
            await Stepped(call(), n, lambda: timeout.reschedule(now))
    except TimeoutError:
        return True
    return False


async def by_gather(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    async def run() -> None:
        await Stepped(call(), n, lambda: was_cancelled.append(gathered.cancel()))

    was_cancelled: list[bool] = []
    gathered = asyncio.gather(run(), asyncio.sleep(0))
    try:
        await gathered
    except asyncio.CancelledError:
        if not was_cancelled:
            raise
    return bool(was_cancelled)


async def by_deadline(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    """A deadline that has passed when the call is suspended for the n-th time."""
    with anyio.CancelScope() as scope:
        await Stepped(call(), n, lambda: setattr(scope, "deadline", anyio.current_time() - 1))
    return scope.cancelled_caught


async def by_failing_group(call: Callable[[], Coroutine[Any, Any, Any]], n: int) -> bool:
    """A task of the caller's own anyio task group fails."""
    now = anyio.Event()

    async def fail() -> None:
        await now.wait()
        raise LookupError("the sibling")

    async def run() -> None:
        await Stepped(call(), n, now.set)
        group.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            group.start_soon(run)
    except* LookupError:
        pass
    return now.is_set()


SCOPES = [pytest.param(loop, by_scope, id=f"scope-{loop}") for loop in ("asyncio", "trio")]
NATIVE = [pytest.param("asyncio", by_task_cancel, id="task_cancel")]
WAYS = [
    *SCOPES,
    *NATIVE,
    pytest.param("asyncio", by_failing_sibling, id="failing_sibling"),
    pytest.param("asyncio", by_wait_for, id="wait_for"),
    pytest.param("asyncio", by_timeout, id="timeout"),
    pytest.param("asyncio", by_gather, id="gather"),
    *(pytest.param(loop, by_deadline, id=f"deadline-{loop}") for loop in ("asyncio", "trio")),
    *(pytest.param(loop, by_failing_group, id=f"group-{loop}") for loop in ("asyncio", "trio")),
]
every_way = pytest.mark.parametrize(("anyio_backend", "way"), WAYS)
main_ways = pytest.mark.parametrize(("anyio_backend", "way"), [*SCOPES, *NATIVE])


# the calls ----------------------------------------------------------------------------------------


async def _one(memory: MemoryLayer) -> str:
    """The id of the memory that every user here has."""
    page = await memory.list_memories(page_size=200)
    return next(m.id for m in page.items if m.content == "I live in Lisbon.")


Call = Callable[[Vault, MemoryLayer, str], Coroutine[Any, Any, Any]]
WRITES: dict[str, Call] = {
    "save": lambda v, m, i: m.save("I prefer tea over coffee.", idempotency_key="k"),
    "save_conversation": lambda v, m, i: m.save(CONVERSATION, session_id="talk"),
    "update": lambda v, m, i: m.update(i, content="I live in Porto.", importance=0.9),
    "forget": lambda v, m, i: m.forget(i),
    **({"forget_proven": lambda v, m, i: m.forget(i, proof="proven")} if FIGURES else {}),
    "forget_session": lambda v, m, i: m.forget(session_id="work"),
    "forget_all": lambda v, m, i: m.forget_all(confirm=True),
    "forget_user": lambda v, m, i: v.forget_user(m.user_id, confirm=True),
    "set_preference": lambda v, m, i: m.set_preference("style", "concise"),
    "delete_preference": lambda v, m, i: m.delete_preference("tone"),
    "start_session": lambda v, m, i: m.start_session("new"),
    "end_session": lambda v, m, i: m.end_session("work"),
}
READS: dict[str, Call] = {
    "recall": lambda v, m, i: m.recall("Where do I live?"),
    "get": lambda v, m, i: m.get(i),
    "list_memories": lambda v, m, i: m.list_memories(),
    "history": lambda v, m, i: m.history(i),
    "stats": lambda v, m, i: m.stats(),
    "list_preferences": lambda v, m, i: m.list_preferences(),
    "list_sessions": lambda v, m, i: m.list_sessions(),
    "forget_dry_run": lambda v, m, i: m.forget(i, dry_run=True),
    "list_jobs": lambda v, m, i: m.list_jobs(),
    "health": lambda v, m, i: v.health(),
    "list_users": lambda v, m, i: v.list_users(),
    "check": lambda v, m, i: v.check(),
    "reindex": lambda v, m, i: v.reindex(m.user_id),
}
CALLS = WRITES | READS
ELSEWHERE = {"open", "close", "export", "import_", "backup", "restore", "rekey"}
"""Cancelled in tests of their own: test_host.py, and test_portable.py and test_upkeep.py here."""
ELSEWHERE |= {"compress"}  # in test_compress.py here
ELSEWHERE |= {"switch_embedder", "get_job", "cancel_job"}  # in test_switch.py here


def test_every_public_method_is_cancelled_here() -> None:
    methods = {
        name
        for kind in (MemoryLayer, Vault)
        for name, value in vars(kind).items()
        if inspect.iscoroutinefunction(value) and not name.startswith("_")
    }
    assert methods - ELSEWHERE <= set(CALLS)


async def _set_up(vault: Vault, user_id: str) -> tuple[MemoryLayer, str]:
    memory = MemoryLayer(user_id, vault=vault)
    await memory.open()
    await memory.save("I live in Lisbon.")
    await memory.save("My manager is Ana.", session_id="work", memory_type="working")
    await memory.set_preference("tone", "friendly")
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
        [p.key for p in await memory.list_preferences() if p.key != "next"],
        [(s.id, s.ended_at is None, s.memory_count) for s in sessions],
        (stats.versions, stats.chunks),
    )


@pytest.fixture
def fast_config(hash_config: MemoryConfig) -> Iterator[MemoryConfig]:
    """A vault in memory where there is such a file system: no test here is about the disk."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    embedder = BatchingEmbedder(HashEmbedder())
    with TemporaryDirectory(dir=parent) as folder:
        yield replace(hash_config, data_dir=Path(folder) / "vault", embedder=embedder)


@pytest.fixture(autouse=True)
def one_unit_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection has two units at once."""
    busy: set[int] = set()
    in_transaction = Unit._in_transaction

    def alone(self: Unit[Any], connection: Any) -> Any:
        assert id(connection) not in busy, "two units on one connection"
        busy.add(id(connection))
        try:
            return in_transaction(self, connection)
        finally:
            busy.discard(id(connection))

    monkeypatch.setattr(Unit, "_in_transaction", alone)


@dataclass
class Reference:
    """What a call changes when nobody cancels it."""

    before: tuple[Any, ...]
    after: tuple[Any, ...]


async def _reference(vault: Vault, name: str) -> Reference:
    memory, memory_id = await _set_up(vault, "reference")
    before = await _state(memory)
    await CALLS[name](vault, memory, memory_id)
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
    tasks = _tasks()
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
    with anyio.fail_after(PATIENCE_S):
        while _tasks() > tasks:
            await anyio.sleep(0.001)


def _tasks() -> int:
    """Tasks that live on this event loop."""
    if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living


async def _sweep(way: Way, name: str, config: MemoryConfig) -> int:
    """Cancel a call at each of its points; how many there were."""
    outcomes = set()
    async with _vault(config) as vault:
        reference = await _reference(vault, name)
        for n in range(1, MANY):
            if name in WRITES or n == 1:
                memory, memory_id = await _set_up(vault, f"user {n}")
            with anyio.fail_after(PATIENCE_S):
                was_cancelled = await way(lambda m=memory, i=memory_id: CALLS[name](vault, m, i), n)
                assert (await memory.set_preference("next", "works")).value == "works"
                assert (await memory.recall("Who is my manager?")).query
            await _settled(vault)
            state = await _state(memory)
            assert state in (reference.before, reference.after), f"half done at {n}"
            outcomes.add(state == reference.after)
            if not was_cancelled:
                assert state == reference.after
                if way in (by_scope, by_task_cancel):  # the others may come a step too late
                    assert outcomes == ({True, False} if name in WRITES else {True})
                return n - 1
    pytest.fail("the call never ended")


def _note(*figures: Any) -> None:
    """Keep a figure for `make torture`."""
    if FIGURES:
        with Path(FIGURES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("anyio_backend", "way"), WAYS if FIGURES else [*SCOPES, *NATIVE])
async def test_a_cancelled_call_is_whole_or_nothing(
    anyio_backend: str, way: Way, name: str, fast_config: MemoryConfig
) -> None:
    points = await _sweep(way, name, fast_config)
    _note(name, f"{way.__name__} {anyio_backend}", points)


@pytest.mark.parametrize("name", ["save", "recall"])
@pytest.mark.parametrize(("anyio_backend", "way"), [] if FIGURES else WAYS[3:])
async def test_however_a_call_is_cancelled(
    anyio_backend: str, way: Way, name: str, fast_config: MemoryConfig
) -> None:
    """The other ways to cancel, on a call that writes and one that reads."""
    assert await _sweep(way, name, fast_config) >= 1


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_deadline_fires_while_the_lock_is_held_elsewhere(
    anyio_backend: str, fast_config: MemoryConfig
) -> None:
    """The caller has its time-out, nothing is stored, and the next call works."""
    async with _vault(fast_config) as vault:
        memory, _ = await _set_up(vault, "alice")
        before = await _state(memory)
        with locked_by_another(user_path(fast_config.data_dir, "alice")):
            with pytest.raises(TimeoutError):
                with anyio.fail_after(0.1):
                    await memory.save("I was too late.")
            assert (await memory.recall("Where do I live?")).memories
        await _settled(vault)
        assert await _state(memory) == before
        assert (await memory.save("Now I am in time.")).saved


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_closing_while_calls_are_in_flight(
    anyio_backend: str, fast_config: MemoryConfig
) -> None:
    """Each call ends well or says that the vault is closed; what was acknowledged is there."""
    kept: set[str] = set()
    refused: list[MemoryVaultError] = []

    async def save(memory: MemoryLayer, number: int) -> None:
        try:
            kept.update(m.id for m in (await memory.save(f"Number {number}.")).saved)
            await memory.recall(f"Number {number}?")
        except MemoryVaultError as error:
            refused.append(error)

    for turn in range(6):
        vault = Vault(fast_config)
        await vault.open()
        store = vault.engine.store
        memory = MemoryLayer("alice", vault=vault)
        await memory.open()
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                for number in range(12):
                    group.start_soon(save, memory, 100 * turn + number)
                for _ in range(turn):
                    await anyio.sleep(0.002)
                await vault.close()
        assert store._pool.taken == 0
        assert store._pool._idle == {}
    assert {type(one) for one in refused} <= {NotOpen}
    async with MemoryLayer("alice", config=fast_config) as memory:
        assert kept <= {m.id for m in (await memory.list_memories(page_size=1000)).items}


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_caller_who_leaves_frees_nothing_that_its_thread_still_uses(
    anyio_backend: str, fast_config: MemoryConfig
) -> None:
    """The next unit on the same user's file gets another connection."""
    entered, release = threading.Event(), threading.Event()
    scope = anyio.CancelScope()

    def hold(user: Transaction) -> None:
        entered.set()
        assert release.wait(PATIENCE_S)
        assert user.stats().memories

    async def leave(store: Any) -> None:
        with scope:
            await store.read("alice", hold)

    async with _vault(replace(fast_config, workers=2)) as vault:
        memory, _ = await _set_up(vault, "alice")
        store = vault.engine.store
        try:
            with anyio.fail_after(PATIENCE_S):
                async with anyio.create_task_group() as group:
                    group.start_soon(leave, store)
                    while not entered.is_set():
                        await anyio.sleep(0.001)
                    scope.cancel()
                assert store._pool.taken == 1
                assert (await memory.stats()).memories
                assert store._pool.taken == 1
        finally:
            release.set()
        await _settled(vault)


@main_ways
async def test_a_layer_whose_open_is_cancelled_opens_again(
    anyio_backend: str, way: Way, fast_config: MemoryConfig
) -> None:
    for n in range(1, MANY):
        memory = MemoryLayer("alice", config=fast_config)
        was_cancelled = await way(memory.open, n)
        with anyio.fail_after(PATIENCE_S):
            if not memory._is_open:
                while _engines.get({}):
                    await anyio.sleep(0.001)
            await memory.open()
            await memory.save(f"Opened after {n}.")
            await memory.close()
        assert _engines.get({}) == {}
        if not was_cancelled:
            break


@pytest.mark.parametrize("n", range(1, 12))
@every_way
async def test_a_cancelled_first_save_makes_no_half_user(
    anyio_backend: str, way: Way, n: int, fast_config: MemoryConfig
) -> None:
    """The first save of a user makes the file: the user is listed if and only if it is found."""
    async with _vault(fast_config) as vault:
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
    anyio_backend: str, way: Way, fast_config: MemoryConfig
) -> None:
    """Callers of one user who leave while others stay take nothing from those."""
    async with _vault(fast_config) as vault:
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
    anyio_backend: str, way: Way, fast_config: MemoryConfig
) -> None:
    """At whichever point; it opens again, and no engine stays behind."""
    for n in range(1, MANY):
        vault = Vault(fast_config)
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
    anyio_backend: str, way: Way, fast_config: MemoryConfig
) -> None:
    for n in range(1, MANY):
        vault = Vault(fast_config)
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
