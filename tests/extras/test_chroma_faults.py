"""What ends, stops or spoils ChromaDB loses nothing: recall goes on, and the index comes back."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.extras.chroma_server import ChromaServer
from tests.unit.test_outer_index import (
    ada,
    always_asked,
    caught_up,
    fill,
    held,
    outer,
    stored_chunks,
)

from memory_vault import MemoryConfig, StorageBusy, Vault

if importlib.util.find_spec("chromadb") is None:
    pytest.skip("chromadb is missing", allow_module_level=True)

pytestmark = pytest.mark.anyio
_ = always_asked  # every test here is with it


@pytest.fixture
def config(hash_config: MemoryConfig) -> MemoryConfig:
    return replace(hash_config, index="chroma", durability="process")


# one process alone --------------------------------------------------------------------------------

HOLD = """
import anyio, sys
from memory_vault import MemoryConfig, Vault
from memory_vault.testing.embedders import HashEmbedder

async def main():
    config = MemoryConfig(data_dir=sys.argv[1], embedder=HashEmbedder(), index="chroma")
    async with Vault(config) as vault:
        while not vault.engine.outer.feed.owner.is_held:
            await anyio.sleep(0.01)
        print("open", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


async def test_a_second_process_is_told_who_has_it(config: MemoryConfig) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(config.data_dir)], stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout is not None
            assert await anyio.to_thread.run_sync(child.stdout.readline) == b"open\n"
            with pytest.raises(StorageBusy, match=f"process {child.pid} on .* since 20"):
                await Vault(config).open()
        finally:
            child.kill()
    async with Vault(config) as vault, ada(vault) as memory:  # the lock went with its process
        await fill(memory, 8)
        await caught_up(vault)


# killed while it keeps up -------------------------------------------------------------------------

DIE = """
import anyio, json, os, signal, sys
from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.storage.chroma.embedded import EmbeddedChroma
from memory_vault.testing.embedders import HashEmbedder

folder, name, moment, at = sys.argv[1:]
method, calls = getattr(EmbeddedChroma, name), 0

def dying(self, *args):
    global calls
    mine = calls = calls + 1
    if mine == int(at) and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    method(self, *args)
    if mine == int(at) and moment == "after":
        os.kill(os.getpid(), signal.SIGKILL)

setattr(EmbeddedChroma, name, dying)

async def main():
    config = MemoryConfig(
        data_dir=folder, embedder=HashEmbedder(), index="chroma", durability="process"
    )
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        for i in range(100):
            saved = await memory.save([f"Round {i}, note {j}, {i * j}." for j in range(10)])
            print(json.dumps({"saved": [one.id for one in saved.saved]}), flush=True)
            gone = saved.saved[i % 10].id
            print(json.dumps({"forgets": gone}), flush=True)
            await memory.forget(gone, proof="proven" if i % 3 == 2 else "quick")
            await anyio.sleep(0.1)

anyio.run(main)
"""
POINTS = [
    ("begin", "after", 1),
    ("put", "before", 2),
    ("put", "after", 2),
    ("delete", "before", 1),
    ("set_mark", "before", 3),
    ("drop", "after", 2),
]


@pytest.mark.parametrize(("name", "moment", "at"), POINTS)
def test_killed_while_it_keeps_up_it_goes_on(
    config: MemoryConfig, name: str, moment: str, at: int
) -> None:
    command = [sys.executable, "-c", DIE, str(config.data_dir), name, moment, str(at)]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2_000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    saved = {one for each in told for one in each.get("saved", ())}
    forgets = {each["forgets"] for each in told if "forgets" in each}

    async def reopened() -> None:
        async with Vault(config) as vault, ada(vault) as memory:
            await caught_up(vault)
            assert await held(vault) == await stored_chunks(vault)
            there = {one.id for one in (await memory.list_memories(page_size=1_000)).items}
            assert saved - forgets <= there
            assert not (await vault.check()).problems

    anyio.run(reopened)


# spoiled ------------------------------------------------------------------------------------------


def spoil(folder: Path, what: str) -> None:
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert files
    if what == "deleted":
        shutil.rmtree(folder)
    elif what == "emptied":
        for one in files:
            os.truncate(one, 0)
    elif what == "vectors gone":
        for one in files:
            if one.suffix == ".bin":
                one.unlink()
    else:
        for one in files:
            one.write_bytes(os.urandom(one.stat().st_size))


@pytest.mark.parametrize("what", ["deleted", "emptied", "garbage", "vectors gone"])
async def test_a_spoiled_folder_is_built_anew(config: MemoryConfig, what: str) -> None:
    async with Vault(config) as vault, ada(vault) as memory:
        await fill(memory, 40)
        await caught_up(vault)
    spoil(config.data_dir / "chroma", what)
    question = "Note 8: roses and rivers, 64 times."
    async with Vault(config) as vault, ada(vault) as memory:
        for _ in range(6):
            found = await memory.recall(question, top_k=3)
            assert found.memories[0].memory.content == question
        await memory.save("Something new.")
        await caught_up(vault)
        await vault.check(repair=True)
        assert await held(vault) == await stored_chunks(vault)
        assert not (await vault.check()).problems


