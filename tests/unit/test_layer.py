"""Opening and closing, sharing one folder, and what concerns the vault as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import to_thread

from memory_vault import (
    ConfigError,
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    NotOpen,
    Vault,
    WrongEventLoop,
)
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio


async def in_another_loop(call: Callable[[], Awaitable[Any]]) -> Any:
    """Run a call in an event loop of its own, in another thread."""
    return await to_thread.run_sync(partial(anyio.run, call))


class Closing(HashEmbedder):
    """Counts how often it was closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_open_and_close_are_repeatable(hash_config: MemoryConfig) -> None:
    layer = MemoryLayer("ada", config=hash_config)
    for expected in (1, 2):
        await layer.open()
        await layer.open()
        await layer.save("tea", session_id=f"s{expected}")
        assert (await layer.stats()).total == expected
        await layer.close()
        await layer.close()


async def test_open_and_close_from_any_task_in_any_order(hash_config: MemoryConfig) -> None:
    vaults = [Vault(hash_config) for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        for vault in vaults:
            tasks.start_soon(vault.open)
    layer = MemoryLayer("ada", vault=vaults[2])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(layer.open)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(vaults[0].close)
        tasks.start_soon(vaults[1].close)
    assert len((await layer.save("tea")).saved) == 1
    await vaults[2].close()
    await layer.close()


async def test_tasks_that_open_one_layer_at_once_open_it_once(hash_config: MemoryConfig) -> None:
    layer = MemoryLayer("ada", config=hash_config)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(layer.open)
    await layer.save("tea")
    await layer.close()
    with pytest.raises(NotOpen):
        await layer.stats()
    async with Vault(replace(hash_config, embedder=HashEmbedder())) as vault:
        assert (await vault.health()).is_ok


CALLS: list[Callable[[MemoryLayer], Awaitable[Any]]] = [
    lambda m: m.save("x"),
    lambda m: m.recall("x"),
    lambda m: m.get("x"),
    lambda m: m.list_memories(),
    lambda m: m.update("x", importance=1),
    lambda m: m.history("x"),
    lambda m: m.forget("x"),
    lambda m: m.forget_all(confirm=True),
    lambda m: m.stats(),
    lambda m: m.compress(),
    lambda m: m.set_preference("k", "v"),
    lambda m: m.list_preferences(),
    lambda m: m.delete_preference("k"),
    lambda m: m.start_session(),
    lambda m: m.end_session("s"),
    lambda m: m.list_sessions(),
]


async def test_every_call_before_open_and_after_close_is_refused(hash_config: MemoryConfig) -> None:
    layer = MemoryLayer("ada", config=hash_config)
    for call in CALLS:
        with pytest.raises(NotOpen, match="open"):
            await call(layer)
    async with layer:
        pass
    for call in CALLS:
        with pytest.raises(NotOpen, match="open"):
            await call(layer)


async def test_a_layer_on_a_closed_vault_is_refused(hash_config: MemoryConfig) -> None:
    vault = Vault(hash_config)
    with pytest.raises(NotOpen):
        await MemoryLayer("ada", vault=vault).open()
    for call in (vault.health, vault.list_users, vault.check, vault.reindex):
        with pytest.raises(NotOpen):
            await call()
    with pytest.raises(NotOpen):
        _ = Vault().config


@pytest.mark.parametrize("call", CALLS)
async def test_another_event_loop_is_refused(
    hash_config: MemoryConfig, call: Callable[[MemoryLayer], Awaitable[Any]]
) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("ada", vault=vault) as layer:

        async def elsewhere() -> None:
            await call(layer)

        with pytest.raises(WrongEventLoop, match="event loop"):
            await in_another_loop(elsewhere)
        with pytest.raises(WrongEventLoop):
            await in_another_loop(vault.open)
        assert (await layer.stats()).total == 0


async def test_a_vault_closed_in_one_loop_opens_in_another(hash_config: MemoryConfig) -> None:
    layer = MemoryLayer("ada", config=hash_config)

    async def save() -> None:
        async with layer:
            await layer.save("tea")

    await in_another_loop(save)
    async with layer:
        assert (await layer.stats()).total == 1


async def test_two_vaults_on_one_folder_share_one_engine(hash_config: MemoryConfig) -> None:
    other_spelling = replace(hash_config, data_dir=hash_config.data_dir / ".." / "vault")
    async with Vault(hash_config) as one, Vault(other_spelling) as two:
        assert one.engine is two.engine


async def test_the_last_vault_to_close_closes_the_engine(hash_config: MemoryConfig) -> None:
    one, two = Vault(hash_config), Vault(hash_config)
    await one.open()
    await two.open()
    engine = one.engine
    await one.close()
    await one.close()
    async with MemoryLayer("ada", vault=two) as layer, Vault(hash_config) as three:
        await layer.save("tea")
        assert two.engine is three.engine is engine
    await two.close()
    async with Vault(hash_config) as three:
        assert three.engine is not engine


async def test_an_embedder_of_the_caller_is_never_closed(hash_config: MemoryConfig) -> None:
    embedder = Closing()
    async with MemoryLayer("ada", config=replace(hash_config, embedder=embedder)) as layer:
        await layer.save("tea")
    assert embedder.closed == 0


@pytest.mark.parametrize(
    "change", [{"durability": "process"}, {"lock_timeout_s": 1.0}, {"token_counter": "tiktoken:x"}]
)
async def test_conflicting_settings_on_one_folder_are_refused(
    hash_config: MemoryConfig, change: dict[str, Any]
) -> None:
    async with Vault(hash_config) as vault:
        with pytest.raises(ConfigError, match=next(iter(change))):
            await Vault(replace(hash_config, **change)).open()
        assert (await vault.health()).is_ok
    if "token_counter" not in change:
        async with Vault(replace(hash_config, **change)) as vault:
            assert (await vault.health()).is_ok


async def test_vaults_on_one_folder_may_differ_in_what_a_call_can_say(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as one, Vault(replace(hash_config, top_k=1)) as two:
        assert one.engine is two.engine
        async with MemoryLayer("ada", vault=one) as wide, MemoryLayer("ada", vault=two) as narrow:
            await wide.save(["one tea", "two teas"])
            assert len((await wide.recall("tea")).memories) == 2
            assert len((await narrow.recall("tea")).memories) == 1


async def test_a_vault_and_a_config_together_are_refused(hash_config: MemoryConfig) -> None:
    with pytest.raises(InvalidInput, match="not both"):
        MemoryLayer("ada", vault=Vault(hash_config), config=hash_config)


async def test_many_layers_share_a_vault_and_leave_it_open(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:

        async def say(user_id: str) -> None:
            async with MemoryLayer(user_id, vault=vault) as layer:
                await layer.save(f"I am {user_id}")

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(say, f"user {number:02}")
        users = (await vault.list_users()).items
        assert [one.user_id for one in users] == [f"user {number:02}" for number in range(20)]


async def test_list_users_gives_pages_by_id(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        assert (await vault.list_users()).items == ()
        for user_id in ("c", "a", "b"):
            async with MemoryLayer(user_id, vault=vault) as layer:
                await layer.set_preference("k", "v")
        first = await vault.list_users(page_size=2)
        assert [one.user_id for one in first.items] == ["a", "b"]
        second = await vault.list_users(page_size=2, cursor=first.next_cursor)
        assert [one.user_id for one in second.items] == ["c"]
        assert second.next_cursor is None
        assert all(one.created_at.utcoffset() is not None for one in first.items)


async def test_health_is_ok_and_says_what_is_wrong(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        assert (await vault.health()).is_ok
    without_model = replace(
        hash_config, embedder="minilm", model_dir=hash_config.data_dir.parent / "nothing here"
    )
    async with Vault(without_model) as vault:
        health = await vault.health()
        assert not health.is_ok
        assert health.store == "ok"
        assert "install" in health.embedder


async def test_stats_count_what_a_user_has(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=hash_config) as layer:
        empty = await layer.stats()
        assert (empty.total, empty.bytes_on_disk, empty.embedder) == (0, 0, None)
        await layer.set_preference("style", "short")
        saved = (await layer.save(["Tea is ready.", "I live in Berlin."], session_id="s")).saved
        await layer.update(saved[0].id, content="Tea was ready.")
        stats = await layer.stats()
    assert stats.memories == {"episodic": 1, "semantic": 2}  # what was said, and the fact
    assert (stats.versions, stats.chunks, stats.sessions, stats.preferences) == (1, 4, 1, 1)
    assert stats.first_recorded_at == stats.last_recorded_at == saved[0].recorded_at
    assert stats.bytes_on_disk > 0
    assert stats.embedder == str(HashEmbedder().fingerprint)


@pytest.mark.parametrize("user_id", ["ada", None])
async def test_reindex_changes_no_answer(hash_config: MemoryConfig, user_id: str | None) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("ada", vault=vault) as layer:
        await layer.save([f"Rose number {i} is red." for i in range(5)])
        before = await layer.recall("red rose")
        await vault.reindex(user_id)
        assert await layer.recall("red rose") == before


async def test_check_names_the_damaged_file_and_no_other(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        for user_id in ("ada", "bob"):
            async with MemoryLayer(user_id, vault=vault) as layer:
                await layer.save([f"note {i} of {user_id}" for i in range(50)])
        report = await vault.check()
        assert report.is_ok
        assert report.users == 2
    damaged, _ = sorted((hash_config.data_dir / "users").rglob("*.db"))
    data = bytearray(damaged.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    damaged.write_bytes(data)
    async with Vault(hash_config) as vault:
        report = await vault.check()
    assert [damaged.name in problem.what for problem in report.problems] == [True]
