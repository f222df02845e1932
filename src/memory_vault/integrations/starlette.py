"""Starlette (and FastAPI): one vault for an application, errors as problem details, disconnects."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import anyio

from . import missing

try:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import JSONResponse, Response
except ImportError as _error:
    raise missing("server") from _error

from ..config import MemoryConfig
from ..errors import MemoryVaultError, NotOpen
from ..layer import MemoryLayer
from ..problem import MEDIA_TYPE, headers, problem_details
from ..vault import Vault

Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]
Message = Any
_log = logging.getLogger("memory_vault")
_WAITING = 16
"""Messages of a request that wait for the application; with more, its client is made to wait."""


def vault_lifespan(
    config: MemoryConfig | None = None, *, also: Lifespan | None = None
) -> Callable[[Any], AbstractAsyncContextManager[dict[str, Any]]]:
    """The lifespan of an application that has one vault, open from start to end.

    Args:
        config: Settings; None for the environment, the config file and the defaults.
        also: Another lifespan, which runs inside this one; what it yields is kept beside.

    Example:
        app = Starlette(routes=..., lifespan=vault_lifespan())
    """

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            vault = await stack.enter_async_context(Vault(config))
            more = await stack.enter_async_context(also(app)) if also is not None else None
            yield {**(more or {}), "vault": vault}

    return lifespan


def vault_of(connection: HTTPConnection) -> Vault:
    """The application's vault, in a request or a web socket.

    Raises:
        NotOpen: If the application was not made with `vault_lifespan`.
    """
    vault = getattr(connection.state, "vault", None)
    if not isinstance(vault, Vault):
        raise NotOpen("this application has no vault: make it with lifespan=vault_lifespan()")
    return vault


def memory_of(
    connection: HTTPConnection, user_id: str, *, session_id: str | None = None
) -> MemoryLayer:
    """One user's memory for one request, yet to be opened.

    Who the user is, is for the application to find out, and nothing here checks it.

    Example:
        async with memory_of(request, user_id) as memory:
            found = await memory.recall(question)
    """
    return MemoryLayer(user_id, session_id=session_id, vault=vault_of(connection))


def add_problem_details(app: Any) -> None:
    """Answer this library's errors with problem details (RFC 9457), as `problem.py` says them.

    What only the operator can mend goes to the log "memory_vault" in full.
    """
    app.add_exception_handler(MemoryVaultError, _problem)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, MemoryVaultError), "that is what it is registered for"
    details = problem_details(error)
    if details.status >= 500:
        _log.error("%s: %s", details.code, error, exc_info=error)  # ids may stand in the path
    return JSONResponse(
        details.as_json(), details.status, headers=headers(error), media_type=MEDIA_TYPE
    )


class CancelOnDisconnect:
    """Middleware that cancels a request's work when its client has left.

    Servers only tell an application that; by themselves, handlers run on. What is cancelled has
    stored all or nothing. Work after the whole answer was sent, as of background tasks, goes on.

    Example:
        app.add_middleware(CancelOnDisconnect)
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with anyio.create_task_group() as group:
                watched = _Watched(receive, send, group.cancel_scope)
                group.start_soon(watched.listen)
                await self._app(scope, watched.receive, watched.send)
                group.cancel_scope.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None  # only the application itself can fail


class _Watched:
    """One request's two channels, with an ear on the client."""

    def __init__(self, receive: Any, send: Any, scope: anyio.CancelScope) -> None:
        self._receive, self._send, self._scope = receive, send, scope
        self._arrived, self._waiting = anyio.create_memory_object_stream[Message](_WAITING)
        self._is_answered = False

    async def listen(self) -> None:
        with self._arrived, self._waiting:
            message: Message = {}
            while message.get("type") != "http.disconnect":
                message = await self._receive()
                await self._arrived.send(message)
            if not self._is_answered:
                self._scope.cancel()
            await anyio.sleep_forever()  # the channels stay open as long as the application runs

    async def receive(self) -> Message:
        return await self._waiting.receive()

    async def send(self, message: Message) -> None:
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        self._is_answered = self._is_answered or is_last
        await self._send(message)
