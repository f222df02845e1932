"""A language model within a number of tokens a day, counted for all processes of a vault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import anyio

from ..errors import BackendError, DailyLimitReached, InvalidInput
from . import Completion, LanguageModel, Schema
from .checks import check_input

_DAY_S = 86_400
_FRAME_TOKENS = 500
"""What a service may put around a prompt: roles, and its own words about the form of the answer."""


class Ledger(Protocol):
    """Where tokens are counted, by day: whole days since 1970, UTC."""

    async def reserve(self, day: int, tokens: int, limit: int) -> bool:
        """Count tokens, unless the day would have more than the limit; whether it was done."""
        ...

    async def adjust(self, day: int, tokens: int) -> None:
        """Count so many tokens more, or fewer if it is negative."""
        ...


class LimitedModel:
    """Keeps every promise of `LanguageModel`, and a limit.

    Before a call, the most that it can take is reserved: a token for each byte of the prompt, and
    `max_tokens`. After it, what the service says it took counts instead; when it says nothing, or
    the call is cancelled, cut off or killed, the reservation stays counted. A call that certainly
    did nothing (no connection, an error's status) is not counted. So the limit holds whatever
    happens, but for requests that were sent again after being cut off, which count once.

    Args:
        inner: The language model.
        ledger: Where tokens are counted.
        limit: Tokens a day, from midnight to midnight UTC.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        inner: LanguageModel,
        ledger: Ledger,
        limit: int,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inner, self._ledger, self._limit, self._clock = inner, ledger, limit, clock

    def __repr__(self) -> str:
        return f"LimitedModel({self._inner!r}, limit={self._limit})"

    async def open(self) -> None:
        """Open the model within."""
        await self._inner.open()

    async def close(self) -> None:
        """Close the model within."""
        await self._inner.close()

    async def complete(
        self, prompt: str, *, system: str = "", schema: Schema | None = None, max_tokens: int = 1024
    ) -> Completion:
        """Answer a prompt, if today's tokens allow; see `LanguageModel`.

        Raises:
            DailyLimitReached: If they do not; it says when they do again.
            InvalidInput: If no day's tokens would be enough.
        """
        check_input(prompt, system, max_tokens)
        text = f"{prompt}{system}{json.dumps(dict(schema or {}))}"
        most = len(text.encode()) + max_tokens + _FRAME_TOKENS
        if most > self._limit:
            raise InvalidInput(
                f"prompt: it may take {most} tokens, and llm_tokens_a_day={self._limit}: give less "
                "text at once, or allow more"
            )
        day = int(self._clock() // _DAY_S)
        if not await self._ledger.reserve(day, most, self._limit):
            raise self._reached(day)
        taken = most
        try:
            found = await self._inner.complete(
                prompt, system=system, schema=schema, max_tokens=max_tokens
            )
            if found.tokens_in is not None and found.tokens_out is not None:
                taken = found.tokens_in + found.tokens_out
            return found
        except BackendError as error:
            taken = 0 if error.did_nothing else most
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._ledger.adjust(day, taken - most)

    def _reached(self, day: int) -> DailyLimitReached:
        opens_at = datetime.fromtimestamp((day + 1) * _DAY_S, UTC)
        return DailyLimitReached(
            f"llm_tokens_a_day={self._limit} leaves too few tokens for this call today; the "
            f"language model may be asked again at {opens_at:%Y-%m-%d %H:%M} UTC",
            opens_at=opens_at,
        )
