"""Services over HTTP: one deadline a call, tried again while that may help, keys shown nowhere."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from .errors import BackendError, BackendUnavailable, ConfigError, ReplyRefused

if TYPE_CHECKING:
    import httpx

    Mend = Callable[[int, str], bytes | None]
    """Told of a refusal (status, text), it may give another body to send at once instead, or raise
    an error of its own; None leaves it a refusal."""

_CONNECT_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 30.0
_TOO_MANY = 429
_QUOTED_CHARS = 10_000
"""Characters of a refusal that are looked at."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to say to whoever configured a service.

    Attributes:
        key_setting: The setting that holds the service's key.
        by_status: What to do about a status, such as {404: "give the whole address"}.
    """

    key_setting: str
    by_status: Mapping[int, str]

    def about(self, status: int) -> str:
        """What to append to the message about a status."""
        found = {
            401: f"set {self.key_setting}",
            403: f"the key in {self.key_setting} may not use this model",
            404: "the address, or the model's name, is wrong",
            _TOO_MANY: "too many requests; try again later",
            **self.by_status,
        }
        return f": {found[status]}" if status in found else ""


class Service:
    """One address of a service, with a client for each event loop that uses it.

    What may pass by itself (no connection, a reply cut off, status 429, 5xx) is tried again after
    a pause that doubles, with some chance in it, or that the service names in `Retry-After`.

    Args:
        url: The whole address. What stands behind a question mark is sent and not shown.
        api_key: The service's key; in no repr, error or log.
        key_header: Header that carries the key.
        headers: Further headers of every request.
        advice: What to do about refusals.
        timeout_s: Seconds for what stands in one `deadline`.
        attempts: Times that one request is sent at most.
    """

    def __init__(
        self,
        url: str,
        *,
        advice: Advice,
        api_key: str | None = None,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        attempts: int = 4,
    ) -> None:
        self.where: str = _check_url(url, advice.key_setting)
        self.path: str = urlsplit(url).path
        self.timeout_s: float = at_least("timeout_s", timeout_s, 0.001)
        self._url, self._advice = url, advice
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            **(headers or {}),
            **_key(api_key, key_header, advice.key_setting),
        }
        self._attempts = int(at_least("attempts", attempts, 1))
        self._client: RunVar[httpx.AsyncClient | None] = RunVar("memory_vault.http")

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

    @contextmanager
    def deadline(self) -> Iterator[float]:
        """All that is asked inside has `timeout_s` together; gives the moment when it is over.

        Raises:
            BackendUnavailable: If it was not done by then.
        """
        with anyio.move_on_after(self.timeout_s) as scope:
            yield scope.deadline
        if scope.cancelled_caught:
            raise BackendUnavailable(
                f"{self.where} did not answer within {self.timeout_s:g} s: try again later, or "
                "give it more time"
            )

    async def ask(
        self,
        body: bytes | None,
        deadline: float,
        *,
        path: str | None = None,
        mend: Mend | None = None,
    ) -> Any:
        """The JSON of one answer.

        Args:
            body: What is posted; None gets instead.
            deadline: No pause is begun that would not end before; see `deadline`.
            path: Another path at the same service, from its root.
            mend: Asked about every refusal; see `Mend`.

        Raises:
            BackendUnavailable: If the service was not reached.
            ReplyRefused: If it answered with an error, or with something that is no JSON.
        """
        attempt, pause_s, did_nothing = 1, _FIRST_PAUSE_S, True
        while True:
            outcome = await self._send(body, path, mend)
            if outcome.instead is not None:
                body = outcome.instead
                continue
            if outcome.error is not None:
                did_nothing = outcome.error.did_nothing = did_nothing and outcome.error.did_nothing
            wait_s = max(pause_s * random.uniform(0.5, 1.5), outcome.after_s)  # noqa: S311 - spreads rivals
            is_last = attempt >= self._attempts or anyio.current_time() + wait_s >= deadline
            if is_last or not outcome.may_pass:
                return outcome.result()
            await anyio.sleep(wait_s)
            attempt, pause_s = attempt + 1, min(pause_s * 2, _LONGEST_PAUSE_S)

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

        timeout = httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S)  # the deadline is the rest
        return httpx.AsyncClient(timeout=timeout, headers=self._headers)

    async def _send(self, body: bytes | None, path: str | None, mend: Mend | None) -> _Outcome:
        """Send one request once."""
        client = await self._open()
        try:
            with translate(self.where):
                request = client.build_request(
                    "GET" if body is None else "POST", self._url, content=body
                )
                if path is not None:
                    request.url = request.url.copy_with(path=path, query=None)
                if body is not None:
                    request.stream = whole(body)
                reply = await client.send(request)
        except BackendUnavailable as error:
            return _Outcome(error=error, may_pass=True)
        return await to_thread.run_sync(self._judge, reply, mend)

    def _judge(self, reply: httpx.Response, mend: Mend | None) -> _Outcome:
        """The reply's content, or what is wrong with it, unquoted. In a thread: it may be long."""
        status = reply.status_code
        if reply.is_success:
            try:
                return _Outcome(content=json.loads(reply.content))
            except (ValueError, RecursionError) as error:
                refused = ReplyRefused(f"{self.where} answered with something that is no JSON")
                refused.__cause__ = error
                return _Outcome(error=refused)
        if mend is not None:
            instead = mend(status, reply.text[:_QUOTED_CHARS])
            if instead is not None:
                return _Outcome(instead=instead)
        refused = ReplyRefused(f"{self.where} answered {status}{self._advice.about(status)}")
        refused.did_nothing = True
        may_pass = status == _TOO_MANY or status >= 500
        return _Outcome(error=refused, may_pass=may_pass, after_s=_retry_after(reply))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one attempt."""

    content: Any = None
    error: BackendError | None = None
    may_pass: bool = False
    after_s: float = 0.0
    instead: bytes | None = None

    def result(self) -> Any:
        """The content, or the error raised."""
        if self.error is not None:
            raise self.error
        return self.content


def whole(body: bytes) -> httpx.AsyncByteStream:
    """A body to send once: httpx's own is a generator, left half-way when a call does not end."""
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


