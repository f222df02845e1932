"""What an embedder is: text in, unit vectors out, and a name for the space they live in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Names a vector space: embeddings may be compared only within one.

    Attributes:
        model: The model's name, such as "all-MiniLM-L6-v2".
        revision: What fixes its weights: a hash, a commit, or a service's version.
        dimension: Length of an embedding.
        precision: "float32", or for anything else a word with the hash of the graph.
    """

    model: str
    revision: str
    dimension: int
    precision: str

    def __str__(self) -> str:
        return f"{self.model}@{self.revision}/{self.dimension}/{self.precision}"


def dimension_of(fingerprint: str) -> int:
    """Length of an embedding of the space that `str` of a fingerprint names."""
    return int(fingerprint.rsplit("/", 2)[1])


@runtime_checkable
class Embedder(Protocol):
    """Turns text into embeddings: float32, unit length.

    Promises, each a test in testing/embedder_suite.py:
    1. `embed` returns shape (n, dimension), row i for text i, every row of length 1 within 1e-5.
    2. A row does not depend on the texts beside it: alone or in any batch it is the same within
       1e-5 in every component.
    3. The same text gives the same embedding in another process.
    4. `token_spans` gives the (start, stop) character spans of a text's tokens, in order, not
       overlapping, within the text; of ASCII, each has a character at least. A text of at most
       `window` tokens is embedded whole.
    5. No texts give shape (0, dimension). An empty string is embedded like any other.
    6. A cancelled call leaves the embedder usable. `open` and `close` may be called repeatedly.
    7. It never blocks the event loop, on asyncio or trio.
    """

    @property
    def fingerprint(self) -> Fingerprint:
        """The space of its embeddings. Known before `open`, or raises `ModelNotInstalled`."""
        ...

    @property
    def window(self) -> int:
        """Tokens of a text that one embedding can take in, special tokens not counted."""
        ...

    async def open(self) -> None:
        """Load the model, once a process.

        Raises:
            ModelNotInstalled: If its files are missing or damaged.
        """
        ...

    async def close(self) -> None:
        """Give back what this object holds. Repeatable."""
        ...

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, dimension), row i for text i.

        Text above the window is cut: callers split first, by `token_spans`.
        """
        ...

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question ahead of waiting documents; shape (dimension,)."""
        ...

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of a text's tokens. Blocking: call it in a worker thread.

        Raises:
            ModelNotInstalled: If called before `open` and the files are missing.
        """
        ...
