"""Real servers in processes of their own, on a free port of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
_START_S = 120


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def server(command: Sequence[str], data_dir: Path, port: int, **settings: str) -> Iterator[int]:
    """Run a server until the end of the block; its process id."""
    environ = {
        **os.environ,
        "MEMORY_VAULT_DATA_DIR": str(data_dir),
        "PYTHONPATH": str(ROOT),
        **{f"MEMORY_VAULT_SERVE_{name.upper()}": text for name, text in settings.items()},
    }
    with (data_dir.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=environ, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            wait_until_ready(port, process)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        assert process.poll() is None, "the server has ended"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server never was ready")


def uvicorn(port: int, *, workers: int = 1) -> list[str]:
    return [
        "-m", "uvicorn", "tests.extras.served.hash_app:make", "--factory", "--port", str(port),
        "--workers", str(workers), "--timeout-graceful-shutdown", "20",
    ]  # fmt: skip


def hypercorn(port: int) -> list[str]:
    return [
        "-m", "hypercorn", "tests.extras.served.hash_app:make()", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "trio",
    ]  # fmt: skip


def children(pid: int) -> list[int]:
    """Processes that a process started and that still run Python code of ours."""
    listed = subprocess.run(
        ["ps", "ww", "-o", "pid=", "-o", "args=", "--ppid", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return [int(row[0]) for row in rows if "spawn_main" in row[1]]
