"""Export and import: everything comes back as it was, and nothing else gets in."""

from __future__ import annotations

import json
import os
import random
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from memory_vault import (
    ImportRefused,
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    MemoryLayerSync,
    StorageError,
    TargetNotEmpty,
    Vault,
)
from memory_vault.portable import export as export_module
from memory_vault.portable import fields, lines
from memory_vault.portable import import_ as import_module
from memory_vault.portable.target import Target
from memory_vault.storage.sqlite.held import STAGING, clear_staging
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio

SECRET = "xylophone"


@pytest.fixture
def hash_config(tmp_path: Path) -> MemoryConfig:
    """As everywhere, without waiting for the disk."""
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder(), durability="process")


async def _fill(memory: MemoryLayer) -> None:
    """A little of everything that a user's file can hold."""
    first = await memory.save(
        f"The {SECRET} stands in Lisbon.", idempotency_key="once", metadata={"n": [1, 2.5, "é\0"]}
    )
    await memory.update(
        first.saved[0].id,
        content=f"The {SECRET} stands in Porto. " * 40,
        valid_from=datetime(1969, 7, 20, tzinfo=UTC),
    )
    await memory.save(
        [{"role": "Ana", "content": f"Number {i}.", "occurred_at": None} for i in range(3)],
        session_id="talk",
    )
    await memory.start_session("work", metadata={"place": "home"})
    await memory.save("The code of the gate is 4711.", session_id="work", memory_type="working")
    await memory.save("I prefer tea over coffee. Call me Ada.", idempotency_key="stated")
    await memory.save("I moved to Porto in May.", occurred_at=datetime(2023, 6, 1, tzinfo=UTC))
    await memory.save("I live in Faro.", occurred_at=datetime(2020, 6, 1, tzinfo=UTC))
    await memory.save("I no longer live in Porto.", occurred_at=datetime(2024, 6, 1, tzinfo=UTC))
    await memory.set_preference("style", "short")
    await memory.set_preference("style", "long", confidence=0.5)
    await memory.delete_preference("style")
    await memory.set_preference("tone", "warm")
    gone = await memory.save("This one is forgotten.")
    await memory.forget(gone.saved[0].id)
    await memory.end_session("talk")


async def _exported(memory: MemoryLayer, path: Path) -> list[dict[str, Any]]:
    await memory.export(path)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def _state(memory: MemoryLayer) -> tuple[Any, ...]:
    page = await memory.list_memories(page_size=1000, include_compressed=True)
    return (
        [replace(one, user_id="") for one in page.items],
        [
            [replace(c, memory=replace(c.memory, user_id="")) for c in await memory.history(one.id)]
            for one in page.items
        ],
        await memory.list_preferences(include_history=True),
        (await memory.list_sessions()).items,
    )


