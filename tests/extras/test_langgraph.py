"""`VaultStore` against LangGraph's own store, call by call, and what it promises beyond that."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import anyio
import pytest
from anyio import to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_vault import MemoryConfig, MemoryLayer, Vault, VaultSync
from memory_vault.errors import BlockingCallRefused, InvalidInput
from memory_vault.integrations import _items

if importlib.util.find_spec("langgraph") is None:
    pytest.skip("langgraph is missing", allow_module_level=True)

from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from memory_vault.integrations.langgraph import VaultStore

pytestmark = pytest.mark.extras
NOTES = ("alice", "notes")

# against LangGraph's own store --------------------------------------------------------------------

LABELS = st.sampled_from(["a", "b", "ü c"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
PREFIXES = st.lists(LABELS, max_size=2).map(tuple)
PATHS = st.lists(st.one_of(LABELS, st.just("*")), min_size=1, max_size=2).map(tuple)
KEYS = st.sampled_from(["k", "l.m", "ключ/../k"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["x", "", "Tea"]))
VALUES = st.dictionaries(
    st.sampled_from(["n", "t", "deep"]),
    st.one_of(LEAVES, st.lists(LEAVES, max_size=2), st.dictionaries(st.just("n"), LEAVES)),
    max_size=3,
)
COMPARED = st.dictionaries(
    st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.integers(-3, 3), min_size=1, max_size=2
)
FILTERS = st.dictionaries(
    st.sampled_from(["t", "deep"]),
    st.one_of(
        LEAVES,
        st.lists(LEAVES, max_size=2),
        st.dictionaries(st.sampled_from(["$eq", "$ne"]), LEAVES, min_size=1, max_size=1),
        st.dictionaries(st.just("n"), LEAVES),
    ),
    max_size=2,
)
PUTS = st.builds(
    PutOp,
    NAMES,
    KEYS,
    st.one_of(st.none(), VALUES),
    st.sampled_from([None, False, ["t"]]),
    st.none(),
)
SEARCHES = st.builds(
    SearchOp,
    PREFIXES,
    st.one_of(st.none(), FILTERS),
    st.integers(0, 4) | st.just(100),
    st.integers(0, 3),
    st.none(),
)
LISTINGS = st.builds(
    ListNamespacesOp,
    st.lists(
        st.builds(MatchCondition, st.sampled_from(["prefix", "suffix"]), PATHS), max_size=2
    ).map(tuple),
    st.one_of(st.none(), st.integers(1, 2)),
    st.integers(0, 3) | st.just(100),
    st.integers(0, 2),
)
BATCHES = st.lists(
    st.lists(PUTS | PUTS | PUTS | st.builds(GetOp, NAMES, KEYS) | SEARCHES | LISTINGS, max_size=4),
    min_size=1,
    max_size=8,
)


@pytest.fixture(params=["asyncio", "trio"])
def portal(request: pytest.FixtureRequest) -> Iterator[BlockingPortal]:
    with start_blocking_portal(request.param) as portal:
        yield portal


@pytest.fixture
def vault(portal: BlockingPortal, hash_config: MemoryConfig) -> Iterator[Vault]:
    vault = Vault(replace(hash_config, durability="process"))
    portal.call(vault.open)
    yield vault
    portal.call(vault.close)


def plain(item: Item | None) -> Any:
    return item and (item.namespace, item.key, item.value)


def without_empty(store: InMemoryStore) -> None:
    """LangGraph's store lists namespaces of which something was only asked for, or is deleted."""
    for name in [name for name, items in store._data.items() if not items]:
        del store._data[name]


def same(ours: Any, op: Op, store: InMemoryStore) -> bool:
    """Whether one answer is that of LangGraph's store as it was before the batch's puts."""
    if isinstance(op, PutOp):
        return ours is None
    without_empty(store)
    theirs = store.batch([op])[0]
    if isinstance(op, SearchOp):  # which items a page has is not said, but that pages are pages
        matching = [plain(one) for one in store.batch([op._replace(limit=100, offset=0)])[0]]
        return len(ours) == len(theirs) and all(plain(one) in matching for one in ours)
    if isinstance(op, GetOp):
        return bool(plain(ours) == plain(theirs))
    return bool(ours == theirs)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(BATCHES)
