"""Commands on memories: save, recall, list, show, update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InvalidInput
from . import options, show
from .options import DEFAULT_USER, moment
from .running import with_memory
from .streams import read_all

if TYPE_CHECKING:
    from ..layer import MemoryLayer
    from ..models import Change, Memory, RecallResult, SaveResult


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("save")(save)
    app.command("recall")(recall)
    app.command("list")(list_)
    app.command("show")(show_one)
    app.command("update")(update)


def save(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What to keep; - reads it from stdin.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help='Messages as .json or .jsonl: {"role", "content", "occurred_at"?}.'),
    ] = None,
    user: options.User = DEFAULT_USER,
    session: options.SessionId = None,
    role: Annotated[
        str, typer.Option(help="user, assistant, tool, system or a speaker's name.")
    ] = "user",
    occurred_at: Annotated[str | None, typer.Option(help="When it happened, in ISO form.")] = None,
    type_: options.TypeName = None,
    json: options.Json = False,
) -> None:
    """Save a text, or with --file a whole conversation."""
    given: dict[str, Any] = {
        "role": role,
        "session_id": session,
        "occurred_at": moment("--occurred-at", occurred_at),
        "memory_type": options.memory_type(type_),
    }
    if (text is None) == (file is None):
        raise InvalidInput("give a text, or - to read it from stdin, or --file: exactly one")
    if file is not None:
        from .conversations import read, save_all

        found = read(file, role)
        result = with_memory(
            context, user, lambda memory: save_all(memory, found, given, show_progress=not json)
        )
    else:
        content = read_all() if text == "-" else options.text("the text", str(text))
        result = with_memory(context, user, lambda memory: memory.save(content, **given))
    show.as_json(result) if json else _show_saved(result)


def _show_saved(result: SaveResult) -> None:
    if len(result.saved) == 1:
        show.lines(f"saved {result.saved[0].id} ({result.saved[0].memory_type})")
    elif result.saved:
        show.lines(f"saved {len(result.saved)} memories")
    for one in result.duplicates[:10]:
        show.lines(f"not saved again: input {one.position + 1} is {one.memory_id} ({one.reason})")
    if len(result.duplicates) > 10:
        show.lines(f"… and {len(result.duplicates) - 10} more that were there before")
    for preference in result.preferences:
        show.lines(f"preference set: {preference.key}: {preference.value}")
    for fact in result.facts[:10]:
        show.lines(f"fact {fact.change}: {fact.memory.content}")
    if len(result.facts) > 10:
        show.lines(f"… and {len(result.facts) - 10} more facts")


def recall(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="The question to find memories for.")],
    user: options.User = DEFAULT_USER,
    top_k: Annotated[int | None, typer.Option(help="Memories at most.")] = None,
    budget: Annotated[int | None, typer.Option(help="Tokens of the block at most.")] = None,
    type_: options.TypeNames = None,
    role: Annotated[
        list[str] | None, typer.Option(help="Only what these said; may be repeated.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Only from these origins; may be repeated.")
    ] = None,
    session: options.SessionId = None,
    since: Annotated[str | None, typer.Option(help="Only what occurred then or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what occurred before then.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Show the world as it stood then.")] = None,
    known_at: Annotated[
        str | None, typer.Option(help="Show what the vault had been told by then.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each is there.")] = False,
    json: options.Json = False,
) -> None:
    """Find what matters for a prompt and print the block of text for it."""
    options.text("the question", query)
    given: dict[str, Any] = {
        "top_k": top_k,
        "token_budget": budget,
        "memory_types": options.memory_types(type_),
        "roles": role or None,
        "origins": origin or None,
        "session_id": session,
        "since": moment("--since", since),
        "until": moment("--until", until),
        "as_of": moment("--as-of", as_of),
        "known_at": moment("--known-at", known_at),
    }
    result = with_memory(context, user, lambda memory: memory.recall(query, **given))
    if json:
        extra = {"explanation": result.explain()} if explain else {}
        show.as_json(show.as_data(result) | extra)
    else:
        _show_recalled(result, explain=explain)


def _show_recalled(result: RecallResult, *, explain: bool) -> None:
    show.lines(result.prompt_block or "nothing to recall")
    if explain:
        show.lines("", result.explain())


def list_(
    context: typer.Context,
    user: options.User = DEFAULT_USER,
    type_: options.TypeName = None,
    session: options.SessionId = None,
    since: Annotated[str | None, typer.Option(help="Only what occurred then or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what occurred before then.")] = None,
    limit: options.Size = 50,
    cursor: options.Cursor = None,
    json: options.Json = False,
) -> None:
    """List memories, oldest recorded first."""
    given: dict[str, Any] = {
        "memory_type": options.memory_type(type_),
        "session_id": session,
        "since": moment("--since", since),
        "until": moment("--until", until),
        "page_size": limit,
        "cursor": cursor,
    }
    page = with_memory(context, user, lambda memory: memory.list_memories(**given))
    if json:
        show.as_json(page)
    else:
        show.memories(page.items)
        show.more(page.next_cursor)


def show_one(
    context: typer.Context,
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a memory.")],
    user: options.User = DEFAULT_USER,
    history: Annotated[bool, typer.Option("--history", help="Show every version.")] = False,
    json: options.Json = False,
) -> None:
    """Show one memory in full, or with --history every version of it."""
    if history:
        changes = with_memory(context, user, lambda memory: memory.history(memory_id))
        show.as_json({"items": changes}) if json else _show_history(changes)
        return
    found = with_memory(context, user, lambda memory: memory.get(memory_id))
    show.as_json(found) if json else _show_memory(found)


def _show_memory(memory: Memory) -> None:
    data = show.as_data(memory)
    content = data.pop("content")
    show.table(("", ""), [(k, v) for k, v in data.items() if v not in (None, [], {})], empty="")
    show.lines("", content)


def _show_history(changes: tuple[Change, ...]) -> None:
    rows = [
        (show.when(one.recorded_at), show.when(one.superseded_at) or "now",
         ", ".join(one.fields) or "saved", show.cut(one.memory.content))
        for one in changes
    ]  # fmt: skip
    show.table(("from", "until", "changed", "content"), rows, empty="no versions")


def update(
    context: typer.Context,
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a memory.")],
    content: Annotated[str | None, typer.Option(help="The new text.")] = None,
    type_: options.TypeName = None,
    importance: Annotated[float | None, typer.Option(help="From 0 to 1.")] = None,
    occurred_at: Annotated[str | None, typer.Option(help="When it happened.")] = None,
    valid_from: Annotated[str | None, typer.Option(help="Since when it holds.")] = None,
    valid_to: Annotated[str | None, typer.Option(help="Until when it held.")] = None,
    user: options.User = DEFAULT_USER,
    json: options.Json = False,
) -> None:
    """Change what is given of a memory; "" clears a time. Its history keeps the rest."""
    options.text("--content", content or "")
    given = {"content": content, "memory_type": type_, "importance": importance}
    times = {"occurred_at": occurred_at, "valid_from": valid_from, "valid_to": valid_to}
    changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    for name, text in times.items():
        if text is not None:
            changes[name] = moment(f"--{name.replace('_', '-')}", text or None)

    async def change(memory: MemoryLayer) -> Memory:
        return await memory.update(memory_id, **changes)

    found = with_memory(context, user, change)
    show.as_json(found) if json else show.lines(f"updated {found.id}")
