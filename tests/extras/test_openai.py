"""Completions and responses with memory around them, and the Agents SDK's sessions."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.errors import MemoryVaultError, NotOpen
from memory_vault.integrations.openai import (
    RememberingCompletions,
    RememberingResponses,
    VaultSession,
)

if importlib.util.find_spec("openai") is None or importlib.util.find_spec("agents") is None:
    pytest.skip("openai or openai-agents is missing", allow_module_level=True)

from openai import AsyncOpenAI
from tests.extras.model_service import Answer, Service, serving

pytestmark = [
    pytest.mark.extras,
    # The SDK never closes the generator in which it reads events; trio says so.
    pytest.mark.filterwarnings(
        "ignore:.*async_generator.*:pytest.PytestUnraisableExceptionWarning"
    ),
]
MODEL = {"model": "gpt-test"}
QUESTION = "What do I play?"
ASK = [{"role": "user", "content": QUESTION}]


@pytest.fixture
async def memory(hash_config: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("alice", session_id="s-1", config=hash_config) as memory:
        yield memory


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{service.url}/v1", api_key="k", max_retries=0) as client:
        yield client


async def saved(memory: MemoryLayer) -> list[tuple[str, str]]:
    found = (await memory.list_memories(session_id="s-1")).items
    return [(one.role, one.content) for one in found]


# completions and responses ------------------------------------------------------------------------


async def completions(api: Any, memory: MemoryLayer, **more: Any) -> Any:
    chat = RememberingCompletions(api.chat.completions, memory, **more)
    return (await chat.create(**MODEL, messages=ASK)).choices[0].message.content


async def streamed_completions(api: Any, memory: MemoryLayer, **more: Any) -> Any:
    chat = RememberingCompletions(api.chat.completions, memory, **more)
    stream = await chat.create(**MODEL, messages=ASK, stream=True)
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


async def responses(api: Any, memory: MemoryLayer, **more: Any) -> Any:
    answer = await RememberingResponses(api.responses, memory, **more).create(**MODEL, input=ASK)
    return answer.output_text


async def responses_to_a_string(api: Any, memory: MemoryLayer, **more: Any) -> Any:
    chat = RememberingResponses(api.responses, memory, **more)
    return (await chat.create(**MODEL, input=QUESTION)).output_text


async def streamed_responses(api: Any, memory: MemoryLayer, **more: Any) -> Any:
    chat = RememberingResponses(api.responses, memory, **more)
    async with await chat.create(**MODEL, input=ASK, stream=True) as stream:
        events = [event async for event in stream]
    return "".join(one.delta for one in events if one.type == "response.output_text.delta")


WAYS = [
    completions,
    streamed_completions,
    responses,
    responses_to_a_string,
    streamed_responses,
]


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_it_recalls_before_and_saves_after(
    memory: MemoryLayer, service: Service, client: AsyncOpenAI, way: Any
) -> None:
    await memory.save("I play the cello.", session_id="s-0")
    text = await way(client, memory)
    assert text.startswith("You told me:")
    assert "cello" in text
    (request,) = service.requests
    sent = (request.get("messages") or request["input"])[-1]["content"]
    assert re.fullmatch(r"<memory>.*</memory>\n\nWhat do I play\?", sent, re.DOTALL)
    assert ASK == [{"role": "user", "content": QUESTION}]
    assert await saved(memory) == [("user", QUESTION), ("assistant", text)]


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_failing_memory_does_not_lose_the_answer(
    hash_config: MemoryConfig, client: AsyncOpenAI, way: Any
) -> None:
    errors: list[MemoryVaultError] = []
    closed = MemoryLayer("alice", config=hash_config)
    assert await way(client, closed, on_error=errors.append) == "I know nothing of that."
    assert [type(one) for one in errors] == [NotOpen, NotOpen]


@pytest.mark.anyio
async def test_a_stream_that_is_cut_is_not_saved(
    memory: MemoryLayer, service: Service, client: AsyncOpenAI
) -> None:
    for way in (streamed_completions, streamed_responses):
        service.script = [Answer("A long answer", events=3)]
        with pytest.raises(Exception, match=r"incomplete|peer closed|Connection"):
            await way(client, memory)
    assert await saved(memory) == []


@pytest.mark.anyio
async def test_only_what_is_new_is_saved(
    memory: MemoryLayer, service: Service, client: AsyncOpenAI
) -> None:
    await memory.save("I play the cello.", session_id="s-0")
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    done = {"type": "function_call_output", "call_id": "c", "output": "cello"}
    part = {"type": "input_text", "text": QUESTION}
    image = {"type": "input_image", "image_url": "x"}
    talk: list[dict[str, Any]] = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": [image, part]},
    ]
    chat = RememberingResponses(client.responses, memory)
    service.script = [Answer(""), Answer("The cello.")]
    await chat.create(**MODEL, input=talk)
    await chat.create(**MODEL, input=[*talk, call, done])
    assert await saved(memory) == [("user", QUESTION), ("assistant", "The cello.")]
    before, after = (one["input"] for one in service.requests)
    assert after[:3] == before
    assert (before[2]["content"][0], before[2]["content"][2]) == (image, part)
    assert before[2]["content"][1]["type"] == "input_text"


# the Agents SDK's sessions ------------------------------------------------------------------------

ITEMS: list[Any] = [
    {"role": "user", "content": "I keep bees."},
    {"role": "user", "content": [{"type": "input_text", "text": "Look."}]},
    {"type": "reasoning", "id": "r", "summary": []},
    {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"at": "hive"}'},
    {"type": "function_call_output", "call_id": "c", "output": "40,000 bees"},
    {"role": "assistant", "content": "", "type": "message"},
    {"role": "user", "content": "yes"},
    {"role": "user", "content": "yes"},
    {"role": "developer", "content": "Be brief."},
    {"type": "function_call_output", "call_id": "d", "output": "x" * 100_000},
]


@pytest.mark.anyio
async def test_every_item_comes_back_as_it_was(memory: MemoryLayer) -> None:
    from agents.memory import Session, SessionSettings

    session = VaultSession("t-1", memory)
    assert isinstance(session, Session)
    assert (await session.get_items(), await session.pop_item()) == ([], None)
    await session.add_items(ITEMS[:4])
    await session.add_items(ITEMS[4:])
    await session.add_items([])
    assert await session.get_items() == ITEMS
    assert await session.get_items(3) == ITEMS[-3:]
    assert await session.get_items(0) == []
    for limited in (SessionSettings(limit=2), {"limit": 2}):
        few = VaultSession("t-1", memory, session_settings=limited)
        assert await few.get_items() == ITEMS[-2:]
    assert await VaultSession("t-2", memory).get_items() == []
    found = (await memory.recall("bees", roles=["user", "assistant"])).memories
    assert [one.memory.content for one in found if "bees" in one.memory.content] == ["I keep bees."]
    assert await session.pop_item() == ITEMS[-1]
    assert await session.get_items() == ITEMS[:-1]
    await session.clear_session()
    await session.clear_session()
    assert (await memory.stats()).total == 0


@pytest.mark.anyio
async def test_what_was_saved_by_other_means_is_shown(memory: MemoryLayer) -> None:
    await memory.save("Hello.", session_id="t-1")
    await memory.save("Obey me.", role="tool", session_id="t-1")
    assert await VaultSession("t-1", memory).get_items() == [
        {"role": "user", "content": "Hello."},
        {"role": "user", "content": "Obey me."},
    ]


@pytest.mark.anyio
async def test_items_popped_by_many_at_once_are_popped_once(memory: MemoryLayer) -> None:
    session = VaultSession("t-1", memory)
    await session.add_items([{"role": "user", "content": str(i)} for i in range(6)])
    popped: list[Any] = []

    async def pop() -> None:
        popped.append(await session.pop_item())

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(pop)
    assert sorted(one["content"] for one in popped) == list("012345")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.sampled_from(ITEMS[:9]), max_size=3)),
        st.tuples(st.just("get"), st.one_of(st.none(), st.integers(1, 4))),
        st.tuples(st.just("pop"), st.none()),
        st.tuples(st.just("clear"), st.none()),
    ),
    max_size=8,
)


def test_it_answers_as_the_sdks_own_session(hash_config: MemoryConfig) -> None:
    from agents.memory import SQLiteSession

    async def step(session: Any, name: str, value: Any) -> Any:
        if name == "add":
            return await session.add_items(value)
        if name == "get":
            return await session.get_items(value)
        return await (session.pop_item() if name == "pop" else session.clear_session())

    async def compare(steps: list[tuple[str, Any]]) -> None:
        async with MemoryLayer("alice", config=hash_config) as memory:
            name = uuid4().hex
            ours, theirs = VaultSession(name, memory), SQLiteSession(name)
            try:
                for one in steps:
                    assert await step(ours, *one) == await step(theirs, *one), one
            finally:
                theirs.close()

    @settings(max_examples=25, deadline=None)
    @given(STEPS)
    def run(steps: list[tuple[str, Any]]) -> None:
        anyio.run(compare, steps)

    run()


def test_an_agent_goes_on_where_it_was(hash_config: MemoryConfig) -> None:
    """The SDK's own runner with a real client; it needs asyncio."""
    import agents

    async def main() -> None:
        with serving() as service:
            async with AsyncOpenAI(base_url=f"{service.url}/v1", api_key="k") as client:
                model = agents.OpenAIResponsesModel(model="gpt-test", openai_client=client)
                agent = agents.Agent(name="Helper", model=model)
                config = agents.RunConfig(tracing_disabled=True)
                async with MemoryLayer("alice", config=hash_config) as memory:
                    for said in ("I keep bees.", "What do I keep?"):
                        session = VaultSession("t-1", memory)
                        await agents.Runner.run(agent, said, session=session, run_config=config)
                    texts = [one.content for one in (await memory.list_memories()).items]
            assert [one["role"] for one in service.requests[1]["input"]] == [
                "user",
                "assistant",
                "user",
            ]
            answer = "I know nothing of that."
            assert texts == ["I keep bees.", answer, "What do I keep?", answer]

    anyio.run(main)
