"""An outer index in memory that is exact: a model for the others, and a part for tests."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError, NotFound
from ..storage.index import Found, Mark
from ..storage.index.dense import DenseMatrix


class _Part:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.numbers = np.zeros(0, np.int64)
        self.rows: DenseMatrix | None = None
        self.dimension = 0


class MatrixIndex:
    """`DenseMatrix` as a `VectorIndex`: what it holds is there for as long as the object is.

    Attributes:
        trouble: Raised by every call, if set.
    """

    name: str = "matrix"
    outside: str = ""

    def __init__(self, *, is_shared: bool = True) -> None:
        self.is_shared: bool = is_shared
        self.trouble: BackendError | None = None
        self._lock = threading.Lock()
        self._held: dict[str, _Part] = {}

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def parts(self, prefix: str) -> list[str]:
        """Names of the parts there are that begin with this."""
        return sorted(part for part in self._parts() if part.startswith(prefix))

    def begin(self, part: str, mark: Mark) -> None:
        """Make an empty part, in place of one that is there."""
        with self._lock:
            self._parts()[part] = _Part(mark)

    def drop(self, part: str) -> None:
        """Remove a part."""
        with self._lock:
            self._parts().pop(part, None)

    def mark(self, part: str) -> Mark | None:
        """The mark of a part."""
        held = self._parts().get(part)
        return None if held is None else held.mark

    def set_mark(self, part: str, mark: Mark) -> None:
        """Note how far it has come."""
        with self._lock:
            self._part(part).mark = mark

    def put(self, part: str, numbers: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Add embeddings; those of known numbers are replaced."""
        with self._lock:
            held = self._part(part)
            self._keep(held, ~np.isin(held.numbers, numbers))
            if held.rows is None:
                held.rows, held.dimension = DenseMatrix(embeddings.shape[1]), embeddings.shape[1]
            if embeddings.shape[1] != held.dimension:
                raise BackendError("these embeddings are of another length than those before")
            held.rows.add(embeddings)
            held.numbers = np.concatenate([held.numbers, numbers])

    def delete(self, part: str, numbers: NDArray[np.int64]) -> None:
        """Take embeddings out."""
        with self._lock:
            held = self._part(part)
            self._keep(held, ~np.isin(held.numbers, numbers))

    def search(self, part: str, embedding: NDArray[np.float32], limit: int) -> Found | None:
        """The chunks nearest to an embedding."""
        with self._lock:
            held = self._parts().get(part)
            if held is None:
                return None
            if held.rows is None:
                return Found(held.mark, np.zeros(0, np.int64), np.zeros(0, np.float32))
            scores = held.rows.scores(embedding)
            best = np.argsort(-scores, kind="stable")[:limit]
            return Found(held.mark, held.numbers[best], scores[best])

    def count(self, part: str) -> int:
        """How many embeddings there are."""
        held = self._parts().get(part)
        return 0 if held is None else len(held.numbers)

    def numbers(self, part: str) -> NDArray[np.int64]:
        """All numbers there are, ascending."""
        with self._lock:
            return np.sort(self._part(part).numbers)

    def embeddings(
        self, part: str, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Of these numbers those that are there, ascending, and their embeddings."""
        with self._lock:
            held = self._part(part)
            there = np.flatnonzero(np.isin(held.numbers, numbers))
            there = there[np.argsort(held.numbers[there])]
            rows = np.zeros((0, 0), np.float32) if held.rows is None else held.rows.vectors(there)
            return held.numbers[there], rows

    def files(self, part: str) -> list[Path]:
        """There are none."""
        return []

    def _parts(self) -> dict[str, _Part]:
        if self.trouble is not None:
            raise self.trouble
        return self._held

    def _part(self, part: str) -> _Part:
        found = self._parts().get(part)
        if found is None:
            raise NotFound(f"no part {part}")
        return found

    @staticmethod
    def _keep(held: _Part, keep: NDArray[np.bool_]) -> None:
        if held.rows is not None:
            held.rows.compact(keep)
            held.numbers = held.numbers[keep]
