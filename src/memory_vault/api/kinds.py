"""What requests are made of: types that say in OpenAPI what the library checks itself.

Only the kind of JSON value is checked here, so that what is acceptable is said in one place, by the
library, in its own words.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import BeforeValidator, Field, WithJsonSchema

from .._arguments import (
    MAX_COUNT,
    MAX_KEY_CHARS,
    MAX_NAME_CHARS,
    MAX_PAGE,
    MAX_ROLE_CHARS,
    MAX_VALUE_CHARS,
)
from ..models import MEMORY_TYPES, ORIGINS, MemoryType, Proof

_SEEN = r"[\p{L}\p{N}\p{P}\p{S}]"
_ANY = r"[^\u0000]*"
_PLAIN = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*"
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_KEY = re.compile("[!-~]+")


def _text(most: int, *, of: str = _ANY, **more: Any) -> WithJsonSchema:
    """A text with something to be seen in it."""
    pattern = f"^{of}{_SEEN}{of}$"
    return WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": most, "pattern": pattern, **more}
    )


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("give a time with its zone, such as 2026-03-01T12:00:00Z") from None


def _flag(value: Any) -> Any:
    found = {"true": True, "false": False, True: True, False: False}.get(value)
    if found is None or (value in (0, 1) and not isinstance(value, bool)):
        raise ValueError("give true or false")
    return found


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 5.0 is 5."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise ValueError("give a whole number")
    return int(value)


def _key(value: Any) -> Any:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ValueError("give printable ASCII without spaces, or idempotency_key in the body")
    return value


def _count(value: Any) -> Any:
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise ValueError("give a whole number")
    return int(value)


Text = Annotated[str, _text(1_000_000)]
Name = Annotated[str, _text(MAX_NAME_CHARS)]
Role = Annotated[str, _text(MAX_ROLE_CHARS, of=_PLAIN)]
PreferenceKey = Annotated[str, _text(MAX_KEY_CHARS)]
PreferenceValue = Annotated[str, _text(MAX_VALUE_CHARS)]
ORIGIN = WithJsonSchema(
    {
        "type": "string",
        "maxLength": MAX_ROLE_CHARS,
        "pattern": f"^({'|'.join(ORIGINS)})(:{_PLAIN})?$",
        "description": "Class of trust, with a detail after a colon if you like.",
    }
)
Origin = Annotated[str, ORIGIN]
Saying = Annotated[str, WithJsonSchema({"type": "string"})]
"""Who said it, to look for: a name that nobody has finds nothing."""
Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
MemoryTypeName = Annotated[
    MemoryType, WithJsonSchema({"type": "string", "enum": list(MEMORY_TYPES)})
]
ProofName = Annotated[
    Proof,
    WithJsonSchema({"type": "string", "enum": ["quick", "proven"]}),
]
Share = Annotated[
    float, Field(strict=True), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
]
Count = Annotated[
    int,
    BeforeValidator(_whole),
    Field(le=MAX_COUNT),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_COUNT}),
]
Flag = Annotated[bool, Field(strict=True)]
Metadata = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "description": "Kept as it is; at most 64 KB as JSON."}),
]

# in the path and in the query ---------------------------------------------------------------------

UserId = Annotated[
    str,
    _text(MAX_NAME_CHARS, examples=["alice"]),
    Path(
        description="Percent-encoded; or '~' and base64url of its UTF-8, for ids such as '..' that "
        "do not pass every proxy.",
    ),
]
MemoryId = Annotated[
    str, _text(MAX_NAME_CHARS, examples=["mem_01kb0g7c2m4n6p8r0t2v4x6z8a"]), Path()
]
SessionId = Annotated[str, _text(MAX_NAME_CHARS, examples=["s-12"]), Path()]
JobId = Annotated[str, _text(MAX_NAME_CHARS, examples=["job_01kb0g7c2m4n6p8r0t2v4x6z8a"]), Path()]
Key = Annotated[str, _text(MAX_KEY_CHARS, examples=["answer style"]), Path()]
QueryFlag = Annotated[
    bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean", "default": False}), Query()
]
PageSize = Annotated[
    int | None,
    BeforeValidator(_count),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
    Query(description="Items at most; else the library's default."),
]


def _cursor(listing: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "format": f"cursor-of-{listing}"})


_AFTER = Query(description="`next_cursor` of the page before.")
MemoriesCursor = Annotated[str | None, _cursor("memories"), _AFTER]
SessionsCursor = Annotated[str | None, _cursor("sessions"), _AFTER]
UsersCursor = Annotated[str | None, _cursor("users"), _AFTER]
JobsCursor = Annotated[str | None, _cursor("jobs"), _AFTER]
Confirm = Annotated[
    bool,
    BeforeValidator(_flag),
    WithJsonSchema({"type": "boolean", "const": True}),
    Query(description="Must be true."),
]
QueryMoment = Annotated[
    datetime | None,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Query(),
]
QueryName = Annotated[str | None, _text(MAX_NAME_CHARS), Query()]
QueryOrigin = Annotated[str | None, ORIGIN, Query()]
QueryType = Annotated[
    MemoryType | None, WithJsonSchema({"type": "string", "enum": list(MEMORY_TYPES)}), Query()
]
QueryProof = Annotated[
    Proof,
    WithJsonSchema({"type": "string", "enum": ["quick", "proven"], "default": "quick"}),
    Query(description="How far forgetting is to be proven."),
]
IfMatch = Annotated[
    str | None,
    WithJsonSchema({"type": "string", "format": "etag"}),
    Header(description="Only if the memory is still as it was read: its ETag."),
]
IdempotencyKey = Annotated[
    str | None,
    BeforeValidator(_key),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": "^[!-~]+$"}
    ),
    Header(description="A second call with this key returns the first result, for 24 hours."),
]
