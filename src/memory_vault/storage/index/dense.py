"""Search by embedding: every row exactly where there are few, by signs first where there are many.

Up to `EXACT_ROWS` rows are kept as they came, in float32. Beyond, each number takes two bytes (a
row has its own scale, so that cosines stay within 2e-5), and the signs of each row stand beside it
as bits: `distances` reads 48 bytes of a row of 384 instead of 1,536.

Products are taken row by row (`vecdot`), not as one of a matrix: what is read from memory once
gains little from a second thread of the linear algebra library, and where the cores are busy
with other work, waiting for that thread takes fifty times as long as the product.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

EXACT_ROWS = 16_384
"""So many rows or fewer are kept as they came."""
_SIGNS_PAY = 3
_SAMPLE = 4_096
SEGMENT_ROWS = 16_384
"""Rows of a full segment: growing copies one segment at most, never what is before it."""
_LEAST = 64
_BLOCK = 1_024
"""Rows widened to float32 at a time, few enough to be in the cache when they are multiplied."""
_FULL = 32_767
_ONE_THREAD = 1 << 18
"""Products of matrices of fewer multiplications than this are not shared between threads."""
_WORDS_A_BYTE = 3
"""Words of 64 bits whose bits can be counted in one byte."""

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class DenseMatrix:
    """Embeddings in order of adding; see `DenseIndex` for the promises.

    Segments are full but for the last one, which starts small and doubles, so that a user with few
    memories takes few bytes.

    Args:
        dimension: Length of an embedding.
        exact_rows: Rows up to which embeddings are kept in float32.
        segment_rows: Rows of a full segment.
    """

    def __init__(
        self, dimension: int, *, exact_rows: int = EXACT_ROWS, segment_rows: int = SEGMENT_ROWS
    ) -> None:
        self._dimension, self._exact_rows, self._size = dimension, exact_rows, segment_rows
        self._segments: list[_Segment] = []
        self._count = 0
        self.has_signs: bool = False
        """Whether there are, or were, so many rows that `distances` may be asked for."""
        self._signs_pay_from = _SIGNS_PAY * exact_rows
        self.sample_rows: int = _SAMPLE
        """Rows whose cosines stand for all where a few will do."""

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, room to grow included."""
        return sum(segment.nbytes for segment in self._segments)

    @property
    def reads_rows(self) -> bool:
        """Whether some rows are better scored by themselves than among all."""
        return self.has_signs

    def add(self, embeddings: Floats) -> None:
        """Append rows; shape (n, dimension), unit length."""
        if not self.has_signs and self._count + len(embeddings) > self._exact_rows:
            self._pack()
        done = 0
        while done < len(embeddings):
            start = self._count % self._size
            part = embeddings[done : done + self._size - start]
            self._reserve(start, start + len(part))
            self._segments[-1].put(start, part)
            self._count += len(part)
            done += len(part)

    def _pack(self) -> None:
        """Go over to packed rows, segment by segment."""
        self.has_signs = True
        for i, segment in enumerate(self._segments):
            used = min(self._size, self._count - i * self._size)
            self._segments[i] = self._copy(segment, used, len(segment))

    def _segment(self, rows: int) -> _Segment:
        return (_Packed if self.has_signs else _Whole)(rows, self._dimension)

    def _reserve(self, used: int, rows: int) -> None:
        """Make the last segment hold `rows`, of which `used` are there; 0 starts a new one."""
        room = min(self._size, max(_LEAST, 1 << (rows - 1).bit_length()))
        if not used:
            self._segments.append(self._segment(room))
        elif rows > len(self._segments[-1]):
            self._segments[-1] = self._copy(self._segments[-1], used, room)

    def _copy(self, segment: _Segment, used: int, room: int) -> _Segment:
        """Another segment with the same first rows; a few at a time, to need little memory."""
        found = self._segment(room)
        for start in range(0, used, _BLOCK):
            found.put(start, segment.take(slice(start, min(start + _BLOCK, used))))
        return found

    def scores(self, query: Floats) -> Floats:
        """Cosine of every row with a query of shape (dimension,); shape (n,)."""
        query = np.ascontiguousarray(query, np.float32)
        found = np.empty(self._count, np.float32)
        for i, segment in enumerate(self._segments):
            segment.scores(query, found[i * self._size : (i + 1) * self._size])
        return found

    def distances(self, query: Floats) -> NDArray[np.uint16]:
        """In how many places each row has another sign than the query; shape (n,).

        Only where `has_signs`.
        """
        found = np.empty(self._count, np.uint16)
        signs = _bits(query[None] >= 0)[:, 0]
        for i, segment in enumerate(self._segments):
            if isinstance(segment, _Whole):
                raise RuntimeError("there are too few rows to have signs: ask for scores")
            segment.distances(signs, found[i * self._size : (i + 1) * self._size])
        return found

    def estimates_pay(self, rows: Rows) -> bool:
        """Whether estimates of these rows come at less than their cosines."""
        return self.has_signs and len(rows) > self._signs_pay_from

    def estimates(self, query: Floats, rows: Rows, sample: Rows, exact: Floats) -> Floats:
        """Cosines of some rows as their signs tell.

        A line through the cosines of a sample, places in `rows` with their `exact` ones, says what
        a distance stands for.
        """
        distances = self.distances(query)
        if len(rows) < self._count:
            distances = distances[rows]
        held = distances[sample].astype(np.float32)
        apart = held - held.mean()
        slope = float(apart @ exact) / max(float(apart @ apart), 1.0)
        line = exact.mean() + slope * (np.arange(distances.max() + 1) - held.mean())
        found: Floats = line.astype(np.float32).take(distances, mode="clip")
        return found

    def scores_of(self, rows: Rows, query: Floats) -> Floats:
        """Cosines of some rows with a query; shape (len(rows),)."""
        query = np.ascontiguousarray(query, np.float32)
        found = np.empty(len(rows), np.float32)
        room = np.empty((min(_BLOCK, len(rows)), self._dimension), np.float32)
        for segment, places, inside in self._by_segment(rows):
            for start in range(0, len(places), _BLOCK):
                part = slice(start, start + _BLOCK)
                found[places[part]] = segment.scores_of(inside[part], query, room)
        return found

    def vectors(self, rows: Rows) -> Floats:
        """Embeddings of some rows; shape (len(rows), dimension)."""
        found = np.empty((len(rows), self._dimension), np.float32)
        for segment, places, inside in self._by_segment(rows):
            found[places] = segment.take(inside)
        return found

    def _by_segment(self, rows: Rows) -> Iterator[tuple[_Segment, Rows, Rows]]:
        """Each segment that holds some of the rows: their places in `rows`, and in the segment."""
        if len(self._segments) == 1:
            yield self._segments[0], np.arange(len(rows)), rows
            return
        order = np.argsort(rows, kind="stable")
        ends = np.searchsorted(rows[order], np.arange(len(self._segments) + 1) * self._size)
        for i, segment in enumerate(self._segments):
            if ends[i] < ends[i + 1]:
                places = order[ends[i] : ends[i + 1]]
                yield segment, places, rows[places] - i * self._size

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False; the others keep their order.

        Each segment is given back as soon as its rows are taken over.
        """
        old, self._segments, self._count = self._segments[::-1], [], 0
        for start in range(0, len(keep), self._size):
            chosen = np.flatnonzero(keep[start : start + self._size])
            segment = old.pop()
            for first in range(0, len(chosen), _BLOCK):
                self.add(segment.take(chosen[first : first + _BLOCK]))


class _Whole:
    """Room for some rows in float32."""

    def __init__(self, rows: int, dimension: int) -> None:
        self._rows = np.empty((rows, dimension), np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        return self._rows.nbytes

    def put(self, start: int, embeddings: Floats) -> None:
        self._rows[start : start + len(embeddings)] = embeddings

    def take(self, rows: Rows | slice) -> Floats:
        return self._rows[rows]

    def scores(self, query: Floats, out: Floats) -> None:
        np.vecdot(self._rows[: len(out)], query, out=out)

    def scores_of(self, rows: Rows, query: Floats, room: Floats) -> Floats:
        taken = self._rows.take(rows, 0, out=room[: len(rows)], mode="clip")
        found: Floats = np.vecdot(taken, query)
        return found


class _Packed:
    """Room for some rows in 16 bits a number, each with a scale of its own, and their signs."""

    def __init__(self, rows: int, dimension: int) -> None:
        self._codes = np.empty((rows, dimension), np.int16)
        self._scales = np.empty(rows, np.float32)
        self._signs = np.empty((-(-dimension // 64), rows), np.uint64)

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def nbytes(self) -> int:
        return self._codes.nbytes + self._scales.nbytes + self._signs.nbytes

    def put(self, start: int, embeddings: Floats) -> None:
        for first in range(0, len(embeddings), _BLOCK):
            part = embeddings[first : first + _BLOCK]
            here = slice(start + first, start + first + len(part))
            largest = np.abs(part).max(1, initial=0)
            scales = np.where(largest > 0, largest / np.float32(_FULL), np.float32(1))
            self._codes[here] = np.rint(part / scales[:, None])
            self._scales[here] = scales
            self._signs[:, here] = _bits(self._codes[here] >= 0)

    def take(self, rows: Rows | slice) -> Floats:
        found = self._codes[rows].astype(np.float32)
        found *= self._scales[rows][:, None]
        return found

    def scores(self, query: Floats, out: Floats) -> None:
        for start in range(0, len(out), _BLOCK):
            part = slice(start, min(start + _BLOCK, len(out)))
            np.vecdot(self._codes[part].astype(np.float32), query, out=out[part])
        out *= self._scales[: len(out)]

    def scores_of(self, rows: Rows, query: Floats, room: Floats) -> Floats:
        wide = room[: len(rows)]
        wide[:] = self._codes.take(rows, 0)
        found: Floats = np.vecdot(wide, query)
        found *= self._scales[rows]
        return found

    def distances(self, signs: NDArray[np.uint64], out: NDArray[np.uint16]) -> None:
        differs = np.empty(len(out), np.uint64)
        count, some = np.empty((2, len(out)), np.uint8)
        out[:] = 0
        for first in range(0, len(signs), _WORDS_A_BYTE):
            some[:] = 0
            for word in range(first, min(first + _WORDS_A_BYTE, len(signs))):
                np.bitwise_xor(self._signs[word, : len(out)], signs[word], out=differs)
                some += np.bitwise_count(differs, out=count)
            out += some


_Segment = _Whole | _Packed


def cosines_between(vectors: Floats) -> Floats:
    """Cosines of some embeddings with each other; shape (n, n).

    Taken in blocks so small that OpenBLAS does each in the calling thread.
    """
    count, dimension = vectors.shape
    size = max(1, math.isqrt(_ONE_THREAD // dimension))
    blocks = -(-count // size)
    padded = np.zeros((blocks * size, dimension), np.float32)
    padded[:count] = vectors
    rows = padded.reshape(blocks, size, dimension)
    found = np.empty((blocks, size, blocks, size), np.float32)
    for i in range(blocks):
        found[i, :, i:] = (rows[i] @ rows[i:].transpose(0, 2, 1)).transpose(1, 0, 2)
        found[i:, :, i] = found[i, :, i:].transpose(1, 2, 0)
    return found.reshape(len(padded), len(padded))[:count, :count]


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Rows of truth values as words of 64 bits, shape (words, n); the last one ends in zeros."""
    wide = np.zeros((len(flags), -(-flags.shape[1] // 64) * 8), np.uint8)
    packed = np.packbits(flags, axis=1)
    wide[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(wide.view(np.uint64).T)
