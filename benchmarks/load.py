"""Time single and concurrent saves, the event loop's stalls under load, and resident memory.

Usage: python benchmarks/load.py [OUT.json] [PART …] [--memories N] [--loop NAME]

The model must be installed. Parts are `saves`, `loop`, `jobs` and `memory`; all unless told.
100,000 memories unless told, a tenth of them for `jobs`. What is compared is measured in one run,
turn and turn about, best of three.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
from core import commit, random_embeddings, timed

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.demo import load
from memory_vault.testing.loop import LoopWatch

ROOT = Path(__file__).parent
CLIENTS = 64
ROUNDS = 3
LOAD_S = 20
JOBS = 10
TURNS = 40
"""Of one session that is compressed."""
LOOPS = ("asyncio", "trio")


class Texts:
    """Short turns, never the same twice."""

    def __init__(self) -> None:
        sessions = load()["sessions"]
        turns = [text for session in sessions for _, text in session["turns"]]
        self.turns = [text for text in turns if 30 <= len(text) <= 90]
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{self.turns[self._count % len(self.turns)]} ({self._count})"

    def of_tokens(self, tokens: int) -> str:
        """About that many tokens, each a word."""
        self._count += 1
        return f"number {self._count} " + "word " * (tokens - 6)


def sync_ms(folder: str) -> float:
    """Median milliseconds of what a durable save cannot do without: one sync of 8 KB."""
    times = []
    with (Path(folder) / "sync").open("wb") as file:
        for _ in range(100):
            begin = time.perf_counter()
            file.write(b"x" * 8_192)
            file.flush()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begin) * 1_000)
    return statistics.median(times)


# saves --------------------------------------------------------------------------------------------


async def saves(folder: str) -> dict[str, object]:
    """One save, a first save, an open, bulk, and many at once against one after another."""
    texts = Texts()
    config = MemoryConfig(data_dir=Path(folder) / "vault")
    async with Vault(config) as vault:
        await vault.engine.embedder.open()
        layers = [MemoryLayer(f"user {i}", vault=vault) for i in range(CLIENTS)]
        firsts = []
        for layer in layers:
            await layer.open()
            firsts.append(await timed(partial(layer.save, texts.next())))
        single = await single_saves(layers[0], texts)
        found: dict[str, object] = {
            "sync_p50_ms": sync_ms(folder),
            "single": single,
            "first_save_above_embedding_p50_ms": statistics.median(firsts) - single["embed_p50_ms"],
            "bulk": await bulk(layers[1], texts),
            "one_user": await at_once([layers[0]] * CLIENTS, texts),
            "64_users": await at_once(layers, texts),
        }
    return {**found, "open_user_of_100": await opening(config, texts)}


async def single_saves(memory: MemoryLayer, texts: Texts) -> dict[str, float]:
    """Saves of one short turn beside the embedding of another."""
    embedder = memory._vault.engine.embedder  # noqa: SLF001
    embeds, whole = [], []
    for _ in range(100):
        embeds.append(await timed(partial(embedder.embed, [texts.next()])))
        whole.append(await timed(partial(memory.save, texts.next())))
    rest = [save - embed for save, embed in zip(whole, embeds, strict=True)]
    return {
        "embed_p50_ms": statistics.median(embeds),
        "save_p50_ms": statistics.median(whole),
        "rest_p50_ms": statistics.median(rest),
        "rest_of_best_ms": min(whole) - min(embeds),
    }


async def bulk(memory: MemoryLayer, texts: Texts) -> dict[str, float]:
    """A conversation of 200 turns against the embedder alone; best of some."""
    embedder = memory._vault.engine.embedder  # noqa: SLF001
    raw, saved = [], []
    for _ in range(ROUNDS):
        raw.append(await timed(partial(embedder.embed, [texts.next() for _ in range(200)])))
        saved.append(await timed(partial(memory.save, [texts.next() for _ in range(200)])))
    return {"embed_ms": min(raw), "save_ms": min(saved), "share_of_raw": min(raw) / min(saved)}


async def at_once(layers: Sequence[MemoryLayer], texts: Texts) -> dict[str, float]:
    """As many saves as there are layers, one after another and all at once; best of some."""

    async def in_turn() -> None:
        for layer in layers:
            await layer.save(texts.next())

    async def together() -> None:
        async with anyio.create_task_group() as group:
            for layer in layers:
                group.start_soon(layer.save, texts.next())

    turns, at_once_ms = [], []
    for _ in range(ROUNDS):
        turns.append(await timed(in_turn))
        at_once_ms.append(await timed(together))
    return {
        "in_turn_ms": min(turns),
        "at_once_ms": min(at_once_ms),
        "ratio": min(turns) / min(at_once_ms),
    }


async def opening(config: MemoryConfig, texts: Texts) -> dict[str, float]:
    """What the first recall of a user of 100 memories costs above later ones.

    The question's embedding is made before: its own spread is as large as what is looked for.
    """
    names = [f"user of 100, {i}" for i in range(20)]
    async with Vault(config) as vault:
        for name in names:
            async with MemoryLayer(name, vault=vault) as memory:
                with random_embeddings(memory):
                    await memory.save([texts.next() for _ in range(100)])
    above = []
    async with Vault(config) as vault:
        embedder = vault.engine.embedder
        await embedder.open()
        known = await embedder.embed_query("Where do I live?")

        async def ready(_: str) -> object:
            return known

        embedder.embed_query = ready  # type: ignore[method-assign,assignment]
        for name in names:
            begin = time.perf_counter()
            async with MemoryLayer(name, vault=vault) as memory:
                await memory.recall("Where do I live?")
                first = (time.perf_counter() - begin) * 1_000
                later = [await timed(partial(memory.recall, "Where do I live?")) for _ in range(5)]
            above.append(first - statistics.median(later))
    return {"above_warm_recall_p50_ms": statistics.median(above)}


# the event loop -----------------------------------------------------------------------------------


async def fill(memory: MemoryLayer, texts: Texts, size: int, each: Callable[[int], None]) -> None:
    """Save that many memories with random embeddings; `each` is told how many there are."""
    with random_embeddings(memory):
        for start in range(0, size, 500):
            batch = [texts.next() for _ in range(500)]
            await memory.save(batch, session_id=f"s{start // 50}")
            each(start + 500)


async def loop_stalls(folder: str, size: int) -> dict[str, object]:
    """64 clients save and recall over many memories: as fast as they can, then at half the rate."""
    texts = Texts()
    async with MemoryLayer("many", config=MemoryConfig(data_dir=Path(folder))) as memory:
        if not (await memory.stats()).total:
            await fill(memory, texts, size, lambda _: None)
        await memory.recall(texts.next())
        gc.collect()  # of what filling left behind: Python stands still for 20 to 54 ms meanwhile
        full = await under_load(memory, texts, None)
        half = await under_load(memory, texts, full["calls_per_s"] / 2)
    return {"full": full, "half": half}


async def under_load(
    memory: MemoryLayer, texts: Texts, calls_per_s: float | None
) -> dict[str, float]:
    """Clients that save and recall in turn; with a rate, each call begins at its own moment."""
    calls = 0
    begin = time.perf_counter()

    async def client(number: int) -> None:
        nonlocal calls
        count = 0
        while (now := time.perf_counter() - begin) < LOAD_S:
            if calls_per_s is not None:
                due = (count * CLIENTS + number) / calls_per_s
                await anyio.sleep(max(0.0, due - now))
            if (count + number) % 2:
                await memory.save(texts.next())
            else:
                await memory.recall(f"What did I say about {texts.next()[:40]}?")
            count += 1
            calls += 1

    stolen = stolen_ms()
    async with LoopWatch() as watch, anyio.create_task_group() as group:
        for number in range(CLIENTS):
            group.start_soon(client, number)
    figures = {"calls_per_s": calls / (time.perf_counter() - begin), **stalls(watch)}
    return figures | {"stolen_ms": stolen_ms() - stolen}


def stolen_ms() -> float:
    """What other machines on the same hardware took of this one's cores; 0 where nothing says."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    ticks = path.read_text(encoding="ascii").split("\n", 1)[0].split()
    return 1_000 * int(ticks[8]) / os.sysconf("SC_CLK_TCK")


