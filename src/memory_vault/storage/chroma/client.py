"""What is imported of ChromaDB, and what its errors become."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import BackendError, BackendUnavailable, ConfigError, NotFound

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_TIMEOUT_S = 10.0
_INSTALL = "pip install 'memory-vault[chroma]'"


def translate(where: str, work: Callable[[], T]) -> T:
    """Do something, with ChromaDB's errors turned into ours; they never quote an embedding.

    Raises:
        NotFound: If a collection is not there, or went meanwhile.
        BackendUnavailable: If a server was not reached.
        BackendError: If anything else failed.
    """
    import httpx

    try:
        return work()
    except (BackendError, NotFound, ConfigError):
        raise
    except Exception as error:
        if type(error).__name__ == "NotFoundError":
            raise NotFound(f"{where} has no such collection") from error
        if isinstance(error, httpx.TransportError) or "connect to" in str(error):
            raise BackendUnavailable(f"{where} cannot be reached ({_kind(error)})") from error
        raise BackendError(f"{where} failed ({_kind(error)})") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # how its Rust part says that it gives up
            raise BackendError(f"{where} failed (PanicException)") from None
        raise


def _kind(error: Exception) -> str:
    return type(error).__name__


def require() -> Any:
    """The package, imported.

    Raises:
        ConfigError: If it is not installed.
    """
    try:
        import chromadb
    except ImportError as error:
        raise ConfigError(f"index='chroma' needs chromadb: {_INSTALL}") from error
    logging.getLogger("chromadb").setLevel(logging.ERROR)
    return chromadb


def _settings() -> Any:
    """Telemetry off, and nothing read from a file that lies about."""
    from chromadb.config import Settings

    return Settings(_env_file=None, anonymized_telemetry=False)


def embedded(folder: Path) -> Any:
    """A client of the files in a folder."""
    return require().PersistentClient(path=str(folder), settings=_settings())


def served(host: str, port: int, *, is_secure: bool) -> Any:
    """A client of a server."""
    import httpx

    client = require().HttpClient(host=host, port=port, ssl=is_secure, settings=_settings())
    for session in _sessions(client):
        session.timeout = httpx.Timeout(_TIMEOUT_S)  # it would wait for ever
    return client


def close(client: Any) -> None:
    """Close a client with its connections, which its own `close` leaves open."""
    client.close()
    for session in _sessions(client):
        session.close()


def _sessions(client: Any) -> list[httpx.Client]:
    """What a client speaks HTTP with, where this version of ChromaDB has it in its usual places."""
    import httpx

    admin = getattr(client, "_admin_client", None)
    servers = [getattr(one, "_server", None) for one in (client, admin)]
    found = [getattr(server, "_session", None) for server in servers]
    return [one for one in found if isinstance(one, httpx.Client)]
