"""What frameworks are given over a vault that a server has, called with and without `await`."""

from __future__ import annotations

from pathlib import Path

import pytest
from anyio import to_thread
from tests.extras.served.processes import free_port, server, uvicorn
from tests.extras.served.running import served

from memory_vault import MemoryConfig, MemoryLayer, MemoryLayerSync, RemoteVaultSync

pytest.importorskip("langchain_core", reason="needs langchain-core")
pytest.importorskip("langgraph", reason="needs langgraph")

from memory_vault.integrations._calling import Caller
from memory_vault.integrations._files import Files
from memory_vault.integrations.langchain import VaultRetriever
from memory_vault.integrations.langgraph import VaultStore

TEXT = "I moved to Lisbon in May."


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # LangChain itself knows no other
async def test_a_retriever_is_called_both_ways(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as vault, MemoryLayer("ada", vault=vault) as memory:
        await memory.save(TEXT)
        retriever = VaultRetriever(memory=memory)
        awaited = await retriever.ainvoke("Where do I live?")
        assert TEXT in [one.page_content for one in awaited]
        assert await to_thread.run_sync(retriever.invoke, "Where do I live?") == awaited


@pytest.mark.anyio
async def test_a_store_is_called_both_ways(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as vault:
        store = VaultStore(vault)
        await store.aput(("ada", "notes"), "k", {"said": TEXT})
        found = await to_thread.run_sync(store.get, ("ada", "notes"), "k")
        assert found is not None
        assert found.value == {"said": TEXT}


@pytest.mark.anyio
async def test_the_memory_tools_files_are_kept_there(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as vault, MemoryLayer("ada", vault=vault) as memory:
        files = Files(Caller(memory).vault, memory.user_id)
        await files.create("/memories/moves.md", TEXT)
        assert TEXT in await files.view("/memories/moves.md", None)


def test_blocking_objects_reach_it_too(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    port = free_port()
    with server(uvicorn(port), tmp_path / "vault", port):
        with RemoteVaultSync(f"http://127.0.0.1:{port}") as vault:
            store = VaultStore(vault)
            store.put(("ada", "notes"), "k", {"said": TEXT})
            assert store.search(("ada",), query="Lisbon")[0].value == {"said": TEXT}
            with MemoryLayerSync("ada", vault=vault) as memory:
                found = VaultRetriever(memory=memory).invoke("Where do I live?")
                assert TEXT in "".join(one.page_content for one in found)
