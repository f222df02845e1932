"""The views that other programs read: their columns, their values, and that they are read-only."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

import memory_vault
from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.storage.sqlite.connection import connect, create
from memory_vault.storage.sqlite.schema import USER

pytestmark = pytest.mark.anyio
PAGE = Path(memory_vault.__file__).parents[2] / "docs/guides/interoperation.md"
VIEWS = ("v_memories", "v_preferences", "v_sessions")


@contextmanager
def read_only(config: MemoryConfig, user_id: str) -> Iterator[apsw.Connection]:
    """Another connection to the user's file, found as the guide says."""
    name = hashlib.sha256(user_id.encode()).hexdigest()
    path = config.data_dir / "users" / name[:2] / f"{name}.db"
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        yield connection
    finally:
        connection.close()


def rows(connection: apsw.Connection, view: str) -> list[dict[str, object]]:
    found = connection.execute(f"SELECT * FROM {view}")
    return [dict(zip([d[0] for d in found.getdescription()], row, strict=True)) for row in found]


def promised(view: str) -> list[str]:
    """The columns that the guide lists for a view, in order."""
    section = PAGE.read_text("utf-8").split(f"### `{view}`")[1].split("###")[0]
    return re.findall(r"^\| `(\w+)`", section, re.MULTILINE)


async def test_the_columns_are_those_of_the_guide(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        await memory.start_session("s-1")
        await memory.save("I prefer tea.")
        await memory.set_preference("drink", "tea")
    with read_only(hash_config, "alice") as connection:
        for view in VIEWS:
            assert list(rows(connection, view)[0]) == promised(view)


@pytest.mark.parametrize(
    "when",
    [
        datetime(2026, 5, 20, 10, 11, 12, 345678, UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ],
)
async def test_they_say_what_the_api_says(hash_config: MemoryConfig, when: datetime) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        (saved,) = (
            await memory.save("Bees dance.", session_id="s-1", occurred_at=when, metadata={"a": 1})
        ).saved
        changed = await memory.update(saved.id, content="Bees dance to tell the way.")
        (session,) = (await memory.list_sessions()).items
        preference = await memory.set_preference("drink", "tea", confidence=0.5)
        await memory.set_preference("food", "rice")
        await memory.delete_preference("food")
    with read_only(hash_config, "alice") as connection:
        (shown,) = rows(connection, "v_memories")
        (said,) = rows(connection, "v_sessions")
        (stated,) = rows(connection, "v_preferences")
    for name in ("id", "user_id", "session_id", "memory_type", "role", "content", "importance"):
        assert shown[name] == getattr(changed, name)
    assert datetime.fromisoformat(str(shown["occurred_at"])) == when
    assert datetime.fromisoformat(str(shown["recorded_at"])) == changed.recorded_at
    assert len(str(shown["occurred_at"])) == len("2026-05-20T10:11:12.345678Z")
    assert (shown["valid_to"], json.loads(str(shown["metadata"]))) == (None, {"a": 1})
    assert (shown["compressed"], shown["token_count"]) == (0, changed.token_count)
    assert (said["id"], said["memory_count"], said["ended_at"]) == ("s-1", 1, None)
    assert datetime.fromisoformat(str(said["started_at"])) == session.started_at
    assert (stated["key"], stated["value"], stated["confidence"]) == ("drink", "tea", 0.5)
    assert datetime.fromisoformat(str(stated["recorded_at"])) == preference.recorded_at


async def test_what_is_forgotten_is_not_shown(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        (saved,) = (await memory.save("Bees dance.")).saved
        await memory.forget(saved.id)
    with read_only(hash_config, "alice") as connection:
        assert rows(connection, "v_memories") == []


async def test_they_cannot_be_written(hash_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=hash_config) as memory:
        await memory.save("Bees dance.")
        path = next((hash_config.data_dir / "users").rglob("*.db"))
        writer = apsw.Connection(str(path))
        for view in VIEWS:
            with pytest.raises(apsw.SQLError, match="because it is a view"):
                writer.execute(f"DELETE FROM {view}")
        writer.close()


async def test_an_older_file_gets_them(hash_config: MemoryConfig) -> None:
    """A file of the first version is brought up to date when it is opened, with what it holds."""
    path = hash_config.data_dir / "old.db"
    path.parent.mkdir()
    first = replace(USER, migrations=USER.migrations[:1])
    connection = apsw.Connection(str(path))
    create(connection, first)
    connection.execute("INSERT INTO meta (id, user_id, created_at) VALUES (1, 'alice', 0)")
    connection.execute("INSERT INTO sessions (id, started_at, last_active_at) VALUES ('s', 0, 1)")
    connection.close()
    opened = connect(path, USER, "process")
    (session,) = rows(opened, "v_sessions")
    opened.close()
    assert session["last_active_at"] == "1970-01-01T00:00:00.000001Z"
    assert session["user_id"] == "alice"
