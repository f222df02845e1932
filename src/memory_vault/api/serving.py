"""What all requests to one application share, and how long it lives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from .._stages import watched
from .._tracing import Tracer, tracer_of
from ..config import MemoryConfig
from ..vault import Vault
from .guard import Guard
from .metrics import Metrics
from .settings import ServeSettings

_SAMPLE_S = 0.5


class Serving:
    """One application in one process.

    Args:
        config: Settings of the vault.
        settings: Settings of the server.
    """

    def __init__(self, config: MemoryConfig | None, settings: ServeSettings) -> None:
        self.settings: ServeSettings = settings
        self.vault: Vault = Vault(config)
        self.guard: Guard = Guard(self.vault, settings)
        self.metrics: Metrics = Metrics()
        self.tracer: Tracer | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have the vault open, and look at the loop now and then."""
        with watched(self.metrics.stage):
            async with self.vault, anyio.create_task_group() as tasks:
                self.tracer = tracer_of(self.vault.config.tracing)
                tasks.start_soon(self._sample)
                yield
                tasks.cancel_scope.cancel()

    async def _sample(self) -> None:
        """Measure what no request shows: how late the loop is, what waits, what memory is used."""
        while True:
            due = anyio.current_time() + _SAMPLE_S
            await anyio.sleep_until(due)
            self.metrics.sample(self.vault.engine, late_s=anyio.current_time() - due)
