"""How a command runs the async library: settings, one event loop, one vault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from .options import text

if TYPE_CHECKING:
    from ..config import MemoryConfig
    from ..layer import MemoryLayer
    from ..vault import Vault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Globals:
    """Options that stand before the command's name."""

    data_dir: Path | None


def config(context: typer.Context, **given: Any) -> MemoryConfig:
    """Settings of this run: options, then what `MemoryConfig` finds by itself.

    The model is loaded when a command first needs it, not when the vault opens.
    """
    from ..config import MemoryConfig

    options: Globals = context.obj
    if options.data_dir is not None:
        given["data_dir"] = options.data_dir.expanduser()
    found = MemoryConfig(**{"preload": False, **given})
    text("the data folder's name", str(found.data_dir))
    return found


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run async work to its end; Ctrl-C cancels it and exits with status 130."""
    import anyio

    try:
        return anyio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def with_memory(
    context: typer.Context, user: str, work: Callable[[MemoryLayer], Awaitable[T]]
) -> T:
    """Open one user's memory, work with it, close it."""
    return run(partial(_with_memory, config(context), user, work))


async def _with_memory(
    config: MemoryConfig, user: str, work: Callable[[MemoryLayer], Awaitable[T]]
) -> T:
    from ..layer import MemoryLayer

    async with MemoryLayer(user, config=config) as memory:
        return await work(memory)


def with_vault(context: typer.Context, work: Callable[[Vault], Awaitable[T]]) -> T:
    """Open the vault, work with it, close it."""
    return run(partial(_with_vault, config(context), work))


async def _with_vault(config: MemoryConfig, work: Callable[[Vault], Awaitable[T]]) -> T:
    from ..vault import Vault

    async with Vault(config) as vault:
        return await work(vault)
