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
        few_rows: With an outer index; see `UserIndex`.
    """

    def __init__(self, byte_budget: int, *, few_rows: int | None = None) -> None:
        self._budget, self._few_rows = byte_budget, few_rows
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, UserIndex] = OrderedDict()
        self._sizes: dict[UserIndex, int] = {}
        self._total = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._indexes)

    @property
    def nbytes(self) -> int:
        """Bytes that all indexes hold."""
        with self._lock:
            return self._total

    def get(self, user_id: str, dimension: int) -> UserIndex:
        """The index of a user; an empty one if there was none, or one of another dimension."""
        with self._lock:
            index = self._indexes.pop(user_id, None)
            if index is None or index.dimension != dimension:
                self._drop(index)
                index = UserIndex(dimension, few_rows=self._few_rows, resized=self._resized)
                self._sizes[index] = 0
            self._indexes[user_id] = index
            self._evict()
        return index

    def users(self) -> list[str]:
        """Whose indexes are kept now."""
        with self._lock:
            return list(self._indexes)

    def _evict(self) -> None:
        """Drop the least recently used until the rest fits; the last one stays."""
        while self._total > self._budget and len(self._indexes) > 1:
            self._drop(self._indexes.popitem(last=False)[1])

    def _drop(self, index: UserIndex | None) -> None:
        if index is not None:
            self._total -= self._sizes.pop(index)

    def _resized(self, index: UserIndex) -> None:
        """Told by an index after a refresh; one that was dropped meanwhile does not count."""
        with self._lock:
            if index in self._sizes:
                self._total += index.nbytes - self._sizes[index]
                self._sizes[index] = index.nbytes

    def forget(self, user_id: str | None) -> None:
        """Drop the index of one user, or (None) all of them."""
        with self._lock:
            if user_id is None:
                self._indexes.clear()
                self._sizes.clear()
                self._total = 0
            else:
                self._drop(self._indexes.pop(user_id, None))
