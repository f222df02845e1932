"""The command as clients start it: over its pipes, with the real model, until they leave."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from tests.extras.mcp.starting import HELLO, command, line

if importlib.util.find_spec("mcp") is None:
    pytest.skip("mcp is missing", allow_module_level=True)

from mcp import Client, StdioServerParameters

pytestmark = [pytest.mark.extras]
_SOON_S = 60


@pytest.mark.anyio
async def test_a_whole_session_over_stdio(tmp_path: Path, model_dir: Path) -> None:
    """Everything is offered, every kind of call works, a cancelled one leaves nothing."""
    words = command(tmp_path / "vault", "--user", "alice")
    environ = {**os.environ, "MEMORY_VAULT_MODEL_DIR": str(model_dir)}
    told: list[float] = []
    began = anyio.Event()

    async def progress(done: float, _: float | None, __: str | None) -> None:
        told.append(done)
        began.set()

    async def save_a_book(client: Client) -> None:
        book = "\n".join(f"Chapter {n} tells of the {n}th winter in Lisbon." for n in range(9_000))
        await client.call_tool("save", {"content": book}, progress_callback=progress)

    parameters = StdioServerParameters(command=words[0], args=words[1:], env=environ)
    async with Client(parameters) as client:
        assert client.server_info is not None
        assert client.server_info.name == "memory-vault"
        assert "recall" in (client.instructions or "")
        assert len((await client.list_tools()).tools) == 9
        assert len((await client.list_resources()).resources) == 1
        assert len((await client.list_prompts()).prompts) == 1
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(save_a_book, client)
            with anyio.fail_after(_SOON_S):
                await began.wait()
            tasks.cancel_scope.cancel()
        await client.call_tool("save", {"content": "Alice lives in Lisbon."})
        found = await client.call_tool("recall", {"query": "Where is Alice's home?"})
        assert "Lisbon" in found.content[0].text
        listed = await client.call_tool("list_memories", {})
        assert len(listed.structured_content["memories"]) == 1


def started(data_dir: Path) -> subprocess.Popen[bytes]:
    """A server that has answered its first request."""
    process = subprocess.Popen(
        command(data_dir), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line(HELLO))
    process.stdin.flush()
    assert b'"serverInfo"' in process.stdout.readline()
    return process


def test_it_ends_with_its_input_and_writes_nothing_else(tmp_path: Path) -> None:
    process = started(tmp_path / "vault")
    rest, errors = process.communicate(timeout=_SOON_S)
    assert (process.returncode, rest, errors) == (0, b"", b"")
    assert not (tmp_path / "vault").exists(), "the vault is opened when it is first needed"


def test_an_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    with started(tmp_path / "vault") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(_SOON_S) == 130


def test_it_ends_when_the_program_that_started_it_is_killed(tmp_path: Path) -> None:
    """A parent that starts a server, says its process id, and waits to be killed."""
    parent = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE); "
        "child.stdin.write(sys.argv[1].encode()); child.stdin.flush(); child.stdout.readline(); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    words = [sys.executable, "-c", parent, line(HELLO).decode(), *command(tmp_path / "vault")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_running(pid)
        process.kill()
    end = time.monotonic() + _SOON_S
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has waited for has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
