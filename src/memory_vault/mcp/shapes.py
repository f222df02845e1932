"""The forms of what tools take and give, as JSON Schema, and values in these forms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..models import MEMORY_TYPES, ForgetReceipt, Memory, Preference, RecallResult, Session

Schema = dict[str, Any]


def record(*optional: str, **fields: Schema) -> Schema:
    """An object of these fields and no others; all but the optional ones are always there."""
    return {
        "type": "object",
        "properties": fields,
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def text(about: str = "", **more: Any) -> Schema:
    """A string."""
    return {"type": "string", **({"description": about} if about else {}), **more}


def number(about: str = "", **more: Any) -> Schema:
    """A number; `type="integer"` for a whole one."""
    return {"type": "number", **({"description": about} if about else {}), **more}


def several(one: Schema, about: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": one, **({"description": about} if about else {})}


def moment(about: str) -> Schema:
    """A time that a caller gives."""
    return text(f"{about} A day (2026-05-20) or a time (2026-05-20T14:30Z).", format="date-time")


FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = text(minLength=1, maxLength=512)
TYPE: Schema = text(enum=list(MEMORY_TYPES))
_MAYBE = {"type": ["string", "null"]}
_WHEN = text(format="date-time")
_MAYBE_WHEN = {"type": ["string", "null"], "format": "date-time"}
_SHARED = {
    "id": text(),
    "memory_type": TYPE,
    "role": text("Who said it."),
    "origin": text("Who put it there; what comes from others than the user is less certain."),
    "session_id": _MAYBE,
    "occurred_at": _MAYBE_WHEN,
    "recorded_at": _WHEN,
}
MEMORY: Schema = record(content=text(), **_SHARED)
RECALLED: Schema = record(
    snippet=text("What of it stands in the block."), score=number("Higher is nearer."), **_SHARED
)
PREFERENCE: Schema = record(key=text(), value=text(), confidence=number(), recorded_at=_WHEN)
SESSION: Schema = record(
    id=text(), started_at=_WHEN, last_active_at=_WHEN, ended_at=_MAYBE_WHEN, memory_count=COUNT
)
CURSOR: Schema = {
    "type": ["string", "null"],
    "description": "Give it back to read on; null at the end.",
}
RECALL: Schema = record(
    is_relevant=FLAG,
    memories=several(RECALLED, "Best first; exactly those in the block."),
    preferences=several(record(key=text(), value=text())),
    total_tokens=COUNT,
    token_budget=COUNT,
    left_out=COUNT,
)
SAVE: Schema = record(
    saved=several(MEMORY),
    duplicates=several(record(memory_id=text(), reason=text())),
)
RECEIPT: Schema = record(
    state=text(enum=["done", "pending", "found"]),
    reason=text(),
    removed={"type": "object", "additionalProperties": COUNT},
    restored=several(text()),
    rebuilt=several(text()),
    dry_run=FLAG,
)


def _when(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _shared(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory.id,
        "memory_type": memory.memory_type,
        "role": memory.role,
        "origin": memory.origin,
        "session_id": memory.session_id,
        "occurred_at": _when(memory.occurred_at),
        "recorded_at": _when(memory.recorded_at),
    }


def memory_data(memory: Memory) -> dict[str, Any]:
    """A memory as MEMORY."""
    return {"content": memory.content, **_shared(memory)}


def recall_data(found: RecallResult) -> dict[str, Any]:
    """A recall as RECALL."""
    return {
        "is_relevant": found.is_relevant,
        "memories": [
            {"snippet": one.snippet, "score": one.score, **_shared(one.memory)}
            for one in found.memories
        ],
        "preferences": [{"key": one.key, "value": one.value} for one in found.preferences],
        "total_tokens": found.total_tokens,
        "token_budget": found.token_budget,
        "left_out": found.left_out.count,
    }


def preference_data(preference: Preference) -> dict[str, Any]:
    """A preference as PREFERENCE."""
    return {
        "key": preference.key,
        "value": preference.value,
        "confidence": preference.confidence,
        "recorded_at": _when(preference.recorded_at),
    }


def session_data(session: Session) -> dict[str, Any]:
    """A session as SESSION."""
    return {
        "id": session.id,
        "started_at": _when(session.started_at),
        "last_active_at": _when(session.last_active_at),
        "ended_at": _when(session.ended_at),
        "memory_count": session.memory_count,
    }


def receipt_data(receipt: ForgetReceipt) -> dict[str, Any]:
    """A receipt as RECEIPT."""
    return {
        "state": receipt.state,
        "reason": receipt.reason,
        "removed": dict(receipt.removed),
        "restored": list(receipt.restored),
        "rebuilt": list(receipt.rebuilt),
        "dry_run": receipt.dry_run,
    }
