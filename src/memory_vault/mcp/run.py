"""The server over the pipes of the program that started it."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from types import FrameType

import anyio

from ..config import MemoryConfig
from .memories import Memories
from .progress import stages_told
from .server import build


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
    """Serve the program at the other end of standard input until it closes that.

    Started without one, there is nobody to serve.
    """
    if sys.stdin is None or sys.stdout is None:
        return
    signal.signal(signal.SIGINT, _leave)
    anyio.run(_serve_stdio, options)


def _leave(_: int, __: FrameType | None) -> None:
    """End at once: a thread waits for the next line and cannot be stopped; no save is harmed."""
    os._exit(130)


async def _serve_stdio(options: Options) -> None:
    from mcp.server.stdio import stdio_server

    async with memories_of(options, is_local=True) as memories:
        server = build(memories)
        with stages_told():
            async with stdio_server() as (incoming, outgoing):
                await server.run(incoming, outgoing, server.create_initialization_options())


def memories_of(options: Options, *, is_local: bool) -> Memories:
    """The memories that a server with these options gives out; not open yet."""
    return Memories(
        options.config,
        user_id=options.user_id,
        allows_any_user=options.allows_any_user,
        is_local=is_local,
    )
