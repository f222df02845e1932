"""A real server on the loopback that answers as a service does, or fails as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What to answer instead of what the service would."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_dropped: bool = False
    """Hang up without an answer."""
    is_late: bool = False
    """Answer only when the test is over."""
    is_cut: bool = False
    """Hang up in the middle of the body."""


Answer = Callable[[str, Any], Any]
"""From the path and the JSON that was posted (None for a GET) to JSON, or to a `Reply`."""


@dataclass
class Service:
    """Answers with `script` first, then always with `always`, else with `answer`."""

    answer: Answer
    root: str = ""
    url: str = ""
    """The address that takes requests."""
    script: list[Reply] = field(default_factory=list)
    always: Reply | None = None
    paths: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    is_over: threading.Event = field(default_factory=threading.Event)

    def reply(self, path: str, request: Any) -> Reply:
        """What to answer to this request."""
        planned = self.script.pop(0) if self.script else self.always
        found = planned or self.answer(path, request)
        return found if isinstance(found, Reply) else Reply(body=json.dumps(found).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the caller has left
            self.close_connection = True
            return
        self._answer(json.loads(body))

    def _answer(self, request: Any) -> None:
        service = self.service
        service.paths.append(self.path)
        service.requests.append(request)
        service.headers.append({name.lower(): value for name, value in self.headers.items()})
        service.arrived.release()
        reply = service.reply(self.path, request)
        if reply.is_late:
            service.is_over.wait(30)
        if reply.is_late or reply.is_dropped:
            self.close_connection = True
            return
        (self.send_response_only if "date" in reply.headers else self.send_response)(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body) + (100 if reply.is_cut else 0)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = self.close_connection or reply.is_cut

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running(answer: Answer, path: str) -> Iterator[Service]:
    """A running service, its `url` ending with a path."""
    service = Service(answer)
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        service.root = f"http://127.0.0.1:{server.server_port}"
        service.url = service.root + path
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:  # else a test that fails inside keeps the interpreter from ending
            service.is_over.set()
            server.shutdown()
            thread.join()
