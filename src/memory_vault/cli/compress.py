"""The command that compresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .jobs import follow, tell
from .options import DEFAULT_USER
from .running import with_memory

if TYPE_CHECKING:
    from ..layer import MemoryLayer
    from ..models import Job


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("compress")(compress)


def compress(
    context: typer.Context,
    user: options.User = DEFAULT_USER,
    force: Annotated[
        bool, typer.Option("--force", help="All sessions, whatever their age and size.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Let a summary stand for each old session; what it stands for stays, and is still found."""

    async def work(memory: MemoryLayer) -> Job:
        job = await memory.compress(force=force)
        return await follow(memory, job.id, json=json)

    tell(with_memory(context, user, work), json=json)
