"""One loop for all blocking callers: shared, interruptible, refused where it would hang."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio.from_thread import BlockingPortal

from memory_vault import BlockingCallRefused, NotOpen, _portal
from memory_vault._portal import Portal


@pytest.fixture(params=["asyncio", "trio"], autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(_portal, "BACKEND", request.param)
    return str(request.param)


async def nothing() -> None:
    await anyio.lowlevel.checkpoint()


async def thread() -> int:
    return threading.get_ident()


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    portal.open(nothing)
    yield portal
    portal.close(nothing)


class Interrupted:
    """A portal whose next start of a task meets a Ctrl-C, just before or just after it."""

    def __init__(self, portal: BlockingPortal, *, is_after: bool) -> None:
        self._portal, self._is_after, self._is_due = portal, is_after, True

    def start_task_soon(self, func: Callable[[], object]) -> object:
        is_due, self._is_due = self._is_due, False
        if not is_due:
            return self._portal.start_task_soon(func)
        if self._is_after:
            self._portal.start_task_soon(func)
        raise KeyboardInterrupt


def test_results_and_errors_come_back(portal: Portal) -> None:
    async def half(number: int, *, of: int) -> float:
        await anyio.lowlevel.checkpoint()
        return number / of

    assert portal.call(half, 1, of=2) == 0.5
    with pytest.raises(ZeroDivisionError):
        portal.call(half, 1, of=0)


def test_a_plugin_that_exits_ends_its_caller_only(portal: Portal) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        portal.call(leave)
    portal.call(nothing)


def test_one_thread_for_all_and_none_after_the_last(portal: Portal) -> None:
    other = Portal()
    other.open(nothing)
    assert portal.call(thread) == other.call(thread) != threading.get_ident()
    other.close(nothing)
    other.close(nothing)
    with pytest.raises(NotOpen):
        other.call(nothing)
    loop = portal._held
    portal.close(nothing)
    assert loop is not None
    assert loop.thread_id not in {t.ident for t in threading.enumerate()}
    portal.open(nothing)
    portal.call(nothing)


def test_many_threads_open_call_and_close(backend: str) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                portal = Portal()
                portal.open(nothing)
                portal.call(nothing)
                portal.close(nothing)
        except Exception as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert not _portal._shared().is_running


def test_a_close_does_not_stop_the_loop_under_a_call() -> None:
    portal, began, go_on = Portal(), threading.Event(), threading.Event()
    portal.open(nothing)
    results: list[str] = []

    async def slow() -> str:
        began.set()
        await anyio.to_thread.run_sync(go_on.wait)
        return "done"

    caller = threading.Thread(target=lambda: results.append(portal.call(slow)))
    caller.start()
    began.wait()
    portal.close(nothing)
    go_on.set()
    caller.join()
    assert results == ["done"]
    assert not _portal._shared().is_running


def test_an_open_that_fails_gives_its_share_back() -> None:
    async def fail() -> None:
        raise OSError("no folder")

    portal = Portal()
    with pytest.raises(OSError, match="no folder"):
        portal.open(fail)
    assert not portal.is_open
    assert not _portal._shared().is_running


def test_a_second_open_that_fails_leaves_the_first(portal: Portal) -> None:
    async def fail() -> None:
        raise OSError("no folder")

    with pytest.raises(OSError, match="no folder"):
        portal.open(fail)
    portal.call(nothing)


@pytest.mark.parametrize("is_after", [True, False])
def test_interrupted_it_waits_for_the_end_of_the_call(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, is_after: bool
) -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("began")
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
                steps.append("cleaned up")

    assert portal._held is not None
    with monkeypatch.context() as patch:
        patch.setattr(portal._held, "_portal", Interrupted(portal._held._portal, is_after=is_after))
        with pytest.raises(KeyboardInterrupt):
            portal.call(work)
    assert steps in ([], ["began", "cleaned up"])
    portal.call(nothing)


def test_a_close_that_never_began_can_be_done_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    assert portal._held is not None
    with monkeypatch.context() as patch:
        patch.setattr(portal._held, "_portal", Interrupted(portal._held._portal, is_after=False))
        with pytest.raises(KeyboardInterrupt):
            portal.close(close)
    portal.close(close)
    assert closed == ["closed"]


@pytest.mark.parametrize("host", ["asyncio", "trio"])
def test_refused_in_a_running_loop(portal: Portal, host: str) -> None:
    async def main() -> None:
        with pytest.raises(BlockingCallRefused, match=f"running {host} .* await it"):
            portal.call(nothing)
        with pytest.raises(BlockingCallRefused):
            portal.close(nothing)
        assert await anyio.to_thread.run_sync(portal.call, thread)

    anyio.run(main, backend=host)
    portal.call(nothing)


@pytest.mark.parametrize("host", ["asyncio", "trio"])
def test_allowed_in_a_running_loop(host: str, backend: str) -> None:
    async def main() -> None:
        portal = Portal(allow_running_loop=True)
        if host == backend == "trio":
            with pytest.raises(BlockingCallRefused):
                portal.open(nothing)
            return
        portal.open(nothing)
        assert portal.call(thread) != threading.get_ident()
        portal.close(nothing)

    anyio.run(main, backend=host)


def test_refused_on_its_own_thread_even_where_loops_are_allowed() -> None:
    portal = Portal(allow_running_loop=True)
    portal.open(nothing)

    async def again() -> None:
        portal.call(nothing)

    with pytest.raises(BlockingCallRefused):
        portal.call(again)
    portal.close(nothing)


def test_a_name_of_another_process_is_refused(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    for use in (lambda: portal.call(nothing), lambda: Portal().open(nothing)):
        with pytest.raises(BlockingCallRefused, match="spawn"):
            use()
    portal.close(nothing)
    monkeypatch.undo()
    assert portal.is_open


LEFT_OPEN = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import anyio, threading
from memory_vault import _portal
_portal.BACKEND = sys.argv[1]
async def nothing(): await anyio.to_thread.run_sync(int)
def held(): threading.Thread(target=lambda: portal.call(anyio.sleep_forever), daemon=True).start()
portal = _portal.Portal()
portal.open(nothing)
{act}
"""


@pytest.mark.parametrize(
    "act",
    [
        "pass",
        "del portal",
        "import atexit; atexit.register(portal.close, nothing)",
        "held()",
        "if child := os.fork(): sys.exit(os.waitpid(child, 0)[1])",
    ],
)
def test_left_open_the_interpreter_ends(act: str, backend: str) -> None:
    if "fork" in act and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    program = LEFT_OPEN.format(act=act)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, backend], timeout=60, check=False
    )
    assert done.returncode == 0


def test_importing_it_imports_no_event_loop() -> None:
    program = """if True:
        import importlib.util, sys, types
        package = types.ModuleType("memory_vault")
        package.__path__ = [sys.argv[1]]
        sys.modules["memory_vault"] = package
        import memory_vault._portal
        assert not {"asyncio", "trio", "anyio", "concurrent.futures"} & set(sys.modules)
    """
    folder = Path(_portal.__file__).parent
    done = subprocess.run([sys.executable, "-c", program, folder], timeout=60, check=False)
    assert done.returncode == 0
