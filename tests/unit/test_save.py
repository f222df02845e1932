"""What `save` stores, what it calls a duplicate, and how it may be repeated."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from memory_vault import (
    IdempotencyConflict,
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    Message,
    NotFound,
    Vault,
)
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = DAY + timedelta(days=1)


class CountingEmbedder(HashEmbedder):
    """Remembers every text that it was given as a document."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        self.texts += texts
        return await super().embed(texts)

    async def embed_query(self, text: str) -> Any:
        return (await HashEmbedder().embed([text]))[0]


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
async def vault(hash_config: MemoryConfig, embedder: CountingEmbedder) -> AsyncIterator[Vault]:
    async with Vault(replace(hash_config, embedder=embedder)) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("tea", [("user", "tea")]),
        (Message("assistant", "tea"), [("assistant", "tea")]),
        ({"role": "tool", "content": "tea"}, [("tool", "tea")]),
        ({"content": "tea"}, [("user", "tea")]),
        (
            ["hello", Message("assistant", "hi"), {"role": "Miso", "content": "meow"}],
            [("user", "hello"), ("assistant", "hi"), ("Miso", "meow")],
        ),
        ((Message("user", "a"), Message("user", "b")), [("user", "a"), ("user", "b")]),
    ],
)
async def test_a_text_a_message_a_dict_and_a_conversation_are_saved(
    memory: MemoryLayer, content: Any, expected: list[tuple[str, str]]
) -> None:
    result = await memory.save(content)
    assert [(one.role, one.content) for one in result.saved] == expected
    assert (await memory.list_memories()).items == result.saved


async def test_what_a_message_says_wins_over_the_call(memory: MemoryLayer) -> None:
    said = {"role": "tool", "content": "x", "occurred_at": DAY, "metadata": {"a": 1}}
    one, two = (
        await memory.save([said, "y"], role="Bob", occurred_at=LATER, metadata={"b": [2]})
    ).saved
    assert (one.role, one.occurred_at, one.metadata) == ("tool", DAY, {"a": 1})
    assert (two.role, two.occurred_at, two.metadata) == ("Bob", LATER, {"b": [2]})


@pytest.mark.parametrize(
    "text", ["  tea \n\n with\ttabs  ", "日本語とemoji 🫖", "e\u0301 ≠ é", "line\r\nline\u2028"]
)
async def test_a_text_is_kept_word_for_word(memory: MemoryLayer, text: str) -> None:
    saved = (await memory.save(text)).saved[0]
    assert (await memory.get(saved.id)).content == text


@pytest.mark.parametrize(
    ("inputs", "stored"),
    [
        (["a"], "a"),
        (["a", "a"], "a"),
        (["a", "b", "a"], "aba"),
        (["a", "a", "b", "b", "b", "a"], "aba"),
        ([Message("user", "a", DAY), "b", Message("user", "a", DAY)], "ab"),
        ([Message("user", "a", DAY), Message("user", "a", LATER)], "aa"),
        ([Message("user", "a"), Message("assistant", "a")], "aa"),
    ],
)
async def test_every_input_is_saved_or_a_duplicate(
    memory: MemoryLayer, inputs: list[Any], stored: str
) -> None:
    result = await memory.save(inputs, session_id="s")
    assert "".join(one.content for one in result.saved) == stored
    assert len(result.saved) + len(result.duplicates) == len(inputs)
    positions = [one.position for one in result.duplicates]
    assert positions == sorted(set(positions))
    known = {one.id for one in result.saved}
    assert all(one.memory_id in known and one.reason for one in result.duplicates)


SAME = {"content": "tea", "role": "user", "session_id": "s", "occurred_at": DAY}


async def test_the_same_text_role_session_and_time_is_a_duplicate(memory: MemoryLayer) -> None:
    first = (await memory.save(**SAME)).saved[0]
    await memory.save("something between", session_id="s")
    again = await memory.save(**SAME)
    assert again.saved == ()
    assert [(one.position, one.memory_id) for one in again.duplicates] == [(0, first.id)]
    assert (await memory.stats()).total == 2


@pytest.mark.parametrize(
    "change",
    [
        {"content": "Tea"},
        {"role": "assistant"},
        {"session_id": "t"},
        {"session_id": None},
        {"occurred_at": DAY + timedelta(microseconds=1)},
    ],
)
async def test_a_difference_in_text_role_session_or_time_is_stored(
    memory: MemoryLayer, change: dict[str, Any]
) -> None:
    await memory.save(**SAME)
    assert len((await memory.save(**{**SAME, **change})).saved) == 1