def test_it_answers_as_langgraphs_own_store(
    portal: BlockingPortal, vault: Vault, batches: list[list[Op]]
) -> None:
    ours, theirs = VaultStore(vault, user_id=uuid4().hex), InMemoryStore()
    for batch in batches:
        found = portal.call(ours.abatch, batch)
        for op, mine in zip(batch, found, strict=True):
            assert same(mine, op, theirs), op
        theirs.batch([op for op in batch if isinstance(op, PutOp)])
    everything = SearchOp((), None, 100, 0)
    listed = sorted(map(repr, map(plain, portal.call(ours.abatch, [everything])[0])))
    assert listed == sorted(map(repr, map(plain, theirs.batch([everything])[0])))
    pages = [
        plain(one)
        for at in range(0, len(listed), 2)
        for one in portal.call(ours.abatch, [SearchOp((), None, 2, at)])[0]
    ]
    assert sorted(map(repr, pages)) == listed


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=4), COMPARED)
def test_numbers_are_compared_as_langgraphs_own_store_does(
    portal: BlockingPortal, vault: Vault, numbers: list[int], wanted: dict[str, int]
) -> None:
    ours, theirs = VaultStore(vault, user_id=uuid4().hex), InMemoryStore()
    puts = [PutOp(("a",), str(i), {"n": n}) for i, n in enumerate(numbers)]
    search = [SearchOp(("a",), {"n": wanted}, 10)]
    portal.call(ours.abatch, puts)
    theirs.batch(puts)
    found = portal.call(ours.abatch, search)[0]
    assert {one.key for one in found} == {one.key for one in theirs.batch(search)[0]}


# what it promises beyond that ---------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_search_by_words_ranks_and_misses_nothing(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        store = VaultStore(vault)
        for i, food in enumerate(["pizza with olives", "pizza with olives", "soup", "rice"]):
            await store.aput(NOTES, str(i), {"memory": f"likes {food}"})
        await store.aput(NOTES, "hidden", {"memory": "likes olives and olives"}, index=False)
        await store.aput(("alice", "other"), "x", {"memory": "likes olives"})
        found = await store.asearch(NOTES, query="who likes olives?", limit=10)
        assert {one.key for one in found} == {"0", "1", "2", "3", "hidden"}
        assert found[0].key in ("0", "1")
        assert found[0].score is not None
        assert next(one for one in found if one.key == "hidden").score is None
        first = await store.asearch(NOTES, query="who likes olives?", limit=1)
        assert [one.key for one in first] == [found[0].key]
        filtered = await store.asearch(
            NOTES, query="olives", filter={"memory": "likes rice"}, limit=1
        )
        assert [one.key for one in filtered] == ["3"]


