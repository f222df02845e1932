"""Claude's memory tool against the SDK's own, and messages with memory around them."""

from __future__ import annotations

import importlib.util
import json
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.errors import MemoryVaultError, NotOpen

if importlib.util.find_spec("anthropic") is None:
    pytest.skip("anthropic is missing", allow_module_level=True)

import anthropic
from anthropic import AsyncAnthropic
from anthropic.lib.tools import ToolError
from anthropic.tools.memory import BetaAsyncLocalFilesystemMemoryTool
from anthropic.types import TextBlock
from tests.extras.model_service import Answer, Service, serving

from memory_vault.integrations.anthropic import RememberingMessages, VaultMemoryTool

pytestmark = [pytest.mark.extras, pytest.mark.anyio]
MODEL = {"model": "claude-test", "max_tokens": 100}
NOTES = "/memories/notes.txt"


@pytest.fixture
async def memory(hash_config: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("alice", session_id="s-1", config=hash_config) as memory:
        yield memory


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=service.url, api_key="k", max_retries=0) as client:
        yield client


# the memory tool, against the SDK's own -----------------------------------------------------------

NAMES = st.sampled_from(["a", "b.txt", "ü"])
PATHS = st.lists(NAMES, max_size=2).map(lambda parts: "/".join(["/memories", *parts]))
TEXTS = st.sampled_from(["", "\n", "one", "one\ntwo\n", "one\n\nthree one", "tea\r\nmilk", " "])
COMMANDS = st.one_of(
    st.fixed_dictionaries({"command": st.just("create"), "path": PATHS, "file_text": TEXTS}),
    st.fixed_dictionaries({"command": st.just("view"), "path": PATHS}),
    st.fixed_dictionaries(
        {
            "command": st.just("view"),
            "path": PATHS,
            "view_range": st.tuples(st.integers(0, 3), st.integers(-1, 3)).map(list),
        }
    ),
    st.fixed_dictionaries(
        {
            "command": st.just("str_replace"),
            "path": PATHS,
            "old_str": st.sampled_from(["one", "two", "\n"]),
            "new_str": TEXTS,
        }
    ),
    st.fixed_dictionaries(
        {
            "command": st.just("insert"),
            "path": PATHS,
            "insert_line": st.integers(-1, 3),
            "insert_text": TEXTS,
        }
    ),
    st.fixed_dictionaries({"command": st.just("delete"), "path": PATHS}),
    st.fixed_dictionaries({"command": st.just("rename"), "old_path": PATHS, "new_path": PATHS}),
)


async def said(tool: Any, command: dict[str, Any]) -> str:
    """The answer to a command, or the error that the model is told."""
    try:
        return str(await tool.call(command))
    except ToolError as error:
        return f"error: {error}"


def is_outside(command: dict[str, Any], files: dict[str, str]) -> bool:
    """Commands in which the SDK's tool answers as a disk does; what ours says is tested below.

    A path below a file, a folder without files, and a rename over or into itself.
    """
    paths = [command[name] for name in ("path", "old_path", "new_path") if name in command]
    below_a_file = any(path.startswith(f"{file}/") for path in paths for file in files)
    return below_a_file or (
        command["command"] == "rename"
        and (command["new_path"] + "/").startswith(command["old_path"] + "/")
    )


def without_sizes(answer: str) -> str:
    """Folders have a size on disk only."""
    return re.sub(r"^[\d.]+[BKMG]\t(?=/)", "", answer, flags=re.MULTILINE)


class Pair:
    """Our tool and the SDK's, given the same commands."""

    def __init__(self, vault: Vault, folder: str) -> None:
        self.memory = MemoryLayer(uuid4().hex, vault=vault)
        self.ours = VaultMemoryTool(self.memory)
        self.theirs = BetaAsyncLocalFilesystemMemoryTool(folder)
        self.root = Path(folder) / "memories"

    def files(self) -> dict[str, str]:
        """The SDK's files; folders that hold none are removed, as ours do not exist."""
        for one in sorted(self.root.rglob("*"), reverse=True):
            if one.is_dir() and not any(one.iterdir()):
                one.rmdir()
        found = (one for one in self.root.rglob("*") if one.is_file())
        return {f"/memories/{one.relative_to(self.root)}": one.read_text() for one in found}

    async def compare(self, commands: list[dict[str, Any]]) -> None:
        for command in commands:
            if is_outside(command, self.files()):
                continue
            theirs, ours = await said(self.theirs, command), await said(self.ours, command)
            assert without_sizes(ours) == without_sizes(theirs), command
        for path in self.files():
            view = {"command": "view", "path": path}
            assert await said(self.ours, view) == await said(self.theirs, view)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_answers_as_the_sdks_own_tool(backend: str, hash_config: MemoryConfig) -> None:
    with start_blocking_portal(backend) as portal:
        vault = Vault(replace(hash_config, durability="process"))

        @settings(max_examples=40, deadline=None)
        @given(st.lists(COMMANDS, max_size=12))
        def run(commands: list[dict[str, Any]]) -> None:
            with tempfile.TemporaryDirectory() as folder:
                portal.call(Pair(vault, folder).compare, commands)

        portal.call(vault.open)
        try:
            run()
        finally:
            portal.call(vault.close)


