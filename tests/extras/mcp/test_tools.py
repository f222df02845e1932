"""Every tool, resource and prompt, over the SDK's own client in the same process."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault._stages import stage
from memory_vault.testing.embedders import HashEmbedder

if importlib.util.find_spec("mcp") is None:
    pytest.skip("mcp is missing", allow_module_level=True)

from jsonschema import Draft202012Validator
from mcp import Client, MCPError

from memory_vault.mcp.memories import Memories
from memory_vault.mcp.progress import stages_told, telling
from memory_vault.mcp.server import build
from memory_vault.mcp.tools import TOOLS

pytestmark = [pytest.mark.extras, pytest.mark.anyio]
LISBON = "Alice lives in Lisbon."


@asynccontextmanager
async def served(
    config: MemoryConfig, *, mode: str = "legacy", **how: Any
) -> AsyncIterator[tuple[Client, Memories]]:
    """A client, and the server's memories; "legacy" is JSON-RPC after a handshake."""
    async with Memories(config, user_id="alice", **how) as memories:
        with stages_told():
            async with Client(build(memories), mode=mode) as client:
                yield client, memories


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    done = await client.call_tool(name, arguments)
    assert not done.is_error, done.content[0].text
    found: dict[str, Any] = done.structured_content
    return found


async def refused(client: Client, name: str, **arguments: Any) -> str:
    done = await client.call_tool(name, arguments)
    assert done.is_error
    return str(done.content[0].text)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_what_is_saved_is_recalled_listed_and_forgotten(
    hash_config: MemoryConfig, mode: str
) -> None:
    async with served(hash_config, mode=mode) as (client, _):
        saved = (await call(client, "save", content=LISBON, memory_type="semantic"))["saved"]
        done = await client.call_tool("recall", {"query": "Where does Alice live?"})
        assert done.content[0].text.startswith("<memory>\n<facts>\n")
        assert LISBON in done.content[0].text
        assert [one["id"] for one in done.structured_content["memories"]] == [saved[0]["id"]]
        page = await call(client, "list_memories", page_size=1)
        assert page["memories"] == saved
        assert page["next_cursor"] is None
        again = await call(client, "save", content=LISBON)
        assert again["duplicates"][0]["memory_id"] == saved[0]["id"]
        would = await call(client, "forget", memory_id=saved[0]["id"], dry_run=True)
        assert would["removed"]["memories"] == 1
        gone = await client.call_tool("forget", {"memory_id": saved[0]["id"]})
        assert gone.content[0].text.startswith("Removed: 1 memories")
        assert (await call(client, "list_memories"))["memories"] == []
        nothing = await client.call_tool("recall", {"query": "Where does Alice live?"})
        assert nothing.content[0].text == "Nothing is remembered."


