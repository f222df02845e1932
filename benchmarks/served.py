"""Load a served vault: many clients at once, workers killed and restarted, nothing lost.

Usage: python benchmarks/served.py [--seconds 300] [--embedded-seconds 60] [--clients 200]
           [--users 50] [--memories 10000] [--workers 2] [--kills 2] [--index-gib 2]
           [--out OUT.json]

70 of 100 requests recall, the others save. Before, the same mix runs on an embedded vault in this
process, with as many tasks, so that both are measured within one run. Latencies are per request,
with what it took to send it again. The first user's memories are saved, with random embeddings,
which cost the same to search; the others' are imports of the first one's export, by the server.

The indexes of 50 users of 10,000 memories are 1.4 GB in each process, more than the setting
`index_bytes` allows by itself: `--index-gib` raises it, embedded and served. A worker that takes
over from a killed one has all of them to build, a third of a second each, with everybody waiting:
a call may take 60 seconds here, twice what a server allows by itself. One that takes longer is an
error.
The model must be installed. Needs the extra `server`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from memory_vault import (
    BackendError,
    BackendUnavailable,
    MemoryConfig,
    MemoryLayer,
    MemoryVaultError,
    RateLimited,
    RemoteVault,
    TimedOut,
    Vault,
)
from memory_vault.demo import load

ROOT = Path(__file__).parent
RECALLS = 0.7
_CALL_S = 60


class Tally:
    """What the requests of one run took, and what was acknowledged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seconds: dict[str, list[float]] = {"recall": [], "save": []}
        self.kept: list[tuple[int, str]] = []
        self.broken, self.errors = 0, list[str]()

    def figures(self, seconds: float) -> dict[str, Any]:
        """Percentiles in milliseconds, and requests a second."""
        every = [one for found in self.seconds.values() for one in found]
        return {
            "requests": len(every),
            "per_second": round(len(every) / seconds, 1),
            "errors": len(self.errors),
            "kinds_of_errors": sorted(set(self.errors)),
            "broken_connections": self.broken,
            **{name: _percentiles(found) for name, found in self.seconds.items()},
        }


def _percentiles(found: list[float]) -> dict[str, float]:
    if len(found) < 2:
        return {}
    cuts = statistics.quantiles(found, n=100, method="inclusive")
    return {f"p{at}_ms": round(cuts[at - 1] * 1_000, 1) for at in (50, 95, 99)}


async def client(vault: Any, number: int, users: int, texts: list[str], tally: Tally) -> None:
    """One client: requests one after the other, for users chosen at random."""
    chance = random.Random(number)
    count = 0
    while True:
        count += 1
        user = chance.randrange(users)
        is_recall = chance.random() < RECALLS
        text = f"{chance.choice(texts)} ({tally.name} {number}, note {count})"
        begin = time.perf_counter()
        try:
            async with MemoryLayer(f"user {user}", vault=vault) as memory:
                if is_recall:
                    await _until_answered(partial(memory.recall, text[:200]), tally)
                else:
                    key = f"{tally.name} {number} {count}"
                    await _until_answered(partial(memory.save, text, idempotency_key=key), tally)
                    tally.kept.append((user, text))
        except MemoryVaultError as error:
            tally.errors.append(type(error).__name__)
            continue
        tally.seconds["recall" if is_recall else "save"].append(time.perf_counter() - begin)


async def _until_answered(call: Callable[[], Awaitable[object]], tally: Tally) -> None:
    """Send a request, again if it breaks off with its worker; a save has a key for that."""
    while True:
        try:
            await call()
            return
        except (RateLimited, TimedOut):
            raise
        except BackendUnavailable:
            tally.broken += 1
            await anyio.sleep(0.05)


async def run(
    name: str,
    vault: Any,
    given: argparse.Namespace,
    texts: list[str],
    seconds: float,
    meanwhile: Callable[[], Any],
) -> tuple[Tally, dict[str, Any]]:
    """All clients for so many seconds."""
    tally, begin = Tally(name), time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for number in range(given.clients):
            tasks.start_soon(client, vault, number, given.users, texts, tally)
        tasks.start_soon(meanwhile)
        await anyio.sleep(seconds)
        tasks.cancel_scope.cancel()
    return tally, tally.figures(time.perf_counter() - begin)


async def fill(
    config: MemoryConfig, given: argparse.Namespace, texts: list[str], export: Path
) -> None:
    """Every user's memories: those of the first, and the others' by the server's workers."""
    await first(config, given, texts, export)
    others, busy = range(1, given.users), anyio.CapacityLimiter(given.workers)

    async def take_over(vault: RemoteVault, user: int) -> None:
        async with busy, MemoryLayer(f"user {user}", vault=vault) as memory:
            await memory.import_(export)

    async with (
        server(config, given) as (url, _),
        RemoteVault(url, timeout_s=600) as vault,
        anyio.create_task_group() as tasks,
    ):
        for user in others:
            tasks.start_soon(take_over, vault, user)


