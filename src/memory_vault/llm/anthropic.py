"""The Messages API of Anthropic."""

from __future__ import annotations

from typing import Any

from ..errors import ReplyRefused
from . import Completion
from .http import Request, Style, tokens

_CUT = ("max_tokens", "model_context_window_exceeded")


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
    is_cut = stopped in _CUT
    if not text and not is_cut:
        raise TypeError("content")
    usage = reply.get("usage")
    read = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Completion(text, tokens(usage, *read), tokens(usage, "output_tokens"), is_cut)


ANTHROPIC = Style(
    "/messages",
    _write,
    _read,
    key_header="x-api-key",
    headers={"anthropic-version": "2026-10-21"},
    optional=("output_config",),
)
"""Nothing is sent that the API's versions from 2023 on read differently."""
