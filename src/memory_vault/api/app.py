"""The application: its routes, its door, and the vault that is open as long as it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.convertors import register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from ..config import MemoryConfig
from ..errors import MemoryVaultError
from . import problems
from .access import known_query
from .door import Door, Segment
from .openapi import complete
from .serving import Serving
from .settings import ServeSettings

_ABOUT = (
    "Memory for programs that talk to language models: save what was said, recall what matters for "
    "the next prompt within a token budget, forget for good."
)
_TELEMETRY: Any = dict.fromkeys(
    ("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False
)
"""FastAPI's own would tell paths, in which ids of users stand, and what was refused in a body."""
_ALLOWED_HEADERS = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "traceparent",
    "tracestate",
)


def build(config: MemoryConfig | None, settings: ServeSettings | None) -> FastAPI:
    """Make the application; nothing is opened yet."""
    register_url_convertor("segment", Segment())
    from . import conversations, jobs, memories, transfer, whole

    serving = Serving(config, settings or ServeSettings.from_environment())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with serving.opened():
            yield

    app = FastAPI(
        title="Memory Vault",
        version=version("memory-vault"),
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(known_query)],
        generate_unique_id_function=lambda route: route.name,
        telemetry=_TELEMETRY,
        exception_handlers={
            MemoryVaultError: problems.of_ours,
            RequestValidationError: problems.of_validation,
            HTTPException: problems.of_http,
            Exception: problems.of_anything,
        },
    )
    for one in (memories, conversations, transfer, whole):
        app.include_router(one.router)
    for router in (jobs.of_user, jobs.of_vault, whole.probes):
        app.include_router(router)
    app.add_middleware(Door, serving=serving)
    if serving.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(serving.settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=_ALLOWED_HEADERS,
            expose_headers=["etag", "retry-after"],
        )
    app.state.serving = serving
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            app.openapi_schema = complete(found)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]
