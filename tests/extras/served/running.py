"""A served vault for tests: the application in this process, reached through httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from memory_vault import MemoryConfig, RemoteVault
from memory_vault.access import RIGHTS, ApiKey, new_secret, rights
from memory_vault.api import create_app
from memory_vault.api.settings import ServeSettings

UNLIMITED = ServeSettings(rate_per_key=0, rate_per_user=0)
URL = "http://127.0.0.1"


@asynccontextmanager
async def running(config: MemoryConfig, settings: ServeSettings = UNLIMITED) -> AsyncIterator[Any]:
    """The application with its vault open."""
    app = create_app(config, settings)
    async with app.router.lifespan_context(app):
        yield app


def within(app: Any, address: str = "127.0.0.1") -> httpx.ASGITransport:
    """A way to an application of this process, as if from an address."""
    return httpx.ASGITransport(app, client=(address, 50_000), raise_app_exceptions=False)


@asynccontextmanager
async def served(config: MemoryConfig) -> AsyncIterator[RemoteVault]:
    """A vault behind a server, with a key that may do everything."""
    async with running(config) as app:
        key = await make_key(app)
        async with RemoteVault(URL, key, transport=within(app)) as vault:
            yield vault


async def make_key(
    app: Any, users: tuple[str, ...] | None = None, names: tuple[str, ...] = RIGHTS, **more: Any
) -> str:
    """A key of the running application."""
    from datetime import UTC, datetime

    key_id, secret = new_secret()
    key = ApiKey(key_id, "test", users, rights(names), datetime.now(UTC), **more)
    store = app.state.serving.vault.engine.store
    await store.with_api_keys(lambda keys: keys.add(key, secret))
    return secret
