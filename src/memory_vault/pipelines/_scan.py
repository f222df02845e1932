"""Reads files and says which windows stand in them; run as a process of its own.

A process of its own, since closing a file that SQLite has open drops SQLite's locks on it. Asked
on standard input: a line of JSON (files, keys of encrypted ones, the key of the windows), then the
numbers of the windows. Neither text nor key is ever an argument or in a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._shingles import WIDTH, Shingles

_PIECE = 1 << 22


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, each window whole in one of the pieces."""
    with path.open("rb") as file:
        rest = b""
        while piece := file.read(_PIECE):
            data = rest + piece
            yield data
            rest = data[1 - WIDTH :]


def decrypted(path: Path, key: bytes) -> Iterator[bytes]:
    """What an encrypted database holds, page after page, in memory."""
    import apsw

    from ..storage.sqlite.connection import unlock

    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(2_000)
        unlock(connection, key)
        yield connection.serialize("main")
    finally:
        connection.close()


class Report:
    """What was read and found."""

    def __init__(self, shingles: Shingles) -> None:
        self._shingles = shingles
        self._hits = np.zeros(len(shingles), np.bool_)
        self.files, self.bytes = 0, 0
        self.where: dict[str, int] = {}
        self.unread: list[str] = []

    def read(self, name: str, data: Iterator[bytes]) -> None:
        """Look through one file; one that has gone meanwhile holds nothing."""
        here = np.zeros_like(self._hits)
        try:
            for piece in data:
                self.bytes += len(piece)
                here[self._shingles.found_in(piece)] = True
        except FileNotFoundError:
            return
        self.files += 1
        self._hits |= here
        if here.any():
            self.where[name] = int(here.sum())

    def as_json(self) -> dict[str, Any]:
        """For the process that asked."""
        hits = np.flatnonzero(self._hits).tolist()
        kept = {"files": self.files, "bytes": self.bytes, "where": self.where}
        return {**kept, "unread": self.unread, "hits": hits}


def main() -> None:
    """Answer one question."""
    asked = json.loads(sys.stdin.buffer.readline())
    numbers = np.frombuffer(sys.stdin.buffer.read(), "<u8")
    report = Report(Shingles(numbers, (asked["key"][0], asked["key"][1])))
    for name in asked["files"]:
        try:
            report.read(name, pieces(Path(name)))
        except OSError:
            report.unread.append(name)
    for name, key in asked["encrypted"].items():
        if Path(name).exists():
            report.read(f"{name} (decrypted)", decrypted(Path(name), bytes.fromhex(key)))
    sys.stdout.write(json.dumps(report.as_json()))


if __name__ == "__main__":
    main()
