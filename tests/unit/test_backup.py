"""Backup, restore, check and repair: copies are whole, damage stays where it is."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import apsw
import numpy as np
import pytest

from memory_vault import (
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    NotAVault,
    NotFound,
    StorageError,
    TargetNotEmpty,
    Vault,
    VaultSync,
)
from memory_vault.storage.index.user_index import UserIndex
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.repair import DAMAGED, set_aside
from memory_vault.storage.sqlite.schema import CHUNKS_PER_VERSION
from memory_vault.storage.sqlite.store import SqliteStore
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.upkeep import check as check_module

pytestmark = pytest.mark.anyio
USERS = ("alice", "bob", "../odd")


def _config(folder: Path, **given: Any) -> MemoryConfig:
    """A vault that does not wait for the disk."""
    return MemoryConfig(data_dir=folder, embedder=HashEmbedder(), durability="process", **given)


@pytest.fixture
def hash_config(tmp_path: Path) -> MemoryConfig:
    return _config(tmp_path / "vault")


async def _fill(vault: Vault) -> None:
    for user_id in USERS:
        async with MemoryLayer(user_id, vault=vault) as memory:
            said = await memory.save(f"I am {user_id} and live in Lisbon.", session_id="s")
            await memory.update(said.saved[0].id, content=f"I am {user_id} and live in Porto.")
            await memory.set_preference("style", "short")


async def _everything(vault: Vault, folder: Path) -> dict[str, bytes]:
    """The export of every user."""
    folder.mkdir(exist_ok=True)
    found = {}
    for one in (await vault.list_users()).items:
        async with MemoryLayer(one.user_id, vault=vault) as memory:
            report = await memory.export(folder / "one", overwrite=True)
            found[one.user_id] = report.path.read_bytes()
    return found


def _digests(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def _backed_up(config: MemoryConfig, folder: Path) -> dict[str, bytes]:
    async with Vault(config) as vault:
        await _fill(vault)
        await vault.backup(folder)
        return await _everything(vault, folder.parent / "exports")


# backup and restore -------------------------------------------------------------------------------


async def test_everything_is_in_a_backup(hash_config: MemoryConfig, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    async with Vault(hash_config) as vault:
        await _fill(vault)
        report = await vault.backup(tmp_path / "backup", progress=lambda *at: told.append(at))
        before = await _everything(vault, tmp_path / "exports")
        users = await vault.list_users()
    assert (report.users, report.is_encrypted) == (3, False)
    assert told
    assert all(0 <= done <= total for done, total in told)
    held = _digests(tmp_path / "backup")
    async with Vault(_config(tmp_path / "another")) as vault:
        again = await vault.restore(tmp_path / "backup")
        assert again.users == 3
        assert await _everything(vault, tmp_path / "exports") == before
        for one, other in zip((await vault.list_users()).items, users.items, strict=True):
            assert one.user_id == other.user_id
            assert abs(one.created_at - other.created_at) < timedelta(seconds=1)
        assert (await vault.check()).problems == ()
        async with MemoryLayer("alice", vault=vault) as memory:
            assert "Porto" in (await memory.recall("Where do I live?")).prompt_block
            await memory.save("And more.")
    assert _digests(tmp_path / "backup") == held


async def test_writers_go_on_and_each_file_is_of_one_moment(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    """Pairs are saved in one call each: a backup in between never splits one."""
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as alice:
        await alice.save([{"role": "user", "content": f"{side} first"} for side in "ab"])
        written = 0

        async def write() -> None:
            nonlocal written
            for number in range(1000):
                await alice.save([{"role": "user", "content": f"{s} {number}"} for s in "ab"])
                written += 1

        async with anyio.create_task_group() as group:
            group.start_soon(write)
            for number in range(4):
                await vault.backup(tmp_path / f"backup {number}")
            group.cancel_scope.cancel()
        assert written
    for number in range(4):
        async with Vault(_config(tmp_path / f"another {number}")) as vault:
            await vault.restore(tmp_path / f"backup {number}")
            async with MemoryLayer("alice", vault=vault) as alice:
                texts = {m.content for m in (await alice.list_memories(page_size=1000)).items}
                assert {f"b{text[1:]}" for text in texts if text[0] == "a"} <= texts
                assert len(texts) % 2 == 0


async def test_a_backup_makes_a_folder_of_its_own(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
        (tmp_path / "taken").mkdir()
        with pytest.raises(TargetNotEmpty):
            await vault.backup(tmp_path / "taken")
        with pytest.raises(InvalidInput, match="make it first"):
            await vault.backup(tmp_path / "missing" / "backup")
        with pytest.raises(InvalidInput, match="inside"):
            await vault.backup(hash_config.data_dir / "backup")
        await vault.backup(tmp_path / "backup")
        assert os.name == "nt" or (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob(".*"))


async def test_users_who_have_something_are_not_overwritten_unasked(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    before = await _backed_up(hash_config, tmp_path / "backup")
    async with Vault(hash_config) as vault:
        async with MemoryLayer("bob", vault=vault) as bob:
            await bob.forget_all(confirm=True)
        async with MemoryLayer("alice", vault=vault) as alice:
            await alice.save("This came after the backup.")
            assert "after" in (await alice.recall("What came after?")).prompt_block
            with pytest.raises(TargetNotEmpty):
                await vault.restore(tmp_path / "backup")
            async with MemoryLayer("bob", vault=vault) as bob:
                assert (await bob.stats()).total == 0
            await vault.restore(tmp_path / "backup", user_id="bob")
            assert (await alice.stats()).total == 2
            await vault.restore(tmp_path / "backup", overwrite=True)
            assert "after" not in (await alice.recall("What came after?")).prompt_block
        assert await _everything(vault, tmp_path / "exports") == before
        with pytest.raises(NotFound):
            await vault.restore(tmp_path / "backup", user_id="nobody")
        with pytest.raises(InvalidInput, match="no backup"):
            await vault.restore(tmp_path / "exports")


async def test_a_removed_user_is_in_no_backup(hash_config: MemoryConfig, tmp_path: Path) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
        await vault.forget_user("bob", confirm=True)
        assert (await vault.backup(tmp_path / "backup")).users == 2


async def test_a_damaged_backup_changes_nothing(hash_config: MemoryConfig, tmp_path: Path) -> None:
    """Every file of it with a flipped bit, cut short, or missing; and odd manifests."""
    folder = tmp_path / "backup"
    await _backed_up(hash_config, folder)
    async with Vault(_config(tmp_path / "another")) as vault:

        async def refused(error: type[Exception] = StorageError) -> None:
            with pytest.raises(error):
                await vault.restore(folder)
            assert (await vault.list_users()).items == ()

        for path in sorted(folder.rglob("*.db")):
            whole = path.read_bytes()
            for place in (0, 20, len(whole) // 2, len(whole) - 1):
                flipped = bytearray(whole)
                flipped[place] ^= 1
                path.write_bytes(flipped)
                await refused()
            path.write_bytes(whole[:-4096])
            await refused()
            path.unlink()
            await refused()
            path.write_bytes(whole)
        manifest = folder / "manifest.json"
        text = manifest.read_text()
        held = json.loads(text)
        for odd in (
            "",
            "[]",
            "{}",
            text[:-9],
            json.dumps({**held, "version": 2}),
            json.dumps({**held, "files": [{"name": "../../x.db", "bytes": 1, "sha256": ""}]}),
            json.dumps({**held, "files": [{"name": 5, "bytes": 1, "sha256": ""}]}),
            json.dumps({**held, "files": None}),
        ):
            manifest.write_text(odd)
            await refused()
        manifest.unlink()
        await refused(InvalidInput)
        manifest.write_text(text)
        assert (await vault.restore(folder)).users == 3


# check and repair ---------------------------------------------------------------------------------


def _damage(path: Path) -> None:
    """Overwrite the middle of every page, as a failing disk does."""
    data = bytearray(path.read_bytes())
    for page in range(0, len(data), 4096):
        data[page + 8 : page + 200] = os.urandom(192)
    path.write_bytes(data)


async def test_a_damaged_user_is_set_aside_and_the_others_work_on(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    before = await _backed_up(hash_config, tmp_path / "backup")
    folder = hash_config.data_dir
    _damage(user_path(folder, "bob"))
    async with Vault(hash_config) as vault:
        with pytest.raises(NotAVault, match="doctor"):
            await vault.backup(tmp_path / "second")
        assert not (tmp_path / "second").exists()
        report = await vault.check()
        assert len(report.problems) == 1
        assert not report.repaired
        repaired = await vault.check(repair=True)
        assert repaired.problems == ()
        assert len(repaired.repaired) == 1
        (aside,) = (folder / DAMAGED).iterdir()
        assert "restore" in (aside / "note.txt").read_text()
        assert list(aside.glob("*.db"))
        async with MemoryLayer("alice", vault=vault) as alice:
            assert "Porto" in (await alice.recall("Where do I live?")).prompt_block
        async with MemoryLayer("bob", vault=vault) as bob:
            assert (await bob.stats()).total == 0
            await vault.restore(tmp_path / "backup", user_id="bob")
            assert "Porto" in (await bob.recall("Where do I live?")).prompt_block
        assert await _everything(vault, tmp_path / "exports") == before
        assert await vault.check(repair=True) == await vault.check()


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_catalog_that_was_lost_opens_the_server_to_nobody(
    hash_config: MemoryConfig, is_deleted: bool
) -> None:
    """Whether keys had been made is no longer known."""
    async with Vault(hash_config) as vault:
        assert not await vault.engine.store.with_api_keys(lambda keys: keys.has_any())
        await _fill(vault)
    catalog = hash_config.data_dir / "catalog.db"
    vault = Vault(hash_config)
    if is_deleted:
        catalog.unlink()
    else:
        _damage(catalog)
        assert "keys create" in (await vault.check(repair=True)).repaired[0]
    async with vault:
        assert {one.user_id for one in (await vault.list_users()).items} >= {"alice", "bob"}
        assert await vault.engine.store.with_api_keys(lambda keys: keys.has_any())
        (one,) = await vault.engine.store.with_api_keys(lambda keys: keys.list())
        assert one.revoked_at is not None
        assert not one.rights


@pytest.mark.parametrize("wholly", [False, True])
async def test_who_is_forgotten_is_not_kept_among_the_damaged(
    hash_config: MemoryConfig, wholly: bool
) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
    for user_id in ("alice", "bob"):
        _damage(user_path(hash_config.data_dir, user_id))
    async with Vault(hash_config) as vault:
        await vault.check(repair=True)
        assert len(list((hash_config.data_dir / DAMAGED).iterdir())) == 2
        if wholly:
            await vault.forget_user("bob", confirm=True)
        else:
            async with MemoryLayer("bob", vault=vault) as bob:
                await bob.forget_all(confirm=True)
        (left,) = (hash_config.data_dir / DAMAGED).iterdir()
        assert left.name[:16] == user_path(hash_config.data_dir, "alice").stem[:16]


@pytest.mark.parametrize("how", ["cut", "header", "empty", "other"])
async def test_every_kind_of_damage_is_set_aside(
    hash_config: MemoryConfig, tmp_path: Path, how: str
) -> None:
    await _backed_up(hash_config, tmp_path / "backup")
    path = user_path(hash_config.data_dir, "bob")
    whole = path.read_bytes()
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE t (a)").fetchall()
    other.close()
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "header": b"\0" * 100 + whole[100:],
            "empty": b"",
            "other": (tmp_path / "other.db").read_bytes(),
        }[how]
    )
    async with Vault(hash_config) as vault:
        assert len((await vault.check(repair=True)).repaired) == 1
        await vault.restore(tmp_path / "backup", user_id="bob")
        assert (await vault.check()).problems == ()


async def test_a_newer_file_is_told_and_left_alone(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
    path = user_path(hash_config.data_dir, "bob")
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version=999").fetchall()
    connection.close()
    async with Vault(hash_config) as vault:
        report = await vault.check(repair=True)
        assert len(report.problems) == 1
        assert report.repaired == ()
    assert path.exists()


async def test_a_damaged_catalog_is_made_anew(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
        users = await vault.list_users()
    (hash_config.data_dir / "catalog.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(NotAVault):
        async with Vault(hash_config):
            pass
    report = await Vault(hash_config).check(repair=True)
    assert report.problems == ()
    assert len(report.repaired) == 1
    async with Vault(hash_config) as vault:
        found = (await vault.list_users()).items
        assert [one.user_id for one in found] == [one.user_id for one in users.items]
    assert (await Vault(hash_config).check(repair=True)).repaired == ()


async def test_a_user_who_is_not_listed_is_listed_again(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
    catalog = apsw.Connection(str(hash_config.data_dir / "catalog.db"))
    catalog.execute("DELETE FROM users WHERE user_id = 'bob'").fetchall()
    catalog.close()
    async with Vault(hash_config) as vault:
        assert len((await vault.list_users()).items) == 2
        await vault.check(repair=True)
        assert len((await vault.list_users()).items) == 3


async def test_an_index_that_is_not_its_files_is_found_and_built_anew(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
        for user_id in USERS:
            async with MemoryLayer(user_id, vault=vault) as memory:
                await memory.recall("Where do I live?")
        assert (await vault.check()).problems == ()
        index = vault.engine.indexes.get("bob", 64)
        index.column("alive")[:] = np.False_
        (problem,) = (await vault.check()).problems
        assert problem.user_id == "bob"
        assert len((await vault.check(repair=True)).repaired) == 1
        assert (await vault.check()).problems == ()
        async with MemoryLayer("bob", vault=vault) as bob:
            assert (await bob.recall("Where do I live?")).memories


async def test_an_index_that_is_used_while_it_is_checked_is_no_problem(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recall brings it further than what the check has read."""
    began, go = threading.Event(), threading.Event()

    class Slow(UserIndex):
        def refresh(self, *given: Any) -> None:
            super().refresh(*given)
            began.set()
            assert go.wait(30)

    async def use(memory: MemoryLayer) -> None:
        await memory.recall("weather")

    async def check() -> None:
        assert (await vault.check()).problems == ()

    config = replace(hash_config, workers=2)
    async with Vault(config) as vault, MemoryLayer("bob", vault=vault) as memory:
        await memory.save("I live in Berlin.")
        await memory.recall("Where do I live?")
        monkeypatch.setattr(check_module, "UserIndex", Slow)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check)
            with anyio.fail_after(30):
                while not began.is_set():
                    await anyio.sleep(0.001)
            await memory.save("The weather is fine.")
            tasks.start_soon(use, memory)
            await anyio.sleep(0.3)
            go.set()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM chunks",
        "UPDATE chunks SET embedding = x'00' WHERE row = (SELECT min(row) FROM chunks)",
    ],
)
async def test_rows_that_do_not_go_together_are_told(
    hash_config: MemoryConfig, statement: str
) -> None:
    async with Vault(hash_config) as vault:
        await _fill(vault)
    connection = apsw.Connection(str(user_path(hash_config.data_dir, "bob")))
    connection.execute(statement).fetchall()
    connection.close()
    async with Vault(hash_config) as vault:
        (problem,) = (await vault.check()).problems
        assert problem.user_id == "bob"
        assert "import" in problem.advice


