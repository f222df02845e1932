"""Anthropic's SDK: its memory tool kept in a vault, and messages with memory around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from . import missing

try:
    from anthropic.lib.tools import BetaAsyncAbstractMemoryTool, ToolError
except ImportError as _error:
    raise missing("anthropic") from _error

from ..errors import InvalidInput
from ..layer import MemoryLayer
from ._calling import Caller
from ._chat import Dialect, Remembering
from ._files import FileRefused, Files


class VaultMemoryTool(BetaAsyncAbstractMemoryTool):
    """Claude's memory tool (`memory_20250818`) over a vault instead of a folder.

    Each file is a memory: recall finds it beside everything else, every change keeps the version
    before, `undo` takes changes and deletions back. Paths are names only; nothing outside
    `/memories` can be named. Folders are there as long as a file is in them.

    Changes of one tool object follow each other; two objects that make one path at the same moment
    both do, and the later file is seen. What is refused becomes an answer that the model reads; a
    failing disk is raised.

    Args:
        memory: An open layer; the tool uses its vault and its user.
        cache_control: As the SDK's own tools take it.
    """

    def __init__(self, memory: MemoryLayer, *, cache_control: Any = None) -> None:
        super().__init__(cache_control=cache_control)
        self._files = Files(Caller(memory).vault, memory.user_id)

    async def view(self, command: Any) -> str:
        """Show a file with line numbers, or what is in a folder."""
        return await _told(self._files.view(command.path, command.view_range))

    async def create(self, command: Any) -> str:
        """Make a new file."""
        return await _told(self._files.create(command.path, command.file_text))

    async def str_replace(self, command: Any) -> str:
        """Replace a text that stands in a file exactly once."""
        files = self._files
        return await _told(files.str_replace(command.path, command.old_str, command.new_str))

    async def insert(self, command: Any) -> str:
        """Insert lines after a line."""
        files = self._files
        return await _told(files.insert(command.path, command.insert_line, command.insert_text))

    async def delete(self, command: Any) -> str:
        """Delete a file or folder; `undo` brings a file back until its session has ended."""
        return await _told(self._files.delete(command.path))

    async def rename(self, command: Any) -> str:
        """Give a file or folder another path."""
        return await _told(self._files.rename(command.old_path, command.new_path))

    async def clear_all_memory(self) -> str:
        """Forget all files, their versions, and those that were deleted."""
        return await self._files.clear()

    async def undo(self, path: str) -> str:
        """Take back the last change of a file, or its deletion; again, the one before.

        Raises:
            ToolError: If there is no such file or no earlier version.
        """
        return await _told(self._files.undo(path))


async def _told(work: Coroutine[Any, Any, str]) -> str:
    """The answer of a command; what is refused is an error that the model reads."""
    try:
        return await work
    except (FileRefused, InvalidInput) as error:
        raise ToolError(str(error)) from error


def _reply(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _event(event: Any) -> tuple[str, bool]:
    if event.type == "content_block_delta" and event.delta.type == "text_delta":
        return event.delta.text, False
    return "", event.type == "message_stop"


class RememberingMessages(Remembering):
    """`client.messages` of an `AsyncAnthropic`, with recall before and save after each answer.

    Where the block goes and what happens when memory fails: `Remembering`.

    Example:
        messages = RememberingMessages(client.messages, memory)
        answer = await messages.create(model=..., max_tokens=1024, messages=[...])
    """

    dialect: Dialect = Dialect("messages", "text", _reply, _event)

    @asynccontextmanager
    async def stream(self, **request: Any) -> AsyncIterator[Any]:
        """The SDK's `messages.stream`; saves when the block is left, if the answer is whole."""
        prepared, said = await self._before(request)
        async with self._api.stream(**prepared) as stream:
            yield stream
            try:
                message = stream.current_message_snapshot
            except AssertionError:
                return  # that is how the SDK says that nothing of it was read
        if message.stop_reason is not None:
            await self._after(said, _reply(message))
