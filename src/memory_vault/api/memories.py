"""Routes on the memories of one user."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request, Response

from ..errors import ChangedMeanwhile, IdempotencyConflict
from ..layer import MemoryLayer
from ..models import Change, ForgetReceipt, Memory, Page, RecallResult, SaveResult, Stats
from .access import By, Forgets, Reads, Writes, visit_of
from .bodies import ForgetBody, RecallBody, SaveBody, UpdateBody
from .kinds import (
    Confirm,
    IdempotencyKey,
    IfMatch,
    MemoriesCursor,
    MemoryId,
    PageSize,
    QueryFlag,
    QueryMoment,
    QueryName,
    QueryProof,
    QueryType,
)
from .logs import audited, removed
from .reply import etag, given, reply

router: APIRouter = APIRouter(prefix="/v1/users/{user_id:segment}", tags=["memories"])
_ETAG = re.compile(r'(?<!W/)"([0-9a-f]{32})"')
_NO_MEMORY: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such memory."}}
_CHANGED: dict[int | str, dict[str, Any]] = {
    **_NO_MEMORY,
    412: {"description": "The memory is not as it was read; nothing was changed."},
}


@router.post(
    "/memories",
    response_model=SaveResult,
    responses={409: {"description": "The idempotency key was used with other content."}},
)
async def save(memory: Writes, body: SaveBody, idempotency_key: IdempotencyKey = None) -> Response:
    """Store a text, a message or a conversation; durable when it answers.

    What is a duplicate of what the vault already holds is not stored again and listed as such.
    """
    values = body.given()
    key = idempotency_key or values.get("idempotency_key")
    if values.setdefault("idempotency_key", key) != key:
        raise IdempotencyConflict("idempotency_key: body and header differ; give one of them")
    return reply(await memory.save(**values))


@router.post("/recall", response_model=RecallResult)
async def recall(memory: Reads, request: Request, body: RecallBody) -> Response:
    """Find what matters for a prompt and write it as a block within a token budget."""
    values = body.given()
    session_id = values.pop("current_session", None)
    if session_id is None:
        return reply(await memory.recall(**values))
    vault = visit_of(request).serving.vault
    async with MemoryLayer(memory.user_id, session_id=session_id, vault=vault) as of_session:
        return reply(await of_session.recall(**values))


@router.get("/memories", response_model=Page[Memory])
async def list_memories(
    memory: Reads,
    memory_type: QueryType = None,
    session_id: QueryName = None,
    since: QueryMoment = None,
    until: QueryMoment = None,
    include_compressed: QueryFlag = False,
    page_size: PageSize = None,
    cursor: MemoriesCursor = None,
) -> Response:
    """List memories, oldest recorded first, a page at a time."""
    page = await memory.list_memories(
        include_compressed=include_compressed,
        **given(
            memory_type=memory_type,
            session_id=session_id,
            since=since,
            until=until,
            page_size=page_size,
            cursor=cursor,
        ),
    )
    return reply(page)


@router.get("/memories/{memory_id:segment}", response_model=Memory, responses=_NO_MEMORY)
async def get(memory: Reads, memory_id: MemoryId) -> Response:
    """Show one memory as it is now; its ETag names this state of it."""
    found = await memory.get(memory_id)
    return reply(found, headers=etag(found))


@router.patch("/memories/{memory_id:segment}", response_model=Memory, responses=_CHANGED)
async def update(
    memory: Writes, memory_id: MemoryId, body: UpdateBody, if_match: IfMatch = None
) -> Response:
    """Change a memory; the version before stays for `known_at` and the history."""
    revision = await _revision(memory, memory_id, if_match)
    changed = await memory.update(memory_id, **body.given(), if_revision=revision)
    return reply(changed, headers=etag(changed))


@router.get(
    "/memories/{memory_id:segment}/history", response_model=list[Change], responses=_NO_MEMORY
)
async def history(memory: Reads, memory_id: MemoryId) -> Response:
    """Show every version of a memory, oldest first."""
    return reply(await memory.history(memory_id))


@router.delete("/memories/{memory_id:segment}", response_model=ForgetReceipt, responses=_CHANGED)
async def forget_memory(
    memory: Forgets,
    by: By,
    memory_id: MemoryId,
    proof: QueryProof = "quick",
    dry_run: QueryFlag = False,
    if_match: IfMatch = None,
) -> Response:
    """Forget one memory and all that was derived from it, versions included."""
    revision = await _revision(memory, memory_id, if_match)
    with audited("forget", by, memory.user_id, memory_id=memory_id) as told:
        receipt = await memory.forget(memory_id, proof=proof, dry_run=dry_run, if_revision=revision)
        told |= removed(receipt)
    return reply(receipt)


@router.post(
    "/forget",
    response_model=ForgetReceipt,
    responses={404: {"description": "There is no such session."}},
)
async def forget(memory: Forgets, by: By, body: ForgetBody) -> Response:
    """Forget all memories of a session, of an origin, or recorded before a moment."""
    values = body.given()
    with audited("forget", by, memory.user_id, by_what=sorted(values)) as told:
        receipt = await memory.forget(**values)
        told |= removed(receipt)
    return reply(receipt)


@router.delete("/memories", response_model=ForgetReceipt)
async def forget_all(
    memory: Forgets, by: By, confirm: Confirm, proof: QueryProof = "quick"
) -> Response:
    """Forget everything this user has; the user stays known, empty. Needs `confirm=true`."""
    with audited("forget everything", by, memory.user_id) as told:
        receipt = await memory.forget_all(confirm=confirm, proof=proof)
        told |= removed(receipt)
    return reply(receipt)


@router.get("/stats", response_model=Stats)
async def stats(memory: Reads) -> Response:
    """Count what this user's memory holds."""
    return reply(await memory.stats())


async def _revision(memory: MemoryLayer, memory_id: str, if_match: str | None) -> str | None:
    """The revision that a header If-Match asks for; None for any.

    Raises:
        NotFound: If there is no such memory.
        ChangedMeanwhile: If the header names no state that the memory is in.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    wanted: list[str] = _ETAG.findall(if_match)
    if len(wanted) == 1:
        return wanted[0]
    found = (await memory.get(memory_id)).revision
    if found not in wanted:
        raise ChangedMeanwhile(f"memory {memory_id!r} is in no state that If-Match names")
    return found
