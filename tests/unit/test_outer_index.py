"""A vault whose near embeddings are found by an outer index: in step with the files, whatever ends.

The same tests run with ChromaDB, in tests/extras/test_chroma_vault.py.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from memory_vault import ConfigError, MemoryConfig, MemoryLayer, Vault, outer_feed, outer_index
from memory_vault.errors import BackendUnavailable
from memory_vault.outer_index import OuterIndex
from memory_vault.storage.index import Mark, VectorIndex, rank, stored
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.vectors import MatrixIndex

pytestmark = pytest.mark.anyio
TOPICS = ("roses", "bread", "chess", "rivers", "bicycles", "clocks", "paint", "owls")


@pytest.fixture(autouse=True)
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outer index is asked however few memories there are, and few are looked at exactly."""
    monkeypatch.setattr(outer_feed, "_QUIET_S", 0.05)
    monkeypatch.setattr(stored, "FEW_ROWS", 0)
    monkeypatch.setattr(rank, "_CANDIDATES_EACH", 1)
    monkeypatch.setattr(rank, "_WORTH_IT", 0)
    monkeypatch.setitem(rank.rank.__kwdefaults__, "candidates", 20)


@pytest.fixture
def make_index() -> Callable[[], VectorIndex | str]:
    """What the setting is, each time a vault is opened."""
    index = MatrixIndex(is_shared=False)
    return lambda: index


@pytest.fixture
def config(hash_config: MemoryConfig, make_index: Callable[[], VectorIndex | str]) -> MemoryConfig:
    return replace(hash_config, index=make_index())


