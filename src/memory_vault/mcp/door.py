"""Who may come in over HTTP: the keys of the vault, as for the REST server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import KeyRefused, MemoryVaultError
from ..problem import MEDIA_TYPE, headers, problem_details
from .server import CALLER

if TYPE_CHECKING:
    from ..api.guard import Guard


class Door:
    """Lets in who has a key, or everybody of this machine as long as there are none.

    Args:
        app: What is behind it.
        guard: Tells callers by their keys.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            try:
                scope = {**scope, CALLER: await self._guard.admit(scope)}
            except MemoryVaultError as error:
                await _refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(error: MemoryVaultError) -> JSONResponse:
    found = problem_details(error)
    more = headers(error)
    if isinstance(error, KeyRefused):
        more["www-authenticate"] = "Bearer"
    return JSONResponse(found.as_json(), found.status, more, MEDIA_TYPE)
