"""Routes on the preferences and sessions of one user."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import WithJsonSchema

from ..models import Job, Page, Preference, Session
from .access import Reads, Writes
from .bodies import CompressBody, PreferenceBody, StartBody
from .kinds import Key, PageSize, QueryFlag, SessionId, SessionsCursor
from .reply import given, reply

router: APIRouter = APIRouter(
    prefix="/v1/users/{user_id:segment}", tags=["sessions and preferences"]
)
State = Annotated[
    Literal["open", "ended"] | None,
    WithJsonSchema({"type": "string", "enum": ["open", "ended"]}),
    Query(description="Both when not given."),
]


@router.get("/preferences", response_model=list[Preference])
async def list_preferences(memory: Reads, include_history: QueryFlag = False) -> Response:
    """List the current preferences by key; with history, former values too."""
    return reply(await memory.list_preferences(include_history=include_history))


@router.put("/preferences/{key:segment}", response_model=Preference)
async def set_preference(memory: Writes, key: Key, body: PreferenceBody) -> Response:
    """Set one preference; the value before stays in its history."""
    return reply(await memory.set_preference(key, **body.given()))


@router.delete("/preferences/{key:segment}", response_model=bool)
async def delete_preference(memory: Writes, key: Key) -> Response:
    """End one preference; say whether it was set. Its history stays until it is forgotten."""
    return reply(await memory.delete_preference(key))


@router.post("/sessions", response_model=Session)
async def start_session(memory: Writes, body: StartBody) -> Response:
    """Start a session, or go on with one."""
    values = body.given()
    return reply(await memory.start_session(values.pop("session_id", None), **values))


@router.post(
    "/sessions/{session_id:segment}/end",
    response_model=Session,
    responses={404: {"description": "There is no such session."}},
)
async def end_session(memory: Writes, session_id: SessionId) -> Response:
    """End a session: what is worth keeping of its working memory becomes episodic."""
    return reply(await memory.end_session(session_id))


@router.get("/sessions", response_model=Page[Session])
async def list_sessions(
    memory: Reads,
    state: State = None,
    page_size: PageSize = None,
    cursor: SessionsCursor = None,
) -> Response:
    """List sessions, first started first, a page at a time."""
    return reply(
        await memory.list_sessions(**given(state=state, page_size=page_size, cursor=cursor))
    )


@router.post("/compress", response_model=Job)
async def compress(memory: Writes, body: CompressBody) -> Response:
    """Let summaries stand for old sessions, in the background; follow the job for how far it is."""
    return reply(await memory.compress(**body.given()))