def _retry_after(reply: httpx.Response) -> float:
    """Seconds that the service asks to wait, by a number or by a date against its own clock."""
    text: str = reply.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        then, now = (parsedate_to_datetime(one) for one in (text, reply.headers.get("date", "")))
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _check_url(url: str, key_setting: str) -> str:
    """The address as it may be shown: without what stands behind a question mark."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ConfigError("url: give the service's whole address, with http or https")
    if parts.username or parts.password or parts.fragment:
        raise ConfigError(f"url: give a key as {key_setting} (api_key=), not in the address")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def complete_url(url: str, ending: str) -> str:
    """The address of one kind of request, given whole or as the base that services document."""
    base, mark, query = url.partition("?")
    if base.rstrip("/").endswith(ending):
        return url
    return f"{base.rstrip('/')}{ending}{mark}{query}"


def _key(api_key: str | None, header: str, setting: str) -> dict[str, str]:
    """The key as a header. One that is none would show up in the client's error."""
    if api_key is None:
        return {}
    if not api_key or not all("!" <= char <= "~" for char in api_key):
        raise ConfigError(f"{setting}: give printable ASCII without spaces")
    return {header: f"Bearer {api_key}" if header == "Authorization" else api_key}


def at_least(name: str, value: float, least: float) -> float:
    """The number, if it is large enough."""
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
        unreached = BackendUnavailable(f"{where} was not reached: {kind}")
        unreached.did_nothing = isinstance(
            error, httpx.ConnectError | httpx.ConnectTimeout | httpx.InvalidURL
        )
        raise unreached from error