async def test_without_a_time_only_what_was_said_just_before_is_a_duplicate(
    memory: MemoryLayer,
) -> None:
    first = (await memory.save("tea", session_id="s")).saved[0]
    await memory.save("coffee", session_id="elsewhere")
    again = await memory.save("tea", session_id="s")
    assert [one.memory_id for one in again.duplicates] == [first.id]
    assert len((await memory.save("tea", role="Bob", session_id="s")).saved) == 1
    assert len((await memory.save("tea", session_id="s")).saved) == 1


async def test_a_forgotten_memory_has_no_duplicates(memory: MemoryLayer) -> None:
    first = (await memory.save(**SAME)).saved[0]
    await memory.forget(first.id)
    assert len((await memory.save(**SAME)).saved) == 1


async def test_the_same_words_at_another_time_are_stored_and_share_the_embedding(
    memory: MemoryLayer, embedder: CountingEmbedder
) -> None:
    long = " ".join(f"I live in Berlin, at number {i}." for i in range(40))
    for when in (DAY, LATER):
        assert len((await memory.save(long, occurred_at=when)).saved) == 1
    assert len(embedder.texts) == len(set(embedder.texts)) > 1
    before = len(embedder.texts)
    await memory.save(["new", "old", "new"], session_id="s")
    assert embedder.texts[before:] == ["new", "old"]


async def test_a_long_text_is_split_and_its_end_is_recalled(
    memory: MemoryLayer, embedder: CountingEmbedder
) -> None:
    filler = " ".join(f"Sentence number {i} says nothing much." for i in range(400))
    text = f"{filler} The spare key hangs behind the zebra picture."
    saved = (await memory.save(text)).saved
    assert [one.content for one in saved] == [text]
    assert all(len(embedder.token_spans(one)) <= embedder.window for one in embedder.texts)
    assert (await memory.stats()).chunks == len(embedder.texts) > 10
    block = (await memory.recall("where hangs the zebra key", token_budget=200)).prompt_block
    assert "The spare key hangs behind the zebra picture." in block


async def test_a_conversation_with_one_bad_message_stores_nothing(memory: MemoryLayer) -> None:
    with pytest.raises(InvalidInput, match=r"content\[1\]"):
        await memory.save(["fine", " ", "fine too"])
    assert (await memory.list_memories()).items == ()


async def test_an_idempotency_key_returns_the_first_result(memory: MemoryLayer) -> None:
    inputs = ["Call me Ada.", "tea", "tea"]
    first = await memory.save(inputs, session_id="s", idempotency_key="k")
    await memory.save("something between", session_id="s")
    assert await memory.save(inputs, session_id="s", idempotency_key="k") == first
    assert len(first.saved) == 2
    assert (await memory.stats()).total == 3


async def test_calls_at_once_with_one_idempotency_key_store_once(memory: MemoryLayer) -> None:
    results = []

    async def save() -> None:
        results.append(await memory.save("tea", occurred_at=DAY, idempotency_key="k"))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(save)
    assert results == [results[0]] * 8
    assert (await memory.stats()).total == 1


@pytest.mark.parametrize(
    "change",
    [{"content": "coffee"}, {"role": "Bob"}, {"session_id": "t"}, {"metadata": {"a": 1}}],
)
async def test_an_idempotency_key_with_other_content_is_an_error(
    memory: MemoryLayer, change: dict[str, Any]
) -> None:
    await memory.save(**SAME, idempotency_key="k")
    with pytest.raises(IdempotencyConflict, match="new key"):
        await memory.save(**{**SAME, **change}, idempotency_key="k")
    assert (await memory.stats()).total == 1


async def test_an_idempotency_key_belongs_to_its_user(vault: Vault, memory: MemoryLayer) -> None:
    await memory.save("tea", idempotency_key="k")
    async with MemoryLayer("bob", vault=vault) as other:
        assert len((await other.save("coffee", idempotency_key="k")).saved) == 1


async def test_an_idempotency_key_is_forgotten_with_what_it_stored(memory: MemoryLayer) -> None:
    first = await memory.save(["tea", "cake"], idempotency_key="k")
    await memory.forget(first.saved[1].id)
    assert len((await memory.save("other", idempotency_key="k")).saved) == 1


