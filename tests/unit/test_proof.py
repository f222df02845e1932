"""Proven forgetting: the scan finds what is there, and nothing that may be there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from tests.faults.children import Child

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault._shingles import WIDTH, Collector
from memory_vault.models import ForgetReceipt
from memory_vault.pipelines.proof import scan
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.memories import Memories
from memory_vault.storage.sqlite.traces import Sought

pytestmark = pytest.mark.anyio
SECRET = "I saw a vermilion armadillo on the road to Samarkand."
LONG = " ".join(f"{i} armadillos crossed the road {i * 7919} times." for i in range(700))
PATIENCE_S = 60


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


async def sought(vault: Vault, *memory_ids: str) -> Sought:
    """What a proven forget of these memories would look for."""
    read = vault.engine.store.read
    return await read("ada", lambda user: user.traces.of(user.doomed(list(memory_ids)), None))


async def found(vault: Vault, wanted: Sought) -> int:
    return (await scan(vault.engine, "ada", wanted)).found


def is_proven(receipt: ForgetReceipt) -> bool:
    assert receipt.proof["mode"] == "proven"
    assert receipt.proof["looked for"] != "0 windows of 16 bytes"
    return receipt.state == "done" and receipt.proof["found"] == "0"


@pytest.mark.parametrize("text", [SECRET, LONG], ids=["short", "overflow pages"])
async def test_what_is_found_before_is_not_found_after(
    vault: Vault, memory: MemoryLayer, text: str
) -> None:
    kept, gone = (await memory.save([f"{SECRET[:-1]}, she said.", text])).saved
    wanted = await sought(vault, gone.id)
    before = await scan(vault.engine, "ada", wanted)
    assert before.found
    assert before.bytes > len(text)
    assert any(name.endswith((".db-wal", ".db")) for name in before.where)
    receipt = await memory.forget(gone.id, proof="proven")
    assert is_proven(receipt)
    assert int(receipt.proof["bytes scanned"]) > 0
    assert await found(vault, wanted) == 0
    assert await memory.get(kept.id) == kept


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_every_part_of_a_memory_is_looked_for(vault: Vault, memory: MemoryLayer) -> None:
    """Each alone in a file is found: former texts, embeddings, token ids, what was read from it."""
    text = "My favourite animal is vermilion armadillo. Call me Countess Wilhelmina."
    saved = (await memory.save(text, metadata={"at": SECRET})).saved
    await memory.update(saved[0].id, content="The second text says something else entirely.")
    await memory.update(saved[0].id, content=text)
    wanted = await sought(vault, saved[0].id)

    def chunks(user: Any) -> list[Any]:
        return list(user._db.execute("SELECT embedding, words FROM chunks").fetchall())

    rows = await vault.engine.store.read("ada", chunks)
    parts = [
        b"animal is vermilion armadillo.",
        b"name to useCountess Wilhelmina",
        b"favourite animalvermilion armadilloUser's favourite animal",
        b"The second text says something else",
        SECRET.encode(),
        saved[0].id.encode(),
        *(words for _, words in rows),
        *(embedding for embedding, _ in rows if len(set(embedding[:WIDTH])) > 5),
    ]
    for part in parts:
        assert len(wanted.shingles.found_in(b"x" * 4095 + part + b"y" * 99)), part[:40]
    preferences = await memory.list_preferences()
    assert [one.value for one in preferences] == ["Countess Wilhelmina"]
    assert is_proven(await memory.forget(saved[0].id, proof="proven"))
    assert await memory.list_preferences() == ()
    assert await found(vault, wanted) == 0


async def test_a_remnant_between_page_headers_is_found() -> None:
    into = Collector()
    into.add(LONG.encode())
    shingles, text = into.shingles(), LONG.encode()
    for start in range(len(text) - 19, 0, -97):
        assert len(shingles.found_in(b"\0\0\1\2" + text[start : start + 19] + b"\0" * 40))
    assert len(shingles.found_in(bytes(range(256)) * 40)) == 0


def test_plain_windows_are_not_looked_for() -> None:
    into = Collector()
    for value in (bytes(4096), b"a" * 400, b"ab" * 200, np.zeros(64, np.float32).tobytes()):
        into.add(value)
    assert len(into.shingles()) == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_others_say_raises_no_alarm(vault: Vault, memory: MemoryLayer) -> None:
    """Survivors that share words, a whole text, a preference; another user and that user's name."""
    twins = (await memory.save([SECRET, "cake", SECRET])).saved
    await memory.set_preference("what I saw", SECRET)
    await memory.start_session("s", metadata={"about": SECRET[8:40]})
    async with MemoryLayer(SECRET, vault=vault) as other:
        await other.save(SECRET)
        receipt = await memory.forget(twins[0].id, proof="proven")
        assert is_proven(receipt)
        assert (await other.recall("armadillo")).memories[0].memory.content == SECRET
    assert [m.content for m in (await memory.list_memories()).items] == ["cake", SECRET]


