"""Compression under kills and cancellation, and with two processes at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.faults.children import child
from tests.faults.test_cancel import SCOPES, WAYS, Way, by_scope, by_task_cancel

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.faulty_disk import EXIT_CODE

pytestmark = pytest.mark.anyio
WITHIN_S = 60
SESSIONS = 3
MANY = 200
TALK = """
def talk(session):
    return [
        f"In week {session} I paid {number * 7 + session} euros for number {number} in Lisbon. "
        "It was nice there. They serve good coffee. Then we went home by train."
        for number in range(6)
    ]

async def fill(memory):
    for session in range(3):
        messages = [{"role": "user", "content": one} for one in talk(session)]
        await memory.save(messages, session_id=f"s{session}")
"""
_named: dict[str, Callable[..., Awaitable[None]]] = {}
exec(TALK, _named)  # the children run the same
fill = _named["fill"]


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(
        data_dir=tmp_path / "vault",
        embedder=HashEmbedder(),
        durability="process",
        preload=False,
        job_retry_s=0,
        job_lease_s=0.1,
    )


async def finished(memory: MemoryLayer) -> None:
    """Have everything compressed, whatever is left to do, and check that it is whole."""
    with anyio.fail_after(WITHIN_S):
        while jobs := (await memory.list_jobs(state="running")).items:
            await memory._vault.engine.runner.wait(memory.user_id, jobs[0].id)
        job = await memory.compress(wait=True, force=True)
    assert job.state == "done", job.error


async def state(memory: MemoryLayer) -> list[tuple[object, ...]]:
    """What the vault holds, without ids and times; each session is whole or as it was."""
    found = (await memory.list_memories(include_compressed=True, page_size=1000)).items
    ids = {one.id: one.content for one in found}
    for session in {one.session_id for one in found}:
        here = [one for one in found if one.session_id == session]
        has_summary = any(one.role == "summary" for one in here)
        assert all(one.compressed == has_summary for one in here if one.role != "summary")
    return sorted(
        (one.session_id, one.role, one.content, one.compressed, [ids[i] for i in one.derived_from])
        for one in found
    )


async def expected(config: MemoryConfig) -> list[tuple[object, ...]]:
    folder = config.data_dir.parent / "expected"
    async with MemoryLayer("alice", config=replace(config, data_dir=folder)) as memory:
        await fill(memory)
        await finished(memory)
        found = await state(memory)
    assert sum(one[1] == "summary" for one in found) == SESSIONS
    return found


_KILLED = (
    TALK
    + """
import os
from dataclasses import replace
from memory_vault.testing.faulty_disk import FaultyDisk
config = replace(config, durability="process", preload=False, job_retry_s=0, job_lease_s=0.1)

async def main():
    async with MemoryLayer("alice", config=config) as memory:
        await memory.compress(wait=True, force=True)
    os._exit(0)

with FaultyDisk(config.data_dir, "exit", int(rest[0])):
    anyio.run(main, backend=backend)
"""
)


async def test_killed_at_any_write_it_is_resumed_with_the_same_end(
    config: MemoryConfig, anyio_backend: str
) -> None:
    wanted = await expected(config)
    points = 0
    for at in range(1, 1_000, 17 if anyio_backend == "asyncio" else 19):
        settings = replace(config, data_dir=config.data_dir.parent / str(at))
        async with MemoryLayer("alice", config=settings) as memory:
            await fill(memory)
        with child(_KILLED, settings.data_dir, anyio_backend, str(at)) as one:
            _, complaints = await anyio.to_thread.run_sync(one.process.communicate)
        assert one.process.returncode in (0, EXIT_CODE), complaints
        if one.process.returncode == 0:
            break
        points += 1
        async with MemoryLayer("alice", config=settings) as memory:
            await state(memory)
            await finished(memory)
            assert await state(memory) == wanted
            assert (await memory._vault.check()).problems == ()
    assert points > 3


_BESIDE = (
    TALK
    + """
from dataclasses import replace
config = replace(config, durability="process", preload=False, job_retry_s=0)

async def main():
    async with MemoryLayer("alice", config=config) as memory:
        say("open")
        heed()
        for _ in range(3):
            await memory.compress(wait=True, force=True)

anyio.run(main, backend=backend)
"""
)


async def test_two_processes_make_one_summary_a_session(
    config: MemoryConfig, anyio_backend: str
) -> None:
    wanted = await expected(config)
    settings = replace(config, job_lease_s=15)
    async with MemoryLayer("alice", config=settings) as memory:
        await fill(memory)
        with child(_BESIDE, config.data_dir, anyio_backend) as other:
            assert await anyio.to_thread.run_sync(other.hear) == "open"
            other.tell()
            for _ in range(3):
                with anyio.fail_after(WITHIN_S):
                    await memory.compress(wait=True, force=True)
            await anyio.to_thread.run_sync(other.finish)
        await finished(memory)
        assert await state(memory) == wanted
        assert (await memory.stats()).versions == SESSIONS * 6


@pytest.mark.parametrize(("anyio_backend", "way"), [*SCOPES, WAYS[2]])
async def test_a_caller_who_leaves_harms_nothing(
    anyio_backend: str, way: Way, config: MemoryConfig
) -> None:
    """Cancelled at each of its points; the job, once noted, goes on without its caller."""
    assert way in (by_scope, by_task_cancel)
    wanted = await expected(config)
    async with Vault(replace(config, job_lease_s=15)) as vault:
        for n in range(1, MANY):
            async with MemoryLayer(f"user {n}", vault=vault) as memory:
                await fill(memory)
                with anyio.fail_after(WITHIN_S):
                    was_cancelled = await way(lambda m=memory: m.compress(wait=True, force=True), n)
                await state(memory)
                await finished(memory)
                assert await state(memory) == wanted
            if not was_cancelled:
                return
    pytest.fail("the call never ended")
