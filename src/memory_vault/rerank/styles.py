"""How services for reranking want to be asked, and how they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ReplyRefused

if TYPE_CHECKING:
    from . import Scores

StyleName = Literal["cohere", "jina", "voyage", "tei"]


@dataclass(frozen=True, slots=True)
class Style:
    """The names that one family of services uses.

    Attributes:
        texts: Field of the request that holds the texts.
        score: Field of a result that holds its score; `index` says whose it is.
        results: Field of the reply that holds the results; None if the reply is their list.
        count: Field that asks for so many results; None if there is none.
        fixed: Fields that are always sent.
        per_request: Texts that one request may hold.
    """

    texts: str
    score: str
    results: str | None
    count: str | None
    fixed: Mapping[str, object] = field(default_factory=dict)
    per_request: int = 100

    def write(self, query: str, texts: list[str], model: str | None) -> bytes:
        """The body of a request. Blocking: texts may be long."""
        body: dict[str, object] = {"query": query, self.texts: texts, **self.fixed}
        if model is not None:
            body["model"] = model
        if self.count is not None:
            body[self.count] = len(texts)
        return json.dumps(body, ensure_ascii=False).encode()

    def read(self, reply: Any, n: int, where: str) -> Scores:
        """Scores in the order of the texts, from results in any order.

        Raises:
            ReplyRefused: If there is not exactly one finite score for each text.
        """
        import numpy as np

        scores = np.full(n, np.nan)
        try:
            results = reply if self.results is None else reply[self.results]
            for one in results:
                scores[_place(one["index"])] = _number(one[self.score])
        except (TypeError, KeyError, ValueError, IndexError, OverflowError) as error:
            raise ReplyRefused(f"{where} answered with something that is no ranking") from error
        largest = np.finfo(np.float32).max
        if len(results) != n or not (np.abs(scores) <= largest).all():
            raise ReplyRefused(
                f"{where} answered with {len(results)} results for {n} texts, or with a score that "
                "is not finite"
            )
        return scores.astype(np.float32)


def _place(index: Any) -> int:
    if type(index) is not int or index < 0:
        raise ValueError("index")
    return index


def _number(score: Any) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise TypeError("score")
    return float(score)


_NO_TEXTS = {"return_documents": False}

STYLES: Mapping[str, Style] = {
    "cohere": Style("documents", "relevance_score", "results", "top_n"),
    "jina": Style("documents", "relevance_score", "results", "top_n", _NO_TEXTS),
    "voyage": Style("documents", "relevance_score", "data", "top_k", _NO_TEXTS),
    "tei": Style("texts", "score", None, None, {"raw_scores": True, "truncate": True}, 32),
}
"""By the name in the settings. "tei" is Hugging Face's text-embeddings-inference, whose default
for one request is 32 texts."""
