"""Routes on background work, of one user and of the whole vault; its progress as events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import WithJsonSchema
from pydantic_core import to_json

from ..errors import MemoryVaultError
from ..models import JOB_STATES, Job, JobState, Page
from .access import Administers, AdministersSlowly, Reads, ReadsSlowly, Writes
from .kinds import JobId, JobsCursor, PageSize
from .reply import given, reply

of_user: APIRouter = APIRouter(prefix="/v1/users/{user_id:segment}/jobs", tags=["jobs"])
of_vault: APIRouter = APIRouter(prefix="/v1/vault/jobs", tags=["jobs"])
State = Annotated[
    JobState | None,
    WithJsonSchema({"type": "string", "enum": list(JOB_STATES)}),
    Query(description="All when not given."),
]
_NO_JOB: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such job."}}
_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "required": ["event", "data"],
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    **_NO_JOB,
    200: {
        "description": "Events, each with the job as it then stands.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    },
}
_LOOK_S = 0.5
_ALIVE_S = 10.0
_STREAM_S = 20.0
"""A stream ends after so long, and its reader comes back: none outlasts a stop of the server."""


@of_user.get("", response_model=Page[Job])
async def list_jobs(
    memory: Reads, state: State = None, page_size: PageSize = None, cursor: JobsCursor = None
) -> Response:
    """List background work of this user, first noted first."""
    return reply(await memory.list_jobs(**given(state=state, page_size=page_size, cursor=cursor)))


@of_user.get("/{job_id:segment}", response_model=Job, responses=_NO_JOB)
async def get_job(memory: Reads, job_id: JobId) -> Response:
    """Show one piece of background work as it stands now."""
    return reply(await memory.get_job(job_id))


@of_user.post("/{job_id:segment}/cancel", response_model=Job, responses=_NO_JOB)
async def cancel_job(memory: Writes, job_id: JobId) -> Response:
    """End a job that is not finished; one that is stays as it is."""
    return reply(await memory.cancel_job(job_id))


@of_user.get("/{job_id:segment}/events", response_class=Response, responses=_EVENTS)
async def follow_job(memory: ReadsSlowly, request: Request, job_id: JobId) -> Response:
    """Tell of a job whenever it changes, as server-sent events, until it is finished."""
    return await _events(request, memory.get_job, job_id)


@of_vault.get("", response_model=Page[Job])
async def list_vault_jobs(
    vault: Administers, state: State = None, page_size: PageSize = None, cursor: JobsCursor = None
) -> Response:
    """List background work of the whole vault, first noted first."""
    return reply(await vault.list_jobs(**given(state=state, page_size=page_size, cursor=cursor)))


@of_vault.get("/{job_id:segment}", response_model=Job, responses=_NO_JOB)
async def get_vault_job(vault: Administers, job_id: JobId) -> Response:
    """Show one piece of background work of the whole vault as it stands now."""
    return reply(await vault.get_job(job_id))


@of_vault.post("/{job_id:segment}/cancel", response_model=Job, responses=_NO_JOB)
async def cancel_vault_job(vault: Administers, job_id: JobId) -> Response:
    """End a job of the whole vault that is not finished."""
    return reply(await vault.cancel_job(job_id))


@of_vault.get("/{job_id:segment}/events", response_class=Response, responses=_EVENTS)
async def follow_vault_job(vault: AdministersSlowly, request: Request, job_id: JobId) -> Response:
    """Tell of a job of the whole vault whenever it changes, until it is finished."""
    return await _events(request, vault.get_job, job_id)


async def _events(request: Request, look: Callable[[str], Awaitable[Job]], job_id: str) -> Response:
    """A stream of events, one at once; a job that does not exist is refused before it begins."""
    first = await look(job_id)
    if first.is_finished and request.headers.get("last-event-id") == _mark(first):
        return Response(status_code=204)  # what tells a browser not to come back
    return StreamingResponse(_follow(first, look), media_type="text/event-stream")


async def _follow(job: Job, look: Callable[[str], Awaitable[Job]]) -> AsyncIterator[bytes]:
    end, quiet = anyio.current_time() + _STREAM_S, anyio.current_time()
    yield _event(job)
    while not job.is_finished and anyio.current_time() < end:
        await anyio.sleep(_LOOK_S)
        try:
            before, job = job, await look(job.id)
        except MemoryVaultError:
            return  # the answer has begun: its reader comes back, and is told then
        if job != before:
            yield _event(job)
        elif anyio.current_time() - quiet > _ALIVE_S:
            yield b": still there\n\n"
        else:
            continue
        quiet = anyio.current_time()


def _event(job: Job) -> bytes:
    return b"id: %s\nevent: job\ndata: %s\n\n" % (_mark(job).encode(), to_json(job))


def _mark(job: Job) -> str:
    return f"{job.state}-{job.attempts}-{job.done}"
