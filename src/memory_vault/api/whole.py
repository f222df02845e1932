"""Routes on the vault as a whole, and those that tell how the server is."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from ..models import CheckReport, ForgetReceipt, Health, Page, UserInfo
from .access import Administers, AdministersSlowly, By, RemovesUser, visit_of
from .bodies import CheckBody, ReindexBody
from .door import VISIT
from .kinds import Confirm, PageSize, QueryProof, UserId, UsersCursor
from .logs import audited, removed
from .metrics import CONTENT_TYPE
from .reply import given, reply

router: APIRouter = APIRouter(prefix="/v1", tags=["vault"])
probes: APIRouter = APIRouter(tags=["server"])
_STATUS: dict[str, Any] = {"type": "object", "properties": {"status": {"type": "string"}}}


@router.get("/users", response_model=Page[UserInfo])
async def list_users(
    vault: Administers, page_size: PageSize = None, cursor: UsersCursor = None
) -> Response:
    """List the users of this vault, by user id."""
    return reply(await vault.list_users(**given(page_size=page_size, cursor=cursor)))


@router.delete(
    "/users/{user_id:segment}",
    response_model=ForgetReceipt,
    responses={404: {"description": "There is no such user."}},
)
async def forget_user(
    vault: RemovesUser, by: By, user_id: UserId, confirm: Confirm, proof: QueryProof = "quick"
) -> Response:
    """Remove a user wholly: everything, the file, the name. Needs `confirm=true`."""
    with audited("forget user", by, user_id) as told:
        receipt = await vault.forget_user(user_id, confirm=confirm, proof=proof)
        told |= removed(receipt)
    return reply(receipt)


@router.get("/vault/health", response_model=Health)
async def health(vault: Administers) -> Response:
    """Say of each part whether it works: "ok", or what is wrong with it."""
    return reply(await vault.health())


@router.post("/vault/check", response_model=CheckReport)
async def check(vault: AdministersSlowly, body: CheckBody) -> Response:
    """Read every user's file from end to end, and compare every index in memory with it."""
    return reply(await vault.check(**body.given()))


@router.post("/vault/reindex", status_code=204, response_class=Response)
async def reindex(vault: Administers, body: ReindexBody) -> Response:
    """Drop the in-memory index of one user, or of all; it is rebuilt at the next recall."""
    await vault.reindex(body.given().get("user_id"))
    return Response(status_code=204)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(_: Administers, request: Request) -> Response:
    """Numbers for Prometheus, of all worker processes."""
    numbers = visit_of(request).serving.metrics
    return Response(await to_thread.run_sync(numbers.exposition), media_type=CONTENT_TYPE)


@probes.get("/health/live", responses={200: {"content": {"application/json": {"schema": _STATUS}}}})
async def live() -> Response:
    """Say that the process answers."""
    return reply({"status": "live"})


@probes.get(
    "/health/ready",
    responses={
        200: {"content": {"application/json": {"schema": _STATUS}}},
        503: {"description": "Something that every call needs does not work."},
    },
)
async def ready(request: Request) -> Response:
    """Say whether calls can be served; what is wrong is told to admins, at /v1/vault/health."""
    health = await request.scope[VISIT].serving.vault.health()
    is_ready = health.store == health.embedder == "ok"
    return reply({"status": "ready" if is_ready else "not ready"}, status=200 if is_ready else 503)
