"""The command that serves a vault to assistants, and what to tell them about it."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from ..config import MCP_USER, default_data_dir
from ..errors import InvalidInput
from . import options, show
from .options import DEFAULT_USER
from .running import config as config_of

app: typer.Typer = typer.Typer(
    help="Serve the vault to assistants, over MCP.",
    rich_markup_mode=None,
    invoke_without_command=True,
)
User = Annotated[
    str, typer.Option("--user", "-u", envvar=MCP_USER, help="Whose memory it is, for every call.")
]
AnyUser = Annotated[
    bool, typer.Option("--allow-any-user", help="Let the model name whose memory it uses.")
]


@app.callback()
def serve(
    context: typer.Context,
    user: User = DEFAULT_USER,
    allow_any_user: AnyUser = False,
    http: Annotated[bool, typer.Option("--http", help="Over HTTP, at /mcp.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 8601,
) -> None:
    """Serve the vault to the assistant that starts this command, or over HTTP."""
    if context.invoked_subcommand is not None:
        return
    from ..mcp import require_sdk

    require_sdk()
    from ..mcp.run import Options, serve_stdio

    options = Options(config=config_of(context), user_id=user, allows_any_user=allow_any_user)
    if http:
        from ..mcp.web import serve_http

        serve_http(options, host=host, port=port)
    else:
        serve_stdio(options)


@app.command("config")
def config(
    context: typer.Context,
    client: Annotated[
        str,
        typer.Argument(
            metavar="CLIENT", help="claude-desktop, claude-code, cursor, vscode, windsurf, generic."
        ),
    ],
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Whose memory it is, for every call.")
    ] = None,
    allow_any_user: AnyUser = False,
) -> None:
    """Print what to put into a client's configuration, on stdout; where it goes, on stderr."""
    from ..mcp.clients import CLIENTS, configuration

    if client not in CLIENTS:
        raise InvalidInput(f"client {client!r}: give one of {', '.join(CLIENTS)}")
    typer.echo(f"put this into {CLIENTS[client].file}:", err=True)
    before = {} if context.parent is None else context.parent.params  # `mcp --user alice config …`
    whose = options.text("--user", before["user"] if user is None else user)
    is_open = allow_any_user or before["allow_any_user"]
    command = _command(context, whose, allow_any_user=is_open)
    show.as_json(configuration(CLIENTS[client], command))


def _command(context: typer.Context, user: str, *, allow_any_user: bool) -> list[str]:
    """This command, as it can be started from anywhere: a client has its own folder and PATH."""
    folder: Any = config_of(context).data_dir
    where = [] if folder == default_data_dir() else ["--data-dir", str(folder.absolute())]
    anyone = ["--allow-any-user"] if allow_any_user else []
    return [sys.executable, "-m", "memory_vault", *where, "mcp", "--user", user, *anyone]
