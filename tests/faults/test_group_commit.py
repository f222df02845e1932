"""Saves that share a transaction: fewer commits, and nobody's failure or leaving harms another."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.faults.children import child, locked_by_another
from tests.faults.test_cancel import Way, every_way

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.errors import StorageBusy, StorageFull
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.group import MAX_WEIGHT
from memory_vault.storage.sqlite.store import SqliteStore
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.storage.sqlite.unit import Unit
from memory_vault.testing.faulty_disk import EXIT_CODE
from memory_vault.testing.store_suite import add, ids

pytestmark = pytest.mark.anyio

PATIENCE_S = 30


class Gate:
    """Holds a unit in its worker thread."""

    def __init__(self) -> None:
        self._reached, self._opened = threading.Event(), threading.Event()

    def __call__(self, user: Transaction) -> None:
        self._reached.set()
        assert self._opened.wait(PATIENCE_S)

    async def reached(self) -> None:
        with anyio.fail_after(PATIENCE_S):
            while not self._reached.is_set():
                await anyio.sleep(0.001)

    def open(self) -> None:
        self._opened.set()


def make(folder: Path, *, patience_s: float = PATIENCE_S) -> SqliteStore:
    return SqliteStore(
        folder, durability="process", lock_timeout_s=patience_s, max_open_files=8, readers=1
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = make(tmp_path)
    await store.open()
    await store.write("alice", add("m0"), create=True)
    yield store
    with anyio.fail_after(PATIENCE_S):
        await store.close()
    assert store._pool.taken == 0
    assert store._groups.is_idle
    assert store._turns == {}


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each transaction that writes."""
    found: list[str] = []
    in_transaction = Unit._in_transaction

    def counted(self: Unit[Any], connection: Any) -> Any:
        result = in_transaction(self, connection)
        if self._begin == "BEGIN IMMEDIATE":
            found.append(str(self.path))
        return result

    monkeypatch.setattr(Unit, "_in_transaction", counted)
    return found


async def put(store: SqliteStore, unit: Callable[[Transaction], Any], weight: int = 1) -> Any:
    return await store.write("alice", unit, create=True, weight=weight)


async def behind(store: SqliteStore, *units: tuple[Callable[[Transaction], Any], int]) -> None:
    """Run units that all arrive while another one is being written."""
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(put, store, gate)
        await gate.reached()
        for unit, weight in units:
            group.start_soon(put, store, unit, weight)
        await anyio.sleep(0.01)
        gate.open()


async def test_units_that_wait_share_one_commit(store: SqliteStore, commits: list[str]) -> None:
    names = [f"m{i}" for i in range(1, 41)]
    await behind(store, *((add(name), 1) for name in names))
    assert len(commits) == 2
    assert sorted(await store.read("alice", ids)) == sorted(["m0", *names])


async def test_a_job_noted_in_a_shared_commit_is_found(
    store: SqliteStore, commits: list[str]
) -> None:
    """Without a hint in the catalog nobody would look for it."""
    woken: list[str] = []
    store.on_work = woken.append
    await behind(store, (add("m1"), 1), (note_job, 1), (add("m2"), 1))
    assert len([one for one in commits if not one.endswith("catalog.db")]) == 2
    assert await store.work(lambda hints: hints.after("", 10)) == ["alice"]
    assert woken == ["alice"]


async def test_a_job_that_was_undone_leaves_no_hint(store: SqliteStore) -> None:
    def fail(user: Transaction) -> None:
        note_job(user)
        raise LookupError("undone")

    with pytest.raises(ExceptionGroup):
        await behind(store, (add("m1"), 1), (fail, 1))
    assert await store.work(lambda hints: hints.after("", 10)) == []


def note_job(user: Transaction) -> None:
    user.jobs.add("test", {})


