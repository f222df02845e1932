"""Windows of sixteen bytes as keyed numbers: what a scan of files looks for.

A window becomes 64 bits under a key that lives as long as one call, so that whoever scans never
has the text. Windows of few different bytes (blanks, zeros) are left out: they stand anywhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]
    Places = NDArray[np.intp]

WIDTH = 16
TEXT_STEP = 4
"""Bytes from one window of a text to the next: a remnant of 19 bytes holds one."""
EMBEDDING_STEP = 64
MOST = 4_000_000
"""Windows looked for at most; of more, an even sample is."""
_LEAST_KINDS = 6
_BATCH = 1 << 18
_MIX_1, _MIX_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
Key = tuple[int, int]


def new_key() -> Key:
    """A key for one call: two odd numbers."""
    return secrets.randbits(64) | 1, secrets.randbits(64) | 1


def numbers_of(data: bytes, key: Key, step: int = 1) -> Numbers:
    """The number of every window of some bytes, in order."""
    count = (len(data) - WIDTH) // step + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    low: Numbers = np.ndarray((count,), "<u8", data, 0, (step,))
    high: Numbers = np.ndarray((count,), "<u8", data, 8, (step,))
    mixed = low * np.uint64(key[0])
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MIX_1
    mixed += high * np.uint64(key[1])
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX_2
    mixed ^= mixed >> np.uint64(32)
    return mixed


class Shingles:
    """A set of windows to look for.

    Attributes:
        numbers: Their numbers, each once, in order.
        key: What made them.
    """

    def __init__(self, numbers: Numbers, key: Key) -> None:
        self.numbers: Numbers = np.unique(numbers)
        self.key: Key = key
        bits = min(26, max(16, len(self.numbers).bit_length() + 4))
        self._shift = np.uint64(64 - bits)
        self._may_be = np.zeros(1 << bits, np.bool_)
        self._may_be[self.numbers >> self._shift] = True

    def __len__(self) -> int:
        return len(self.numbers)

    def only(self, places: Places) -> Shingles:
        """Those at these places in `numbers`."""
        return Shingles(self.numbers[places], self.key)

    def found_in(self, data: bytes, step: int = 1) -> Places:
        """Places, in `numbers`, of those that stand somewhere in the data."""
        found = [self._among(numbers_of(part, self.key, step)) for part in _parts(data)]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.intp)

    def _among(self, numbers: Numbers) -> Places:
        likely = numbers[self._may_be[numbers >> self._shift]]
        if not len(likely) or not len(self.numbers):
            return np.empty(0, np.intp)
        places = np.minimum(np.searchsorted(self.numbers, likely), len(self.numbers) - 1)
        return np.unique(places[self.numbers[places] == likely])


def _parts(data: bytes) -> Iterator[bytes]:
    """Pieces that fit a processor's cache and overlap by a window less one byte."""
    for start in range(0, max(1, len(data) - WIDTH + 1), _BATCH):
        yield data[start : start + _BATCH + WIDTH - 1]


class Collector:
    """Takes in what is to be looked for, value by value."""

    def __init__(self) -> None:
        self._key = new_key()
        self._waiting: dict[int, list[bytes]] = {}
        self._size = 0
        self._found: list[Numbers] = []
        self._count, self._mask = 0, np.uint64(0)

    def add(self, value: bytes, step: int = TEXT_STEP) -> None:
        """Look for every window of a value that starts a multiple of `step` in, and its last."""
        if len(value) >= WIDTH:
            self._waiting.setdefault(step, []).append(value)
            self._size += len(value)
            if self._size > _BATCH:
                self._take_in()

    def shingles(self) -> Shingles:
        """All of them."""
        self._take_in()
        return Shingles(np.concatenate([np.empty(0, np.uint64), *self._found]), self._key)

    def _take_in(self) -> None:
        for step, values in self._waiting.items():
            numbers = _telling(values, step, self._key)
            self._found.append(numbers[numbers & self._mask == 0])
            self._count += len(self._found[-1])
        self._waiting, self._size = {}, 0
        while self._count > MOST:
            self._mask = self._mask << np.uint64(1) | np.uint64(1)
            every = np.unique(np.concatenate(self._found))
            self._found = [every[every & self._mask == 0]]
            self._count = len(self._found[0])


def _telling(values: list[bytes], step: int, key: Key) -> Numbers:
    """Numbers of the windows of values that hold enough different bytes."""
    data = b"".join(values)
    sizes = np.array([len(value) for value in values])
    starts = np.cumsum(sizes) - sizes
    counts = (sizes - WIDTH) // step + 1
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.concatenate([np.repeat(starts, counts) + step * within, starts + sizes - WIDTH])
    rows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), WIDTH)[places]
    rows = np.sort(rows, axis=1)
    kinds = 1 + (rows[:, 1:] != rows[:, :-1]).sum(axis=1)
    found: Numbers = numbers_of(data, key)[places[kinds >= _LEAST_KINDS]]
    return found
