"""What is of the client alone: its errors, its sessions, its files, and code that moves."""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import anyio
import httpx
import pytest
from anyio import to_thread
from tests.extras.served.running import URL, make_key, running, served, within
from tests.unit.test_layer import CALLS as LAYER_CALLS

from memory_vault import (
    AccessRefused,
    BackendUnavailable,
    ConfigError,
    InvalidInput,
    KeyRefused,
    MemoryConfig,
    MemoryLayer,
    NotOpen,
    RateLimited,
    RemoteVault,
    ReplyRefused,
    TargetNotEmpty,
    TimedOut,
    Vault,
    WrongEventLoop,
)
from memory_vault.api import create_app
from memory_vault.api.settings import ServeSettings
from memory_vault.client.calls import CALLS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[RemoteVault]:
    async with served(hash_config) as vault:
        yield vault


def test_every_call_is_a_route_with_the_same_arguments() -> None:
    paths = create_app().openapi()["paths"]
    routes = {
        one["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, one in methods.items()
    }
    for name, call in CALLS.items():
        assert routes[name] == (call.method, call.path)


class Never(httpx.AsyncBaseTransport):
    """A server that takes a request and says nothing."""

    def __init__(self) -> None:
        self.asked = anyio.Event()

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        self.asked.set()
        await anyio.sleep_forever()
        raise AssertionError("it is cancelled")


async def test_a_cancelled_import_lets_go_of_its_file(tmp_path: Path) -> None:
    file, never = tmp_path / "ada.jsonl", Never()
    file.write_text("{}\n")
    async with RemoteVault(URL, transport=never) as vault:
        async with MemoryLayer("ada", vault=vault) as memory, anyio.create_task_group() as tasks:
            tasks.start_soon(memory.import_, file)
            await never.asked.wait()
            tasks.cancel_scope.cancel()
    with catch_warnings(record=True) as found:
        simplefilter("always")
        gc.collect()
    assert not found


class Breaks(httpx.AsyncBaseTransport):
    """A connection that breaks while a body is sent."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for _ in request.stream:
            raise httpx.WriteError("gone")
        raise AssertionError("nothing was sent")


async def test_a_connection_that_breaks_while_a_body_is_sent_leaves_nothing_half_way() -> None:
    with catch_warnings(record=True) as found:
        simplefilter("always")
        with pytest.raises(BackendUnavailable, match="WriteError"):
            await through(Breaks(), lambda m: m.save("tea"))
        gc.collect()
    assert not found


class Stuck(httpx.AsyncBaseTransport):
    """A connection that takes the beginning of a body and then no more; the caller is cancelled."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.scope = scope

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for _ in request.stream:
            self.scope.cancel()
            await anyio.sleep_forever()
        raise AssertionError("nothing was sent")


async def test_a_save_cancelled_while_its_body_is_sent_leaves_nothing_half_way() -> None:
    with catch_warnings(record=True) as found:
        simplefilter("always")
        with anyio.CancelScope() as scope:
            await through(Stuck(scope), lambda m: m.save("tea"))
        gc.collect()
    assert scope.cancelled_caught
    assert not found


class Endless(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """A server whose export has no end; after the first piece the caller is cancelled."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.scope = scope

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=self)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        self.scope.cancel()
        return b"x" * (1 << 18)


async def test_an_export_cancelled_between_two_pieces_leaves_nothing(tmp_path: Path) -> None:
    with catch_warnings(record=True) as found:
        simplefilter("always")
        with anyio.CancelScope() as scope:
            await through(Endless(scope), lambda m: m.export(tmp_path / "ada.jsonl"))
        gc.collect()
    assert scope.cancelled_caught
    assert not found
    assert not list(tmp_path.iterdir())


class Garbled(httpx.AsyncBaseTransport):
    """A server, or what stands before it, whose compressed answer is none."""

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        body = httpx.ByteStream(b"no gzip")
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=body)


@pytest.mark.filterwarnings(  # httpx leaves a generator of its own open then; trio says so
    "ignore:.*async_generator.*:pytest.PytestUnraisableExceptionWarning"
)
async def test_an_answer_that_cannot_be_decoded_is_refused() -> None:
    async with RemoteVault(URL, transport=Garbled()) as vault:
        with pytest.raises(ReplyRefused, match="DecodingError"):
            await vault.list_users()


def test_every_method_of_a_layer_can_travel() -> None:
    own = {"open", "close"}
    methods = {n for n, m in vars(MemoryLayer).items() if inspect.isfunction(m) and n[0] != "_"}
    assert methods - own <= CALLS.keys()


@pytest.mark.parametrize("kind", ["embedded", "served"])
async def test_one_line_moves_code(hash_config: MemoryConfig, kind: str) -> None:
    opened: Any = Vault(hash_config) if kind == "embedded" else served(hash_config)
    async with opened as vault, MemoryLayer("ada", vault=vault) as memory:
        await memory.save("I live in Berlin.")
        assert "Berlin" in (await memory.recall("Where do I live?")).prompt_block


async def test_a_compression_is_waited_for(vault: RemoteVault) -> None:
    async with MemoryLayer("ada", vault=vault) as memory:
        turns = [
            f"On 3 May I saw {n} whales near Pico, and Rui wrote it down. {n}." for n in range(9)
        ]
        await memory.save(turns, session_id="trip", memory_type="episodic")
        job = await memory.compress(wait=True, force=True)
        assert job.state == "done"
        assert job.result["sessions"] == 1


async def test_answers_are_equal_to_those_of_an_embedded_vault(hash_config: MemoryConfig) -> None:
    async with running(hash_config) as app, RemoteVault(URL, transport=within(app)) as remote:
        own = app.state.serving.vault
        async with (
            MemoryLayer("ada", vault=own) as here,
            MemoryLayer("ada", vault=remote) as there,
        ):
            saved = await there.save(["Call me Ada.", "tea"], session_id="s", metadata={"a": [1.5]})
            await there.update(saved.saved[0].id, importance=0.125)
            for call in (
                lambda m: m.get(saved.saved[0].id),
                lambda m: m.history(saved.saved[0].id),
                lambda m: m.recall("tea"),
                lambda m: m.list_memories(page_size=1),
                lambda m: m.list_preferences(include_history=True),
                lambda m: m.list_sessions(),
                lambda m: m.stats(),
            ):
                assert await call(there) == await call(here)
        assert await remote.list_users() == await own.list_users()
        assert await remote.health() == await own.health()
        assert await remote.check() == await own.check()


async def test_the_layers_own_session_travels(vault: RemoteVault) -> None:
    async with (
        MemoryLayer("ada", vault=vault, session_id="s") as memory,
        MemoryLayer("ada", vault=vault) as other,
    ):
        saved = (await memory.save("the draft is blue", memory_type="working")).saved[0]
        assert saved.session_id == "s"
        assert [one.memory.id for one in (await memory.recall("draft")).memories] == [saved.id]
        assert (await other.recall("draft")).memories == ()
        started = await other.start_session()
        assert other.session_id == started.id
        await other.end_session()
        assert other.session_id is None
        with pytest.raises(InvalidInput, match="name the one to end"):
            await other.end_session()


@pytest.mark.parametrize("call", LAYER_CALLS)
async def test_before_open_after_close_and_from_another_loop(vault: RemoteVault, call: Any) -> None:
    layer = MemoryLayer("ada", vault=vault)
    with pytest.raises(NotOpen):
        await call(layer)
    async with layer:

        async def elsewhere() -> None:
            await call(layer)

        with pytest.raises(WrongEventLoop):
            await to_thread.run_sync(partial(anyio.run, elsewhere))
    with pytest.raises(NotOpen):
        await call(layer)


async def test_a_layer_on_a_closed_remote_vault_is_refused() -> None:
    closed = RemoteVault(URL)
    with pytest.raises(NotOpen):
        await MemoryLayer("ada", vault=closed).open()
    with pytest.raises(NotOpen):
        await closed.health()
    await closed.close()


async def test_refusals_come_back_as_what_they_are(hash_config: MemoryConfig) -> None:
    settings = ServeSettings(rate_per_user=1, burst_s=2)
    async with running(hash_config, settings) as app:
        key = await make_key(app, ("ada",), ("read",))
        async with RemoteVault(URL, key, transport=within(app)) as vault:
            async with MemoryLayer("bob", vault=vault) as bob:
                with pytest.raises(AccessRefused):
                    await bob.stats()
            async with MemoryLayer("ada", vault=vault) as ada:
                with pytest.raises(AccessRefused):
                    await ada.save("tea")
                with pytest.raises(RateLimited):
                    for _ in range(10):
                        await ada.stats()
        async with RemoteVault(URL, "mvk_1_2", transport=within(app)) as vault:
            async with MemoryLayer("ada", vault=vault) as ada:
                with pytest.raises(KeyRefused):
                    await ada.stats()


def scripted(*steps: Any) -> httpx.MockTransport:
    """A server that does these steps, one a request."""
    left = list(steps)

    def answer(request: httpx.Request) -> httpx.Response:
        step = left.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    return httpx.MockTransport(answer)


GONE = httpx.ReadError("gone")
STATS = {
    "user_id": "ada", "memories": {}, "versions": 0, "chunks": 0, "sessions": 0, "preferences": 0,
    "bytes_on_disk": 0, "first_recorded_at": None, "last_recorded_at": None, "embedder": None,
    "a field of a newer server": 1,
}  # fmt: skip


async def through(transport: httpx.AsyncBaseTransport, call: Any, **more: Any) -> Any:
    async with RemoteVault(URL, transport=transport, **more) as vault:
        async with MemoryLayer("ada", vault=vault) as memory:
            return await call(memory)


async def test_what_changes_nothing_is_sent_again_and_what_writes_is_not() -> None:
    again = scripted(GONE, httpx.Response(200, json=STATS))
    assert (await through(again, lambda m: m.stats())).total == 0
    with pytest.raises(BackendUnavailable, match="may have been"):
        await through(scripted(GONE, AssertionError("sent twice")), lambda m: m.save("tea"))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="nonsense"),
        httpx.Response(200, json={"user_id": "ada"}),
        httpx.Response(200, json=[1]),
        httpx.Response(502, text="<html>bad gateway</html>"),
        httpx.Response(400, json={"code": "unheard_of", "detail": "?"}),
    ],
)
async def test_a_reply_that_makes_no_sense_is_a_typed_error(answer: httpx.Response) -> None:
    with pytest.raises(ReplyRefused):
        await through(scripted(answer), lambda m: m.stats())


async def test_a_server_that_is_not_there_and_one_that_never_answers() -> None:
    unreached = httpx.AsyncHTTPTransport()
    async with RemoteVault("http://127.0.0.1:9", transport=unreached) as vault:
        async with MemoryLayer("ada", vault=vault) as memory:
            with pytest.raises(BackendUnavailable):
                await memory.stats()

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    with pytest.raises(TimedOut):
        await through(Silent(), lambda m: m.stats(), timeout_s=0.05)


async def test_export_and_import_by_file(vault: RemoteVault, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    seen: list[tuple[int, int]] = []
    async with MemoryLayer("ada", vault=vault) as ada, MemoryLayer("bob", vault=vault) as bob:
        await ada.save([f"note {i} " * 50 for i in range(700)], session_id="s")
        report = await ada.export(first)
        assert report.memories == 700
        assert report.bytes_written == first.stat().st_size
        with pytest.raises(TargetNotEmpty):
            await ada.export(first)
        took = await bob.import_(first, progress=lambda done, of: seen.append((done, of)))
        assert (took.memories, took.embedded) == (700, 0)
        assert seen[-1] == (report.bytes_written, report.bytes_written)
        with pytest.raises(TargetNotEmpty):
            await bob.import_(first)
        await bob.export(second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="makes a pipe")
async def test_an_export_never_replaces_a_pipe(vault: RemoteVault, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    async with MemoryLayer("ada", vault=vault) as memory:
        await memory.save("tea")
        for place in (pipe, link):
            with pytest.raises(TargetNotEmpty, match="a pipe"):
                await memory.export(place, overwrite=True)
            assert place.is_fifo()


async def test_an_export_that_breaks_off_leaves_no_file(vault: RemoteVault, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    async with MemoryLayer("ada", vault=vault) as memory:
        await memory.save(["tea", "coffee"])
        await memory.export(whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    for broken in (b"".join(lines[:-1]), b"".join(lines)[:-20], b"".join(lines[1:]), b""):
        with pytest.raises(ReplyRefused, match="broke off"):
            answer = httpx.Response(200, content=broken)
            await through(scripted(answer), lambda m: m.export(tmp_path / "out"))
    assert [one.name for one in tmp_path.iterdir() if "vault" not in one.name] == ["whole"]


@pytest.mark.parametrize("change", ["cut", "more", "forged"])
async def test_a_bad_import_changes_nothing(
    vault: RemoteVault, tmp_path: Path, change: str
) -> None:
    file = tmp_path / "file"
    async with MemoryLayer("ada", vault=vault) as ada, MemoryLayer("bob", vault=vault) as bob:
        await ada.save(["tea", "coffee"])
        await ada.export(file)
        content = file.read_bytes()
        file.write_bytes(
            {
                "cut": content[:-30],
                "more": content + content,
                "forged": content.replace(b"coffee", b"cocoa!"),
            }[change]
        )
        with pytest.raises(InvalidInput, match="line"):
            await bob.import_(file)
        with pytest.raises(InvalidInput, match="exist"):
            await bob.import_(tmp_path / "nothing")
        assert (await bob.list_memories()).items == ()


def test_wrong_addresses_and_keys_are_refused() -> None:
    for url in ("127.0.0.1:8600", "ftp://x", ""):
        with pytest.raises(ConfigError, match="url"):
            RemoteVault(url)
    for key in (" k", "a\nb", "ä"):
        with pytest.raises(ConfigError, match="key"):
            RemoteVault(URL, key)
    assert "secret" not in repr(RemoteVault(URL, "secret"))