@pytest.mark.parametrize("table", ["chunks", "fresh_chunks"])
async def test_embeddings_of_no_version_stop_no_recall_and_are_deleted(
    hash_config: MemoryConfig, table: str
) -> None:
    """Between those of others, and beside them while a user moves to another embedder."""
    async with Vault(hash_config) as vault, MemoryLayer("bob", vault=vault) as bob:
        await bob.save(["tea", "cake", "milk"])
    path = user_path(hash_config.data_dir, "bob")
    connection = apsw.Connection(str(path))
    if table == "fresh_chunks":
        connection.execute("CREATE TABLE fresh_chunks AS SELECT * FROM chunks").fetchall()
    cake = "SELECT seq FROM memories WHERE content = 'cake'"
    (version,) = connection.execute(cake).fetchone()
    (orphan,) = connection.execute(
        f"SELECT embedding FROM {table} WHERE row / ? = ?", (CHUNKS_PER_VERSION, version)
    ).fetchone()
    connection.execute("DELETE FROM memories WHERE seq = ?", (version,)).fetchall()
    if table == "fresh_chunks":
        connection.execute("DELETE FROM chunks WHERE row / ? = ?", (CHUNKS_PER_VERSION, version))
    connection.close()
    async with Vault(hash_config) as vault, MemoryLayer("bob", vault=vault) as bob:
        assert len((await bob.recall("tea")).memories) == 2
        (problem,) = (await vault.check()).problems
        assert "repair" in problem.advice
        report = await vault.check(repair=True)
        assert len(report.repaired) == 1
        assert report.problems == ()
        assert len((await bob.recall("tea")).memories) == 2
        assert orphan not in Path(f"{path}-wal").read_bytes()
    assert orphan not in path.read_bytes()


