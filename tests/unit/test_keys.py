"""Keys of the server: what they open, how they are kept, and the commands on them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memory_vault import AccessRefused, InvalidInput, MemoryConfig, MemoryLayer, NotFound, Vault
from memory_vault.access import RIGHTS, ApiKey, id_of, new_secret, rights
from memory_vault.cli.app import run

NOW = datetime.now(UTC)


def key(users: tuple[str, ...] | None, *names: str, **more: Any) -> tuple[ApiKey, str]:
    key_id, secret = new_secret()
    return ApiKey(key_id, "", users, rights(names), NOW, **more), secret


def test_a_key_is_random_and_names_its_id() -> None:
    found = {new_secret() for _ in range(100)}
    assert len({secret for _, secret in found}) == 100
    assert all(id_of(secret) == key_id for key_id, secret in found)
    assert all(len(secret) >= 60 for _, secret in found)
    for nothing in ("", "mvk_", "mvk_ab", "mvk_ab_", "xyz_ab_cd", "mvk_ab_é", "mvk" * 1_000):
        assert id_of(nothing) is None


@pytest.mark.parametrize("right", RIGHTS)
def test_no_right_includes_another(right: Any) -> None:
    found, _ = key(None, right)
    found.require(right, None)
    for other in set(RIGHTS) - {right}:
        with pytest.raises(AccessRefused, match=other):
            found.require(other, "ada")


def test_a_key_opens_its_users_only_and_no_vault() -> None:
    found, _ = key(("ada", "bob"), "read")
    found.require("read", "bob")
    for other in ("Ada", "ad", "", None):
        with pytest.raises(AccessRefused):
            found.require("read", other)


def test_rights_are_checked_by_name() -> None:
    assert rights(["forget", "read"]) == ("read", "forget")
    for wrong in ([], ["write", "rule"]):
        with pytest.raises(InvalidInput, match="admin"):
            rights(wrong)


@pytest.mark.anyio
async def test_a_secret_is_nowhere_in_the_folder(hash_config: MemoryConfig) -> None:
    one, secret = key(None, "read")
    async with Vault(hash_config) as vault:
        await vault.engine.store.with_api_keys(lambda keys: keys.add(one, secret))
        assert await vault.engine.store.with_api_keys(lambda keys: keys.find(secret)) == one
        files = [path for path in hash_config.data_dir.rglob("*") if path.is_file()]
        tail = secret[-20:].encode()
        assert not [path for path in files if tail in path.read_bytes()]


@pytest.mark.anyio
async def test_only_the_whole_key_is_found(hash_config: MemoryConfig) -> None:
    (one, secret), (two, other) = key(("ada",), "read"), key(None, "admin")
    async with Vault(hash_config) as vault:
        with_keys = vault.engine.store.with_api_keys
        assert not await with_keys(lambda keys: keys.has_any())
        await with_keys(lambda keys: keys.add(one, secret))
        await with_keys(lambda keys: keys.add(two, other))
        assert await with_keys(lambda keys: keys.has_any())
        assert await with_keys(lambda keys: keys.find(other)) == two
        mixed = f"mvk_{one.id}_{other.split('_', 2)[2]}"
        for wrong in (secret[:-1], secret + "x", mixed, f"mvk_{one.id}_", ""):
            assert await with_keys(lambda keys, wrong=wrong: keys.find(wrong)) is None


@pytest.mark.anyio
async def test_rotated_revoked_and_used(hash_config: MemoryConfig) -> None:
    one, first = key(None, "read")
    _, second = new_secret(one.id)
    _, third = new_secret(one.id)
    async with Vault(hash_config) as vault:
        with_keys = vault.engine.store.with_api_keys

        async def opens(secret: str) -> bool:
            return await with_keys(lambda keys: keys.find(secret)) is not None

        await with_keys(lambda keys: keys.add(one, first))
        await with_keys(lambda keys: keys.replace(one.id, second, keep_s=3_600))
        assert [await opens(one) for one in (first, second)] == [True, True]
        await with_keys(lambda keys: keys.replace(one.id, third, keep_s=0))
        assert [await opens(one) for one in (first, second, third)] == [False, False, True]
        await with_keys(lambda keys: keys.note_use(one))
        (shown,) = await with_keys(lambda keys: keys.list())
        assert shown.last_used_at is not None
        assert shown.last_used_at.minute == shown.last_used_at.second == 0
        ended = await with_keys(lambda keys: keys.revoke(one.id))
        assert not ended.is_valid(NOW)
        for again in (lambda keys: keys.revoke(one.id), lambda keys: keys.revoke("none")):
            with pytest.raises(NotFound, match="keys list"):
                await with_keys(again)
        with pytest.raises(NotFound):
            await with_keys(lambda keys: keys.replace(one.id, first, keep_s=0))


@pytest.mark.anyio
async def test_a_forgotten_user_is_in_no_key(hash_config: MemoryConfig) -> None:
    user = "a name of more than sixteen bytes"
    (alone, first), (shared, second) = key((user,), "read"), key((user, "bob"), "read")
    async with Vault(hash_config) as vault:
        with_keys = vault.engine.store.with_api_keys
        await with_keys(lambda keys: keys.add(alone, first))
        await with_keys(lambda keys: keys.add(shared, second))
        async with MemoryLayer(user, vault=vault) as memory:
            await memory.save("tea")
        receipt = await vault.forget_user(user, confirm=True, proof="proven")
        assert (receipt.state, receipt.reason) == ("done", "")
        left = {one.id: one for one in await with_keys(lambda keys: keys.list())}
    assert left[shared.id].users == ("bob",)
    assert left[shared.id].is_valid(NOW)
    assert left[alone.id].users == ()
    assert not left[alone.id].is_valid(datetime.now(UTC))


def command(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(["--data-dir", str(folder), "keys", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def keys(*words: str) -> Any:
        return command(tmp_path, capsys, *words)

    made = keys("create", "-u", "ada", "-u", "bob", "--right", "read", "--days", "1", "--name", "n")
    (shown,) = keys("list")
    assert made["key"].startswith(f"mvk_{made['id']}_")
    assert (shown["id"], shown["users"], shown["rights"]) == (made["id"], ["ada", "bob"], ["read"])
    assert datetime.fromisoformat(shown["expires_at"]) - NOW > timedelta(hours=23)
    assert "key" not in shown
    again = keys("rotate", made["id"], "--keep-hours", "1")
    assert again["id"] == made["id"]
    assert again["key"] != made["key"]
    assert keys("revoke", made["id"])["revoked_at"] is not None
    assert run(["--data-dir", str(tmp_path), "keys", "list"]) == 0
    assert "revoked" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["create", "-u", "ada", "--all-users"],
        ["create", "--all-users", "--right", "rule"],
        ["create", "--all-users", "--days", "0"],
    ],
)
def test_wrong_words_make_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(["--data-dir", str(tmp_path), "keys", *words]) == 2
    capsys.readouterr()
    assert command(tmp_path, capsys, "list") == []


def test_a_key_is_shown_alone_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--data-dir", str(tmp_path), "keys", "create", "--all-users"]) == 0
    out, err = capsys.readouterr()
    assert id_of(out.strip()) is not None
    assert "once" in err