@pytest.fixture
async def vault(config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(config) as vault:
        yield vault


def outer(vault: Vault) -> OuterIndex:
    found = vault.engine.outer
    assert found is not None
    return found


def index_of(vault: Vault) -> tuple[VectorIndex, str]:
    """The index, and the part of ada."""
    return outer(vault)._index, outer(vault).feed.part("ada")


async def caught_up(vault: Vault, user_id: str = "ada") -> Mark | None:
    """Wait until the index has all of a user's file."""
    with anyio.fail_after(20):
        while True:
            end = await vault.engine.store.read(user_id, lambda user: user.feed.end())
            index, part = outer(vault)._index, outer(vault).feed.part(user_id)
            mark = await anyio.to_thread.run_sync(index.mark, part)
            if mark == end or (mark is None and not end.kind):
                return mark
            await anyio.sleep(0.02)


async def listed(vault: Vault) -> None:
    """Wait until the catalog says that the index has all of every file."""
    with anyio.fail_after(20):
        store = vault.engine.store
        while await store.work(lambda _: store.indexed.behind("", 9)):
            await anyio.sleep(0.02)


async def held(vault: Vault) -> list[int]:
    """Numbers of the chunks that the index holds of ada."""
    index, part = index_of(vault)
    return (await anyio.to_thread.run_sync(index.numbers, part)).tolist()


async def stored_chunks(vault: Vault) -> list[int]:
    """The same of the file."""
    return await vault.engine.store.read(
        "ada", lambda user: user.feed.chunks_after(0, 1 << 20)[0].tolist()
    )


@asynccontextmanager
async def ada(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as memory:
        yield memory


async def fill(memory: MemoryLayer, count: int = 60) -> list[str]:
    texts = [f"Note {i}: {TOPICS[i % 8]} and {TOPICS[i % 5]}, {i * i} times." for i in range(count)]
    saved = await memory.save(texts, session_id="s")
    return [one.id for one in saved.saved]


def said(result: Any) -> dict[str, float]:
    """What was found, and what it counted for."""
    return {one.memory.content: round(one.score, 3) for one in result.memories}


@asynccontextmanager
async def exact_copy(vault: Vault, plain: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    """Ada's memory in another vault, which has the exact index."""
    folder = vault.config.data_dir.parent
    await vault.backup(folder / "backup")
    async with Vault(replace(plain, data_dir=folder / "copy")) as other:
        await other.restore(folder / "backup")
        async with ada(other) as memory:
            yield memory


async def test_recall_finds_what_the_exact_index_finds(
    vault: Vault, hash_config: MemoryConfig
) -> None:
    async with ada(vault) as memory:
        ids = await fill(memory)
        before = (await memory.get(ids[9])).recorded_at
        await memory.forget(ids[3])
        await memory.update(ids[5], content="Nothing but owls.")
        await caught_up(vault)
        question = "How many owls and clocks?"
        await memory.recall(question)  # it makes the index in memory, so that the next one asks
        async with exact_copy(vault, hash_config) as other:
            for ask in ({}, {"session_id": "s"}, {"known_at": before}):
                found = said(await memory.recall(question, top_k=5, **ask))
                exact = said(await other.recall(question, top_k=5, **ask))
                assert next(iter(found)) == next(iter(exact))
                shared = found.keys() & exact.keys()
                assert len(shared) >= 4
                assert all(found[one] == pytest.approx(exact[one], abs=0.15) for one in shared)
        assert (await vault.health()).index == "ok"


async def test_what_is_saved_is_found_before_the_index_has_it(vault: Vault) -> None:
    async with ada(vault) as memory:
        await fill(memory)
        await caught_up(vault)
        await memory.recall("owls")
        index, part = index_of(vault)
        mark = index.mark(part)
        async with outer(vault).feed.turn("ada"):  # the background work waits meanwhile
            await memory.save("The lighthouse keeper collects violins.")
            found = await memory.recall("Who collects violins?", top_k=3)
            assert index.mark(part) == mark
        assert found.memories[0].memory.content == "The lighthouse keeper collects violins."
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)


async def test_only_numbers_and_embeddings_go_out(vault: Vault) -> None:
    async with ada(vault) as memory:
        await fill(memory, 9)
    await caught_up(vault)
    assert await held(vault) == await stored_chunks(vault)
    assert "ada" not in index_of(vault)[1]


@pytest.mark.parametrize("proof", ["quick", "proven"])
async def test_what_is_forgotten_is_taken_out(vault: Vault, proof: Any) -> None:
    async with ada(vault) as memory:
        ids = await fill(memory, 20)
        await caught_up(vault)
        receipt = await memory.forget(ids[4], proof=proof)
        is_scanned = proof == "proven" and not outer(vault).outside
        assert receipt.state == "done"
        assert receipt.proof["outer index"].startswith("removed" if is_scanned else "taken out")
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        receipt = await memory.forget_all(confirm=True, proof=proof)
        assert receipt.state == "done"
        await caught_up(vault)
        index, part = index_of(vault)
        assert index.mark(part) is None


async def test_a_user_who_goes_leaves_no_part(vault: Vault) -> None:
    async with ada(vault) as memory:
        await fill(memory, 9)
        await caught_up(vault)
    index, part = index_of(vault)
    prefix = outer(vault).feed.prefix()
    assert index.parts(prefix) == [part]
    receipt = await vault.forget_user("ada", confirm=True)
    assert receipt.state == "done"
    with anyio.fail_after(10):
        while index.parts(prefix):
            await anyio.sleep(0.02)


async def test_what_is_not_what_the_file_says_is_found_and_put_right(vault: Vault) -> None:
    async with ada(vault) as memory:
        await fill(memory, 30)
        await caught_up(vault)
        await listed(vault)
        index, part = index_of(vault)
        numbers = np.array(await stored_chunks(vault), np.int64)
        _, rows = index.embeddings(part, numbers)
        index.put(part, numbers[:1], -rows[:1])
        index.delete(part, numbers[1:3])
        index.put(part, np.array([7], np.int64), rows[:1])
        report = await vault.check()
        assert [one.user_id for one in report.problems] == ["ada"]
        assert "4 chunks wrong" in report.problems[0].what
        report = await vault.check(repair=True)
        assert not report.problems
        assert "4 embeddings of user 'ada'" in report.repaired[0]
        assert not (await vault.check()).problems
        assert await held(vault) == numbers.tolist()
        await vault.reindex()
        await caught_up(vault)
        assert await held(vault) == numbers.tolist()


LIES: dict[str, Callable[[VectorIndex, str, Mark], None]] = {
    "lost": lambda index, part, mark: index.drop(part),
    "empty": lambda index, part, mark: index.begin(part, mark),
    "ahead": lambda index, part, mark: index.set_mark(part, mark._replace(version=10_000)),
    "behind": lambda index, part, mark: index.set_mark(part, mark._replace(version=3)),
    "of another file": lambda index, part, mark: index.set_mark(
        part, mark._replace(making="1.1", version=3)
    ),
    "of another embedder": lambda index, part, mark: index.set_mark(
        part, mark._replace(kind="another")
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_index_out_of_step_is_built_from_the_file_without_embedding(
    config: MemoryConfig, make_index: Callable[[], VectorIndex | str], lie: str
) -> None:
    async with Vault(config) as vault, ada(vault) as memory:
        await fill(memory, 30)
        mark = await caught_up(vault)
        assert mark is not None
        index, part = index_of(vault)
        await listed(vault)  # the catalog says now that the index has all
        LIES[lie](index, part, mark)
    embedder = RememberingEmbedder()
    async with Vault(replace(config, index=make_index(), embedder=embedder)) as vault:
        async with ada(vault) as memory:
            await memory.recall("owls")
            found = await memory.recall("Note 8: roses and rivers, 64 times.", top_k=3)
            assert found.memories[0].memory.content == "Note 8: roses and rivers, 64 times."
            if lie in (
                "empty",
                "ahead",
                "behind",
            ):  # as by a hand that the catalog knows nothing of
                await vault.check(repair=True)
            outer(vault).feed.wake("ada")
            await caught_up(vault)
            assert await held(vault) == await stored_chunks(vault)
            assert len(embedder.texts) == 2  # the questions


class RememberingEmbedder(HashEmbedder):
    """Keeps what it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    async def embed(self, texts: Any) -> Any:
        self.texts += texts
        return await super().embed(texts)


async def test_a_vault_that_was_written_without_it_is_caught_up(
    config: MemoryConfig, make_index: Callable[[], VectorIndex | str]
) -> None:
    plain = replace(config, index="exact")
    async with Vault(plain) as vault, ada(vault) as memory:
        ids = await fill(memory, 12)
    async with Vault(replace(config, index=make_index())) as vault:
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        await listed(vault)
    async with Vault(plain) as vault, ada(vault) as memory:
        await memory.forget(ids[0])
        await memory.save("Something new.")
    async with Vault(replace(config, index=make_index())) as vault:
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)


async def test_what_a_process_without_it_forgets_is_taken_out(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outer_feed, "_LOOK_ALONE_S", 0.05)
    async with Vault(config) as vault, ada(vault) as memory:
        ids = await fill(memory, 12)
        await listed(vault)

        async def elsewhere() -> None:  # another event loop is as another process
            async with Vault(replace(config, index="exact")) as other, ada(other) as there:
                await there.forget(ids[0])

        await anyio.to_thread.run_sync(anyio.run, elsewhere)
        with anyio.fail_after(10):
            while await held(vault) != await stored_chunks(vault):
                await anyio.sleep(0.02)


async def test_another_embedder_and_another_file_are_taken_in(vault: Vault, tmp_path: Path) -> None:
    async with ada(vault) as memory:
        await fill(memory, 12)
        await vault.backup(tmp_path / "backup")
        await memory.forget_all(confirm=True)
        await memory.save("Only this.")
        await caught_up(vault)
        assert len(await held(vault)) == 1
        await vault.restore(tmp_path / "backup", overwrite=True)
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        await vault.switch_embedder(HashEmbedder(dimension=32), wait=True)
        await caught_up(vault)
        index, part = index_of(vault)
        _, rows = index.embeddings(part, np.array(await held(vault), np.int64))
        assert rows.shape == (12, 32)
        await memory.recall("owls")
        assert (await memory.recall("owls")).memories


async def test_an_encrypted_vault_has_no_outer_index(config: MemoryConfig) -> None:
    with pytest.raises(ConfigError, match="encrypted"):
        replace(config, encryption_key="correct horse battery")


@pytest.mark.parametrize("name", ["fuzzy", "chroma:localhost", "chroma:http://me:key@there"])
async def test_a_wrong_name_is_refused(hash_config: MemoryConfig, name: str) -> None:
    with pytest.raises(ConfigError, match="index") as caught:
        await Vault(replace(hash_config, index=name)).open()
    assert "key@" not in str(caught.value)


async def test_a_missing_package_is_named_and_the_lock_given_back(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "chromadb", None)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"pip install 'memory-vault\[chroma\]'"):
            await Vault(replace(hash_config, index="chroma")).open()


async def test_a_folder_left_of_another_time_is_told(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault, ada(vault) as memory:
        ids = await fill(memory, 4)
        (hash_config.data_dir / "chroma").mkdir()
        receipt = await memory.forget(ids[0], proof="proven")
        assert "delete it" in receipt.proof["not scanned"]
        assert "not scanned" not in (await memory.forget(ids[1])).proof


# an index that fails ------------------------------------------------------------------------------


@pytest.fixture
def failing() -> MatrixIndex:
    return MatrixIndex()


async def test_down_it_loses_nothing_and_says_so(
    config: MemoryConfig, failing: MatrixIndex
) -> None:
    async with Vault(replace(config, index=failing)) as vault, ada(vault) as memory:
        ids = await fill(memory, 20)
        await caught_up(vault)
        failing.trouble = BackendUnavailable("the index cannot be reached")
        await memory.save("The lighthouse keeper collects violins.")
        await memory.recall("violins")
        found = await memory.recall("Who collects violins?", top_k=3)
        assert found.memories[0].memory.content == "The lighthouse keeper collects violins."
        receipt = await memory.forget(ids[2])
        assert receipt.state == "pending"
        assert "cannot be reached" in receipt.reason
        assert "cannot be reached" in (await vault.health()).index
    failing.trouble = None
    async with Vault(replace(config, index=failing)) as vault:
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        assert (await vault.health()).index == "ok"


async def test_an_answer_that_does_not_come_is_not_waited_for(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outer_index, "_ANSWER_S", 0.05)
    index, is_over = MatrixIndex(), threading.Event()
    async with Vault(replace(config, index=index)) as vault, ada(vault) as memory:
        texts = await fill(memory, 20)
        await caught_up(vault)
        await memory.recall("owls")
        monkeypatch.setattr(index, "search", lambda *_: is_over.wait(20))
        try:
            assert len((await memory.recall("owls", token_budget=9_000)).memories) == len(texts)
            assert "did not answer" in (await vault.health()).index
        finally:
            is_over.set()


async def test_a_cancelled_save_or_recall_leaves_it_in_step(vault: Vault) -> None:
    async with ada(vault) as memory:
        ids = await fill(memory, 30)
        for i, delay in enumerate((0, 0.001, 0.005, 0.02)):
            with anyio.move_on_after(delay):
                await memory.save([f"Cancelled {delay} {i}." for i in range(20)])
            with anyio.move_on_after(delay):
                await memory.recall("owls")
            with anyio.move_on_after(delay):
                await memory.forget(ids[i])
            with anyio.move_on_after(delay):
                await memory.forget(ids[10 + i], proof="proven")
        await caught_up(vault)
        assert await held(vault) == await stored_chunks(vault)
        assert not (await vault.check()).problems