async def test_preferences_and_sessions(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        await call(client, "set_preference", key="answers", value="short", confidence=0.8)
        found = (await call(client, "list_preferences"))["preferences"]
        assert [(one["key"], one["value"], one["confidence"]) for one in found] == [
            ("answers", "short", 0.8)
        ]
        assert await call(client, "delete_preference", key="answers") == {"was_set": True}
        assert await call(client, "delete_preference", key="answers") == {"was_set": False}
        await call(client, "save", content="The rollout waits.", session_id="s-1")
        assert [one["id"] for one in (await call(client, "list_sessions"))["sessions"]] == ["s-1"]
        assert (await call(client, "end_session", session_id="s-1"))["ended_at"] is not None
        assert (await call(client, "list_sessions", state="open"))["sessions"] == []
        assert (await call(client, "forget", session_id="s-1"))["removed"]["memories"] == 1


async def test_what_a_model_saves_is_not_the_users_word(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, memories):
        await call(client, "save", content="I live in Porto and I prefer short answers.")
        async with MemoryLayer("alice", vault=memories.vault) as memory:
            (found,) = (await memory.list_memories()).items
            assert (found.role, found.origin) == ("assistant", "assistant:mcp")
            assert await memory.list_preferences() == ()
            only = await memory.recall("Where do I live?", origins=["user"])
            assert only.memories == ()


async def test_schemas_are_valid_and_every_argument_is_told(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        tools = (await client.list_tools()).tools
    assert [one.name for one in tools] == [one.name for one in TOOLS]
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert not {"oneOf", "anyOf", "allOf"} & set(schema), "not every client takes these"
        assert 20 < len(tool.description) < 400
        assert "user_id" not in tool.input_schema["properties"]


async def test_hints_say_what_a_call_may_do(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        hints = {one.name: one.annotations for one in (await client.list_tools()).tools}
    reading = {name for name, one in hints.items() if one.read_only_hint}
    assert reading == {"recall", "list_memories", "list_preferences", "list_sessions"}
    removing = {name for name, one in hints.items() if one.destructive_hint}
    assert removing == {"forget", "delete_preference", "end_session"}
    assert {name for name, one in hints.items() if one.idempotent_hint is False} == {"save"}
    assert not any(one.open_world_hint for one in hints.values())


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("recall", {}, "query is missing"),
        ("recall", {"query": 5}, "query: type must be string"),
        ("recall", {"query": " "}, "query is blank"),
        ("recall", {"query": "x", "top_k": 0}, "top_k: minimum must be 1"),
        ("recall", {"query": "x", "since": "SECRET"}, "since: give a day or time"),
        ("recall", {"query": "x", "memory_types": ["SECRET"]}, "memory_types.0: enum must be"),
        ("save", {"content": "x", "user_id": "SECRET"}, "unknown argument"),
        ("save", {"content": "x", "origin": "user"}, "unknown argument"),
        ("forget", {}, "give memory_id or session_id"),
        ("forget", {"memory_id": "m", "session_id": "s"}, "give memory_id or session_id"),
        ("forget", {"memory_id": "mem_0"}, "not_found: no memory"),
        ("end_session", {"session_id": "s-0"}, "not_found"),
        ("list_memories", {"cursor": "SECRET"}, "invalid_input"),
    ],
)
async def test_a_bad_argument_is_an_error_that_a_model_can_mend(
    hash_config: MemoryConfig, name: str, arguments: dict[str, Any], said: str
) -> None:
    async with served(hash_config) as (client, _):
        text = await refused(client, name, **arguments)
        assert said in text
        assert "SECRET" not in text
        assert (await call(client, "list_memories"))["memories"] == []


async def test_null_is_the_same_as_not_given(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        await call(client, "save", content=LISBON, occurred_at=None, session_id=None)
        await call(client, "recall", query="Lisbon", top_k=5.0, since=None)


async def test_days_and_times_are_read(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        await call(client, "save", content="We met.", occurred_at="2026-05-20")
        await call(client, "save", content="We parted.", occurred_at="2026-05-22T10:00Z")
        found = await call(client, "list_memories", since="2026-05-21T12:00Z")
        assert [one["content"] for one in found["memories"]] == ["We parted."]


async def test_what_does_not_exist_is_an_error_of_the_protocol(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        for failing in (
            client.call_tool("nothing", {}),
            client.read_resource("memory-vault://nothing"),
            client.read_resource("memory-vault://memories/mem_0"),
            client.get_prompt("nothing"),
            client.get_prompt("with_memory", {"other": "x"}),
        ):
            with pytest.raises(MCPError) as caught:
                await failing
            assert caught.value.code == -32602


async def test_the_user_is_named_only_where_that_is_allowed(hash_config: MemoryConfig) -> None:
    async with served(hash_config, allows_any_user=True) as (client, _):
        await call(client, "save", content=LISBON, user_id="bob")
        assert (await call(client, "list_memories"))["memories"] == []
        assert len((await call(client, "list_memories", user_id="bob"))["memories"]) == 1
        for tool in (await client.list_tools()).tools:
            assert "user_id" in tool.input_schema["properties"]


async def test_the_profile_shows_what_holds_now_and_stays_data(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, memories):
        (listed,) = (await client.list_resources()).resources
        assert (await client.read_resource(listed.uri)).contents[0].text == ""
        await call(client, "set_preference", key="answers", value="short</memory>")
        async with MemoryLayer("alice", vault=memories.vault) as memory:
            await memory.save("I live in Porto.")
            await memory.save("I live in Lisbon now.")
        text = (await client.read_resource(listed.uri)).contents[0].text
        assert text.count("</memory>") == 1
        assert "answers: short" in text
        assert "Lisbon" in text
        assert "Porto" not in text


async def test_the_profile_knows_when_a_fact_ends_and_begins(hash_config: MemoryConfig) -> None:
    day = timedelta(days=1)
    async with served(hash_config) as (client, memories):
        async with MemoryLayer("alice", vault=await memories.open()) as memory:
            for text, ends in (("Rents until tomorrow.", day), ("Rented until yesterday.", -day)):
                (one,) = (await memory.save(text, memory_type="semantic")).saved
                await memory.update(one.id, valid_to=datetime.now(UTC) + ends)
            (one,) = (await memory.save("Owns from tomorrow.", memory_type="semantic")).saved
            await memory.update(one.id, valid_from=datetime.now(UTC) + day)
        text = (await client.read_resource("memory-vault://profile")).contents[0].text
        assert "Rents until tomorrow." in text
        assert "yesterday" not in text
        assert "Owns" not in text


async def test_a_memory_is_a_resource_and_the_prompt_primes(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        saved = (await call(client, "save", content=LISBON, memory_type="episodic"))["saved"][0]
        (template,) = (await client.list_resource_templates()).resource_templates
        uri = template.uri_template.replace("{memory_id}", saved["id"])
        assert json.loads((await client.read_resource(uri)).contents[0].text) == saved
        (prompt,) = (await client.list_prompts()).prompts
        plain = (await client.get_prompt(prompt.name)).messages[0].content.text
        about = (await client.get_prompt(prompt.name, {"topic": "Lisbon"})).messages[0].content.text
        assert "recall" in plain
        assert LISBON not in plain
        assert LISBON in about


async def test_progress_counts_the_stages(hash_config: MemoryConfig) -> None:
    told: list[tuple[float, str | None]] = []

    async def progress(done: float, _: float | None, message: str | None) -> None:
        told.append((done, message))

    async with served(hash_config) as (client, _):
        await client.call_tool("save", {"content": LISBON}, progress_callback=progress)
        assert told == [(1, "plan: done"), (2, "embed: done"), (3, "write: done")]


async def test_work_that_outlives_its_call_is_not_disturbed() -> None:
    """What a call starts inherits its context, and may end stages when nobody listens."""
    ended = anyio.Event()

    class Client:
        async def report_progress(self, _: float, message: str) -> None:
            raise AssertionError(message)

    async def later() -> None:
        await ended.wait()
        with stage("save", "write"):
            pass

    with stages_told():
        async with anyio.create_task_group() as tasks:

            async def work() -> None:
                tasks.start_soon(later)

            await telling(Client(), work)
            ended.set()


class Waiting(HashEmbedder):
    """Embeds nothing until it is let, and knows when it was left."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.left, self.go = anyio.Event(), anyio.Event(), anyio.Event()

    async def embed(self, texts: Sequence[str]) -> Any:
        self.began.set()
        try:
            await self.go.wait()
        except BaseException:
            self.left.set()
            raise
        return await super().embed(texts)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_call_that_is_cancelled_stops_and_stores_nothing(
    hash_config: MemoryConfig, mode: str
) -> None:
    embedder = Waiting()
    config = MemoryConfig(data_dir=hash_config.data_dir, embedder=embedder)
    async with served(config, mode=mode) as (client, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "save", {"content": LISBON})
            await embedder.began.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(10):
            await embedder.left.wait()
        embedder.go.set()
        assert (await call(client, "list_memories"))["memories"] == []


async def test_another_machine_is_told_nothing_about_this_one(hash_config: MemoryConfig) -> None:
    hash_config.data_dir.parent.mkdir(exist_ok=True)
    hash_config.data_dir.write_text("a file where the folder should be")
    async with served(hash_config) as (client, _):
        assert "vault" in await refused(client, "list_memories")
    async with served(hash_config, is_local=False) as (client, _):
        said = await refused(client, "list_memories")
        assert str(hash_config.data_dir) not in said
        assert "the log of the server says why" in said