@pytest.mark.parametrize(
    "forgetful",
    [
        "INSERT INTO chunks VALUES (1 << 40, 0, 0, x'00', :words)",
        "INSERT INTO chunks VALUES (1 << 40, 0, 0, :embedding, x'')",
        "INSERT INTO preferences (key, value, confidence, recorded_at, source) "
        "VALUES ('k', 'left', 1, 1, :id)",
        "INSERT INTO changes (seq, version) VALUES (1 << 40, :text)",
    ],
    ids=["token ids", "embedding", "preference", "text"],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_deletion_that_was_skipped_is_told(
    memory: MemoryLayer, monkeypatch: pytest.MonkeyPatch, forgetful: str
) -> None:
    remove = Memories.remove

    def skip(self: Memories, memory_ids: Any) -> dict[str, int]:
        (one,) = memory_ids
        text = self.get(one).content
        ((embedding, words),) = self._db.execute("SELECT embedding, words FROM chunks").fetchall()
        counts = remove(self, memory_ids)
        values = {"id": one, "text": text, "embedding": embedding, "words": words}
        used = {name: value for name, value in values.items() if f":{name}" in forgetful}
        self._db.execute(forgetful, used)
        return counts

    monkeypatch.setattr(Memories, "remove", skip)
    gone = (await memory.save(SECRET)).saved[0]
    receipt = await memory.forget(gone.id, proof="proven")
    assert receipt.state == "found"
    assert int(receipt.proof["found"]) > 0
    assert ".db" in receipt.reason
    assert "armadillo" not in repr(receipt)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_copy_in_a_file_of_the_vault_is_told(
    memory: MemoryLayer, hash_config: MemoryConfig
) -> None:
    gone = (await memory.save(SECRET)).saved[0]
    (hash_config.data_dir / "stray.tmp").write_text(f"... {SECRET} ...")
    receipt = await memory.forget(gone.id, proof="proven")
    assert (receipt.state, "stray.tmp" in receipt.reason) == ("found", True)
    assert receipt.digest != (await memory.forget_all(confirm=True, proof="proven")).digest


async def test_everything_of_a_user_is_forgotten_with_proof(
    vault: Vault, memory: MemoryLayer, hash_config: MemoryConfig
) -> None:
    name = "a user with a long unmistakable name"
    async with MemoryLayer(name, vault=vault) as other:
        for _ in range(2):
            await other.start_session("s", metadata={"about": SECRET})
            await other.set_preference("animal", SECRET[8:])
            await other.set_preference("animal", "cat")
            await other.save([SECRET, LONG], session_id="s", idempotency_key=SECRET)
            assert is_proven(await other.forget_all(confirm=True, proof="proven"))
        await other.save(SECRET)
        await memory.save("I like tea more than coffee.")
        assert is_proven(await vault.forget_user(name, confirm=True, proof="proven"))
    files = [path for path in hash_config.data_dir.rglob("*") if path.is_file()]
    assert not [path for path in files if name.encode() in path.read_bytes()]
    assert (await memory.stats()).total == 2  # what was said, and the fact


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_in_an_encrypted_vault_the_scan_reads_what_it_decrypts(
    hash_config: MemoryConfig,
) -> None:
    config = replace(hash_config, encryption_key="a passphrase of the test")
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        gone = (await memory.save([SECRET, "tea"])).saved[0]
        wanted = await sought(vault, gone.id)
        before = await scan(vault.engine, "ada", wanted)
        assert before.found
        assert all("decrypted" in name for name in before.where)
        receipt = await memory.forget(gone.id, proof="proven")
        assert is_proven(receipt)
        assert "decrypted" in receipt.proof["scanned"]
        assert await found(vault, wanted) == 0
        last = await vault.forget_user("ada", confirm=True, proof="proven")
        assert (is_proven(last), last.proof["key"]) == (True, "destroyed")


# what has to wait ---------------------------------------------------------------------------------

_READER = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM meta").fetchall()
print("reading", flush=True)
sys.stdin.readline()
connection.close()
"""


@contextmanager
def read_by_another(path: Path) -> Iterator[Child]:
    reader = Child(_READER, str(path))
    try:
        assert reader.hear() == "reading"
        yield reader
    finally:
        reader.kill()


async def owed(vault: Vault) -> int:
    return len(await vault.engine.store.in_thread(vault.engine.store.erasure.owed))


async def paid(vault: Vault) -> None:
    with anyio.fail_after(PATIENCE_S):
        while await owed(vault):
            await anyio.sleep(0.02)


def held(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if b"armadillo" in path.read_bytes()]


@pytest.mark.parametrize("proof", ["quick", "proven"])
async def test_a_pending_receipt_is_finished_once_the_reader_has_gone(
    vault: Vault, memory: MemoryLayer, hash_config: MemoryConfig, proof: Any
) -> None:
    gone = (await memory.save([SECRET, "cake"])).saved[0]
    with read_by_another(user_path(hash_config.data_dir, "ada")) as reader:
        receipt = await memory.forget(gone.id, proof=proof)
        assert receipt.state == "pending"
        assert "reader" in receipt.reason
        assert "found" not in receipt.proof
        assert await owed(vault) == 1
        assert "wait for a reader" in (await vault.health()).background
        reader.tell()
        reader.finish()
    await paid(vault)
    assert (await vault.health()).background == "ok"
    assert held(hash_config.data_dir) == []


@pytest.mark.parametrize("proof", ["quick", "proven"])
async def test_a_name_in_the_catalogs_log_makes_a_receipt_pending(
    vault: Vault, hash_config: MemoryConfig, proof: Any
) -> None:
    async with MemoryLayer("the armadillo", vault=vault) as memory:
        await memory.save("tea")
    with read_by_another(hash_config.data_dir / "catalog.db") as reader:
        receipt = await vault.forget_user("the armadillo", confirm=True, proof=proof)
        assert (receipt.state, receipt.proof["write-ahead log"]) == ("pending", "in use")
        assert await owed(vault) == 1
        reader.tell()
        reader.finish()
    await paid(vault)
    assert held(hash_config.data_dir) == []


async def test_the_next_open_goes_on_with_what_is_pending(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=hash_config) as memory:
        gone = (await memory.save([SECRET, "cake"])).saved[0]
    with read_by_another(user_path(hash_config.data_dir, "ada")):
        async with MemoryLayer("ada", config=hash_config) as memory:
            assert (await memory.forget(gone.id, proof="proven")).state == "pending"
        async with Vault(hash_config) as vault:
            assert await owed(vault) == 1
        assert held(hash_config.data_dir)
    async with Vault(hash_config) as vault:
        await paid(vault)
        assert held(hash_config.data_dir) == []


async def test_a_cancelled_proof_has_forgotten_and_may_be_asked_again(
    vault: Vault, memory: MemoryLayer
) -> None:
    await memory.save([SECRET, LONG])
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when_empty, memory, scope)
            await memory.forget_all(confirm=True, proof="proven")
            tasks.cancel_scope.cancel()
    assert (await memory.stats()).total == 0
    again = await memory.forget_all(confirm=True, proof="proven")
    assert (again.state, again.proof["found"]) == ("done", "0")
    assert await owed(vault) == 0


async def _cancel_when_empty(memory: MemoryLayer, scope: anyio.CancelScope) -> None:
    while (await memory.stats()).total:
        await anyio.lowlevel.checkpoint()
    scope.cancel()
