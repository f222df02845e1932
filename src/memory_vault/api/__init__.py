"""The vault over HTTP: parse, one call of the library, show. Needs the extra `server`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..config import MemoryConfig
    from .settings import ServeSettings

__all__ = ["create_app"]


def create_app(
    config: MemoryConfig | None = None, settings: ServeSettings | None = None
) -> FastAPI:
    """Make the application, for any ASGI server on asyncio or trio.

    The vault is opened when the server starts and closed when it has stopped; any number of
    processes may serve one data folder.

    Args:
        config: Settings of the vault; None for the environment, the config file, the defaults.
        settings: Settings of the server; None for the environment and the defaults.

    Raises:
        ConfigError: If the extra `server` is not installed, or a setting is wrong.
    """
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the server needs {error.name}: pip install 'memory-vault[server]'"
        ) from error
    from .app import build

    return build(config, settings)
