"""A disk that fails on purpose, at a chosen operation, and knows what a power loss would take.

It stands between SQLite and the real files, and between this library and the few calls that make
folders, links and durable entries. For tests, in a process of their own.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Literal, NoReturn, Self

import apsw

from memory_vault.storage.sqlite import files
from memory_vault.storage.sqlite.connection import translated

Fault = Literal["none", "exit", "error", "dead", "full", "short", "power", "torn"]
"""What happens at the chosen operation.

none: nothing, operations are only counted. exit: the process ends at once, as if killed.
error: the operation fails with an I/O error. dead: it and all that follow fail.
full: a write finds the disk full. short: half of a write is done, then the disk is full.
power: every file falls back to what was last synced. torn: the same, but any of the sectors and
folder entries that were not synced yet may have reached the disk.
"""

EXIT_CODE = 86
"""Exit status of a process that `exit`, `power` or `torn` ended."""
_SECTOR = 512
_WRITES_ONLY = ("full", "short")
_CODES = {
    "open": apsw.SQLITE_CANTOPEN,
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "delete": apsw.SQLITE_IOERR_DELETE,
}


@dataclass
class _Content:
    """One file's bytes: those that are durable, and what was done to them since."""

    durable: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def after_power_loss(self, chance: Random | None) -> bytes:
        """The durable bytes, with any of the sectors written since if there is a `chance`."""
        left = bytearray(self.durable)
        for offset, data in self.pending if chance else ():
            assert chance is not None
            if data is None:
                if chance.random() < 0.5:
                    _apply(left, offset, None)
                continue
            for start in range(0, len(data), _SECTOR):
                if chance.random() < 0.5:
                    _apply(left, offset + start, data[start : start + _SECTOR])
        return bytes(left)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write `data` at `offset`; None cuts the content there."""
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset : offset + len(data)] = data


def _put(path: Path, content: _Content | None, is_there: bool, chance: Random | None) -> None:
    """Make a path what it is after a power loss; without its folder it is gone in any case."""
    if not path.parent.exists():
        return
    if content is None:
        if is_there:
            path.mkdir(exist_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
        return
    path.unlink(missing_ok=True)  # its other names keep their own content
    path.write_bytes(content.after_power_loss(chance))


class FaultyDisk:
    """Makes one fault happen at the n-th operation on the files below a folder.

    Use it in a process that has opened no database yet; all connections opened inside the `with`
    statement go through it.

    Args:
        folder: The data folder; files elsewhere are left alone.
        fault: What is to happen.
        at: At which operation, from 1; "full" and "short" count only writes.
        seed: Decides which sectors survive in a "torn" power loss.

    Attributes:
        count: Operations so far (writes, for "full" and "short").
        has_fired: Whether the fault has happened.
        is_healed: Set it to make a "dead" disk work again.
    """

    def __init__(self, folder: Path, fault: Fault = "none", at: int = 0, *, seed: int = 0) -> None:
        self.count: int = 0
        self.has_fired: bool = False
        self.is_healed: bool = False
        self._folder, self._fault, self._at = str(folder), fault, at
        self._chance = Random(seed)
        self._lock = threading.RLock()
        self._now: dict[str, _Content | None] = {}
        """What each path names: a file's content, or (None) a folder."""
        self._durable: dict[str, _Content | None] = {}
        """The same, as a power loss would leave it."""
        self._is_recording = fault in ("power", "torn")
        self._kept: list[tuple[object, str, Any]] = []

    def __enter__(self) -> Self:
        self._base = apsw.vfs_names()[0]
        self._vfs = _Vfs(self, self._base)
        for name in ("link", "unlink", "mkdir"):
            self._replace(os, name, getattr(self, f"_{name}"))
        self._replace(files, "sync_folder", self._sync_folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._kept:
            setattr(*self._kept.pop())
        self._vfs.unregister()
        apsw.set_default_vfs(self._base)

    def _replace(self, owner: object, name: str, new: Callable[..., None]) -> None:
        self._kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, new)

    def _real(self, name: str) -> Callable[..., None]:
        """What this disk has put itself in place of."""
        found: Callable[..., None] = next(old for _, one, old in self._kept if one == name)
        return found

    # faults --------------------------------------------------------------------------------------

    def meet(self, operation: str, path: str) -> str:
        """Count an operation; what is to happen to it: "go" on, "short", or an error is raised."""
        if not path.startswith(self._folder):
            return "go"
        with self._lock:
            if self._fault in _WRITES_ONLY and operation != "write":
                return "go"
            self.count += 1
            is_due = self.count == self._at or (self._fault == "dead" and self.count > self._at)
            if not is_due or self.is_healed or self._fault == "none":
                return "go"
            self.has_fired = True
            return self._happen(operation)

    def _happen(self, operation: str) -> str:
        match self._fault:
            case "exit":
                os._exit(EXIT_CODE)
            case "power" | "torn":
                self.lose_power()
            case "full":
                raise apsw.exception_for(apsw.SQLITE_FULL)
            case "short":
                return "short"
        if operation in _CODES:
            raise apsw.exception_for(_CODES[operation])
        raise OSError(5, "Input/output error")

    def lose_power(self) -> NoReturn:
        """Leave on the real disk what a power loss at this moment would leave, and end.

        Only for a disk whose fault is "power" or "torn", which has kept account of what was synced.
        """
        self.is_healed = True  # what is done from here on is no operation of the program
        chance = self._chance if self._fault == "torn" else None
        now, durable = dict(self._now), dict(self._durable)
        for path in sorted({*now, *durable}, key=len):
            has_arrived = chance is not None and chance.random() < 0.5
            entries = now if has_arrived else durable
            _put(Path(path), entries.get(path), path in entries, chance)
        for one in Path(self._folder).rglob("*-shm"):
            one.unlink()
        os._exit(EXIT_CODE)

    # what is known of files ----------------------------------------------------------------------

    def opened(self, path: str) -> None:
        """Note a file before it is opened; one that is there is taken for durable."""
        with self._lock:
            if self._is_recording and path not in self._now:
                is_there = Path(path).exists()
                self._now[path] = _Content(bytearray(Path(path).read_bytes() if is_there else b""))
                if is_there:
                    self._durable[path] = self._now[path]

    def written(self, path: str, offset: int, data: bytes | None) -> None:
        """Note a write, or (None) a cut."""
        with self._lock:
            if content := self._now.get(path):
                content.pending.append((offset, data))

    def synced(self, path: str) -> None:
        """Note that a file is durable; with a new log or journal SQLite syncs its folder too."""
        with self._lock:
            if content := self._now.get(path):
                content.sync()
                if path not in self._durable and path.endswith(("-wal", "-journal")):
                    self._entries_synced(str(Path(path).parent))

    def removed(self, path: str, *, is_synced: bool) -> None:
        """Note that a name is gone."""
        with self._lock:
            self._now.pop(path, None)
            if is_synced:
                self._entries_synced(str(Path(path).parent))

    def _entries_synced(self, folder: str) -> None:
        for known, other in ((self._now, self._durable), (self._durable, self._now)):
            for path in [one for one in known if str(Path(one).parent) == folder]:
                if other is self._durable:
                    self._durable[path] = self._now[path]
                elif path not in self._now:
                    del self._durable[path]

    # in place of the system's calls --------------------------------------------------------------

    def _link(self, source: Path, target: Path) -> None:
        self.meet("link", str(target))
        self._real("link")(source, target)
        with self._lock:
            if str(source) in self._now:
                self._now[str(target)] = self._now[str(source)]

    def _unlink(self, path: Path, **others: Any) -> None:
        if os.path.lexists(path):
            self.meet("unlink", str(path))
        self._real("unlink")(path, **others)
        self.removed(str(path), is_synced=False)

    def _mkdir(self, path: Path, mode: int = 0o777, **others: Any) -> None:
        if not os.path.lexists(path):
            self.meet("mkdir", str(path))
        self._real("mkdir")(path, mode, **others)
        if self._is_recording and str(path).startswith(self._folder):
            self._now[str(path)] = None

    def _sync_folder(self, path: Path) -> None:
        with translated(path):
            self.meet("sync_folder", str(path))
        self._real("sync_folder")(path)
        with self._lock:
            self._entries_synced(str(path))


class _Vfs(apsw.VFS):
    """SQLite's way to the disk."""

    def __init__(self, disk: FaultyDisk, base: str) -> None:
        self._disk, self._base = disk, base
        super().__init__("faulty-disk", base, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._disk.meet("open", path)
        self._disk.opened(path)
        return _File(self._disk, self._base, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self._disk.meet("delete", filename)
        super().xDelete(filename, syncdir)
        self._disk.removed(filename, is_synced=bool(syncdir))


class _File(apsw.VFSFile):
    """One open file."""

    def __init__(self, disk: FaultyDisk, base: str, path: str, name: Any, flags: list[int]) -> None:
        self._disk, self._path = disk, path
        super().__init__(base, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._disk.meet("write", self._path) == "short":
            super().xWrite(data[: len(data) // 2], offset)
            raise apsw.exception_for(apsw.SQLITE_FULL)
        super().xWrite(data, offset)
        self._disk.written(self._path, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.meet("truncate", self._path)
        super().xTruncate(newsize)
        self._disk.written(self._path, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.meet("sync", self._path)
        super().xSync(flags)
        self._disk.synced(self._path)
