"""The promises of `Store` as tests: subclass `StoreConformance` and give its two fixtures."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest

from ..errors import StorageBusy
from ..storage import Chunk, Cursor, NewMemory, Store

if TYPE_CHECKING:
    from ..storage.sqlite.transaction import Transaction

PATIENCE_S = 30
"""After this a call counts as hanging; far more than any call takes."""


def new_memory(memory_id: str, content: str = "Tea without sugar.") -> NewMemory:
    """A small memory with one chunk."""
    return NewMemory(
        id=memory_id,
        session_id=None,
        memory_type="episodic",
        role="user",
        content=content,
        importance=0.5,
        occurred_at=None,
        origin="user",
        token_count=4,
        metadata=None,
        chunks=(Chunk(0, len(content), b"\0" * 32, b"\1\0\0\0"),),
    )


def add(*memory_ids: str) -> Callable[[Transaction], None]:
    """A unit that stores memories in order."""

    def unit(user: Transaction) -> None:
        for memory_id in memory_ids:
            user.memories.add(new_memory(memory_id))

    return unit


def ids(user: Transaction) -> list[str]:
    """A unit that lists what is stored, oldest first."""
    return user.memories.ids_of()


class _Oops(Exception):
    """Raised by a unit in its middle."""


class _Gate:
    """Holds a unit in its worker thread, so that a test can act meanwhile."""

    def __init__(self) -> None:
        self.reached, self._opened = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Called by the unit: wait for `open`."""
        self.reached.set()
        assert self._opened.wait(PATIENCE_S), "the gate was never opened"

    def open(self) -> None:
        """Let the unit go on."""
        self._opened.set()

    async def until_reached(self) -> None:
        """Wait until the unit is at the gate."""
        with anyio.fail_after(PATIENCE_S):
            while not self.reached.is_set():  # noqa: ASYNC110 - set by a thread, not by a task
                await anyio.sleep(0.001)


