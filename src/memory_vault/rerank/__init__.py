"""What a reranker is: a question and texts in, one score a text out, higher is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]


@runtime_checkable
class Reranker(Protocol):
    """Reads a question together with each text and says how well the text answers it.

    Promises, each a test in testing/reranker_suite.py:
    1. `rerank` returns float32, shape (n,): one finite score a text, in the order of the texts;
       higher is better. Scores of two questions, or of two rerankers, share no scale.
    2. A score depends on the question and its text only: alone, in any batch and in any order it
       is the same within 1e-4, or 1e-4 of its size.
    3. No texts give shape (0,).
    4. A text or question longer than the model's window is read from its start as far as the
       window goes; it is never refused.
    5. A cancelled call leaves the reranker usable. `open` and `close` may be called repeatedly,
       from any task; used while closed, it opens by itself. Several callers may come at once.
    6. It never blocks the event loop, on asyncio or trio.
    """

    async def open(self) -> None:
        """Get ready: load the model, or make the client.

        Raises:
            ModelNotInstalled: If a model's files are missing or damaged.
            ConfigError: If an optional package is missing.
        """
        ...

    async def close(self) -> None:
        """Give back what this object holds. Repeatable."""
        ...

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score each text as an answer to the question; shape (n,), score i for text i.

        Raises:
            InvalidInput: If something given is not text.
            BackendError: If the model or the service fails.
        """
        ...
