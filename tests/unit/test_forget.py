"""Forgetting: what goes with a memory, what comes back, and that nothing is left in any file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import current_token
from tests.faults.children import child

from memory_vault import ChangedMeanwhile, InvalidInput, MemoryConfig, MemoryLayer, NotFound, Vault
from memory_vault._ids import new_id
from memory_vault.storage import Chunk, NewMemory
from memory_vault.storage.sqlite.files import note_removal, user_path

pytestmark = pytest.mark.anyio
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "vermilion armadillo"
TOWN = "Samarkand"
FORGET_ADA = """
async def main():
    async with Vault(config) as vault:
        await vault.forget_user("ada", confirm=True)

anyio.run(main, backend=backend)
"""


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


async def left(memory: MemoryLayer) -> list[str]:
    return [one.content for one in (await memory.list_memories()).items]


def holding(folder: Path, *texts: str) -> list[str]:
    """Names of the files below a folder that hold any of the texts."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [one.name for one in files if any(t.encode() in one.read_bytes() for t in texts)]


async def derive(vault: Vault, memory: MemoryLayer, content: str, *sources: str) -> str:
    """Store a memory that was made from others, as compression does."""
    row = (await vault.engine.embedder.embed([content]))[0].tobytes()
    new = NewMemory(
        id=new_id("mem"),
        session_id=None,
        memory_type="semantic",
        role="assistant",
        content=content,
        importance=0.5,
        occurred_at=None,
        origin="model",
        token_count=1,
        metadata=None,
        chunks=(Chunk(0, len(content), row, b""),),
        derived_from=sources,
    )
    added = await vault.engine.store.write(memory.user_id, lambda user: user.memories.add(new))
    return added.id


async def test_one_memory_is_forgotten_with_all_its_versions(memory: MemoryLayer) -> None:
    one, _ = (await memory.save(["tea", "cake"])).saved
    await memory.update(one.id, content="coffee")
    receipt = await memory.forget(one.id)
    assert receipt.removed == {"memories": 1, "versions": 2, "chunks": 2}
    assert (receipt.state, receipt.reason, receipt.dry_run) == ("done", "", False)
    assert receipt.digest
    assert await left(memory) == ["cake"]
    for call in (memory.get, memory.history, memory.forget):
        with pytest.raises(NotFound):
            await call(one.id)
    stats = await memory.stats()
    assert (stats.total, stats.versions, stats.chunks) == (1, 0, 1)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"session_id": "s"}, "four five"),
        ({"origin": "tool"}, "one five"),
        ({"origin": "tool:web"}, "one three five"),
        ({"origin": "user"}, "two three four"),
        ({"origin": "import"}, "one two three four five"),
    ],
)
async def test_a_selector_forgets_what_it_names_and_nothing_else(
    memory: MemoryLayer, selector: dict[str, Any], expected: str
) -> None:
    await memory.save("one", session_id="s")
    await memory.save("two", session_id="s", origin="tool:web")
    await memory.save("three", session_id="s", origin="tool:webcam")
    await memory.save("four", origin="tool:web", session_id="t")
    await memory.save("five", session_id="t", role="Bob")
    receipt = await memory.forget(**selector)
    assert await left(memory) == expected.split()
    assert receipt.removed.get("memories", 0) == 5 - len(expected.split())


async def withdrawn(memory: MemoryLayer) -> str:
    """A fact that nothing states any more; its history can be read."""
    said = await memory.save(f"I live in {TOWN}.", session_id="s")
    (fact,) = said.facts
    await memory.update(said.saved[0].id, content="The weather is fine.")
    with pytest.raises(NotFound):
        await memory.get(fact.memory.id)
    assert len(await memory.history(fact.memory.id)) == 1
    return fact.memory.id


