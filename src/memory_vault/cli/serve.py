"""The command that serves a vault over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from .running import Globals, with_vault


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65_535)] = 8600,
    workers: Annotated[int, typer.Option(help="Processes that share the folder.", min=1)] = 1,
    without_keys: Annotated[
        bool,
        typer.Option(
            "--without-keys", help="Serve everybody who reaches this address, as long as no key is."
        ),
    ] = False,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Web page that may call; may be repeated.")
    ] = None,
) -> None:
    """Serve the vault over HTTP, for programs in any language; see docs/guides/serving.md."""
    from ..api.serve import Options, serve

    has_keys = with_vault(
        context, lambda vault: vault.engine.store.with_api_keys(lambda keys: keys.has_any())
    )
    options: Globals = context.obj
    serve(
        Options(
            data_dir=options.data_dir,
            host=host,
            port=port,
            workers=workers,
            without_keys=without_keys,
            cors_origins=tuple(cors_origin or ()),
        ),
        has_keys=has_keys,
    )
