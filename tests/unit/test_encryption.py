"""Encryption at rest: nothing plain in any file, and no other key opens it."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from memory_vault import (
    ConfigError,
    MemoryConfig,
    MemoryLayer,
    MemoryVaultError,
    NotAVault,
    StorageError,
    Vault,
    WrongKey,
)
from memory_vault.storage.sqlite import files as files_module
from memory_vault.storage.sqlite import keys as keys_module
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.keys import KEY_FILE, salt_path
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio

KEY = "correct horse battery"
OTHER = "another key altogether"
PLAIN = b"SQLite format 3"
SAID = ("xylophone in the cellar", "Zebedee", "zither-session", "marimba", "glockenspiel")


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases cost little here; a test below looks at the real number."""
    monkeypatch.setattr(keys_module, "KDF_ROUNDS", 100)


def _config(folder: Path, key: Any = KEY) -> MemoryConfig:
    return MemoryConfig(
        data_dir=folder, embedder=HashEmbedder(), durability="process", encryption_key=key
    )


async def _fill(vault: Vault, user_id: str = SAID[1]) -> bytes:
    """Save all of SAID; the embedding of one text."""
    async with MemoryLayer(user_id, vault=vault) as memory:
        await memory.save(f"The {SAID[0]}. " * 50, session_id=SAID[2])
        await memory.set_preference(SAID[3], SAID[4])
        assert SAID[0] in (await memory.recall("Where is it?")).prompt_block
        chunks = await vault.engine.store.read(
            user_id, lambda user: user.records.versions_after(0, 1)[0][1].chunks
        )
        return chunks[0].embedding


def _found(folder: Path, *more: bytes) -> set[bytes]:
    """Which of the known texts stand in any file."""
    known = {*(text.encode() for text in SAID), PLAIN, *more}
    held = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {one for one in known if any(one in data for data in held)}


@pytest.mark.parametrize("key", [KEY, os.urandom(32)])
async def test_no_file_holds_plain_text(tmp_path: Path, key: Any) -> None:
    """While it is open, write-ahead logs included, after it was closed, and in a backup."""
    async with Vault(_config(tmp_path / "vault", key)) as vault:
        embedding = await _fill(vault)
        names = {path.suffix for path in (tmp_path / "vault").rglob("*")}
        assert {".db", ".db-wal", ".salt", ".key"} <= names
        assert not _found(tmp_path, embedding)
        await vault.backup(tmp_path / "backup")
        assert not _found(tmp_path, embedding)
    assert not _found(tmp_path, embedding)
    async with Vault(_config(tmp_path / "another", key)) as vault:
        await vault.restore(tmp_path / "backup", encryption_key=key)
        assert not _found(tmp_path, embedding)


async def test_the_scan_would_find_it(tmp_path: Path) -> None:
    """The control: without a key everything is found."""
    async with Vault(_config(tmp_path / "vault", None)) as vault:
        embedding = await _fill(vault)
        known = {*(text.encode() for text in SAID), PLAIN, embedding}
        assert _found(tmp_path, embedding) == known
        await vault.backup(tmp_path / "backup")
    assert _found(tmp_path / "backup", embedding) == known


