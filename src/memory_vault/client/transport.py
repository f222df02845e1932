"""Requests sent and answers read: httpx's errors and a server's problems become errors of ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from .. import _arguments as check
from .. import errors
from .._http import whole
from .._tracing import headers_onward
from ..errors import BackendUnavailable, MemoryVaultError, ReplyRefused, TimedOut
from .calls import CALLS, Call, Request, request
from .checks import CHECKS
from .reading import reader

if TYPE_CHECKING:
    import httpx

_BY_CODE: dict[str, type[MemoryVaultError]] = {
    one.code: one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, MemoryVaultError)
}
_CONNECT_TIMEOUT_S = 5.0


class Transport:
    """One client of one server, in one event loop.

    Args:
        url: Where the server is.
        key: The key to show.
        timeout_s: Seconds for a call.
        connections: Connections at most.
        given: The caller's own httpx transport, or None.
    """

    def __init__(
        self, url: str, key: str | None, timeout_s: float, connections: int, given: Any
    ) -> None:
        import httpx

        self._url, self._timeout_s = httpx.URL(url), timeout_s
        headers = {"accept": "application/json, application/problem+json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        timeout = httpx.Timeout(timeout_s, connect=_CONNECT_TIMEOUT_S)
        limits = httpx.Limits(max_connections=connections)
        self._client = httpx.AsyncClient(
            headers=headers, timeout=timeout, limits=limits, transport=given
        )

    @property
    def peer(self) -> dict[str, str | int]:
        """Where the server is, as spans say it."""
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        return {"server_address": self._url.host, "server_port": port}

    async def close(self) -> None:
        """Close the connections."""
        with anyio.CancelScope(shield=True):
            await self._client.aclose()

    async def layer_call(
        self, name: str, user_id: str, session_id: str | None, given: Mapping[str, Any]
    ) -> Any:
        """One call of a layer, by the method's name."""
        values = dict(given)
        if name in CHECKS:
            CHECKS[name](**values)
        if name == "forget":
            name = _which_forget(values)
        elif name == "forget_all":
            check.confirmed(values["confirm"], f"everything of user {user_id!r}")
        call = CALLS[name]
        if call.own_session is not None and values.get(call.own_session) is None:
            values[call.own_session] = session_id
        for one in ("session_id", "idempotency_key"):
            check.optional_name(one, values.get(one))
        return await self.ask(name, {"user_id": user_id, **values})

    async def ask(self, name: str, given: Mapping[str, Any]) -> Any:
        """One call, with its answer as a value.

        Raises:
            MemoryVaultError: What the server says is wrong.
            BackendUnavailable: If it was not reached, or went away before it answered.
            TimedOut: If it took too long.
            ReplyRefused: If what it says makes no sense.
        """
        call = CALLS[name]
        asked = request(call, given)
        with anyio.move_on_after(self._timeout_s):
            response = await self._send(asked)
            return _read(call, response)
        raise TimedOut(
            f"the server did not answer within {self._timeout_s:g} s; what was to be written may "
            "have been"
        )

    async def _send(self, asked: Request) -> httpx.Response:
        """Send a request; one that changes nothing is sent again when the connection breaks."""
        try:
            return await self._once(asked)
        except BackendUnavailable:
            if not asked.is_safe:
                raise
        return await self._once(asked)

    async def _once(self, asked: Request) -> httpx.Response:
        async with self.stream(asked) as response:
            await response.aread()
            return response

    @asynccontextmanager
    async def stream(
        self, asked: Request, body: httpx.AsyncByteStream | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Send a request whose answer, or whose body, is read piece by piece."""
        import httpx

        url = self._url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + asked.target.encode())
        sent = self._client.build_request(
            asked.method, url, content=asked.body, headers={**asked.headers, **headers_onward()}
        )
        if body is None:
            sent.stream = whole(asked.body or b"")
        else:
            del sent.headers["content-length"]
            sent.headers["transfer-encoding"] = "chunked"
            sent.stream = body
        try:
            response = await self._client.send(sent, stream=True)
            try:
                yield response
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        except httpx.TimeoutException as error:
            raise TimedOut(f"the server took too long ({type(error).__name__})") from error
        except httpx.DecodingError as error:
            raise ReplyRefused("the answer is not compressed as it says (DecodingError)") from error
        except httpx.TransportError as error:
            raise BackendUnavailable(
                f"the server was not reached, or went away ({type(error).__name__}); what was to "
                "be written may have been"
            ) from error


def _which_forget(values: dict[str, Any]) -> str:
    """The call for one memory, or the one for several; the selector is checked as everywhere."""
    names = ("memory_id", "session_id", "origin", "recorded_before", "if_revision")
    found = check.selector(*(values.get(name) for name in names))
    for name in names:
        if values.get(name) is None:
            values.pop(name, None)
    return "forget" if found.memory_id is None else "forget_memory"


def _read(call: Call, response: httpx.Response) -> Any:
    """The value that an answer holds.

    Raises:
        MemoryVaultError: If it tells of a problem.
        ReplyRefused: If it is nothing that this server says.
    """
    if not response.is_success:
        raise problem(response.status_code, response.content)
    if call.result is None:
        return None
    try:
        return reader(call.result)(json.loads(response.content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReplyRefused(
            f"the server answered {call.method} with something that is no "
            f"{getattr(call.result, '__name__', 'value')}: is it another version?"
        ) from error


def problem(status: int, content: bytes) -> MemoryVaultError:
    """The error that problem details tell of."""
    try:
        told = json.loads(content)
        kind, detail = _BY_CODE[told["code"]], str(told["detail"])
    except (ValueError, KeyError, TypeError):
        return ReplyRefused(f"the server answered {status}, without saying why")
    return kind(detail)
