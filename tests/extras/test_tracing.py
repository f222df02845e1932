"""Spans as the real SDK of OpenTelemetry records them: whose children they are, what they tell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from anyio import to_thread
from tests.extras.served.running import URL, make_key, running, within

from memory_vault import (
    ConfigError,
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    MemoryLayerSync,
    MemoryVaultError,
    NotFound,
    RemoteVault,
    Vault,
)
from memory_vault.embed.scheduler import BatchingEmbedder
from memory_vault.testing.embedders import HashEmbedder

pytest.importorskip("opentelemetry.sdk", reason="needs opentelemetry-sdk")

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from memory_vault.embed import Embeddings

pytestmark = pytest.mark.anyio


class Traces:
    """A provider of the test's own, and what its spans came to."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._kept.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (found,) = self.every(name)
        return found

    def every(self, name: str) -> list[ReadableSpan]:
        return [one for one in self.spans if one.name == name]

    def children(self, of: ReadableSpan) -> set[str]:
        return {one.name for one in self.spans if is_child(one, of)}


def is_child(one: ReadableSpan, of: ReadableSpan) -> bool:
    assert one.context is not None
    assert of.context is not None
    same_trace = one.context.trace_id == of.context.trace_id
    return same_trace and one.parent is not None and one.parent.span_id == of.context.span_id


def linked(one: ReadableSpan) -> set[int]:
    return {link.context.span_id for link in one.links}


def id_of(one: ReadableSpan) -> int:
    assert one.context is not None
    return one.context.span_id


@pytest.fixture
def traces() -> Traces:
    return Traces()


@pytest.fixture
def config(hash_config: MemoryConfig, traces: Traces) -> MemoryConfig:
    return replace(hash_config, tracing=traces.provider)


async def test_each_operation_is_a_span_with_its_stages_in_it(
    config: MemoryConfig, traces: Traces
) -> None:
    async with MemoryLayer("alice", config=config) as memory:
        saved = await memory.save("I moved to Lisbon in May.")
        await memory.recall("Where do I live?")
        await memory.update(saved.saved[0].id, content="I moved to Porto in May.")
        await memory.forget(saved.saved[0].id, proof="proven")
        await memory.list_memories()

    def stages(of: str) -> set[str]:
        return traces.children(traces.named(f"memory_vault.{of}"))

    assert stages("save") == {f"memory_vault.save.{one}" for one in ("plan", "embed", "write")}
    assert stages("recall") == {"memory_vault.recall.embed", "memory_vault.recall.search"}
    assert traces.children(traces.named("memory_vault.recall.search")) == {
        "memory_vault.recall.rank",
        "memory_vault.recall.pack",
    }
    assert stages("update") == {"memory_vault.update.embed", "memory_vault.update.write"}
    assert stages("forget") == {
        f"memory_vault.forget.{one}" for one in ("write", "overwrite", "scan")
    }
    assert stages("list_memories") == set()
    assert all(one.status.status_code is StatusCode.UNSET for one in traces.spans)


async def test_a_span_counts_what_was_found(config: MemoryConfig, traces: Traces) -> None:
    async with MemoryLayer("alice", config=config) as memory:
        await memory.save("I moved to Lisbon in May.", session_id="s")
        await memory.save("I moved to Lisbon in May.", session_id="s")
        found = await memory.recall("Where do I live?")
    first, second = traces.every("memory_vault.save")
    both = {"db.system.name": "memory_vault", "db.operation.name": "save"}
    assert first.attributes == {**both, "memory_vault.saved": 1, "memory_vault.duplicates": 0}
    assert second.attributes == {**both, "memory_vault.saved": 0, "memory_vault.duplicates": 1}
    told = traces.named("memory_vault.recall").attributes or {}
    assert told["db.response.returned_rows"] == len(found.memories) > 0
    assert told["memory_vault.tokens"] == found.total_tokens


