"""Another embedder for a whole vault: in the background, user by user, never mixed, never empty."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import numpy as np
import pytest

from memory_vault import (
    ConfigError,
    EmbedderMismatch,
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    ModelNotInstalled,
    Vault,
)
from memory_vault.embed import Embedder, Fingerprint
from memory_vault.jobs.work import Work
from memory_vault.pipelines import switch
from memory_vault.pipelines.pieces import pieces
from memory_vault.storage import Chunk
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.testing.embedders import HashEmbedder

if TYPE_CHECKING:
    from memory_vault.embed import Embeddings

pytestmark = pytest.mark.anyio
OLD, NEW = HashEmbedder(64, window=64), HashEmbedder(128, window=16)
LONG = " ".join(f"The ship number {i} lay in the harbour that night." for i in range(12))
DAY = datetime(2026, 5, 1, tzinfo=UTC)
WITHIN_S = 20


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=OLD, job_retry_s=0, fact_sources=())


async def fill(vault: Vault, users: Sequence[str] = ("ada", "bob")) -> None:
    for user_id in users:
        async with MemoryLayer(user_id, vault=vault) as memory:
            await memory.save("I moved to Lisbon in May.")
            first = (await memory.save("My dog is called Rex.")).saved[0]
            await memory.update(first.id, importance=0.9)
            await memory.update(first.id, content="My dog is called Max.")
            await memory.save(LONG)


async def found(vault: Vault, user_id: str, query: str) -> list[str]:
    async with MemoryLayer(user_id, vault=vault) as memory:
        return [one.memory.content for one in (await memory.recall(query)).memories]


async def spaces(vault: Vault, users: Sequence[str] = ("ada", "bob")) -> set[str | None]:
    seen = set()
    for user_id in users:
        async with MemoryLayer(user_id, vault=vault) as memory:
            seen.add((await memory.stats()).embedder)
    return seen


async def assert_like_new(vault: Vault, user_id: str, embedder: Embedder) -> None:
    """A user's chunks are those that saving the same with this embedder would have made."""

    def look(user: Transaction) -> None:
        assert not user.moving.is_under_way()
        for number, content, role in user._db.execute("SELECT seq, content, role FROM memories"):
            chunks = user.memories.chunks(number)
            wanted = pieces(embedder, content, role)
            assert [(c.start, c.stop, c.words) for c in chunks] == [
                (p.start, p.stop, p.words) for p in wanted
            ]
            held = np.array([np.frombuffer(c.embedding, "<f4") for c in chunks])
            fresh = np.array([embedder._embed_one(p.text) for p in wanted])  # type: ignore[attr-defined]
            assert np.allclose(held, fresh, atol=1e-6)

    await vault.engine.store.read(user_id, look)
    assert (await vault.check()).problems == ()


async def test_every_user_is_moved(config: MemoryConfig) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        before = await found(vault, "ada", "Where do I live?")
        job = await vault.switch_embedder(NEW, wait=True)
        assert (job.state, job.kind, job.user_id) == ("done", "switch_embedder", None)
        assert job.done == job.total == 10
        assert job.result["users"] == 2
        assert job.result["chunks"] > 10
        assert await spaces(vault) == {str(NEW.fingerprint)}
        for user_id in ("ada", "bob"):
            await assert_like_new(vault, user_id, NEW)
        assert set(await found(vault, "ada", "Where do I live?")) == set(before)
        await fill(vault, ["cid"])
        assert await spaces(vault, ["cid"]) == {str(NEW.fingerprint)}
        assert (await vault.list_jobs()).items == (job,)
        assert (await vault.health()).is_ok


class Counting(HashEmbedder):
    """Remembers what it embedded; a batch, but no question, stops at a gate if there is one."""

    def __init__(self, dimension: int = 128, *, window: int = 16) -> None:
        super().__init__(dimension, window=window)
        self.texts: list[str] = []
        self.gate: anyio.Event | None = None
        self.reached = anyio.Event()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        if self.gate is not None:
            self.reached.set()
            await self.gate.wait()
        self.texts += texts
        return await super().embed(texts)

    async def embed_query(self, text: str) -> Embeddings:
        row: Embeddings = self._embed([text])[0]
        return row


