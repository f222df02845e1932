"""Reads a conversation from a file and saves it in parts, with a progress bar."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput
from ..models import Duplicate, Message, SaveResult
from .options import moment
from .progress import bar

if TYPE_CHECKING:
    from ..layer import MemoryLayer

_PART = 100
_KEYS = {"role", "content", "occurred_at", "metadata"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a file holds.

    Attributes:
        digest: Of the file's bytes, to know it by when it comes again.
    """

    messages: Sequence[Message]
    digest: str


def read(path: Path, role: str = "user") -> Conversation:
    """Read messages: a JSON list (or an object with "messages"), or JSON lines. Blocking.

    Args:
        role: Who said what does not say it.

    Raises:
        InvalidInput: If the file cannot be read or does not hold messages; it names the place.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"--file {path} cannot be read: {error}") from error
    values = _lines(path, text) if path.suffix == ".jsonl" else _document(path, text)
    if not values:
        raise InvalidInput(f"--file {path} holds no messages")
    found = [_message(one, f"{path}, message {i}", role) for i, one in enumerate(values, 1)]
    return Conversation(found, hashlib.sha256(data).hexdigest())


def _lines(path: Path, text: str) -> list[Any]:
    found = enumerate(text.split("\n"), 1)
    return [_parse(line, f"{path}, line {i}") for i, line in found if line.strip()]


def _document(path: Path, text: str) -> list[Any]:
    found = _parse(text, str(path))
    values = found.get("messages") if isinstance(found, dict) else found
    if not isinstance(values, list):
        raise InvalidInput(f'{path}: give a JSON list of messages, or {{"messages": […]}}')
    return values


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not JSON: {error}") from error


def _message(value: Any, where: str, role: str) -> Message:
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        raise InvalidInput(f'{where}: give an object with "role" and "content"')
    if unknown := sorted(set(value) - _KEYS):
        raise InvalidInput(f"{where} has the unknown key {unknown[0]!r}: known are {sorted(_KEYS)}")
    time = value.get("occurred_at")
    if time is not None and not isinstance(time, str):
        raise InvalidInput(f"{where}: occurred_at is no text in ISO form")
    return Message(
        value.get("role", role),
        value["content"],
        moment(f"{where}: occurred_at", time),
        value.get("metadata") or {},
    )


async def save_all(
    memory: MemoryLayer,
    conversation: Conversation,
    given: Mapping[str, Any],
    *,
    show_progress: bool,
) -> SaveResult:
    """Save a conversation in parts; each part is stored wholly or not at all.

    Saving the same file again within a day, in the same way, stores what was missing: a part that
    was stored gives its first result.
    """
    messages, total = conversation.messages, SaveResult(())
    with bar("saving", len(messages), is_shown=show_progress) as advance:
        for start in range(0, len(messages), _PART):
            part = messages[start : start + _PART]
            key = _key(conversation, start, given)
            result = await memory.save(part, idempotency_key=key, **given)
            total = _joined(total, result, start)
            advance(len(part))
    return total


def _key(conversation: Conversation, start: int, given: Mapping[str, Any]) -> str:
    """What one part of a file, saved with these options, is known by; users never share keys."""
    told = repr((conversation.digest, start, sorted(given.items())))
    return f"file-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _joined(before: SaveResult, part: SaveResult, start: int) -> SaveResult:
    moved: list[Duplicate] = [
        replace(one, position=one.position + start) for one in part.duplicates
    ]
    return SaveResult(
        before.saved + part.saved,
        (*before.duplicates, *moved),
        before.preferences + part.preferences,
        before.facts + part.facts,
    )