@pytest.mark.parametrize("proof", ["quick", "proven"])
async def test_what_was_withdrawn_is_forgotten_by_its_id(memory: MemoryLayer, proof: Any) -> None:
    fact_id = await withdrawn(memory)
    dry = await memory.forget(fact_id, dry_run=True)
    (change,) = await memory.history(fact_id)
    with pytest.raises(ChangedMeanwhile):
        await memory.forget(fact_id, if_revision="0" * len(change.memory.revision))
    receipt = await memory.forget(fact_id, proof=proof, if_revision=change.memory.revision)
    assert receipt.removed == dry.removed == {"memories": 1, "versions": 1, "chunks": 1}
    assert (receipt.state, receipt.restored, receipt.rebuilt) == ("done", (), ())
    for call in (memory.history, memory.forget):
        with pytest.raises(NotFound):
            await call(fact_id)
    assert await left(memory) == ["The weather is fine."]


@pytest.mark.parametrize("selector", ["origin", "recorded_before"])
async def test_a_selector_reaches_what_was_withdrawn(
    vault: Vault, memory: MemoryLayer, selector: str
) -> None:
    await memory.save("tea", origin="tool")
    made = await derive(vault, memory, f"The {SECRET} sang.")
    known = (await memory.get(made)).recorded_at
    await vault.engine.store.write("ada", lambda user: user.memories.withdraw(made))
    border = (await memory.save("cake", origin="tool")).saved[0].recorded_at
    given: dict[str, Any] = {"origin": "model"} if selector == "origin" else {selector: border}
    await memory.forget(**given)
    with pytest.raises(NotFound):
        await memory.history(made)
    past = await memory.recall("armadillo", known_at=known)
    assert made not in [one.memory.id for one in past.memories]
    assert await left(memory) == (["tea", "cake"] if selector == "origin" else ["cake"])


async def test_a_session_is_forgotten_with_what_was_withdrawn_there(
    vault: Vault, memory: MemoryLayer
) -> None:
    await memory.save("tea", session_id="s")
    (one,) = (await memory.list_memories()).items
    await vault.engine.store.write("ada", lambda user: user.memories.withdraw(one.id))
    assert (await memory.forget(session_id="s")).removed["memories"] == 1
    assert (await memory.stats()).versions == 0


async def test_recorded_before_is_exclusive(memory: MemoryLayer) -> None:
    await memory.save("one", occurred_at=DAY + timedelta(days=99_999))
    border = (await memory.save("two", occurred_at=DAY)).saved[0].recorded_at
    await memory.forget(recorded_before=border)
    assert await left(memory) == ["two"]


async def test_a_forgotten_session_is_listed_no_more(memory: MemoryLayer) -> None:
    await memory.start_session("empty", metadata={"a": 1})
    await memory.save("tea", session_id="s")
    for session_id in ("s", "empty"):
        assert (await memory.forget(session_id=session_id)).removed["sessions"] == 1
        with pytest.raises(NotFound):
            await memory.forget(session_id=session_id)
    assert (await memory.list_sessions()).items == ()


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"memory_id": "m", "session_id": "s"},
        {"session_id": "s", "origin": "user"},
        {"origin": "user", "recorded_before": DAY},
        {"origin": "odd"},
        {"recorded_before": datetime(2026, 1, 1)},
        {"memory_id": "m", "proof": "odd"},
    ],
)
async def test_exactly_one_acceptable_selector_is_needed(
    memory: MemoryLayer, selector: dict[str, Any]
) -> None:
    await memory.save("tea", session_id="s")
    with pytest.raises(InvalidInput):
        await memory.forget(**selector)
    assert await left(memory) == ["tea"]


async def test_a_dry_run_says_what_would_go_and_changes_nothing(memory: MemoryLayer) -> None:
    await memory.set_preference("name to use", "Ada")
    await memory.save(["Call me Countess.", "tea"], session_id="s", idempotency_key="k")
    before = await memory.list_memories(), await memory.stats(), await memory.list_preferences()
    dry = await memory.forget(session_id="s", dry_run=True)
    assert dry.dry_run
    after = await memory.list_memories(), await memory.stats(), await memory.list_preferences()
    assert after == before
    assert (await memory.recall("Countess")).memories
    real = await memory.forget(session_id="s")
    assert (real.removed, real.restored) == (dry.removed, dry.restored)
    assert real.removed["idempotency"] == real.removed["preferences"] == 1


