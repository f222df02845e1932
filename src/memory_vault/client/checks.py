"""Arguments checked before they are sent, in the library's own words; the server checks again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _arguments as check

_MAX_CHARS = 1_000_000


def _save(
    content: object,
    role: str = "user",
    occurred_at: Any = None,
    metadata: Any = None,
    origin: str | None = None,
    memory_type: str | None = None,
    **_: Any,
) -> None:
    check.messages(
        content,
        role=role,
        occurred_at=occurred_at,
        metadata=metadata,
        origin=origin,
        memory_type=memory_type,
        max_chars=_MAX_CHARS,
    )


def _update(memory_id: str, if_revision: str | None = None, **changes: Any) -> None:
    check.name("memory_id", memory_id)
    check.revision(if_revision)
    check.changes(max_chars=_MAX_CHARS, **changes)


def _set_preference(key: str, value: str, confidence: float = 1.0) -> None:
    check.preference(key, value, confidence)


def _start_session(session_id: str | None = None, metadata: Any = None) -> None:
    check.optional_name("session_id", session_id)
    check.optional_metadata(metadata)


CHECKS: dict[str, Callable[..., None]] = {
    "save": _save,
    "update": _update,
    "set_preference": _set_preference,
    "start_session": _start_session,
}
