"""Chat completions as OpenAI, Ollama, vLLM, LM Studio and many others take them."""

from __future__ import annotations

from typing import Any

from ..errors import ReplyRefused
from . import Completion
from .http import Request, Style, tokens


def _write(request: Request) -> dict[str, Any]:
    system = [{"role": "system", "content": request.system}] if request.system else []
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [*system, {"role": "user", "content": request.prompt}],
        "max_tokens": request.max_tokens,
    }
    if request.schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": dict(request.schema)},
        }
    return body


def _read(reply: Any) -> Completion:
    choice = reply["choices"][0]
    message = choice["message"]
    text = message["content"]
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise ReplyRefused("the language model declined to answer")
    is_cut = choice.get("finish_reason") == "length"
    if not isinstance(text, str):
        if not is_cut or text is not None:
            raise TypeError("content")
        text = ""  # all of it went into thoughts
    usage = reply.get("usage")
    return Completion(
        text, tokens(usage, "prompt_tokens"), tokens(usage, "completion_tokens"), is_cut
    )


OPENAI = Style(
    "/chat/completions",
    _write,
    _read,
    optional=("response_format",),
    renamed={"max_tokens": "max_completion_tokens"},
)
"""Newer models of OpenAI's want `max_completion_tokens`, and say so; most servers that speak
alike know `max_tokens` only, and would not say so."""
