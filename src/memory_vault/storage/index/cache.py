"""The indexes of recently active users, within a budget of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .user_index import UserIndex


class IndexCache:
    """Keeps indexes by user; the least recently used go first when the budget is full.

    The budget is looked at whenever an index is asked for. An index that was evicted stays valid
    for whoever holds it, and is built anew at the next use. Safe to use from several threads.

    Args:
        byte_budget: Bytes of all indexes at most; the one in use may exceed it alone.
    """

    def __init__(self, byte_budget: int) -> None:
        self._budget = byte_budget
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, UserIndex] = OrderedDict()

    def __len__(self) -> int:
        with self._lock:
            return len(self._indexes)

    @property
    def nbytes(self) -> int:
        """Bytes that all indexes hold."""
        with self._lock:
            return self._nbytes()

    def _nbytes(self) -> int:
        return sum(index.nbytes for index in self._indexes.values())

    def get(self, user_id: str, dimension: int) -> UserIndex:
        """The index of a user; an empty one if there was none, or one of another dimension."""
        with self._lock:
            index = self._indexes.pop(user_id, None)
            if index is None or index.dimension != dimension:
                index = UserIndex(dimension)
            self._indexes[user_id] = index
            self._evict()
        return index

    def users(self) -> list[str]:
        """Whose indexes are kept now."""
        with self._lock:
            return list(self._indexes)

    def _evict(self) -> None:
        """Drop the least recently used until the rest fits; the last one stays."""
        total = self._nbytes()
        while total > self._budget and len(self._indexes) > 1:
            _, index = self._indexes.popitem(last=False)
            total -= index.nbytes

    def forget(self, user_id: str | None) -> None:
        """Drop the index of one user, or (None) all of them."""
        with self._lock:
            if user_id is None:
                self._indexes.clear()
            else:
                self._indexes.pop(user_id, None)
