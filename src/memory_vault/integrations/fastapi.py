"""FastAPI: the memory of a request's user as a dependency; the rest is Starlette's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from . import missing

try:
    from fastapi import Depends
    from fastapi.requests import HTTPConnection
except ImportError as _error:
    raise missing("server") from _error

from ..layer import MemoryLayer
from .starlette import CancelOnDisconnect, add_problem_details, memory_of, vault_lifespan, vault_of

__all__ = ["CancelOnDisconnect", "add_problem_details", "memory_for", "vault_lifespan", "vault_of"]


def memory_for(
    user: Callable[..., Any], *, session: Callable[..., Any] | None = None
) -> Callable[..., AsyncIterator[MemoryLayer]]:
    """A dependency that gives an open `MemoryLayer` to a request or web socket.

    Args:
        user: A dependency of the application's that returns the user id, and refuses strangers.
        session: A dependency that returns the session id, or None.

    Example:
        Memory = Annotated[MemoryLayer, Depends(memory_for(current_user))]
    """

    async def memory(
        connection: HTTPConnection,
        user_id: str = Depends(user),
        session_id: str | None = Depends(session or _none),
    ) -> AsyncIterator[MemoryLayer]:
        async with memory_of(connection, user_id, session_id=session_id) as layer:
            yield layer

    return memory


def _none() -> None:
    return None
