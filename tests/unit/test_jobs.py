"""Background jobs: run once, in turn, again after failures and kills, seen by whoever asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import apsw
import numpy as np
import pytest
from anyio import to_thread
from numpy.typing import NDArray

from memory_vault import (
    InvalidInput,
    Job,
    MemoryConfig,
    MemoryLayer,
    NotFound,
    StorageFull,
    Vault,
)
from memory_vault.jobs import runner
from memory_vault.jobs.kinds import KINDS, Kind
from memory_vault.jobs.work import Work
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.hints import Hints
from memory_vault.storage.sqlite.jobs import Jobs
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
WITHIN_S = 10


@pytest.fixture
def config(hash_config: MemoryConfig) -> MemoryConfig:
    return replace(hash_config, job_retry_s=0, job_lease_s=5)


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Kind], None]:
    """Makes a function the kind "test"."""
    return lambda function: monkeypatch.setitem(KINDS, "test", function)


async def add(vault: Vault, user_id: str, **arguments: Any) -> Job:
    return await vault.engine.store.write(
        user_id, lambda user: user.jobs.add("test", arguments), create=True
    )


async def ended(vault: Vault, job: Job) -> Job:
    with anyio.fail_after(WITHIN_S):
        return await vault.engine.runner.wait(job.user_id, job.id)


async def test_a_job_is_run_and_what_it_did_is_kept(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> dict[str, Any]:
        work.progress(1, 2)
        await work.write(lambda user: user.preferences.set("done", "yes", 1.0, source=None))
        work.progress(2, 2)
        return {"made": work.arguments["number"] + 1}

    kind(work)
    async with MemoryLayer("ada", config=config) as memory:
        vault = memory._vault
        noted = await add(vault, "ada", number=1)
        assert noted.state == "waiting"
        assert noted.next_attempt_at is not None
        job = await ended(vault, noted)
        assert (job.state, job.result, job.attempts) == ("done", {"made": 2}, 1)
        assert (job.done, job.total) == (2, 2)
        assert job.started_at is not None
        assert job.finished_at is not None
        assert (await memory.list_preferences())[0].value == "yes"
        assert await memory.get_job(job.id) == job
        assert (await vault.health()).is_ok


async def test_steps_of_jobs_take_turns(config: MemoryConfig, kind: Callable[[Kind], None]) -> None:
    """Five jobs at once, but never more of their steps in threads than may keep a core busy."""
    users = [f"user {i}" for i in range(5)]
    under_way, most, begun = list[None](), 0, 0

    def step(*_: object) -> None:
        nonlocal most
        under_way.append(None)
        most = max(most, len(under_way))
        time.sleep(0.01)
        under_way.pop()

    class Slow(HashEmbedder):
        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            await to_thread.run_sync(step)
            return await super().embed(texts)

    async def work(work: Work) -> None:
        nonlocal begun
        begun += 1
        with anyio.fail_after(WITHIN_S):
            while begun < len(users):
                await anyio.sleep(0.001)
        await work.read(step)
        await work.in_thread(step)
        await work.embed(Slow(), ["a"])
        await work.write(step)

    kind(work)
    async with Vault(replace(config, jobs_at_once=5, workers=4)) as vault:
        for job in [await add(vault, user_id) for user_id in users]:
            assert (await ended(vault, job)).state == "done"
        assert most == vault.engine.store.background.total_tokens == 2


@pytest.mark.parametrize("waits_for", ["another process", "a service"])
async def test_a_job_that_waits_holds_up_no_other(
    config: MemoryConfig, kind: Callable[[Kind], None], waits_for: str
) -> None:
    """Only one step of a job at a time, but none waits for a lock or a network in it."""
    is_locked, is_waiting, may_go_on = anyio.Event(), anyio.Event(), anyio.Event()

    class Remote(HashEmbedder):
        is_remote = True

        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            is_waiting.set()
            await may_go_on.wait()
            return await super().embed(texts)

    async def work(work: Work) -> None:
        if work.user_id == "bob":
            await is_waiting.wait()
            await work.read(lambda user: user.stats())
            await work.embed(HashEmbedder(), ["a"])
            await work.write(lambda user: user.stats())
        elif waits_for == "a service":
            await work.embed(Remote(), ["a"])
        else:
            await is_locked.wait()
            is_waiting.set()
            await work.write(lambda user: user.stats())

    kind(work)
    async with Vault(replace(config, jobs_at_once=2, workers=1)) as vault:
        assert vault.engine.store.background.total_tokens == 1
        jobs = [await add(vault, user_id) for user_id in ("ada", "bob")]
        other = apsw.Connection(str(user_path(config.data_dir, "ada")))
        if waits_for == "another process":
            other.set_busy_timeout(1_000 * WITHIN_S)
            other.execute("BEGIN IMMEDIATE")
            is_locked.set()
        assert (await ended(vault, jobs[1])).state == "done"
        other.close()
        may_go_on.set()
        assert (await ended(vault, jobs[0])).state == "done"


async def test_failures_are_tried_again_then_told(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        raise KeyError("what the user said") if work.arguments else OSError

    kind(work)
    async with Vault(replace(config, job_attempts=3)) as vault:
        job = await ended(vault, await add(vault, "ada", number=1))
        assert (job.state, job.attempts, job.error) == ("failed", 3, "builtins.KeyError")
        await ended(vault, await add(vault, "bob"))
        with anyio.fail_after(WITHIN_S):
            while "2 jobs failed" not in (await vault.health()).background:
                await anyio.sleep(0.01)
        again = await add(vault, "ada", number=1)
        async with MemoryLayer("ada", vault=vault) as memory:
            assert [one.id for one in (await memory.list_jobs()).items] == [again.id]


async def test_what_cannot_succeed_is_not_tried_again(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        raise NotFound("no session 's'")

    kind(work)
    async with Vault(config) as vault:
        job = await ended(vault, await add(vault, "ada"))
        assert (job.state, job.attempts, job.error) == ("failed", 1, "NotFound: no session 's'")


async def test_a_wait_after_a_failure_doubles(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        raise OSError

    kind(work)
    async with Vault(replace(config, job_retry_s=1_000)) as vault:
        job = await add(vault, "ada")
        waits = []
        for attempt in (1, 2, 3, 4):
            with anyio.fail_after(WITHIN_S):
                while job.attempts < attempt or job.state != "waiting":
                    found = await vault.engine.runner.job("ada", job.id)
                    assert found is not None
                    job = found
                    await anyio.sleep(0.005)
            assert job.next_attempt_at is not None
            waits.append((job.next_attempt_at - datetime.now(UTC)).total_seconds())
            await vault.engine.store.write("ada", make_due)
        assert [round(one, -3) for one in waits] == [1_000, 2_000, 4_000, 4_000]


def make_due(user: Transaction) -> None:
    user.jobs._db.execute("UPDATE jobs SET due_at = 0")
    user.jobs.has_work = True


async def test_a_clock_that_was_put_back_holds_nothing_up(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        pass

    kind(work)
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        job = await add(vault, "ada")
        year = 365 * 86_400 * 1_000_000
        await vault.engine.store.write(
            "ada",
            lambda user: user.jobs._db.execute("UPDATE jobs SET due_at = due_at + ?", (year,)),
        )
    async with Vault(config) as vault:
        assert (await ended(vault, job)).state == "done"


async def test_one_like_it_that_waits_is_enough(config: MemoryConfig) -> None:
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        first = await add(vault, "ada", session_id="a")
        assert await add(vault, "ada", session_id="a") == first
        assert (await add(vault, "ada", session_id="b")).id != first.id


async def test_users_take_turns(config: MemoryConfig, kind: Callable[[Kind], None]) -> None:
    order: list[str] = []

    async def work(work: Work) -> None:
        order.append(work.user_id)

    kind(work)
    jobs = []
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        for user_id in ("ada", "bob", "cid"):
            jobs += [await add(vault, user_id, number=number) for number in range(3)]
    async with Vault(config) as vault:
        for job in jobs:
            await ended(vault, job)
    assert order == ["ada", "bob", "cid"] * 3


async def test_no_more_run_at_once_than_are_allowed(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    now = most = 0
    two = anyio.Event()

    async def work(work: Work) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if most == 2:
            two.set()
        await two.wait()
        await anyio.sleep(0.005)
        now -= 1

    kind(work)
    async with Vault(replace(config, jobs_at_once=2)) as vault:
        jobs = [await add(vault, f"user {number}") for number in range(6)]
        for job in jobs:
            assert (await ended(vault, job)).state == "done"
    assert most == 2


async def test_closing_lets_a_job_wait_for_the_next_open(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    begun = anyio.Event()

    async def endless(work: Work) -> None:
        begun.set()
        await anyio.sleep_forever()

    kind(endless)
    async with Vault(config) as vault:
        job = await add(vault, "ada")
        with anyio.fail_after(WITHIN_S):
            await begun.wait()
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        found = await vault.engine.runner.job("ada", job.id)
        assert found is not None
        assert (found.state, found.attempts) == ("waiting", 0)

    async def work(work: Work) -> None:
        pass

    kind(work)
    async with Vault(config) as vault:
        assert (await ended(vault, job)).attempts == 1


async def test_a_job_whose_holder_is_gone_is_taken_over(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> dict[str, Any]:
        return {"attempt": work.job.attempts}

    kind(work)
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        job = await add(vault, "ada")
        await vault.engine.store.write("ada", lambda user: claim(user, "a process that was killed"))
    async with Vault(replace(config, job_lease_s=0.05)) as vault:
        assert (await ended(vault, job)).result == {"attempt": 2}


def claim(user: Transaction, lease: str) -> None:
    assert user.jobs.claim(user.jobs.unfinished(1)[0], lease) is not None


async def test_a_job_that_kills_its_process_is_given_up(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        pass

    kind(work)
    settings = replace(config, job_attempts=2, job_lease_s=0.05)
    async with Vault(replace(settings, jobs_at_once=0)) as vault:
        job = await add(vault, "ada")
        await vault.engine.store.write("ada", lambda user: claim(user, "one"))
        await vault.engine.store.write("ada", lambda user: user.jobs.retry(job.id, "one", "", 0))
        await vault.engine.store.write("ada", lambda user: claim(user, "two"))
    async with Vault(settings) as vault:
        found = await ended(vault, job)
        assert (found.state, found.error) == ("failed", "every attempt ended with its process")


async def test_who_has_lost_the_lease_writes_nothing(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        await work.engine.store.write(
            "ada", lambda user: user.jobs._db.execute("UPDATE jobs SET lease = 'another'")
        )
        await work.write(lambda user: user.preferences.set("key", "value", 1.0, source=None))

    kind(work)
    async with MemoryLayer("ada", config=config) as memory:
        job = await add(memory._vault, "ada")
        with anyio.fail_after(WITHIN_S):
            while (
                not (found := await memory.get_job(job.id)).attempts
                or memory._vault.engine.runner._running
            ):
                await anyio.sleep(0.005)
        assert found.state == "running"
        assert await memory.list_preferences() == ()


async def test_a_job_can_be_cancelled(config: MemoryConfig, kind: Callable[[Kind], None]) -> None:
    begun, stopped = anyio.Event(), anyio.Event()

    async def endless(work: Work) -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    kind(endless)
    async with MemoryLayer("ada", config=config) as memory:
        job = await add(memory._vault, "ada")
        with anyio.fail_after(WITHIN_S):
            await begun.wait()
            assert (await memory.cancel_job(job.id)).state == "cancelled"
            await stopped.wait()
        later = await add(memory._vault, "ada")
        assert later.id != job.id
        assert (await memory.cancel_job(later.id)).state == "cancelled"
        with pytest.raises(NotFound, match="list_jobs"):
            await memory.cancel_job("job_none")
        with pytest.raises(NotFound, match="list_jobs"):
            await memory.get_job("job_none")


async def test_pages(config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=replace(config, jobs_at_once=0)) as memory:
        made = [await add(memory._vault, "ada", number=number) for number in range(5)]
        first = await memory.list_jobs(page_size=3)
        assert first.items == tuple(made[:3])
        rest = await memory.list_jobs(page_size=3, cursor=first.next_cursor)
        assert (rest.items, rest.next_cursor) == (tuple(made[3:]), None)
        assert (await memory.list_jobs(state="done")).items == ()
        with pytest.raises(InvalidInput, match="waiting"):
            await memory.list_jobs(state="lost")  # type: ignore[arg-type]


async def test_jobs_of_the_whole_vault(config: MemoryConfig, kind: Callable[[Kind], None]) -> None:
    async def work(work: Work) -> dict[str, Any]:
        work.progress(3, 3)
        return {"users": 3}

    kind(work)
    async with Vault(config) as vault:
        noted = await vault.engine.store.work(
            lambda hints: hints.of_vault(lambda jobs: jobs.add("test"), is_writing=True)
        )
        vault.engine.runner.wake(None)
        job = await ended(vault, noted)
        assert (job.user_id, job.state, job.done, job.result) == (None, "done", 3, {"users": 3})
        assert await vault.get_job(job.id) == job
        assert (await vault.list_jobs()).items == (job,)


async def test_a_hint_goes_when_there_is_nothing_left_to_do(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        pass

    kind(work)
    async with Vault(config) as vault:
        job = await add(vault, "ada")
        assert await hinted(vault) == ["ada"]
        await ended(vault, job)
        with anyio.fail_after(WITHIN_S):
            while await hinted(vault):
                await anyio.sleep(0.005)


async def hinted(vault: Vault) -> list[str]:
    return await vault.engine.store.work(lambda hints: hints.after("", 10))


async def test_hints_are_made_anew_from_the_files(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        pass

    kind(work)
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        job = await add(vault, "ada")
    for path in config.data_dir.glob("catalog.db*"):
        path.unlink()
    async with Vault(config) as vault:
        assert (await ended(vault, job)).state == "done"


async def test_a_kind_that_is_not_known_is_left_to_others(config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=config) as memory:
        job = await add(memory._vault, "ada")
        assert await memory._vault.engine.runner._begin_due() > 0
        assert (await memory.get_job(job.id)).state == "waiting"


async def test_a_running_job_gives_signs_of_life_and_says_how_far_it_is(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    seen = anyio.Event()

    async def work(work: Work) -> None:
        work.progress(3, 7, {"chunks": 12})
        await seen.wait()

    kind(work)
    async with MemoryLayer("ada", config=replace(config, job_lease_s=0.03)) as memory:
        job = await add(memory._vault, "ada")
        beats = set[int]()
        with anyio.fail_after(WITHIN_S):
            while len(beats) < 4:
                found = await memory._vault.engine.store.read("ada", lambda u: u.jobs.unfinished(1))
                beats.add(found[0].beat)
                await anyio.sleep(0.005)
            now = await memory.get_job(job.id)
        assert (now.state, now.done, now.total, now.result) == ("running", 3, 7, {"chunks": 12})
        assert not now.is_finished
        seen.set()
        assert (await ended(memory._vault, job)).result == {}


# forgetting and copies ----------------------------------------------------------------------------


async def test_jobs_go_with_what_they_name(config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=replace(config, jobs_at_once=0)) as memory:
        vault = memory._vault
        first = (await memory.save("I moved to Lisbon.", session_id="session one")).saved[0]
        await memory.save("My dog is called Rex.", session_id="session two")
        about = await add(vault, "ada", memory_ids=[first.id])
        one = await add(vault, "ada", session_id="session one")
        two = await add(vault, "ada", session_id="session two")
        receipt = await memory.forget(first.id, proof="proven")
        assert (receipt.state, receipt.removed["jobs"]) == ("done", 1), receipt.reason
        assert [job.id for job in (await memory.list_jobs()).items] == [one.id, two.id]
        assert about.id not in (one.id, two.id)
        receipt = await memory.forget(session_id="session one", proof="proven")
        assert receipt.state == "done", receipt.reason
        assert [job.id for job in (await memory.list_jobs()).items] == [two.id]
        receipt = await memory.forget_all(confirm=True, proof="proven")
        assert receipt.state == "done", receipt.reason
        assert (await memory.list_jobs()).items == ()


async def test_nothing_of_a_user_who_is_forgotten_is_left_in_the_catalog(
    config: MemoryConfig,
) -> None:
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        await add(vault, "a user of a long name")
        receipt = await vault.forget_user("a user of a long name", confirm=True, proof="proven")
        assert receipt.state == "done", receipt.reason
        assert await hinted(vault) == []


async def test_a_backup_takes_jobs_along_and_an_export_does_not(
    config: MemoryConfig, tmp_path: Path, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        pass

    async with Vault(replace(config, jobs_at_once=0)) as vault:
        async with MemoryLayer("ada", vault=vault) as memory:
            await memory.save("I moved to Lisbon.")
            job = await add(vault, "ada")
            await vault.engine.store.write("ada", lambda user: claim(user, "of this moment"))
            await memory.export(tmp_path / "ada.jsonl")
        await vault.backup(tmp_path / "backup")
        async with MemoryLayer("bob", vault=vault) as memory:
            await memory.import_(tmp_path / "ada.jsonl")
            assert (await memory.list_jobs()).items == ()
    assert job.id not in (tmp_path / "ada.jsonl").read_text(encoding="utf-8")
    kind(work)
    async with Vault(replace(config, data_dir=tmp_path / "other")) as vault:
        await vault.restore(tmp_path / "backup")
        assert (await ended(vault, job)).state == "done"


# what goes wrong around them ----------------------------------------------------------------------


async def test_a_damaged_file_is_told_and_holds_nobody_up(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        pass

    kind(work)
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        await add(vault, "ada")
        job = await add(vault, "bob")
        path = vault.engine.store.erasure.path_of("ada")
    path.write_bytes(b"\0" * 8192)
    async with Vault(config) as vault:
        assert (await ended(vault, job)).state == "done"
        with anyio.fail_after(WITHIN_S):
            while "doctor" not in (await vault.health()).background:
                await anyio.sleep(0.01)


async def test_a_failing_disk_is_not_asked_again_at_once(
    config: MemoryConfig, kind: Callable[[Kind], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def work(work: Work) -> None:
        pass

    def fail(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise StorageFull("the disk is full")

    kind(work)
    async with Vault(config) as vault:
        with monkeypatch.context() as broken:
            broken.setattr(Jobs, "claim", fail)
            job = await add(vault, "ada")
            with anyio.fail_after(WITHIN_S):
                while "full" not in (await vault.health()).background:
                    await anyio.sleep(0.01)
            await add(vault, "bob", number=1)
            assert tries <= 2
        assert (await ended(vault, job)).state == "done"


@pytest.mark.parametrize("where", ["unfinished", "after"])
async def test_what_nobody_foresaw_ends_no_runner(
    config: MemoryConfig,
    kind: Callable[[Kind], None],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """Neither in the look at one user's jobs, nor in the look for users; it is told by kind."""

    async def work(work: Work) -> None:
        pass

    def fail(*_: object) -> None:
        raise LookupError("quoted")

    kind(work)
    async with Vault(replace(config, job_lease_s=0.5)) as vault:
        with monkeypatch.context() as broken:
            broken.setattr(Jobs if where == "unfinished" else Hints, where, fail)
            job = await add(vault, "ada")
            with anyio.fail_after(WITHIN_S):
                while "jobs: builtins.LookupError" not in (await vault.health()).background:
                    await anyio.sleep(0.01)
        assert (await ended(vault, job)).state == "done"
        with anyio.fail_after(WITHIN_S):
            while not (await vault.health()).is_ok:
                await anyio.sleep(0.01)


