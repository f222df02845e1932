"""The server's two ways in: the pipe of the program that started it, and HTTP."""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass
from types import FrameType

import anyio

from ..api.guard import Guard
from ..api.serve import is_loopback
from ..api.settings import ServeSettings
from ..config import MemoryConfig
from ..errors import ConfigError
from .memories import Memories
from .progress import stages_told
from .server import build

_log = logging.getLogger("memory_vault.mcp")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says.

    Attributes:
        user_id: Whose memory it is.
        allows_any_user: Whether a call may name somebody else.
    """

    config: MemoryConfig
    user_id: str
    allows_any_user: bool = False


def serve_stdio(options: Options) -> None:
    """Serve the program at the other end of standard input until it closes that."""
    signal.signal(signal.SIGINT, _leave)
    anyio.run(_serve_stdio, options)


def _leave(_: int, __: FrameType | None) -> None:
    """End at once: a thread waits for the next line and cannot be stopped; no save is harmed."""
    os._exit(130)


async def _serve_stdio(options: Options) -> None:
    from mcp.server.stdio import stdio_server

    async with _memories(options, is_local=True) as memories:
        server = build(memories)
        with stages_told():
            async with stdio_server() as (incoming, outgoing):
                await server.run(incoming, outgoing, server.create_initialization_options())


def serve_http(options: Options, *, host: str, port: int) -> None:
    """Serve over streamable HTTP at /mcp until asked to stop.

    Raises:
        ConfigError: If the address is open to others and nobody has a key.
    """
    anyio.run(_serve_http, options, host, port)


async def _serve_http(options: Options, host: str, port: int) -> None:
    import uvicorn

    from .door import Door

    async with _memories(options, is_local=is_loopback(host)) as memories:
        vault = await memories.open()
        has_keys = await vault.engine.store.with_api_keys(lambda keys: keys.has_any())
        if not (has_keys or is_loopback(host)):
            raise ConfigError(
                f"host {host}: without a key, anyone who reaches this address could read "
                "everything. Make one with `memory-vault keys create`, or listen on 127.0.0.1"
            )
        if not has_keys:
            _log.warning("there are no keys: everybody on this machine may use this server")
        app = build(memories).streamable_http_app(host=host)
        door = Door(app, Guard(vault, ServeSettings.from_environment()))
        with stages_told():
            await uvicorn.Server(
                uvicorn.Config(
                    door,
                    host=host,
                    port=port,
                    access_log=False,
                    server_header=False,
                    log_level="warning",
                    timeout_graceful_shutdown=10,
                )
            ).serve()


def _memories(options: Options, *, is_local: bool) -> Memories:
    return Memories(
        options.config,
        user_id=options.user_id,
        allows_any_user=options.allows_any_user,
        is_local=is_local,
    )
