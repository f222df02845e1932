"""Real servers: several processes on one folder, a kill, a graceful stop, hypercorn on trio."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.extras.served import processes

from memory_vault import BackendUnavailable, MemoryConfig, MemoryLayer, RemoteVault, Vault
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("make", [processes.uvicorn, processes.hypercorn])
async def test_a_real_server_serves(make: Any, tmp_path: Path) -> None:
    port = processes.free_port()
    with processes.server(make(port), tmp_path / "vault", port):
        async with RemoteVault(f"http://127.0.0.1:{port}") as vault:
            async with MemoryLayer("ada/é", vault=vault) as memory:
                saved = (await memory.save("tea", session_id="s")).saved[0]
                assert await memory.get(saved.id) == saved
                assert "tea" in (await memory.recall("tea")).prompt_block
                report = await memory.export(tmp_path / "file")
                assert report.memories == 1
            async with MemoryLayer("bob", vault=vault) as other:
                assert (await other.import_(tmp_path / "file")).memories == 1


async def test_workers_share_a_folder_and_a_killed_one_loses_nothing(tmp_path: Path) -> None:
    port = processes.free_port()
    kept: list[str] = []
    stop = anyio.Event()

    async def write(vault: RemoteVault, user: int) -> None:
        async with MemoryLayer(f"user {user}", vault=vault) as memory:
            number = 0
            while not stop.is_set():
                number += 1
                text = f"note {user} {number}"
                try:
                    await memory.save(text, idempotency_key=text)
                except BackendUnavailable:
                    continue  # the worker went; what was not acknowledged is not counted
                kept.append(text)

    limits = {"rate_per_user": "0", "rate_per_key": "0"}
    command = processes.uvicorn(port, workers=2)
    with processes.server(command, tmp_path / "vault", port, **limits) as pid:
        async with RemoteVault(f"http://127.0.0.1:{port}") as vault:
            async with anyio.create_task_group() as tasks:
                for user in range(4):
                    tasks.start_soon(write, vault, user)
                await anyio.sleep(1)
                first, *_ = processes.children(pid)
                before = len(kept)
                os.kill(first, signal.SIGKILL)
                end = time.monotonic() + 60
                while first in processes.children(pid) or len(processes.children(pid)) < 2:
                    assert time.monotonic() < end, "nobody took the place of the killed worker"
                    await anyio.sleep(0.1)
                await anyio.sleep(1)
                stop.set()
    assert len(kept) > before > 0
    config = MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder())
    found: set[str] = set()
    async with Vault(config) as own:
        for user in range(4):
            async with MemoryLayer(f"user {user}", vault=own) as memory:
                page = await memory.list_memories(page_size=1_000)
                while True:
                    found |= {one.content for one in page.items}
                    if page.next_cursor is None:
                        break
                    page = await memory.list_memories(page_size=1_000, cursor=page.next_cursor)
    assert set(kept) <= found


async def test_what_is_under_way_ends_before_the_server_does(tmp_path: Path) -> None:
    port = processes.free_port()
    done: list[int] = []

    async def save(vault: RemoteVault, number: int) -> None:
        async with MemoryLayer(f"user {number}", vault=vault) as memory:
            await memory.save([f"{number} {i} " + "word " * 200 for i in range(400)])
            done.append(number)

    with processes.server(processes.uvicorn(port), tmp_path / "vault", port) as pid:
        async with RemoteVault(f"http://127.0.0.1:{port}") as vault:
            async with MemoryLayer("ada", vault=vault) as memory:
                await memory.stats()
            async with anyio.create_task_group() as tasks:
                for number in range(3):
                    tasks.start_soon(save, vault, number)
                await anyio.sleep(0.5)
                assert not done
                os.kill(pid, signal.SIGTERM)
    assert sorted(done) == [0, 1, 2]
