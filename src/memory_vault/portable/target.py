"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import InvalidInput, StorageError, StorageFull, TargetNotEmpty

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Target:
    """Written beside its place under another name, private to its owner, then given its name.

    Args:
        path: The place; its folder must exist.
        overwrite: Whether a file that is there already may go; a device or a pipe never does.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path: Path = path
        self._overwrite = overwrite
        self._aside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Make the file beside.

        Raises:
            TargetNotEmpty: If the place is taken.
            InvalidInput: If there is no such folder.
            StorageError: If it cannot be written.
        """
        self._refuse_if_taken()
        if not self.path.parent.is_dir():
            raise InvalidInput(f"the folder {self.path.parent} does not exist: make it first")
        try:
            handle = os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise translate(error, self.path) from error
        self._file = os.fdopen(handle, "wb", buffering=1 << 20)

    def _refuse_if_taken(self) -> None:
        mode = _mode(self.path)
        if stat.S_ISDIR(mode):
            raise TargetNotEmpty(f"{self.path} is a folder: name a file")
        if mode and not stat.S_ISREG(mode):
            raise TargetNotEmpty(f"{self.path} is a device, a pipe or a socket: name a file")
        if not self._overwrite and os.path.lexists(self.path):
            raise TargetNotEmpty(
                f"{self.path} exists: choose another name, or allow it to be overwritten"
            )

    def write(self, data: bytes) -> None:
        """Add to the file."""
        assert self._file is not None, "opened before"
        try:
            self._file.write(data)
        except OSError as error:
            raise translate(error, self.path) from error

    def publish(self) -> None:
        """Make what was written durable, and give it its name.

        Raises:
            TargetNotEmpty: If the place was taken meanwhile, or is no file any more.
        """
        assert self._file is not None, "opened before"
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._name()
            sync(self.path.parent)
        except OSError as error:
            raise translate(error, self.path) from error

    def _name(self) -> None:
        if self._overwrite:
            self._refuse_if_taken()
            self._aside.replace(self.path)
            return
        try:
            os.link(self._aside, self.path, follow_symlinks=False)
        except FileExistsError:
            self._refuse_if_taken()
            raise
        except OSError:  # a file system without hard links: a moment in which others may come
            self._refuse_if_taken()
            self._aside.replace(self.path)
        else:
            self._aside.unlink()

    def close(self) -> None:
        """Leave nothing beside. Repeatable."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                pass  # what it still held goes with the file
            self._aside.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """What is at a place, at the end of any links; 0 if nothing is."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise translate(error, path) from error


def sync(folder: Path) -> None:
    """Make a folder's entries durable; systems that cannot do it do it by themselves."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def translate(error: OSError, path: Path) -> StorageError:
    """Turn an error of the system into ours."""
    if isinstance(error, StorageError):
        return error
    if error.errno in _FULL:
        return StorageFull(f"the disk that holds {path} is full; nothing was written")
    return StorageError(f"{path} cannot be written: {error.strerror}")
