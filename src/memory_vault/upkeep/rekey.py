"""Another key for an encrypted vault."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .._host import finish

if TYPE_CHECKING:
    from ..engine import Engine


async def rekey(engine: Engine, key: str | bytes) -> None:
    """Let the new key open the vault, and the one before no more; never neither, never both."""

    async def job() -> None:
        await engine.store.in_thread(partial(engine.store.maintenance.rekey, key))
        engine.config = replace(engine.config, encryption_key=key)

    await finish(job)
