"""A person over 200 sessions who moves, changes jobs, tastes and plans: what is taken for true.

    python benchmarks/life.py [--seeds 5] [--json benchmarks/results/life.json]

For each seed a life of its own (`tests/people.py`) is told to a vault. At random moments, as the
world stood (`as_of`) and as far as the vault had been told (`known_at`), all facts that it takes
for current are compared with those that are true: before and after reopening, compression, and an
export with an import elsewhere. The embedder is a hash of words: no answer depends on it.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
from core import commit

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.testing.embedders import HashEmbedder

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.people import Life, differences, live

ROUNDS = 5
"""Times that some moments are drawn at each stage."""
CHECKS = 24
"""Comparisons of one round: half of them with `known_at`."""
ANSWER = " ".join(f"Point {n} of a long answer about nothing in particular." for n in range(30))


async def wrong(memory: MemoryLayer, life: Life, known: list[datetime], seed: int) -> list[str]:
    """What was wrong in some rounds of checks."""
    return [
        one
        for number in range(ROUNDS)
        for one in await differences(memory, life, known, seed * 100 + number)
    ]


async def one_life(seed: int, folder: Path) -> dict[str, object]:
    """Tell one life and check it at each stage."""
    config = MemoryConfig(data_dir=folder / "vault", embedder=HashEmbedder(), durability="process")
    life, found = Life(seed), dict[str, list[str]]()
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        known = await live(memory, life, answer=ANSWER)
        stats = await memory.stats()
        counts = await vault.engine.store.read("ada", lambda user: user.records.counts())
        found["as told"] = await wrong(memory, life, known, seed)
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        found["reopened"] = await wrong(memory, life, known, seed + 10)
        job = await memory.compress(wait=True, force=True)
        found["compressed"] = await wrong(memory, life, known, seed + 20)
        await memory.export(folder / "out")
    elsewhere = replace(config, data_dir=folder / "other")
    async with Vault(elsewhere) as vault, MemoryLayer("eve", vault=vault) as memory:
        await memory.import_(folder / "out")
        found["exported and imported"] = await wrong(memory, life, known, seed + 30)
    return {
        "sessions": len(life.talks),
        "told late": life.late,
        "turns": sum(len(talk.turns) + 1 for talk in life.talks),
        "events": sum(len(talk.events) for talk in life.talks),
        "statements": counts["statement"],
        "facts": stats.memories.get("semantic", 0),
        "changes": stats.versions,
        "sessions compressed": job.result["sessions"],
        "checks": dict.fromkeys(found, ROUNDS * CHECKS),
        "wrong": {stage: len(one) for stage, one in found.items()},
    }


async def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    begin, lives = time.perf_counter(), {}
    for seed in range(1, given.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            lives[f"seed {seed}"] = await one_life(seed, Path(folder))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": f"{platform.machine()}, {platform.python_version()}",
        "seconds": round(time.perf_counter() - begin, 1),
        "lives": lives,
    }
    shown = json.dumps(result, indent=1)
    print(shown)
    if given.json:
        await anyio.to_thread.run_sync(partial(given.json.write_text, shown + "\n"))


if __name__ == "__main__":
    anyio.run(main)