async def test_an_error_is_told_by_its_code_alone(config: MemoryConfig, traces: Traces) -> None:
    async with MemoryLayer("alice", config=config) as memory:
        with pytest.raises(NotFound):
            await memory.get("mem_of_nobody")
    span = traces.named("memory_vault.get")
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "not_found"
    assert (span.attributes or {})["error.type"] == "not_found"
    assert span.events == ()


class Slow(HashEmbedder):
    """Tells when a run has begun, and waits until it is let go."""

    def __init__(self, dimension: int = 64) -> None:
        super().__init__(dimension)
        self.begun, self.go = anyio.Event(), anyio.Event()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        self.begun.set()
        await self.go.wait()
        return await super().embed(texts)


async def test_a_cancelled_call_is_no_failure(config: MemoryConfig, traces: Traces) -> None:
    slow = Slow()
    async with MemoryLayer("alice", config=replace(config, embedder=slow)) as memory:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(memory.save, "I moved to Lisbon in May.")
            await slow.begun.wait()
            tasks.cancel_scope.cancel()
    span = traces.named("memory_vault.save")
    assert (span.attributes or {})["memory_vault.cancelled"] is True
    assert span.status.status_code is StatusCode.UNSET


async def waiting(embedder: BatchingEmbedder, count: int) -> None:
    """Return when so many callers wait for the run that is under way to end."""
    scheduler = embedder._scheduler.get()
    with anyio.fail_after(30):
        while len(scheduler._waiting) < count:
            await anyio.sleep(0.001)


async def test_saves_that_share_a_run_link_to_it(config: MemoryConfig, traces: Traces) -> None:
    slow = Slow()
    embedder = BatchingEmbedder(slow)
    async with (
        Vault(replace(config, embedder=embedder)) as vault,
        anyio.create_task_group() as tasks,
    ):

        async def save(user: str) -> None:
            async with MemoryLayer(user, vault=vault) as memory:
                await memory.save(f"I am {user}, and I take my tea without sugar.")

        tasks.start_soon(save, "first")
        await slow.begun.wait()
        for user in ("second", "third"):
            tasks.start_soon(save, user)
        await waiting(embedder, 2)
        slow.go.set()
    run = traces.named("memory_vault.embed")
    alone, *together = sorted(
        traces.every("memory_vault.save.embed"), key=lambda one: len(one.links)
    )
    assert run.parent is None
    assert linked(run) == {id_of(one) for one in together}
    assert all(linked(one) == {id_of(run)} for one in together)
    assert linked(alone) == set()
    assert (run.attributes or {})["memory_vault.callers"] == 2
    assert len({one.context.trace_id for one in (run, alone, *together) if one.context}) == 4


class Nested(Slow):
    """Makes a span while it embeds, as an instrumented HTTP client does."""

    def __init__(self, provider: TracerProvider, *, dimension: int = 64) -> None:
        super().__init__(dimension)
        self.go.set()
        self._tracer = provider.get_tracer("test")

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        with self._tracer.start_as_current_span("request"):
            return await super().embed(texts)


async def test_what_an_embedder_traces_stands_in_the_save_it_works_for(
    config: MemoryConfig, traces: Traces
) -> None:
    embedder = BatchingEmbedder(Nested(traces.provider))
    async with MemoryLayer("alice", config=replace(config, embedder=embedder)) as memory:
        await memory.save("I moved to Lisbon in May.")
    assert is_child(traces.named("request"), traces.named("memory_vault.save.embed"))


