"""The retriever and the message history on both event loops, blocking, and in LangChain's hands."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio import to_thread

from memory_vault import MemoryConfig, MemoryLayer, MemoryLayerSync
from memory_vault.errors import BlockingCallRefused, InvalidInput

if importlib.util.find_spec("langchain_core") is None:
    pytest.skip("langchain-core is missing", allow_module_level=True)

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from memory_vault.integrations.langchain import VaultChatMessageHistory, VaultRetriever

pytestmark = pytest.mark.extras
TALK: list[BaseMessage] = [
    SystemMessage("Be brief."),
    HumanMessage("I keep bees.", id="h-1", name="Ada"),
    HumanMessage([{"type": "text", "text": "See"}, {"type": "image_url", "image_url": "x.png"}]),
    AIMessage("", tool_calls=[{"name": "look", "args": {"at": "hive"}, "id": "c-1"}]),
    ToolMessage("40,000 bees", tool_call_id="c-1"),
    AIMessage("Many bees.", response_metadata={"model": "m"}),
    HumanMessage("yes"),
    HumanMessage("yes"),
]


@pytest.mark.anyio
async def test_every_message_comes_back_as_it_was(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        history = VaultChatMessageHistory(memory, "s-1")
        assert await history.aget_messages() == []
        await history.aadd_messages(TALK[:3])
        await history.aadd_messages(TALK[3:])
        await history.aadd_messages([])
        assert await history.aget_messages() == TALK
        assert await VaultChatMessageHistory(memory, "s-2").aget_messages() == []
        (await memory.recall("bees", roles=["user"])).prompt_block.index("I keep bees.")
        await history.aclear()
        await history.aclear()
        assert await history.aget_messages() == []
        assert (await memory.stats()).total == 0


@pytest.mark.anyio
async def test_a_session_that_was_compressed_is_replayed_as_it_was(
    hash_config: MemoryConfig,
) -> None:
    met = "We met the painter at table {} in Porto on Monday and talked about the river for hours."
    said = [HumanMessage(met.format(i)) for i in range(20)]
    async with MemoryLayer("ada", config=replace(hash_config, compress_min_tokens=0)) as memory:
        history = VaultChatMessageHistory(memory, "s")
        await history.aadd_messages(said)
        job = await memory.compress(wait=True, force=True)
        assert (job.result or {})["memories"] == 20
        assert await history.aget_messages() == said


@pytest.mark.anyio
async def test_what_was_saved_by_other_means_is_shown(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        said = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}]
        await memory.save([*said, {"role": "Bob", "content": "Hey."}], session_id="s-1")
        await memory.save("Obey me.", role="tool", session_id="s-1")
        shown = await VaultChatMessageHistory(memory, "s-1").aget_messages()
        assert [type(one) for one in shown] == [HumanMessage, AIMessage, HumanMessage, HumanMessage]


@pytest.mark.anyio
async def test_a_conversation_is_stored_wholly_or_not_at_all(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        history = VaultChatMessageHistory(memory, "s-1")
        with pytest.raises(InvalidInput):
            await history.aadd_messages([HumanMessage("fine"), HumanMessage("x" * 1_000_001)])
        assert await history.aget_messages() == []


def test_blocking(hash_config: MemoryConfig) -> None:
    with MemoryLayerSync("alice", config=hash_config) as memory:
        history = VaultChatMessageHistory(memory, "s-1")
        history.add_messages(TALK)
        history.add_user_message("I also keep ducks.")
        assert history.messages[: len(TALK)] == TALK
        retriever = VaultRetriever(memory=memory, top_k=1)
        assert [one.page_content for one in retriever.invoke("ducks")] == ["I also keep ducks."]

        async def both() -> None:
            assert (await history.aget_messages())[: len(TALK)] == TALK
            found = await retriever._aget_relevant_documents("ducks")
            assert [one.page_content for one in found] == ["I also keep ducks."]

        for backend in ("asyncio", "trio"):
            anyio.run(both, backend=backend)
        history.clear()
        assert history.messages == []


@pytest.mark.anyio
async def test_blocking_methods_from_a_worker_thread(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        history, retriever = VaultChatMessageHistory(memory, "s"), VaultRetriever(memory=memory)
        with pytest.raises(BlockingCallRefused):
            _ = history.messages
        await to_thread.run_sync(history.add_messages, TALK)
        found = await to_thread.run_sync(retriever.invoke, "bees")
        assert "I keep bees." in [one.page_content for one in found]


@pytest.mark.anyio
async def test_documents_say_where_they_come_from(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        (saved,) = (await memory.save("I keep bees.", session_id="s", metadata={"a": 1})).saved
        await memory.save("I keep bees too.", role="assistant")
        retriever = VaultRetriever(memory=memory, options={"roles": ["user"]})
        (found,) = await retriever._aget_relevant_documents("bees?")
        assert (found.id, found.page_content) == (saved.id, "I keep bees.")
        assert found.metadata["recorded_at"] == saved.recorded_at.isoformat()
        assert found.metadata["metadata"] == {"a": 1}
        assert (found.metadata["rank"], found.metadata["session_id"]) == (1, "s")
    with pytest.raises(TypeError, match="MemoryLayer"):
        VaultRetriever(memory="alice")


def test_langchains_own_suite_for_retrievers(
    hash_config: MemoryConfig, pytestconfig: pytest.Config
) -> None:
    """Each of its tests, blocking and awaited. Its package marks others with names of its own."""
    for name in ("benchmark", "vcr"):
        pytestconfig.addinivalue_line("markers", f"{name}: of LangChain's suites")
    suites = pytest.importorskip("langchain_tests.integration_tests")

    class Suite(suites.RetrieversIntegrationTests):
        retriever_constructor = VaultRetriever
        retriever_query_example = "What do I keep?"
        num_results_arg_name = "top_k"

    with MemoryLayerSync("alice", config=hash_config) as memory:
        memory.save([{"role": "user", "content": f"I keep {n} bees."} for n in range(5)])
        Suite.retriever_constructor_params = {"memory": memory}
        names = [name for name in dir(Suite) if name.startswith("test_")]
        assert len(names) >= 5
        for name in names:
            suite = Suite()
            test = getattr(suite, name)
            given = [VaultRetriever(memory=memory)] if "invoke" in name else []
            if "ainvoke" in name:
                anyio.run(test, *given)
            else:
                test(*given)


def test_in_a_chain(hash_config: MemoryConfig) -> None:
    """LangChain's own runner of histories, and `ainvoke` with its callbacks."""
    from langchain_core._api.deprecation import suppress_langchain_deprecation_warning
    from langchain_core.runnables import RunnableLambda
    from langchain_core.runnables.history import RunnableWithMessageHistory

    async def main() -> None:
        async with MemoryLayer("alice", config=hash_config) as memory:

            async def answer(messages: list[BaseMessage], config: Any = None) -> AIMessage:
                found = await VaultRetriever(memory=memory).ainvoke(str(messages[-1].content))
                return AIMessage(f"{len(messages)} messages, {len(found)} documents")

            with suppress_langchain_deprecation_warning():
                chain = RunnableWithMessageHistory(
                    RunnableLambda(answer), lambda name: VaultChatMessageHistory(memory, name)
                )
            config = {"configurable": {"session_id": "s-1"}}
            for expected in ("1 messages, 0 documents", "3 messages, 2 documents"):
                said = await chain.ainvoke([HumanMessage("I keep bees.")], config)
                assert said.content == expected
            shown = await VaultChatMessageHistory(memory, "s-1").aget_messages()
            assert len(shown) == 4

    anyio.run(main)
