"""What a route asks for: the memory of the user it names, if the caller's key may do that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from ..access import ApiKey, Right
from ..errors import InvalidInput
from ..layer import MemoryLayer
from ..vault import Vault
from .door import VISIT, Visit
from .kinds import UserId


def visit_of(request: Request) -> Visit:
    """The request as the door knows it."""
    found: Visit = request.scope[VISIT]
    return found


async def known_query(request: Request) -> None:
    """Refuse a name in the query that the route does not know.

    Left out in silence, a slip such as `dryrun=true` would do what was not meant.

    Raises:
        InvalidInput: It lists those there are and quotes nothing.
    """
    given = set(request.query_params)
    if given and not given <= (known := _query_names(request)):
        names = ", ".join(sorted(known)) or "no names"
        raise InvalidInput(f"the query holds an unknown name: this route takes {names}")


def _query_names(request: Request) -> set[str]:
    """The names that the description of the route has."""
    methods = request.app.openapi()["paths"][request.scope["route"].path_format]
    described = methods[request.method.lower()].get("parameters", ())
    return {one["name"] for one in described if one["in"] == "query"}


def _memory(right: Right, *, is_slow: bool = False) -> Callable[..., Awaitable[MemoryLayer]]:
    async def memory(user_id: UserId, request: Request) -> MemoryLayer:
        visit = visit_of(request)
        _enter(visit, right, user_id, is_slow=is_slow)
        layer = MemoryLayer(user_id, vault=visit.serving.vault)
        await layer.open()
        return layer

    return memory


def _vault(*, is_slow: bool = False) -> Callable[..., Awaitable[Vault]]:
    async def vault(request: Request) -> Vault:
        visit = visit_of(request)
        _enter(visit, "admin", None, is_slow=is_slow)
        return visit.serving.vault

    return vault


def _enter(visit: Visit, right: Right, user_id: str | None, *, is_slow: bool) -> None:
    """Refuse what the caller may not do, or not so often."""
    assert visit.caller is not None, "the door lets nobody else in"
    visit.caller.require(right, user_id)
    if user_id is not None:
        visit.serving.guard.users.take(user_id)
    if is_slow:
        visit.is_slow()


async def _slow_forget_of_a_user(user_id: UserId, request: Request) -> Vault:
    visit = visit_of(request)
    _enter(visit, "admin", user_id, is_slow=True)
    return visit.serving.vault


async def _caller(request: Request) -> ApiKey:
    found = visit_of(request).caller
    assert found is not None, "the door lets nobody else in"
    return found


Reads = Annotated[MemoryLayer, Depends(_memory("read"))]
ReadsSlowly = Annotated[MemoryLayer, Depends(_memory("read", is_slow=True))]
Writes = Annotated[MemoryLayer, Depends(_memory("write"))]
WritesSlowly = Annotated[MemoryLayer, Depends(_memory("write", is_slow=True))]
Forgets = Annotated[MemoryLayer, Depends(_memory("forget", is_slow=True))]
Administers = Annotated[Vault, Depends(_vault())]
AdministersSlowly = Annotated[Vault, Depends(_vault(is_slow=True))]
RemovesUser = Annotated[Vault, Depends(_slow_forget_of_a_user)]
By = Annotated[ApiKey, Depends(_caller)]