async def test_a_folder_that_goes_while_it_is_open_is_built_anew(config: MemoryConfig) -> None:
    async with Vault(config) as vault, ada(vault) as memory:
        await fill(memory, 40)
        await caught_up(vault)
        await memory.recall("owls")
        shutil.rmtree(config.data_dir / "chroma")
        await memory.save("The lighthouse keeper collects violins.")
        for _ in range(3):
            found = await memory.recall("Who collects violins?", top_k=3)
            assert found.memories[0].memory.content == "The lighthouse keeper collects violins."
        await vault.reindex()
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        assert any((config.data_dir / "chroma").rglob("chroma.sqlite3"))


async def test_a_part_of_nobody_goes_at_the_next_open(config: MemoryConfig) -> None:
    async with Vault(config) as vault, ada(vault) as memory:
        await fill(memory, 8)
        await caught_up(vault)
        part = outer(vault)._index._path(outer(vault).feed.part("ada"))
        stray = outer(vault).feed.prefix() + 40 * "f"
        folder = config.data_dir / "chroma"
    shutil.copytree(part, folder / "ff" / stray)
    shutil.copytree(part, part.with_name(f"{part.name}-gone"))
    async with Vault(config) as vault:
        with anyio.fail_after(10):
            while list(folder.glob("??/*")) != [part]:
                await anyio.sleep(0.02)


async def test_nothing_is_left_after_a_proven_forget(config: MemoryConfig) -> None:
    async with Vault(config) as vault, ada(vault) as memory:
        ids = await fill(memory, 40)
        await caught_up(vault)
        row = await _embedding(vault, ids[7])
        files = [one for one in (config.data_dir / "chroma").rglob("*") if one.is_file()]
        assert any(row[:64] in one.read_bytes() for one in files)
        receipt = await memory.forget(ids[7], proof="proven")
        assert (receipt.state, receipt.proof["found"]) == ("done", "0")
        await caught_up(vault)
        files = [one for one in (config.data_dir / "chroma").rglob("*") if one.is_file()]
        assert files
        assert not any(row[:64] in one.read_bytes() for one in files)


async def _embedding(vault: Vault, memory_id: str) -> bytes:
    def look(user: Any) -> bytes:
        (chunk,) = user.memories.chunks(
            int(
                user._db.execute("SELECT seq FROM memories WHERE id = ?", (memory_id,)).fetchone()[
                    0
                ]
            )
        )
        return bytes(chunk.embedding)

    return await vault.engine.store.read("ada", look)


# a server that stops ------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChromaServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    with ChromaServer(folder) as server:
        yield server


async def test_a_server_that_stops_and_comes_back(
    config: MemoryConfig, server: ChromaServer, tmp_path: Path
) -> None:
    config = replace(config, index=f"chroma:{server.url}")
    async with Vault(config) as vault, ada(vault) as memory:
        ids = await fill(memory, 20)
        await caught_up(vault)
        await anyio.to_thread.run_sync(server.stop)
        await memory.save("The lighthouse keeper collects violins.")
        for _ in range(2):
            found = await memory.recall("Who collects violins?", top_k=3)
            assert found.memories[0].memory.content == "The lighthouse keeper collects violins."
        receipt = await memory.forget(ids[1], proof="proven")
        assert receipt.state == "pending"
        assert "ChromaDB server" in receipt.proof["not scanned"]
        assert "cannot be reached" in (await vault.health()).index
        await anyio.to_thread.run_sync(server.start)
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        await anyio.to_thread.run_sync(server.stop)
        shutil.rmtree(tmp_path / "server")
        (tmp_path / "server").mkdir()
        await anyio.to_thread.run_sync(server.start)
        await memory.save("Something new.")
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)


async def test_two_processes_share_a_server(config: MemoryConfig, server: ChromaServer) -> None:
    """Whoever came first keeps the index up; what the other one writes is taken in too."""
    config = replace(config, index=f"chroma:{server.url}")
    command = HOLD.replace('index="chroma"', f'index="chroma:{server.url}"')
    with subprocess.Popen(
        [sys.executable, "-c", command, str(config.data_dir)], stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout is not None
            assert await anyio.to_thread.run_sync(child.stdout.readline) == b"open\n"
            async with Vault(config) as vault, ada(vault) as memory:
                ids = await fill(memory, 20)
                await caught_up(vault)
                assert not outer(vault).feed.owner.is_held
                assert (await memory.forget(ids[0])).state == "done"
                child.kill()
                await anyio.to_thread.run_sync(child.wait)
                await memory.save("Something new.")
                await caught_up(vault)
                assert outer(vault).feed.owner.is_held
                assert await held(vault) == await stored_chunks(vault)
        finally:
            child.kill()
