"""Reranks with a service over HTTP: Cohere, Jina, Voyage, text-embeddings-inference, or alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from anyio import to_thread

from .._http import Advice, Service, at_least
from ..errors import ConfigError
from .checks import check_input
from .styles import STYLES, Style, StyleName

if TYPE_CHECKING:
    from . import Scores

_MAX_CHARS = 32_000
"""Characters of one text that are sent: more than any service reads of it."""
_WRONG_STYLE = "the model's name or the style may be wrong for this service"
_ADVICE = Advice(
    "reranker_api_key",
    {
        400: _WRONG_STYLE,
        404: "give the whole address, with its path",
        413: "lower rerank_top, or per_request",
        422: _WRONG_STYLE,
    },
)


class HttpReranker:
    """Scores texts by a service. Question and texts leave the machine; nothing else does.

    What may pass by itself (no connection, status 429, 5xx) is tried again after a pause that
    doubles, or that the service names in `Retry-After`, within one deadline for the whole call.

    Args:
        url: The whole address that takes the question, such as "http://127.0.0.1:8080/rerank".
        style: How the service wants to be talked to: "cohere", "jina", "voyage" or "tei".
        model: The service's name for a model; None where it has only one.
        api_key: Sent as a bearer token. In no repr, error or log.
        timeout_s: Seconds for one call of `rerank`, all its requests and pauses counted.
        attempts: Times that one request is sent at most.
        per_request: Texts of one request; None for what services of that style accept.
    """

    def __init__(
        self,
        url: str,
        *,
        style: StyleName,
        model: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        attempts: int = 4,
        per_request: int | None = None,
    ) -> None:
        self._service = Service(
            url, advice=_ADVICE, api_key=api_key, timeout_s=timeout_s, attempts=attempts
        )
        self._style: Style = _check_style(style)
        self._model = model
        most = self._style.per_request if per_request is None else per_request
        self._per_request = int(at_least("per_request", most, 1))

    def __repr__(self) -> str:
        return f"HttpReranker({self._service.where!r}, model={self._model!r})"

    async def open(self) -> None:
        """Make the client; the service is not asked."""
        await self._service.open()

    async def close(self) -> None:
        """Close the connections of this event loop; the next use makes new ones."""
        await self._service.close()

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,). Texts beyond what one request takes go into further ones.

        Raises:
            BackendUnavailable: If the service was not reached, or not within the time.
            ReplyRefused: If it answered with an error, or with something that is no answer.
        """
        import numpy as np

        query, texts = check_input(query, texts, _MAX_CHARS)
        parts = [np.empty(0, np.float32)]
        with self._service.deadline() as deadline:
            for start in range(0, len(texts), self._per_request):
                group = texts[start : start + self._per_request]
                body = await to_thread.run_sync(self._style.write, query, group, self._model)
                reply = await self._service.ask(body, deadline)
                parts.append(self._style.read(reply, len(group), self._service.where))
        return np.concatenate(parts)


def _check_style(style: str) -> Style:
    if style not in STYLES:
        names = ", ".join(map(repr, get_args(StyleName)))
        raise ConfigError(f"style={style!r}: give one of {names}")
    return STYLES[style]
