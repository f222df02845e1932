"""Where user files are, how they appear, what is refused, and how many stay open."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault import MemoryLayer
from memory_vault.errors import (
    NotAVault,
    SchemaTooNew,
    StorageBusy,
    StorageError,
    StorageReadOnly,
)
from memory_vault.storage.sqlite import files
from memory_vault.storage.sqlite import schema as schemas
from memory_vault.storage.sqlite.connection import close, connect, create
from memory_vault.storage.sqlite.files import (
    FilePool,
    make_folder,
    publish,
    sweep,
    user_path,
)
from memory_vault.storage.sqlite.schema import CATALOG, USER

ODD_IDS = [
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\Windows",
    "CON",
    "a/b",
    "~",
    "%2e%2e",
    "user\n",
    " user",
    "user ",
    "🎉" * 128,
    "x" * 512,
    "-rf",
    "*",
]
FILL = "INSERT INTO meta (id, user_id, created_at) VALUES (1, ?, ?)"


def _user_file(folder: Path, user_id: str = "alice") -> Path:
    path = user_path(folder, user_id)
    publish(path, USER, "process", FILL, (user_id, 1), aside_dir=folder / "new")
    return path


def _write(path: Path, statement: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement).fetchall()
    connection.close()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# paths --------------------------------------------------------------------------------------------


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_id_leads_out_of_the_folder(user_id: str) -> None:
    folder = Path("/vault")
    path = user_path(folder, user_id)
    assert re.fullmatch(r"users/([0-9a-f]{2})/\1[0-9a-f]{62}\.db", str(path.relative_to(folder)))


@pytest.mark.parametrize("user_id", ODD_IDS)
def test_odd_ids_get_plain_paths(user_id: str) -> None:
    assert user_path(Path("/v"), user_id).parent.parent == Path("/v/users")


def test_ids_are_told_apart_also_where_file_names_are_not() -> None:
    """Case and normal form make another file, even on a file system that folds names."""
    alike = ["straße", "STRASSE", "Straße", "a\u0301", "\u00e1", "Alice", "alice", "alice "]
    assert len({str(user_path(Path("/v"), one)).casefold() for one in alike}) == len(alike)


@pytest.mark.anyio
async def test_a_vault_with_odd_ids_writes_only_where_it_may(hash_config, tmp_path: Path) -> None:
    for user_id in ODD_IDS:
        async with MemoryLayer(user_id, config=hash_config) as memory:
            await memory.save(f"I am {user_id!r}.")
            assert (await memory.list_memories()).items[0].content == f"I am {user_id!r}."
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parts[0] for path in written} == {"vault"}
    assert len(list((tmp_path / "vault" / "users").glob("*/*.db"))) == len(ODD_IDS)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_folders_are_private(tmp_path: Path) -> None:
    make_folder(tmp_path / "v" / "users")
    assert (tmp_path / "v" / "users").stat().st_mode & 0o077 == 0


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("mine")
    for path in (tmp_path / "v", tmp_path / "v" / "users"):
        with pytest.raises(StorageError, match="not a folder"):
            make_folder(path)
    assert (tmp_path / "v").read_text() == "mine"


# publishing ---------------------------------------------------------------------------------------


def test_racers_make_one_file(tmp_path: Path) -> None:
    path, start = user_path(tmp_path, "alice"), threading.Barrier(8)

    def race(number: int) -> None:
        start.wait(30)
        publish(path, USER, "process", FILL, ("alice", number), aside_dir=tmp_path / "new")

    with ThreadPoolExecutor(8) as racers:
        list(racers.map(race, range(8)))
    assert list(path.parent.iterdir()) == [path]
    connection = connect(path, USER, "process")
    (winner,) = connection.execute("SELECT created_at FROM meta").fetchall()
    close(connection)
    publish(path, USER, "process", FILL, ("alice", 99), aside_dir=tmp_path / "new")
    connection = connect(path, USER, "process")
    assert connection.execute("SELECT created_at FROM meta").fetchall() == [winner]
    close(connection)


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    path = user_path(tmp_path, "alice")
    aside, fill = tmp_path / "new", "INSERT INTO nonsense VALUES (?)"
    with pytest.raises(StorageError):
        publish(path, USER, "process", fill, (1,), aside_dir=aside)
    assert list(path.parent.iterdir()) == list(aside.iterdir()) == []


def _unfinished(aside: Path, name: str) -> apsw.Connection:
    """A file as its maker has it before it is linked into place."""
    connection = apsw.Connection(str(aside / f"{name}.new"))
    connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
    create(connection, USER)
    return connection


def test_only_what_nobody_makes_any_more_is_swept(tmp_path: Path) -> None:
    _unfinished(tmp_path, "dead").close()
    (tmp_path / "empty.new").touch()
    (tmp_path / "alone.new-journal").touch()
    alive = _unfinished(tmp_path, "alive")
    sweep(tmp_path)
    assert {one.name.partition("-")[0] for one in tmp_path.iterdir()} == {"alive.new"}
    alive.execute(FILL, ("alice", 1))
    alive.close()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_swept_while_it_was_made_may_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, aside = user_path(tmp_path, "alice"), tmp_path / "new"

    def sweep_first(source: Path, target: Path) -> None:
        sweep(aside)
        link(source, target)

    link = os.link
    monkeypatch.setattr(os, "link", sweep_first)
    with pytest.raises(StorageBusy):
        publish(path, USER, "process", FILL, ("alice", 1), aside_dir=aside)
    monkeypatch.undo()
    publish(path, USER, "process", FILL, ("alice", 1), aside_dir=aside)
    assert path.exists()


def test_new_folders_survive_power_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry of each new folder is made durable in the folder above it."""
    synced = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    path = user_path(tmp_path / "a" / "vault", "alice")
    aside = tmp_path / "a" / "vault" / "new"
    publish(path, USER, "power", FILL, ("alice", 1), aside_dir=aside)
    assert {tmp_path, *(one for one in path.parents if tmp_path in one.parents)} <= set(synced)


