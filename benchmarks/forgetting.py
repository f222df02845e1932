"""Time quick and proven forgetting at several sizes of one user's memory.

Usage: python benchmarks/forgetting.py [OUT.json] [SIZE …]     (10,000 memories unless told)
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import numpy as np

from memory_vault import ForgetReceipt, MemoryConfig, MemoryLayer
from memory_vault.demo import load
from memory_vault.testing.embedders import HashEmbedder

ROOT = Path(__file__).parent
SIZES = (10_000,)
IN_A_SESSION = 500


class RandomEmbedder(HashEmbedder):
    """Embeddings of the usual length; what is timed does not depend on what they say."""

    def __init__(self) -> None:
        super().__init__(384)
        self._random = np.random.default_rng(0)

    async def embed(self, texts: object) -> object:  # type: ignore[override]
        """Rows of length 1."""
        rows = self._random.normal(size=(len(texts), 384)).astype(np.float32)  # type: ignore[arg-type]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


async def fill(memory: MemoryLayer, texts: list[str], size: int) -> list[str]:
    """Save that many memories; the ids of the first five hundred."""
    first: list[str] = []
    for start in range(0, size, 500):
        batch = [f"{texts[n % len(texts)]} {n}" for n in range(start, start + 500)]
        saved = await memory.save(batch, session_id=f"s{start // IN_A_SESSION}")
        first += [one.id for one in saved.saved] if not first else []
    return first


async def timed(call: Callable[[], Awaitable[ForgetReceipt]]) -> dict[str, object]:
    """Seconds of one call, and what its receipt says."""
    begin = time.perf_counter()
    receipt = await call()
    seconds = round(time.perf_counter() - begin, 3)
    assert receipt.state == "done", receipt
    kept = ("files scanned", "bytes scanned", "looked for", "found")
    said = {name: receipt.proof[name] for name in kept if name in receipt.proof}
    return {"seconds": seconds, "memories": receipt.removed["memories"], **said}


async def measure(folder: str, texts: list[str], size: int) -> dict[str, object]:
    """Forget one memory, a session of 500 and everything."""
    config = MemoryConfig(data_dir=Path(folder) / str(size), embedder=RandomEmbedder())
    async with MemoryLayer("bench", config=config) as memory:
        ids = await fill(memory, texts, size)
        stats = await memory.stats()
        last = f"s{(size - 500) // IN_A_SESSION}"
        return {
            "bytes_on_disk": stats.bytes_on_disk,
            "one, quick": await timed(partial(memory.forget, ids[0])),
            "one, proven": await timed(partial(memory.forget, ids[1], proof="proven")),
            "500, proven": await timed(partial(memory.forget, session_id=last, proof="proven")),
            "all, proven": await timed(partial(memory.forget_all, confirm=True, proof="proven")),
        }


def commit() -> str:
    """The commit that is measured."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Measure, print, and keep the figures."""
    texts = [text for session in load()["sessions"] for _, text in session["turns"]]
    sizes = [int(one) for one in sys.argv[2:]] or SIZES
    figures: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
    }
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            figures[f"at_{size}"] = anyio.run(measure, folder, texts, size)
    text = json.dumps(figures, indent=1)
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results/forgetting.json"
    out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
