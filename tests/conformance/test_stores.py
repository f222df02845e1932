"""The stores that come with the library keep every promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import apsw
import pytest
from tests.faults.children import locked_by_another

from memory_vault.storage import Store
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.schema import USER, Schema
from memory_vault.storage.sqlite.store import SqliteStore
from memory_vault.testing.store_suite import PATIENCE_S, StoreConformance, add, ids

pytestmark = pytest.mark.anyio


def _store(folder: Path, lock_timeout_s: float = PATIENCE_S) -> SqliteStore:
    return SqliteStore(
        folder, durability="process", lock_timeout_s=lock_timeout_s, max_open_files=8, readers=2
    )


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> Callable[[float], Store]:
        return lambda lock_timeout_s: _store(tmp_path / "vault", lock_timeout_s)

    @pytest.fixture
    def locked(self, tmp_path: Path) -> Callable[[str], AbstractContextManager[None]]:
        return lambda user_id: locked_by_another(user_path(tmp_path / "vault", user_id))


def _retire(user) -> None:
    user.empty()
    user.retire()


async def test_a_user_who_returns_while_being_removed_stays_listed(tmp_path: Path) -> None:
    """One store empties and strikes a user; another writes in between: that write must be found."""
    remover, writer = _store(tmp_path), _store(tmp_path)
    await remover.open()
    await writer.open()
    await writer.write("alice", add("m1"), create=True)
    await remover.write("alice", _retire)
    await writer.write("alice", add("m2"), create=True)
    await remover.remove_user("alice")
    assert await writer.read("alice", ids) == ["m2"]
    assert await remover.read("alice", ids) == ["m2"]
    assert await writer.has_user("alice")
    await writer.write("alice", add("m3"), create=True)
    assert [u.user_id for u in (await remover.list_users(size=9, after=None)).items] == ["alice"]
    await remover.close()
    await writer.close()


async def test_a_lost_catalog_is_rebuilt_from_the_files(tmp_path: Path) -> None:
    first = _store(tmp_path)
    await first.open()
    for user_id in ("alice", "bob"):
        await first.write(user_id, add("m1"), create=True)
    await first.close()
    (tmp_path / "catalog.db").unlink()
    second = _store(tmp_path)
    await second.open()
    users = await second.list_users(size=9, after=None)
    assert [one.user_id for one in users.items] == ["alice", "bob"]
    await second.close()


async def _removed_for(writer: SqliteStore, tmp_path: Path) -> Path:
    """A user whose emptied file is still there, about to be unlinked by somebody else."""
    await writer.open()
    await writer.write("alice", add("m1"), create=True)
    await writer.write("alice", _retire)
    return user_path(tmp_path, "alice")


async def test_a_connection_to_an_unlinked_file_is_not_written_to(tmp_path: Path) -> None:
    """Opened just before another process unlinked the file: the write goes to the next file."""
    writer = _store(tmp_path)
    path = await _removed_for(writer, tmp_path)
    stale = writer._pool.take(path, USER)
    stale.execute("PRAGMA journal_mode=DELETE").fetchall()
    path.unlink()
    writer._pool.give(path, stale)
    await writer.write("alice", add("m2"), create=True)
    assert await writer.read("alice", ids) == ["m2"]
    assert await writer.has_user("alice")
    await writer.close()


@pytest.mark.parametrize("call", ["read", "write", "create"])
async def test_a_file_that_goes_before_it_is_opened_is_no_error(tmp_path: Path, call: str) -> None:
    """Another process unlinks it after we saw that it is there."""
    writer = _store(tmp_path)
    path = await _removed_for(writer, tmp_path)
    take = writer._pool.take
    writer._pool.drop(path)

    def gone(wanted: Path, schema: Schema) -> apsw.Connection:
        if wanted == path:
            writer._pool.take = take
            path.unlink()
        return take(wanted, schema)

    writer._pool.take = gone
    if call == "read":
        assert await writer.read("alice", ids) == []
    else:
        await writer.write("alice", add("m2"), create=call == "create")
        assert await writer.read("alice", ids) == (["m2"] if call == "create" else [])
    await writer.close()


async def test_a_removed_user_does_not_return_unasked(tmp_path: Path) -> None:
    """While another process keeps the emptied file open, only `create` takes it into use again."""
    writer, other = _store(tmp_path), _store(tmp_path)
    await _removed_for(writer, tmp_path)
    await other.open()
    assert await other.write("alice", ids, create=True) == []
    await writer.write("alice", _retire)
    assert not await writer.remove_user("alice")
    for store in (writer, other):
        await store.write("alice", add("m2"))
        assert await store.read("alice", ids) == []
        assert not await store.has_user("alice")
    await writer.write("alice", add("m3"), create=True)
    assert await other.read("alice", ids) == ["m3"]
    assert await other.has_user("alice")
    await writer.close()
    await other.close()


async def test_a_lock_is_held_before_the_snapshot_is_taken(tmp_path: Path) -> None:
    """Else a unit with an older snapshot could take an index back behind a newer one."""
    store = _store(tmp_path)
    await store.open()
    await store.write("alice", add("before"), create=True)

    @contextmanager
    def another_writes_meanwhile() -> Iterator[None]:
        with closing(apsw.Connection(str(user_path(tmp_path, "alice")))) as connection:
            connection.execute("UPDATE memories SET id = 'after'")
        yield

    assert await store.read("alice", ids, holding=another_writes_meanwhile()) == ["after"]
    await store.close()