# the pool -----------------------------------------------------------------------------------------


def test_the_pool_is_bounded_and_gives_all_back(tmp_path: Path) -> None:
    pool = FilePool(3, "process")
    paths = [_user_file(tmp_path, f"user {i}") for i in range(8)]
    for path in paths:
        pool.give(path, pool.take(path, USER))
    assert (pool.taken, sum(map(len, pool._idle.values()))) == (0, 3)
    assert list(pool._idle) == paths[-3:], "the least recently used are closed"
    pool.close()
    assert sum(map(len, pool._idle.values())) == 0


def test_a_connection_is_used_by_one_at_a_time(tmp_path: Path) -> None:
    pool, path = FilePool(8, "process"), _user_file(tmp_path)
    first, second = pool.take(path, USER), pool.take(path, USER)
    assert first is not second
    pool.give(path, first)
    assert pool.take(path, USER) is first
    pool.give(path, first)
    pool.give(path, second)
    pool.close()
    assert pool.taken == 0


def test_the_idle_connections_to_one_file_are_bounded(tmp_path: Path) -> None:
    pool, path = FilePool(100, "process"), _user_file(tmp_path)
    taken = [pool.take(path, USER) for _ in range(20)]
    for one in taken:
        pool.give(path, one)
    assert sum(map(len, pool._idle.values())) < 20
    pool.close()


def test_what_comes_back_late_is_closed(tmp_path: Path) -> None:
    pool, path = FilePool(8, "process"), _user_file(tmp_path)
    late = pool.take(path, USER)
    pool.close()
    pool.give(path, late)
    assert pool.taken == 0
    with pytest.raises(apsw.ConnectionClosedError):
        late.execute("SELECT 1")


def test_a_connection_that_cannot_be_had_is_not_counted(tmp_path: Path) -> None:
    pool = FilePool(8, "process")
    with pytest.raises(StorageError):
        pool.take(tmp_path / "missing.db", USER)
    assert pool.taken == 0


# what is refused ----------------------------------------------------------------------------------


def _newer(path: Path) -> None:
    _write(path, f"PRAGMA user_version={USER.version + 1}")


def _of_another_program(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name)")
    connection.close()


def _of_another_kind(path: Path) -> None:
    path.unlink()
    connection = apsw.Connection(str(path))
    create(connection, CATALOG)
    connection.close()


