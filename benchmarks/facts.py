"""What reading facts costs: of the readers alone, and of saving with and without them.

    python benchmarks/facts.py longmemeval_s_dev.json.gz --json benchmarks/results/facts.json

Turns of users, each saved in a call of its own, by a vault that reads facts and one that does not,
in turns within one run; best of three. The model's time is in it: what is embedded more is counted.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import anyio
from fact_readers import turns_of

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.bench.recall import commit
from memory_vault.text.facts import read_facts

MOMENT = datetime(2023, 6, 1, 12, tzinfo=UTC)


def readers(texts: list[str]) -> dict[str, float]:
    """Milliseconds of CPU a turn that the readers take."""
    took = []
    for text in texts:
        start = time.process_time_ns()
        read_facts(text, MOMENT)
        took.append((time.process_time_ns() - start) / 1e6)
    short = [ms for ms, text in zip(took, texts, strict=True) if len(text) <= 300]
    ordered = sorted(took)
    return {
        "turns": len(texts),
        "mean_ms": round(sum(took) / len(took), 4),
        "mean_short_ms": round(sum(short) / len(short), 4),
        "p99_ms": round(ordered[int(0.99 * len(ordered))], 3),
        "worst_ms": round(ordered[-1], 3),
    }


async def saving(texts: list[str], sources: tuple[str, ...]) -> dict[str, float]:
    """Turns a second, and facts found."""
    with tempfile.TemporaryDirectory() as folder:
        config = MemoryConfig(data_dir=Path(folder), durability="process", fact_sources=sources)
        async with MemoryLayer("ada", config=config) as memory:
            await memory.save("Warm up.")
            facts, start = 0, time.perf_counter()
            for text in texts:
                facts += len((await memory.save(text, occurred_at=MOMENT)).facts)
            return {"per_s": len(texts) / (time.perf_counter() - start), "facts": facts}


async def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    texts = await anyio.to_thread.run_sync(lambda: list(turns_of(options.file).values()))
    chosen = Random(1).sample([one for one in texts if len(one) <= 600], options.turns)
    stated = [one for one in texts if len(one) <= 600 and read_facts(one, MOMENT)][: options.turns]
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {platform.python_version()}",
        "commit": await commit(),
        "readers": readers(texts),
    }
    for name, some in (("any turns", chosen), ("turns that state facts", stated)):
        best: dict[str, dict[str, float]] = {"with": {"per_s": 0.0}, "without": {"per_s": 0.0}}
        for _ in range(3):
            for kind, sources in (("with", ("user",)), ("without", ())):
                found = await saving(some, sources)
                best[kind] = max(best[kind], found, key=lambda one: one["per_s"])
        ratio = round(best["with"]["per_s"] / best["without"]["per_s"], 3)
        result[name] = {"turns": len(some), **best, "ratio": ratio}
    shown = json.dumps(result, indent=1)
    print(shown)
    if options.json:
        await anyio.to_thread.run_sync(partial(options.json.write_text, shown + "\n"))


if __name__ == "__main__":
    anyio.run(main)
