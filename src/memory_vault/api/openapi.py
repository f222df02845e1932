"""The description of the API: what FastAPI finds, and the errors of every route."""

from __future__ import annotations

from typing import Any

from ..problem import MEDIA_TYPE

_EVERYWHERE = {
    "401": "The key is missing, wrong, expired or revoked.",
    "403": "The key may not do this, or not for this user.",
    "404": "There is nothing of this name.",
    "413": "The request has more bytes than the server takes.",
    "422": "Something that was given is not acceptable; `detail` says what is.",
    "429": "Too many requests; Retry-After says when to come back.",
    "default": "Another problem; `code` names it.",
}
_UNREADABLE = "The body is not readable as what it says it is."
_SCHEMA = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "A URN that ends in the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "code": {"type": "string", "description": "A stable word for programs."},
    },
    "examples": [
        {
            "type": "urn:memory-vault:error:not_found",
            "title": "Not found",
            "status": 404,
            "detail": "no memory 'mem_1': list_memories() shows the ids there are",
            "code": "not_found",
        }
    ],
}


def complete(found: dict[str, Any]) -> dict[str, Any]:
    """Add to what FastAPI wrote: errors as problem details, and no key for the probes."""
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ProblemDetails"] = _SCHEMA
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            responses.pop("422", None)
            if "requestBody" in operation:
                responses.setdefault("400", {"description": _UNREADABLE})
            for status, about in _EVERYWHERE.items():
                responses.setdefault(status, {"description": about})
            for status, one in responses.items():
                if status == "default" or int(status) >= 400:
                    one["content"] = (
                        content if not path.startswith("/health") else one.get("content", content)
                    )
            operation["security"] = [] if path.startswith("/health") else [{"key": []}]
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "memory-vault keys create"}
    }
    return found
