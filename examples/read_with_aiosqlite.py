"""A vault's file read with aiosqlite, by another process, while the vault writes.

pip install aiosqlite; run it without arguments. docs/guides/interoperation.md says what is safe.
"""

import asyncio
import hashlib
import sys
from pathlib import Path

import aiosqlite
import anyio

from memory_vault import MemoryLayer, Vault

USER = "alice"


def file_of(data_dir: Path, user_id: str) -> Path:
    """Where a user's memory is; the name is a promise of the guide."""
    digits = hashlib.sha256(user_id.encode()).hexdigest()
    return data_dir / "users" / digits[:2] / f"{digits}.db"


async def read(path: Path) -> None:
    """The other program: it knows the views and nothing of memory_vault."""
    async with aiosqlite.connect(f"{path.as_uri()}?mode=ro", uri=True) as db:
        query = "SELECT recorded_at, role, content FROM v_memories ORDER BY recorded_at"
        async with db.execute(query) as rows:
            async for recorded_at, role, content in rows:
                print(f"{recorded_at[:10]} {role}: {content}")


async def write() -> None:
    """The program with the vault: it saves before, during and after the other one reads."""
    async with Vault() as vault, MemoryLayer(USER, vault=vault) as memory:
        await memory.save("My bees swarmed in May.")
        path = file_of(vault.config.data_dir, USER)
        async with anyio.create_task_group() as group:
            group.start_soon(memory.save, "The new queen is called Ada.")
            shown = await anyio.run_process([sys.executable, __file__, str(path)])
        print(shown.stdout.decode(), end="")
        await memory.save("The honey was poor this year.")
        print((await memory.stats()).total, "memories in the vault")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(read(Path(sys.argv[1])))
    else:
        anyio.run(write)
