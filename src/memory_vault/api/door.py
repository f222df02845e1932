"""What happens to a request before its route: who asks, how much, how often, for how long."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import anyio
from starlette.convertors import Convertor
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..access import ApiKey
from ..errors import MemoryVaultError, NotFound, TimedOut, TooLarge
from .logs import log_request
from .problems import problem_response
from .reply import SECURITY_HEADERS
from .serving import Serving
from .traces import visit_span

VISIT = "memory_vault.visit"
_DIGITS = 18
_BASE64URL = re.compile("[A-Za-z0-9_-]+")


class Segment(Convertor[str]):
    """One segment of a path as the id it stands for; slashes in it are percent-encoded."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """Decode it.

        Raises:
            NotFound: If it stands for no text.
        """
        try:
            if value.startswith("~"):
                return _from_base64url(value[1:])
            return unquote_to_bytes(value).decode()
        except ValueError:
            raise NotFound("the path is not percent-encoded UTF-8, nor '~' and base64url") from None

    def to_string(self, value: str) -> str:
        """Encode it."""
        return quote(value, safe="")


def _from_base64url(text: str) -> str:
    text = unquote_to_bytes(text).decode("ascii")
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


class Refused(HTTPException):
    """An error of ours where the framework lets only its own pass: while it reads a body."""

    def __init__(self, error: MemoryVaultError, status: int) -> None:
        super().__init__(status)
        self.error: MemoryVaultError = error


class Visit:
    """One request on its way.

    Attributes:
        caller: The key it came with, or the one that stands for everybody.
        user_id: Whom it is about, once that is known.
        status: Of the answer; 0 before there is one.
    """

    def __init__(self, serving: Serving, scope: Scope, receive: Receive, send: Send) -> None:
        self.serving: Serving = serving
        self.scope: Scope = scope
        self.caller: ApiKey | None = None
        self.user_id: str | None = None
        self.status: int = 0
        self.started_at: float = anyio.current_time()
        self._receive, self._send = receive, send
        self._taken, self._most = 0, serving.settings.max_body_bytes
        self._limit = anyio.CancelScope(deadline=self.started_at + serving.settings.timeout_s)

    @property
    def operation(self) -> str:
        """What is asked for, as the routes are named; no text of the request is in it."""
        return getattr(self.scope.get("route"), "name", None) or "unknown"

    def is_slow(self, *, max_bytes: int | None = None) -> None:
        """Give this request the time, and the bytes, of long work."""
        self._limit.deadline = self.started_at + self.serving.settings.slow_timeout_s
        self._most = max_bytes or self._most

    async def run(self, app: ASGIApp) -> None:
        """Let the request through, if it may come in, within its time."""
        with self._limit:
            try:
                self.caller = await self.serving.guard.admit(self.scope)
            except MemoryVaultError as error:
                await self.refuse(error)
            else:
                await app(self.scope, self.receive, self.send)
        if self._limit.cancelled_caught and not self.status:
            await self.refuse(TimedOut("the call took too long and was stopped"))

    async def refuse(self, error: MemoryVaultError) -> None:
        """Answer with an error."""
        await problem_response(error)(self.scope, self.receive, self.send)

    async def receive(self) -> Message:
        """The next piece of the body, if there is not too much of it."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > self._most or self._announced() > self._most:
            raise Refused(TooLarge(f"the request has more than {self._most} bytes"), 413)
        return message

    def _announced(self) -> int:
        for name, value in self.scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value[:_DIGITS])
        return 0

    async def send(self, message: Message) -> None:
        """Answer, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *SECURITY_HEADERS]}
        await self._send(message)


class Door:
    """The outermost middleware: everything but CORS passes through it."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app, self._serving = app, serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = {**scope, "path": _undecoded(scope)}
        visit = scope[VISIT] = Visit(self._serving, scope, receive, send)
        with self._serving.metrics.under_way(), visit_span(self._serving.tracer, visit):
            try:
                await visit.run(self._app)
            finally:
                seconds = anyio.current_time() - visit.started_at
                status = visit.status or 500
                self._serving.metrics.request(visit.operation, status, seconds)
                log_request(visit.operation, scope["method"], status, seconds, visit.caller)


def _undecoded(scope: Scope) -> str:
    """The path as it was sent, so that an encoded slash stays part of an id."""
    raw: Any = scope.get("raw_path")
    return (
        quote(scope["path"], safe="/~") if raw is None else raw.partition(b"?")[0].decode("latin-1")
    )