@pytest.mark.anyio
async def test_chosen_fields_are_searched(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        store = VaultStore(vault, fields=["parts[*].text"])
        value = {"parts": [{"text": "a red bicycle"}, {"text": "a bell"}], "note": "secret garden"}
        await store.aput(NOTES, "k", value)
        async with MemoryLayer("alice", vault=vault) as memory:
            (stored,) = (await memory.list_memories()).items
            assert stored.content == "a red bicycle\na bell"
            assert "bicycle" in (await memory.recall("Which bicycle?")).prompt_block
        assert (await store.aget(NOTES, "k")).value == value


@pytest.mark.anyio
async def test_users_never_see_each_other(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        store = VaultStore(vault)
        await store.aput(("alice", "n"), "k", {"t": "alice's"})
        await store.aput(("bob", "n"), "k", {"t": "bob's"})
        assert [one.value for one in await store.asearch(("bob",), query="alice's")] == [
            {"t": "bob's"}
        ]
        assert await store.alist_namespaces(prefix=("bob",)) == [("bob", "n")]
        with pytest.raises(InvalidInput, match="user id"):
            await store.asearch(())
        with pytest.raises(InvalidInput, match="user id"):
            await store.alist_namespaces(suffix=("n",))
        with pytest.raises(ValueError, match="period"):
            await store.abatch([GetOp(("bob.alice",), "k")])


@pytest.mark.anyio
async def test_a_put_keeps_the_version_before_and_a_delete_keeps_nothing(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        store = VaultStore(vault)
        await store.aput(NOTES, "k", {"t": "green tea"})
        before = await store.aget(NOTES, "k")
        await store.aput(NOTES, "k", {"t": "black tea"})
        after = await store.aget(NOTES, "k")
        assert (after.created_at, after.value) == (before.created_at, {"t": "black tea"})
        assert after.updated_at > before.updated_at
        (stored,) = (await memory.list_memories()).items
        versions = [one.memory.content for one in await memory.history(stored.id)]
        assert versions == ["t: green tea", "t: black tea"]
        await store.adelete(NOTES, "k")
        stats = await memory.stats()
        assert (stats.total, stats.versions, stats.sessions) == (0, 0, 0)
        await store.aput(NOTES, "k", {"t": "again"})
        assert (await store.aget(NOTES, "k")).value == {"t": "again"}


@pytest.mark.anyio
async def test_a_key_put_by_many_at_once_is_one_item(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        store = VaultStore(vault)
        async with anyio.create_task_group() as group:
            for i in range(8):
                group.start_soon(store.aput, NOTES, "k", {"n": i})
        assert (await memory.stats()).total == 1
        assert (await store.aget(NOTES, "k")).value["n"] in range(8)


class Clock(datetime):
    """A clock that a test moves on."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) + cls.ahead


@pytest.mark.anyio
async def test_items_live_as_long_as_they_are_used(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_items, "datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", timedelta())
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        store = VaultStore(vault, ttl={"default_ttl": 60, "refresh_on_read": True})
        for key in ("read", "peeked", "left"):
            await store.aput(NOTES, key, {"t": key})
        await store.aput(NOTES, "ever", {"t": "ever"}, ttl=None)
        Clock.ahead += timedelta(minutes=59)
        assert await store.aget(NOTES, "read")
        assert await store.aget(NOTES, "peeked", refresh_ttl=False)
        Clock.ahead += timedelta(minutes=50)  # 109 since the puts, 50 since the read
        assert {one.key for one in await store.asearch(NOTES, refresh_ttl=False)} == {
            "read",
            "ever",
        }
        assert await store.aget(NOTES, "left") is None
        assert await store.asweep_ttl("alice") == 2
        assert (await memory.stats()).total == 2
        await store.aput(NOTES, "read", {"t": "for ever"}, ttl=None)
        Clock.ahead += timedelta(days=30)
        assert await store.aget(NOTES, "read")
        with pytest.raises(InvalidInput, match="name the one"):
            await store.asweep_ttl()


@pytest.mark.anyio
async def test_reading_writes_now_and_then_only(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        store = VaultStore(vault)
        await store.aput(NOTES, "k", {"t": "x"}, ttl=60)
        for _ in range(20):
            await store.aget(NOTES, "k")
        assert (await memory.stats()).versions == 0


@pytest.mark.anyio
async def test_a_large_value_comes_back_and_an_impossible_one_is_refused(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as vault:
        store = VaultStore(vault, fields=["title"])
        large = {"title": "a book", "text": "word " * 40_000, "odd": "\x00\u200b"}
        await store.aput(NOTES, "k", large)
        assert (await store.aget(NOTES, "k")).value == large
        with pytest.raises(InvalidInput, match="not JSON"):
            await store.aput(NOTES, "l", {"when": datetime.now(UTC)})
        for minutes in (-1.0, float("nan"), 1e12):
            with pytest.raises(InvalidInput, match="minutes"):
                await store.aput(NOTES, "l", {}, ttl=minutes)
        with pytest.raises(InvalidInput, match=r"\$lte"):
            await store.asearch(NOTES, filter={"title": {"$regex": "a"}})


@pytest.mark.anyio
async def test_blocking_methods_from_a_worker_thread(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        store = VaultStore(vault)
        with pytest.raises(BlockingCallRefused, match="awaited"):
            store.get(NOTES, "k")
        await to_thread.run_sync(store.put, NOTES, "k", {"t": "from a thread"})
        assert (await store.aget(NOTES, "k")).value == {"t": "from a thread"}


def test_blocking_methods_through_the_portal(hash_config: MemoryConfig) -> None:
    with VaultSync(hash_config) as vault:
        store = VaultStore(vault)
        store.put(NOTES, "k", {"t": "tea"}, ttl=0.0)
        assert store.get(NOTES, "k") is None
        assert store.sweep_ttl("alice") == 1
        store.put(NOTES, "k", {"t": "tea"})

        async def read() -> Any:
            return (await store.aget(NOTES, "k")).value

        for backend in ("asyncio", "trio"):
            assert anyio.run(read, backend=backend) == {"t": "tea"}
        store.delete(NOTES, "k")
        assert store.search(NOTES) == []


def test_a_graph_remembers(hash_config: MemoryConfig) -> None:
    """The store as a real graph gets it, with nodes of both kinds."""
    from langgraph.graph import START, StateGraph
    from langgraph.store.base import BaseStore
    from typing_extensions import TypedDict

    class State(TypedDict):
        said: str
        known: list[str]

    async def note(state: State, *, store: BaseStore) -> dict[str, Any]:
        await store.aput(NOTES, uuid4().hex, {"memory": state["said"]})
        return {}

    def look(state: State, *, store: BaseStore) -> dict[str, Any]:  # runs in a thread
        return {"known": [one.value["memory"] for one in store.search(NOTES, query="olives")]}

    async def main() -> None:
        async with Vault(hash_config) as vault:
            graph = StateGraph(State)
            graph.add_node("note", note)
            graph.add_node("look", look)
            graph.add_edge(START, "note")
            graph.add_edge("note", "look")
            app = graph.compile(store=VaultStore(vault))
            await app.ainvoke({"said": "I like olives.", "known": []})
            done = await app.ainvoke({"said": "It rains.", "known": []})
            assert done["known"][0] == "I like olives."
            assert set(done["known"]) == {"I like olives.", "It rains."}

    anyio.run(main)
