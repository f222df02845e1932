"""A real server on the loopback that reranks as the services do, or fails as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from memory_vault.rerank.styles import STYLES
from memory_vault.testing.rerankers import OverlapReranker


@dataclass
class Reply:
    """What to answer instead of a ranking."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_dropped: bool = False
    """Hang up without an answer."""
    is_late: bool = False
    """Answer only when the test is over."""


@dataclass
class Service:
    """Answers with `script` first, then always with `always`, else with a ranking."""

    style: str = "tei"
    url: str = ""
    script: list[Reply] = field(default_factory=list)
    always: Reply | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    is_over: threading.Event = field(default_factory=threading.Event)

    def rank(self, request: dict[str, Any]) -> Any:
        """Word overlap, worst first: services answer in an order of their own."""
        style = STYLES[self.style]
        scores = OverlapReranker()._score(request["query"], request[style.texts])
        places = sorted(range(len(scores)), key=lambda i: scores[i])
        results = [{"index": i, style.score: scores[i]} for i in places]
        return results if style.results is None else {style.results: results, "model": "m"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_POST(self) -> None:
        service = self.service
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the caller has left
            self.close_connection = True
            return
        request = json.loads(body)
        service.requests.append(request)
        service.headers.append({name.lower(): value for name, value in self.headers.items()})
        service.arrived.release()
        reply = service.script.pop(0) if service.script else service.always
        if reply is None:
            reply = Reply(body=json.dumps(service.rank(request)).encode())
        if reply.is_late:
            service.is_over.wait(30)
        if reply.is_late or reply.is_dropped:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(style: str = "tei") -> Iterator[Service]:
    """A running service."""
    service = Service(style)
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        service.url = f"http://127.0.0.1:{server.server_port}/rerank"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield service
        service.is_over.set()
        server.shutdown()
        thread.join()
