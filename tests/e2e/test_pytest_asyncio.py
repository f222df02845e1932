"""An application's own tests, under pytest-asyncio in strict mode, with ordinary fixtures.

A yield fixture of pytest-asyncio may run its two halves in different tasks, so this also shows
that a vault and a layer can be opened in one task and closed in another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from memory_vault import MemoryConfig, MemoryLayer, NotOpen, Vault
from memory_vault.testing.embedders import HashEmbedder


class Assistant:
    """The application: answers with what it remembers of its user."""

    def __init__(self, memory: MemoryLayer) -> None:
        self._memory = memory

    async def hear(self, text: str) -> None:
        await self._memory.save(text)

    async def prompt(self, question: str) -> str:
        found = await self._memory.recall(question, token_budget=200)
        return f"{found.prompt_block}\n{question}"


@pytest_asyncio.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    async with Vault(MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder())) as vault:
        yield vault


@pytest_asyncio.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("alice", vault=vault) as memory:
        yield memory


@pytest_asyncio.fixture
async def assistant(memory: MemoryLayer) -> Assistant:
    return Assistant(memory)


@pytest.mark.asyncio
async def test_it_remembers(assistant: Assistant) -> None:
    await assistant.hear("My sister plays the cello.")
    assert "plays the cello" in await assistant.prompt("Which instrument does my sister play?")


@pytest.mark.asyncio
async def test_each_test_starts_empty(assistant: Assistant) -> None:
    assert await assistant.prompt("Which instrument?") == "\nWhich instrument?"


@pytest.mark.asyncio
async def test_requests_of_several_users_at_once(vault: Vault) -> None:
    async def request(user: str) -> str:
        async with MemoryLayer(user, vault=vault) as memory:
            await memory.save(f"My name is {user}.")
            return (await memory.recall("What is my name?")).prompt_block

    users = [f"user{i}" for i in range(10)]
    blocks = await asyncio.gather(*map(request, users))
    for user, block in zip(users, blocks, strict=True):
        assert f"My name is {user}." in block
        assert block.count("My name is") == 1


@pytest.mark.asyncio
async def test_a_deadline_leaves_the_layer_usable(memory: MemoryLayer) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await memory.save("too late")
    await memory.save("in time")
    page = await memory.list_memories()
    assert [one.content for one in page.items] == ["in time"]


@pytest.mark.asyncio
async def test_opened_in_one_task_and_closed_in_another(tmp_path: Path) -> None:
    config = MemoryConfig(data_dir=tmp_path / "own", embedder=HashEmbedder())
    memory = MemoryLayer("alice", config=config)
    await asyncio.create_task(memory.open())
    await memory.save("tea")
    await asyncio.create_task(memory.close())
    with pytest.raises(NotOpen):
        await memory.stats()


@pytest.mark.asyncio
async def test_opened_first_and_closed_first(tmp_path: Path) -> None:
    layers = [
        MemoryLayer(name, config=MemoryConfig(data_dir=tmp_path / name, embedder=HashEmbedder()))
        for name in ("first", "second")
    ]
    for one in layers:
        await one.open()
    for one in layers:
        await one.save("tea")
        await one.close()
