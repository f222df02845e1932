"""Changing the embedder under kills, beside other processes, cancelled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.faults.children import child
from tests.faults.test_cancel import MANY, Way, main_ways

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.pipelines import switch
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
OLD, NEW = HashEmbedder(), HashEmbedder(128, window=16)
WITHIN_S = 60


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=OLD, job_retry_s=0)


async def fill(vault: Vault, user_id: str, count: int) -> None:
    async with MemoryLayer(user_id, vault=vault) as memory:
        await memory.save(
            [
                {"role": "user", "content": f"The ship number {n} of {user_id}."}
                for n in range(count)
            ]
        )


@pytest.mark.skipif(os.name == "nt", reason="it forks")
@pytest.mark.parametrize(("backend", "step"), [("asyncio", "29"), ("trio", "31")])
def test_killed_anywhere_it_goes_on_to_the_same_end(backend: str, step: str) -> None:
    """In a process of its own, since it forks."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.crash.moves", backend, step],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    figures = json.loads(done.stdout)
    assert figures["violations"] == []
    assert figures["points"] >= 3


_ASKING = """
from memory_vault import EmbedderMismatch

async def main():
    async with MemoryLayer("alice", config=config) as memory:
        say("open")
        while True:
            try:
                say(len((await memory.recall("the ship", top_k=5)).memories))
            except EmbedderMismatch as error:
                say("mismatch", "switch" in str(error))
                break
        try:
            await memory.save("My dog is called Rex.")
        except EmbedderMismatch:
            say("refused")
        say((await memory.stats()).total)

anyio.run(main, backend=backend)
"""


async def test_who_does_not_have_it_is_told_and_never_gets_an_empty_answer(
    config: MemoryConfig, anyio_backend: str
) -> None:
    async with Vault(config) as vault:
        await fill(vault, "alice", 30)
        with child(_ASKING, config.data_dir, anyio_backend) as one:
            assert one.hear() == "open"
            assert one.hear() == "5"
            await vault.switch_embedder(NEW, wait=True)
            *answers, last, refused, total = await anyio.to_thread.run_sync(one.finish)
    assert set(answers) <= {"5"}
    assert (last, refused, total) == ("mismatch True", "refused", "30")


_FOLLOWING = """
from dataclasses import replace

async def main():
    settings = replace(config, embedder="minilm-float32")
    async with MemoryLayer("alice", config=settings) as memory:
        say(len((await memory.recall("the ship", top_k=5)).memories))
        heed()
        say(len((await memory.recall("the ship", top_k=5)).memories))
        await memory.save("My dog is called Rex.")
        async with MemoryLayer("new", vault=memory._vault) as other:
            await other.save("My cat is called Tom.")
            say("int8" in (await other.stats()).embedder)
        say("int8" in (await memory.stats()).embedder)

anyio.run(main, backend=backend)
"""


async def test_another_process_follows_where_the_embedder_has_a_name(
    model_config: MemoryConfig, anyio_backend: str
) -> None:
    async with Vault(replace(model_config, embedder="minilm-float32")) as vault:
        await fill(vault, "alice", 8)
        with child(_FOLLOWING, model_config.data_dir, anyio_backend) as one:
            assert one.hear() == "5"
            job = await vault.switch_embedder("minilm-int8", wait=True)
            assert job.state == "done", job.error
            one.tell()
            assert await anyio.to_thread.run_sync(one.finish) == ["5", "True", "True"]


_SWITCHING = """
async def main():
    async with Vault(config) as vault:
        say("open")
        heed()
        job = await vault.switch_embedder(HashEmbedder(128, window=16), wait=True)
        say(job.id, job.state)

anyio.run(main, backend=backend)
"""


async def test_two_processes_switch_at_once(config: MemoryConfig, anyio_backend: str) -> None:
    users = [f"user {n}" for n in range(6)]
    async with Vault(config) as vault:
        for user_id in users:
            await fill(vault, user_id, 5)
    with (
        child(_SWITCHING, config.data_dir, anyio_backend) as one,
        child(_SWITCHING, config.data_dir, anyio_backend) as two,
    ):
        for each in (one, two):
            assert each.hear() == "open"
        for each in (one, two):
            each.tell()
        said = [each.finish() for each in (one, two)]
    assert [line.split()[1] for lines in said for line in lines] == ["done", "done"]
    async with Vault(replace(config, embedder=NEW)) as vault:
        for user_id in users:
            async with MemoryLayer(user_id, vault=vault) as memory:
                stats = await memory.stats()
                assert (stats.embedder, stats.chunks) == (str(NEW.fingerprint), 5)
                assert len((await memory.recall("the ship")).memories) == 5
        assert (await vault.check()).problems == ()


async def test_recall_never_fails_beside_a_switch(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the process that switches, back and forth, with saves all the while."""
    monkeypatch.setattr(switch, "_VERSIONS", 3)
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        await fill(vault, "alice", 20)
        is_over = False
        saved = 0

        async def ask() -> None:
            while not is_over:
                assert len((await memory.recall("the ship", top_k=5)).memories) == 5

        async def save() -> None:
            nonlocal saved
            while not is_over:
                await memory.save(f"A note, number {saved}.")
                saved += 1

        with anyio.fail_after(WITHIN_S):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                tasks.start_soon(save)
                for embedder in (NEW, OLD, NEW):
                    job = await vault.switch_embedder(embedder, wait=True)
                    assert job.state == "done", job.error
                is_over = True
        stats = await memory.stats()
        assert (stats.embedder, stats.total) == (str(NEW.fingerprint), 20 + saved)
        assert stats.chunks == stats.total
        assert (await vault.check()).problems == ()


@main_ways
async def test_a_cancelled_call_has_noted_the_job_or_not(
    anyio_backend: str, way: Way, config: MemoryConfig
) -> None:
    settings = replace(config, jobs_at_once=0, durability="process")
    outcomes = set()
    for n in range(1, MANY):
        folder = config.data_dir.parent / str(n)
        async with Vault(replace(settings, data_dir=folder)) as vault:
            with anyio.fail_after(WITHIN_S):
                was_cancelled = await way(lambda v=vault: v.switch_embedder(NEW), n)
                while vault.engine.store._pool.taken:
                    await anyio.sleep(0.001)
            jobs = (await vault.list_jobs()).items
            assert len(jobs) <= 1
            outcomes.add(len(jobs))
            await fill(vault, "alice", 1)  # with the one or the other
            if jobs:
                with anyio.fail_after(WITHIN_S):
                    was_cancelled_too = await way(lambda v=vault, j=jobs[0]: v.cancel_job(j.id), n)
                    state = (await vault.get_job(jobs[0].id)).state
                assert state == "cancelled" or (was_cancelled_too and state == "waiting")
        if not was_cancelled:
            assert jobs
            return
    pytest.fail("the call never ended")
