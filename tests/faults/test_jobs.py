"""Jobs and processes: never run by two, resumed after a kill at any step."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.faults.children import child

from memory_vault import MemoryConfig, Vault
from memory_vault.jobs.kinds import KINDS
from memory_vault.jobs.work import Work
from memory_vault.models import Job
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.faulty_disk import EXIT_CODE

pytestmark = pytest.mark.anyio
USERS, EACH = ("alice", "bob"), 6
WITHIN_S = 60

_COUNTING = """
from dataclasses import replace
from memory_vault.jobs.kinds import KINDS

async def count(work):
    say("begin", work.job.id)
    await anyio.sleep(0.002)
    say("end", work.job.id)

KINDS["test"] = count
config = replace(config, job_lease_s=30, jobs_at_once=2)

async def main():
    async with Vault(config) as vault:
        say("open")
        for user_id in ("alice", "bob"):
            for number in range(6):
                vault.engine.runner.wake(user_id)
                while True:
                    jobs = await vault.engine.store.read(user_id, lambda user: user.jobs.counts())
                    if not jobs[0]:
                        break
                    await anyio.sleep(0.01)

anyio.run(main, backend=backend)
"""


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder(), job_retry_s=0)


async def add(vault: Vault, user_id: str, number: int) -> Job:
    return await vault.engine.store.write(
        user_id, lambda user: user.jobs.add("test", {"number": number}), create=True
    )


async def test_two_processes_never_run_one_job(config: MemoryConfig, anyio_backend: str) -> None:
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        jobs = [await add(vault, user_id, n) for user_id in USERS for n in range(EACH)]
    said: list[str] = []
    with (
        child(_COUNTING, config.data_dir, anyio_backend) as one,
        child(_COUNTING, config.data_dir, anyio_backend) as two,
    ):
        said += [line for each in (one, two) for line in each.finish()]
    assert sorted(said) == sorted(
        ["open"] * 2 + [f"{what} {job.id}" for job in jobs for what in ("begin", "end")]
    )


_STEPS = """
import itertools, os
from dataclasses import replace
from memory_vault.jobs.kinds import KINDS
from memory_vault.testing.faulty_disk import FaultyDisk

async def steps(work):
    for number in range(3):
        key = f"step {number}"
        await work.write(lambda user: user.preferences.set(key, "done", 1.0, source=None))
        work.progress(number + 1, 3)
    return {"steps": 3}

KINDS["test"] = steps
config = replace(config, job_lease_s=0.05, job_retry_s=0, preload=False)

async def main():
    async with Vault(config) as vault:
        add = lambda user: user.jobs.add("test")
        job = await vault.engine.store.write("alice", add, create=True)
        await vault.engine.runner.wait("alice", job.id)
    os._exit(0)

with FaultyDisk(config.data_dir, "exit", int(rest[0])):
    anyio.run(main, backend=backend)
"""


async def test_killed_at_any_write_it_is_resumed_with_the_same_end(
    config: MemoryConfig, anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps(work: Work) -> dict[str, int]:
        for number in range(3):
            key = f"step {number}"
            await work.write(
                lambda user, key=key: user.preferences.set(key, "done", 1.0, source=None)
            )
            work.progress(number + 1, 3)
        return {"steps": 3}

    monkeypatch.setitem(KINDS, "test", steps)
    settings = replace(config, job_lease_s=0.05, preload=False)
    points = 0
    for at in range(7, 1_000, 31 if anyio_backend == "asyncio" else 37):
        folder = config.data_dir.parent / str(at)
        with child(_STEPS, folder, anyio_backend, str(at)) as one:
            _, complaints = await anyio.to_thread.run_sync(one.process.communicate)
        assert one.process.returncode in (0, EXIT_CODE), complaints
        if one.process.returncode == 0:
            break
        points += 1
        async with Vault(replace(settings, data_dir=folder)) as vault:
            job = await add_if_lost(vault)
            with anyio.fail_after(WITHIN_S):
                found = await vault.engine.runner.wait("alice", job.id)
            assert (found.state, found.result, found.done) == ("done", {"steps": 3}, 3)
            kept = await vault.engine.store.read(
                "alice", lambda user: user.preferences.list(include_history=True)
            )
            assert [one.key for one in kept] == ["step 0", "step 1", "step 2"]
            assert (await vault.check()).problems == ()
    assert points > 3


async def add_if_lost(vault: Vault) -> Job:
    """The job that the killed process noted, or one of ours if it was killed before."""
    page = await vault.engine.runner.page("alice", state=None, size=2, after=None)
    assert len(page.items) <= 1
    if page.items:
        return page.items[0]
    return await vault.engine.store.write("alice", lambda user: user.jobs.add("test"), create=True)


async def test_a_process_that_is_killed_leaves_its_job_to_another(
    config: MemoryConfig, anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
from memory_vault.jobs.kinds import KINDS

async def endless(work):
    say("begun")
    await anyio.sleep_forever()

KINDS["test"] = endless

async def main():
    async with Vault(config) as vault:
        await vault.engine.store.write("alice", lambda user: user.jobs.add("test"), create=True)
        await anyio.sleep_forever()

anyio.run(main, backend=backend)
"""

    async def finish(work: Work) -> dict[str, int]:
        return {"attempt": work.job.attempts, "process": os.getpid()}

    monkeypatch.setitem(KINDS, "test", finish)
    async with Vault(replace(config, job_lease_s=0.2)) as vault:
        with child(source, config.data_dir, anyio_backend) as one:
            assert one.hear() == "begun"
            (job,) = (
                await vault.engine.runner.page("alice", state="running", size=9, after=None)
            ).items
            one.kill()
        with anyio.fail_after(WITHIN_S):
            found = await vault.engine.runner.wait("alice", job.id)
        assert found.result == {"attempt": 2, "process": os.getpid()}
