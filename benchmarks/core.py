"""Time what a user waits for: start, ingest and recall, as ratios to the embedding alone.

Usage: python benchmarks/core.py [OUT.json]     (the model must be installed)
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import numpy as np

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.demo import load

ROOT = Path(__file__).parent
START = """
import time; begin = time.perf_counter()
import anyio, sys
from memory_vault import MemoryConfig, MemoryLayer
async def main():
    async with MemoryLayer("bench", config=MemoryConfig(data_dir=sys.argv[1])) as memory:
        assert (await memory.recall("Where do I live?")).prompt_block
anyio.run(main)
"""
MEMORIES = 10_000


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    await call()
    return (time.perf_counter() - begin) * 1_000


def process_ms(*arguments: str) -> float:
    """Median milliseconds of a whole Python process, of five."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - begin) * 1_000)
    return statistics.median(times)


async def ingest(data_dir: str, texts: list[str]) -> dict[str, float]:
    """A whole conversation against the embedder alone on the same texts; best of five each."""
    raw, saved = [], []
    for i in range(5):
        async with MemoryLayer("bench", config=MemoryConfig(data_dir=data_dir)) as memory:
            embedder = memory._vault.engine.embedder  # noqa: SLF001
            await embedder.open()
            fresh = [f"{text} ({i})" for text in texts]
            raw.append(await timed(partial(embedder.embed, fresh)))
            saved.append(await timed(partial(memory.save, fresh, session_id="s")))
    return {"embed_ms": min(raw), "save_ms": min(saved), "share_of_raw": min(raw) / min(saved)}


async def recall(data_dir: str, texts: list[str]) -> dict[str, float]:
    """Recall at 10,000 memories: the question's embedding, and all else."""
    config = MemoryConfig(data_dir=data_dir)
    async with MemoryLayer("many", config=config) as memory:
        embedder = memory._vault.engine.embedder  # noqa: SLF001
        await fill(memory, texts)
        await memory.recall(texts[0])
        embeds, recalls = [], []
        for i in range(100):
            question = f"What did I say about {texts[i % len(texts)][:40]}?"
            embeds.append(await timed(partial(embedder.embed_query, question)))
            recalls.append(await timed(partial(memory.recall, question)))
    rest = [whole - part for whole, part in zip(recalls, embeds, strict=True)]
    return {
        "embed_p50_ms": statistics.median(embeds),
        "recall_p50_ms": statistics.median(recalls),
        "rest_p50_ms": statistics.median(rest),
    }


@contextmanager
def random_embeddings(memory: MemoryLayer) -> Iterator[None]:
    """Save with random embeddings: what is timed later does not depend on them."""
    embedder = memory._vault.engine.embedder  # noqa: SLF001
    random, real = np.random.default_rng(0), embedder.embed

    async def quick(given: list[str]) -> object:
        rows = random.normal(size=(len(given), 384)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    embedder.embed = quick  # type: ignore[method-assign]
    yield
    embedder.embed = real  # type: ignore[method-assign]


async def fill(memory: MemoryLayer, texts: list[str], count: int = MEMORIES) -> None:
    """So many memories with random embeddings."""
    await memory._vault.engine.embedder.open()  # noqa: SLF001
    with random_embeddings(memory):
        for start in range(0, count, 500):
            batch = [f"{texts[n % len(texts)]} {n}" for n in range(start, start + 500)]
            await memory.save(batch, session_id=f"s{start // 50}")


def commit() -> str:
    """The commit that is measured."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "results/core.json")
    out = parser.parse_args().out
    texts = [text for session in load()["sessions"] for _, text in session["turns"]]
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "machine": {
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
            },
            "ingest": anyio.run(ingest, folder, texts),
            "recall_at_10000": anyio.run(recall, folder, texts),
        }
        bare = process_ms("-c", "pass")
        figures["start"] = {
            "import_ms_above_python": process_ms("-c", "import memory_vault") - bare,
            "help_ms_above_python": process_ms("-m", "memory_vault", "--help") - bare,
            "process_to_first_block_ms": process_ms("-c", START, folder),
        }
    text = json.dumps(figures, indent=1)
    out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
