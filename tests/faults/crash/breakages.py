"""Ways to break the library on purpose, to see that the suite notices each.

As a plugin of pytest (`-p tests.faults.crash.breakages`) it applies the one that `BREAKAGE` names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import apsw

from memory_vault.storage.sqlite import connection as connections
from memory_vault.storage.sqlite.connection import translated
from memory_vault.storage.sqlite.memories import Memories
from memory_vault.storage.sqlite.unit import Unit


def no_sync() -> None:
    """Nothing is written through to the disk."""
    connections._SYNCHRONOUS["power"] = "OFF"


def keep_token_ids() -> None:
    """What is forgotten leaves its token ids behind."""
    remove = Memories.remove

    def forgetful(self: Memories, memory_ids: Iterable[str]) -> dict[str, int]:
        chosen = list(memory_ids)
        rows = [
            row
            for memory_id in chosen
            for row in self._db.execute(
                "SELECT c.row, c.words FROM chunks c, memories m "
                "WHERE m.id = ? AND c.row / 8192 = m.seq",
                (memory_id,),
            ).fetchall()
        ]
        counts = remove(self, chosen)
        for row, words in rows:
            self._db.execute("INSERT INTO chunks VALUES (?, 0, 0, x'00', ?)", (row, words))
        return counts

    Memories.remove = forgetful  # type: ignore[method-assign]


def early_give() -> None:
    """A connection is free for others before its unit is done."""

    def run(self: Unit[Any]) -> Any:
        take = self._pool.take
        connection = take(self.path, self._schema) if self.path else self._pool.take_empty()
        self._pool.give(self.path, connection)
        with translated(self.path):
            try:
                return self._in_transaction(connection)
            finally:
                self._reset(connection)

    Unit.run = run  # type: ignore[method-assign]


def early_answer() -> None:
    """A call returns before its transaction is committed; the next one commits it."""
    open_ones: list[apsw.Connection] = []
    reset = Unit._reset

    def in_transaction(self: Unit[Any], connection: apsw.Connection) -> Any:
        while open_ones:
            open_ones.pop().execute("COMMIT")
        connection.set_busy_handler(self._wait)
        if self._begin is None:
            return self._work(connection, self)
        connection.execute(self._begin)
        result = self._work(connection, self)
        if self._begin == "BEGIN IMMEDIATE":
            open_ones.append(connection)
        else:
            connection.execute("COMMIT")
        return result

    def stays_open(self: Unit[Any], connection: apsw.Connection) -> bool:
        return connection in open_ones or reset(self, connection)

    Unit._in_transaction = in_transaction  # type: ignore[method-assign]
    Unit._reset = stays_open  # type: ignore[method-assign]


BREAKAGES: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (no_sync, keep_token_ids, early_give, early_answer)
}


def pytest_configure() -> None:
    """Break the library for a run of pytest."""
    if name := os.environ.get("BREAKAGE"):
        BREAKAGES[name]()
