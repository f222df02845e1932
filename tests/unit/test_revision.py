"""A change made only if the memory still is as it was read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from memory_vault import ChangedMeanwhile, InvalidInput, MemoryConfig, MemoryLayer, NotFound

pytestmark = pytest.mark.anyio


@pytest.fixture
async def memory(hash_config: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", config=hash_config) as layer:
        yield layer


async def test_a_revision_names_the_state(memory: MemoryLayer) -> None:
    first = (await memory.save("tea", metadata={"b": 1, "a": [2]})).saved[0]
    assert (await memory.get(first.id)).revision == first.revision
    second = await memory.update(first.id, importance=1)
    assert second.revision != first.revision
    assert await memory.update(second.id, importance=1) == second
    assert (await memory.update(first.id, importance=first.importance)).revision == first.revision


async def test_a_stale_revision_changes_nothing(memory: MemoryLayer) -> None:
    first = (await memory.save("tea")).saved[0]
    second = await memory.update(first.id, importance=1, if_revision=first.revision)
    with pytest.raises(ChangedMeanwhile, match="again"):
        await memory.update(first.id, content="coffee", if_revision=first.revision)
    with pytest.raises(ChangedMeanwhile):
        await memory.forget(first.id, if_revision=first.revision)
    assert await memory.get(first.id) == second
    await memory.forget(first.id, if_revision=second.revision)
    with pytest.raises(NotFound):
        await memory.update(first.id, importance=0, if_revision=second.revision)


async def test_of_many_who_read_the_same_one_changes_it(memory: MemoryLayer) -> None:
    first = (await memory.save("tea")).saved[0]
    outcomes: list[str] = []

    async def change(number: int) -> None:
        try:
            await memory.update(first.id, importance=number / 10, if_revision=first.revision)
            outcomes.append("changed")
        except ChangedMeanwhile:
            outcomes.append("refused")

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(change, number)
    assert sorted(outcomes) == ["changed"] + ["refused"] * 7


@pytest.mark.parametrize("wrong", ["", "nonsense", "A" * 32, 5])
async def test_what_is_no_revision_is_refused(memory: MemoryLayer, wrong: str) -> None:
    first = (await memory.save("tea")).saved[0]
    with pytest.raises(InvalidInput, match="if_revision"):
        await memory.update(first.id, importance=1, if_revision=wrong)
    with pytest.raises(InvalidInput, match="if_revision"):
        await memory.forget(first.id, if_revision=wrong)


async def test_a_revision_goes_with_one_memory(memory: MemoryLayer) -> None:
    with pytest.raises(InvalidInput, match="memory_id"):
        await memory.forget(origin="tool", if_revision="0" * 32)
