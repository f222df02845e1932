"""OpenAI's SDK: answers with memory around them, and a session for the Agents SDK.

Nothing of either package is imported: both are spoken to through the objects that callers give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..layer import MemoryLayer
from ..models import Memory
from ._chat import Dialect, Remembering
from ._packing import unpack
from ._transcript import Entry, Transcript

_KIND = "openai_agents"
_ROLES = ("user", "assistant", "system")


def _completion(answer: Any) -> str:
    return answer.choices[0].message.content or "" if answer.choices else ""


def _chunk(chunk: Any) -> tuple[str, bool]:
    for choice in chunk.choices:  # the last chunk may have none, and tell the usage only
        if choice.index == 0:
            return choice.delta.content or "", choice.finish_reason is not None
    return "", False


def _response(answer: Any) -> str:
    return str(answer.output_text)


def _event(event: Any) -> tuple[str, bool]:
    if event.type == "response.output_text.delta":
        return event.delta, False
    return "", event.type in ("response.completed", "response.incomplete")


class RememberingCompletions(Remembering):
    """`client.chat.completions` of an `AsyncOpenAI`, with recall before and save after.

    Where the block goes and what happens when memory fails: `Remembering`. Of several choices the
    first is saved.
    """

    dialect: Dialect = Dialect("messages", "text", _completion, _chunk)


class RememberingResponses(Remembering):
    """`client.responses` of an `AsyncOpenAI`, with recall before and save after each answer."""

    dialect: Dialect = Dialect("input", "input_text", _response, _event)


class VaultSession:
    """A session of the Agents SDK, kept in a vault: every item comes back as it was given.

    It fulfils the SDK's `Session` protocol. What was said is memory like all else, and recall finds
    it; calls of tools and their results are kept with the role "tool", so that `roles=` can leave
    them out. What was saved in the session by other means is shown as plain messages. Unlike the
    SDK's own session it runs on trio too; a call that is cancelled has happened or has not.

    Args:
        session_id: The conversation.
        memory: An open layer.
        session_settings: The SDK's settings, or a dict; of them `limit`, for how many items
            `get_items` gives.
    """

    def __init__(
        self, session_id: str, memory: MemoryLayer, *, session_settings: Any = None
    ) -> None:
        self.session_id = session_id
        self.session_settings = session_settings
        self._transcript = Transcript(memory, session_id, _KIND)

    async def get_items(self, limit: int | None = None) -> list[Any]:
        """The latest `limit` items, or all, oldest first."""
        if limit is None:
            given = self.session_settings
            is_dict = isinstance(given, Mapping)
            limit = given.get("limit") if is_dict else getattr(given, "limit", None)
        return [_item(one) for one in await self._transcript.memories(limit)]

    async def add_items(self, items: list[Any]) -> None:
        """Append items, all or none."""
        await self._transcript.add([_entry(one) for one in items])

    async def pop_item(self) -> Any | None:
        """Forget the last item, and return it; None if there is none."""
        last = await self._transcript.pop()
        return None if last is None else _item(last)

    async def clear_session(self) -> None:
        """Forget the session."""
        await self._transcript.clear()


def _entry(item: Mapping[str, Any]) -> Entry:
    role, content = item.get("role"), item.get("content")
    if isinstance(content, list):
        content = "\n".join(str(one["text"]) for one in content if "text" in one)
    if role == "developer":
        role = "system"
    if role in _ROLES and isinstance(content, str):
        return Entry(role, content, item)
    shown = [item.get("name"), item.get("arguments"), item.get("output")]
    return Entry("tool", " ".join(one for one in shown if isinstance(one, str)), item)


def _item(memory: Memory) -> Any:
    if _KIND in memory.metadata:
        return unpack(_KIND, memory)
    return {
        "role": memory.role if memory.role in _ROLES else "user",
        "content": memory.content,
    }
