"""Spans of OpenTelemetry, for whoever asks for them; without that, nothing of it is imported.

A span says what was done, how long it took, how much was found and, by a code, what went wrong.
No text of a memory or a question stands in it, and no id: not of a user, a session or a memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial, update_wrapper
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

from .errors import ConfigError, MemoryVaultError
from .models import Page, RecallResult, SaveResult

P = ParamSpec("P")
T = TypeVar("T")

_NAME = "memory_vault"
Attributes = Mapping[str, str | int | bool]


@runtime_checkable
class TracerProvider(Protocol):
    """What makes tracers: OpenTelemetry's class of that name, or one that does as it does."""

    def get_tracer(
        self, instrumenting_module_name: str, instrumenting_library_version: str | None = None
    ) -> Any:
        """Make the tracer of one library."""
        ...


class Tracer:
    """Makes the spans of one vault.

    Args:
        tracing: The caller's provider; True for the one that the program has set, or yet will.

    Raises:
        ConfigError: If OpenTelemetry is not installed.
    """

    def __init__(self, tracing: bool | TracerProvider) -> None:
        from importlib.metadata import version

        try:
            from opentelemetry import trace
        except ImportError as error:
            raise ConfigError(
                "tracing needs OpenTelemetry: pip install 'memory-vault[otel]'"
            ) from error
        provider = trace.get_tracer_provider() if tracing is True else tracing
        self._tracer = provider.get_tracer(_NAME, version("memory-vault"))  # type: ignore[union-attr]

    def span(
        self,
        name: str,
        attributes: Attributes,
        *,
        kind: str = "INTERNAL",
        parent: Any = None,
        links: Sequence[Any] = (),
    ) -> Span:
        """A span that begins where its context is entered.

        Args:
            name: What is done.
            attributes: What is known of it before it begins.
            kind: "INTERNAL", "CLIENT" or "SERVER".
            parent: A context of OpenTelemetry; None for the current one.
            links: Contexts of spans that it serves beside others.
        """
        from opentelemetry.trace import Link, SpanKind

        begin = partial(
            self._tracer.start_span,
            name,
            context=parent,
            kind=SpanKind[kind],
            attributes=attributes,
            links=[Link(one) for one in links],
        )
        return Span(self, begin)


def tracer_of(tracing: bool | TracerProvider) -> Tracer | None:
    """The tracer that a setting asks for.

    Raises:
        ConfigError: If OpenTelemetry is not installed.
    """
    return None if tracing is False else Tracer(tracing)


