"""Embeds with a service over HTTP: OpenAI and what copies it, Ollama, text-embeddings-inference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from anyio import to_thread

from .._http import Advice, Service, at_least, complete_url
from ..errors import ConfigError, EmbedderMismatch, InvalidInput, ModelNotInstalled, ReplyRefused
from . import Fingerprint
from .pieces import cut, pieces, pieces_of
from .runtime import refusing_surrogates
from .styles import STYLES, Style, StyleName

if TYPE_CHECKING:
    from . import Embeddings

WINDOW_TOKENS = 2048
"""Tokens of one text at most, unless the settings say more: embeddings of longer ones say less."""
_REQUEST_CHARS = 60_000
"""Characters of one request: at four bytes each still fewer tokens than OpenAI takes."""
_BLANK = "."
"""Sent for a text of nothing but spaces, which services refuse."""
_TOO_LONG = re.compile(
    r"context.length|input.length|too (?:long|many tokens)|must have less than|maximum.{0,30}tokens"
    r"|larger than the max",
    re.IGNORECASE,
)
_REFUSES_TEXT = (400, 413, 422, 500)
"""How services refuse a text; Ollama did it with 500 once."""
_ADVICE = Advice(
    "embedder_api_key",
    {
        400: "the model's name, or embedder_dimension, may be wrong for this service",
        404: "give the service's address as it documents it, and a model that it has",
        422: "the style or embedder_dimension may be wrong for this service",
    },
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the service since it was first asked."""

    fingerprint: Fingerprint
    window: int
    texts: int


