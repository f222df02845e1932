"""A file whose search terms are of older rules gets those of today when it is opened."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import apsw
import pytest

from memory_vault import MemoryConfig, MemoryLayer, Message
from memory_vault.errors import StorageError
from memory_vault.storage.sqlite.connection import close, connect, create
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.schema import CHUNKS_PER_VERSION, USER, _reword

SAID = [
    Message("Ann", "We bought a boat and went sailing with the children."),
    Message("user", "Long ago. " * 400 + "My wife taught in Porto."),
    Message("user", "I keep bees."),
]
OLD = b"\x01\0\0\0" * 3
BEFORE = USER.migrations.index(_reword)
TABLES = ("chunks", "fresh_chunks")


async def _save(config: MemoryConfig) -> Path:
    async with MemoryLayer("ann", config=config) as memory:
        await memory.save(SAID, session_id="s")
        first = (await memory.list_memories(session_id="s")).items[-1]
        await memory.update(first.id, importance=0.9)
    return user_path(config.data_dir.resolve(), "ann")


def _words(path: Path, table: str = "chunks") -> list[tuple[int, bytes]]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.execute(f"SELECT row, words FROM {table} ORDER BY row").fetchall()


def _make_old(path: Path) -> None:
    """As it was before the rules changed, in the middle of a move to another embedder."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("UPDATE chunks SET words = ? WHERE row % 2 = 0", (OLD,))
        connection.execute("CREATE TABLE fresh_chunks AS SELECT * FROM chunks")
        connection.execute(f"PRAGMA user_version = {BEFORE}")


@pytest.mark.anyio
async def test_all_chunks_get_the_terms_of_today(hash_config: MemoryConfig) -> None:
    """Of every version, of a named speaker's name too, and those of a move under way."""
    path = await _save(hash_config)
    wanted = _words(path)
    assert len({row // CHUNKS_PER_VERSION for row, _ in wanted}) == 4
    _make_old(path)
    assert _words(path) != wanted
    close(connect(path, USER, "process"))
    for table in TABLES:
        assert _words(path, table) == wanted


@pytest.mark.anyio
async def test_what_was_said_is_found_after_an_upgrade(hash_config: MemoryConfig) -> None:
    path = await _save(hash_config)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("UPDATE chunks SET words = ?", (OLD,))
        connection.execute(f"PRAGMA user_version = {BEFORE}")
    async with MemoryLayer("ann", config=hash_config) as memory:
        found = (await memory.recall("What did the child buy?")).memories
    by_text = {one.memory.content: one.signals["lexical"] for one in found}
    assert by_text[SAID[0].content] > 0


@pytest.mark.anyio
async def test_stopped_half_way_nothing_has_changed(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _save(hash_config)
    wanted = _words(path)
    _make_old(path)
    old = _words(path)
    calls = 0

    def fails(text: str) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(5, "broken")
        return text.encode()

    with monkeypatch.context() as patched:
        patched.setattr("memory_vault.storage.sqlite.rewording.word_bytes", fails)
        with pytest.raises(StorageError):
            connect(path, USER, "process")
    assert calls == 3
    assert _words(path) == old
    close(connect(path, USER, "process"))
    assert _words(path) == wanted


_KILLED = """
import os, sys
from pathlib import Path
from memory_vault.storage.sqlite import rewording
from memory_vault.storage.sqlite.connection import connect
from memory_vault.storage.sqlite.schema import USER
left = [2]
def dies(text):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return text.encode()
rewording.word_bytes = dies
connect(Path(sys.argv[1]), USER, "process")
"""


@pytest.mark.anyio
async def test_killed_half_way_nothing_has_changed(hash_config: MemoryConfig) -> None:
    path = await _save(hash_config)
    wanted = _words(path)
    _make_old(path)
    old = _words(path)
    child = await anyio.run_process([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert child.returncode == 9
    assert _words(path) == old
    close(connect(path, USER, "process"))
    assert _words(path) == wanted


def test_a_file_that_is_being_made_has_nothing_to_change(tmp_path: Path) -> None:
    def fails(_: object) -> None:
        pytest.fail("there is nothing in it")

    schema = replace(USER, migrations=(*USER.migrations, fails))
    with closing(apsw.Connection(str(tmp_path / "new.db"))) as connection:
        create(connection, schema)
        assert connection.pragma("user_version") == schema.version
