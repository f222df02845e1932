"""What is done with the collection of a part, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendError, NotFound
from ..index import Found, Mark
from .client import translate

T = TypeVar("T")

_MARK = "memory-vault"
_SPACE = {"hnsw": {"space": "cosine"}}
PAGE = 1_000
"""Embeddings, or names, of one request at most."""

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]


def _ids(numbers: Numbers) -> list[str]:
    return list(map(str, numbers.tolist()))


def _numbers(ids: Sequence[str]) -> Numbers:
    try:
        return np.array([int(one) for one in ids], np.int64)
    except ValueError:
        raise BackendError("an index holds ids that are none of ours: it is built anew") from None


class Collections:
    """What both kinds share; `_client` gives the client of a part, `_name` its collection."""

    name: str

    @contextmanager
    def _client(self, part: str, *, create: bool = False) -> Iterator[Any]:
        raise NotImplementedError

    def _name(self, part: str) -> str:
        raise NotImplementedError

    def drop(self, part: str) -> None:
        """Remove a part."""
        raise NotImplementedError

    def _on(self, part: str, work: Callable[[Any], T]) -> T:
        """Do something with the collection of a part.

        Raises:
            NotFound: If there is none, or it goes meanwhile.
        """

        def run() -> T:
            with self._client(part) as client:
                return work(client.get_collection(self._name(part), embedding_function=None))

        return translate(self.name, run)

    def _on_any(self, part: str, work: Callable[[Any], T], otherwise: T) -> T:
        """The same, with an answer for a part that is not there."""
        try:
            return self._on(part, work)
        except NotFound:
            return otherwise

    def begin(self, part: str, mark: Mark) -> None:
        """Make an empty part, in place of one that is there."""
        self.drop(part)

        def create() -> None:
            with self._client(part, create=True) as client:
                client.create_collection(
                    self._name(part),
                    configuration=_SPACE,
                    metadata={_MARK: str(mark)},
                    embedding_function=None,
                )

        translate(self.name, create)

    def mark(self, part: str) -> Mark | None:
        """The mark of a part; None if there is none, or its mark is none of ours."""
        return self._on_any(part, _mark, None)

    def set_mark(self, part: str, mark: Mark) -> None:
        """Note how far it has come."""
        self._on(part, lambda found: found.modify(metadata={_MARK: str(mark)}))

    def put(self, part: str, numbers: Numbers, embeddings: Floats) -> None:
        """Add embeddings; those of known numbers are replaced."""

        def put(found: Any) -> None:
            for start in range(0, len(numbers), PAGE):
                page = slice(start, start + PAGE)
                found.upsert(ids=_ids(numbers[page]), embeddings=embeddings[page])

        self._on(part, put)

    def delete(self, part: str, numbers: Numbers) -> None:
        """Take embeddings out."""

        def delete(found: Any) -> None:
            for start in range(0, len(numbers), PAGE):
                found.delete(ids=_ids(numbers[start : start + PAGE]))

        self._on(part, delete)

    def search(self, part: str, embedding: Floats, limit: int) -> Found | None:
        """The chunks nearest to an embedding."""

        def search(found: Any) -> Found | None:
            mark = _mark(found)
            if mark is None:
                return None
            answer = found.query(
                query_embeddings=embedding[None], n_results=limit, include=["distances"]
            )
            near = 1 - np.array(answer["distances"][0], np.float32)
            return Found(mark, _numbers(answer["ids"][0]), near)

        return self._on_any(part, search, None)

    def count(self, part: str) -> int:
        """How many embeddings there are."""
        return self._on_any(part, lambda found: int(found.count()), 0)

    def numbers(self, part: str) -> Numbers:
        """All numbers there are, ascending."""

        def numbers(found: Any) -> Numbers:
            return np.sort(_numbers(found.get(include=[])["ids"]))

        return self._on(part, numbers)

    def embeddings(self, part: str, numbers: Numbers) -> tuple[Numbers, Floats]:
        """Of these numbers those that are there, ascending, and their embeddings."""

        def embeddings(found: Any) -> tuple[Numbers, Floats]:
            held = found.get(ids=_ids(numbers), include=["embeddings"])
            there = _numbers(held["ids"])
            order = np.argsort(there)
            return there[order], np.array(held["embeddings"], np.float32)[order]

        nothing = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        return self._on(part, embeddings) if len(numbers) else nothing


def _mark(collection: Any) -> Mark | None:
    return Mark.parse((collection.metadata or {}).get(_MARK))
