"""How services for embeddings want to be asked, and how they answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ReplyRefused

if TYPE_CHECKING:
    from . import Embeddings

StyleName = Literal["openai", "ollama", "tei"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a service says of itself, as far as it says it.

    Attributes:
        model: The model's name.
        revision: What fixes its weights.
        window: Tokens of one text.
        texts: Texts of one request.
    """

    model: str | None = None
    revision: str | None = None
    window: int | None = None
    texts: int | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """The names that one family of services uses.

    Attributes:
        path: How the address ends that takes texts.
        texts: Field of the request that holds the texts.
        fixed: Fields that are always sent.
        per_request: Texts that one request may hold, when the service does not say.
        rows: Finds the list of embeddings in a reply, in the order of the texts.
        about: Path beside `path` at which the service tells of itself; None if there is none.
        told: Reads what it tells there about a model.
    """

    path: str
    texts: str
    fixed: Mapping[str, object]
    per_request: int
    rows: Callable[[Any], list[Any]]
    about: str | None = None
    told: Callable[[Any, str | None], Told] = lambda _, model: Told(model)

    def write(
        self, texts: list[str], model: str | None, dimension: int | None, *, plain: bool
    ) -> bytes:
        """The body of a request. Blocking: texts may be long.

        Args:
            plain: Whether numbers are to be sent as such, not as base64.
        """
        body: dict[str, object] = {self.texts: texts, **self.fixed}
        if plain:
            body.pop("encoding_format", None)
        if model is not None:
            body["model"] = model
        if dimension is not None:
            body["dimensions"] = dimension
        return json.dumps(body, ensure_ascii=False).encode()

    def read(self, reply: Any, n: int, where: str) -> Embeddings:
        """Embeddings of length 1, shape (n, dimension), row i for text i. Blocking.

        Raises:
            ReplyRefused: If there is not exactly one for each text, all of one length, or one that
                is not finite or has no direction.
        """
        import numpy as np

        try:
            rows = [_numbers(row) for row in self.rows(reply)]
        except (TypeError, KeyError, ValueError, IndexError, OverflowError) as error:
            raise ReplyRefused(f"{where} answered with something that are no embeddings") from error
        if len(rows) != n:
            raise ReplyRefused(f"{where} answered with {len(rows)} embeddings for {n} texts")
        if len({len(row) for row in rows}) > 1 or not len(rows[0]):
            raise ReplyRefused(f"{where} answered with embeddings of several lengths, or of none")
        whole = np.stack(rows)
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.linalg.norm(whole, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or norms.min() < 1e-12:
            raise ReplyRefused(f"{where} answered with an embedding that is not finite, or is zero")
        unit: Embeddings = (whole / norms).astype(np.float32)
        return unit


def _numbers(row: Any) -> Any:
    """One embedding: a list of numbers, or base64 of float32, little endian."""
    import numpy as np

    if isinstance(row, str):
        return np.frombuffer(base64.b64decode(row, validate=True), "<f4").astype(np.float64)
    found = np.array(row)
    if not isinstance(row, list) or found.ndim != 1 or found.dtype.kind not in "fi":
        raise TypeError("embedding")
    return found.astype(np.float64)


def _openai_rows(reply: Any) -> list[Any]:
    """By `index`: services may answer in an order of their own."""
    rows: dict[int, Any] = {}
    for one in reply["data"]:
        index = one["index"]
        if type(index) is not int or index in rows:
            raise ValueError("index")
        rows[index] = one["embedding"]
    return [rows[i] for i in range(len(rows))]


def _tei_rows(reply: Any) -> list[Any]:
    if not isinstance(reply, list):
        raise TypeError("embeddings")
    return reply


def _tei_told(reply: Any, model: str | None) -> Told:
    return Told(
        _text(reply["model_id"]) or model,
        _text(reply.get("model_sha")),
        _count(reply.get("max_input_length")),
        _count(reply.get("max_client_batch_size")),
    )


def _ollama_told(reply: Any, model: str | None) -> Told:
    for one in reply["models"]:
        if one["name"] in (model, f"{model}:latest"):
            return Told(model, _text(one.get("digest")))
    return Told(model)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


STYLES: Mapping[str, Style] = {
    "openai": Style("/embeddings", "input", {"encoding_format": "base64"}, 64, _openai_rows),
    "ollama": Style(
        "/api/embed",
        "input",
        {"truncate": False},
        16,
        lambda reply: list(reply["embeddings"]),
        "/api/tags",
        _ollama_told,
    ),
    "tei": Style(
        "/embed",
        "inputs",
        {"truncate": False, "normalize": True},
        32,
        _tei_rows,
        "/info",
        _tei_told,
    ),
}
"""By the name in the settings. "tei" is Hugging Face's text-embeddings-inference. Ollama counts the
tokens of a whole request against the model's window in some versions, so it is sent few at once.
OpenAI would take 2,048, but reading so many numbers at once would hold up the event loop."""
