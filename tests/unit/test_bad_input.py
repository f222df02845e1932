"""Whatever is wrong, a typed error says so; nothing is lost and nothing is written elsewhere."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from memory_vault import (
    ConfigError,
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    MemoryVaultError,
    Message,
    ModelNotInstalled,
    NotAVault,
    NotFound,
    NotOpen,
    SchemaTooNew,
    StorageError,
    StorageReadOnly,
    Vault,
)
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
NAIVE = datetime(2026, 3, 1, 12)
DAY = NAIVE.replace(tzinfo=UTC)
LONE = "\ud800"


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    """A layer whose user has one memory, one preference and one session."""
    async with MemoryLayer("ada", vault=vault) as layer:
        await layer.save("I take my tea without sugar.", session_id="s")
        await layer.set_preference("style", "short")
        yield layer


async def holds(memory: MemoryLayer) -> tuple[object, ...]:
    """All that a refused call must leave as it was."""
    stats = await memory.stats()
    items = (await memory.list_memories(include_compressed=True)).items
    sessions = (await memory.list_sessions()).items
    return stats.total, stats.versions, items, await memory.list_preferences(), len(sessions)


def folder_of(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*")}


@pytest.mark.parametrize("config", ["folder", Path("folder"), {"data_dir": "folder"}, 7])
async def test_settings_are_a_config(config: Any) -> None:
    for make in (Vault, lambda given: MemoryLayer("ada", config=given)):
        with pytest.raises(ConfigError, match="give a MemoryConfig"):
            make(config)


BAD_SAVES: list[tuple[str, str, Any]] = [
    ("nothing", "content", lambda m: m.save("")),
    ("blank", "content", lambda m: m.save(" \t\n")),
    ("blank in scripts", "content", lambda m: m.save("\u3000\u00a0")),
    ("no messages", "content", lambda m: m.save([])),
    ("too long", "max_text_chars", lambda m: m.save("x" * 1_000_001)),
    ("number", "content", lambda m: m.save(7)),
    ("None", "content", lambda m: m.save(None)),
    ("bytes", "content", lambda m: m.save(b"tea")),
    ("set of messages", "content", lambda m: m.save({"tea"})),
    ("a number among messages", r"content\[1\]", lambda m: m.save(["tea", 7])),
    ("a blank among messages", r"content\[1\]", lambda m: m.save(["tea", " "])),
    ("unknown key", "text", lambda m: m.save({"role": "user", "text": "tea"})),
    ("no content", "content", lambda m: m.save({"role": "user"})),
    ("content of parts", "content", lambda m: m.save({"role": "user", "content": [{"a": 1}]})),
    ("role is a number", "role", lambda m: m.save({"role": 7, "content": "tea"})),
    ("role is None", "role", lambda m: m.save({"role": None, "content": "tea"})),
    ("role of two lines", "role", lambda m: m.save("tea", role="a\nb")),
    ("blank role", "role", lambda m: m.save("tea", role=" ")),
    ("long role", "role", lambda m: m.save("tea", role="x" * 201)),
    ("role with a surrogate", "role", lambda m: m.save("tea", role=LONE)),
    ("unknown type", "memory_type", lambda m: m.save("tea", memory_type="semantik")),
    ("type is a list", "memory_type", lambda m: m.save("tea", memory_type=["semantic"])),
    ("working without session", "session", lambda m: m.save("tea", memory_type="working")),
    ("unknown origin", "origin", lambda m: m.save("tea", origin="internet")),
    ("origin is a number", "origin", lambda m: m.save("tea", origin=1)),
    ("naive time", "occurred_at", lambda m: m.save("tea", occurred_at=NAIVE)),
    ("naive in a message", "occurred_at", lambda m: m.save(Message("user", "tea", NAIVE))),
    ("a day", "occurred_at", lambda m: m.save("tea", occurred_at=DAY.date())),
    ("time as text", "occurred_at", lambda m: m.save("tea", occurred_at="2026-03-01")),
    ("metadata not JSON", "metadata", lambda m: m.save("tea", metadata={"a": object()})),
    ("metadata NaN", "metadata", lambda m: m.save("tea", metadata={"a": float("nan")})),
    ("metadata a list", "metadata", lambda m: m.save("tea", metadata=["a"])),
    ("metadata 0", "metadata", lambda m: m.save("tea", metadata=0)),
    ("metadata of nothing", "metadata", lambda m: m.save({"content": "tea", "metadata": []})),
    ("keys that meet", "keys are strings", lambda m: m.save("tea", metadata={1: 1, "1": 2})),
    ("a key inside", "keys are", lambda m: m.save("tea", metadata={"a": [{"b": {None: 1}}]})),
    ("moment 0", "occurred_at", lambda m: m.save({"content": "tea", "occurred_at": 0})),
    ("metadata too large", "metadata", lambda m: m.save("tea", metadata={"a": "x" * 70_000})),
    ("metadata in a message", "metadata", lambda m: m.save(Message("user", "x", None, "no"))),
    ("blank session", "session_id", lambda m: m.save("tea", session_id="")),
    ("long session", "session_id", lambda m: m.save("tea", session_id="x" * 10_000)),
    ("session with NUL", "session_id", lambda m: m.save("tea", session_id="a\x00")),
    ("long key", "idempotency_key", lambda m: m.save("tea", idempotency_key="x" * 10_000)),
]

BAD_CALLS: list[tuple[str, str, Any]] = [
    ("recall nothing", "query", lambda m: m.recall("")),
    ("recall a number", "query", lambda m: m.recall(7)),
    ("recall huge", "query", lambda m: m.recall("x" * 1_000_001)),
    ("top_k 0", "top_k", lambda m: m.recall("tea", top_k=0)),
    ("top_k huge", "top_k", lambda m: m.recall("tea", top_k=10**5_000)),
    ("token_budget huge", "token_budget", lambda m: m.recall("tea", token_budget=10**30)),
    ("top_k True", "top_k", lambda m: m.recall("tea", top_k=True)),
    ("top_k 1.5", "top_k", lambda m: m.recall("tea", top_k=1.5)),
    ("budget 0", "token_budget", lambda m: m.recall("tea", token_budget=0)),
    ("budget below 0", "token_budget", lambda m: m.recall("tea", token_budget=-5)),
    ("unknown type", "memory_type", lambda m: m.recall("tea", memory_types=["odd"])),
    ("types as a string", "memory_types", lambda m: m.recall("tea", memory_types="semantic")),
    ("no types", "memory_types", lambda m: m.recall("tea", memory_types=[])),
    ("roles as a string", "roles", lambda m: m.recall("tea", roles="user")),
    ("roles a number", "roles", lambda m: m.recall("tea", roles=5)),
    ("types a number", "memory_types", lambda m: m.recall("tea", memory_types=5)),
    ("roles of numbers", "roles", lambda m: m.recall("tea", roles=[1])),
    ("unknown origin", "origin", lambda m: m.recall("tea", origins=["odd"])),
    *[
        (f"naive {name}", name, lambda m, n=name: m.recall("tea", **{n: NAIVE}))
        for name in ("since", "until", "as_of", "known_at")
    ],
    ("id is a number", "memory_id", lambda m: m.get(7)),
    ("id is blank", "memory_id", lambda m: m.get(" ")),
    ("page of 0", "page_size", lambda m: m.list_memories(page_size=0)),
    ("page too large", "page_size", lambda m: m.list_memories(page_size=1_001)),
    ("cursor of nonsense", "cursor", lambda m: m.list_memories(cursor="nonsense")),
    ("cursor is a number", "cursor", lambda m: m.list_memories(cursor=7)),
    ("state", "state", lambda m: m.list_sessions(state="closed")),
    ("session metadata", "metadata", lambda m: m.start_session("new", metadata={"a": b"x"})),
    ("no session to end", "session_id", lambda m: m.end_session()),
    ("blank preference", "key", lambda m: m.set_preference(" ", "x")),
    ("blank value", "value", lambda m: m.set_preference("k", " ")),
    ("long preference", "key", lambda m: m.set_preference("k" * 201, "x")),
    ("long value", r"at most 2000\Z", lambda m: m.set_preference("k", "x" * 2_001)),
    ("value a number", "value", lambda m: m.set_preference("k", 7)),
    ("sure of 2", "confidence", lambda m: m.set_preference("k", "v", confidence=2)),
    ("sure of NaN", "confidence", lambda m: m.set_preference("k", "v", confidence=float("nan"))),
    ("forget nothing", "exactly one", lambda m: m.forget()),
    ("forget two", "exactly one", lambda m: m.forget("x", session_id="s")),
    ("forget naive", "recorded_before", lambda m: m.forget(recorded_before=NAIVE)),
    ("unknown proof", "proof", lambda m: m.forget("x", proof="full")),
    ("forget all", "confirm", lambda m: m.forget_all(confirm=False)),
    ("forget all by 1", "confirm", lambda m: m.forget_all(confirm=1)),
]

CASES = [pytest.param(match, call, id=name) for name, match, call in BAD_SAVES + BAD_CALLS]


@pytest.mark.parametrize(("match", "call"), CASES)
async def test_is_refused_and_changes_nothing(memory: MemoryLayer, match: str, call: Any) -> None:
    before = await holds(memory)
    with pytest.raises(InvalidInput, match=match) as caught:
        await call(memory)
    assert len(str(caught.value)) < 500
    assert await holds(memory) == before


@pytest.mark.parametrize(
    ("match", "values"),
    [
        ("nothing to change", {}),
        ("content", {"content": " "}),
        ("content", {"content": None}),
        ("memory_type", {"memory_type": None}),
        ("memory_type", {"memory_type": "odd"}),
        ("importance", {"importance": 1.01}),
        ("importance", {"importance": float("nan")}),
        ("importance", {"importance": None}),
        ("occurred_at", {"occurred_at": NAIVE}),
        ("valid_to", {"valid_from": DAY, "valid_to": DAY}),
        ("valid_to", {"valid_from": DAY, "valid_to": DAY - timedelta(days=1)}),
        ("metadata", {"metadata": {"a": {1, 2}}}),
    ],
)
async def test_a_wrong_update_changes_nothing(
    memory: MemoryLayer, match: str, values: dict[str, Any]
) -> None:
    before = await holds(memory)
    with pytest.raises(InvalidInput, match=match):
        await memory.update(before[2][0].id, **values)  # type: ignore[index]
    assert await holds(memory) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.get("mem_none"),
        lambda m: m.update("mem_none", content="x"),
        lambda m: m.history("mem_none"),
        lambda m: m.forget("mem_none"),
        lambda m: m.forget(session_id="none"),
        lambda m: m.end_session("none"),
    ],
)
async def test_what_is_not_there_is_not_found(memory: MemoryLayer, call: Any) -> None:
    before = await holds(memory)
    with pytest.raises(NotFound):
        await call(memory)
    assert await holds(memory) == before


@pytest.mark.parametrize("secret", ["xyzzy plugh " * 100_000, "xyzzy plugh"])
async def test_messages_of_errors_do_not_quote_text(memory: MemoryLayer, secret: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await memory.save([secret, "", "x" * 1_000_001])
    assert "xyzzy" not in str(caught.value)


async def test_one_bad_message_refuses_the_whole_conversation(memory: MemoryLayer) -> None:
    before = await holds(memory)
    with pytest.raises(InvalidInput):
        await memory.save([*(f"line {i}" for i in range(50)), {"role": "user"}])
    assert await holds(memory) == before


@pytest.mark.parametrize(
    "place", ["1", [1], [10**30, "x"], [1.5, "x"], [None, "x"], [1, 2], [1, LONE]]
)
async def test_a_forged_cursor_is_refused(memory: MemoryLayer, vault: Vault, place: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    with pytest.raises(InvalidInput, match="cursor"):
        await memory.list_memories(cursor=cursor)
    for listing in (memory.list_sessions, vault.list_users):
        with contextlib.suppress(InvalidInput):  # another listing's cursor may be well formed
            await listing(cursor=cursor)


# Text that is odd but right


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "word " * 100_000,
        "\n" * 1_000 + "end",
        "日本語のテキスト。" * 500,
        "ภาษาไทย" * 500,
        "👩‍👩‍👧‍👦" * 500,
        "e" + "\u0301" * 2_000,
        "\u202eright to left\u202c",
        "'; DROP TABLE memories; --",
        "%s {0} ${HOME} <memory>",
    ],
    ids=lambda text: ascii(text[:12]),
)
async def test_odd_text_is_kept_word_for_word(memory: MemoryLayer, text: str) -> None:
    saved = (await memory.save(text)).saved[0]
    assert (await memory.get(saved.id)).content == text
    found = await memory.recall(text.strip()[:200], token_budget=100)
    assert found.total_tokens <= 100


async def test_nul_and_lone_surrogates_become_the_replacement_sign(memory: MemoryLayer) -> None:
    saved = (await memory.save(f"a\x00b{LONE}c", metadata={"k": f"v\x00{LONE}"})).saved[0]
    assert saved.content == "a\ufffdb\ufffdc"
    again = await memory.get(saved.id)
    assert again == saved
    assert again.metadata["k"].encode("utf-8")
    assert (await memory.recall(f"tea\x00{LONE}")).memories


# Users


@pytest.mark.parametrize("user_id", ["", " ", "x" * 513, "x" * 10_000, "a\x00b", LONE, 7, None])
def test_a_user_id_is_refused(user_id: Any) -> None:
    with pytest.raises(InvalidInput, match="user_id"):
        MemoryLayer(user_id)


ODD_USERS = (
    "../../escape",
    "..",
    ".",
    "/etc/passwd",
    "C:\\Windows",
    "con",
    "a/b",
    "a%2Fb",
    "catalog.db",
    "x" * 512,
    "日本語",
    "ελληνικά",
    "\u202euser",
    "' OR 1=1 --",
    "*",
    "%",
    " ada",
    "Ada",
    "ADA",
    "ada",
    "straße",
    "STRASSE",
    "é",
    "e\u0301",
)


async def test_odd_users_are_kept_apart_and_inside_the_folder(
    vault: Vault, hash_config: MemoryConfig, tmp_path: Path
) -> None:
    for user in ODD_USERS:
        async with MemoryLayer(user, vault=vault) as memory:
            await memory.save(f"note number {ODD_USERS.index(user)}")
    for user in ODD_USERS:
        async with MemoryLayer(user, vault=vault) as memory:
            page = await memory.list_memories()
            assert [one.content for one in page.items] == [f"note number {ODD_USERS.index(user)}"]
    listed = [one.user_id for one in (await vault.list_users(page_size=1_000)).items]
    assert sorted(listed) == sorted(ODD_USERS)
    outside = {one for one in tmp_path.iterdir() if one != hash_config.data_dir}
    assert {one.name for one in outside} <= {"xdg_config_home", "xdg_cache_home", "xdg_data_home"}
    files = [one for one in hash_config.data_dir.rglob("*") if one.is_file()]
    assert all(one.name.isascii() and len(one.name) < 100 for one in files)


# Moments and places


async def test_before_open_and_after_close(hash_config: MemoryConfig) -> None:
    memory, vault = MemoryLayer("ada", config=hash_config), Vault(hash_config)
    for _ in range(2):
        for call in (memory.stats, memory.list_preferences, vault.health, vault.list_users):
            with pytest.raises(NotOpen):
                await call()
        async with vault, memory:
            await memory.stats()


def test_a_vault_and_a_config_contradict_each_other(hash_config: MemoryConfig) -> None:
    with pytest.raises(InvalidInput, match="not both"):
        MemoryLayer("ada", vault=Vault(hash_config), config=hash_config)


async def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    place = tmp_path / "vault"
    place.write_text("a letter to nobody")
    with pytest.raises(StorageError, match="not a folder"):
        await Vault(MemoryConfig(data_dir=place, embedder=HashEmbedder())).open()
    assert place.read_text() == "a letter to nobody"


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    place = tmp_path / "vault"
    place.mkdir(mode=0o500)
    if os.access(place, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(StorageReadOnly):
        await Vault(MemoryConfig(data_dir=place, embedder=HashEmbedder())).open()
    assert not folder_of(place)


async def test_a_refused_open_can_be_tried_again(tmp_path: Path) -> None:
    place = tmp_path / "vault"
    place.write_text("in the way")
    vault = Vault(MemoryConfig(data_dir=place, embedder=HashEmbedder()))
    with pytest.raises(StorageError):
        await vault.open()
    place.unlink()
    async with vault:
        assert (await vault.health()).is_ok


def files(config: MemoryConfig) -> tuple[Path, Path]:
    """The catalog and the one user's file of a vault that is closed."""
    (user,) = (config.data_dir / "users").rglob("*.db")
    return config.data_dir / "catalog.db", user


