"""A full disk: a typed error, nothing lost, and work goes on once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from tests.faults.children import child

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.errors import StorageError, StorageFull, StorageReadOnly
from memory_vault.storage.sqlite import connection as connections

pytestmark = pytest.mark.anyio

LONG = "The harbour was quiet that night, and the ships lay still. " * 40


async def _fill(memory: MemoryLayer, error: type[Exception]) -> list[str]:
    """Save until it fails; the ids that were acknowledged."""
    acknowledged = []
    for number in range(2000):
        try:
            result = await memory.save(f"Entry {number}. {LONG}")
        except error:
            return acknowledged
        acknowledged += [m.id for m in result.saved]
    pytest.fail("it never failed")


async def _ids(memory: MemoryLayer) -> list[str]:
    found, cursor = list[str](), None
    while True:
        page = await memory.list_memories(page_size=1000, cursor=cursor)
        found += [m.id for m in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_when_no_page_is_left(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself says "full" when a file may grow no further."""
    configure = connections.configure

    def bounded(connection: apsw.Connection, durability: str) -> None:
        configure(connection, durability)
        connection.execute("PRAGMA max_page_count=60").fetchall()

    monkeypatch.setattr(connections, "configure", bounded)
    config = replace(hash_config, durability="process")
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        acknowledged = await _fill(memory, StorageFull)
        assert acknowledged
        assert await _ids(memory) == acknowledged
        with pytest.raises(StorageFull):
            await memory.save([{"role": "user", "content": f"{i} {LONG}"} for i in range(20)])
        assert await _ids(memory) == acknowledged
        assert (await memory.recall("Was the harbour quiet?")).memories
        assert (await memory.forget(acknowledged[0])).removed["memories"] == 1
    monkeypatch.undo()
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert await _ids(memory) == acknowledged[1:]
        assert (await memory.save("There is room again.")).saved
        assert (await vault.check()).problems == ()


LIMITED = """\
import resource, signal
from memory_vault.errors import StorageError

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        for number in range(2000):
            try:
                result = await memory.save(f"Entry {number}. {rest[0]}")
            except StorageError as error:
                say("failed", type(error).__name__)
                break
            say("saved", *(m.id for m in result.saved))
        assert (await memory.recall("Was the harbour quiet?")).memories
        say("listed", *(m.id for m in (await memory.list_memories(page_size=1000)).items))

anyio.run(main, backend=backend)
"""


@pytest.mark.skipif(os.name == "nt", reason="no RLIMIT_FSIZE")
async def test_when_a_write_is_refused(anyio_backend: str, hash_config: MemoryConfig) -> None:
    """A write call that fails in its middle, with a real file."""
    with child(LIMITED, hash_config.data_dir, anyio_backend, LONG) as writer:
        said = [line.split() for line in writer.finish()]
    acknowledged = [line[1] for line in said if line[0] == "saved"]
    assert [line for line in said if line[0] == "failed"]
    assert said[-1] == ["listed", *acknowledged]
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert await _ids(memory) == acknowledged
        assert (await memory.save("There is room again.")).saved
        assert (await vault.check()).problems == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("small_disk: only root may mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("small_disk: a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def _read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


async def test_when_the_disk_is_full(small_disk: Path, hash_config: MemoryConfig) -> None:
    """Reading goes on, new users are refused, and all is well when something else has gone."""
    config = replace(hash_config, data_dir=small_disk / "vault")
    (small_disk / "ballast").write_bytes(b"\0" * 600_000)
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        acknowledged = await _fill(memory, StorageFull)
        assert acknowledged
        assert await _ids(memory) == acknowledged
        with pytest.raises(StorageError):
            for number in range(100):
                async with MemoryLayer(f"new {number}", vault=vault) as other:
                    await other.save(LONG)
        assert (await memory.recall("Was the harbour quiet?")).memories
        (small_disk / "ballast").unlink()
        assert (await memory.save("There is room again.")).saved
        async with MemoryLayer("new 99", vault=vault) as other:
            assert (await other.save("There is room again.")).saved
        assert (await vault.check()).problems == ()
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert (await _ids(memory))[:-1] == acknowledged
        assert not list(small_disk.rglob("*.new"))


async def test_when_the_disk_is_read_only(small_disk: Path, hash_config: MemoryConfig) -> None:
    """Saving says so, and what is there stays as it is."""
    config = replace(hash_config, data_dir=small_disk / "vault")
    async with MemoryLayer("alice", config=config) as memory:
        (saved,) = (await memory.save("The ferry leaves at nine.")).saved
    with _read_only(small_disk), pytest.raises(StorageReadOnly):
        async with MemoryLayer("alice", config=config) as memory:
            await memory.save("I moved to Porto.")
    async with MemoryLayer("alice", config=config) as memory:
        assert await _ids(memory) == [saved.id]