# what it promises beyond that ---------------------------------------------------------------------


async def test_what_a_model_notes_is_recalled(memory: MemoryLayer) -> None:
    tool = VaultMemoryTool(memory)
    await tool.call({"command": "create", "path": NOTES, "file_text": "Alice plays the cello.\n"})
    (found,) = (await memory.recall("Who plays the cello?")).memories
    assert (found.memory.origin, found.memory.role) == ("assistant:memory_tool", "assistant")
    assert not (await memory.recall("cello", origins=["user"])).memories
    assert memory.session_id == "s-1"


async def test_changes_and_deletions_are_taken_back(memory: MemoryLayer) -> None:
    tool = VaultMemoryTool(memory)
    await tool.call({"command": "create", "path": NOTES, "file_text": "one"})
    edit = {"command": "str_replace", "path": NOTES, "old_str": "one", "new_str": "two"}
    await tool.call(edit)
    await tool.call({**edit, "old_str": "two", "new_str": ""})
    await tool.call({"command": "delete", "path": NOTES})
    assert not (await memory.recall("two")).memories
    with pytest.raises(ToolError, match="does not exist"):
        await tool.call({"command": "view", "path": NOTES})
    view = {"command": "view", "path": NOTES}
    for text in ("", "two", "one"):
        await tool.undo(NOTES)
        assert str(await tool.call(view)).endswith(f"     1\t{text}")
    with pytest.raises(ToolError, match="no earlier version"):
        await tool.undo(NOTES)
    await tool.call({**edit, "new_str": "three"})
    await tool.undo(NOTES)
    assert str(await tool.call(view)).endswith("\tone")
    await tool.call({"command": "rename", "old_path": NOTES, "new_path": "/memories/b"})
    await tool.undo("/memories/b")
    assert str(await tool.call(view)).endswith("\tone")
    with pytest.raises(ToolError, match="nothing there was deleted"):
        await tool.undo("/memories/b")


async def test_a_path_deleted_and_made_again_has_both(memory: MemoryLayer) -> None:
    tool = VaultMemoryTool(memory)
    create = {"command": "create", "path": NOTES, "file_text": "first"}
    await tool.call(create)
    await tool.call({"command": "delete", "path": NOTES})
    await tool.call({**create, "file_text": "second"})
    await tool.call({"command": "rename", "old_path": NOTES, "new_path": "/memories/b"})
    await tool.undo(NOTES)
    listed = str(await tool.call({"command": "view", "path": "/memories"}))
    assert "/memories/notes.txt" in listed
    assert "/memories/b" in listed


async def test_what_was_deleted_is_forgotten_when_its_session_has_ended(
    hash_config: MemoryConfig,
) -> None:
    config = replace(hash_config, session_idle_hours=1e-9)
    async with Vault(config) as vault:
        async with MemoryLayer("alice", vault=vault) as memory:
            tool = VaultMemoryTool(memory)
            await tool.call({"command": "create", "path": NOTES, "file_text": "Rosebud"})
            await tool.call({"command": "create", "path": "/memories/b", "file_text": "stays"})
            await tool.call({"command": "delete", "path": NOTES})
        await anyio.sleep(timedelta(milliseconds=5).total_seconds())
        async with MemoryLayer("alice", vault=vault) as memory:
            stats = await memory.stats()
            assert (stats.total, stats.versions) == (1, 0)
            assert "stays" in str(await tool.call({"command": "view", "path": "/memories/b"}))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/memories/../etc/passwd",
        "/memories/a/../../b",
        "/memories/./a",
        "/memories/%2e%2e/a",
        "/memories/%252e%252e/a",
        "/memories/..%2fa",
        "/memories/..\\a",
        "/memoriesa",
        "memories/a",
        "/memories/a\x00b",
        "/memories/a\nb",
        "/memories/" + "a" * 1_000,
        "",
    ],
)
async def test_a_path_that_leads_elsewhere_is_refused(memory: MemoryLayer, path: str) -> None:
    tool = VaultMemoryTool(memory)
    await tool.call({"command": "create", "path": NOTES, "file_text": "x"})
    for command in (
        {"command": "view", "path": path},
        {"command": "create", "path": path, "file_text": "x"},
        {"command": "str_replace", "path": path, "old_str": "x", "new_str": "y"},
        {"command": "insert", "path": path, "insert_line": 0, "insert_text": "y"},
        {"command": "delete", "path": path},
        {"command": "rename", "old_path": path, "new_path": "/memories/b"},
        {"command": "rename", "old_path": NOTES, "new_path": path},
    ):
        with pytest.raises(ToolError):
            await tool.call(command)
    assert (await memory.stats()).total == 1


