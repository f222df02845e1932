"""Services of language models that answer as their documentation says, or fail as told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from memory_vault.llm import Completion
from memory_vault.testing.llms import ScriptedModel

from .http_service import Reply, Service, running

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


@dataclass
class Model:
    """What runs behind a service, and how strict it is.

    Attributes:
        knows: Fields of a request that it takes; None for all.
    """

    answer: Callable[[str], str] | None = None
    knows: set[str] | None = None

    def complete(self, prompt: str, system: str, schema: Any, max_tokens: int) -> Completion:
        return ScriptedModel(self.answer).say(prompt, system, schema, max_tokens)

    def refuse(self, request: dict[str, Any], hint: str) -> Reply | None:
        unknown = set(request) - self.knows if self.knows is not None else ()
        for name in sorted(unknown):
            use = ". Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            return Reply(400, f'{{"error": {{"message": "{name}{hint}{use}"}}}}'.encode())
        return None


def openai(model: Model, request: dict[str, Any]) -> Any:
    if (refused := model.refuse(request, ": not supported")) is not None:
        return refused
    messages = {one["role"]: one["content"] for one in request["messages"]}
    form = request.get("response_format", {}).get("json_schema", {}).get("schema")
    most = request.get("max_tokens") or request["max_completion_tokens"]
    found = model.complete(messages["user"], messages.get("system", ""), form, most)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": found.text, "refusal": None},
                "finish_reason": "length" if found.is_cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": found.tokens_in,
            "completion_tokens": found.tokens_out,
            "total_tokens": (found.tokens_in or 0) + (found.tokens_out or 0),
        },
    }


def anthropic(model: Model, request: dict[str, Any]) -> Any:
    if (refused := model.refuse(request, ": Extra inputs are not permitted")) is not None:
        return refused
    form = request.get("output_config", {}).get("format", {}).get("schema")
    (message,) = request["messages"]
    found = model.complete(
        message["content"], request.get("system", ""), form, request["max_tokens"]
    )
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": found.text}],
        "stop_reason": "max_tokens" if found.is_cut else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": found.tokens_in,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": found.tokens_out,
        },
    }


@contextmanager
def serving(style: str, model: Model | None = None) -> Iterator[Service]:
    """A running service of a style."""
    own = model or Model()
    answer = openai if style == "openai" else anthropic
    with running(lambda _, request: answer(own, request), PATHS[style]) as service:
        yield service
