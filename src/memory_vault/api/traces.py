"""A request as a span of OpenTelemetry: by its route, never by its path, in which ids stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._tracing import Tracer, parent_in

if TYPE_CHECKING:
    from .door import Visit

_METHODS = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
_W3C = ("traceparent", "tracestate")


@contextmanager
def visit_span(tracer: Tracer | None, visit: Visit) -> Iterator[None]:
    """A span around one request, if there is a tracer; it goes on with what the caller began."""
    if tracer is None:
        yield
        return
    scope = visit.scope
    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
    about = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
    if server := scope.get("server"):
        about |= {"server.address": server[0], "server.port": server[1] or 0}
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    parent = parent_in({name: headers[name] for name in _W3C if name in headers})
    called = "HTTP" if method == "_OTHER" else method
    with tracer.span(called, about, kind="SERVER", parent=parent) as span:
        try:
            yield
        finally:
            status = visit.status or 500
            span.tell({"http.response.status_code": status})
            if route := getattr(scope.get("route"), "path_format", ""):
                span.tell({"http.route": route}, name=f"{called} {route}")
            if status >= 500:
                span.failed(str(status))
