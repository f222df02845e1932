"""ChromaDB in a server: a collection a part."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import ConfigError, NotFound
from . import client
from .client import translate
from .collections import PAGE, Collections


class ServedChroma(Collections):
    """ChromaDB in a server of its own (`chroma run`): for several processes, or another machine.

    Args:
        url: Where it listens: "http://HOST:PORT" or "https://…".
    """

    is_shared: bool = True
    outside: str = (
        "the disk of the ChromaDB server, which keeps what was taken out until it writes anew"
    )

    def __init__(self, url: str) -> None:

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ConfigError("index: give 'chroma:http://HOST:PORT', without a name or a key")
        self._host, self._is_secure = parts.hostname, parts.scheme == "https"
        self._port = parts.port or (443 if self._is_secure else 8000)
        self.name: str = f"the ChromaDB server at {self._host}:{self._port}"
        self._lock = threading.Lock()
        self._held: Any = None

    def open(self) -> None:
        """See that ChromaDB is installed; the server is asked when it is first needed."""
        client.require()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            translate(self.name, lambda: client.close(held))

    def parts(self, prefix: str) -> list[str]:
        """Names of the collections there are that begin with this."""

        def parts() -> list[str]:
            found: list[str] = []
            with self._client("") as server:
                while page := server.list_collections(limit=PAGE, offset=len(found)):
                    found += [one.name for one in page]
            return sorted(one for one in found if one.startswith(prefix))

        return translate(self.name, parts)

    def files(self, part: str) -> list[Path]:
        """None that could be known here."""
        return []

    def drop(self, part: str) -> None:
        """Delete the collection of a part."""

        def drop() -> None:
            with self._client(part) as server:
                server.delete_collection(self._name(part))

        with suppress(NotFound):
            translate(self.name, drop)

    def _name(self, part: str) -> str:
        return part

    @contextmanager
    def _client(self, part: str, *, create: bool = False) -> Iterator[Any]:
        with self._lock:
            if self._held is None:
                self._held = client.served(self._host, self._port, is_secure=self._is_secure)
            held = self._held
        yield held