async def test_a_run_for_one_who_is_not_traced_is_nobodys_child(
    config: MemoryConfig, traces: Traces
) -> None:
    inner = Nested(traces.provider)
    inner.go = anyio.Event()
    embedder = BatchingEmbedder(inner)
    mine = replace(config, embedder=embedder)
    other = replace(mine, data_dir=config.data_dir.parent / "other", tracing=False)
    async with MemoryLayer("alice", config=mine) as traced:
        async with MemoryLayer("bob", config=other) as untraced, anyio.create_task_group() as tasks:
            tasks.start_soon(traced.save, "I moved to Lisbon in May.")
            await inner.begun.wait()
            tasks.start_soon(untraced.save, "I moved to Porto in June.")
            await waiting(embedder, 1)
            inner.go.set()
    first, second = traces.every("request")
    assert is_child(first, traces.named("memory_vault.save.embed"))
    assert second.parent is None


async def test_background_work_is_nobodys_child(config: MemoryConfig, traces: Traces) -> None:
    embedder = Nested(traces.provider, dimension=32)
    with traces.provider.get_tracer("test").start_as_current_span("caller"):
        async with Vault(config) as vault:
            async with MemoryLayer("alice", vault=vault) as memory:
                await memory.save("I moved to Lisbon in May.")
            await vault.switch_embedder(embedder, wait=True)
    requests = traces.every("request")
    assert requests
    assert not any(one.parent for one in requests)
    switch = traces.named("memory_vault.switch_embedder")
    assert is_child(switch, traces.named("caller"))


def test_blocking_calls_stand_in_the_span_of_their_thread(
    config: MemoryConfig, traces: Traces
) -> None:
    with MemoryLayerSync("alice", config=config) as memory:
        with traces.provider.get_tracer("test").start_as_current_span("caller"):
            memory.save("I moved to Lisbon in May.")
    assert is_child(traces.named("memory_vault.save"), traces.named("caller"))


# over HTTP ----------------------------------------------------------------------------------------


async def test_a_request_is_a_span_that_goes_on_with_its_callers(
    config: MemoryConfig, traces: Traces
) -> None:
    caller = Traces()
    async with running(config) as app:
        key = await make_key(app)
        way = within(app)
        async with RemoteVault(URL, key, transport=way, tracing=caller.provider) as vault:
            async with MemoryLayer("alice", vault=vault) as memory:
                await memory.save("I moved to Lisbon in May.")
    asked, served = caller.named("memory_vault.save"), traces.every("memory_vault.save")
    (request,) = traces.every("POST /v1/users/{user_id}/memories")
    assert asked.kind is SpanKind.CLIENT
    assert request.kind is SpanKind.SERVER
    assert is_child(request, asked)
    assert is_child(served[0], request)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/users/{user_id}/memories",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": 0,
    }
    assert (asked.attributes or {})["server.address"] == "127.0.0.1"


async def test_an_export_travels_with_its_span(
    config: MemoryConfig, traces: Traces, tmp_path: Any
) -> None:
    caller = Traces()
    async with running(config) as app:
        key = await make_key(app)
        way = within(app)
        async with RemoteVault(URL, key, transport=way, tracing=caller.provider) as vault:
            async with MemoryLayer("alice", vault=vault) as memory:
                await memory.save("I moved to Lisbon in May.")
                await memory.export(tmp_path / "alice.jsonl")
    request = traces.named("GET /v1/users/{user_id}/export")
    assert is_child(request, caller.named("memory_vault.export"))


async def test_requests_without_a_caller_or_with_nonsense_begin_a_trace(
    config: MemoryConfig, traces: Traces
) -> None:
    async with running(config) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            for given in ({}, {"traceparent": "nonsense"}, {"traceparent": "00-0-0-01"}):
                await client.get("/health/live", headers=given)
            refused = await client.get("/v1/users/al%69ce/no-such-thing")
    assert [one.parent for one in traces.every("GET /health/live")] == [None] * 3
    (span,) = traces.every("GET")
    assert (span.attributes or {})["http.response.status_code"] == refused.status_code == 404
    assert span.status.status_code is StatusCode.UNSET


class Broken(HashEmbedder):
    """Quotes what it is given in an error of its own, as a stranger's embedder may."""

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        raise RuntimeError(f"cannot embed {texts}")


