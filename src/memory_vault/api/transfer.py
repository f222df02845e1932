"""Routes that stream one user's memory out and in."""

from __future__ import annotations

from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import anyio
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from .._arguments import origin as check_origin
from .._outcome import Outcome
from ..access import ApiKey
from ..errors import ImportRefused, InvalidInput
from ..models import ImportReport
from ..portable.export import counts, stream
from ..portable.import_ import import_stream
from .access import By, ReadsSlowly, WritesSlowly, visit_of
from .door import Refused, Visit
from .kinds import QueryOrigin
from .logs import audited
from .reply import reply

LINES = "application/x-ndjson"
router: APIRouter = APIRouter(prefix="/v1/users/{user_id:segment}", tags=["export and import"])
_FILE: dict[str, Any] = {LINES: {"schema": {"type": "string"}}}


class _Export(Response):
    """Sends pages as they are read, and stops reading when nobody takes them any more."""

    def __init__(self, visit: Visit, by: ApiKey, user_id: str) -> None:
        self._visit, self._by, self._user_id = visit, by, user_id
        super().__init__(media_type=LINES)
        del self.headers["content-length"]

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        with audited("export", self._by, self._user_id) as told:
            sent: Outcome[dict[str, Any]] = Outcome({})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                sent = await Outcome.of_async(partial(self._send_pages, send))
                tasks.cancel_scope.cancel()
            told |= sent.get()  # what failed is raised here: a task group would wrap it
            if not told:
                told["failure"] = "its reader went away"

    async def _send_pages(self, send: Send) -> dict[str, Any]:
        engine = self._visit.serving.vault.engine
        written, last = 0, b""
        async with aclosing(stream(engine, self._user_id)) as pages:
            async for _, page in pages:
                if not written:
                    start = {"status": 200, "headers": self.raw_headers}
                    await send({"type": "http.response.start", **start})
                await send({"type": "http.response.body", "body": page, "more_body": True})
                written, last = written + len(page), page
        await send({"type": "http.response.body", "body": b""})
        return {**counts(last), "bytes": written}


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    with suppress(Refused):  # who sends that much reads nothing either
        while (await receive())["type"] != "http.disconnect":
            pass
    scope.cancel()


@router.get("/export", response_class=Response, responses={200: {"content": _FILE}})
async def export(memory: ReadsSlowly, by: By, request: Request) -> Response:
    """Send everything this user has: every version, with all its times, as JSON Lines.

    The file shows one moment. Its last line counts what is above it and has its digest: a file
    without that line is not whole.
    """
    return _Export(visit_of(request), by, memory.user_id)


def _check_kind(request: Request) -> None:
    """Refuse what a form or a page could send without being asked first."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != LINES:
        raise InvalidInput(f"Content-Type: send the file of an export as {LINES}")


@router.post(
    "/import",
    response_model=ImportReport,
    responses={409: {"description": "This user has something already."}},
    openapi_extra={"requestBody": {"required": True, "content": _FILE}},
)
async def import_(memory: WritesSlowly, request: Request, origin: QueryOrigin = None) -> Response:
    """Take over the file of an export, all of it or nothing, for a user who has nothing yet."""
    _check_kind(request)
    visit = visit_of(request)
    visit.is_slow(max_bytes=visit.serving.settings.max_import_bytes)
    engine, trust = visit.serving.vault.engine, check_origin(origin)
    try:
        report = await import_stream(engine, memory.user_id, request.stream(), origin=trust)
    except ClientDisconnect as error:
        raise ImportRefused("the file broke off before its end: nothing was stored") from error
    return reply(report)