async def test_a_shared_transaction_has_a_bounded_size(
    store: SqliteStore, commits: list[str]
) -> None:
    await behind(store, *((add(f"m{i}"), MAX_WEIGHT // 2) for i in range(6)))
    assert len(commits) == 1 + 3


async def test_a_large_unit_has_a_transaction_of_its_own(
    store: SqliteStore, commits: list[str]
) -> None:
    await behind(store, (add("a"), 1), (add("b"), 10 * MAX_WEIGHT))
    assert len(commits) == 1 + 2


async def test_users_share_nothing(store: SqliteStore, commits: list[str]) -> None:
    async with anyio.create_task_group() as group:
        for name in ("bob", "carol"):
            group.start_soon(partial(store.write, name, add("m1"), create=True, weight=1))
    assert len({one for one in commits if not one.endswith("catalog.db")}) == 2


async def test_where_the_whole_transaction_is_lost_each_is_written_alone(
    store: SqliteStore,
) -> None:
    """SQLite itself undoes a transaction on some errors, such as a full disk."""
    errors: list[Exception] = []

    def lost(user: Transaction) -> None:
        add("lost")(user)
        user._db.execute("ROLLBACK")
        raise StorageFull("as a full disk does")

    async def fail() -> None:
        try:
            await put(store, lost)
        except StorageFull as error:
            errors.append(error)

    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(put, store, gate)
        await gate.reached()
        group.start_soon(put, store, add("before"))
        await anyio.sleep(0.01)
        group.start_soon(fail)
        await anyio.sleep(0.01)
        group.start_soon(put, store, add("after"))
        await anyio.sleep(0.01)
        gate.open()
    assert len(errors) == 1
    assert await store.read("alice", ids) == ["m0", "before", "after"]


async def test_each_has_its_own_time_out(tmp_path: Path) -> None:
    """Another process holds the lock: every caller gets an error of its own."""
    store = make(tmp_path, patience_s=0.2)
    await store.open()
    await store.write("alice", add("m0"), create=True)
    errors: list[StorageBusy] = []

    async def wait(name: str) -> None:
        try:
            await put(store, add(name))
        except StorageBusy as error:
            errors.append(error)

    with locked_by_another(user_path(tmp_path, "alice")):
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                for i in range(5):
                    group.start_soon(wait, f"m{i + 1}")
    assert len(set(map(id, errors))) == 5
    await put(store, add("later"))
    assert await store.read("alice", ids) == ["m0", "later"]
    await store.close()


async def test_who_leaves_while_the_lock_is_held_elsewhere_leaves_at_once(
    store: SqliteStore, tmp_path: Path
) -> None:
    with locked_by_another(user_path(tmp_path, "alice")):
        async with anyio.create_task_group() as group:
            group.start_soon(put, store, add("stays"))
            with anyio.move_on_after(0.05) as scope:
                await put(store, add("leaves"))
            assert scope.cancelled_caught
            group.cancel_scope.cancel()
    await put(store, add("next"))
    assert await store.read("alice", ids) == ["m0", "next"]


@every_way
async def test_a_member_that_leaves_is_stored_wholly_or_not_at_all(
    anyio_backend: str, way: Way, store: SqliteStore
) -> None:
    """At each of its points, among others who stay: those are all stored."""
    two: dict[int, list[str]] = {}
    staying: list[str] = []
    for n in range(1, 5):
        gate = Gate()
        two[n] = [f"left{n}-1", f"left{n}-2"]

        async def stay(name: str) -> None:
            await put(store, add(name))
            staying.append(name)

        async def leave(n: int = n) -> None:
            await way(lambda: put(store, add(*two[n]), 2), n)

        async with anyio.create_task_group() as group:
            group.start_soon(put, store, gate)
            await gate.reached()
            group.start_soon(stay, f"before{n}")
            group.start_soon(leave)
            group.start_soon(stay, f"after{n}")
            await anyio.sleep(0.005)
            gate.open()
        stored = await store.read("alice", ids)
        assert [one for one in stored if one in two[n]] in ([], two[n])
        assert set(staying) <= set(stored)
    assert len(staying) == 8


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_the_unit_of_one_who_leaves_is_stopped_and_over(
    anyio_backend: str, store: SqliteStore
) -> None:
    """Cancelled while its unit runs, beside another: when the call has returned, nothing runs."""
    started, gate, first = threading.Event(), Gate(), Gate()

    def slow(user: Transaction) -> None:
        add("half")(user)
        started.set()
        gate(user)
        user.check()
        add("other half")(user)

    async def leave(scope: anyio.CancelScope) -> None:
        with scope:
            await put(store, slow)
        assert store._pool.taken == 0

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(put, store, first)
        await first.reached()
        group.start_soon(leave, scope)
        await anyio.sleep(0.01)
        group.start_soon(put, store, add("beside"))
        await anyio.sleep(0.01)
        first.open()
        await gate.reached()
        scope.cancel()
        await anyio.sleep(0.01)
        gate.open()
    assert await store.read("alice", ids) == ["m0", "beside"]


AT_ONCE = """\
from memory_vault.testing.faulty_disk import FaultyDisk

async def save(memory, number):
    result = await memory.save([f"First of {number}.", f"Second of {number}."])
    say(number)

async def main():
    async with MemoryLayer("alice", config=config) as memory:
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(save, memory, number)
        say("all")

with FaultyDisk(Path(folder), rest[0], int(rest[1]), seed=int(rest[1])):
    anyio.run(main, backend=backend)
"""


@pytest.mark.skipif(os.name == "nt", reason="the disk that fails is for other systems")
@pytest.mark.parametrize(("fault", "at"), [("torn", 24), ("power", 30), ("exit", 34), ("torn", 40)])
async def test_what_is_acknowledged_together_survives(
    anyio_backend_name: str, fault: str, at: int, hash_config: MemoryConfig
) -> None:
    """The power goes, or the process, while saves are written together: each is whole or gone."""
    async with MemoryLayer("alice", config=hash_config) as memory:
        await memory.save("The one before.")
    with child(AT_ONCE, hash_config.data_dir, anyio_backend_name, fault, str(at)) as one:
        said, complaints = one.process.communicate(timeout=PATIENCE_S * 2)
    assert one.process.returncode == EXIT_CODE, complaints
    acknowledged = {line for line in said.split() if line != "all"}
    async with MemoryLayer("alice", config=hash_config) as memory:
        stored = {m.content for m in (await memory.list_memories(page_size=200)).items}
    assert "The one before." in stored
    for number in map(str, range(12)):
        both = {f"First of {number}.", f"Second of {number}."}
        assert both <= stored or (number not in acknowledged and not both & stored)
