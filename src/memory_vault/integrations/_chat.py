"""Recall before a model is asked, save after it has answered; free of any SDK.

The block goes to the front of the user's own last message, as text of the user's: what a provider
has cached of the conversation before it stays valid, and no stored text speaks with the authority
of a system prompt. The caller's messages are copied, never changed: the next call sends them
without the block.

A question and its whole answer are saved together, once the answer is complete and before the last
event of a stream is passed on. An answer that was abandoned or failed is not saved. When recalling
or saving fails, the model is asked and its answer returned all the same, and the error is reported.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ..errors import MemoryVaultError
from ..layer import MemoryLayer

Report = Callable[[MemoryVaultError], None]
_log = logging.getLogger("memory_vault")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one API says things.

    Attributes:
        field: Argument that holds the messages.
        part: Type of a part of a message that is text.
        reply: The text of a whole answer.
        event: The text of one event of a stream, and whether it is the last with any.
    """

    field: str
    part: str
    reply: Callable[[Any], str]
    event: Callable[[Any], tuple[str, bool]]


class Remembering:
    """An API that makes answers, with memory around it. See the module's docstring.

    Args:
        api: What has `create`, such as `client.messages`.
        memory: An open layer; its session is where the conversation is saved.
        options: Arguments of `recall` besides the query, such as `{"token_budget": 500}`.
        on_error: Told of each failed recall and save; None writes it to the log "memory_vault".
            What it raises goes to the caller, whose answer is then lost.
    """

    dialect: Dialect

    def __init__(
        self,
        api: Any,
        memory: MemoryLayer,
        *,
        options: Mapping[str, Any] | None = None,
        on_error: Report | None = None,
    ) -> None:
        self._api, self._memory = api, memory
        self._options = dict(options or {})
        self._report = on_error or _logged
        self._last = ("", "")

    async def create(self, **request: Any) -> Any:
        """Ask the model as the API's own `create` does, with the same arguments and results.

        With `stream=True` the result is a stream of the same events.
        """
        prepared, said = await self._before(request)
        answer = await self._api.create(**prepared)
        if request.get("stream"):
            return RememberedStream(answer, self, said)
        await self._after(said, self.dialect.reply(answer))
        return answer

    async def _before(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The request with the block in it, and what of it is new from the user."""
        messages = request.get(self.dialect.field, ())
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        messages = list(messages)
        at = _question(messages, self.dialect.part)
        said = _new(messages, self.dialect.part)
        if at is None:
            return request, said
        question = "\n".join(_texts(messages[at], self.dialect.part))
        block = await self._block(question, is_new=bool(said))
        if not block:
            return request, said
        messages[at] = _with_block(messages[at], block, self.dialect.part)
        return {**request, self.dialect.field: messages}, said

    async def _block(self, question: str, *, is_new: bool) -> str:
        """The block for a question; the same again while tools work on its answer."""
        if not is_new and self._last[0] == question:
            return self._last[1]
        try:
            block = (await self._memory.recall(question, **self._options)).prompt_block
        except MemoryVaultError as error:
            self._report(error)
            return ""
        self._last = (question, block)
        return block

    async def _after(self, said: Sequence[str], reply: str) -> None:
        """Save a question and its answer, in one transaction."""
        messages = [{"role": "user", "content": text} for text in said]
        if reply.strip():
            messages.append({"role": "assistant", "content": reply})
        if not messages:
            return
        try:
            await self._memory.save(messages)
        except MemoryVaultError as error:
            self._report(error)


class RememberedStream:
    """A stream of an API, passed on event by event; all else of it is there too."""

    def __init__(self, stream: Any, owner: Remembering, said: Sequence[str]) -> None:
        self._stream, self._owner, self._said = stream, owner, said
        self._events = self._read()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._events

    async def __anext__(self) -> Any:
        return await self._events.__anext__()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._events.aclose()
        await self._stream.__aexit__(kind, error, trace)

    async def _read(self) -> AsyncGenerator[Any, None]:
        texts: list[str] = []
        async for event in self._stream:
            text, is_last = self._owner.dialect.event(event)
            texts.append(text)
            if is_last:
                await self._owner._after(self._said, "".join(texts))  # noqa: SLF001
            yield event


def _logged(error: MemoryVaultError) -> None:
    _log.error("memory failed, the answer did not: %s: %s", error.code, error)


def _texts(message: Any, part: str) -> list[str]:
    """What a message says in words; nothing for what is no dict, as models' own messages are."""
    content = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, str):
        return [content]
    return [str(one["text"]) for one in content or () if _is_text(one, part)]


def _is_text(one: Any, part: str) -> bool:
    return isinstance(one, Mapping) and one.get("type") in (part, "text")


def _is_users(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("role") == "user"


def _is_models(message: Any) -> bool:
    """Whether a model said it: its messages, and what it asks tools to do."""
    if not isinstance(message, Mapping):
        return True  # an object of the SDK
    if "role" in message:
        return bool(message["role"] == "assistant")
    return not str(message.get("type", "")).endswith("_output")


def _question(messages: Sequence[Any], part: str) -> int | None:
    """Place of the last message of the user's that says something."""
    for at in range(len(messages) - 1, -1, -1):
        if _is_users(messages[at]) and any(t.strip() for t in _texts(messages[at], part)):
            return at
    return None


def _new(messages: Sequence[Any], part: str) -> list[str]:
    """What the user said since the model last spoke."""
    first = max((at for at, one in enumerate(messages) if _is_models(one)), default=-1) + 1
    texts = ["\n".join(_texts(one, part)) for one in messages[first:] if _is_users(one)]
    return [text for text in texts if text.strip()]


def _with_block(message: Mapping[str, Any], block: str, part: str) -> dict[str, Any]:
    """A copy of a message with the block before its first words."""
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": f"{block}\n\n{content}"}
    parts = list(content)
    at = next(i for i, one in enumerate(parts) if _is_text(one, part))
    parts.insert(at, {"type": part, "text": block})
    return {**message, "content": parts}
