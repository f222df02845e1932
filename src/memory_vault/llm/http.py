"""Language models behind HTTP: what speaks as OpenAI does, and Anthropic."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from .._http import Advice, Service, at_least, complete_url
from ..errors import ConfigError, ReplyRefused
from .checks import check_input

if TYPE_CHECKING:
    from . import Completion, Schema

_ADVICE = Advice(
    "llm_api_key",
    {
        400: "the model's name may be wrong for this service, or the text too long for the model",
        404: "give the service's address as it documents it, and a model that it has",
        413: "the text is too long for this service",
        422: "the model's name or the style may be wrong for this service",
        529: "the service is overloaded; try again later",
    },
)
_UNKNOWN_FIELD = (400, 422)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, before a style writes it down."""

    model: str
    prompt: str
    system: str
    schema: Schema | None
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Style:
    """How one family of services wants to be asked, and how it answers.

    Attributes:
        path: How the address ends that takes prompts.
        write: The body of a request.
        read: The answer in a reply; of a reply of another form it raises whatever reading raises,
            and `ReplyRefused` when the model declines.
        key_header: Header that carries the key.
        headers: Further headers.
        optional: Fields that are left out from then on when a service does not know them.
        renamed: Fields that are sent under another name when a service asks for that.
    """

    path: str
    write: Callable[[Request], dict[str, Any]]
    read: Callable[[Any], Completion]
    key_header: str = "Authorization"
    headers: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


class HttpModel:
    """One model of a service. What stands in the prompts leaves the machine; nothing else does.

    What may pass by itself (no connection, a reply cut off, status 429, 5xx) is tried again after a
    pause that doubles, or that the service names in `Retry-After`, within one deadline for the
    whole call; the wait for a turn is not counted.

    Args:
        url: The service's address with its version, "https://api.openai.com/v1", or the whole one.
        style: How the service wants to be talked to.
        model: The service's name for the model.
        api_key: In no repr, error or log.
        timeout_s: Seconds for one call of `complete`.
        attempts: Times that one request is sent at most.
        at_once: Answers that are waited for at once, in one event loop.
    """

    def __init__(
        self,
        url: str,
        *,
        style: Style,
        model: str,
        api_key: str | None = None,
        timeout_s: float = 120.0,
        attempts: int = 4,
        at_once: int = 2,
    ) -> None:
        if not model:
            raise ConfigError("llm: give the service's name for the model, behind a '#'")
        self._style, self._model = style, model
        self._service = Service(
            complete_url(url, style.path),
            advice=_ADVICE,
            api_key=api_key,
            key_header=style.key_header,
            headers=style.headers,
            timeout_s=timeout_s,
            attempts=attempts,
        )
        self._names: dict[str, str | None] = {}
        """Fields that this service knows by another name, or (None) not at all."""
        self._at_once = int(at_least("at_once", at_once, 1))
        self._turns: RunVar[CapacityLimiter] = RunVar("memory_vault.llm.http")

    def __repr__(self) -> str:
        return f"HttpModel({self._service.where!r}, model={self._model!r})"

    async def open(self) -> None:
        """Make the client; the service is not asked."""
        await self._service.open()

    async def close(self) -> None:
        """Close the connections of this event loop; the next use makes new ones."""
        await self._service.close()

    async def complete(
        self, prompt: str, *, system: str = "", schema: Schema | None = None, max_tokens: int = 1024
    ) -> Completion:
        """Answer a prompt; see `LanguageModel`."""
        check_input(prompt, system, max_tokens)
        body = self._style.write(Request(self._model, prompt, system, schema, max_tokens))
        names = dict(self._names)

        def mend(status: int, text: str) -> bytes | None:
            """The request once more, without what this service has just said not to know."""
            found = self._unknown(body, text) if status in _UNKNOWN_FIELD else {}
            if found.keys() <= names.keys():
                return None
            names.update(found)
            self._names.update(found)
            return _encoded(body, names)

        async with self._turn():
            with self._service.deadline() as deadline:
                sent = await to_thread.run_sync(_encoded, body, names)
                reply = await self._service.ask(sent, deadline, mend=mend)
        try:
            return self._style.read(reply)
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise ReplyRefused(
                f"{self._service.where} answered with something that is no answer of a model"
            ) from error

    def _turn(self) -> CapacityLimiter:
        turns = self._turns.get(None)
        if turns is None:
            turns = CapacityLimiter(self._at_once)
            self._turns.set(turns)
        return turns

    def _unknown(self, body: Mapping[str, Any], text: str) -> dict[str, str | None]:
        """Fields that a refusal speaks of, with the name to use instead, if any."""
        return {
            **{name: None for name in self._style.optional if name in body and name in text},
            **{old: new for old, new in self._style.renamed.items() if new in text},
        }


def _encoded(body: Mapping[str, Any], names: Mapping[str, str | None]) -> bytes:
    """The body as it is sent. Blocking: prompts are long."""
    named = {names.get(name, name): value for name, value in body.items()}
    named.pop(None, None)
    return json.dumps(named, ensure_ascii=False).encode()


def tokens(usage: Any, *names: str) -> int | None:
    """The sum of those fields of a usage that are there; None if none is."""
    found = [usage.get(name) for name in names] if isinstance(usage, dict) else []
    told = [one for one in found if type(one) is int and one >= 0]
    return sum(told) if told else None
