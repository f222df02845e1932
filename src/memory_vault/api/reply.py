"""How values are shown: as JSON, by the names of their attributes; what every answer has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from ..models import Memory

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""What every answer has besides."""


def reply(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A result as the answer."""
    return Response(to_json(value), status, headers, "application/json")


def etag(memory: Memory) -> dict[str, str]:
    """The header that names the state of a memory."""
    return {"etag": f'"{memory.revision}"'}


def given(**values: Any) -> dict[str, Any]:
    """Arguments but those that were not given."""
    return {name: value for name, value in values.items() if value is not None}
