"""What was said in one session, word for word and in order, for frameworks that replay it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import NotFound
from ..layer import MemoryLayer
from ..models import Memory, Message
from ._packing import pack

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to keep.

    Attributes:
        role: "user", "assistant", "tool" or "system"; recall can leave roles out.
        text: What can be searched for.
        value: What the framework gets back, any JSON.
    """

    role: str
    text: str
    value: Any


class Transcript:
    """The memories of one session as a list that grows at its end.

    Args:
        memory: An open layer.
        session_id: The conversation.
        kind: Name of the framework, under which values stand in the metadata.
    """

    def __init__(self, memory: MemoryLayer, session_id: str, kind: str) -> None:
        self._memory, self._session_id, self._kind = memory, session_id, kind

    async def add(self, entries: Sequence[Entry]) -> None:
        """Append entries, all or none.

        Each has a moment of its own, since the same words twice in a row are two entries here.
        """
        if not entries:
            return
        now = datetime.now(UTC)
        messages = []
        for i, entry in enumerate(entries):
            content, metadata = pack(self._kind, entry.value, entry.text)
            said_at = now + timedelta(microseconds=i)
            messages.append(Message(entry.role, content, said_at, metadata))
        await self._memory.save(messages, session_id=self._session_id)

    async def memories(self, limit: int | None = None) -> list[Memory]:
        """The latest `limit` memories of the session, or all, oldest first.

        Those for which a summary stands are among them; what was made of others is not.
        """
        found: list[Memory] = []
        cursor = None
        while True:
            page = await self._memory.list_memories(
                session_id=self._session_id,
                include_compressed=True,
                page_size=_PAGE,
                cursor=cursor,
            )
            found += [one for one in page.items if not one.derived_from]
            cursor = page.next_cursor
            if cursor is None:
                return found if limit is None else found[max(0, len(found) - limit) :]

    async def pop(self) -> Memory | None:
        """Forget the last memory of the session, and return it."""
        while last := await self.memories(1):
            try:
                await self._memory.forget(last[0].id)
            except NotFound:
                continue  # another caller was first
            return last[0]
        return None

    async def clear(self) -> None:
        """Forget the whole session."""
        try:
            await self._memory.forget(session_id=self._session_id)
        except NotFound:
            return