async def test_where_the_sdks_tool_answers_as_a_disk_does(memory: MemoryLayer) -> None:
    tool = VaultMemoryTool(memory)
    await tool.call({"command": "create", "path": NOTES, "file_text": "x"})
    below = f"{NOTES}/below"
    with pytest.raises(ToolError, match="is a file, not a directory"):
        await tool.call({"command": "create", "path": below, "file_text": "x"})
    await tool.call({"command": "create", "path": "/memories/d/e", "file_text": "x"})
    for target, why in (("/memories/d/f", "itself"), ("/memories/d", "already exists")):
        with pytest.raises(ToolError, match=why):
            await tool.call({"command": "rename", "old_path": "/memories/d", "new_path": target})
    with pytest.raises(ToolError, match="max_text_chars"):
        await tool.call({"command": "create", "path": "/memories/l", "file_text": "x" * 1_000_001})
    odd = "a\x00b\ud800"
    await tool.call({"command": "create", "path": "/memories/odd", "file_text": odd})
    assert odd in str(await tool.call({"command": "view", "path": "/memories/odd"}))
    assert await tool.clear_all_memory() == "All memory cleared"
    assert (await memory.stats()).total == 0
    assert await tool.clear_all_memory() == "All memory cleared"


async def test_many_changes_at_once_lose_nothing(memory: MemoryLayer) -> None:
    tool = VaultMemoryTool(memory)
    await tool.call({"command": "create", "path": NOTES, "file_text": "start\n"})
    insert = {"command": "insert", "path": NOTES, "insert_line": 1}
    async with anyio.create_task_group() as group:
        for i in range(8):
            group.start_soon(tool.call, {**insert, "insert_text": f"line {i}"})
            group.start_soon(
                tool.call, {"command": "create", "path": f"/memories/{i}", "file_text": "x"}
            )
    text = str(await tool.call({"command": "view", "path": NOTES}))
    assert all(f"\tline {i}" in text for i in range(8))
    assert (await memory.stats()).total == 9


