"""Preferences that a caller sets: one value a key, with its history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from memory_vault import InvalidInput, MemoryConfig, MemoryLayer, Vault

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


async def test_a_preference_is_set_and_listed_by_key(memory: MemoryLayer) -> None:
    units = await memory.set_preference("units", "metric", confidence=0.5)
    style = await memory.set_preference("answer style", "concise,\nwith code")
    assert await memory.list_preferences() == (style, units)
    assert (units.confidence, style.confidence) == (0.5, 1.0)
    assert (style.source, style.superseded_at) == (None, None)
    assert style.value == "concise,\nwith code"


async def test_setting_another_value_keeps_the_one_before_in_history(memory: MemoryLayer) -> None:
    first = await memory.set_preference("style", "long")
    second = await memory.set_preference("style", "short")
    third = await memory.set_preference("style", "short", confidence=0.1)
    assert await memory.list_preferences() == (third,)
    history = await memory.list_preferences(include_history=True)
    assert [one.value for one in history] == ["long", "short", "short"]
    assert [one.superseded_at for one in history] == [second.recorded_at, third.recorded_at, None]
    assert [one.recorded_at for one in history][:2] == [first.recorded_at, second.recorded_at]


async def test_setting_the_same_value_changes_nothing(memory: MemoryLayer) -> None:
    first = await memory.set_preference("style", "short")
    assert await memory.set_preference("style", "short") == first
    assert await memory.set_preference("  style ", "short") == first
    assert await memory.list_preferences(include_history=True) == (first,)


async def test_deleting_says_whether_it_was_set_and_keeps_history(memory: MemoryLayer) -> None:
    await memory.set_preference("style", "short")
    assert await memory.delete_preference("style")
    assert not await memory.delete_preference("style")
    assert await memory.list_preferences() == ()
    (former,) = await memory.list_preferences(include_history=True)
    assert former.superseded_at > former.recorded_at
    assert "style" not in (await memory.recall("style")).prompt_block
    again = await memory.set_preference("style", "short")
    assert again.recorded_at > former.recorded_at


async def test_deleting_for_an_unknown_user_makes_no_user(
    vault: Vault, memory: MemoryLayer
) -> None:
    assert not await memory.delete_preference("style")
    assert await memory.list_preferences(include_history=True) == ()
    assert (await vault.list_users()).items == ()


async def test_values_set_at_once_leave_one_in_force(memory: MemoryLayer) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(memory.set_preference, "style", f"value {number}")
    assert len(await memory.list_preferences()) == 1
    assert len(await memory.list_preferences(include_history=True)) == 10


@pytest.mark.parametrize(
    ("key", "value", "confidence"),
    [
        (" ", "v", 1.0),
        ("k" * 201, "v", 1.0),
        ("k", "\u200b", 1.0),
        ("k", "v" * 2001, 1.0),
        ("k", "v", 1.01),
        ("k", "v", -0.01),
        ("k", "v", True),
        ("k", "v", float("nan")),
        ("k", 5, 1.0),
    ],
)
async def test_a_preference_that_is_not_acceptable_is_refused(
    vault: Vault, memory: MemoryLayer, key: str, value: Any, confidence: float
) -> None:
    with pytest.raises(InvalidInput):
        await memory.set_preference(key, value, confidence=confidence)
    assert (await vault.list_users()).items == ()