async def test_derived_memories_go_too_at_any_remove(vault: Vault, memory: MemoryLayer) -> None:
    one, two = (await memory.save(["tea", "cake"])).saved
    summary = await derive(vault, memory, "a summary of both", one.id, two.id)
    await derive(vault, memory, "a summary of the summary", summary)
    receipt = await memory.forget(one.id)
    assert receipt.removed["memories"] == 3
    assert await left(memory) == ["cake"]
    assert (await memory.recall("summary")).memories[0].memory == two


# preferences --------------------------------------------------------------------------------------


async def values(memory: MemoryLayer) -> list[str]:
    return [one.value for one in await memory.list_preferences()]


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    ("forgotten", "expected", "restored"),
    [
        ([0], ["Duchess"], []),
        ([1], ["Countess"], ["name to use"]),
        ([0, 1], ["Ada"], ["name to use"]),
        ([1, 0], ["Ada"], ["name to use"]),
    ],
)
async def test_a_preference_goes_with_its_source_and_the_value_before_comes_back(
    memory: MemoryLayer,
    at_once: bool,
    forgotten: list[int],
    expected: list[str],
    restored: list[str],
) -> None:
    await memory.set_preference("name to use", "Ada")
    texts = ["Call me Countess.", "Call me Duchess."]
    calls = [texts] if at_once else [[text] for text in texts]
    saved = [one for call in calls for one in (await memory.save(call)).saved]
    receipts = [await memory.forget(saved[i].id) for i in forgotten]
    assert await values(memory) == expected
    assert list(receipts[-1].restored) == restored
    history = await memory.list_preferences(include_history=True)
    assert len(history) == 3 - len(forgotten)


async def test_only_what_is_in_force_again_is_told_as_restored(memory: MemoryLayer) -> None:
    await memory.save(["Call me Countess.", "Call me Duchess."], session_id="s")
    receipt = await memory.forget(session_id="s")
    assert await memory.list_preferences(include_history=True) == ()
    assert receipt.restored == ()


async def test_a_deleted_preference_does_not_come_back(memory: MemoryLayer) -> None:
    await memory.set_preference("name to use", "Ada")
    await memory.delete_preference("name to use")
    saved = (await memory.save("Call me Countess.")).saved[0]
    assert (await memory.forget(saved.id)).restored == ()
    assert await values(memory) == []


async def test_a_preference_set_since_stays(memory: MemoryLayer) -> None:
    saved = (await memory.save("Call me Countess.")).saved[0]
    await memory.set_preference("name to use", "Ada")
    assert (await memory.forget(saved.id)).restored == ()
    assert await values(memory) == ["Ada"]


# files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        lambda memory: memory.forget(session_id="s"),
        lambda memory: memory.forget(origin="user"),
        lambda memory: memory.forget(recorded_before=datetime(9999, 1, 1, tzinfo=UTC)),
        lambda memory: memory.forget_all(confirm=True),
    ],
)
async def test_forgotten_bytes_are_in_no_file(hash_config: MemoryConfig, how: Any) -> None:
    long = " ".join(f"{i} times {SECRET} and so on." for i in range(2_000))
    async with MemoryLayer("ada", config=hash_config) as memory:
        await memory.start_session("s", metadata={"about": SECRET})
        saved = await memory.save(
            [f"I saw a {SECRET}.", f"My favourite animal is {SECRET}.", long],
            metadata={"seen": SECRET},
            idempotency_key="k",
        )
        assert saved.facts
        for i in range(3):
            await memory.update(saved.saved[0].id, content=f"I saw {i} of {SECRET}")
            await memory.save(f"filler {i}", session_id="other", origin="import")
        await memory.end_session("s")
        assert (await how(memory)).state == "done"
        if "s" in [one.id for one in (await memory.list_sessions()).items]:
            await memory.start_session("s", metadata={"about": "nothing"})
        assert SECRET not in (await memory.recall(SECRET)).prompt_block
    assert holding(hash_config.data_dir, SECRET, "vermilion", "armadillo") == []


async def test_a_replaced_preference_is_in_no_file_after_forget_all(
    hash_config: MemoryConfig,
) -> None:
    async with MemoryLayer("ada", config=hash_config) as memory:
        await memory.set_preference("animal", SECRET)
        await memory.set_preference("animal", "cat")
        await memory.forget_all(confirm=True)
    assert holding(hash_config.data_dir, SECRET) == []