def _no_database(path: Path) -> None:
    path.write_bytes(b"a letter to my mother\n" * 1000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    path.write_bytes(content)


REFUSED = {
    _newer: SchemaTooNew,
    _of_another_program: NotAVault,
    _of_another_kind: NotAVault,
    _no_database: NotAVault,
    _empty: NotAVault,
    _overwritten: NotAVault,
}


@pytest.mark.anyio
@pytest.mark.parametrize("harm", REFUSED, ids=lambda harm: harm.__name__.strip("_"))
async def test_a_file_that_is_not_ours_is_refused_and_left_alone(hash_config, harm) -> None:
    """With a typed error, on every call; other users go on."""
    path = _user_file(hash_config.data_dir.resolve())
    harm(path)
    before = _digest(path)
    async with MemoryLayer("bob", config=hash_config) as bob:
        for _ in range(2):
            with pytest.raises(REFUSED[harm]):
                async with MemoryLayer("alice", vault=bob._vault) as alice:
                    await alice.save("I live in Lisbon.")
        assert (await bob.save("I live in Rome.")).saved
        assert len((await bob._vault.check()).problems) == 1
    assert _digest(path) == before


@pytest.mark.anyio
async def test_a_damaged_catalog_is_refused(hash_config) -> None:
    folder = hash_config.data_dir
    folder.mkdir()
    (folder / "catalog.db").write_bytes(b"no catalog" * 500)
    before = _digest(folder / "catalog.db")
    with pytest.raises(NotAVault):
        async with MemoryLayer("alice", config=hash_config):
            pass
    assert _digest(folder / "catalog.db") == before


# migrations ---------------------------------------------------------------------------------------

GROWN = replace(
    USER,
    migrations=(
        *USER.migrations,
        "CREATE TABLE later (a);\nINSERT INTO later VALUES (1)",
        "ALTER TABLE later ADD COLUMN b",
    ),
)


def _version(path: Path) -> int:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.pragma("user_version")
    finally:
        connection.close()


def test_the_version_is_the_number_of_migrations(tmp_path: Path) -> None:
    path = _user_file(tmp_path)
    assert _version(path) == USER.version == len(schemas.USER.migrations)


def test_an_older_file_becomes_current_once(tmp_path: Path) -> None:
    path = _user_file(tmp_path)
    for _ in range(2):
        close(connect(path, GROWN, "process"))
        assert _version(path) == USER.version + 2
    connection = connect(path, GROWN, "process")
    assert connection.execute("SELECT a, b FROM later").fetchall() == [(1, None)]
    close(connection)


@pytest.mark.anyio
@pytest.mark.parametrize("which", ["user", "catalog"])
async def test_a_file_that_became_newer_while_it_is_open_is_not_written(hash_config, which) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        await memory.save("We had tea.")
        store = memory._vault.engine.store
        path, schema = store.erasure.path_of("alice"), USER
        if which == "catalog":
            path, schema = store._catalog, CATALOG
        newer = replace(schema, migrations=(*schema.migrations, "CREATE TABLE later (a)"))
        close(connect(path, newer, "process"))
        with pytest.raises(SchemaTooNew, match="upgrade"):
            if which == "user":
                await memory.save("We had coffee.")
            else:
                await store.in_catalog(lambda db: db.execute("DELETE FROM hints"), is_writing=True)
        assert (await memory.stats()).total == 1


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = _user_file(tmp_path)
    broken = replace(GROWN, migrations=(*GROWN.migrations, "ALTER TABLE missing ADD COLUMN c"))
    with pytest.raises(StorageError):
        connect(path, broken, "process")
    assert _version(path) == USER.version
    close(connect(path, GROWN, "process"))


def test_racers_migrate_once(tmp_path: Path) -> None:
    """Whoever comes second finds the work done, and does not do it again."""
    for attempt in range(10):
        path, start = _user_file(tmp_path, f"user {attempt}"), threading.Barrier(2)

        def race(_: int, path: Path = path, start: threading.Barrier = start) -> None:
            start.wait(30)
            close(connect(path, GROWN, "process"))

        with ThreadPoolExecutor(2) as racers:
            list(racers.map(race, range(2)))
        connection = connect(path, GROWN, "process")
        assert connection.execute("SELECT count(*) FROM later").fetchall() == [(1,)]
        close(connection)


# read-only ----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.anyio
async def test_a_folder_without_permission_is_read_only(hash_config) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        await memory.save("I live in Lisbon.")
    path = user_path(hash_config.data_dir.resolve(), "alice")
    path.parent.chmod(0o500)
    path.chmod(0o400)
    try:
        with pytest.raises(StorageReadOnly):
            async with MemoryLayer("alice", config=hash_config) as memory:
                await memory.save("I moved to Rome.")
    finally:
        path.parent.chmod(0o700)
        path.chmod(0o600)


def test_sqlites_read_only_errors_are_ours(tmp_path: Path) -> None:
    """What SQLite says of a file that cannot be written comes out as `StorageReadOnly`."""
    from memory_vault.storage.sqlite.connection import translated

    path = _user_file(tmp_path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    with pytest.raises(StorageReadOnly, match="cannot be written"), translated(path):
        connection.execute("UPDATE meta SET clock = 5")
    connection.close()
    with pytest.raises(StorageReadOnly, match="cannot be opened"):
        connect(tmp_path / "missing.db", USER, "process")
