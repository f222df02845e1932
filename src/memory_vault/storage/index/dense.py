"""Exact search: every embedding of one user in a matrix of fixed segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEGMENT = 4096
"""Rows of a full segment: growing copies one segment at most, never what is before it."""
_LEAST = 64


class DenseMatrix:
    """Embeddings in order of adding; see `DenseIndex` for the promises.

    Every segment but the last has 4,096 rows; the last one starts small and doubles, so that a user
    with few memories takes few bytes.

    Args:
        dimension: Length of an embedding.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._segments: list[NDArray[np.float32]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, room to grow included."""
        return sum(segment.nbytes for segment in self._segments)

    def add(self, embeddings: NDArray[np.float32]) -> None:
        """Append rows; shape (n, dimension), unit length."""
        done = 0
        while done < len(embeddings):
            start = self._count % _SEGMENT
            part = embeddings[done : done + _SEGMENT - start]
            self._reserve(start, start + len(part))
            self._segments[-1][start : start + len(part)] = part
            self._count += len(part)
            done += len(part)

    def _reserve(self, used: int, rows: int) -> None:
        """Make the last segment hold `rows`, of which `used` are there; 0 starts a new one."""
        if not used:
            self._segments.append(np.empty((_room(rows), self._dimension), np.float32))
        elif rows > len(self._segments[-1]):
            wider = np.empty((_room(rows), self._dimension), np.float32)
            wider[:used] = self._segments[-1][:used]
            self._segments[-1] = wider

    def scores(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of every row with a query of shape (dimension,); shape (n,)."""
        query = np.ascontiguousarray(query, np.float32)
        found = np.empty(self._count, np.float32)
        for i, segment in enumerate(self._segments):
            start = i * _SEGMENT
            stop = min(start + _SEGMENT, self._count)
            np.dot(segment[: stop - start], query, out=found[start:stop])
        return found

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeddings of some rows; shape (len(rows), dimension)."""
        found = np.empty((len(rows), self._dimension), np.float32)
        for number in np.unique(rows // _SEGMENT).tolist():
            here = rows // _SEGMENT == number
            found[here] = self._segments[number][rows[here] % _SEGMENT]
        return found

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False; the others keep their order.

        Each segment is given back as soon as its rows are taken over.
        """
        old, self._segments, self._count = self._segments[::-1], [], 0
        for start in range(0, len(keep), _SEGMENT):
            chosen = keep[start : start + _SEGMENT]
            self.add(old.pop()[: len(chosen)][chosen])


def _room(rows: int) -> int:
    """Rows to reserve for so many: the next power of two, at most a full segment."""
    return min(_SEGMENT, max(_LEAST, 1 << (rows - 1).bit_length()))
