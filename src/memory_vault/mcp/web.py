"""The way in over streamable HTTP, for programs that did not start the server."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from ..errors import ConfigError
from .door import Door
from .memories import Memories
from .progress import stages_told
from .run import Options, memories_of
from .server import build

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ..vault import Vault

_log = logging.getLogger("memory_vault.mcp")
_DRAIN_S = 10


def serve_http(options: Options, *, host: str, port: int) -> None:
    """Serve over streamable HTTP at /mcp until asked to stop.

    Raises:
        ConfigError: If the address is open to others and nobody has a key.
    """
    anyio.run(_serve, options, host, port)


async def _serve(options: Options, host: str, port: int) -> None:
    import uvicorn

    from ..api.logs import CONFIG
    from ..api.serve import is_loopback

    is_local = is_loopback(host)
    async with memories_of(options, is_local=is_local) as memories:
        vault = await memories.open()
        has_keys = await vault.engine.store.with_api_keys(lambda keys: keys.has_any())
        if not (has_keys or is_local):
            raise ConfigError(
                f"host {host}: without a key, anyone who reaches this address could read "
                "everything. Make one with `memory-vault keys create`, or listen on 127.0.0.1"
            )
        logging.config.dictConfig({**CONFIG, "loggers": _QUIET})
        if not has_keys:
            _log.warning("there are no keys: everybody on this machine may use this server")
        config = uvicorn.Config(
            application(memories, vault, host=host),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_S,
        )
        await uvicorn.Server(config).serve()


_QUIET: dict[str, Any] = {
    "mcp": {"level": "WARNING"},
    "sse_starlette": {"level": "WARNING"},
    "uvicorn": {"level": "WARNING"},
}


def application(memories: Memories, vault: Vault, *, host: str, **how: Any) -> Starlette:
    """The application behind its door, for an ASGI server that listens on this address.

    The memories are closed when it has stopped.

    Args:
        how: What the SDK's `streamable_http_app` takes besides.
    """
    from ..api.guard import Guard
    from ..api.settings import ServeSettings

    app = build(memories).streamable_http_app(host=host, **how)
    serving = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # uvicorn ends the process by the signal that stopped it: the vault is closed before.
        async with memories:
            with stages_told():
                async with serving(app):
                    yield

    app.router.lifespan_context = lifespan
    guard = Guard(vault, ServeSettings.from_environment())
    memories.take = guard.users.take
    app.add_middleware(Door, guard=guard)
    return app