async def test_staging_files_are_encrypted_too(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    async with Vault(_config(folder)) as vault:
        await _fill(vault)
        async with MemoryLayer(SAID[1], vault=vault) as memory:
            await memory.export(tmp_path / "out")
        seen = []

        def look(*_: int) -> None:
            held = list((folder / "staging").glob("*.db"))
            seen.extend(path.stat().st_size for path in held)
            assert not _found(folder)

        async with MemoryLayer("bob", vault=vault) as memory:
            await memory.import_(tmp_path / "out", progress=look)
        assert seen
    assert SAID[0].encode() in (tmp_path / "out").read_bytes(), "an export is plain"


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("wrong", [None, OTHER, os.urandom(32), KEY + " ", KEY.upper()])
async def test_no_other_key_opens_it(tmp_path: Path, wrong: Any) -> None:
    async with Vault(_config(tmp_path)) as vault:
        await _fill(vault)
    before = _digests(tmp_path)
    with pytest.raises(WrongKey) as refused:
        async with Vault(_config(tmp_path, wrong)):
            pass
    assert KEY not in str(refused.value)
    assert wrong is None or repr(wrong) not in str(refused.value)
    assert _digests(tmp_path) == before
    async with Vault(_config(tmp_path)) as vault:
        await _fill(vault)


async def test_a_plain_vault_is_not_opened_with_a_key(tmp_path: Path) -> None:
    async with Vault(_config(tmp_path, None)) as vault:
        await _fill(vault)
    before = _digests(tmp_path)
    with pytest.raises(WrongKey, match="not encrypted"):
        async with Vault(_config(tmp_path)):
            pass
    assert _digests(tmp_path) == before


@pytest.mark.parametrize("key", [KEY, None])
async def test_a_vault_without_its_key_file_is_told_and_left_alone(
    tmp_path: Path, key: Any
) -> None:
    """A repair above all must not take every file for damaged."""
    async with Vault(_config(tmp_path)) as vault:
        await _fill(vault)
        await vault.backup(tmp_path.parent / f"{tmp_path.name} backup")
    (tmp_path / KEY_FILE).unlink()
    before = _digests(tmp_path)
    with pytest.raises(NotAVault, match=r"vault\.key|damaged"):
        async with Vault(_config(tmp_path, key)):
            pass
    with pytest.raises(NotAVault, match=r"vault\.key"):
        await Vault(_config(tmp_path, key)).check(repair=True)
    assert _digests(tmp_path) == before
    shutil.copy(tmp_path.parent / f"{tmp_path.name} backup" / KEY_FILE, tmp_path)
    async with Vault(_config(tmp_path)) as vault:
        await _fill(vault)


async def test_a_key_comes_from_a_function_in_a_worker_thread(tmp_path: Path) -> None:
    threads = []

    def key() -> bytes:
        threads.append(threading.current_thread())
        return b"k" * 32

    for _ in range(2):
        async with Vault(_config(tmp_path, key)) as vault:
            await _fill(vault)
    assert threads
    assert threading.current_thread() not in threads
    async with Vault(_config(tmp_path, b"k" * 32)) as vault:
        await _fill(vault)


async def test_a_key_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Vault(_config(tmp_path)) as vault:
        await _fill(vault)
    monkeypatch.setenv("MEMORY_VAULT_ENCRYPTION_KEY", KEY)
    config = MemoryConfig(data_dir=tmp_path, embedder=HashEmbedder())
    assert KEY not in repr(config)
    async with Vault(config) as vault:
        assert await _fill(vault)


@pytest.mark.parametrize("bad", ["", "short", "       \t ", b"", b"x" * 31, 5])
async def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        async with Vault(_config(tmp_path / "vault", bad)):
            pass
    assert not bad or str(bad) not in str(refused.value)
    assert not list(tmp_path.rglob("*.db"))


async def test_the_key_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    """In no `repr`, and in no message of what can go wrong."""
    config = _config(tmp_path)
    shown = [repr(config), str(config)]
    async with Vault(config) as vault:
        shown += [repr(vault), repr(vault.engine.store._keys), repr(vault.config)]
        for other in (OTHER, None):
            with pytest.raises(ConfigError, match="encryption_key") as refused:
                async with Vault(replace(config, encryption_key=other)):
                    pass
            shown.append("".join(traceback.format_exception(refused.value)))
        user_path(tmp_path.resolve(), "bob").parent.mkdir(parents=True)
        user_path(tmp_path.resolve(), "bob").write_bytes(b"damaged" * 1000)
        with pytest.raises(StorageError) as broken:
            async with MemoryLayer("bob", vault=vault) as bob:
                await bob.save("Something.")
        shown.append("".join(traceback.format_exception(broken.value)))
    assert not [
        text for text in shown if KEY in text or OTHER in text or KEY.encode().hex() in text
    ]


async def test_without_ciphers_a_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(apsw, "mc_version")
    with pytest.raises(ConfigError, match="apsw-sqlite3mc"):
        async with Vault(_config(tmp_path / "vault")):
            pass
    assert not list(tmp_path.rglob("*.*"))


async def test_a_library_that_ignores_keys_writes_nothing_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header of what was made is looked at: a plain file never gets its name."""
    with monkeypatch.context() as patch:
        patch.setattr(keys_module, "_unlock_with", lambda *_: None)
        with pytest.raises(MemoryVaultError):
            async with Vault(_config(tmp_path / "one")):
                pass
    assert not _found(tmp_path)
    async with Vault(_config(tmp_path / "two")) as vault:
        with monkeypatch.context() as patch:
            patch.setattr(files_module, "unlock", lambda *_: None)
            with pytest.raises(StorageError, match="not encrypted"):
                await _fill(vault)
        assert not _found(tmp_path)
        await _fill(vault)


def test_a_passphrase_takes_many_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert keys_module.KDF_ROUNDS >= 200_000


# another key --------------------------------------------------------------------------------------


async def test_another_key_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for before, after in ((KEY, OTHER), (OTHER, b"b" * 32), (b"b" * 32, KEY)):
        config = _config(tmp_path, before)
        async with Vault(config) as vault:
            await _fill(vault)
            await vault.rekey(after)
            await _fill(vault)
            async with Vault(replace(config, encryption_key=after)) as second:
                await _fill(second)
            with pytest.raises(ConfigError, match="encryption_key"):
                async with Vault(config):
                    pass
        with pytest.raises(WrongKey):
            async with Vault(_config(tmp_path, before)):
                pass
        async with Vault(_config(tmp_path, after)) as vault:
            await _fill(vault)
    assert {path.name for path in tmp_path.glob("*.*")} <= {"catalog.db", KEY_FILE}


async def test_a_vault_object_opens_again_after_it_changed_its_key(tmp_path: Path) -> None:
    vault = Vault(_config(tmp_path))
    async with vault:
        await vault.rekey(OTHER)
    async with vault:
        await _fill(vault)


async def test_a_plain_vault_has_no_key_to_change(tmp_path: Path) -> None:
    async with Vault(_config(tmp_path, None)) as vault:
        with pytest.raises(WrongKey, match="not encrypted"):
            await vault.rekey(OTHER)
    async with Vault(_config(tmp_path / "two")) as vault:
        with pytest.raises(ConfigError):
            await vault.rekey("short")
        await _fill(vault)


@pytest.mark.parametrize(("before", "after"), [(None, KEY), (KEY, None), (KEY, OTHER)])
async def test_a_backup_moves_into_a_vault_with_another_key(
    tmp_path: Path, before: Any, after: Any
) -> None:
    async with Vault(_config(tmp_path / "one", before)) as vault:
        await _fill(vault)
        await vault.backup(tmp_path / "backup")
    async with Vault(_config(tmp_path / "two", after)) as vault:
        if before is not None:
            with pytest.raises(WrongKey):
                await vault.restore(tmp_path / "backup")
        await vault.restore(tmp_path / "backup", encryption_key=before)
        async with MemoryLayer(SAID[1], vault=vault) as memory:
            assert SAID[0] in (await memory.recall("Where is it?")).prompt_block
    assert bool(_found(tmp_path / "two")) == (after is None)


async def test_a_backup_keeps_the_key_it_was_made_under(tmp_path: Path) -> None:
    async with Vault(_config(tmp_path / "vault")) as vault:
        await _fill(vault)
        await vault.backup(tmp_path / "backup")
        await vault.rekey(OTHER)
        with pytest.raises(WrongKey):
            await vault.restore(tmp_path / "backup", overwrite=True)
        await vault.restore(tmp_path / "backup", overwrite=True, encryption_key=KEY)
        await _fill(vault)


# one user's key -----------------------------------------------------------------------------------


async def test_forgetting_a_user_destroys_the_key_of_the_file(tmp_path: Path) -> None:
    """Blocks of the file that were kept elsewhere can never be read again."""
    folder = (tmp_path / "vault").resolve()
    path = user_path(folder, SAID[1])
    async with Vault(_config(folder)) as vault:
        await _fill(vault)
        await _fill(vault, "bob")
    kept = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    async with Vault(_config(folder)) as vault:
        receipt = await vault.forget_user(SAID[1], confirm=True)
        assert receipt.proof["key"] == "destroyed"
        assert not salt_path(path).exists()
        path.write_bytes(kept[path.name])
        with pytest.raises(NotAVault):
            async with MemoryLayer(SAID[1], vault=vault):
                pass
        salt_path(path).write_bytes(kept[salt_path(path).name])
        async with MemoryLayer(SAID[1], vault=vault) as memory:
            assert (await memory.stats()).total == 1, "the control: with the salt it is read"
        await _fill(vault, "bob")


async def test_a_user_who_comes_back_has_another_key(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    salts = set()
    async with Vault(_config(folder)) as vault:
        for _ in range(3):
            await _fill(vault)
            salts.add(salt_path(user_path(folder, SAID[1])).read_bytes())
            await vault.forget_user(SAID[1], confirm=True)
    assert len(salts) == 3


async def test_a_salt_that_cannot_be_read_is_an_error_of_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where no more files may be open."""

    def fail(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    async with Vault(_config(tmp_path)) as vault:
        await _fill(vault)
    async with Vault(_config(tmp_path)) as vault:
        with monkeypatch.context() as patched:
            patched.setattr(keys_module, "read_salt", fail)
            with pytest.raises(StorageError, match="Too many open files"):
                async with MemoryLayer(SAID[1], vault=vault) as memory:
                    await memory.stats()
        async with MemoryLayer(SAID[1], vault=vault) as memory:
            assert (await memory.stats()).total


async def test_files_cannot_be_exchanged(tmp_path: Path) -> None:
    """A file, salt and all, under another user's name is not read as that user's."""
    folder = tmp_path.resolve()
    async with Vault(_config(folder)) as vault:
        await _fill(vault, "alice")
        await _fill(vault, "bob")
    one, other = user_path(folder, "alice"), user_path(folder, "bob")
    shutil.copy(one, other)
    shutil.copy(salt_path(one), salt_path(other))
    async with Vault(_config(folder)) as vault:
        with pytest.raises(NotAVault):
            async with MemoryLayer("bob", vault=vault):
                pass


async def test_damage_of_an_encrypted_file_is_found_and_stays_with_its_user(
    tmp_path: Path,
) -> None:
    """Every page has a tag: one flipped bit is enough."""
    folder = tmp_path.resolve()
    async with Vault(_config(folder)) as vault:
        await _fill(vault, "alice")
        await _fill(vault, "bob")
    path = user_path(folder, "bob")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    async with Vault(_config(folder)) as vault:
        assert len((await vault.check()).problems) == 1
        assert len((await vault.check(repair=True)).repaired) == 1
        assert not salt_path(path).exists()
        await _fill(vault, "alice")
        await _fill(vault, "bob")
        assert (await vault.check()).problems == ()