def stalls(watch: LoopWatch) -> dict[str, float]:
    """How late the loop was."""
    return {
        "p50_ms": watch.quantile(0.5) * 1_000,
        "p99_ms": watch.quantile(0.99) * 1_000,
        "max_ms": watch.max_s * 1_000,
        "idle_tick_late_ms": watch.idle_s * 1_000,
        **watch.histogram(),
    }


# background work ----------------------------------------------------------------------------------


async def job_stalls(folder: str, size: int) -> dict[str, object]:
    """The loop while nothing runs, and while ten users' sessions are compressed; turn about."""
    texts, rounds = Texts(), []
    config = MemoryConfig(
        data_dir=Path(folder), jobs_at_once=JOBS, compress_after_days=None, fact_sources=()
    )
    async with Vault(config) as vault:
        await vault.engine.embedder.open()
        for number in range(ROUNDS):
            layers = [MemoryLayer(f"{number}, {i}", vault=vault) for i in range(JOBS)]
            for layer in layers:
                await layer.open()
                with random_embeddings(layer):
                    for session in range(max(1, size // JOBS // TURNS)):
                        turns = [texts.next() for _ in range(TURNS)]
                        await layer.save(turns, session_id=f"s{session}")
            rounds.append(await jobs_beside(layers))
    best = {kind: min((one[kind] for one in rounds), key=_p99) for kind in rounds[0]}
    return {"best": best, "p99_ratio": best["ten"]["p99_ms"] / best["none"]["p99_ms"]}


def _p99(found: dict[str, float]) -> float:
    return found["p99_ms"]


async def jobs_beside(layers: Sequence[MemoryLayer]) -> dict[str, dict[str, float]]:
    """One round: with the jobs; then for as long without; then beside threads of no Python."""
    begin = time.perf_counter()
    async with LoopWatch() as busy, anyio.create_task_group() as group:
        for layer in layers:
            group.start_soon(partial(layer.compress, wait=True, force=True))
    took = time.perf_counter() - begin
    async with LoopWatch() as idle:
        await anyio.sleep(took)
    with busy_cores():
        async with LoopWatch() as beside:
            await anyio.sleep(took)
    ten = {"jobs_s": took, **stalls(busy)}
    return {"none": stalls(idle), "ten": ten, "cores_busy_elsewhere": stalls(beside)}


@contextmanager
def busy_cores() -> Iterator[None]:
    """A thread a core that never holds the interpreter: what sharing the cores costs by itself."""
    is_over = threading.Event()
    data = bytes(1 << 24)

    def burn() -> None:
        while not is_over.is_set():
            hashlib.sha256(data).digest()

    threads = [threading.Thread(target=burn) for _ in range(os.cpu_count() or 1)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        is_over.set()
        for one in threads:
            one.join()


# memory -------------------------------------------------------------------------------------------


def resident_mb(what: str = "VmRSS") -> float:
    """Resident memory of this process now, or the most that it had ("VmHWM").

    Not `getrusage`: a process begins there with the most that its parent had.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith(what)]
    return int(line.split()[1]) / 1_000


async def resident(folder: str, size: int) -> dict[str, object]:
    """Resident memory with the model and one large user; in a process of its own."""
    texts = Texts()
    at: dict[int, float] = {}
    step = max(size // 4, 500)
    config = MemoryConfig(data_dir=Path(folder) / "vault")

    def note(count: int) -> None:
        if count % step == 0:
            at[count] = resident_mb()

    async with MemoryLayer("many", config=config) as memory:
        await memory.save(texts.next())
        found: dict[str, object] = {"with_the_model_mb": resident_mb()}
        await fill(memory, texts, size, note)
        await memory.export(Path(folder) / "export.jsonl")
        found |= {"while_saving_mb": at, "after_export_mb": resident_mb()}
    async with MemoryLayer("taken over", config=config) as memory:
        await memory.import_(Path(folder) / "export.jsonl")
        found["after_import_mb"] = resident_mb()
    found["most_until_then_mb"] = resident_mb("VmHWM")
    return found


async def indexed(folder: str) -> dict[str, object]:
    """Resident memory after a recall over all, then while 64 texts of 256 tokens are saved."""
    texts = Texts()
    config = MemoryConfig(data_dir=Path(folder) / "vault")
    async with MemoryLayer("many", config=config) as memory:
        await memory.recall(texts.next())
        found: dict[str, object] = {"indexed_mb": resident_mb()}
        for _ in range(2):
            async with anyio.create_task_group() as group:
                for _ in range(CLIENTS):
                    group.start_soon(memory.save, texts.of_tokens(256))
    return {**found, "most_while_64_of_256_tokens_mb": resident_mb("VmHWM")}


def in_child(part: str, *arguments: str) -> dict[str, object]:
    """Measure a part in a process of its own."""
    command = [sys.executable, __file__, "--child", part, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def memory_figures(size: int, _: Sequence[str]) -> dict[str, object]:
    """Resident memory: while it is filled and copied, and when it is opened and used."""
    with tempfile.TemporaryDirectory() as folder:
        filling = in_child("resident", folder, str(size))
        return {"filling": filling, "using": in_child("indexed", folder)}


def loop_figures(size: int, loops: Sequence[str]) -> dict[str, object]:
    """Stalls on both event loops over the same memories."""
    with tempfile.TemporaryDirectory() as folder:
        return {loop: anyio.run(loop_stalls, folder, size, backend=loop) for loop in loops}


def job_figures(size: int, loops: Sequence[str]) -> dict[str, object]:
    """Stalls beside background work, on both event loops."""
    found = {}
    for loop in loops:
        with tempfile.TemporaryDirectory() as folder:
            found[loop] = anyio.run(job_stalls, folder, size // 10, backend=loop)
    return found


def save_figures(_: int, loops: Sequence[str]) -> dict[str, object]:
    """Saves on both event loops."""
    found = {}
    for loop in loops:
        with tempfile.TemporaryDirectory() as folder:
            found[loop] = anyio.run(saves, folder, backend=loop)
    return found


PARTS: dict[str, Callable[[int, Sequence[str]], dict[str, object]]] = {
    "saves": save_figures,
    "loop": loop_figures,
    "jobs": job_figures,
    "memory": memory_figures,
}
CHILDREN: dict[str, Callable[..., Awaitable[dict[str, object]]]] = {
    "resident": lambda folder, size: resident(folder, int(size)),
    "indexed": indexed,
}


def main() -> None:
    """Measure, print, and keep the figures; parts that are not measured stay as they were."""
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(anyio.run(CHILDREN[sys.argv[2]], *sys.argv[3:])))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "results/load.json")
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--loop", choices=LOOPS, action="append")
    given = parser.parse_args()
    figures = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
    for part in given.parts:
        figures[part] = {
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "machine": {
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "load_average_before": os.getloadavg(),
            },
            "memories": given.memories if part != "saves" else None,
            **PARTS[part](given.memories, given.loop or LOOPS),
        }
        text = json.dumps(figures, indent=1)
        given.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
