"""Commands on background work: list it, look at one job, wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import anyio
import typer

from ..models import JOB_STATES
from . import options, show
from .options import DEFAULT_USER
from .progress import meter
from .running import with_memory, with_vault

if TYPE_CHECKING:
    from ..layer import MemoryLayer
    from ..models import Job
    from ..vault import Vault

T = TypeVar("T")
_LOOK_S = 0.1

app: typer.Typer = typer.Typer(help="See and await background work.", rich_markup_mode=None)

OfVault = Annotated[
    bool, typer.Option("--vault", help="Those of the whole vault, instead of one user's.")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="The job.")]


def _with(
    context: typer.Context,
    user: str,
    of_vault: bool,
    work: Callable[[MemoryLayer | Vault], Awaitable[T]],
) -> T:
    """Work with one user's jobs, or with the vault's."""
    return with_vault(context, work) if of_vault else with_memory(context, user, work)


@app.command("list")
def list_(
    context: typer.Context,
    user: options.User = DEFAULT_USER,
    vault: OfVault = False,
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(JOB_STATES)}.")] = None,
    limit: options.Size = 50,
    cursor: options.Cursor = None,
    json: options.Json = False,
) -> None:
    """List jobs, first noted first."""
    given: dict[str, Any] = {"state": state, "page_size": limit, "cursor": cursor}
    page = _with(context, user, vault, lambda holder: holder.list_jobs(**given))
    if json:
        show.as_json(page)
        return
    rows = [
        (one.id, one.kind, one.state, _share(one), one.attempts, show.when(one.created_at),
         one.error)
        for one in page.items
    ]  # fmt: skip
    columns = ("job", "kind", "state", "done", "attempts", "noted", "error")
    show.table(columns, rows, empty="no jobs")
    show.more(page.next_cursor)


@app.command("show")
def show_(
    context: typer.Context,
    job_id: Id,
    user: options.User = DEFAULT_USER,
    vault: OfVault = False,
    json: options.Json = False,
) -> None:
    """Show one job."""
    tell(_with(context, user, vault, lambda holder: holder.get_job(job_id)), json=json)


@app.command("wait")
def wait(
    context: typer.Context,
    job_id: Id,
    user: options.User = DEFAULT_USER,
    vault: OfVault = False,
    json: options.Json = False,
) -> None:
    """Wait until a job is finished, and run it here if nobody else does; status 1 if it failed."""
    tell(_with(context, user, vault, lambda holder: follow(holder, job_id, json=json)), json=json)


async def follow(
    holder: MemoryLayer | Vault, job_id: str, *, json: bool, title: str = "waiting"
) -> Job:
    """Show a bar until a job is finished."""
    with meter(title, is_shown=not json) as progress:
        while not (job := await holder.get_job(job_id)).is_finished:
            progress(job.done, job.total)
            await anyio.sleep(_LOOK_S)
    return job


def tell(job: Job, *, json: bool) -> None:
    """Print a job; the exit status is 1 if it failed."""
    if json:
        show.as_json(job)
    else:
        end = f": {job.error}" if job.error else ""
        made = ", ".join(f"{name} {value}" for name, value in job.result.items())
        show.lines(f"{job.id} {job.kind} {job.state} {_share(job)}{end}", *([made] if made else []))
    if job.state == "failed":
        raise typer.Exit(1)


def _share(job: Job) -> str:
    return f"{job.done}/{job.total}" if job.total else ""
