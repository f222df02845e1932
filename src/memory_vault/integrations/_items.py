"""Items with a namespace and a key, kept as memories of one user; free of any framework.

An item is one memory. Its session is named by a hash of namespace and key, which finds it through
the store's index of sessions; its text is what of the value is to be searched for; the value, the
key and the namespace stand in its metadata. A put over an item is an update: the version before
stays. A delete is a forget.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import IdempotencyConflict, InvalidInput, NotFound
from ..layer import MemoryLayer
from ..models import Memory
from ._packing import pack, unpack

KIND = "langgraph"
ORIGIN = "assistant:langgraph"
_PAGE = 1_000
_TRIES = 10
_BUDGET = 1_000_000_000
"""A search is not for a prompt: no token budget leaves anything out."""
_SLACK = 0.1
"""Share of its life by which an item may outlive it, so that not every read has to write."""

_MAX_MINUTES = 525_600_000
"""A thousand years."""

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item as it is now.

    Attributes:
        memory: The memory that holds it.
        is_indexed: Whether a search by words may find it.
        expires_at: When it ends, or None.
        ttl_minutes: How long it lives after it was last used, or None.
    """

    memory: Memory
    namespace: Names
    key: str
    value: dict[str, Any]
    updated_at: datetime
    is_indexed: bool
    expires_at: datetime | None
    ttl_minutes: float | None
    score: float | None = None


class Items:
    """The items of one user.

    Args:
        memory: An open layer.
    """

    def __init__(self, memory: MemoryLayer) -> None:
        self._memory = memory

    async def get(self, namespace: Names, key: str, *, refresh: bool) -> StoredItem | None:
        """The item of that name, if there is one that has not expired."""
        found = await self._find(namespace, key)
        if found is None or _is_over(found):
            return None
        if refresh:
            await self.used(found)
        return found

    async def put(
        self,
        namespace: Names,
        key: str,
        value: dict[str, Any],
        *,
        text: str | None,
        ttl_minutes: float | None,
    ) -> None:
        """Store an item, or a new version of it; of two at the same time the later one stays.

        Args:
            text: What a search by words reads; None for nothing but the key.
            ttl_minutes: How long it lives after it was last used; None for ever.
        """
        content, metadata = pack(
            KIND,
            value,
            key if text is None else text,
            namespace=list(namespace),
            key=key,
            updated_at=datetime.now(UTC).isoformat(),
            indexed=text is not None,
            **_life(ttl_minutes),
        )
        name = _session_of(namespace, key)
        for last in (*[False] * _TRIES, True):
            found = await self._find(namespace, key)
            try:
                if found is None:
                    await self._memory.save(
                        content,
                        role="assistant",
                        origin=ORIGIN,
                        memory_type="semantic",
                        session_id=name,
                        metadata=metadata,
                        idempotency_key=name,
                    )
                elif found.memory.content == content:
                    await self._memory.update(found.memory.id, metadata=metadata, valid_to=None)
                else:
                    await self._memory.update(
                        found.memory.id, content=content, metadata=metadata, valid_to=None
                    )
            except (IdempotencyConflict, NotFound):
                if last:
                    raise
                continue  # another caller made it, or forgot it, between the look-up and this
            return

    async def delete(self, namespace: Names, key: str) -> None:
        """Forget an item with all its versions, if there is one."""
        try:
            await self._memory.forget(session_id=_session_of(namespace, key))
        except NotFound:
            return

    async def listed(self) -> list[StoredItem]:
        """All items that have not expired, in the order in which they were first put."""
        return [one for one in await self._all() if not _is_over(one)]

    async def sweep(self) -> int:
        """Forget the items that have expired; how many."""
        over = [one for one in await self._all() if _is_over(one)]
        for one in over:
            await self.delete(one.namespace, one.key)
        return len(over)

    async def ranked(
        self, query: str, accept: Callable[[StoredItem], bool], count: int
    ) -> list[StoredItem]:
        """The best `count` acceptable items for a query, with scores; fewer if fewer are found."""
        wanted = max(100, 2 * count)
        while True:
            result = await self._memory.recall(
                query, origins=[ORIGIN], top_k=wanted, token_budget=_BUDGET
            )
            items = [_item(one.memory, score=one.score) for one in result.memories]
            found = [one for one in items if one.is_indexed and not _is_over(one) and accept(one)]
            if len(found) >= count or len(items) < wanted:
                return found[:count]
            wanted *= 8

    async def used(self, item: StoredItem) -> None:
        """Note that an item was read: it lives on from now.

        Only the end of its validity is written: a put at the same time loses nothing.
        """
        if item.ttl_minutes is None or item.expires_at is None:
            return
        if item.expires_at - datetime.now(UTC) < timedelta(minutes=item.ttl_minutes):
            try:
                await self._memory.update(item.memory.id, valid_to=_end(item.ttl_minutes))
            except NotFound:
                return  # forgotten since it was read

    async def _find(self, namespace: Names, key: str) -> StoredItem | None:
        page = await self._memory.list_memories(session_id=_session_of(namespace, key))
        items = [_item(one) for one in page.items if KIND in one.metadata]
        return items[-1] if items else None

    async def _all(self) -> list[StoredItem]:
        found: dict[tuple[Names, str], StoredItem] = {}
        cursor = None
        while True:
            page = await self._memory.list_memories(
                memory_type="semantic", page_size=_PAGE, cursor=cursor
            )
            for memory in page.items:
                if KIND in memory.metadata:
                    item = _item(memory)
                    found[item.namespace, item.key] = item
            cursor = page.next_cursor
            if cursor is None:
                return list(found.values())


def _session_of(namespace: Names, key: str) -> str:
    """The session of an item: one for each name, whatever characters are in it."""
    name = json.dumps([*namespace, key]).encode()
    return f"{KIND}:{hashlib.sha256(name).hexdigest()[:32]}"


def _end(ttl_minutes: float) -> datetime:
    if not 0 <= ttl_minutes <= _MAX_MINUTES:
        raise InvalidInput(f"ttl={ttl_minutes!r}: give minutes from 0 to {_MAX_MINUTES:,}, or None")
    return datetime.now(UTC) + timedelta(minutes=ttl_minutes * (1 + _SLACK))


def _life(ttl_minutes: float | None) -> dict[str, Any]:
    if ttl_minutes is None:
        return {}
    return {"ttl_minutes": ttl_minutes, "expires_at": _end(ttl_minutes).isoformat()}


def _is_over(item: StoredItem) -> bool:
    return item.expires_at is not None and item.expires_at <= datetime.now(UTC)


def _item(memory: Memory, *, score: float | None = None) -> StoredItem:
    kept = memory.metadata[KIND]
    ttl_minutes, expires_at = kept.get("ttl_minutes"), None
    if ttl_minutes is not None:
        expires_at = memory.valid_to or datetime.fromisoformat(kept["expires_at"])
    return StoredItem(
        memory=memory,
        namespace=tuple(kept["namespace"]),
        key=kept["key"],
        value=unpack(KIND, memory),
        updated_at=max(memory.recorded_at, datetime.fromisoformat(kept["updated_at"])),
        is_indexed=kept["indexed"],
        expires_at=expires_at,
        ttl_minutes=ttl_minutes,
        score=score,
    )