async def saved_vault(config: MemoryConfig) -> tuple[Path, Path]:
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save("tea")
    return files(config)


@pytest.mark.parametrize("which", [0, 1], ids=["catalog", "user"])
async def test_a_file_that_is_no_vault(hash_config: MemoryConfig, which: int) -> None:
    path = (await saved_vault(hash_config))[which]
    path.write_bytes(letter := b"Dear Ada, this is a letter. " * 400)
    with pytest.raises(NotAVault):
        async with MemoryLayer("ada", config=hash_config) as memory:
            await memory.save("more")
    assert path.read_bytes() == letter


@pytest.mark.parametrize("which", [0, 1], ids=["catalog", "user"])
async def test_another_programs_database(hash_config: MemoryConfig, which: int) -> None:
    path = (await saved_vault(hash_config))[which]
    path.unlink()
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE letters (body)")
    other.execute("INSERT INTO letters VALUES ('Dear Ada')")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAVault):
        async with MemoryLayer("ada", config=hash_config) as memory:
            await memory.save("more")
    assert path.read_bytes() == before


@pytest.mark.parametrize("which", [0, 1], ids=["catalog", "user"])
async def test_a_file_of_a_newer_version(hash_config: MemoryConfig, which: int) -> None:
    path = (await saved_vault(hash_config))[which]
    newer = apsw.Connection(str(path))
    newer.execute("PRAGMA user_version=999")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match="upgrade"):
        async with MemoryLayer("ada", config=hash_config) as memory:
            await memory.save("more")
    assert path.read_bytes() == before


