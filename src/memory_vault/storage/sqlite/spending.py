"""Tokens that a vault's processes have had of a language model, counted by day in the catalog."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from .connection import Database
from .files import FilePool
from .schema import CATALOG
from .unit import Unit

T = TypeVar("T")


class _Hop(Protocol):
    def __call__(self, work: Callable[[], T]) -> Awaitable[T]: ...


class Spending:
    """The count of each day; days before the one that is counted are forgotten.

    Args:
        pool: The store's connections.
        catalog: The catalog's file.
        hop: Runs work in a worker thread, again while another process holds the lock.
    """

    def __init__(self, pool: FilePool, catalog: Path, hop: _Hop) -> None:
        self._pool, self._catalog, self._hop = pool, catalog, hop

    async def reserve(self, day: int, tokens: int, limit: int) -> bool:
        """Count tokens, unless the day would have more than the limit; whether it was done."""
        return await self._hop(partial(self._reserve, day, tokens, limit))

    async def adjust(self, day: int, tokens: int) -> None:
        """Count so many tokens more, or fewer if it is negative."""
        if tokens:
            await self._hop(partial(self._adjust, day, tokens))

    async def spent(self, day: int) -> int:
        """What was counted on a day."""
        return await self._hop(partial(self._run, lambda db: _spent(db, day)))

    def _reserve(self, day: int, tokens: int, limit: int) -> bool:
        def run(connection: Database) -> bool:
            if _spent(connection, day) + tokens > limit:
                return False
            connection.execute("DELETE FROM llm_tokens WHERE day < ?", (day,))
            connection.execute(
                "INSERT INTO llm_tokens (day, tokens) VALUES (?, ?) "
                "ON CONFLICT (day) DO UPDATE SET tokens = tokens + excluded.tokens",
                (day, tokens),
            )
            return True

        return self._run(run)

    def _adjust(self, day: int, tokens: int) -> None:
        sql = "UPDATE llm_tokens SET tokens = max(0, tokens + ?) WHERE day = ?"
        self._run(lambda connection: connection.execute(sql, (tokens, day)).fetchall())

    def _run(self, work: Callable[[Database], T]) -> T:
        unit = Unit[T](
            self._pool, self._catalog, CATALOG, lambda db, _: work(db), begin="BEGIN IMMEDIATE"
        )
        return unit.run()


def _spent(connection: Database, day: int) -> int:
    sql = "SELECT tokens FROM llm_tokens WHERE day = ?"
    row = connection.execute(sql, (day,)).fetchone()
    return int(row[0]) if row else 0