class HttpEmbedder:
    """Embeds by a service. The texts leave the machine, at saving and at recalling.

    When it opens, the service is asked once, for one embedding and for what it tells of its model;
    that gives the fingerprint. Each reply is checked against it. No tokenizer is at hand, so tokens
    here are pieces of up to four bytes, counted so that the service's window is never exceeded.
    Whether a row depends on its neighbours is up to the service: those that compute with fewer bits
    differ by a thousandth.

    Args:
        url: The service's address: "https://api.openai.com/v1", "http://127.0.0.1:11434", or with
            the path that takes texts.
        style: How the service wants to be talked to: "openai", "ollama" or "tei".
        model: The service's name for the model; None where it has only one.
        api_key: Sent as a bearer token. In no repr, error or log.
        dimension: What to ask for where the model gives embeddings of several lengths.
        window: Tokens of one text that the model takes; None for what the service tells, or 2,048.
        timeout_s: Seconds for one request, sent again or not.
        attempts: Times that one request is sent at most.
    """

    is_remote: bool = True
    """Jobs need not take turns with it; see `jobs/work.py`."""

    def __init__(
        self,
        url: str,
        *,
        style: StyleName,
        model: str | None = None,
        api_key: str | None = None,
        dimension: int | None = None,
        window: int | None = None,
        timeout_s: float = 60.0,
        attempts: int = 4,
    ) -> None:
        if style not in STYLES:
            names = ", ".join(map(repr, get_args(StyleName)))
            raise ConfigError(f"style={style!r}: give one of {names}")
        if model is None and style != "tei":
            raise ConfigError("model: give the service's name for it, behind a '#' in the setting")
        self._style: Style = STYLES[style]
        self._style_name, self._model, self._dimension = style, model, dimension
        self._given_window = None if window is None else int(at_least("window", window, 40))
        self._service = Service(
            complete_url(url, self._style.path),
            advice=_ADVICE,
            api_key=api_key,
            timeout_s=timeout_s,
            attempts=attempts,
        )
        self._is_plain = False
        self._known: _Known | None = None

    def __repr__(self) -> str:
        return f"HttpEmbedder({self._service.where!r}, model={self._model!r})"

    @property
    def fingerprint(self) -> Fingerprint:
        """By the model and revision that the service tells, else as it is configured.

        Raises:
            ModelNotInstalled: Before `open`.
        """
        if self._known is None:
            raise ModelNotInstalled(
                f"{self._service.where} was not asked yet for its fingerprint: open() first"
            )
        return self._known.fingerprint

    @property
    def window(self) -> int:
        """Pieces of up to four bytes that the model's window holds whatever they are."""
        if self._known is not None:
            return self._known.window
        return pieces_of(self._given_window or WINDOW_TOKENS)

    async def open(self) -> None:
        """Ask the service, once, for one embedding and what it tells of its model.

        Raises:
            BackendUnavailable: If it was not reached.
            ReplyRefused: If it answered with an error, or with something that is no embedding.
            ConfigError: If its model has another dimension than the settings say.
        """
        if self._known is None:
            self._known = await self._ask_who()

    async def close(self) -> None:
        """Close the connections of this event loop; the next use asks the service again."""
        self._known = None
        await self._service.close()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, dimension). One request after another.

        Raises:
            BackendUnavailable: If the service was not reached, or not within the time.
            ReplyRefused: If it answered with an error, or with something that are no embeddings.
            EmbedderMismatch: If another model answers than the one at `open`.
        """
        import numpy as np

        await self.open()
        known = self._known
        assert known is not None, "it was opened"
        checked = await to_thread.run_sync(_check, texts, known.window)
        groups = _groups(checked, known.texts)
        parts = [await self._embed(group, known.fingerprint) for group in groups]
        return np.concatenate([np.empty((0, known.fingerprint.dimension), np.float32), *parts])

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question, in a request of its own; shape (dimension,)."""
        rows = await self.embed([text])
        row: Embeddings = rows[0]
        return row

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of pieces of up to four bytes; the service is not asked."""
        return pieces(text)

    async def _embed(self, texts: list[str], expected: Fingerprint) -> Embeddings:
        rows, model = await self._rows(texts)
        if rows.shape[1] != expected.dimension:
            raise EmbedderMismatch(
                f"{self._service.where} answers with embeddings of {rows.shape[1]} numbers, before "
                f"it was {expected.dimension}: another model is behind it now"
            )
        if model is not None and model != expected.model:
            raise EmbedderMismatch(
                f"{self._service.where} answers with the model {model!r}, before it was "
                f"{expected.model!r}"
            )
        return rows

    async def _rows(self, texts: list[str]) -> tuple[Embeddings, str | None]:
        """Embeddings, and the model that the reply names."""
        plain = self._is_plain
        body = await to_thread.run_sync(self._write, texts, plain)
        with self._service.deadline() as deadline:
            reply = await self._service.ask(
                body, deadline, mend=lambda status, text: self._mend(texts, plain, status, text)
            )
            rows = await to_thread.run_sync(
                self._style.read, reply, len(texts), self._service.where
            )
        return rows, _model_of(reply)

    async def _ask_who(self) -> _Known:
        told = await self._ask_about()
        rows, model = await self._rows([_BLANK])
        given = self._dimension
        if given is not None and rows.shape[1] != given:
            raise ConfigError(
                f"{self._service.where} answers with embeddings of {rows.shape[1]} numbers: set "
                "embedder_dimension to that, or unset it"
            )
        fingerprint = Fingerprint(
            model or told.model or "unknown",
            (told.revision or self._style_name)[:12],
            rows.shape[1],
            "float32",
        )
        window = self._given_window or min(told.window or WINDOW_TOKENS, WINDOW_TOKENS)
        texts = min(told.texts or self._style.per_request, self._style.per_request)
        return _Known(fingerprint, pieces_of(window), texts)

    async def _ask_about(self) -> Any:
        """What the service tells of itself."""
        style = self._style
        if style.about is None:
            return style.told(None, self._model)
        root = self._service.path.removesuffix(style.path)
        with self._service.deadline() as deadline:
            reply = await self._service.ask(None, deadline, path=root + style.about)
        try:
            return style.told(reply, self._model)
        except (TypeError, KeyError, AttributeError) as error:
            raise ReplyRefused(
                f"{self._service.where}: {style.about} told nothing of a model"
            ) from error

    def _write(self, texts: list[str], plain: bool) -> bytes:
        return self._style.write(texts, self._model, self._dimension, plain=plain)

    def _mend(self, texts: list[str], was_plain: bool, status: int, text: str) -> bytes | None:
        """Ask for plain numbers where base64 is not known; name a text that is too long."""
        if status in _REFUSES_TEXT and _TOO_LONG.search(text):
            known = self._given_window or "what the service tells, or 2048"
            refused = ReplyRefused(
                f"{self._service.where} answered {status}: a text is too long for its model. Set "
                f"embedder_window to the tokens that it takes, or lower (it is {known})"
            )
            refused.did_nothing = True
            raise refused
        if not was_plain and "encoding_format" in text and "encoding_format" in self._style.fixed:
            self._is_plain = True
            return self._write(texts, plain=True)
        return None


def _model_of(reply: Any) -> str | None:
    model = reply.get("model") if isinstance(reply, dict) else None
    return model if isinstance(model, str) and model else None


def _check(texts: Sequence[str], window: int) -> list[str]:
    """The texts as they are sent: cut to the window, none of them blank."""
    if isinstance(texts, str):
        raise InvalidInput("texts: give a list of strings, not one string")
    checked = list(texts)
    if not all(isinstance(text, str) for text in checked):
        raise InvalidInput("texts: every text must be a string")
    checked = [cut(text, window) for text in checked]
    with refusing_surrogates():
        for text in checked:
            text.encode()
    return [text if text.strip() else _BLANK for text in checked]


def _groups(texts: list[str], most: int) -> Iterator[list[str]]:
    """Texts of one request each, in order: not too many, not too long together."""
    group: list[str] = []
    chars = 0
    for text in texts:
        if group and (len(group) == most or chars + len(text) > _REQUEST_CHARS):
            yield group
            group, chars = [], 0
        group.append(text)
        chars += len(text)
    if group:
        yield group