async def test_one_damaged_file_harms_no_other_user(vault: Vault) -> None:
    async with MemoryLayer("ada", vault=vault) as memory:
        await memory.save("tea")
    (path,) = (vault.config.data_dir / "users").rglob("*.db")
    await vault.close()
    path.write_bytes(b"nothing" * 1_000)
    await vault.open()
    async with MemoryLayer("bob", vault=vault) as other:
        assert len((await other.save("coffee")).saved) == 1
    report = await vault.check()
    assert len(report.problems) == 1
    assert "ada" not in report.problems[0].what


async def test_a_missing_model_names_the_command_and_stores_nothing(tmp_path: Path) -> None:
    config = MemoryConfig(data_dir=tmp_path / "vault", model_dir=tmp_path / "nowhere")
    async with MemoryLayer("ada", config=config) as memory:
        for call in (memory.save("tea"), memory.recall("tea")):
            with pytest.raises(ModelNotInstalled, match="memory-vault model install"):
                await call
        assert (await memory.stats()).total == 0
    assert not (tmp_path / "nowhere").exists()


async def test_a_failing_embedder_stores_nothing(tmp_path: Path) -> None:
    class Failing(HashEmbedder):
        async def embed(self, texts: Any) -> Any:
            raise OSError("the service is gone")

    config = MemoryConfig(data_dir=tmp_path / "vault", embedder=Failing())
    async with MemoryLayer("ada", config=config) as memory:
        with pytest.raises((OSError, MemoryVaultError)):
            await memory.save("tea")
        assert (await memory.stats()).total == 0