async def test_what_is_imported_is_what_was_exported(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            await _fill(alice)
            report = await alice.export(tmp_path / "alice.jsonl")
            async with MemoryLayer("bob", vault=vault) as bob:
                done = await bob.import_(str(tmp_path / "alice.jsonl"))
                assert await _state(bob) == await _state(alice)
                assert done.embedded == 0
                counts = (report.memories, report.versions, report.sessions, report.preferences)
                assert counts == (done.memories, done.versions, done.sessions, done.preferences)
                again = await bob.export(tmp_path / "bob.jsonl")
        assert (await vault.check()).problems == ()
    assert (tmp_path / "alice.jsonl").read_bytes() == (tmp_path / "bob.jsonl").read_bytes()
    assert again.bytes_written == (tmp_path / "bob.jsonl").stat().st_size
    assert again.digest == report.digest


@pytest.mark.parametrize("seed", range(3))
async def test_random_histories_come_back_byte_for_byte(
    hash_config: MemoryConfig, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with Vault(hash_config) as vault:
        alice, bob = MemoryLayer("alice", vault=vault), MemoryLayer("bob", vault=vault)
        async with alice, bob:
            ids: list[str] = []
            for step in range(40):
                what = chance.randrange(6)
                if what < 3 or not ids:
                    said = await alice.save(
                        chance.choice(["é ", "word ", "\u2028 ", "🎉"]) * chance.randint(1, 90)
                        + str(step),
                        role=chance.choice(["user", "assistant", "Ana"]),
                        session_id=chance.choice([None, "a", "b"]),
                        idempotency_key=chance.choice([None, f"k{step}"]),
                    )
                    ids += [m.id for m in said.saved]
                elif what == 3:
                    await alice.update(chance.choice(ids), importance=chance.random())
                elif what == 4:
                    await alice.forget(ids.pop(chance.randrange(len(ids))))
                else:
                    await alice.set_preference(chance.choice("xyz"), str(step))
            await alice.export(tmp_path / "one")
            await bob.import_(tmp_path / "one")
            await bob.export(tmp_path / "two")
            assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
            for moment in (await alice.list_memories()).items[::5]:
                known = moment.recorded_at
                one = await alice.recall("word", known_at=known)
                two = await bob.recall("word", known_at=known)
                assert one.prompt_block == two.prompt_block


async def test_what_was_known_when_is_kept(hash_config: MemoryConfig, tmp_path: Path) -> None:
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            (saved,) = (await alice.save("I live in Lisbon.")).saved
            await alice.update(saved.id, content="I live in Porto.")
            await alice.export(tmp_path / "out")
        async with MemoryLayer("bob", vault=vault) as bob:
            await bob.import_(tmp_path / "out")
            then = await bob.recall("Where do I live?", known_at=saved.recorded_at)
            now = await bob.recall("Where do I live?")
            assert "Lisbon" in then.prompt_block
            assert "Porto" in now.prompt_block
            later = await bob.save("I have moved to Braga.")
            assert later.saved[0].recorded_at > saved.recorded_at


async def test_idempotency_keys_travel(hash_config: MemoryConfig, tmp_path: Path) -> None:
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            first = await alice.save("I live in Lisbon.", idempotency_key="k")
            await alice.export(tmp_path / "out")
        async with MemoryLayer("bob", vault=vault) as bob:
            await bob.import_(tmp_path / "out")
            again = await bob.save("I live in Lisbon.", idempotency_key="k")
    assert [m.id for m in again.saved] == [m.id for m in first.saved]


async def test_a_stranger_exports_as_nothing_and_nothing_can_be_imported(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("nobody", vault=vault) as nobody:
        first, last = await _exported(nobody, tmp_path / "out")
        assert first["embedder"] is None
        assert (last["kind"], last["memories"]) == ("end", 0)
        assert (await vault.list_users()).items == ()
        assert (await nobody.import_(tmp_path / "out")).memories == 0
        assert (await nobody.save("I am here now.")).saved


async def test_an_export_shows_one_moment(
    hash_config: MemoryConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs are saved in one call each: an export between two pages never splits one."""
    monkeypatch.setattr(export_module, "_PAGE", 3)
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice, anyio.create_task_group() as group:

            async def write() -> None:
                for number in range(1000):
                    pair = [{"role": "user", "content": f"{side} {number}"} for side in "ab"]
                    await alice.save(pair)

            await alice.save([{"role": "user", "content": f"{side} first"} for side in "ab"])
            group.start_soon(write)
            seen = []
            for number in range(5):
                path = tmp_path / str(number)
                found = await _exported(alice, path)
                held = [one for one in found if one.get("kind") == "memory"]
                texts = {one["content"] for one in held}
                assert {f"b{text[1:]}" for text in texts if text[0] == "a"} <= texts
                assert len(texts) % 2 == 0
                seen.append(len(texts))
            group.cancel_scope.cancel()
    assert seen == sorted(seen)


# where to -----------------------------------------------------------------------------------------


async def test_a_file_that_is_there_is_not_overwritten_unasked(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with MemoryLayer("alice", config=hash_config) as alice:
        await alice.save("I live in Lisbon.")
        path = tmp_path / "out"
        path.write_text("precious")
        with pytest.raises(TargetNotEmpty):
            await alice.export(path)
        assert path.read_text() == "precious"
        await alice.export(path, overwrite=True)
        assert "Lisbon" in path.read_text()
        with pytest.raises(TargetNotEmpty):
            await alice.export(tmp_path, overwrite=True)
        with pytest.raises(InvalidInput, match="make it first"):
            await alice.export(tmp_path / "missing" / "out")
        with pytest.raises(InvalidInput):
            await alice.export("")
        assert not [one for one in tmp_path.iterdir() if one.name.endswith(".part")]
        assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600


def _a_pipe_and_a_link_to_it(folder: Path) -> list[Path]:
    pipe, link = folder / "pipe", folder / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    return [pipe, link]


@pytest.mark.skipif(os.name == "nt", reason="makes a pipe")
@pytest.mark.parametrize("overwrite", [True, False])
async def test_what_is_no_file_is_never_replaced(
    hash_config: MemoryConfig, tmp_path: Path, overwrite: bool
) -> None:
    async with MemoryLayer("alice", config=hash_config) as alice:
        await alice.save("tea")
        for place in _a_pipe_and_a_link_to_it(tmp_path):
            with pytest.raises(TargetNotEmpty, match="a pipe"):
                await alice.export(place, overwrite=overwrite)
            assert stat.S_ISFIFO(place.stat().st_mode)
    assert (tmp_path / "link").is_symlink()
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.skipif(os.name == "nt", reason="makes a pipe")
def test_a_pipe_that_comes_while_it_is_written_is_not_replaced(tmp_path: Path) -> None:
    target = Target(tmp_path / "pipe", overwrite=True)
    target.open()
    os.mkfifo(tmp_path / "pipe")
    try:
        with pytest.raises(TargetNotEmpty, match="a pipe"):
            target.publish()
    finally:
        target.close()
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]


async def test_home_is_understood(
    hash_config: MemoryConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with MemoryLayer("alice", config=hash_config) as alice:
        assert (await alice.export("~/out")).path == tmp_path / "out"
        await alice.import_("~/out")


async def test_progress_is_told(hash_config: MemoryConfig, tmp_path: Path) -> None:
    written: list[tuple[int, int]] = []
    read: list[tuple[int, int]] = []
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            await _fill(alice)
            await alice.export(tmp_path / "out", progress=lambda *at: written.append(at))
        async with MemoryLayer("bob", vault=vault) as bob:
            await bob.import_(tmp_path / "out", progress=lambda *at: read.append(at))
    assert written[-1][0] == written[-1][1]
    assert read[-1] == ((tmp_path / "out").stat().st_size,) * 2


# into whom ----------------------------------------------------------------------------------------


async def test_only_an_empty_user_takes_an_import(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as alice:
        await _fill(alice)
        before = await _exported(alice, tmp_path / "out")
        with pytest.raises(TargetNotEmpty, match="forget_all"):
            await alice.import_(tmp_path / "out")
        assert (await alice.recall("Where does it stand?")).memories
        await alice.forget_all(confirm=True)
        await alice.import_(tmp_path / "out")
        assert SECRET in (await alice.recall(f"Where is the {SECRET}?")).prompt_block
        assert await _exported(alice, tmp_path / "again") == before


async def test_who_forgot_each_memory_may_import(hash_config: MemoryConfig, tmp_path: Path) -> None:
    """Numbers of versions are used again then: an index that saw the former must not miss any."""
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as alice:
        await alice.save("The red bike stands in the cellar.")
        await alice.export(tmp_path / "out")
        for text in ("One thing.", "Another thing."):
            await alice.save(text)
        assert (await alice.recall("Which thing?")).memories
        for one in (await alice.list_memories()).items:
            await alice.forget(one.id)
        await alice.import_(tmp_path / "out")
        assert "red bike" in (await alice.recall("Where is the bike?")).prompt_block


async def test_another_model_embeds_anew(hash_config: MemoryConfig, tmp_path: Path) -> None:
    async with MemoryLayer("alice", config=hash_config) as alice:
        await _fill(alice)
        report = await alice.export(tmp_path / "out")
    other = replace(hash_config, data_dir=tmp_path / "other", embedder=HashEmbedder(128, window=16))
    async with MemoryLayer("alice", config=other) as alice:
        done = await alice.import_(tmp_path / "out")
        assert done.embedded == report.memories + report.versions
        assert "4711" in (await alice.recall("Which code?", session_id="work")).prompt_block
        assert "128" in str((await alice.stats()).embedder)
        await alice.save("And more.")


async def test_embeddings_may_be_left_out(hash_config: MemoryConfig, tmp_path: Path) -> None:
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            await _fill(alice)
            found = await _exported(alice, tmp_path / "out")
        for one in found[1:-1:2]:
            if one["kind"] == "memory":
                one["chunks"] = None
        _write(tmp_path / "less", found)
        async with MemoryLayer("bob", vault=vault) as bob:
            done = await bob.import_(tmp_path / "less")
            assert 0 < done.embedded < done.memories + done.versions
            await bob.export(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "out").read_bytes()


async def test_a_line_that_would_be_too_long_goes_without_embeddings(
    hash_config: MemoryConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 4000)
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            await alice.save("The harbour was quiet that night. " * 60)
            found = await _exported(alice, tmp_path / "out")
            assert found[1]["chunks"] is None
        async with MemoryLayer("bob", vault=vault) as bob:
            assert (await bob.import_(tmp_path / "out")).embedded == 1


async def test_a_file_may_be_marked_as_not_trusted(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            await _fill(alice)
            await alice.export(tmp_path / "out")
        async with MemoryLayer("bob", vault=vault) as bob:
            await bob.import_(tmp_path / "out", origin="import:mail")
            page = await bob.list_memories()
            assert {one.origin for one in page.items} == {"import:mail"}
            with pytest.raises(InvalidInput):
                await bob.import_(tmp_path / "out", origin="nobody")


# hostile files ------------------------------------------------------------------------------------


def _write(path: Path, records: list[Any]) -> None:
    """A file of these lines, with a last line that matches them but has no digest."""
    records[-1] = {**records[-1], "sha256": None}
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")


FUTURE = (datetime.now(UTC) + timedelta(days=400)).isoformat()
BAD_VALUES: list[tuple[str, str, Any]] = [
    ("memory", "id", "../../etc/passwd"),
    ("memory", "id", 7),
    ("memory", "id", "mem_" + "x" * 9999),
    ("memory", "session_id", ""),
    ("memory", "session_id", "a\0b"),
    ("memory", "session_id", 5),
    ("memory", "memory_type", "other"),
    ("memory", "memory_type", None),
    ("memory", "memory_type", ["semantic"]),
    ("memory", "role", "a\nb"),
    ("memory", "content", " "),
    ("memory", "content", None),
    ("memory", "content", "\ud800"),
    ("memory", "content", "x" * 1_000_001),
    ("memory", "importance", 1.5),
    ("memory", "importance", True),
    ("memory", "importance", "1"),
    ("memory", "occurred_at", "2026-01-01T00:00:00"),
    ("memory", "occurred_at", 1767225600),
    ("memory", "recorded_at", None),
    ("memory", "recorded_at", FUTURE),
    ("memory", "changed_at", FUTURE),
    ("memory", "changed_at", "0001-01-01T00:00:00+00:00"),
    ("memory", "superseded_at", "1999-01-01T00:00:00+00:00"),
    ("memory", "valid_to", "0001-01-01T00:00:00+14:00"),
    ("memory", "origin", "root"),
    ("memory", "origin", None),
    ("memory", "derived_from", "mem_1"),
    ("memory", "derived_from", [1]),
    ("memory", "derived_from", ["mem_" + "0" * 26] * 10_001),
    ("memory", "compressed", 0),
    ("memory", "metadata", [1]),
    ("memory", "metadata", {"x": "y" * 300_000}),
    ("memory", "chunks", []),
    ("memory", "chunks", [[0, 5]]),
    ("memory", "chunks", [[0, 5, "no base64!"]]),
    ("memory", "chunks", [[0, 5, "AAAA"]]),
    ("memory", "chunks", [[0, 5, "AAAA" * 85 + "AA=="]]),
    ("memory", "chunks", [[5, 5, ""]]),
    ("memory", "chunks", [[-1, 5, ""]]),
    ("memory", "chunks", [[0, 1 << 70, ""]]),
    ("memory", "chunks", [[0.0, 5, ""]]),
    ("memory", "chunks", [[0, 5, "AAAA"]] * 2),
    ("memory", "chunks", [[5, 9, "AAAA"], [0, 5, "AAAA"]]),
    ("memory", "extra", SECRET),
    ("memory", "user_id", "bob"),
    ("session", "id", None),
    ("session", "started_at", "yesterday"),
    ("session", "metadata", "x"),
    ("preference", "key", ""),
    ("preference", "value", "x" * 5000),
    ("preference", "confidence", -1),
    ("preference", "source", "x"),
    ("preference", "superseded_at", "1999-01-01T00:00:00+00:00"),
    ("idempotency", "digest", "00"),
    ("idempotency", "digest", "Z" * 64),
    ("idempotency", "result", {"saved": []}),
    ("idempotency", "result", {"saved": [], "duplicates": ["x", "y", "z"], "preferences": []}),
    ("idempotency", "result", {"saved": [1], "duplicates": [], "preferences": []}),
    ("session", "kind", "user"),
    ("session", "kind", {}),
]


async def _refused(memory: MemoryLayer, path: Path, line: int | None = None) -> str:
    with pytest.raises(ImportRefused) as refused:
        await memory.import_(path)
    message = str(refused.value)
    assert message.startswith("line " if line is None else f"line {line}: ")
    assert SECRET not in message
    assert len(message) < 300
    return message


async def _exported_once(config: MemoryConfig, path: Path) -> list[dict[str, Any]]:
    async with MemoryLayer("alice", config=config) as alice:
        await _fill(alice)
        return await _exported(alice, path)


async def test_bad_values_are_refused_and_change_nothing(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault:
        found = await _exported_once(hash_config, tmp_path / "out")
        async with MemoryLayer("bob", vault=vault) as bob:
            for kind, name, value in BAD_VALUES:
                at = next(i for i, one in enumerate(found) if one.get("kind") == kind)
                _write(
                    tmp_path / "bad", [*found[:at], {**found[at], name: value}, *found[at + 1 :]]
                )
                line = None if name in ("changed_at", "superseded_at") else at + 1
                await _refused(bob, tmp_path / "bad", line)
            for kind in fields.KINDS:
                at = next(i for i, one in enumerate(found) if one.get("kind") == kind)
                for name in found[at].keys() - {"kind"}:
                    less = {key: value for key, value in found[at].items() if key != name}
                    _write(tmp_path / "bad", [*found[:at], less, *found[at + 1 :]])
                    assert f"{name} is missing" in await _refused(bob, tmp_path / "bad", at + 1)
            assert not list((hash_config.data_dir / STAGING).iterdir())
            assert [one.user_id for one in (await vault.list_users()).items] == ["alice"]
            await bob.import_(tmp_path / "out")


async def test_lines_that_do_not_go_together_are_refused(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    found = await _exported_once(hash_config, tmp_path / "out")
    memories = [i for i, one in enumerate(found) if one.get("kind") == "memory"]
    session = next(i for i, one in enumerate(found) if one.get("kind") == "session")
    key = next(i for i, one in enumerate(found) if one.get("kind") == "idempotency")
    current = [
        i for i, one in enumerate(found)
        if one.get("kind") == "preference" and one["superseded_at"] is None
    ]  # fmt: skip
    last = memories[-1]
    cases: list[list[Any]] = [
        [*found[:last], found[last], *found[last:]],
        [*found[: session + 1], *found[session:]],
        [*found[: key + 1], *found[key:]],
        [*found[: current[0] + 1], *found[current[0] :]],
        [*found[: memories[0]], *reversed([found[i] for i in memories]), found[-1]],
        found[1:],
        found[:1] * 2 + found[1:],
        [{**found[0], "format": "other"}, *found[1:]],
        [{**found[0], "version": 2}, *found[1:]],
        [{**found[0], "user_id": "bob"}, *found[1:]],
        [{**found[0], "embedder": 5}, *found[1:]],
        [*found[:-1], {**found[-1], "memories": 1}],
        [*found[:-1], {**found[-1], "more": 1}],
        [*found[:-2], found[-1]],
        [*found, found[-1]],
        [found[0], [1], *found[1:]],
        [found[0], "text", *found[1:]],
    ]
    async with MemoryLayer("bob", config=hash_config) as bob:
        for case in cases:
            _write(tmp_path / "bad", list(case))
            await _refused(bob, tmp_path / "bad")
        assert (await bob.stats()).total == 0


async def test_what_is_not_lines_of_json_is_refused(
    hash_config: MemoryConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _exported_once(hash_config, tmp_path / "out")
    text = (tmp_path / "out").read_bytes()
    first, rest = text.split(b"\n", 1)
    secret = SECRET.encode()
    cases = [
        b"",
        b"\n",
        b"SQLite format 3\0",
        b"\xff\xfe" + text,
        first + b"\n" + b"[" * 100_000 + b"\n",
        first + b"\n" + b'{"kind":"memory","importance":NaN}\n' + rest,
        first + b"\n" + b'{"kind":"memory","importance":1e999}\n' + rest,
        first + b"\n" + b'{"kind":"' + b"9" * 5000 + b'"}\n',
        first + b"\n{" + b"9" * 5000 + b"}\n",
        text + b"\n",
        text.replace(secret, b"xylophono"),
        text.replace(secret, b"\xff" * len(secret)),
        text.replace(b"\n", b"\r"),
    ]
    async with MemoryLayer("bob", config=hash_config) as bob:
        for case in cases:
            (tmp_path / "bad").write_bytes(case)
            await _refused(bob, tmp_path / "bad")
        monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
        assert "longer than" in await _refused(bob, tmp_path / "out")


async def test_a_truncated_file_is_recognised_wherever_it_ends(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    await _exported_once(hash_config, tmp_path / "out")
    text = (tmp_path / "out").read_bytes()
    ends = [i + 1 for i, byte in enumerate(text) if byte == ord("\n")][:-1]
    async with MemoryLayer("bob", config=hash_config) as bob:
        for end in [*ends, *range(0, len(text) - 1, len(text) // 20), len(text) - 1]:
            (tmp_path / "bad").write_bytes(text[:end])
            await _refused(bob, tmp_path / "bad")


async def test_what_is_no_file_is_refused(hash_config: MemoryConfig, tmp_path: Path) -> None:
    async with MemoryLayer("bob", config=hash_config) as bob:
        with pytest.raises(InvalidInput, match="does not exist"):
            await bob.import_(tmp_path / "missing")
        with pytest.raises((InvalidInput, StorageError)):
            await bob.import_(tmp_path)
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe")
            with pytest.raises(InvalidInput, match="no file"):
                await bob.import_(tmp_path / "pipe")


async def test_what_a_killed_import_left_is_cleared_at_open(
    hash_config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(hash_config) as vault:
        held = vault.engine.store.stage()
        held.open()
    left = hash_config.data_dir / STAGING / "left.db"
    left.write_bytes(b"half of something")
    for path in (left, held.path):
        os.utime(path, (0, 0))
    async with Vault(hash_config):
        assert not left.exists()
        assert held.path.exists(), "another process is at work on this one"
    held.close()
    assert clear_staging(hash_config.data_dir) == 0
    assert not held.path.exists()


async def test_memory_is_bounded_by_a_page(
    hash_config: MemoryConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the number of memories, a hop holds a page of them."""
    monkeypatch.setattr(export_module, "_PAGE", 7)
    monkeypatch.setattr(import_module, "_PAGE", 7)
    monkeypatch.setattr(import_module, "_TEXTS", 7)
    told: list[int] = []
    other = replace(hash_config, data_dir=tmp_path / "other", embedder=HashEmbedder(128))
    async with MemoryLayer("alice", config=hash_config) as alice:
        await alice.save([{"role": "user", "content": f"Number {i}."} for i in range(100)])
        await alice.export(tmp_path / "out", progress=lambda done, _: told.append(done))
    async with MemoryLayer("alice", config=other) as alice:
        assert (await alice.import_(tmp_path / "out")).embedded == 100
        assert (await alice.recall("Number 99?")).memories
    assert max(b - a for a, b in pairwise(told)) == 7


def test_the_blocking_class_does_the_same(hash_config: MemoryConfig, tmp_path: Path) -> None:
    with MemoryLayerSync("alice", config=hash_config) as alice:
        alice.save("I live in Lisbon.")
        assert alice.export(tmp_path / "out").memories == 2  # what was said, and the fact
        alice.forget_all(confirm=True)
        assert alice.import_(tmp_path / "out").memories == 2
        assert "Lisbon" in alice.recall("Where do I live?").prompt_block
