"""What an embedder of somebody else's gives, looked at where it comes in.

One row too few, or one that is not a number, would otherwise be met far from where it was made: in
a file, where no search finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BackendError

if TYPE_CHECKING:
    from . import Embedder, Embeddings, Fingerprint

_LEAST = 1e-24
"""A square of a length below which an embedding has no direction."""
_NEAR = 2e-3
"""As much may the square of a length differ from 1; an import accepts as much."""


def check_rows(found: object, n: int, dimension: int) -> Embeddings:
    """Embeddings as float32 of length 1, shape (n, dimension); those of another length are scaled.

    Raises:
        BackendError: If it is no array of that shape, or a row is not finite or has no direction.
    """
    import numpy as np

    rows = as_floats(found, "the embedder")
    if rows.shape != (n, dimension):
        raise BackendError(
            f"the embedder gave an array of shape {rows.shape} for {n} texts: {(n, dimension)} is "
            "what its fingerprint and the texts ask for"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
    if not np.isfinite(squares).all() or (squares < _LEAST).any():
        raise BackendError("the embedder gave an embedding that is not finite, or is zero")
    if (abs(squares - 1) > _NEAR).any():
        rows = rows / np.sqrt(squares)[:, None]
    return rows


def as_floats(found: object, who: str) -> Embeddings:
    """What somebody else's model gave, as an array of float32 of any shape.

    Raises:
        BackendError: If it cannot be one; the message says whose it is.
    """
    import numpy as np

    try:
        with np.errstate(over="ignore"):
            rows: Embeddings = np.asarray(found, np.float32)
    except (TypeError, ValueError) as error:
        raise BackendError(
            f"{who} gave a {type(found).__name__} that is no array of numbers"
        ) from error
    return rows


class CheckedEmbedder:
    """An embedder that is not this library's own, with all that it gives checked.

    Args:
        inner: What embeds; it is opened and closed with this one.
    """

    def __init__(self, inner: Embedder) -> None:
        self.inner: Embedder = inner
        self.is_remote: bool = bool(getattr(inner, "is_remote", False))

    def __repr__(self) -> str:
        return repr(self.inner)

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the embedder inside."""
        return self.inner.fingerprint

    @property
    def window(self) -> int:
        """That of the embedder inside."""
        return self.inner.window

    async def open(self) -> None:
        """Open the embedder inside."""
        await self.inner.open()

    async def close(self) -> None:
        """Close the embedder inside."""
        await self.inner.close()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, dimension).

        Raises:
            BackendError: If that is not what came.
        """
        found = await self.inner.embed(texts)
        return check_rows(found, len(texts), self.fingerprint.dimension)

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question; shape (dimension,).

        Raises:
            BackendError: If that is not what came.
        """
        found = as_floats(await self.inner.embed_query(text), "the embedder")
        row: Embeddings = check_rows(found[None], 1, self.fingerprint.dimension)[0]
        return row

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Those of the embedder inside."""
        return self.inner.token_spans(text)