async def test_an_unknown_embedder_is_named(tmp_path: Path) -> None:
    config = MemoryConfig(data_dir=tmp_path / "vault", embedder="minilmm")
    with pytest.raises(ConfigError, match="minilmm"):
        await Vault(config).open()


async def test_vaults_on_one_folder_must_agree(vault: Vault) -> None:
    other = MemoryConfig(
        data_dir=vault.config.data_dir, embedder=vault.config.embedder, durability="process"
    )
    with pytest.raises(ConfigError, match="durability"):
        await Vault(other).open()
    assert (await vault.health()).is_ok


async def test_a_typo_in_the_config_file_is_found_at_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("tok_k = 5\n")
    monkeypatch.setenv("MEMORY_VAULT_CONFIG_FILE", str(file))
    with pytest.raises(ConfigError, match="did you mean 'top_k'"):
        await Vault(MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder())).open()
    assert not (tmp_path / "vault").exists()


@pytest.mark.parametrize("user_id", ["nobody", "ADA"])
async def test_asking_about_a_stranger_makes_no_file(
    vault: Vault, memory: MemoryLayer, user_id: str
) -> None:
    before = folder_of(vault.config.data_dir)
    async with MemoryLayer(user_id, vault=vault) as stranger:
        assert (await stranger.recall("tea")).memories == ()
        assert (await stranger.stats()).total == 0
        assert not await stranger.delete_preference("style")
        with pytest.raises(NotFound):
            await vault.forget_user(user_id, confirm=True)
    new = folder_of(vault.config.data_dir) - before
    assert not [name for name in new if name.endswith(".db")]