async def test_in_the_sdks_own_loop_of_tools(
    memory: MemoryLayer, service: Service, client: AsyncAnthropic
) -> None:
    service.script = [
        Answer("I note it.", {"command": "create", "path": NOTES, "file_text": "Likes coffee."}),
        Answer("", {"command": "view", "path": "/memories/../x"}),
        Answer("Done."),
    ]
    runner = client.beta.messages.tool_runner(
        **MODEL,
        tools=[VaultMemoryTool(memory)],
        messages=[{"role": "user", "content": "Remember that I like coffee."}],
    )
    final = await runner.until_done()
    assert final.content[0].text == "Done."
    assert service.requests[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    results = [one["messages"][-1]["content"][0] for one in service.requests[1:]]
    assert "File created successfully" in json.dumps(results[0])
    assert (results[1]["is_error"], "escape" in json.dumps(results[1])) == (True, True)
    assert "coffee" in (await memory.recall("coffee?")).prompt_block


# messages with memory around them -----------------------------------------------------------------

LEFT_OPEN = pytest.mark.filterwarnings(
    "ignore:.*async_generator.*:pytest.PytestUnraisableExceptionWarning"
)
"""The SDK's own generators are not closed when a stream is left early; trio says so."""
ASK = [{"role": "user", "content": "What do I play?"}]


async def saved(memory: MemoryLayer) -> list[tuple[str, str]]:
    found = (await memory.list_memories(session_id="s-1")).items
    return [(one.role, one.content) for one in found]


async def test_it_recalls_before_and_saves_after(
    memory: MemoryLayer, service: Service, client: AsyncAnthropic
) -> None:
    await memory.save("I play the cello.", session_id="s-0")
    messages = RememberingMessages(client.messages, memory)
    answer = await messages.create(**MODEL, messages=ASK)
    assert answer.content[0].text.startswith("You told me:")
    assert "cello" in answer.content[0].text
    sent = service.requests[0]["messages"][-1]["content"]
    assert re.fullmatch(r"<memory>.*</memory>\n\nWhat do I play\?", sent, re.DOTALL)
    assert ASK == [{"role": "user", "content": "What do I play?"}]
    assert await saved(memory) == [
        ("user", "What do I play?"),
        ("assistant", answer.content[0].text),
    ]


@LEFT_OPEN
@pytest.mark.parametrize("way", ["create", "create and break", "stream"])
async def test_a_stream_is_passed_on_and_saved(
    memory: MemoryLayer, service: Service, client: AsyncAnthropic, way: str
) -> None:
    messages = RememberingMessages(client.messages, memory)
    service.script = [Answer("Nothing yet, but do tell.")]
    if way == "stream":
        async with messages.stream(**MODEL, messages=ASK) as stream:
            text = "".join([part async for part in stream.text_stream])
            assert await saved(memory) == []
    else:
        text = ""
        async with await messages.create(**MODEL, messages=ASK, stream=True) as stream:
            assert stream.response.status_code == 200
            async for event in stream:
                if event.type == "content_block_delta":
                    text += event.delta.text
                if event.type == "message_stop" and way == "create and break":
                    break
    assert text == "Nothing yet, but do tell."
    assert await saved(memory) == [("user", "What do I play?"), ("assistant", text)]


@LEFT_OPEN
async def test_an_answer_that_was_abandoned_or_cut_is_not_saved(
    memory: MemoryLayer, service: Service, client: AsyncAnthropic
) -> None:
    messages = RememberingMessages(client.messages, memory)
    async with await messages.create(**MODEL, messages=ASK, stream=True) as stream:
        async for _ in stream:
            break
    service.script = [Answer("Long answer", events=4), Answer(status=500)]
    with pytest.raises(Exception, match=r"incomplete|peer closed|Connection"):
        async with await messages.create(**MODEL, messages=ASK, stream=True) as stream:
            _ = [event async for event in stream]
    with pytest.raises(anthropic.InternalServerError):
        await messages.create(**MODEL, messages=ASK)
    async with messages.stream(**MODEL, messages=ASK) as stream:
        async for _ in stream:
            break
    async with messages.stream(**MODEL, messages=ASK):
        pass
    assert await saved(memory) == []


async def test_a_message_may_hold_objects_of_the_sdk(
    memory: MemoryLayer, client: AsyncAnthropic
) -> None:
    await memory.save("I play the cello.", session_id="s-0")
    messages = RememberingMessages(client.messages, memory)
    picture = TextBlock(type="text", text="[a picture]")
    words = {"type": "text", "text": "What do I play?"}
    await messages.create(**MODEL, messages=[{"role": "user", "content": [picture, words]}])
    assert ("user", "What do I play?") in await saved(memory)


async def test_only_what_is_new_is_saved_and_tools_get_the_same_block(
    memory: MemoryLayer, service: Service, client: AsyncAnthropic
) -> None:
    await memory.save("I play the cello.", session_id="s-0")
    messages = RememberingMessages(client.messages, memory)
    talk: list[dict[str, Any]] = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hi."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What do I play?", "cache_control": {"type": "ephemeral"}}
            ],
        },
    ]
    service.script = [Answer("Let me look.", {"command": "view", "path": "/memories"})]
    first = await messages.create(**MODEL, messages=talk)
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "cello"}
    talk += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    service.script = [Answer("The cello.")]
    await messages.create(**MODEL, messages=talk)
    assert await saved(memory) == [
        ("user", "What do I play?"),
        ("assistant", "Let me look."),
        ("assistant", "The cello."),
    ]
    before, after = (one["messages"] for one in service.requests)
    assert after[:3] == before  # what the provider has cached is said in the same words
    assert before[:2] == talk[:2]
    assert [one["type"] for one in before[2]["content"]] == ["text", "text"]
    assert before[2]["content"][1] == talk[2]["content"][0]


async def test_nothing_is_added_when_nothing_is_known_or_asked(
    memory: MemoryLayer, service: Service, client: AsyncAnthropic
) -> None:
    messages = RememberingMessages(client.messages, memory)
    await messages.create(**MODEL, messages=ASK)
    assert service.requests[0]["messages"] == ASK
    image = {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x.png"}}
    await messages.create(**MODEL, messages=[{"role": "user", "content": [image]}])
    assert service.requests[1]["messages"][0]["content"] == [image]


async def test_a_failing_memory_does_not_lose_the_answer(
    hash_config: MemoryConfig, client: AsyncAnthropic, caplog: pytest.LogCaptureFixture
) -> None:
    memory = MemoryLayer("alice", config=hash_config)  # never opened
    errors: list[MemoryVaultError] = []
    messages = RememberingMessages(client.messages, memory, on_error=errors.append)
    answer = await messages.create(**MODEL, messages=ASK)
    assert answer.content[0].text == "I know nothing of that."
    assert [type(one) for one in errors] == [NotOpen, NotOpen]
    async with await messages.create(**MODEL, messages=ASK, stream=True) as stream:
        assert [one async for one in stream][-1].type == "message_stop"
    assert len(errors) == 4
    with caplog.at_level(logging.ERROR, "memory_vault"):
        await RememberingMessages(client.messages, memory).create(**MODEL, messages=ASK)
    assert [one.levelname for one in caplog.records] == ["ERROR", "ERROR"]
    assert "not_open" in caplog.text
    assert "What do I play" not in caplog.text
