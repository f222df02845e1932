"""A service that reranks as those of one style do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from memory_vault.rerank.styles import STYLES
from memory_vault.testing.rerankers import OverlapReranker

from .http_service import Reply, Service, running

__all__ = ["Reply", "Service", "serving"]


@contextmanager
def serving(name: str = "tei") -> Iterator[Service]:
    """A running service."""
    style = STYLES[name]

    def rank(_: str, request: dict[str, Any]) -> Any:
        """Word overlap, worst first: services answer in an order of their own."""
        scores = OverlapReranker()._score(request["query"], request[style.texts])
        places = sorted(range(len(scores)), key=lambda i: scores[i])
        results = [{"index": i, style.score: scores[i]} for i in places]
        return results if style.results is None else {style.results: results, "model": "m"}

    with running(rank, "/rerank") as service:
        yield service
