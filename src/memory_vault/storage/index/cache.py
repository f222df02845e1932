"""The indexes of recently active users, within a budget of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .user_index import UserIndex


class IndexCache:
    """Keeps indexes by user; the least recently used go first when the budget is full.

    An index that was evicted stays valid for whoever holds it, and is built anew at the next use.

    Args:
        byte_budget: Bytes of all indexes at most; one index may exceed it alone.
    """

    def __init__(self, byte_budget: int) -> None:
        self._budget = byte_budget
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, UserIndex] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes that all indexes hold."""
        with self._lock:
            return sum(index.nbytes for index in self._indexes.values())

    def get(self, user_id: str, dimension: int) -> UserIndex:
        """The index of a user, empty if there was none."""
        with self._lock:
            index = self._indexes.pop(user_id, None)
            if index is None:
                index = UserIndex(dimension)
            self._indexes[user_id] = index
            self._evict()
        return index

    def _evict(self) -> None:
        """Drop the least recently used until the rest fits; the last one stays."""
        total = sum(index.nbytes for index in self._indexes.values())
        while total > self._budget and len(self._indexes) > 1:
            _, index = self._indexes.popitem(last=False)
            total -= index.nbytes

    def forget(self, user_id: str | None) -> None:
        """Drop the index of one user, or all of them."""
        with self._lock:
            if user_id is None:
                self._indexes.clear()
            else:
                self._indexes.pop(user_id, None)
