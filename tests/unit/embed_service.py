"""Services that embed as their documentation says, by hashing words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from memory_vault.testing.embedders import HashEmbedder

from .http_service import Reply, Service, running

PATHS = {"openai": "/v1/embeddings", "ollama": "/api/embed", "tei": "/embed"}
MODELS = {"openai": "text-embedding-3-small", "ollama": "all-minilm", "tei": None}
WINDOWS = {"openai": 2048, "ollama": 2048, "tei": 512}
DIGEST = "797b70c4edf85907fe0a49eb85811256f65fa0f7bf52166b147fd16be2be4662"
SHA = "fca14538aa9956a46526bd1d0d11d69e19b5a101"


@dataclass
class Model:
    """What runs behind a service, and how strict it is.

    Attributes:
        window: Tokens of one text; the tokenizer behind it makes one of each byte, the most that
            any makes.
        takes_base64: Whether it knows `encoding_format`.
    """

    dimension: int = 64
    window: int = 2048
    takes_base64: bool = True
    name: str | None = None

    def refuse(self, texts: list[str], most: int) -> Reply | None:
        if not texts or "" in texts:
            return Reply(400, b'{"error": {"message": "input cannot be an empty string"}}')
        if len(texts) > most:
            return Reply(422, b'{"error": "batch size > maximum allowed batch size"}')
        if max(len(text.encode()) + 2 for text in texts) > self.window:
            return Reply(413, b'{"error": "`inputs` must have less than 512 tokens. Given: 600"}')
        return None

    def rows(self, texts: list[str], dimension: int | None) -> np.ndarray:
        """Not of length 1: not all models care."""
        embedder = HashEmbedder(dimension or self.dimension, window=2048)
        return np.stack([embedder._embed_one(text) * np.float32(1.5) for text in texts])


def openai(model: Model, _: str, request: dict[str, Any]) -> Any:
    texts = request["input"]
    if (refused := model.refuse(texts, 2048)) is not None:
        return refused
    if not model.takes_base64 and "encoding_format" in request:
        return Reply(400, b'{"error": {"message": "unknown parameter: encoding_format"}}')
    rows = model.rows(texts, request.get("dimensions"))
    as_text = request.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": i,
            "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode()
            if as_text
            else row.tolist(),
        }
        for i, row in enumerate(rows)
    ]
    return {
        "object": "list",
        "data": data[::-1],  # an order of its own
        "model": model.name or request["model"],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }


def ollama(model: Model, path: str, request: dict[str, Any] | None) -> Any:
    if path == "/api/tags":
        return {
            "models": [
                {"name": "other:latest", "digest": "0" * 64},
                {"name": "all-minilm:latest", "digest": DIGEST},
            ]
        }
    texts = request["input"]
    if (refused := model.refuse(texts, 512)) is not None:
        refused.body = b'{"error": "the input length exceeds the context length"}'
        return refused
    rows = model.rows(texts, request.get("dimensions"))
    return {"model": request["model"], "embeddings": rows.tolist(), "prompt_eval_count": 8}


def tei(model: Model, path: str, request: dict[str, Any] | None) -> Any:
    if path == "/info":
        return {
            "model_id": model.name or "thenlper/gte-base",
            "model_sha": SHA,
            "model_dtype": "float16",
            "model_type": {"embedding": {"pooling": "mean"}},
            "max_input_length": model.window,
            "max_client_batch_size": 8,
            "auto_truncate": False,
        }
    texts = request["inputs"]
    if (refused := model.refuse(texts, 8)) is not None:
        return refused
    return model.rows(texts, request.get("dimensions")).tolist()


@contextmanager
def serving(style: str, model: Model | None = None) -> Iterator[Service]:
    """A running service of a style."""
    own = model or Model(window=WINDOWS[style])
    answers = {"openai": openai, "ollama": ollama, "tei": tei}
    with running(lambda path, request: answers[style](own, path, request), PATHS[style]) as service:
        yield service