async def test_users_jobs_do_not_hold_up_the_vaults(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    begun, of_vault = anyio.Event(), anyio.Event()

    async def work(work: Work) -> None:
        if work.job.user_id is None:
            of_vault.set()
        else:
            begun.set()
            await of_vault.wait()

    kind(work)
    async with Vault(config) as vault:
        jobs = [await add(vault, "ada"), await add(vault, "bob")]
        with anyio.fail_after(WITHIN_S):
            await begun.wait()
        await vault.engine.store.work(
            lambda hints: hints.of_vault(lambda jobs: jobs.add("test"), is_writing=True)
        )
        vault.engine.runner.wake(None)
        for job in jobs:
            assert (await ended(vault, job)).state == "done"


async def test_what_is_forgotten_is_not_told_as_failed(
    config: MemoryConfig, kind: Callable[[Kind], None]
) -> None:
    async def work(work: Work) -> None:
        raise NotFound("nothing there")

    kind(work)
    async with MemoryLayer("ada", config=config) as memory:
        vault = memory._vault
        await ended(vault, await add(vault, "ada"))
        with anyio.fail_after(WITHIN_S):
            while (await vault.health()).is_ok:
                await anyio.sleep(0.01)
            await memory.forget_all(confirm=True)
            while not (await vault.health()).is_ok:
                await anyio.sleep(0.01)


async def test_many_users_with_work_are_all_served(
    config: MemoryConfig, kind: Callable[[Kind], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_PAGE", 2)
    served = set()

    async def work(work: Work) -> None:
        served.add(work.user_id)

    kind(work)
    users = [f"user {number}" for number in range(7)]
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        jobs = [await add(vault, user_id) for user_id in users]
    async with Vault(config) as vault:
        with anyio.fail_after(WITHIN_S):
            while await hinted(vault):
                await anyio.sleep(0.01)
        assert [(await vault.engine.runner.wait(one.user_id, one.id)).state for one in jobs] == [
            "done"
        ] * 7
    assert served == set(users)


async def test_calls_in_the_background_that_wait_for_a_thread_are_counted(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as vault:
        store = vault.engine.store
        owners = range(int(store.background.total_tokens))
        for one in owners:
            await store.background.acquire_on_behalf_of(one)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(store.in_thread, lambda: None, in_background=True))
            await anyio.wait_all_tasks_blocked()
            assert store.waiting() == {"read": 0, "write": 0, "long": 0, "background": 1}
            for one in owners:
                store.background.release_on_behalf_of(one)
