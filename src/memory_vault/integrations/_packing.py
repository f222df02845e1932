"""Values that a framework wants back exactly, kept with text that people and models read."""

from __future__ import annotations

import json
from typing import Any

from ..errors import InvalidInput
from ..models import Memory
from ..text.clean import is_blank

_ROOM_BYTES = 60_000
"""What a value may take of a memory's metadata, which holds 64 KB; larger ones are the content."""


def pack(kind: str, value: Any, text: str, **also: Any) -> tuple[str, dict[str, Any]]:
    """Content and metadata of a memory from which `unpack` reads the value.

    The text is the content; a value that is too large to stand beside it, or says nothing that
    could be read, is the content itself, as JSON.

    Raises:
        InvalidInput: If the value is not JSON.
    """
    try:
        packed = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the value cannot be kept, for it is not JSON: {error}") from error
    if is_blank(text) or len(packed.encode("utf-8", "replace")) > _ROOM_BYTES:
        return packed, {kind: {"in_content": True, **also}}
    return text, {kind: {"value": value, **also}}


def unpack(kind: str, memory: Memory) -> Any:
    """The value that `pack` was given."""
    kept = memory.metadata[kind]
    return json.loads(memory.content) if "in_content" in kept else kept["value"]
