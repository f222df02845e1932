"""Commands on sessions: list, start, end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options, show
from .options import DEFAULT_USER
from .running import with_memory

if TYPE_CHECKING:
    from ..models import Session

app: typer.Typer = typer.Typer(help="List, start and end conversations.", rich_markup_mode=None)


@app.command("list")
def list_(
    context: typer.Context,
    user: options.User = DEFAULT_USER,
    state: Annotated[str | None, typer.Option(help="open or ended; both when not given.")] = None,
    limit: options.Size = 50,
    cursor: options.Cursor = None,
    json: options.Json = False,
) -> None:
    """List sessions, first started first."""
    given: dict[str, Any] = {"state": state, "page_size": limit, "cursor": cursor}
    page = with_memory(context, user, lambda memory: memory.list_sessions(**given))
    if json:
        show.as_json(page)
        return
    rows = [
        (one.id, show.when(one.started_at), show.when(one.ended_at) or "open", one.memory_count)
        for one in page.items
    ]
    show.table(("session", "started", "ended", "memories"), rows, empty="no sessions")
    show.more(page.next_cursor)


@app.command("start")
def start(
    context: typer.Context,
    session_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Its name; made up when not given.")
    ] = None,
    user: options.User = DEFAULT_USER,
    json: options.Json = False,
) -> None:
    """Start a session, or go on with one."""
    found = with_memory(context, user, lambda memory: memory.start_session(session_id))
    _show(found, "started", as_json=json)


@app.command("end")
def end(
    context: typer.Context,
    session_id: Annotated[str, typer.Argument(metavar="ID", help="Its name.")],
    user: options.User = DEFAULT_USER,
    json: options.Json = False,
) -> None:
    """End a session: what is worth keeping of its working memory stays."""
    found = with_memory(context, user, lambda memory: memory.end_session(session_id))
    _show(found, "ended", as_json=json)


def _show(session: Session, done: str, *, as_json: bool) -> None:
    show.as_json(session) if as_json else show.lines(f"{done} {session.id}")
