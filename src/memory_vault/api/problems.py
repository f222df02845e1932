"""Errors as answers: every one of ours, and those of the framework, as problem details."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import InvalidInput, KeyRefused, MemoryVaultError, NotFound
from ..problem import MEDIA_TYPE, headers, problem_details
from .logs import log_failure
from .reply import SECURITY_HEADERS

_SHOWN_CHARS = 300


def problem_response(error: MemoryVaultError, *, status: int | None = None) -> Response:
    """The answer to a call that failed."""
    problem = problem_details(error)
    more = headers(error)
    if isinstance(error, KeyRefused):
        more["www-authenticate"] = "Bearer"
    if status is not None:
        problem = replace(problem, status=status)
    if problem.status >= 500:
        log_failure(error)
    return Response(to_json(problem.as_json()), problem.status, more, MEDIA_TYPE)


async def of_ours(_: Request, error: Exception) -> Response:
    """An error that this library raised on purpose."""
    assert isinstance(error, MemoryVaultError)
    return problem_response(error)


async def of_validation(_: Request, error: Exception) -> Response:
    """A request whose JSON is not of the right kind. What was sent is not quoted."""
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{_place(one)}: {_wanted(one)}" for one in error.errors()[:3])
    return problem_response(InvalidInput(said[:_SHOWN_CHARS]))


async def of_http(request: Request, error: Exception) -> Response:
    """What the framework refuses: unknown routes, other methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    ours = getattr(error, "error", None)
    if ours is None and error.status_code == 404:
        ours = NotFound("there is no such route: /openapi.json lists those there are")
    if ours is None:
        ours = InvalidInput(str(error.detail))
    answer = problem_response(ours, status=error.status_code)
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["allow"] = _methods(request)
    return answer


async def of_anything(_: Request, error: Exception) -> Response:
    """What nobody expected; the framework raises it on, for the log."""
    answer = problem_response(MemoryVaultError(type(error).__name__))
    answer.raw_headers.extend(SECURITY_HEADERS)
    return answer


def _methods(request: Request) -> str:
    """All methods of a path: the framework names only those of one route."""
    path = getattr(request.scope.get("route"), "path_format", "")
    return ", ".join(sorted(one.upper() for one in request.app.openapi()["paths"].get(path, ())))


def _place(found: dict[str, Any]) -> str:
    """Where in a request: names of ours only, no name that the client made up."""
    is_made_up = found["type"] == "extra_forbidden"
    return ".".join(map(str, found["loc"][:-1] if is_made_up else found["loc"]))[:80]


def _wanted(found: dict[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "there is a name too many: /openapi.json lists those there are"
    return str(found["msg"]).removeprefix("Value error, ")
