"""The command that forgets, and asks before it does."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._arguments import proof as proof_
from ..errors import InvalidInput
from . import options, show
from .options import DEFAULT_USER, moment
from .running import with_memory
from .streams import read_answer

if TYPE_CHECKING:
    from ..layer import MemoryLayer
    from ..models import ForgetReceipt, Proof


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("forget")(forget)


def forget(
    context: typer.Context,
    memory_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One memory.")] = None,
    session: options.SessionId = None,
    origin: Annotated[str | None, typer.Option(help="All memories of this origin.")] = None,
    before: Annotated[str | None, typer.Option(help="All that was recorded before then.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything this user has.")] = False,
    user: options.User = DEFAULT_USER,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    proof: Annotated[
        str,
        typer.Option(help="quick, or proven: scan the files afterwards.", metavar="quick|proven"),
    ] = "quick",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Remove memories and all that was derived from them: give an ID or exactly one option."""
    moment_, wanted = moment("--before", before), proof_(proof)
    _exactly_one(memory_id, session, origin, moment_, all_ or None)
    chosen = _Chosen(memory_id, session, origin, moment_)
    if all_ and dry_run:
        raise InvalidInput("--dry-run does not go with --all: `memory-vault stats` says how much")
    if not (yes or dry_run):
        _ask(context, user, chosen, is_all=all_, as_json=json)

    async def remove(memory: MemoryLayer) -> ForgetReceipt:
        if all_:
            return await memory.forget_all(confirm=True, proof=wanted)
        return await chosen.forget(memory, dry_run=dry_run, proof=wanted)

    receipt = with_memory(context, user, remove)
    show.as_json(receipt) if json else _show_receipt(receipt)
    if receipt.state == "found":
        raise typer.Exit(1)


class _Chosen:
    """What is to be forgotten."""

    def __init__(
        self,
        memory_id: str | None,
        session: str | None,
        origin: str | None,
        before: datetime | None,
    ) -> None:
        self._memory_id = memory_id
        self._rest: dict[str, Any] = {
            "session_id": session,
            "origin": origin,
            "recorded_before": before,
        }

    async def forget(
        self, memory: MemoryLayer, *, dry_run: bool, proof: Proof = "quick"
    ) -> ForgetReceipt:
        return await memory.forget(self._memory_id, dry_run=dry_run, proof=proof, **self._rest)


def _exactly_one(*given: object) -> None:
    if sum(one is not None for one in given) != 1:
        raise InvalidInput(
            "say what to forget: an ID, --session, --origin, --before or --all, exactly one"
        )


def _ask(
    context: typer.Context, user: str, chosen: _Chosen, *, is_all: bool, as_json: bool
) -> None:
    """Say how much it is and ask; anything but yes ends the program with status 1."""
    if as_json:
        raise InvalidInput("--json cannot ask: add --yes, or --dry-run to see what would go")
    count = with_memory(context, user, lambda memory: _count(memory, chosen, is_all=is_all))
    what = show.plural(count, "memory", "memories")
    question = f"Forget {'everything, ' if is_all else ''}{what} of user {user!r}? [y/N] "
    typer.echo(question, nl=False, err=True)
    if read_answer() not in {"y", "yes"}:
        typer.echo("nothing was forgotten", err=True)
        raise typer.Exit(1)


async def _count(memory: MemoryLayer, chosen: _Chosen, *, is_all: bool) -> int:
    if is_all:
        return (await memory.stats()).total
    return (await chosen.forget(memory, dry_run=True)).removed.get("memories", 0)


def _show_receipt(receipt: ForgetReceipt) -> None:
    done = "would remove" if receipt.dry_run else "removed"
    counts = [f"{count} {name}" for name, count in receipt.removed.items() if count]
    show.lines(f"{done}: {', '.join(counts) or 'nothing'}")
    if receipt.restored:
        show.lines(f"back in force: {', '.join(receipt.restored)}")
    if "looked for" in receipt.proof:
        said = receipt.proof
        read = f"{said['files scanned']} files, {int(said['bytes scanned']):,} bytes"
        show.lines(f"scanned: {read}; found {said['found']} of {said['looked for']}")
    if receipt.state != "done":
        show.lines(f"{receipt.state}: {receipt.reason}")