class Halfway(HashEmbedder):
    """Embeds one batch and stops at a gate before the next."""

    def __init__(self) -> None:
        super().__init__(128, window=16)
        self.batches = 0
        self.gate, self.reached = anyio.Event(), anyio.Event()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        self.batches += 1
        if self.batches == 2:
            self.reached.set()
            await self.gate.wait()
        return await super().embed(texts)


class Cousin(HashEmbedder):
    """Embeddings of the same length in another space."""

    def __init__(self) -> None:
        super().__init__(64, window=64)
        self._fingerprint = Fingerprint("hash-cousin", "1", 64, "float32")

    def _embed_one(self, text: str) -> Embeddings:
        return np.ascontiguousarray(super()._embed_one(text)[::-1])


async def test_versions_that_become_one_meanwhile_leave_no_embedding(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was forgotten had ended a fact: that holds again, in one version instead of two."""
    monkeypatch.setattr(switch, "_VERSIONS", 5)
    slow = Halfway()
    async with (
        Vault(replace(config, fact_sources=("user",))) as vault,
        MemoryLayer("ada", vault=vault) as memory,
    ):
        await memory.save("I live in Berlin.")
        paris = (await memory.save("I live in Paris now.")).saved[0]
        await memory.save([f"The train number {n} was late." for n in range(3)])
        job = await vault.switch_embedder(slow)
        with anyio.fail_after(WITHIN_S):
            await slow.reached.wait()
            await memory.forget(paris.id)
            slow.gate.set()
            assert (await vault.engine.runner.wait(None, job.id)).state == "done"
        await assert_like_new(vault, "ada", slow)
        assert "I live in Berlin." in await found(vault, "ada", "Where do I live?")


async def test_equal_texts_are_embedded_once(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch, "_VERSIONS", 2)
    counting = Counting()
    async with Vault(config) as vault:
        async with MemoryLayer("ada", vault=vault) as memory:
            for _ in range(3):
                saved = (await memory.save("I moved to Lisbon in May.")).saved
                for one in saved:
                    await memory.update(one.id, importance=0.9)
                await memory.save("My dog is called Rex.")
        await vault.switch_embedder(counting, wait=True)
        assert sorted(counting.texts) == ["I moved to Lisbon in May.", "My dog is called Rex."]
        await assert_like_new(vault, "ada", counting)


async def test_a_first_save_under_way_is_not_left_behind(config: MemoryConfig) -> None:
    """The job has seen that the user has nothing, before the embeddings were there."""
    old = Counting(64, window=64)
    old.gate = anyio.Event()
    async with Vault(replace(config, embedder=old)) as vault:
        async with anyio.create_task_group() as tasks, MemoryLayer("ada", vault=vault) as memory:
            tasks.start_soon(memory.save, "I moved to Lisbon in May.")
            await old.reached.wait()
            assert (await vault.switch_embedder(NEW, wait=True)).state == "done"
            old.gate.set()
        assert await spaces(vault, ["ada"]) == {str(NEW.fingerprint)}
        assert await found(vault, "ada", "Lisbon") == ["I moved to Lisbon in May."]


async def test_a_first_save_that_is_being_written_is_moved(config: MemoryConfig) -> None:
    began, go = threading.Event(), threading.Event()

    def slow(user: Transaction) -> None:
        began.set()
        assert go.wait(WITHIN_S)
        user.claim_embedder(OLD.fingerprint)

    async with Vault(config) as vault, anyio.create_task_group() as tasks:
        async with MemoryLayer("ada", vault=vault) as memory:
            await memory.set_preference("tone", "warm")
        tasks.start_soon(vault.engine.store.write, "ada", slow)
        with anyio.fail_after(WITHIN_S):
            while not began.is_set():
                await anyio.sleep(0.001)
        job = await vault.switch_embedder(NEW)
        await anyio.sleep(0.2)
        go.set()
        with anyio.fail_after(WITHIN_S):
            assert (await vault.engine.runner.wait(None, job.id)).state == "done"
        assert await spaces(vault, ["ada"]) == {str(NEW.fingerprint)}


async def test_an_import_under_way_is_not_left_behind(config: MemoryConfig, tmp_path: Path) -> None:
    old, path = Counting(64, window=64), tmp_path / "out"
    elsewhere = replace(config, data_dir=tmp_path / "elsewhere", embedder=NEW)
    async with MemoryLayer("bob", config=elsewhere) as memory:
        await memory.save("I moved to Lisbon in May.")
        await memory.export(path)
    old.gate = anyio.Event()
    async with Vault(replace(config, embedder=old)) as vault:
        async with anyio.create_task_group() as tasks, MemoryLayer("ada", vault=vault) as memory:
            tasks.start_soon(memory.import_, path)
            await old.reached.wait()
            assert (await vault.switch_embedder(NEW, wait=True)).state == "done"
            old.gate.set()
        assert await spaces(vault, ["ada"]) == {str(NEW.fingerprint)}
        assert await found(vault, "ada", "Lisbon") == ["I moved to Lisbon in May."]


async def test_another_space_of_the_same_length_is_not_mixed_in(config: MemoryConfig) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        wanted = await scores(vault, "What is my dog called?")
        await vault.switch_embedder(Cousin(), wait=True)
        moved = await scores(vault, "What is my dog called?")
    assert moved == pytest.approx(wanted, abs=1e-5)  # mirrored on both sides, so the same cosine


async def scores(vault: Vault, query: str) -> dict[str, float]:
    async with MemoryLayer("ada", vault=vault) as memory:
        recalled = (await memory.recall(query)).memories
    return {one.memory.content: one.signals["dense"] for one in recalled}


async def test_the_vault_is_in_use_meanwhile(config: MemoryConfig, tmp_path: Path) -> None:
    """Old embeddings answer; what is saved, changed and forgotten meanwhile is right after."""
    slow = Counting()
    slow.gate = anyio.Event()
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        await fill(vault)
        job = await vault.switch_embedder(slow)
        with anyio.fail_after(WITHIN_S):
            await slow.reached.wait()
        assert "I moved to Lisbon in May." in await found(vault, "ada", "Where do I live?")
        assert (await memory.stats()).embedder == str(OLD.fingerprint)
        await memory.save("My sister lives in Porto.")
        ids = {one.content: one.id for one in (await memory.list_memories()).items}
        await memory.update(ids["My dog is called Max."], content="My dog is called Bello.")
        receipt = await memory.forget(ids["I moved to Lisbon in May."], proof="proven")
        assert receipt.state == "done", receipt.reason
        assert "My sister lives in Porto." in await found(vault, "ada", "my sister")
        await memory.export(tmp_path / "ada.jsonl")
        await vault.backup(tmp_path / "backup")
        slow.gate.set()
        with anyio.fail_after(WITHIN_S):
            assert (await vault.engine.runner.wait(None, job.id)).state == "done"
        await assert_like_new(vault, "ada", slow)
        contents = {one.content for one in (await memory.list_memories()).items}
        assert contents == {"My sister lives in Porto.", "My dog is called Bello.", LONG}
        assert "My sister lives in Porto." in await found(vault, "ada", "my sister")
        assert "My dog is called Bello." in await found(vault, "ada", "my dog")
    async with Vault(replace(config, data_dir=tmp_path / "other")) as vault:
        await vault.restore(tmp_path / "backup")
        assert await spaces(vault) == {str(OLD.fingerprint)}
        assert (await vault.check()).problems == ()
        async with MemoryLayer("eve", vault=vault) as memory:
            await memory.import_(tmp_path / "ada.jsonl")
            assert "My dog is called Bello." in await found(vault, "eve", "my dog")


async def test_a_proven_forget_finds_what_was_gathered_so_far(config: MemoryConfig) -> None:
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        await fill(vault)
        async with MemoryLayer("ada", vault=vault) as memory:
            ids = {one.content: one.id for one in (await memory.list_memories()).items}
            await vault.engine.store.write("ada", lambda user: user.moving.begin("other@1/4/x"))
            await vault.engine.store.write("ada", gather_all)
            await vault.engine.store.write("ada", lambda user: user.moving.cut_over(0))
            receipt = await memory.forget(ids["I moved to Lisbon in May."], proof="proven")
            assert receipt.state == "done", receipt.reason

            def left(user: Transaction) -> list[int]:
                tables = ("chunks", "old_chunks")
                return [
                    user._db.execute(f"SELECT count(*) FROM {one} WHERE row < 16384").fetchone()[0]
                    for one in tables
                ]

            assert await vault.engine.store.read("ada", left) == [0, 0]
            await memory.forget_all(confirm=True)
            assert not await vault.engine.store.read("ada", lambda u: u.moving.is_under_way())


def gather_all(user: Transaction) -> None:
    for number, _, _ in user.moving.missing(0, 100, 1_000_000):
        user.moving.add(number, [Chunk(0, 1, bytes([number]) * 16, b"")])


async def test_cancelled_it_leaves_everyone_whole_and_can_go_back(config: MemoryConfig) -> None:
    slow = Counting()
    async with Vault(config) as vault:
        await fill(vault)
        slow.gate = anyio.Event()
        job = await vault.switch_embedder(slow)
        with anyio.fail_after(WITHIN_S):
            await slow.reached.wait()
        assert (await vault.cancel_job(job.id)).state == "cancelled"
        assert "I moved to Lisbon in May." in await found(vault, "ada", "Where do I live?")
        slow.gate = None
        await fill(vault, ["cid"])
        assert await spaces(vault, ["ada", "bob", "cid"]) == {
            str(OLD.fingerprint),
            str(slow.fingerprint),
        }
        back = await vault.switch_embedder(OLD, wait=True)
        assert (back.state, back.result["users"]) == ("done", 2)  # one to move, one to clear
        for user_id in ("ada", "bob", "cid"):
            await assert_like_new(vault, user_id, OLD)


async def test_the_last_switch_wins(config: MemoryConfig) -> None:
    slow = Counting()
    slow.gate = anyio.Event()
    async with Vault(config) as vault:
        await fill(vault)
        first = await vault.switch_embedder(slow)
        with anyio.fail_after(WITHIN_S):
            await slow.reached.wait()
            assert (await vault.switch_embedder(slow)).id == first.id
            second = await vault.switch_embedder(Cousin(), wait=True)
        assert second.state == "done"
        assert (await vault.get_job(first.id)).state == "cancelled"
        assert await spaces(vault) == {str(Cousin().fingerprint)}


async def test_an_object_must_be_brought_again(config: MemoryConfig) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        await vault.switch_embedder(NEW, wait=True)
        async with Vault(replace(config, embedder=NEW)) as second:  # both settings are right here
            assert second.engine is vault.engine
    async with Vault(config) as vault:
        with pytest.raises(EmbedderMismatch, match="switch"):
            await found(vault, "ada", "Where do I live?")
        with pytest.raises(EmbedderMismatch, match="switched"):
            await fill(vault, ["cid"])
        async with MemoryLayer("ada", vault=vault) as memory:
            assert (await memory.list_memories()).items
    async with Vault(replace(config, embedder=NEW)) as vault:
        assert await found(vault, "ada", "Where do I live?")


async def test_a_job_whose_embedder_is_elsewhere_waits(config: MemoryConfig) -> None:
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        await fill(vault)
        job = await vault.switch_embedder(NEW)
    async with Vault(replace(config, job_lease_s=0.01)) as vault:
        vault.engine.runner.wake(None)
        await anyio.sleep(0.1)
        assert (await vault.get_job(job.id)).state in ("waiting", "running")
        assert (await vault.health()).is_ok
        await vault.switch_embedder(NEW, wait=True)
        assert await spaces(vault) == {str(NEW.fingerprint)}


async def test_a_damaged_file_does_not_hold_the_others_up(config: MemoryConfig) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        path = vault.engine.store.erasure.path_of("ada")
    path.write_bytes(b"\0" * 8192)
    async with Vault(replace(config, job_attempts=2)) as vault:
        job = await vault.switch_embedder(NEW, wait=True)
        assert job.state == "failed"
        assert "doctor" in job.error
        assert await spaces(vault, ["bob"]) == {str(NEW.fingerprint)}


async def test_arguments(config: MemoryConfig, tmp_path: Path) -> None:
    async with Vault(replace(config, model_dir=tmp_path)) as vault:
        with pytest.raises(ConfigError, match="minilm"):
            await vault.switch_embedder("nothing of the kind")
        with pytest.raises(InvalidInput, match="Embedder"):
            await vault.switch_embedder(3)  # type: ignore[arg-type]
        with pytest.raises(ModelNotInstalled):
            await vault.switch_embedder("minilm-int8")
        assert (await vault.list_jobs()).items == ()
        assert (await vault.switch_embedder(OLD, wait=True)).state == "done"


async def test_a_vault_opens_with_what_it_was_switched_to(
    model_config: MemoryConfig, tmp_path: Path
) -> None:
    config = replace(model_config, embedder="minilm-float32")
    async with Vault(config) as vault:
        await fill(vault)
        before = await found(vault, "ada", "What is my dog called?")
        job = await vault.switch_embedder("minilm-int8", wait=True)
        assert job.state == "done", job.error
        assert set(await found(vault, "ada", "What is my dog called?")) == set(before)
    async with Vault(config) as vault:
        assert set(await found(vault, "ada", "What is my dog called?")) == set(before)
        await fill(vault, ["cid"])
        (space,) = await spaces(vault, ["ada", "bob", "cid"])
        assert "int8" in str(space)
        assert (await vault.health()).is_ok
        await vault.switch_embedder("minilm-float32", wait=True)
        assert "float32" in str(await spaces(vault))


async def test_where_the_catalog_was_lost_the_setting_counts_again(config: MemoryConfig) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        await vault.switch_embedder(NEW, wait=True)
    for path in config.data_dir.glob("catalog.db*"):
        path.unlink()
    async with Vault(config) as vault:
        with pytest.raises(EmbedderMismatch, match="switch"):
            await found(vault, "ada", "Where do I live?")
        job = await vault.switch_embedder(OLD, wait=True)
        assert (job.state, job.result["users"]) == ("done", 2)
        await assert_like_new(vault, "ada", OLD)
    async with Vault(replace(config, embedder=NEW)) as vault:
        assert (await vault.switch_embedder(NEW, wait=True)).result["users"] == 2


async def test_a_user_of_an_older_backup_is_moved_by_switching_again(
    config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        await vault.backup(tmp_path / "backup")
        await vault.switch_embedder(NEW, wait=True)
        await vault.restore(tmp_path / "backup", user_id="ada", overwrite=True)
        assert "My dog is called Max." in await found(vault, "ada", "my dog")  # by the old one
        assert await spaces(vault) == {str(OLD.fingerprint), str(NEW.fingerprint)}
        assert (await vault.switch_embedder(NEW, wait=True)).result["users"] == 1
        assert await spaces(vault) == {str(NEW.fingerprint)}


async def test_an_encrypted_vault_stays_encrypted(config: MemoryConfig) -> None:
    settings = replace(config, encryption_key=b"k" * 32)
    async with Vault(settings) as vault:
        await fill(vault)
        assert (await vault.switch_embedder(NEW, wait=True)).state == "done"
        await assert_like_new(vault, "ada", NEW)
    held = b"".join(one.read_bytes() for one in config.data_dir.rglob("*") if one.is_file())
    assert b"Lisbon" not in held
    assert NEW._embed(["I moved to Lisbon in May."])[0].tobytes()[:64] not in held
    assert b"switch_embedder" not in held


async def test_a_twin_that_is_forgotten_meanwhile_leaves_no_gap(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch, "_VERSIONS", 1)
    async with Vault(replace(config, jobs_at_once=0)) as vault:
        store = vault.engine.store
        async with MemoryLayer("ada", vault=vault) as memory:
            first = (await memory.save("I moved to Lisbon.", occurred_at=DAY)).saved[0]
            await memory.save("I moved to Lisbon.", occurred_at=DAY + timedelta(days=1))
            work = Work(vault.engine, await vault.switch_embedder(NEW), "")
            mover = switch._Mover(work, NEW, str(NEW.fingerprint))
            making = await store.write("ada", lambda user: user.moving.begin(mover._target))
            assert making is not None
            found = await store.read("ada", lambda user: mover._missing(0, user))
            known = {"I moved to Lisbon.": NEW._embed(["I moved to Lisbon."])[0].tobytes()}
            step = switch._Step(0, is_over=False, making=making)
            step = await store.write("ada", lambda u: mover._add(found, known, step, u))
            twin = await store.read("ada", lambda user: mover._missing(step.seq, user))
            assert [one.twin for one in twin] == [1]
            await memory.forget(first.id)
            after = await store.write("ada", lambda u: mover._add(twin, {}, step, u))
            assert (after.chunks, after.is_over, after.seq) == (0, False, step.seq)
            await mover._gather("ada", after.making)
            await mover.move("ada")
            await assert_like_new(vault, "ada", NEW)
