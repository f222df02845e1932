"""Every call of a layer and of a vault as a request: its method, its path, and where values go."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from .. import _arguments as check
from ..errors import InvalidInput
from ..models import (
    Change,
    CheckReport,
    ForgetReceipt,
    Health,
    Job,
    Memory,
    Message,
    Page,
    Preference,
    RecallResult,
    SaveResult,
    Session,
    Stats,
    UserInfo,
)
from ..text.clean import clean

_CLEANED = {"content", "query", "value", "metadata"}
"""What the library cleans rather than refuses where no UTF-8 can hold it."""
_PLAIN = re.compile(r"[\w .@:+-]*[\w@:+-][\w .@:+-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """How one call travels.

    Attributes:
        method: HTTP method.
        path: With the names of arguments that stand in it, in braces.
        result: What the answer is read as; None for nothing.
        has_body: Whether arguments go as JSON; otherwise they go into the query.
        own_session: The argument that falls back on the layer's own session.
    """

    method: str
    path: str
    result: Any
    has_body: bool = False
    own_session: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent.

    Attributes:
        target: Path and query, percent-encoded.
        is_safe: Whether it may be sent again without a thought.
    """

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_safe: bool = False


_USER = "/v1/users/{user_id}"
CALLS: dict[str, Call] = {
    "save": Call("POST", f"{_USER}/memories", SaveResult, True, "session_id"),
    "recall": Call("POST", f"{_USER}/recall", RecallResult, True, "current_session"),
    "get": Call("GET", f"{_USER}/memories/{{memory_id}}", Memory),
    "list_memories": Call("GET", f"{_USER}/memories", Page[Memory]),
    "update": Call("PATCH", f"{_USER}/memories/{{memory_id}}", Memory, True),
    "history": Call("GET", f"{_USER}/memories/{{memory_id}}/history", tuple[Change, ...]),
    "forget": Call("POST", f"{_USER}/forget", ForgetReceipt, True),
    "forget_memory": Call("DELETE", f"{_USER}/memories/{{memory_id}}", ForgetReceipt),
    "forget_all": Call("DELETE", f"{_USER}/memories", ForgetReceipt),
    "stats": Call("GET", f"{_USER}/stats", Stats),
    "set_preference": Call("PUT", f"{_USER}/preferences/{{key}}", Preference, True),
    "list_preferences": Call("GET", f"{_USER}/preferences", tuple[Preference, ...]),
    "delete_preference": Call("DELETE", f"{_USER}/preferences/{{key}}", bool),
    "start_session": Call("POST", f"{_USER}/sessions", Session, True),
    "end_session": Call("POST", f"{_USER}/sessions/{{session_id}}/end", Session),
    "list_sessions": Call("GET", f"{_USER}/sessions", Page[Session]),
    "export": Call("GET", f"{_USER}/export", None),
    "import_": Call("POST", f"{_USER}/import", None),
    "compress": Call("POST", f"{_USER}/compress", Job, True),
    "get_job": Call("GET", f"{_USER}/jobs/{{job_id}}", Job),
    "list_jobs": Call("GET", f"{_USER}/jobs", Page[Job]),
    "cancel_job": Call("POST", f"{_USER}/jobs/{{job_id}}/cancel", Job),
    "get_vault_job": Call("GET", "/v1/vault/jobs/{job_id}", Job),
    "list_vault_jobs": Call("GET", "/v1/vault/jobs", Page[Job]),
    "cancel_vault_job": Call("POST", "/v1/vault/jobs/{job_id}/cancel", Job),
    "list_users": Call("GET", "/v1/users", Page[UserInfo]),
    "forget_user": Call("DELETE", _USER, ForgetReceipt),
    "health": Call("GET", "/v1/vault/health", Health),
    "check": Call("POST", "/v1/vault/check", CheckReport, True),
    "reindex": Call("POST", "/v1/vault/reindex", None, True),
}
"""By the method's name; `forget` of one memory travels as `forget_memory`."""


def request(call: Call, given: Mapping[str, Any]) -> Request:
    """The request for a call.

    Args:
        call: Which.
        given: Its arguments by name, the user's id among them where the path has it.

    Raises:
        InvalidInput: If a value cannot travel.
    """
    values = dict(given)
    headers = {}
    if (revision := check.revision(values.pop("if_revision", None))) is not None:
        headers["if-match"] = f'"{revision}"'
    target = re.sub(r"\{(\w+)\}", lambda found: _segment(found[1], values.pop(found[1])), call.path)
    if call.has_body:
        clears = call.method == "PATCH"
        body = _json({k: v for k, v in values.items() if clears or v is not None})
        headers["content-type"] = "application/json"
        return Request(call.method, target, body, headers, is_safe=call.path.endswith("/recall"))
    query = urlencode({k: _plain(k, v) for k, v in values.items() if v is not None})
    target = f"{target}?{query}" if query else target
    return Request(call.method, target, None, headers, is_safe=call.method == "GET")


def _segment(what: str, value: Any) -> str:
    """An id as one segment of a path; see `api.door.Segment`."""
    text = check.preference_key(value) if what == "key" else check.name(what, value)
    if _PLAIN.fullmatch(text) and text not in (".", ".."):
        return quote(text, safe="")
    return "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(what: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        return str(value).encode().decode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} holds a lone surrogate: leave it out") from None


def _json(values: Mapping[str, Any]) -> bytes:
    return b"{" + b",".join(_member(name, value) for name, value in values.items()) + b"}"


def _member(name: str, value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_known)
        return f'"{name}":{clean(text) if name in _CLEANED else text}'.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} cannot be sent as JSON ({type(error).__name__})") from error


def _known(value: Any) -> Any:
    """What is not JSON by itself and may be an argument nevertheless."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Message):
        shown = {"role": value.role, "content": value.content, "metadata": dict(value.metadata)}
        return shown if value.occurred_at is None else {**shown, "occurred_at": value.occurred_at}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set | range):
        return list(value)
    raise TypeError(f"it holds a {type(value).__name__}")
