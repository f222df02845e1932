"""Facts read by a language model, under kills and cancellation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.faults.children import child
from tests.faults.test_cancel import SCOPES, WAYS, Way

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.llm import LanguageModel
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.faulty_disk import EXIT_CODE

pytestmark = pytest.mark.anyio
WITHIN_S = 60
MANY = 200
READER = """
import json
from memory_vault.testing.llms import ScriptedModel

TOWNS = ("Lisbon", "Braga", "Porto")

def answer(prompt):
    text = json.loads(prompt)["text"]
    found = [
        {"subject": "last ferry", "value": town, "quote": town,
         "text": f"User took the ferry to {town}."}
        for town in TOWNS if town in text
    ]
    return json.dumps({"facts": found})

async def fill(memory):
    for town in TOWNS:
        await memory.save([f"Off to {town} with the ferry.", "I live in Ghent.", "Nothing else."])
"""
_named: dict[str, object] = {}
exec(READER, _named)  # the children run the same
fill: Callable[[MemoryLayer], Awaitable[None]] = _named["fill"]  # type: ignore[assignment]
WANTED = [
    ("User lives in Ghent.", True),
    ("User took the ferry to Braga.", False),
    ("User took the ferry to Lisbon.", False),
    ("User took the ferry to Porto.", True),
]


def reader() -> LanguageModel:
    return _named["ScriptedModel"](_named["answer"])  # type: ignore[operator,no-any-return]


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(
        data_dir=tmp_path / "vault",
        embedder=HashEmbedder(),
        durability="process",
        preload=False,
        job_retry_s=0,
        job_lease_s=0.1,
        llm=reader(),
        llm_facts_after_s=0,
    )


async def read(memory: MemoryLayer) -> None:
    """Wait until all that was saved is read."""
    with anyio.fail_after(WITHIN_S):
        while jobs := [one for one in (await memory.list_jobs()).items if not one.is_finished]:
            await memory._vault.engine.runner.wait(memory.user_id, jobs[0].id)
    assert [one.error for one in (await memory.list_jobs()).items if one.state != "done"] == []


async def state(memory: MemoryLayer) -> list[tuple[str, bool]]:
    """The facts, and which of them hold."""
    found = (await memory.list_memories(page_size=1_000)).items
    return sorted((one.content, one.valid_to is None) for one in found if one.derived_from)


_KILLED = (
    READER
    + """
import os
from dataclasses import replace
from memory_vault.testing.faulty_disk import FaultyDisk
config = replace(
    config, durability="process", preload=False, job_retry_s=0, job_lease_s=0.1,
    llm=ScriptedModel(answer), llm_facts_after_s=0,
)

async def main():
    async with MemoryLayer("alice", config=config) as memory:
        while jobs := [one for one in (await memory.list_jobs()).items if not one.is_finished]:
            await memory._vault.engine.runner.wait("alice", jobs[0].id)
    os._exit(0)

with FaultyDisk(config.data_dir, "exit", int(rest[0])):
    anyio.run(main, backend=backend)
"""
)


async def test_killed_at_any_write_it_is_resumed_with_the_same_end(
    config: MemoryConfig, anyio_backend: str
) -> None:
    points = 0
    for at in range(1, 1_000, 7 if anyio_backend == "asyncio" else 9):
        settings = replace(config, data_dir=config.data_dir.parent / str(at))
        async with MemoryLayer("alice", config=replace(settings, llm_facts_after_s=0.2)) as memory:
            await fill(memory)
        with child(_KILLED, settings.data_dir, anyio_backend, str(at)) as one:
            _, complaints = await anyio.to_thread.run_sync(one.process.communicate)
        assert one.process.returncode in (0, EXIT_CODE), complaints
        if one.process.returncode == 0:
            break
        points += 1
        async with MemoryLayer("alice", config=settings) as memory:
            await read(memory)
            assert await state(memory) == WANTED
            assert (await memory._vault.check()).problems == ()
    assert points > 3


@pytest.mark.parametrize(("anyio_backend", "way"), [*SCOPES, WAYS[2]])
async def test_a_save_that_is_cancelled_is_read_with_it_or_not_at_all(
    anyio_backend: str, way: Way, config: MemoryConfig
) -> None:
    """Cancelled at each of its points: what is stored is read, and nothing else is noted."""
    async with Vault(replace(config, job_lease_s=15)) as vault:
        for n in range(1, MANY):
            async with MemoryLayer(f"user {n}", vault=vault) as memory:
                with anyio.fail_after(WITHIN_S):
                    was_cancelled = await way(
                        lambda m=memory: m.save("Off to Porto with the ferry."), n
                    )
                stored = (await memory.stats()).total > 0
                await read(memory)
                expected = [("User took the ferry to Porto.", True)] if stored else []
                assert await state(memory) == expected
            if not was_cancelled:
                return
    pytest.fail("the call never ended")
