"""What a language model is: a prompt in, a text out, and what it cost in tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Schema = Mapping[str, Any]
"""A JSON schema: an object with all its properties required and no others, as services want it."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a language model answered.

    Attributes:
        text: The answer; what may stand in it is untrusted.
        tokens_in: Tokens that it read, as the service counts them; None if it does not say.
        tokens_out: Tokens that it wrote, thoughts included; None if the service does not say.
        is_cut: Whether it stopped because of `max_tokens`.
    """

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    is_cut: bool = False


@runtime_checkable
class LanguageModel(Protocol):
    """Answers one prompt. Used in the background only, never while something is saved or recalled.

    Promises, each a test in testing/llm_suite.py:
    1. `complete` gives a `Completion`; its counts are at least 0, or None.
    2. Given a schema, it makes its service keep to it if the service can. Whoever needs that form
       reads the answer with `llm.structured.ask`, which repairs or refuses what is none.
    3. An answer cut off by `max_tokens` says so.
    4. A cancelled call leaves the model usable. `open` and `close` may be called repeatedly, from
       any task; used while closed, it opens by itself. Several callers may come at once.
    5. It never blocks the event loop, on asyncio or trio.
    """

    async def open(self) -> None:
        """Get ready; a service is not asked."""
        ...

    async def close(self) -> None:
        """Give back what this object holds. Repeatable."""
        ...

    async def complete(
        self, prompt: str, *, system: str = "", schema: Schema | None = None, max_tokens: int = 1024
    ) -> Completion:
        """Answer a prompt.

        Args:
            prompt: What to answer; it may quote what others wrote.
            system: What the model is to do, before the prompt.
            schema: What the JSON of the answer shall look like; None for plain text.
            max_tokens: Tokens of the answer at most.

        Raises:
            InvalidInput: If something given is not text, or `max_tokens` is below 1.
            BackendUnavailable: If a service was not reached, or not within the time.
            ReplyRefused: If it answered with an error, or with something that is no answer.
            DailyLimitReached: If the tokens of today are used up.
        """
        ...
