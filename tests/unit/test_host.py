"""The task that owns the background jobs: from any task, in any order, on both loops."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel
import pytest
from anyio import get_running_tasks

from memory_vault._host import Host

pytestmark = pytest.mark.anyio


async def _in_a_task_of_its_own(call) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(call)


def _names() -> set[str]:
    return {str(task.name) for task in get_running_tasks()}


async def _until(is_so) -> None:
    with anyio.fail_after(30):
        while not is_so():
            await anyio.sleep(0.001)


async def test_started_in_one_task_and_stopped_in_another() -> None:
    host = Host()
    await _in_a_task_of_its_own(host.start)
    ran = anyio.Event()

    async def job() -> None:
        ran.set()

    host.start_soon("job", job)
    with anyio.fail_after(30):
        await ran.wait()
    await _in_a_task_of_its_own(host.stop)
    assert host.failures == {}


async def test_two_hosts_end_in_the_order_in_which_they_began() -> None:
    first, second = Host(), Host()
    await first.start()
    await second.start()
    await first.stop()
    ran = anyio.Event()

    async def job() -> None:
        ran.set()

    second.start_soon("job", job)
    with anyio.fail_after(30):
        await ran.wait()
    await second.stop()


async def test_a_failing_job_is_recorded_and_harms_no_other() -> None:
    host = Host()
    await host.start()
    go_on, went_on = anyio.Event(), anyio.Event()

    async def steady() -> None:
        await go_on.wait()
        went_on.set()

    async def failing() -> None:
        raise LookupError("no such thing")

    host.start_soon("steady", steady)
    host.start_soon("failing", failing)
    await _until(lambda: host.failures)
    assert host.failures == {"failing": "LookupError: no such thing"}
    go_on.set()
    with anyio.fail_after(30):
        await went_on.wait()
    await host.stop()


async def test_a_job_that_works_again_clears_its_failure() -> None:
    host = Host()
    await host.start()
    outcomes = [ValueError("once"), None]

    async def job() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    host.start_soon("job", job)
    await _until(lambda: host.failures)
    host.start_soon("job", job)
    await _until(lambda: not host.failures)
    await host.stop()


async def test_stop_cancels_jobs_lets_them_clean_up_and_leaves_no_task() -> None:
    before = _names()
    host = Host()
    await host.start()
    cleaned = []

    async def endless(name: str) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
                cleaned.append(name)

    for name in ("one", "two"):
        host.start_soon(name, lambda name=name: endless(name))
    await anyio.wait_all_tasks_blocked()
    with anyio.fail_after(30):
        await host.stop()
        await host.stop()
    assert sorted(cleaned) == ["one", "two"]
    assert host.failures == {}
    await anyio.wait_all_tasks_blocked()
    assert _names() == before


async def test_after_stop_no_job_starts() -> None:
    host, ran = Host(), []

    async def job() -> None:
        ran.append(1)

    host.start_soon("before start", job)
    await host.start()
    await host.stop()
    host.start_soon("after stop", job)
    await anyio.wait_all_tasks_blocked()
    assert ran == []


async def test_a_host_that_was_never_started_stops_at_once() -> None:
    with anyio.move_on_after(5) as scope:
        await Host().stop()
    assert not scope.cancel_called


async def test_a_cancelled_start_leaves_no_task() -> None:
    before = _names()
    host = Host()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await host.start()
    await _until(lambda: _names() == before)


async def test_a_scope_around_start_does_not_reach_the_jobs() -> None:
    host, events = Host(), []
    with anyio.CancelScope() as scope:
        await host.start()

        async def job() -> None:
            events.append("began")
            await anyio.lowlevel.checkpoint()
            events.append("ended")

        host.start_soon("job", job)
        scope.cancel()
    await _until(lambda: events == ["began", "ended"])
    await host.stop()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_stop_waits_though_the_caller_is_cancelled_natively(anyio_backend: str) -> None:
    host = Host()
    await host.start()
    stopping = asyncio.create_task(host.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait([stopping])
    with anyio.fail_after(30):
        await host.stop()
