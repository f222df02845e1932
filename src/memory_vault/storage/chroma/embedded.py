"""ChromaDB in this process: a folder a part, a few of them open at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import BackendError, NotFound
from ..sqlite.files import sync_folder
from . import client
from .client import translate
from .collections import Collections

_GONE = "-gone"
"""How the name of a folder ends that is being removed."""
_NAME = "embeddings"
"""The one collection in a part's folder."""
_MAX_OPEN = 8
"""Folders open at once: each takes 60 ms to open, 4 MB, 6 threads and 11 file handles."""


class EmbeddedChroma(Collections):
    """ChromaDB inside this process: fast to set up, for one process at a time.

    Args:
        folder: Where the folders of the parts are made.
        max_open: Folders kept open at most; those in use may be more.
    """

    is_shared: bool = False
    outside: str = ""

    def __init__(self, folder: Path, *, max_open: int = _MAX_OPEN) -> None:
        self.name: str = f"the ChromaDB index in {folder}"
        self._folder, self._max_open = folder, max_open
        self._changed = threading.Condition()
        self._open: OrderedDict[str, _Held] = OrderedDict()

    def open(self) -> None:
        """See that ChromaDB is installed, and end what a kill cut short.

        Folders are opened when they are first used.
        """
        client.require()
        for gone in self._folder.glob(f"??/*{_GONE}"):
            translate(self.name, partial(_unlink, gone))

    def close(self) -> None:
        """Close every folder that is not in use."""
        with self._changed:
            for part in [part for part, held in self._open.items() if not held.users]:
                translate(self.name, self._open.pop(part).close)

    def parts(self, prefix: str) -> list[str]:
        """Names of the parts there are that begin with this."""
        return sorted(one.name for one in self._folder.glob(f"??/{prefix}*"))

    def files(self, part: str) -> list[Path]:
        """All files of its folder, and of one that is being removed."""
        folders = self._path(part), _leftover(self._path(part))
        return [one for each in folders for one in sorted(each.rglob("*")) if one.is_file()]

    def drop(self, part: str) -> None:
        """Close the folder of a part once nobody uses it, and remove it.

        Raises:
            BackendError: If it cannot be removed.
        """
        with self._changed:
            self._changed.wait_for(lambda: part not in self._open or not self._open[part].users)
            if part in self._open:
                translate(self.name, self._open.pop(part).close)
            try:
                _remove(self._path(part))
            except OSError as error:
                why = error.strerror
                raise BackendError(f"{self._path(part)} cannot be removed: {why}") from error

    def _path(self, part: str) -> Path:
        return self._folder / part[-2:] / part

    def _name(self, part: str) -> str:
        return _NAME

    @contextmanager
    def _client(self, part: str, *, create: bool = False) -> Iterator[Any]:
        """The client of a part, kept open for the next who needs it."""
        with self._changed:
            held = self._open.pop(part, None)
            if held is None:
                path = self._path(part)
                if not create and not path.exists():
                    raise NotFound(f"{self.name} has no part {part}")
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
                held = _Held(client.embedded(path))
            self._open[part] = held
            held.users += 1
            self._evict()
        try:
            yield held.client
        finally:
            with self._changed:
                held.users -= 1
                self._changed.notify_all()

    def _evict(self) -> None:
        """Close the least recently used folders above the limit; the lock is held."""
        idle = [part for part, held in self._open.items() if not held.users]
        for part in idle[: max(0, len(self._open) - self._max_open)]:
            self._open.pop(part).close()


class _Held:
    """The client of an open folder, and how many use it just now."""

    def __init__(self, held: Any) -> None:
        self.client, self.users = held, 0

    def close(self) -> None:
        client.close(self.client)


def _remove(folder: Path) -> None:
    """Remove a folder with all that is in it, for good; killed halfway, it is no part any more."""
    gone = _leftover(folder)
    if folder.exists():
        _unlink(gone)
        folder.rename(gone)
    if gone.exists():
        _unlink(gone)
        sync_folder(folder.parent)


def _leftover(folder: Path) -> Path:
    """Where a folder is while it is being removed."""
    return folder.with_name(folder.name + _GONE)


def _unlink(folder: Path) -> None:
    for one in sorted(folder.rglob("*"), reverse=True):
        one.rmdir() if one.is_dir() and not one.is_symlink() else one.unlink()
    if folder.exists():
        folder.rmdir()
