"""The Messages API of Anthropic."""

from __future__ import annotations

from typing import Any

from ..errors import ReplyRefused
from . import Completion
from .http import Request, Style, tokens


def _write(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": [{"role": "user", "content": request.prompt}],
    }
    if request.system:
        body["system"] = request.system
    if request.schema is not None:
        form = {"type": "json_schema", "schema": dict(request.schema)}
        body["output_config"] = {"format": form}
    return body


def _read(reply: Any) -> Completion:
    blocks = [one for one in reply["content"] if one["type"] == "text"]
    stopped = reply.get("stop_reason")
    if stopped == "refusal":
        raise ReplyRefused("the language model declined to answer")
    text = "".join(one["text"] for one in blocks)
    if not text and stopped != "max_tokens":
        raise TypeError("content")
    usage = reply.get("usage")
    read = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Completion(
        text, tokens(usage, *read), tokens(usage, "output_tokens"), stopped == "max_tokens"
    )


ANTHROPIC = Style(
    "/messages",
    _write,
    _read,
    key_header="x-api-key",
    headers={"anthropic-version": "2023-06-01"},
    optional=("output_config",),
)