@pytest.mark.parametrize("tracing", [False, True])
async def test_the_framework_makes_no_spans_beside(
    hash_config: MemoryConfig, traces: Traces, monkeypatch: pytest.MonkeyPatch, tracing: bool
) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: traces.provider)
    async with running(replace(hash_config, tracing=tracing)) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            await client.get(f"/v1/users/{SECRETS['user_id']}/stats")
            await client.post("/v1/users/alice/memories", json={"content": 1})
    served = [one.name for one in traces.spans if one.kind is SpanKind.SERVER]
    expected = ["GET /v1/users/{user_id}/stats", "POST /v1/users/{user_id}/memories"]
    assert served == (expected if tracing else [])
    assert {one.name.partition(".")[0] for one in traces.spans} <= {"memory_vault", *expected}
    assert leaks(traces) == []


async def test_a_failure_of_the_server_is_told_by_its_status(
    config: MemoryConfig, traces: Traces
) -> None:
    async with running(replace(config, embedder=Broken())) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            await client.post("/v1/users/alice/memories", json={"content": "I live in Lisbon."})
    request = traces.named("POST /v1/users/{user_id}/memories")
    assert request.status.status_code is StatusCode.ERROR
    assert (request.attributes or {})["http.response.status_code"] == 500
    assert traces.named("memory_vault.save").status.description == "builtins.RuntimeError"