class Span:
    """One span, current where it is entered; its end says by a code how it went."""

    def __init__(self, tracer: Tracer, begin: Callable[[], Any]) -> None:
        self._tracer, self._begin = tracer, begin

    def __enter__(self) -> Span:
        from opentelemetry import context, trace

        self._inner = self._begin()
        self._within = context.attach(trace.set_span_in_context(self._inner))
        self._before = _active.set(self._tracer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from opentelemetry import context

        if isinstance(error, MemoryVaultError):
            self.failed(error.code)
        elif isinstance(error, Exception):
            self.failed(f"{type(error).__module__}.{type(error).__qualname__}")
        elif error is not None:
            self.tell({f"{_NAME}.cancelled": True})
        _active.reset(self._before)
        context.detach(self._within)
        self._inner.end()

    def tell(self, attributes: Attributes, *, name: str | None = None) -> None:
        """Add what is known only now."""
        self._inner.set_attributes(attributes)
        if name is not None:
            self._inner.update_name(name)

    def failed(self, code: str) -> None:
        """Say that it went wrong, and how; messages may name ids, so none is told."""
        from opentelemetry.trace import Status, StatusCode

        self._inner.set_status(Status(StatusCode.ERROR, code))
        self._inner.set_attribute("error.type", code)

    @property
    def context(self) -> Any:
        """What a link to it needs."""
        return self._inner.get_span_context()


_active: ContextVar[Tracer | None] = ContextVar("memory_vault_tracer", default=None)
"""The tracer of the call that goes on; none where no call is traced."""


def part(call: str, name: str) -> AbstractContextManager[object]:
    """A part of the call that goes on, as a span of its own if that call is traced."""
    tracer = _active.get()
    return nullcontext() if tracer is None else tracer.span(f"{_NAME}.{call}.{name}", {})


async def traced(
    tracer: Tracer | None,
    name: str,
    work: Callable[[], Awaitable[T]],
    *,
    kind: str = "INTERNAL",
    **more: str | int,
) -> T:
    """Do one public operation, as a span if there is a tracer.

    Args:
        tracer: None where nobody asked for spans.
        name: The method.
        work: Does it.
        kind: "CLIENT" if it is done elsewhere.
        more: Attributes, with "_" for ".".
    """
    if tracer is None:
        return await work()
    attributes = {"db.system.name": _NAME, "db.operation.name": name}
    attributes |= {one.replace("_", "."): value for one, value in more.items()}  # type: ignore[misc]
    with tracer.span(f"{_NAME}.{name}", attributes, kind=kind) as span:
        done = await work()
        span.tell(_told(done))
    return done


def _told(done: object) -> Attributes:
    """What a result says in numbers."""
    match done:
        case SaveResult():
            return {f"{_NAME}.saved": len(done.saved), f"{_NAME}.duplicates": len(done.duplicates)}
        case RecallResult():
            rows, tokens = len(done.memories), done.total_tokens
            return {"db.response.returned_rows": rows, f"{_NAME}.tokens": tokens}
        case Page():
            return {"db.response.returned_rows": len(done.items)}
    return {}


class Traced(Protocol):
    """What `operation` needs of an object."""

    _tracer: Tracer | None


S = TypeVar("S", bound=Traced)


def operation(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Make a span of each call of a method, where its object has a tracer."""

    async def call(self: S, /, *args: P.args, **given: P.kwargs) -> T:
        return await traced(self._tracer, method.__name__, partial(method, self, *args, **given))

    update_wrapper(call, method)
    return call


class Caller:
    """The span from which shared work is asked for."""

    def __init__(self, tracer: Tracer, span: Any) -> None:
        self.tracer, self.span = tracer, span


def caller() -> Caller | None:
    """Who asks; None where no span is recorded."""
    tracer = _active.get()
    if tracer is None:
        return None
    from opentelemetry import trace

    span = trace.get_current_span()
    return Caller(tracer, span) if span.is_recording() else None


@contextmanager
def shared(name: str, callers: Iterable[Caller | None]) -> Iterator[None]:
    """One run of work for several callers: a span of its own, linked with theirs both ways.

    It is nobody's child: in the time of one it would look as if the others had not been there.
    Work for one caller alone is a part of that caller's span.
    """
    asked = list(callers)
    known = [one for one in asked if one is not None]
    if not known:
        yield
        return
    from opentelemetry import context, trace

    if len(asked) == 1:
        with trace.use_span(known[0].span, record_exception=False, set_status_on_exception=False):
            yield
        return
    links = [one.span.get_span_context() for one in known]
    about = {f"{_NAME}.callers": len(asked)}
    alone = context.Context()
    with known[0].tracer.span(f"{_NAME}.{name}", about, parent=alone, links=links) as run:
        for one in known:
            one.span.add_link(run.context)
        yield


# over HTTP: only W3C's two headers, for baggage may hold anything --------------------------------


def headers_onward() -> dict[str, str]:
    """Headers that tell a server which span it works for; none where no call is traced."""
    found: dict[str, str] = {}
    if _active.get() is not None:
        _w3c().inject(found)
    return found


def parent_in(headers: Mapping[str, str]) -> Any:
    """The span that headers of a request name, as the parent of another."""
    from opentelemetry.context import Context

    return _w3c().extract(headers, Context())


def _w3c() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()
