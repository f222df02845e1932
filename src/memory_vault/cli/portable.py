"""Commands that write one user's memory to a file and read it back: export and import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options, show
from .options import DEFAULT_USER
from .progress import meter
from .running import with_memory

if TYPE_CHECKING:
    from ..layer import MemoryLayer
    from ..models import ExportReport, ImportReport


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("export")(export)
    app.command("import")(import_)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write; plain text, JSON Lines.")],
    user: options.User = DEFAULT_USER,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Write everything one user has to a file, every version with its times."""

    async def work(memory: MemoryLayer) -> ExportReport:
        with meter("export", is_shown=not json) as progress:
            return await memory.export(file, overwrite=overwrite, progress=progress)

    report = with_memory(context, user, work)
    if json:
        show.as_json(report)
        return
    show.lines(
        f"exported {show.plural(report.memories, 'memory', 'memories')}, "
        f"{show.plural(report.versions, 'former version')}, "
        f"{show.plural(report.sessions, 'session')}, "
        f"{show.plural(report.preferences, 'preference')} to {report.path}",
        "the file is plain text: keep it where nobody else reads",
    )


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that export wrote.")],
    user: options.User = DEFAULT_USER,
    origin: Annotated[
        str | None,
        typer.Option(help='Who put it there, for all of it; "import" for an untrusted file.'),
    ] = None,
    json: options.Json = False,
) -> None:
    """Take over the file of an export, for a user who has nothing yet; all of it or nothing."""

    async def work(memory: MemoryLayer) -> ImportReport:
        with meter("import", is_shown=not json) as progress:
            return await memory.import_(file, origin=origin, progress=progress)

    report = with_memory(context, user, work)
    if json:
        show.as_json(report)
        return
    show.lines(
        f"imported {show.plural(report.memories, 'memory', 'memories')}, "
        f"{show.plural(report.versions, 'former version')}, "
        f"{show.plural(report.sessions, 'session')}, "
        f"{show.plural(report.preferences, 'preference')}"
    )
    if report.embedded:
        show.lines(f"embedded {show.plural(report.embedded, 'text')} with this vault's model")
