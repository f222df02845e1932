"""A real server on the loopback that speaks as Anthropic's and OpenAI's services are documented.

It answers with what the request's memory block says first, so that an answer shows what reached
the model. A script may say otherwise, and hang up in the middle of a stream.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]


@dataclass
class Answer:
    """What the model says next: words, or the use of a tool."""

    text: str = ""
    tool: dict[str, Any] | None = None
    events: int | None = None
    """Hang up after so many events of a stream."""
    status: int = 200


@dataclass
class Service:
    """Answers from `script` first, then with what it was told."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: dict[str, Any]) -> Answer:
        self.requests.append(request)
        if self.script:
            return self.script.pop(0)
        told = re.findall(r"\\n- (.*?)\\n", json.dumps(request, ensure_ascii=False))
        return Answer(f"You told me: {told[0]}" if told else "I know nothing of that.")


# Anthropic: POST /v1/messages ---------------------------------------------------------------------


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if answer.text:
        found.append({"type": "text", "text": answer.text})
    if answer.tool is not None:
        found.append({"type": "tool_use", "id": "toolu_1", "name": "memory", "input": answer.tool})
    return found


def message(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": _blocks(answer),
        "stop_reason": "tool_use" if answer.tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }


def message_events(request: dict[str, Any], answer: Answer) -> Iterator[Event]:
    whole = message(request, answer)
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    for i, block in enumerate(_blocks(answer)):
        is_text = block["type"] == "text"
        empty = {**block, "text": ""} if is_text else {**block, "input": {}}
        yield {"type": "content_block_start", "index": i, "content_block": empty}
        yield {"type": "ping"}
        said = block["text"] if is_text else json.dumps(block["input"])
        for part in (said[:5], said[5:]):
            delta = (
                {"type": "text_delta", "text": part}
                if is_text
                else {"type": "input_json_delta", "partial_json": part}
            )
            yield {"type": "content_block_delta", "index": i, "delta": delta}
        yield {"type": "content_block_stop", "index": i}
    ends = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ends, "usage": {"output_tokens": 3}}
    yield {"type": "message_stop"}


# OpenAI: POST /v1/chat/completions, /v1/responses -------------------------------------------------


def completion(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    said = {"role": "assistant", "content": answer.text, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [{"index": 0, "message": said, "finish_reason": "stop", "logprobs": None}],
    }


def completion_events(request: dict[str, Any], answer: Answer) -> Iterator[Event]:
    base = {**completion(request, answer), "object": "chat.completion.chunk"}
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": answer.text[:5]}, None),
        ({"content": answer.text[5:]}, None),
        ({}, "stop"),
    ]
    for delta, reason in deltas:
        yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    yield {**base, "choices": [], "usage": None}


def response(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    said = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": request["model"],
        "output": [said],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 12,
        },
    }


def response_events(request: dict[str, Any], answer: Answer) -> Iterator[Event]:
    whole = response(request, answer)
    said = whole["output"][0]
    open_ = {**said, "status": "in_progress", "content": []}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    none = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    events: list[Event] = [
        {
            "type": "response.created",
            "response": {**whole, "status": "in_progress", "output": [], "usage": None},
        },
        {"type": "response.output_item.added", "output_index": 0, "item": open_},
        {"type": "response.content_part.added", **at, "part": none},
        *(
            {"type": "response.output_text.delta", **at, "delta": part, "logprobs": []}
            for part in (answer.text[:5], answer.text[5:])
        ),
        {"type": "response.output_text.done", **at, "text": answer.text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": said["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": said},
        {"type": "response.completed", "response": whole},
    ]
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


ROUTES = {
    "/v1/messages": (message, message_events),
    "/v1/chat/completions": (completion, completion_events),
    "/v1/responses": (response, response_events),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        whole, events = ROUTES[self.path.partition("?")[0]]
        answer = self.service.answer(request)
        if answer.status != 200:
            self._send(answer.status, {"error": {"type": "api_error", "message": "no"}})
        elif request.get("stream"):
            self._stream(events(request, answer), answer.events)
        else:
            self._send(200, whole(request, answer))

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterator[Event], at_most: int | None) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        for sent, event in enumerate(events):
            if sent == at_most:
                return
            name = f"event: {event['type']}\n" if "type" in event else ""
            self._chunk(f"{name}data: {json.dumps(event)}\n\n")
        if "chat" in self.path:
            self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Service]:
    """The service, until the test is over."""
    service = Service()
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