async def test_a_reader_elsewhere_makes_the_receipt_pending(
    memory: MemoryLayer, hash_config: MemoryConfig
) -> None:
    saved = (await memory.save(f"I saw a {SECRET}.")).saved[0]
    is_reading, is_done = anyio.Event(), anyio.Event()

    async def read() -> None:
        async with Vault(hash_config) as other:

            def hold(user: Any) -> None:
                user.memories.get(saved.id)
                from_thread.run_sync(is_reading.set, token=token)
                from_thread.run(is_done.wait, token=token)

            await other.engine.store.read("ada", hold)

    token = current_token()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(to_thread.run_sync, partial(anyio.run, read))
        await is_reading.wait()
        receipt = await memory.forget(saved.id)
        is_done.set()
    assert receipt.state == "pending"
    assert "reader" in receipt.reason
    with pytest.raises(NotFound):
        await memory.get(saved.id)


# everything of a user -----------------------------------------------------------------------------


async def test_forget_all_leaves_the_user_listed_and_usable(
    vault: Vault, memory: MemoryLayer
) -> None:
    await memory.set_preference("style", "short")
    await memory.save(["tea", "cake"], session_id="s", idempotency_key="k")
    for confirm in (False, None, 1):
        with pytest.raises(InvalidInput, match="confirm"):
            await memory.forget_all(confirm=confirm)
    receipt = await memory.forget_all(confirm=True)
    assert receipt.state == "done"
    assert {name: receipt.removed[name] for name in ("memories", "sessions", "preferences")} == {
        "memories": 2,
        "sessions": 1,
        "preferences": 1,
    }
    stats = await memory.stats()
    assert (stats.total, stats.sessions, stats.preferences, stats.chunks) == (0, 0, 0, 0)
    assert [one.user_id for one in (await vault.list_users()).items] == ["ada"]
    assert (await memory.recall("tea")).prompt_block == ""
    await memory.save("other", idempotency_key="k")
    assert [one.memory.content for one in (await memory.recall("tea")).memories] == ["other"]


async def test_forget_user_removes_the_name_and_the_file(hash_config: MemoryConfig) -> None:
    name = "Ada of the long unmistakable name"
    async with Vault(hash_config) as vault:
        for user_id in (name, "bob"):
            async with MemoryLayer(user_id, vault=vault) as memory:
                await memory.save(f"{user_id} saw a {SECRET}" if user_id == name else "tea")
        with pytest.raises(InvalidInput, match="confirm"):
            await vault.forget_user(name, confirm=False)
        receipt = await vault.forget_user(name, confirm=True)
        assert receipt.state == "done"
        assert receipt.removed["memories"] == 1
        assert holding(hash_config.data_dir, name, SECRET) == [], "the catalog's log too"
        assert [one.user_id for one in (await vault.list_users()).items] == ["bob"]
        with pytest.raises(NotFound):
            await vault.forget_user(name, confirm=True)
        assert len(list((hash_config.data_dir / "users").rglob("*.db"))) == 1
    assert holding(hash_config.data_dir, name, SECRET) == []


async def test_a_user_forgotten_while_a_layer_is_open_may_begin_anew(
    vault: Vault, memory: MemoryLayer
) -> None:
    await memory.save("tea")
    await vault.forget_user("ada", confirm=True)
    assert (await memory.recall("tea")).prompt_block == ""
    assert (await vault.list_users()).items == ()
    await memory.save("cake")
    assert await left(memory) == ["cake"]
    assert [one.user_id for one in (await vault.list_users()).items] == ["ada"]


async def test_a_user_whose_file_is_open_elsewhere_is_forgotten_but_pending(
    vault: Vault, memory: MemoryLayer, hash_config: MemoryConfig
) -> None:
    await memory.save("tea")
    is_open, is_done = anyio.Event(), anyio.Event()

    async def use() -> None:
        async with MemoryLayer("ada", config=hash_config) as other:
            await other.stats()
            from_thread.run_sync(is_open.set, token=token)
            from_thread.run(is_done.wait, token=token)

    token = current_token()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(to_thread.run_sync, partial(anyio.run, use))
        await is_open.wait()
        receipt = await vault.forget_user("ada", confirm=True)
        is_done.set()
    assert (await vault.list_users()).items == ()
    if any((hash_config.data_dir / "users").rglob("*.db")):
        assert receipt.state == "pending"
    with anyio.fail_after(60):
        while any((hash_config.data_dir / "users").rglob("*.db")):
            await anyio.sleep(0.01)
    assert not any((hash_config.data_dir / "users").rglob("*.db"))


