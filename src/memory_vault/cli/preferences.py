"""Commands on preferences: list, set, delete."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options, show
from .options import DEFAULT_USER
from .running import with_memory

app: typer.Typer = typer.Typer(help="List, set and delete preferences.", rich_markup_mode=None)
Key = Annotated[str, typer.Argument(help="Its name, such as 'answer style'.")]


@app.command("list")
def list_(
    context: typer.Context,
    user: options.User = DEFAULT_USER,
    history: Annotated[bool, typer.Option("--history", help="Former values too.")] = False,
    json: options.Json = False,
) -> None:
    """List the preferences by key."""
    found = with_memory(
        context, user, lambda memory: memory.list_preferences(include_history=history)
    )
    if json:
        show.as_json({"items": found})
        return
    rows = [(one.key, one.value, show.when(one.recorded_at), show.when(one.superseded_at) or "now")
            for one in found]  # fmt: skip
    show.table(("key", "value", "since", "until"), rows, empty="no preferences")


@app.command("set")
def set_(
    context: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(help="What is preferred.")],
    confidence: Annotated[float, typer.Option(help="How sure it is, 0 to 1.")] = 1.0,
    user: options.User = DEFAULT_USER,
    json: options.Json = False,
) -> None:
    """Set one preference; the value before stays in its history."""
    options.text("the key", key)
    options.text("the value", value)
    found = with_memory(
        context, user, lambda memory: memory.set_preference(key, value, confidence=confidence)
    )
    show.as_json(found) if json else show.lines(f"{found.key}: {found.value}")


@app.command("delete")
def delete(
    context: typer.Context, key: Key, user: options.User = DEFAULT_USER, json: options.Json = False
) -> None:
    """End one preference."""
    options.text("the key", key)
    was_set = with_memory(context, user, lambda memory: memory.delete_preference(key))
    if json:
        show.as_json({"key": key, "deleted": was_set})
    else:
        show.lines(f"deleted {key}" if was_set else f"{key} was not set")
