"""A vault's file read with aiosqlite by another process while the vault writes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from memory_vault import MemoryConfig, MemoryLayer, Vault

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.extras,
    pytest.mark.skipif(
        importlib.util.find_spec("aiosqlite") is None, reason="aiosqlite is missing"
    ),
]

READER = """
import asyncio, json, sys
import aiosqlite

async def main(url):
    counts, checks = [], set()
    for _ in range(10_000):  # each time a connection of its own: closing is what is dangerous
        async with aiosqlite.connect(url, uri=True) as db:
            rows = await db.execute_fetchall("SELECT content, metadata FROM v_memories")
            assert all(content == f"row {json.loads(m)['n']}" for content, m in rows), rows
            counts.append(len(rows))
            checks.add((await db.execute_fetchall("PRAGMA integrity_check"))[0][0])
            try:
                await db.execute("DELETE FROM memories")
                checks.add("written")
            except aiosqlite.OperationalError as error:
                checks.add(str(error))
        if counts[-1] >= 60:
            break
    print(json.dumps([counts, sorted(checks)]))

asyncio.run(main(sys.argv[1]))
"""


def file_of(data_dir: Path, user_id: str) -> Path:
    digits = hashlib.sha256(user_id.encode()).hexdigest()
    return data_dir / "users" / digits[:2] / f"{digits}.db"


async def test_it_reads_while_the_vault_writes(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        await memory.save("row 0", metadata={"n": 0})
        url = f"{file_of(vault.config.data_dir, 'alice').as_uri()}?mode=ro"
        async with await anyio.open_process(
            [sys.executable, "-c", READER, url], stderr=subprocess.STDOUT
        ) as reader:
            for n in range(1, 60):
                await memory.save(f"row {n}", metadata={"n": n})
                await anyio.sleep(0.02)
            assert reader.stdout is not None
            said = b"".join([piece async for piece in reader.stdout])
        counts, checks = json.loads(said)
        assert counts == sorted(counts)
        assert 1 <= counts[0] < counts[-1] == 60
        assert len(set(counts)) > 3, "it was not read while it was written"
        assert checks == ["attempt to write a readonly database", "ok"]
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert (await memory.stats()).total == 60
        assert (await vault.check()).is_ok