async def test_who_had_a_file_open_that_was_set_aside_writes_to_the_next_one(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    """As another process would: what it acknowledges must not go into the file aside."""
    other = SqliteStore(
        hash_config.data_dir.resolve(),
        durability="process",
        lock_timeout_s=5,
        max_open_files=9,
        readers=1,
    )
    async with Vault(hash_config) as vault, MemoryLayer("bob", vault=vault) as bob:
        await bob.save("One.")
        await other.open()
        await other.write("bob", lambda user: user.preferences.set("a", "b", 1.0, source=None))
        path = user_path(hash_config.data_dir.resolve(), "bob")
        vault.engine.store._pool.drop(path)
        set_aside(hash_config.data_dir.resolve(), path, "tried")
        set_again = lambda user: user.preferences.set("a", "c", 1.0, source=None)  # noqa: E731
        await other.write("bob", set_again, create=True)
        assert [p.value for p in await bob.list_preferences()] == ["c"]
        await other.close()


def test_the_blocking_class_does_the_same(hash_config: MemoryConfig, tmp_path: Path) -> None:
    with VaultSync(hash_config) as vault:
        assert vault.backup(tmp_path / "backup").users == 0
        assert vault.restore(tmp_path / "backup").users == 0
        assert vault.check(repair=True).is_ok
