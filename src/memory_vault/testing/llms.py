"""A small language model for tests: no service, the same promises as the large ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from anyio.lowlevel import checkpoint

from memory_vault.llm import Completion, Schema
from memory_vault.llm.checks import check_input

_TOKEN = re.compile(r"\w+|[^\w\s]")
_ANY: dict[str, Any] = {"array": [], "integer": 0, "number": 0, "boolean": False, "null": None}


class ScriptedModel:
    """Answers as a function of the prompt says; tokens are words and single marks.

    By itself it repeats the first line of the prompt, as JSON if a schema is given: in each string
    of it, with empty lists and zeros in the other places.

    Args:
        answer: From the prompt to what the model writes; None for what is said above.

    Attributes:
        prompts: What it was asked, in order.
    """

    def __init__(self, answer: Callable[[str], str] | None = None) -> None:
        self._answer = answer
        self.prompts: list[str] = []

    async def open(self) -> None:
        """Do nothing: there is nothing to load."""

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    async def complete(
        self, prompt: str, *, system: str = "", schema: Schema | None = None, max_tokens: int = 1024
    ) -> Completion:
        """Answer a prompt."""
        check_input(prompt, system, max_tokens)
        await checkpoint()
        return self.say(prompt, system, schema, max_tokens)

    def say(self, prompt: str, system: str, schema: Schema | None, max_tokens: int) -> Completion:
        """The same without an event loop, for a test's own server."""
        self.prompts.append(prompt)
        text = self._answer(prompt) if self._answer else _echo(prompt, schema)
        spans = [match.span() for match in _TOKEN.finditer(text)]
        is_cut = len(spans) > max_tokens
        if is_cut:
            text = text[: spans[max_tokens - 1][1]]
        return Completion(
            text, len(_TOKEN.findall(system + prompt)), min(len(spans), max_tokens), is_cut
        )


def _echo(prompt: str, schema: Schema | None) -> str:
    line = prompt.strip().partition("\n")[0] or "nothing"
    return line if schema is None else json.dumps(_filled(schema, line))


def _filled(schema: Mapping[str, Any], text: str) -> Any:
    """The smallest value of a schema, with a text in each string."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind if isinstance(kind, str) else kind[0]
    if kind == "object":
        return {name: _filled(one, text) for name, one in schema.get("properties", {}).items()}
    return text if kind == "string" else _ANY[kind]