async def test_forgetting_for_an_unknown_user_makes_no_file(
    vault: Vault, memory: MemoryLayer, hash_config: MemoryConfig
) -> None:
    for selector in ({"memory_id": "mem_none"}, {"session_id": "s"}):
        with pytest.raises(NotFound):
            await memory.forget(**selector)
    for call in (memory.forget(origin="user"), memory.forget_all(confirm=True)):
        receipt = await call
        assert (receipt.removed, receipt.state) == ({}, "done")
    with pytest.raises(NotFound):
        await vault.forget_user("ada", confirm=True)
    assert (await vault.list_users()).items == ()
    assert list((hash_config.data_dir / "users").rglob("*")) == []


async def test_a_removal_cut_short_is_finished_by_the_next_open(hash_config: MemoryConfig) -> None:
    """As after a kill between striking the user from the list and unlinking the emptied file."""
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        await memory.save("I live in Lisbon.")
        store, path = vault.engine.store, user_path(hash_config.data_dir, "alice")
        await store.write("alice", lambda user: user.retire())
        note_removal(store._aside, path)
        store._strike("alice")
    async with Vault(hash_config) as vault:
        assert (await vault.list_users()).items == ()
        assert not path.exists()
        assert list((hash_config.data_dir / "new").iterdir()) == []


async def test_a_user_who_came_back_is_not_removed_by_the_next_open(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        await memory.save("I am here again.")
        note_removal(vault.engine.store._aside, user_path(hash_config.data_dir, "alice"))
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert [m.content for m in (await memory.list_memories()).items] == ["I am here again."]
        assert list((hash_config.data_dir / "new").iterdir()) == []


class Killed(Exception):
    """Stands for the end of the process at this point."""


async def test_who_comes_back_while_being_removed_is_listed_though_both_are_cut_short(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed are the removal after it struck the user, and the save before it lists them again."""
    async with Vault(hash_config) as vault, MemoryLayer("ada", vault=vault) as memory:
        await memory.save("tea")
        store, path = vault.engine.store, user_path(hash_config.data_dir, "ada")
        await store.write("ada", lambda user: user.retire())
        enter, calls = store._enter, list[str]()

        def cut_short(user_id: str, since: int | None = None) -> None:
            calls.append(user_id)
            if len(calls) == 2:
                raise Killed
            enter(user_id, since)
            note_removal(store._aside, path)
            store._strike(user_id)

        monkeypatch.setattr(store, "_enter", cut_short)
        with pytest.raises(Killed):
            await memory.save("cake")
        assert (await vault.list_users()).items == ()
    async with Vault(hash_config) as vault, MemoryLayer("ada", vault=vault) as memory:
        assert [one.user_id for one in (await vault.list_users()).items] == ["ada"]
        assert "cake" in await left(memory)


async def test_a_user_removed_elsewhere_is_listed_before_the_file_is_made(
    hash_config: MemoryConfig, anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(hash_config, max_open_files=1)
    async with (
        Vault(config) as vault,
        MemoryLayer("ada", vault=vault) as memory,
        MemoryLayer("bob", vault=vault) as bob,
    ):
        await memory.save("tea")
        await bob.save("hi")  # the connection to the file of ada is closed
        with child(FORGET_ADA, config.data_dir, anyio_backend) as other:
            other.finish()
        store, publish = vault.engine.store, vault.engine.store._publish_user

        def publish_and_end(user_id: str, path: Path) -> bool:
            publish(user_id, path)
            raise Killed

        monkeypatch.setattr(store, "_publish_user", publish_and_end)
        with pytest.raises(Killed):
            await memory.save("cake")
        assert [one.user_id for one in (await vault.list_users()).items] == ["ada", "bob"]
