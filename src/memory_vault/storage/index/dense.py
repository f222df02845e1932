"""Exact search: every embedding of one user in a matrix of fixed segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEGMENT = 4096
"""Rows a segment: growing never copies what is there."""


class DenseMatrix:
    """Embeddings in order of adding; see `DenseIndex` for the promises.

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
        """Bytes of memory held."""
        return sum(segment.nbytes for segment in self._segments)

    def add(self, embeddings: NDArray[np.float32]) -> None:
        """Append rows; shape (n, dimension), unit length."""
        done = 0
        while done < len(embeddings):
            start = self._count % _SEGMENT
            if start == 0 and self._count == len(self._segments) * _SEGMENT:
                self._segments.append(np.empty((_SEGMENT, self._dimension), np.float32))
            part = embeddings[done : done + _SEGMENT - start]
            self._segments[self._count // _SEGMENT][start : start + len(part)] = part
            self._count += len(part)
            done += len(part)

    def scores(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of every row with a query of shape (dimension,); shape (n,)."""
        found = np.empty(self._count, np.float32)
        for i, segment in enumerate(self._segments):
            start = i * _SEGMENT
            stop = min(start + _SEGMENT, self._count)
            np.dot(segment[: stop - start], query, out=found[start:stop])
        return found

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeddings of some rows; shape (len(numbers), dimension)."""
        found = np.empty((len(numbers), self._dimension), np.float32)
        for i, number in enumerate(numbers.tolist()):
            found[i] = self._segments[number // _SEGMENT][number % _SEGMENT]
        return found

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False; the others keep their order."""
        old, self._segments, self._count = self._segments, [], 0
        for i, segment in enumerate(old):
            chosen = keep[i * _SEGMENT : (i + 1) * _SEGMENT]
            self.add(segment[: len(chosen)][chosen])
