"""The catalog's rows, worked with in one transaction at a time. Everything here blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .connection import Database
from .files import FilePool
from .schema import CATALOG
from .unit import Unit

T = TypeVar("T")


class Catalog:
    """Where the store keeps what concerns the whole vault.

    Args:
        pool: The store's connections.
        path: The catalog's file.
        lock: Held while this process writes to it.
    """

    def __init__(self, pool: FilePool, path: Path, lock: threading.Lock) -> None:
        self._pool, self._path, self._lock = pool, path, lock

    def read(self, work: Callable[[Database], T]) -> T:
        """Read as of one moment."""
        return self._run(work, "BEGIN")

    def write(self, work: Callable[[Database], T]) -> T:
        """Write, wholly or not at all."""
        with self._lock:
            return self._run(work, "BEGIN IMMEDIATE")

    def _run(self, work: Callable[[Database], T], begin: str) -> T:
        return Unit[T](self._pool, self._path, CATALOG, lambda db, _: work(db), begin=begin).run()
