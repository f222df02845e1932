"""Reranks with a service over HTTP: Cohere, Jina, Voyage, text-embeddings-inference, or alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from ..errors import BackendError, BackendUnavailable, ConfigError, ReplyRefused
from .checks import check_input
from .styles import STYLES, Style, StyleName

if TYPE_CHECKING:
    import httpx

    from . import Scores

_MAX_CHARS = 32_000
"""Characters of one text that are sent: more than any service reads of it."""
_CONNECT_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.25
_TOO_MANY = 429


class HttpReranker:
    """Scores texts by a service. Question and texts leave the machine; nothing else does.

    What may pass by itself (no connection, status 429, 5xx) is tried again after a pause that
    doubles, or that the service names in `Retry-After`, within one deadline for the whole call.

    Args:
        url: The whole address that takes the question, such as "http://127.0.0.1:8080/rerank".
        style: How the service wants to be talked to: "cohere", "jina", "voyage" or "tei".
        model: The service's name for a model; None where it has only one.
        api_key: Sent as a bearer token. In no repr, error or log.
        timeout_s: Seconds for one call of `rerank`, all its requests and pauses counted.
        attempts: Times that one request is sent at most.
        per_request: Texts of one request; None for what services of that style accept.
    """

    def __init__(
        self,
        url: str,
        *,
        style: StyleName,
        model: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        attempts: int = 4,
        per_request: int | None = None,
    ) -> None:
        self._where = _check_url(url)
        self._url = url
        self._style: Style = _check_style(style)
        self._headers = _headers(api_key)
        self._model = model
        self._timeout_s = _at_least("timeout_s", timeout_s, 0.001)
        self._attempts = int(_at_least("attempts", attempts, 1))
        most = self._style.per_request if per_request is None else per_request
        self._per_request = int(_at_least("per_request", most, 1))
        self._client: RunVar[httpx.AsyncClient | None] = RunVar("memory_vault.rerank.http")

    def __repr__(self) -> str:
        return f"HttpReranker({self._where!r}, model={self._model!r})"

    async def open(self) -> None:
        """Make the client; the service is not asked."""
        await self._open()

    async def close(self) -> None:
        """Close the connections of this event loop; the next use makes new ones."""
        client = self._client.get(None)
        self._client.set(None)
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.aclose()

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,). Texts beyond what one request takes go into further ones.

        Raises:
            BackendUnavailable: If the service was not reached, or not within the time.
            ReplyRefused: If it answered with an error, or with something that is no answer.
        """
        import numpy as np

        query, texts = check_input(query, texts, _MAX_CHARS)
        parts = [np.empty(0, np.float32)]
        with anyio.move_on_after(self._timeout_s) as scope:
            for start in range(0, len(texts), self._per_request):
                group = texts[start : start + self._per_request]
                reply = await self._ask(query, group, scope.deadline)
                parts.append(self._style.read(reply, len(group), self._where))
        if scope.cancelled_caught:
            raise BackendUnavailable(
                f"{self._where} did not answer within {self._timeout_s:g} s: try again later, or "
                "give it more time"
            )
        return np.concatenate(parts)

    async def _open(self) -> httpx.AsyncClient:
        """This event loop's client. Made in a thread: it reads certificates."""
        client = self._client.get(None)
        if client is None:
            made = await to_thread.run_sync(self._make_client)
            client = self._client.get(None) or made  # another task may have been quicker
            self._client.set(client)
        return client

    def _make_client(self) -> httpx.AsyncClient:
        import httpx

        timeout = httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S)  # the call's deadline is the rest
        return httpx.AsyncClient(timeout=timeout, headers=self._headers)

    async def _ask(self, query: str, texts: list[str], deadline: float) -> Any:
        """One request, sent again while that may help and time is left."""
        body = await to_thread.run_sync(self._style.write, query, texts, self._model)
        attempt, pause_s = 1, _FIRST_PAUSE_S
        while True:
            outcome = await self._send(body)
            pause_s = max(pause_s, outcome.after_s)
            is_last = attempt >= self._attempts or anyio.current_time() + pause_s >= deadline
            if is_last or not outcome.may_pass:
                return outcome.result()
            await anyio.sleep(pause_s)
            attempt, pause_s = attempt + 1, pause_s * 2

    async def _send(self, body: bytes) -> _Outcome:
        """Send one request once."""
        client = await self._open()
        try:
            with translate(self._where):
                request = client.build_request("POST", self._url, content=body)
                request.stream = _stream(body)
                reply = await client.send(request)
        except BackendUnavailable as error:
            return _Outcome(error=error, may_pass=True)
        return _judge(self._where, reply)


def _stream(body: bytes) -> httpx.AsyncByteStream:
    """A body to send: httpx makes a generator of it, which a cancelled call leaves half-way."""
    import httpx

    class Body(httpx.AsyncByteStream):
        def __init__(self) -> None:
            self._left = [body]

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop()

    return Body()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one attempt."""

    content: Any = None
    error: BackendError | None = None
    may_pass: bool = False
    after_s: float = 0.0

    def result(self) -> Any:
        """The content, or the error raised."""
        if self.error is not None:
            raise self.error
        return self.content


def _judge(where: str, reply: httpx.Response) -> _Outcome:
    """The reply's content, or what is wrong with it. Its text is not quoted: it may be ours."""
    status = reply.status_code
    if reply.is_success:
        try:
            return _Outcome(content=reply.json())
        except (ValueError, RecursionError) as error:
            refused = ReplyRefused(f"{where} answered with something that is no JSON")
            refused.__cause__ = error
            return _Outcome(error=refused)
    refused = ReplyRefused(f"{where} answered {status}{_ADVICE.get(status, '')}")
    may_pass = status == _TOO_MANY or status >= 500
    return _Outcome(error=refused, may_pass=may_pass, after_s=_retry_after(reply))


_ADVICE = {
    400: ": the model's name or the style may be wrong for this service",
    401: ": set reranker_api_key",
    403: ": the key in reranker_api_key may not use this model",
    404: ": give the whole address, with its path",
    413: ": lower rerank_top, or per_request",
    422: ": the model's name or the style may be wrong for this service",
    _TOO_MANY: ": too many requests; try again later",
}


def _retry_after(reply: httpx.Response) -> float:
    """Seconds that the service asks to wait; a date is not read."""
    text: str = reply.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _check_url(url: str) -> str:
    """The address as it may be shown: without what stands behind a question mark."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ConfigError("url: give the service's whole address, with http or https")
    if parts.username or parts.password or parts.fragment:
        raise ConfigError("url: give a key as reranker_api_key (api_key=), not in the address")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _check_style(style: str) -> Style:
    if style not in STYLES:
        names = ", ".join(map(repr, get_args(StyleName)))
        raise ConfigError(f"style={style!r}: give one of {names}")
    return STYLES[style]


def _headers(api_key: str | None) -> Mapping[str, str]:
    """What every request carries. A key that is no header would show up in the client's error."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if api_key is None:
        return headers
    if not api_key or not all("!" <= char <= "~" for char in api_key):
        raise ConfigError("reranker_api_key: give printable ASCII without spaces")
    return {**headers, "Authorization": f"Bearer {api_key}"}


def _at_least(name: str, value: float, least: float) -> float:
    if not value >= least:
        raise ConfigError(f"{name}={value}: give at least {least:g}")
    return value


@contextmanager
def translate(where: str) -> Iterator[None]:
    """Turn httpx's errors into ours; only their kind is named."""
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        raise BackendUnavailable(f"{where} was not reached: {kind}") from error
