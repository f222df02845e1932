"""LangChain: recall as a retriever, a session as a message history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import missing

try:
    from langchain_core.callbacks import (
        AsyncCallbackManagerForRetrieverRun,
        CallbackManagerForRetrieverRun,
    )
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.documents import Document
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        HumanMessage,
        SystemMessage,
        message_to_dict,
        messages_from_dict,
    )
    from langchain_core.retrievers import BaseRetriever
except ImportError as _error:
    raise missing("langchain") from _error

from ..layer import MemoryLayer
from ..models import Memory, Recalled, RecallResult
from ..sync import MemoryLayerSync
from ._calling import Caller
from ._packing import unpack
from ._transcript import Entry, Transcript

_KIND = "langchain"
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class VaultRetriever(BaseRetriever):
    """Recalls one user's memories as documents, best first.

    A document is what of a memory would stand in a prompt block: its text is the snippet, its id
    the memory's, its metadata tells where it comes from, its `score` and its `rank`. The token
    budget of a recall holds for all documents together.

    Attributes:
        memory: An open layer. With a `MemoryLayer`, `ainvoke` runs natively and `invoke` may be
            called from other threads; with a `MemoryLayerSync` it is the other way round.
        top_k: Documents at most; None for the configured number.
        options: Further arguments of `recall`, such as `{"roles": ["user"]}`; a call may give
            others, as in `invoke(query, top_k=3)`.
    """

    memory: Any
    top_k: int | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 - copied for each object by the base

    def model_post_init(self, context: Any, /) -> None:
        """Refuse what is no layer."""
        super().model_post_init(context)
        if not isinstance(self.memory, MemoryLayer | MemoryLayerSync):
            raise TypeError("memory: give a MemoryLayer or a MemoryLayerSync")

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun | None = None,
        **more: Any,
    ) -> list[Document]:
        caller, given = Caller(self.memory), {"top_k": self.top_k, **self.options, **more}
        return _documents(await caller.wait(caller.layer.recall, query, **given))

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun | None = None,
        **more: Any,
    ) -> list[Document]:
        caller, given = Caller(self.memory), {"top_k": self.top_k, **self.options, **more}
        return _documents(caller.block(caller.layer.recall, query, **given))


class VaultChatMessageHistory(BaseChatMessageHistory):
    """One session as LangChain's message history: every message comes back as it was given.

    The messages are memories like all others: recall finds them, `forget` removes them. Tool calls
    and their results are kept too, with the role "tool". What was saved in the session by other
    means is shown as plain messages.

    Args:
        memory: An open layer; see `VaultRetriever.memory` for which to give.
        session_id: The conversation.
    """

    def __init__(self, memory: MemoryLayer | MemoryLayerSync, session_id: str) -> None:
        self._caller = Caller(memory)
        self._transcript = Transcript(self._caller.layer, session_id, _KIND)

    @property
    def messages(self) -> list[BaseMessage]:
        """All messages of the session, oldest first. Blocking."""
        return [_message(one) for one in self._caller.block(self._transcript.memories)]

    async def aget_messages(self) -> list[BaseMessage]:
        """All messages of the session, oldest first."""
        return [_message(one) for one in await self._caller.wait(self._transcript.memories)]

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages, all or none. Blocking."""
        self._caller.block(self._transcript.add, [_entry(one) for one in messages])

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages, all or none."""
        await self._caller.wait(self._transcript.add, [_entry(one) for one in messages])

    def clear(self) -> None:
        """Forget the session. Blocking."""
        self._caller.block(self._transcript.clear)

    async def aclear(self) -> None:
        """Forget the session."""
        await self._caller.wait(self._transcript.clear)


def _documents(result: RecallResult) -> list[Document]:
    return [_document(one) for one in result.memories]


def _document(one: Recalled) -> Document:
    memory = one.memory
    return Document(
        id=memory.id,
        page_content=one.snippet,
        metadata={
            "memory_type": memory.memory_type,
            "role": memory.role,
            "origin": memory.origin,
            "session_id": memory.session_id,
            "occurred_at": memory.occurred_at and memory.occurred_at.isoformat(),
            "recorded_at": memory.recorded_at.isoformat(),
            "score": one.score,
            "rank": one.rank,
            "metadata": dict(memory.metadata),
        },
    )


def _entry(message: BaseMessage) -> Entry:
    role = _ROLES.get(message.type, "tool")
    return Entry(role, str(message.text), message_to_dict(message))


def _message(memory: Memory) -> BaseMessage:
    if _KIND in memory.metadata:
        return messages_from_dict([unpack(_KIND, memory)])[0]
    if memory.role == "assistant":
        return AIMessage(memory.content)
    if memory.role == "system":
        return SystemMessage(memory.content)
    return HumanMessage(memory.content)