async def test_over_mcp_a_call_stands_in_the_span_of_its_message(
    config: MemoryConfig, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcp", reason="needs mcp")
    from mcp.shared import _otel
    from tests.extras.mcp.test_http import call, served

    monkeypatch.setattr(_otel, "_tracer", traces.provider.get_tracer("mcp"))
    async with served(config) as (client, _):
        await call(client, "save", None, content=SECRETS["content"])
        await call(client, "recall", None, query=SECRETS["query"])
    message = traces.named("tools/call save")
    assert is_child(traces.named("memory_vault.save"), message)
    assert leaks(traces) == []


# what is in no span -------------------------------------------------------------------------------

SECRETS = {
    "user_id": "user-zq1",
    "session_id": "session-zq2",
    "content": "the words zq3 of a memory",
    "query": "the words zq4 of a question",
    "key": "preference zq5",
    "value": "value zq6",
    "metadata": "metadata zq7",
    "idempotency_key": "key-zq8",
    "memory_id": "memory-zq9",
}


async def everything(memory: MemoryLayer, path: Any) -> None:
    """Every kind of call, with something of every kind in it; some of them fail."""
    said = SECRETS["content"]
    about = {"it": SECRETS["metadata"]}
    await memory.start_session(SECRETS["session_id"], metadata=about)
    for words in (said, said + " again"):
        with suppress(InvalidInput):
            await memory.save(words, metadata=about, idempotency_key=SECRETS["idempotency_key"])
    await memory.recall(SECRETS["query"], session_id=SECRETS["session_id"])
    await memory.set_preference(SECRETS["key"], SECRETS["value"])
    await memory.list_memories(session_id=SECRETS["session_id"])
    for call in (memory.get, memory.history, memory.forget, memory.get_job):
        with pytest.raises(NotFound):
            await call(SECRETS["memory_id"])
    with pytest.raises(InvalidInput):
        await memory.forget_all(confirm=False)
    await memory.end_session()
    await memory.export(path)
    await memory.forget(session_id=SECRETS["session_id"])


def leaks(traces: Traces) -> list[str]:
    """Marks of the secrets, and of ids that the vault makes, that stand somewhere in the spans."""
    shown = "".join(one.to_json() for one in traces.spans)
    return [one for one in ("zq", "mem_0", "job_0", "ses_0") if one in shown]


async def test_no_text_and_no_id_is_in_any_span(
    config: MemoryConfig, traces: Traces, tmp_path: Any
) -> None:
    async with Vault(config) as vault:
        async with MemoryLayer(SECRETS["user_id"], vault=vault) as memory:
            await everything(memory, tmp_path / "file.jsonl")
        await vault.list_users()
        await vault.forget_user(SECRETS["user_id"], confirm=True)
        with pytest.raises(NotFound):
            await vault.forget_user(SECRETS["user_id"], confirm=True)
    assert len(traces.spans) > 20
    assert leaks(traces) == []


async def test_no_text_and_no_id_is_in_any_span_of_server_and_client(
    config: MemoryConfig, traces: Traces, tmp_path: Any
) -> None:
    async with running(config) as app:
        key = await make_key(app)
        way = within(app)
        async with RemoteVault(URL, key, transport=way, tracing=traces.provider) as vault:
            async with MemoryLayer(SECRETS["user_id"], vault=vault) as memory:
                await everything(memory, tmp_path / "file.jsonl")
            await vault.forget_user(SECRETS["user_id"], confirm=True)
    assert len(traces.spans) > 40
    assert leaks(traces) == []
    assert key not in "".join(one.to_json() for one in traces.spans)


async def test_what_a_strangers_error_quotes_is_in_no_span(
    config: MemoryConfig, traces: Traces
) -> None:
    async with MemoryLayer(SECRETS["user_id"], config=replace(config, embedder=Broken())) as memory:
        with pytest.raises(RuntimeError):
            await memory.save(SECRETS["content"])
    assert leaks(traces) == []


# switched on, and off -----------------------------------------------------------------------------


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


USE = """
import sys, anyio
from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.testing.embedders import HashEmbedder

async def main():
    config = MemoryConfig(data_dir={folder!r}, embedder=HashEmbedder())
    async with MemoryLayer("alice", config=config) as memory:
        await memory.save("I moved to Lisbon in May.")
        await memory.recall("Where do I live?")
"""


async def test_nothing_is_imported_when_it_is_off(tmp_path: Any) -> None:
    ask = 'anyio.run(main); print("opentelemetry" in sys.modules)'
    code = USE.format(folder=str(tmp_path / "vault")) + ask
    assert await to_thread.run_sync(run, code) == "False\n"


async def test_the_environment_asks_for_the_programs_own_provider(tmp_path: Any) -> None:
    ask = """
from opentelemetry import trace
from tests.extras.test_tracing import Traces

async def late():
    async with MemoryLayer("bob") as memory:
        trace.set_tracer_provider(traces.provider)
        await memory.stats()

traces = Traces()
anyio.run(late)
print(*(one.name for one in traces.spans))
"""
    told = {"MEMORY_VAULT_TRACING": "true", "MEMORY_VAULT_DATA_DIR": str(tmp_path / "vault")}
    code = USE.format(folder=str(tmp_path / "vault")) + ask

    told |= {"MEMORY_VAULT_PRELOAD": "false", "PYTHONPATH": str(Path.cwd())}
    assert await to_thread.run_sync(partial(run, code, **told)) == "memory_vault.stats\n"


async def test_without_opentelemetry_asking_for_it_names_the_extra(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigError, match=r"memory-vault\[otel\]"):
        await Vault(replace(hash_config, tracing=True)).open()
    with pytest.raises(ConfigError, match=r"memory-vault\[otel\]"):
        await RemoteVault(URL, tracing=True).open()
    with pytest.raises(ConfigError, match="tracing"):
        replace(hash_config, tracing="yes")
    with pytest.raises(ConfigError, match="tracing"):
        RemoteVault(URL, tracing="yes")  # type: ignore[arg-type]


async def test_vaults_on_one_folder_may_differ_in_it(
    hash_config: MemoryConfig, config: MemoryConfig, traces: Traces
) -> None:
    async with Vault(hash_config) as untraced, Vault(config) as vault:
        await untraced.list_users()
        await vault.list_users()
    assert len(traces.spans) == 1
    assert issubclass(ConfigError, MemoryVaultError)
