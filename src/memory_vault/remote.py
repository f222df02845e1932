"""A vault that a server has open: the same calls, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from anyio import to_thread
from anyio.lowlevel import EventLoopToken, current_token

from . import _arguments as check
from ._tracing import Tracer, TracerProvider, traced, tracer_of
from .errors import ConfigError, NotOpen, WrongEventLoop
from .models import CheckReport, ForgetReceipt, Health, Job, JobState, Page, Proof, UserInfo

if TYPE_CHECKING:
    from .client.transport import Transport

T = TypeVar("T")


class RemoteVault:
    """A vault behind `memory-vault serve`; what a `Vault` is to a layer, this is too.

    One line says where the memory is; all that follows stays the same. The constructor does no
    I/O. A remote vault belongs to the event loop that opened it.

    Example:
        async with RemoteVault("http://127.0.0.1:8600", key) as vault:
            async with MemoryLayer("alice", vault=vault) as memory:
                await memory.save("I take my tea without sugar.")

    Args:
        url: Where the server is, with the path under which it is mounted, if any.
        key: The key to show; None for a server without keys.
        timeout_s: Seconds for a call; a longer one is given up as `TimedOut`. An export or
            import may take as long as pieces keep coming.
        connections: Connections at most; further calls wait for one to be free.
        transport: An httpx transport to use, such as one for a Unix socket; it is closed with the
            vault. None for TCP.
        tracing: Whether each call is a span of OpenTelemetry (extra `otel`) that goes on in the
            server, by the header `traceparent`; or a tracer provider to use for that.

    Raises:
        ConfigError: If the address or the key is none, or a setting has a wrong value.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 60.0,
        connections: int = 100,
        transport: Any = None,
        tracing: bool | TracerProvider = False,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError("url: give the server's address, such as http://127.0.0.1:8600")
        if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key):
            raise ConfigError("key: give it as `memory-vault keys create` has shown it")
        self._url, self._key, self._timeout_s = url.rstrip("/"), key, timeout_s
        self._connections, self._given = connections, transport
        if not isinstance(tracing, bool | TracerProvider):
            raise ConfigError("tracing: give True, False, or a tracer provider of OpenTelemetry")
        self._tracing = tracing
        self._tracer: Tracer | None = None
        self._transport: Transport | None = None
        self._token: EventLoopToken | None = None

    def __repr__(self) -> str:
        return f"RemoteVault({self._url!r}, {'open' if self._transport else 'closed'})"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the client; the server is first asked by the first call. Repeatable.

        Raises:
            ConfigError: If `tracing` is asked for and OpenTelemetry is not installed.
        """
        if self._transport is not None:
            self.require_open()
            return
        from .client.transport import Transport

        make = partial(
            Transport, self._url, self._key, self._timeout_s, self._connections, self._given
        )
        self._tracer = await to_thread.run_sync(tracer_of, self._tracing)
        made = await to_thread.run_sync(make)  # it reads certificates
        if self._transport is None:
            self._transport, self._token = made, current_token()

    async def close(self) -> None:
        """Close the connections. Repeatable; from any task."""
        if self._transport is not None:
            self.require_open()
            transport, self._transport = self._transport, None
            await transport.close()

    def require_open(self) -> None:
        """Refuse a call at the wrong moment or from the wrong event loop.

        Raises:
            NotOpen: Before `open` and after `close`.
            WrongEventLoop: If called from another event loop than the one that opened it.
        """
        self._opened()

    async def call(
        self, name: str, user_id: str, session_id: str | None, given: Mapping[str, Any]
    ) -> Any:
        """Do one call of a layer; see `Elsewhere`.

        Raises:
            MemoryVaultError: What the method raises, and what a server may refuse: `KeyRefused`,
                `AccessRefused`, `RateLimited`, `TooLarge`, `TimedOut`, `BackendUnavailable`.
        """
        transport = self._opened()
        if name in ("export", "import_"):
            from .client import transfer

            work = partial(getattr(transfer, name), transport, user_id, **given)
        else:
            work = partial(transport.layer_call, name, user_id, session_id, given)
        return await self._traced(name, work)

    async def health(self) -> Health:
        """Say of each part of the served vault whether it works. Needs the right "admin"."""
        found: Health = await self._ask("health", {})
        return found

    async def list_users(
        self, *, page_size: int = 100, cursor: str | None = None
    ) -> Page[UserInfo]:
        """List the users of the served vault, by user id. Needs the right "admin".

        Args:
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        given = {"page_size": page_size, "cursor": cursor}
        found: Page[UserInfo] = await self._ask("list_users", given)
        return found

    async def forget_user(
        self, user_id: str, *, confirm: bool, proof: Proof = "quick"
    ) -> ForgetReceipt:
        """Remove a user wholly, name and all. Needs the right "admin".

        Raises:
            NotFound: If there is no such user.
            InvalidInput: If `confirm` is not True.
        """
        wanted = check.name("user_id", user_id)
        check.confirmed(confirm, f"user {wanted!r}")
        given = {"user_id": wanted, "confirm": True, "proof": check.proof(proof)}
        found: ForgetReceipt = await self._ask("forget_user", given)
        return found

    async def check(self, *, repair: bool = False) -> CheckReport:
        """Have the server read every user's file from end to end. Needs the right "admin".

        Args:
            repair: Set damaged files aside, and build wrong indexes anew.
        """
        found: CheckReport = await self._ask("check", {"repair": repair})
        return found

    async def reindex(self, user_id: str | None = None) -> None:
        """Drop the server's in-memory index of one user, or of all. Needs the right "admin".

        With several worker processes, it is that of the process which answers.
        """
        wanted = check.optional_name("user_id", user_id)
        await self._ask("reindex", {"user_id": wanted})

    async def get_job(self, job_id: str) -> Job:
        """Return one piece of background work of the whole vault. Needs the right "admin".

        Raises:
            NotFound: If there is no such job.
        """
        wanted = check.name("job_id", job_id)
        found: Job = await self._ask("get_vault_job", {"job_id": wanted})
        return found

    async def list_jobs(
        self, *, state: JobState | None = None, page_size: int = 50, cursor: str | None = None
    ) -> Page[Job]:
        """List background work of the whole vault. Needs the right "admin".

        Args:
            state: "waiting", "running", "done", "failed" or "cancelled"; None for all.
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        given = {"state": state, "page_size": page_size, "cursor": cursor}
        found: Page[Job] = await self._ask("list_vault_jobs", given)
        return found

    async def cancel_job(self, job_id: str) -> Job:
        """End a job of the whole vault that is not finished. Needs the right "admin".

        Raises:
            NotFound: If there is no such job.
        """
        wanted = check.name("job_id", job_id)
        found: Job = await self._ask("cancel_vault_job", {"job_id": wanted})
        return found

    async def _ask(self, name: str, given: Mapping[str, Any]) -> Any:
        """One call of the vault itself."""
        return await self._traced(name, partial(self._opened().ask, name, given))

    async def _traced(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        peer = {} if self._tracer is None else self._opened().peer
        return await traced(self._tracer, name, work, kind="CLIENT", **peer)

    def _opened(self) -> Transport:
        if self._transport is None:
            raise NotOpen(
                "the vault is not open: use `async with RemoteVault(...) as vault` or open() it"
            )
        if current_token() != self._token:
            raise WrongEventLoop(
                "this vault was opened in another event loop: make and open one in this loop"
            )
        return self._transport
