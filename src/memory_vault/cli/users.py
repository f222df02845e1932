"""Commands that count: users and stats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from . import options, show
from .options import DEFAULT_USER
from .running import with_memory, with_vault

if TYPE_CHECKING:
    from ..models import Stats


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("stats")(stats)
    app.command("users")(users)


def stats(
    context: typer.Context, user: options.User = DEFAULT_USER, json: options.Json = False
) -> None:
    """Count what one user's memory holds."""
    found = with_memory(context, user, lambda memory: memory.stats())
    show.as_json(found) if json else _show_stats(found)


def _show_stats(found: Stats) -> None:
    rows: list[tuple[str, object]] = [("user", found.user_id), ("memories", found.total)]
    rows += [(f"  {name}", count) for name, count in found.memories.items() if count]
    rows += [
        ("former versions", found.versions),
        ("chunks", found.chunks),
        ("sessions", found.sessions),
        ("preferences", found.preferences),
        ("bytes on disk", f"{found.bytes_on_disk:,}"),
        ("first recorded", show.when(found.first_recorded_at)),
        ("last recorded", show.when(found.last_recorded_at)),
        ("embedder", found.embedder or "none yet"),
    ]
    show.table(("", ""), rows, empty="")


def users(
    context: typer.Context,
    limit: options.Size = 100,
    cursor: options.Cursor = None,
    json: options.Json = False,
) -> None:
    """List the users of the vault."""
    page = with_vault(context, lambda vault: vault.list_users(page_size=limit, cursor=cursor))
    if json:
        show.as_json(page)
        return
    rows = [(one.user_id, show.when(one.created_at)) for one in page.items]
    show.table(("user", "since"), rows, empty="no users")
    show.more(page.next_cursor)
