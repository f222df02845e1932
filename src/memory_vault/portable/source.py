"""Where the lines of an import come from: a file, or pieces that arrive one by one."""

from __future__ import annotations

import os
from typing import BinaryIO, Protocol


class Source(Protocol):
    """Lines to read, in worker threads."""

    @property
    def size(self) -> int:
        """Bytes in all; 0 while not known."""
        ...

    def readline(self, most: int, /) -> bytes:
        """The next line with its end, cut after so many bytes; b"" at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class File:
    """An open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size: int = os.fstat(file.fileno()).st_size

    def readline(self, most: int, /) -> bytes:
        """The next line."""
        return self._file.readline(most)

    def read(self, most: int, /) -> bytes:
        """The next bytes, whatever lines they are of."""
        return self._file.read(most)

    def close(self) -> None:
        """Close it."""
        self._file.close()


class Feed:
    """Pieces as they arrive; `add` and `readline` take turns.

    Args:
        most: A line of more bytes counts as one that is there.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held, self._is_ended = bytearray(), False
        self.size: int = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, piece: bytes) -> None:
        """Take what arrived."""
        self._held += piece

    def end(self) -> None:
        """Nothing more will arrive."""
        self._is_ended = True

    def is_ready(self) -> bool:
        """Whether `readline` would not run short."""
        return self._is_ended or len(self._held) > self._most or b"\n" in self._held

    def readline(self, most: int, /) -> bytes:
        """The next line."""
        end = self._held.find(b"\n", 0, most) + 1 or min(most, len(self._held))
        line = bytes(self._held[:end])
        del self._held[:end]
        return line

    def close(self) -> None:
        """Forget what was not read."""
        self._held.clear()
