"""A copy of a vault in use: a folder of files that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from .._work import Meter, Progress, work_off
from ..errors import InvalidInput, StorageError, StorageFull, TargetNotEmpty
from ..models import BackupReport
from . import manifest
from .manifest import Entry, Manifest

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.sqlite.maintenance import Maintenance


async def backup(engine: Engine, path: Path, *, progress: Progress | None) -> BackupReport:
    """Copy every user's file as it is when its turn comes."""
    files = engine.store.maintenance
    total = await to_thread.run_sync(_size, files)
    work = _backup(files, engine.config.data_dir, path)
    return await work_off(engine.store.long, work, Meter(progress, total))


def _size(files: Maintenance) -> int:
    """Bytes there are to copy, write-ahead logs included: near enough to show progress."""
    every = [path for one in files.files() for path in (one, Path(f"{one}-wal"))]
    return sum(one.stat().st_size for one in every if one.exists())


def _backup(files: Maintenance, data_dir: Path, path: Path) -> Generator[int, None, BackupReport]:
    """Copy into a folder beside, then give it its name; yields the bytes just copied."""
    _refuse(data_dir, path)
    aside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        aside.mkdir(mode=0o700)
        entries: list[Entry] = []
        files.copy_keys(aside)
        if files.is_encrypted:
            entries.append((yield from _entry(aside, aside / "vault.key")))
        for one in files.files():
            entries += yield from _copy(files, aside, aside / one.relative_to(data_dir), one)
        manifest.write(aside, Manifest(files.is_encrypted, tuple(entries)))
        _sync(aside)
        if path.exists():
            raise _taken(path)
        aside.rename(path)
        _sync_one(path.parent)
    except OSError as error:
        raise _translate(error, path) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    users = sum(one.name.endswith(".db") for one in entries)
    return BackupReport(path, users, sum(one.size for one in entries), files.is_encrypted)


def _refuse(data_dir: Path, path: Path) -> None:
    if os.path.lexists(path):
        raise _taken(path)
    if not path.parent.is_dir():
        raise InvalidInput(f"the folder {path.parent} does not exist: make it first")
    if path.resolve().is_relative_to(data_dir):
        raise InvalidInput(f"{path} is inside the vault: choose a place outside")


def _taken(path: Path) -> TargetNotEmpty:
    return TargetNotEmpty(f"{path} exists: a backup makes a folder of its own, choose another name")


def _copy(
    files: Maintenance, folder: Path, to: Path, path: Path
) -> Generator[int, None, list[Entry]]:
    if not path.exists():
        return []  # removed since they were listed
    if not (yield from files.copy(path, to)):
        return []
    to.chmod(0o600)
    entries = [(yield from _entry(folder, to, quietly=True))]
    if files.is_encrypted:
        entries.append((yield from _entry(folder, to.with_suffix(".salt"), quietly=True)))
    return entries


def _entry(folder: Path, path: Path, *, quietly: bool = False) -> Generator[int, None, Entry]:
    """What the manifest says of a file; quietly: reading it is no progress."""
    work = manifest.digest(path)
    while True:
        try:
            done = next(work)
        except StopIteration as end:
            name = path.relative_to(folder).as_posix()
            return Entry(name, path.stat().st_size, end.value)
        yield 0 if quietly else done


def _sync(folder: Path) -> None:
    """Make the entries of a folder and of those below it durable."""
    for root, _, names in os.walk(folder):
        for name in names:
            _sync_one(Path(root) / name)
        _sync_one(Path(root))


def _sync_one(path: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _translate(error: OSError, path: Path) -> StorageError:
    """Turn an error of the system into ours."""
    if isinstance(error, StorageError):
        return error
    if error.errno == errno.ENOSPC:
        return StorageFull(f"the disk that holds {path} is full; there is no backup")
    return StorageError(f"{path} cannot be written: {error.strerror}")
