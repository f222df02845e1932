"""All commands in one program, and the one place where an error becomes a line and a status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from ..errors import MEANINGS, MemoryVaultError
from . import (
    bench,
    compress,
    demo,
    doctor,
    forget,
    jobs,
    keys,
    mcp,
    memories,
    model,
    portable,
    preferences,
    serve,
    sessions,
    upkeep,
    users,
)
from .running import Globals
from .streams import as_json as json_text
from .streams import prepare, visible

app: typer.Typer = typer.Typer(
    name="memory-vault",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Memory for programs that talk to language models. Every command takes --help.",
)


def _folder(text: str) -> Path:
    """A folder that is named; "" would be the folder in which the command was started."""
    if not text:
        raise typer.BadParameter("it is empty: name a folder, or leave the option out")
    return Path(text)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(version("memory-vault"))
        raise typer.Exit


@app.callback()
def everywhere(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the vault; else MEMORY_VAULT_DATA_DIR, else the default.",
            parser=_folder,
            metavar="PATH",
        ),
    ] = None,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Memory for programs that talk to language models. Every command takes --help."""
    context.obj = Globals(data_dir)


for _group in (memories, forget, compress, portable, upkeep, users, doctor, demo, serve):
    _group.register(app)
for _name, _commands in (
    ("sessions", sessions),
    ("preferences", preferences),
    ("jobs", jobs),
    ("keys", keys),
    ("mcp", mcp),
    ("model", model),
    ("bench", bench),
):
    app.add_typer(_commands.app, name=_name)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; errors are shown, never raised.

    With `MEMORY_VAULT_DEBUG=1` an error is raised with its traceback instead.
    """
    prepare()
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(app)
    try:
        status = command.main(words or ["--help"], "memory-vault", standalone_mode=False)
    except typer.Abort as error:  # a prompt hides its cause
        is_interrupted = isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
        return 130 if is_interrupted else 1
    except BrokenPipeError:
        return _hang_up()
    except SystemExit as stop:  # what typer and rich make of a broken pipe
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        return _hang_up()
    except (MemoryVaultError, TyperException, OSError) as error:
        if os.environ.get("MEMORY_VAULT_DEBUG") == "1":
            raise
        return _report(error, as_json="--json" in words)
    return status if isinstance(status, int) else 0


def _hang_up() -> int:
    """The status of a program whose reader went away, with nothing left to flush into the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _report(error: Exception, *, as_json: bool) -> int:
    """Show an error on one line of stderr and return the exit status it stands for."""
    code, message, status = _meaning(error)
    line = " ".join(message.split())
    text = json_text({"error": {"code": code, "message": line}}, sys.stderr)
    typer.echo(text if as_json else f"error: {visible(line)}", err=True)
    return status


def _meaning(error: Exception) -> tuple[str, str, int]:
    """Code, message and exit status of an error of ours, of the parser, or of anything else."""
    if isinstance(error, MemoryVaultError):
        return error.code, str(error), MEANINGS[error.code].exit_status
    if callable(of_the_parser := getattr(error, "format_message", None)):
        return "invalid_input", str(of_the_parser()), 2
    kind = type(error).__name__
    hint = "MEMORY_VAULT_DEBUG=1 shows where"
    return "memory_vault", f"unexpected {kind}: {error} ({hint})", 1