@pytest.mark.anyio
class StoreConformance:
    """One test or more for each promise of the Protocol, by its number."""

    @pytest.fixture
    def make_store(self) -> Callable[[float], Store]:
        """Make another store, not opened, on the same data; given is its `lock_timeout_s`."""
        raise NotImplementedError("override the fixture `make_store`")

    @pytest.fixture
    def locked(self) -> Callable[[str], AbstractContextManager[None]]:
        """Hold the lock for writing to one user's data, as another process would."""
        raise NotImplementedError("override the fixture `locked`")

    @pytest.fixture
    async def store(self, make_store: Callable[[float], Store]) -> AsyncIterator[Store]:
        """The store under test, open."""
        store = make_store(PATIENCE_S)
        await store.open()
        yield store
        with anyio.fail_after(PATIENCE_S):
            await store.close()

    async def test_1_a_unit_sees_what_it_wrote_and_so_does_the_next(self, store: Store) -> None:
        """Reads follow writes, inside a unit and after it."""

        def unit(user: Transaction) -> list[str]:
            add("m1", "m2")(user)
            return ids(user)

        assert await store.write("alice", unit, create=True) == ["m1", "m2"]
        assert await store.read("alice", ids) == ["m1", "m2"]

    async def test_1_a_unit_that_fails_leaves_nothing(self, store: Store) -> None:
        """The error passes to the caller unchanged; nothing of the unit stays."""
        await store.write("alice", add("m1"), create=True)

        def unit(user: Transaction) -> None:
            add("m2", "m3")(user)
            user.preferences.set("tea", "green", 1.0, source=None)
            raise _Oops

        with pytest.raises(_Oops):
            await store.write("alice", unit)
        assert await store.read("alice", ids) == ["m1"]
        assert await store.read("alice", lambda user: user.stats().preferences) == 0
        assert await store.write("alice", ids) == ["m1"]

    async def test_1_a_reader_sees_one_snapshot(self, store: Store) -> None:
        """What others write while a unit reads is not there for this unit."""
        await store.write("alice", add("m1"), create=True)
        gate, seen = _Gate(), list[list[str]]()

        def unit(user: Transaction) -> None:
            first = ids(user)
            gate.wait()
            seen.extend((first, ids(user)))

        async with anyio.create_task_group() as group:
            group.start_soon(store.read, "alice", unit)
            await gate.until_reached()
            await store.write("alice", add("m2"))
            gate.open()
        assert seen == [["m1"], ["m1"]]
        assert await store.read("alice", ids) == ["m1", "m2"]

    async def test_1_moments_only_grow(self, store: Store) -> None:
        """Each writing unit has a later moment than all before it."""
        moments = [
            await store.write("alice", lambda user: user.now, create=True) for _ in range(20)
        ]
        assert moments == sorted(set(moments))

    async def test_1_concurrent_writers_lose_nothing(self, store: Store) -> None:
        """Units of many tasks happen one after the other."""
        names = [f"m{i}" for i in range(40)]
        async with anyio.create_task_group() as group:
            for name in names:
                group.start_soon(partial(store.write, "alice", add(name), create=True))
        assert sorted(await store.read("alice", ids)) == sorted(names)

    async def test_1_units_that_may_share_a_transaction_fail_alone(self, store: Store) -> None:
        """Each has its own result, or its own error and nothing stored; moments only grow."""
        await store.write("alice", add("m0"), create=True)
        gate, found, errors = _Gate(), dict[str, int](), list[str]()

        def unit(name: str, user: Transaction) -> int:
            add(name)(user)
            if name in ("m3", "m7"):
                raise _Oops(name)
            return user.now

        async def write(name: str) -> None:
            try:
                found[name] = await store.write("alice", partial(unit, name), create=True, weight=1)
            except _Oops as error:
                errors.extend(error.args)

        async with anyio.create_task_group() as group:
            hold = partial(store.write, "alice", lambda _: gate.wait(), create=True, weight=1)
            group.start_soon(hold)
            await gate.until_reached()
            for i in range(1, 11):
                group.start_soon(write, f"m{i}")
            await anyio.sleep(0.01)
            gate.open()
        good = [f"m{i}" for i in range(1, 11) if i not in (3, 7)]
        assert sorted(errors) == ["m3", "m7"]
        assert sorted(found) == sorted(good)
        stored = await store.read("alice", ids)
        assert sorted(stored) == sorted(["m0", *good])
        assert sorted(found.values()) == [found[one] for one in stored[1:]]
        assert len(set(found.values())) == len(good)

    async def test_2_what_was_written_is_there_for_another_store(
        self, store: Store, make_store: Callable[[float], Store]
    ) -> None:
        """Another store on the same data sees it, before and after this one has closed."""
        await store.write("alice", add("m1"), create=True)
        other = make_store(PATIENCE_S)
        await other.open()
        assert await other.read("alice", ids) == ["m1"]
        await store.write("alice", add("m2"))
        assert await other.read("alice", ids) == ["m1", "m2"]
        await store.close()
        assert await other.read("alice", ids) == ["m1", "m2"]
        await other.close()

    async def test_3_a_cancelled_write_is_whole_or_nothing(self, store: Store) -> None:
        """Cancelled while its unit runs, it leaves all or none of its rows, and no lock."""
        await store.write("alice", add("m0"), create=True)
        for is_first in (True, False):
            gate, name = _Gate(), f"round-{is_first}"

            def unit(user: Transaction, gate: _Gate = gate, name: str = name) -> None:
                add(f"{name}-1")(user)
                gate.wait()
                add(f"{name}-2")(user)

            async with anyio.create_task_group() as group:
                group.start_soon(store.write, "alice", unit)
                await gate.until_reached()
                group.cancel_scope.cancel()
                gate.open()
            await store.write("alice", add(f"{name}-after"))
            found = [one for one in await store.read("alice", ids) if one.startswith(name)]
            assert found[:-1] in ([], [f"{name}-1", f"{name}-2"])
            assert found[-1] == f"{name}-after"

    async def test_3_cancelled_before_it_starts_it_does_nothing(self, store: Store) -> None:
        """Nothing is made for a call that was cancelled at once."""
        with anyio.CancelScope() as scope:
            scope.cancel()
            await store.write("alice", add("m1"), create=True)
        assert await store.read("alice", ids) == []
        assert not await store.has_user("alice")

    async def test_3_a_cancelled_reader_leaves_the_store_usable(self, store: Store) -> None:
        """The next calls work, also while the thread of the cancelled one runs on."""
        await store.write("alice", add("m1"), create=True)
        gate = _Gate()
        async with anyio.create_task_group() as group:
            group.start_soon(store.read, "alice", lambda user: (gate.wait(), ids(user)))  # type: ignore[func-returns-value]
            await gate.until_reached()
            group.cancel_scope.cancel()
            gate.open()
        await store.write("alice", add("m2"))
        assert await store.read("alice", ids) == ["m1", "m2"]

    async def test_4_users_never_see_each_other(self, store: Store) -> None:
        """Ids that look alike are different users; equal memory ids do not meet."""
        users = ["alice", "Alice", "ALICE ", "alice/../bob", "bob", "..", "a\u0301", "\u00e1", "%"]
        for user_id in users:
            await store.write(user_id, add(f"of {user_id}", "same"), create=True)
        for user_id in users:
            assert await store.read(user_id, ids) == [f"of {user_id}", "same"]
            assert await store.read(user_id, lambda user: user.user_id) == user_id
        await store.write("alice", lambda user: user.remove(["same"]))
        assert await store.read("bob", ids) == ["of bob", "same"]

    async def test_4_users_never_wait_for_each_other(
        self, store: Store, locked: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        """Many calls that wait for one user's lock hold up nobody else, nor that user's readers."""
        for user_id in ("alice", "bob"):
            await store.write(user_id, add("m1"), create=True)
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                with locked("alice"):
                    for i in range(20):
                        group.start_soon(store.write, "alice", add(f"late {i}"))
                    await anyio.sleep(0.1)
                    await store.write("bob", add("m2"))
                    await store.write("carol", add("m1"), create=True)
                    assert await store.read("alice", ids) == ["m1"]
        assert len(await store.read("alice", ids)) == 21
        assert await store.read("bob", ids) == ["m1", "m2"]

    async def test_5_reading_nobody_finds_and_makes_nothing(self, store: Store) -> None:
        """A read, or a write without `create`, leaves no trace of a user."""
        assert await store.read("nobody", ids) == []
        assert dict(await store.read("nobody", lambda user: user.stats().memories)) == {}
        assert await store.write("nobody", add("m1")) is None  # type: ignore[func-returns-value]
        assert await store.write("nobody", ids) == []
        assert await store.checkpoint("nobody")
        assert not await store.has_user("nobody")
        assert (await store.list_users(size=10, after=None)).items == ()

    async def test_6_a_lock_held_for_a_moment_is_waited_out(
        self, store: Store, locked: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        """A call that meets a lock goes on when the lock is given up."""
        await store.write("alice", add("m1"), create=True)
        async with anyio.create_task_group() as group:
            with locked("alice"):
                group.start_soon(store.write, "alice", add("m2"))
                await anyio.sleep(0.2)
        assert await store.read("alice", ids) == ["m1", "m2"]

    async def test_6_a_lock_held_for_long_is_storage_busy(
        self,
        store: Store,
        make_store: Callable[[float], Store],
        locked: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        """After `lock_timeout_s` the caller learns of it; later calls work."""
        await store.write("alice", add("m1"), create=True)
        hasty = make_store(0.1)
        await hasty.open()
        with locked("alice"), pytest.raises(StorageBusy):
            await hasty.write("alice", add("m2"))
        await hasty.write("alice", add("m3"))
        assert await hasty.read("alice", ids) == ["m1", "m3"]
        await hasty.close()

    async def test_users_are_listed_in_pages(self, store: Store) -> None:
        """By id, each once, from wherever the page before ended."""
        names = sorted(f"user {i}" for i in range(7))
        for name in reversed(names):
            await store.write(name, add("m1"), create=True)
        found, after = list[str](), None
        while True:
            page = await store.list_users(size=3, after=after)
            found += [one.user_id for one in page.items]
            if page.next_cursor is None:
                break
            after = Cursor.parse(page.next_cursor, "users")
        assert found == names

    async def test_a_removed_user_is_gone_and_may_return(self, store: Store) -> None:
        """Emptied, retired and removed: not listed, reads as empty, and can be made anew."""

        def retire(user: Transaction) -> None:
            user.empty()
            user.retire()

        await store.write("alice", add("m1"), create=True)
        await store.write("alice", retire)
        await store.remove_user("alice")
        assert not await store.has_user("alice")
        assert await store.read("alice", ids) == []
        await store.write("alice", add("m2"), create=True)
        assert await store.has_user("alice")
        assert await store.read("alice", ids) == ["m2"]

    async def test_a_sound_store_has_no_problems(self, store: Store) -> None:
        """`check` counts the users and finds nothing."""
        for user_id in ("alice", "bob"):
            await store.write(user_id, add("m1"), create=True)
        report = await store.check()
        assert (report.users, report.problems) == (2, ())

    async def test_close_is_repeatable(self, store: Store) -> None:
        """Closing twice is closing once."""
        await store.close()
        await store.close()