async def first(
    config: MemoryConfig, given: argparse.Namespace, texts: list[str], export: Path
) -> None:
    """The first user's memories, with random embeddings, and the file that has them."""
    random_, size = np.random.default_rng(0), 500
    async with Vault(config) as vault:
        embedder = vault.engine.embedder
        await embedder.open()
        real = embedder.embed

        async def quick(some: list[str]) -> object:
            rows = random_.normal(size=(len(some), 384)).astype(np.float32)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

        embedder.embed = quick  # type: ignore[method-assign]
        async with MemoryLayer("user 0", vault=vault) as memory:
            for start in range(0, given.memories, size):
                stop = min(start + size, given.memories)
                batch = [f"{texts[n % len(texts)]} {n}" for n in range(start, stop)]
                await memory.save(batch, session_id=f"s{start // size}")
            await memory.export(export)
        embedder.embed = real  # type: ignore[method-assign]


async def lost(config: MemoryConfig, tally: Tally, given: argparse.Namespace) -> int:
    """How many acknowledged saves are not there."""
    wanted = set(tally.kept)
    found: set[tuple[int, str]] = set()
    async with Vault(config) as vault:
        for user in range(given.users):
            async with MemoryLayer(f"user {user}", vault=vault) as memory:
                cursor = None
                while True:
                    page = await memory.list_memories(
                        include_compressed=True, page_size=1_000, cursor=cursor
                    )
                    found |= {(user, one.content) for one in page.items}
                    if (cursor := page.next_cursor) is None:
                        break
    return len(wanted - found)


def workers_of(pid: int) -> list[int]:
    """The worker processes of a server."""
    command = ["ps", "ww", "-o", "pid=", "-o", "args=", "--ppid", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows = [line.split(maxsplit=1) for line in listed.splitlines()]
    return [int(row[0]) for row in rows if "spawn_main" in row[1]]


async def kill_now_and_then(pid: int, given: argparse.Namespace, killed: list[int]) -> None:
    """Kill workers, evenly over the run; the server starts others in their place."""
    for _ in range(given.kills):
        await anyio.sleep(given.seconds / (given.kills + 1))
        workers = workers_of(pid)
        if workers:
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])


@asynccontextmanager
async def server(config: MemoryConfig, given: argparse.Namespace) -> AsyncIterator[tuple[str, int]]:
    """`memory-vault serve` on a free port; its address and process id."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    settings = {f"MEMORY_VAULT_SERVE_RATE_PER_{name}": "0" for name in ("KEY", "USER")}
    settings["MEMORY_VAULT_INDEX_BYTES"] = str(config.index_bytes)
    settings["MEMORY_VAULT_SERVE_TIMEOUT_S"] = str(_CALL_S)
    command = [
        *(sys.executable, "-m", "memory_vault", "--data-dir", str(config.data_dir)),
        *("serve", "--port", str(port), "--workers", str(given.workers)),
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - a moment, before anything is measured
            command, env={**os.environ, **settings}, stdout=log, stderr=log
        )
        url = f"http://127.0.0.1:{port}"
        try:
            with anyio.fail_after(120):
                await _until_there(url)
            yield url, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            await anyio.to_thread.run_sync(process.wait)


async def _until_there(url: str) -> None:
    async with RemoteVault(url) as vault, MemoryLayer("nobody", vault=vault) as memory:
        while True:
            try:
                await memory.stats()
                return
            except BackendError:
                await anyio.sleep(0.2)


async def measure(given: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Embedded, then served, on the same folder."""
    texts = [text for session in load()["sessions"] for _, text in session["turns"]]
    config = MemoryConfig(data_dir=Path(folder, "vault"), index_bytes=given.index_gib << 30)
    begin = time.perf_counter()
    await fill(config, given, texts, Path(folder, "export.jsonl"))
    filled = time.perf_counter()
    async with Vault(config) as vault:
        _, embedded = await run(
            "embedded", vault, given, texts, given.embedded_seconds, partial(anyio.sleep, 0)
        )
    killed: list[int] = []
    async with (
        server(config, given) as (url, pid),
        RemoteVault(url, connections=given.clients, timeout_s=_CALL_S + 10) as vault,
    ):
        kill = partial(kill_now_and_then, pid, given, killed)
        tally, served = await run("served", vault, given, texts, given.seconds, kill)
        again = len(workers_of(pid))
    return {
        "seconds_to_fill": round(filled - begin),
        "embedded": embedded,
        "served": served,
        "served_of_embedded": round(served["per_second"] / embedded["per_second"], 2),
        "acknowledged_saves": len(tally.kept),
        "lost": await lost(config, tally, given),
        "workers_killed": len(killed),
        "workers_at_the_end": again,
    }


def main() -> int:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (
        ("seconds", 300), ("embedded-seconds", 60), ("clients", 200), ("users", 50),
        ("memories", 10_000), ("workers", 2), ("kills", 2), ("index-gib", 2),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "served.json")
    given = parser.parse_args()
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        figures = anyio.run(measure, given, folder)
    whole = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "load": {name: value for name, value in vars(given).items() if name != "out"},
        **figures,
    }
    given.out.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(whole, indent=2))
    is_whole = figures["workers_killed"] == given.kills and figures["lost"] == 0
    return int(not is_whole or figures["served"]["errors"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
