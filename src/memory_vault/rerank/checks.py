"""What every reranker refuses: input that is not text, scores that are not numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..embed.checks import as_floats
from ..embed.runtime import refusing_surrogates
from ..errors import BackendError, InvalidInput

if TYPE_CHECKING:
    from . import Reranker, Scores


def check_input(query: str, texts: Sequence[str], max_chars: int) -> tuple[str, list[str]]:
    """The question and the texts, each cut to what a window could hold at the very most.

    Cutting by characters first keeps a text of a million from being split into tokens of which
    all but the first few hundred are thrown away.

    Raises:
        InvalidInput: If something is not a string, or holds a lone surrogate.
    """
    if isinstance(texts, str):
        raise InvalidInput("texts: give a list of strings, not one string")
    checked = list(texts)
    if not isinstance(query, str) or not all(isinstance(text, str) for text in checked):
        raise InvalidInput("query and texts: each must be a string")
    query, checked = query[:max_chars], [text[:max_chars] for text in checked]
    with refusing_surrogates():
        for one in (query, *checked):
            one.encode()
    return query, checked


def check_scores(scores: Scores) -> Scores:
    """The scores, if each is a number that can be compared.

    Raises:
        BackendError: If one is infinite or not a number.
    """
    import numpy as np

    if not np.isfinite(scores).all():
        raise BackendError("the reranker gave a score that is not finite: its model is damaged")
    return scores


class CheckedReranker:
    """A reranker that is not this library's own, with all that it gives checked.

    Args:
        inner: What scores; it is opened and closed with this one.
    """

    def __init__(self, inner: Reranker) -> None:
        self.inner: Reranker = inner

    def __repr__(self) -> str:
        return repr(self.inner)

    async def open(self) -> None:
        """Open the reranker inside."""
        await self.inner.open()

    async def close(self) -> None:
        """Close the reranker inside."""
        await self.inner.close()

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,).

        Raises:
            BackendError: If there is not exactly one finite score for each text.
        """
        scores = as_floats(await self.inner.rerank(query, texts), "the reranker")
        if scores.shape != (len(texts),):
            raise BackendError(
                f"the reranker gave scores of shape {scores.shape} for {len(texts)} texts: "
                f"{(len(texts),)} is one for each"
            )
        return check_scores(scores)
