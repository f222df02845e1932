"""Each call as a span of OpenTelemetry, with its stages: here they are printed.

Needs: pip install 'memory-vault[otel]' opentelemetry-sdk
"""

from __future__ import annotations

import anyio
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from memory_vault import MemoryConfig, MemoryLayer


def line(span: ReadableSpan) -> str:
    """One line for one span; an application sends them to its collector instead."""
    lasted_ms = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
    return f"{'  ' if span.parent else ''}{span.name}: {lasted_ms:.1f} ms\n"


async def main() -> None:
    """Save and recall."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
    trace.set_tracer_provider(provider)

    async with MemoryLayer("alice", config=MemoryConfig(tracing=True)) as memory:
        await memory.save("I moved to Lisbon in May.")
        await memory.recall("Where do I live?")


anyio.run(main)
