"""Times of LangGraph's store over a vault: put, get, search, by number of items.

Run on a quiet machine with the extra `langchain`: `.venv/bin/python benchmarks/integrations.py`.
Each figure is the median of the calls of the best of three runs; raw figures go to
benchmarks/results/integrations.json. LangGraph's own store in memory is timed beside, for scale.
"""

from __future__ import annotations

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from langgraph.store.memory import InMemoryStore

from memory_vault import MemoryConfig, Vault
from memory_vault.integrations.langgraph import VaultStore
from memory_vault.testing.embedders import HashEmbedder

SIZES, RUNS, CALLS = (100, 1_000), 3, 50
NAMESPACE = ("alice", "facts")
OUT = Path(__file__).parent / "results" / "integrations.json"


async def median_ms(call: Callable[[int], Awaitable[Any]]) -> float:
    """Median time of one call, in the best of the runs."""
    found = []
    for _ in range(RUNS):
        times = []
        for i in range(CALLS):
            began = time.perf_counter()
            await call(i)
            times.append((time.perf_counter() - began) * 1_000)
        found.append(statistics.median(times))
    return round(min(found), 3)


async def measure(store: Any, size: int) -> dict[str, float]:
    """Times of each operation with that many items in the store."""
    for i in range(size):
        await store.aput(NAMESPACE, f"k{i}", {"fact": f"fact number {i} about bees"})
    return {
        "get": await median_ms(lambda i: store.aget(NAMESPACE, f"k{i}")),
        "get_missing": await median_ms(lambda i: store.aget(NAMESPACE, f"none{i}")),
        "put_over": await median_ms(lambda i: store.aput(NAMESPACE, f"k{i}", {"fact": f"new {i}"})),
        "search_words": await median_ms(lambda i: store.asearch(NAMESPACE, query=f"number {i}")),
        "search_all": await median_ms(lambda _: store.asearch(NAMESPACE)),
    }


async def main() -> None:
    figures: dict[str, Any] = {"vault": {}, "in_memory": {}}
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            config = MemoryConfig(
                data_dir=Path(folder), embedder=HashEmbedder(), durability="process"
            )
            async with Vault(config) as vault:
                figures["vault"][size] = await measure(VaultStore(vault), size)
        figures["in_memory"][size] = await measure(InMemoryStore(), size)
        print(size, figures["vault"][size])
    commit = (await anyio.run_process(["git", "rev-parse", "HEAD"])).stdout.decode().strip()
    about = {"commit": commit, "machine": platform.platform(), "unit": "ms"}
    OUT.write_text(json.dumps({**about, **figures}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    anyio.run(main)
