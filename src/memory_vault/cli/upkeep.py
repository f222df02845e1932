"""Commands for a whole vault: backup, restore and rekey."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InvalidInput
from . import options, show
from .progress import meter
from .running import with_vault

if TYPE_CHECKING:
    from ..models import BackupReport
    from ..vault import Vault


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("rekey")(rekey)


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    json: options.Json = False,
) -> None:
    """Copy every user's file into a new folder, while others read and write."""
    options.text("the folder", str(folder))

    async def work(vault: Vault) -> BackupReport:
        with meter("backup", is_shown=not json) as progress:
            return await vault.backup(folder, progress=progress)

    _show(with_vault(context, work), "copied", "into", json=json)


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder of a backup that you trust.")],
    user: Annotated[str | None, typer.Option("--user", "-u", help="Only this user.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what these users have now.")
    ] = False,
    backup_key_file: Annotated[
        Path | None,
        typer.Option(help="File with the key of the backup, where it is not this vault's."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Take users back from a backup; each wholly or not at all."""
    key = None if backup_key_file is None else _read_key(backup_key_file)

    async def work(vault: Vault) -> BackupReport:
        with meter("restore", is_shown=not json) as progress:
            return await vault.restore(
                folder, user_id=user, encryption_key=key, overwrite=overwrite, progress=progress
            )

    _show(with_vault(context, work), "restored", "from", json=json)


def rekey(
    context: typer.Context,
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with the new key on its first line; else it is asked for."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Change the key of an encrypted vault; the present one comes from the settings."""
    key = _ask_key() if key_file is None else _read_key(key_file)
    with_vault(context, lambda vault: vault.rekey(key))
    if json:
        show.as_json({"rekeyed": True})
        return
    show.lines("the new key opens the vault now: put it where the old one stood")


def _read_key(path: Path) -> str:
    """The first line of a file."""
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            return file.readline(4096).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{path} cannot be read as a text with a key") from None


def _ask_key() -> str:
    """Two answers that are the same, not shown."""
    import sys

    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidInput("give --key-file: there is no terminal to ask for the new key on")
    answer: str = typer.prompt("new key", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _show(report: BackupReport, done: str, where: str, *, json: bool) -> None:
    if json:
        show.as_json(report)
        return
    kind = "encrypted" if report.is_encrypted else "plain"
    users = show.plural(report.users, "user")
    show.lines(f"{done} {users}, {report.bytes_copied:,} bytes, {kind}, {where} {report.path}")