@pytest.mark.parametrize(
    ("role", "origin"),
    [
        ("user", "user"),
        ("Bob", "user"),
        ("assistant", "assistant"),
        ("tool", "tool"),
        ("system", "plugin"),
    ],
)
async def test_the_origin_follows_from_the_role(
    memory: MemoryLayer, role: str, origin: str
) -> None:
    assert (await memory.save("x", role=role)).saved[0].origin == origin
    assert (await memory.save("y", role=role, origin="tool:web")).saved[0].origin == "tool:web"


@pytest.mark.parametrize(
    ("text", "role", "memory_type"),
    [
        ("I live in Berlin.", "user", "semantic"),
        ("I live in Berlin.", "assistant", "episodic"),
        ("Always answer in French.", "user", "procedural"),
        ("Always answer in French.", "tool", "episodic"),
        ("We met at the station yesterday.", "user", "episodic"),
    ],
)
async def test_the_type_follows_from_the_text_unless_it_is_given(
    memory: MemoryLayer, text: str, role: str, memory_type: str
) -> None:
    assert (await memory.save(text, role=role)).saved[0].memory_type == memory_type
    given = await memory.save(text, role=role, memory_type="semantic", occurred_at=DAY)
    assert given.saved[0].memory_type == "semantic"


async def test_preferences_are_read_from_what_the_user_says(memory: MemoryLayer) -> None:
    await memory.save("Call me Ada.", role="assistant")
    assert await memory.list_preferences() == ()
    first = await memory.save("Call me Ada.")
    second = await memory.save("Call me Countess.")
    assert [(one.key, one.value) for one in second.preferences] == [("name to use", "Countess")]
    assert await memory.list_preferences() == second.preferences
    history = await memory.list_preferences(include_history=True)
    assert [(one.value, one.source) for one in history] == [
        ("Ada", first.saved[0].id),
        ("Countess", second.saved[0].id),
    ]
    assert history[0].superseded_at == history[1].recorded_at


async def test_working_memory_needs_a_session(memory: MemoryLayer) -> None:
    with pytest.raises(InvalidInput, match="session_id"):
        await memory.save("x", memory_type="working")
    saved = (await memory.save("x", memory_type="working", session_id="s")).saved[0]
    assert (saved.memory_type, saved.session_id) == ("working", "s")


async def test_a_save_without_a_session_goes_to_the_layers_own(vault: Vault) -> None:
    async with MemoryLayer("ada", session_id="own", vault=vault) as layer:
        assert (await layer.save("x")).saved[0].session_id == "own"
        assert (await layer.save("x", session_id="s")).saved[0].session_id == "s"


async def test_what_was_saved_is_there_after_reopening(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=hash_config) as layer:
        saved = (await layer.save("tea", occurred_at=DAY, metadata={"a": {"b": None}})).saved
    async with MemoryLayer("ada", config=hash_config) as layer:
        assert (await layer.list_memories()).items == saved


READ = """
import sys, anyio
from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.testing.embedders import HashEmbedder

async def main():
    config = MemoryConfig(data_dir=sys.argv[1], embedder=HashEmbedder())
    async with MemoryLayer("ada", config=config) as layer:
        print((await layer.recall("tea")).memories[0].memory.content)
        await layer.save("biscuits, says the child")

anyio.run(main)
"""


async def test_what_was_saved_is_seen_by_another_process_at_once(
    memory: MemoryLayer, hash_config: MemoryConfig
) -> None:
    await memory.save("tea, says the parent")
    command = [sys.executable, "-c", READ, str(hash_config.data_dir)]
    child = await anyio.run_process(command)
    assert child.stdout.decode().strip() == "tea, says the parent"
    result = await memory.recall("biscuits")
    assert result.memories[0].memory.content == "biscuits, says the child"


async def test_saves_at_once_are_all_stored(memory: MemoryLayer) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(memory.save, [f"{number} a", f"{number} b"])
    page = await memory.list_memories()
    texts = [one.content for one in page.items]
    assert sorted(texts) == sorted(f"{i} {x}" for i in range(20) for x in "ab")
    for first, second in zip(texts[::2], texts[1::2], strict=True):
        assert first.split()[0] == second.split()[0]


async def test_a_failed_embedder_stores_nothing(hash_config: MemoryConfig) -> None:
    class Failing(HashEmbedder):
        async def embed(self, texts: Sequence[str]) -> Any:
            raise ZeroDivisionError

    config = replace(hash_config, embedder=Failing())
    async with MemoryLayer("ada", config=config) as layer:
        with pytest.raises(ZeroDivisionError):
            await layer.save("tea")
        assert (await layer.stats()).total == 0
        with pytest.raises(NotFound):
            await layer.get("mem_none")
