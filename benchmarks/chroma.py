"""Time one user's memory with the exact index, with ChromaDB embedded, and with ChromaDB served.

Usage: python benchmarks/chroma.py [--sizes 1000,10000,100000] [--kinds real,random] [--out FILE]

Sizes that are not measured stay as they stand in the file.

Each way has a copy of the same vault and processes of its own, through the public API. "real" takes
the embeddings that `memory-vault bench` has kept in the user's cache folder, and noisy copies of
them where more are wanted; "random" takes random unit vectors. Needs the extra `chroma`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from core import commit
from index_at_size import DIMENSION, Floats, embeddings, held_out, kept_embeddings

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.demo import load
from memory_vault.testing.embedders import HashEmbedder

ROOT = Path(__file__).parent
QUESTIONS = 40
SAVES = 20
TOP = 20
clock = time.perf_counter


def unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def vectors(kind: str, count: int) -> tuple[Floats, Floats]:
    """Embeddings of so many memories, some more to be saved later, and of the questions."""
    if kind == "random":
        rows = np.random.default_rng(3).normal(size=(count + 1_000, DIMENSION)).astype(np.float32)
        return unit(rows[:-1_000]), unit(rows[-1_000:])
    pool, asked = held_out(kept_embeddings(count + QUESTIONS))
    return embeddings(count, pool, 5), asked


class Table(HashEmbedder):
    """Gives each text the embedding whose number stands at its end."""

    def __init__(self, rows: Floats, asked: Floats) -> None:
        super().__init__(DIMENSION)
        self._rows, self._asked = rows, asked

    async def embed(self, texts: Sequence[str]) -> Floats:
        numbers = [int(text.rsplit(" ", 1)[1]) for text in texts]
        return self._rows[np.array(numbers) % len(self._rows)]

    async def embed_query(self, text: str) -> Floats:
        return self._asked[int(text.rsplit(" ", 1)[1]) % len(self._asked)]


def size_of(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def texts() -> list[str]:
    return [text for session in load()["sessions"] for _, text in session["turns"]]


def ms(values: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(1_000 * statistics.median(values), 2),
        "best": round(1_000 * min(values), 2),
        "worst": round(1_000 * max(values), 2),
    }


# what runs in a process of its own ----------------------------------------------------------------


async def fill(config: MemoryConfig, count: int) -> dict[str, Any]:
    """Save so many memories with the exact index."""
    said = texts()
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        for start in range(0, count, 500):
            batch = [f"{said[n % len(said)]} {n}" for n in range(start, min(start + 500, count))]
            await memory.save(batch, session_id=f"s{start // 50}")
    return {}


async def is_caught_up(vault: Vault) -> bool:
    outer = vault.engine.outer
    if outer is None:
        return True
    end = await vault.engine.store.read("ada", lambda user: user.feed.end())
    mark = await anyio.to_thread.run_sync(outer._index.mark, outer.feed.part("ada"))  # noqa: SLF001
    return mark == end


async def catch_up(vault: Vault, look_s: float = 0.01) -> None:
    while not await is_caught_up(vault):  # noqa: ASYNC110 - another process may do the work
        await anyio.sleep(look_s)


async def take_in(config: MemoryConfig, _count: int) -> dict[str, Any]:
    """Seconds until the index has all of what is there."""
    start = clock()
    async with Vault(config) as vault:
        await catch_up(vault, 0.5)
        return {"taken_in_s": round(clock() - start, 2)}


async def measure(config: MemoryConfig, count: int) -> dict[str, Any]:
    """Open, first recall, recalls, saves, memory."""
    questions = [f"Which one is it, {i}" for i in range(QUESTIONS)]
    before = resident_mb()
    start = clock()
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        opened = clock() - start
        await memory.recall(questions[0], top_k=TOP)
        first = clock() - start
        await memory.recall(questions[0], top_k=TOP)
        took, found = [], []
        for question in questions:
            start = clock()
            result = await memory.recall(question, top_k=TOP, token_budget=100_000)
            took.append(clock() - start)
            found.append([one.memory.id for one in result.memories])
        resident = round(resident_mb() - before, 1)
        raw = await of_index(vault, config)
        saves = []
        for i in range(SAVES):
            await catch_up(vault)
            start = clock()
            await memory.save(f"Something else, number {count + i}")
            saves.append(clock() - start)
        start = clock()
        await catch_up(vault)
        behind = clock() - start
        health = (await vault.health()).index
    return {
        "open_ms": round(1_000 * opened, 1),
        "first_recall_ms": round(1_000 * first, 1),
        "recall_ms": ms(took),
        "save_ms": ms(saves),
        "behind_after_a_save_ms": round(1_000 * behind, 1),
        "resident_mb_more": resident,
        "index_alone": raw,
        "health": health,
        "found": found,
    }


async def of_index(vault: Vault, config: MemoryConfig) -> dict[str, Any]:
    """The outer index by itself: its nearest against the nearest there are."""
    outer = vault.engine.outer
    if outer is None:
        return {}
    table = config.embedder
    assert isinstance(table, Table)
    numbers, rows = await vault.engine.store.read(
        "ada", lambda user: user.feed.chunks_after(0, 1 << 30)
    )
    found: dict[str, Any] = {}
    for limit in (TOP, 2_000):
        took, shares = [], []
        for asked in table._asked[:QUESTIONS]:  # noqa: SLF001
            start = clock()
            near = outer._index.search(outer.feed.part("ada"), asked, limit)  # noqa: SLF001
            took.append(clock() - start)
            assert near is not None
            best = numbers[np.argsort(-(rows @ asked), kind="stable")[:TOP]]
            shares.append(np.isin(best, near.numbers).mean())
        found[f"asked for {limit}"] = {
            "ms": ms(took),
            f"recall@{TOP}": round(float(np.mean(shares)), 4),
        }
    return found


STEPS = {"fill": fill, "take_in": take_in, "measure": measure}


def child(name: str, folder: str, index: str, kind: str, count: str) -> None:
    rows, asked = vectors(kind, int(count))
    config = MemoryConfig(
        data_dir=folder, embedder=Table(rows, asked), index=index, preload=False, fact_sources=()
    )
    config = replace(config, compress_after_days=None)
    sys.stdout.write(json.dumps(anyio.run(STEPS[name], config, int(count))))


# the processes ------------------------------------------------------------------------------------


def run(*args: object) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Server:
    """`chroma run` on loopback."""

    def __init__(self, folder: Path) -> None:
        import httpx

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [Path(sys.executable).with_name("chroma"), "run", "--path", folder]
        self._process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        )
        while True:
            try:
                httpx.get(f"{self.url}/api/v2/heartbeat")
                break
            except httpx.TransportError:
                time.sleep(0.1)

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def one_size(kind: str, count: int, work: Path) -> dict[str, Any]:
    """All three ways at one size, each with a copy of one vault."""
    start = work / "start"
    run("fill", start, "exact", kind, count)
    found: dict[str, Any] = {}
    for way in ("exact", "embedded", "served"):
        folder, server = work / way, None
        shutil.copytree(start, folder)
        index = {"exact": "exact", "embedded": "chroma"}.get(way, "")
        if way == "served":
            server = Server(work / "server")
            index = f"chroma:{server.url}"
        try:
            figures = run("take_in", folder, index, kind, count)
            figures |= run("measure", folder, index, kind, count)
            if server is not None:
                figures["server_resident_mb"] = server.resident_mb()
        finally:
            if server is not None:
                server.stop()
        figures["files_mb"] = round(size_of(folder / "users") / 1e6, 1)
        index_folder = work / "server" if way == "served" else folder / "chroma"
        figures["index_mb"] = round(size_of(index_folder) / 1e6, 1)
        found[way] = figures
        print(kind, count, way, {k: v for k, v in figures.items() if k != "found"}, flush=True)
    exact = found["exact"].pop("found")
    for way in ("embedded", "served"):
        pairs = zip(exact, found[way].pop("found"), strict=True)
        shares = [len(set(a) & set(b)) / max(1, len(a)) for a, b in pairs]
        found[way][f"recall@{TOP}"] = round(statistics.mean(shares), 4)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--kinds", default="real,random")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "chroma.json")
    given = parser.parse_args()
    import chromadb

    kept = len(kept_embeddings(1 << 30))
    before = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    figures: dict[str, Any] = {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "chromadb": chromadb.__version__,
        "dimension": DIMENSION,
        "real embeddings": kept,
        "sizes": before.get("sizes", {}),
    }
    kinds = [one for one in given.kinds.split(",") if one != "real" or kept]
    for count in map(int, given.sizes.split(",")):
        for kind in kinds:
            of = {
                "date": datetime.now(UTC).date().isoformat(),
                "commit": commit(),
                "load before": round(os.getloadavg()[0], 2),
            }
            with tempfile.TemporaryDirectory() as work:
                of |= one_size(kind, count, Path(work))
            figures["sizes"].setdefault(str(count), {})[kind] = of
            given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
