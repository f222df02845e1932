"""The page of a backup that lists its files, with what tells whether each is whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidInput, NotAVault

NAME = "manifest.json"
FORMAT = "memory-vault-backup"
VERSION = 1
_FILE = re.compile(r"users/([0-9a-f]{2})/\1[0-9a-f]{62}\.(db|salt)|vault\.key")
_STEP = 4 << 20
_MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup.

    Attributes:
        name: Its path below the backup's folder, with slashes.
        sha256: Of its bytes, in hexadecimal.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    is_encrypted: bool
    entries: tuple[Entry, ...]

    @property
    def databases(self) -> tuple[Entry, ...]:
        """The users' files."""
        return tuple(one for one in self.entries if one.name.endswith(".db"))


def digest(path: Path) -> Generator[int, None, str]:
    """SHA-256 of a file of a backup; yields the bytes just read."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_STEP):
            found.update(part)
            yield len(part)
    return found.hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Write the page, durably."""
    record = {
        "format": FORMAT,
        "version": VERSION,
        "encrypted": manifest.is_encrypted,
        "files": [
            {"name": one.name, "bytes": one.size, "sha256": one.sha256} for one in manifest.entries
        ],
    }
    with (folder / NAME).open("x", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> Manifest:
    """Read the page.

    Raises:
        InvalidInput: If the folder is no backup.
        NotAVault: If the page is damaged or names what no backup has.
    """
    path = folder / NAME
    if not path.is_file():
        raise InvalidInput(f"{folder} is no backup: it has no {NAME}")
    if path.stat().st_size > _MAX_BYTES:
        raise NotAVault(f"{path} is damaged: it is larger than any list of files")
    try:
        return _parse(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotAVault(f"{path} is damaged: use another backup") from None


def _parse(record: dict[str, object]) -> Manifest:
    if record["format"] != FORMAT or record["version"] != VERSION:
        raise ValueError("another format")
    files, is_encrypted = record["files"], record["encrypted"]
    if not isinstance(files, list) or not isinstance(is_encrypted, bool):
        raise TypeError("no list of files")
    entries = tuple(Entry(one["name"], one["bytes"], one["sha256"]) for one in files)
    if not all(_FILE.fullmatch(one.name) for one in entries):
        raise ValueError("an odd name")
    return Manifest(is_encrypted, entries)
