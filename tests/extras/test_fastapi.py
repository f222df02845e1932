"""The vault in web applications: real servers, real clients that leave, errors as documents."""

import asyncio
import importlib.util
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio
import httpx
import pytest

import memory_vault
from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.errors import NotOpen, StorageFull

if any(importlib.util.find_spec(one) is None for one in ("fastapi", "uvicorn", "anthropic")):
    pytest.skip("fastapi, uvicorn or anthropic is missing", allow_module_level=True)

from fastapi import Depends, FastAPI, Request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.extras.model_service import serving

from memory_vault.integrations.fastapi import memory_for
from memory_vault.integrations.starlette import (
    CancelOnDisconnect,
    add_problem_details,
    memory_of,
    vault_lifespan,
    vault_of,
)

pytestmark = pytest.mark.extras
EXAMPLES = Path(memory_vault.__file__).parents[2] / "examples"
Handler = Any


# one application in this process ------------------------------------------------------------------


def starlette_app(config: MemoryConfig, *routes: Route) -> Starlette:
    app = Starlette(routes=list(routes), lifespan=vault_lifespan(config))
    add_problem_details(app)
    return app


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that is started and stopped as a server would."""
    state: dict[str, Any] = {}
    async with app.router.lifespan_context(app) as more:
        state.update(more or {})

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            yield client


@pytest.mark.anyio
async def test_one_vault_and_the_memory_of_each_user(hash_config: MemoryConfig) -> None:
    """FastAPI: dependencies say who the user is and which session it is."""

    def user(request: Request) -> str:
        return request.headers["x-user"]

    def session(request: Request) -> str | None:
        return request.headers.get("x-session")

    Memory = Annotated[MemoryLayer, Depends(memory_for(user, session=session))]
    seen: list[Vault] = []

    @asynccontextmanager
    async def own(app: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"mine": 1}

    app = FastAPI(lifespan=vault_lifespan(hash_config, also=own))

    async def save(text: str, memory: Memory, request: Request) -> dict[str, Any]:
        seen.append(vault_of(request))
        assert request.state.mine == 1
        (saved,) = (await memory.save(text)).saved
        return {"user": saved.user_id, "session": saved.session_id}

    async def count(memory: Memory) -> int:
        return (await memory.stats()).total

    app.post("/save")(save)
    app.get("/count")(count)
    async with client_of(app) as client:
        alice, bob = {"x-user": "alice", "x-session": "s-1"}, {"x-user": "bob"}
        told = await client.post("/save", params={"text": "I keep bees."}, headers=alice)
        assert told.json() == {"user": "alice", "session": "s-1"}
        await client.post("/save", params={"text": "I keep ducks."}, headers=alice)
        assert (await client.get("/count", headers=alice)).json() == 2
        assert (await client.get("/count", headers=bob)).json() == 0
    assert seen[0] is seen[1]
    with pytest.raises(NotOpen):
        _ = seen[0].engine


@pytest.mark.anyio
async def test_errors_are_problem_details(
    hash_config: MemoryConfig, caplog: pytest.LogCaptureFixture
) -> None:
    async def get(request: Request) -> Response:
        async with memory_of(request, "alice") as memory:
            return PlainTextResponse((await memory.get("mem_none")).content)

    async def full(request: Request) -> Response:
        raise StorageFull("the disk that holds users/ab.db is full; nothing was stored")

    app = starlette_app(hash_config, Route("/get", get), Route("/{user}/full", full))
    async with client_of(app) as client:
        with caplog.at_level(logging.ERROR, "memory_vault"):
            missing = await client.get("/get")
            assert not caplog.records
            broken = await client.get("/alice/full")
    assert missing.status_code == missing.json()["status"] == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["type"] == "urn:memory-vault:error:not_found"
    assert "mem_none" in missing.json()["detail"]
    assert (broken.status_code, broken.json()["code"]) == (507, "storage_full")
    assert "ab.db" not in broken.text
    assert "ab.db" in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.anyio
async def test_an_application_without_a_vault_says_so() -> None:
    async def get(request: Request) -> Response:
        vault_of(request)
        return Response()

    app = Starlette(routes=[Route("/", get)])
    add_problem_details(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_open")
    assert answer.headers["retry-after"] == "1"


# clients that leave -------------------------------------------------------------------------------


class Client:
    """The server's side of one request, of which a test says when the client leaves."""

    def __init__(self, path: str, state: dict[str, Any], body: bytes = b"") -> None:
        self.left, self.sent = anyio.Event(), list[dict[str, Any]]()
        self._body = body
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "state": state,
        }
        self._has_asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["plain", "stream", "native"])
async def test_a_client_that_leaves_cancels_what_runs(
    hash_config: MemoryConfig, anyio_backend: str, kind: str
) -> None:
    """What it had asked for is stored wholly or not at all, and the vault goes on."""
    if kind == "native" and anyio_backend == "trio":
        pytest.skip("asyncio's own cancellation")
    began, was_cancelled = anyio.Event(), anyio.Event()

    async def work(memory: MemoryLayer) -> None:
        await memory.save([{"role": "user", "content": f"first {i}"} for i in range(3)])
        began.set()
        try:
            while True:
                await memory.save([{"role": "user", "content": f"more {i}"} for i in range(20)])
        except BaseException:
            was_cancelled.set()
            raise

    async def plain(request: Request) -> Response:
        assert await request.body() == b"a question"
        async with memory_of(request, "alice") as memory:
            await work(memory)
        return Response()

    async def stream(request: Request) -> Response:
        async def parts() -> AsyncIterator[str]:
            yield "one"
            async with memory_of(request, "alice") as memory:
                await work(memory)

        return StreamingResponse(parts())

    app = starlette_app(
        hash_config,
        Route("/plain", plain, methods=["POST"]),
        Route("/stream", stream, methods=["POST"]),
        Route("/native", plain, methods=["POST"]),
    )
    app.add_middleware(CancelOnDisconnect)
    async with app.router.lifespan_context(app) as state:
        client = Client(f"/{kind}", dict(state), b"a question")
        if kind == "native":
            task = asyncio.create_task(app(client.scope, client.receive, client.send))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(app, client.scope, client.receive, client.send)
                await began.wait()
                client.left.set()
        await was_cancelled.wait()
        async with MemoryLayer("alice", vault=state["vault"]) as memory:
            stored = (await memory.stats()).total
            assert stored >= 3
            assert (stored - 3) % 20 == 0
            await memory.save("The vault goes on.")
            assert (await state["vault"].health()).is_ok


@pytest.mark.anyio
async def test_a_client_that_stays_gets_everything(hash_config: MemoryConfig) -> None:
    """Errors keep their type, background work ends, and no leaving after the answer matters."""
    done = anyio.Event()

    async def finish() -> None:
        await anyio.sleep(0.01)
        done.set()

    async def answer(request: Request) -> Response:
        return PlainTextResponse(await request.body(), background=BackgroundTask(finish))

    async def fail(request: Request) -> Response:
        raise KeyError("mine")

    app = starlette_app(
        hash_config,
        Route("/answer", answer, methods=["POST"]),
        Route("/fail", fail, methods=["POST"]),
    )
    app.add_middleware(CancelOnDisconnect)
    async with app.router.lifespan_context(app) as state:
        client = Client("/answer", dict(state), b"hello")

        async def leave_after_the_answer(message: dict[str, Any]) -> None:
            await client.send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                client.left.set()

        await app(client.scope, client.receive, leave_after_the_answer)
        assert client.sent[1]["body"] == b"hello"
        assert done.is_set()
        with pytest.raises(KeyError, match="mine"):
            await app((other := Client("/fail", dict(state))).scope, other.receive, other.send)


# the example, under real servers ------------------------------------------------------------------

SERVERS = {
    "uvicorn-asyncio": ["uvicorn", "chat_backend:app", "--loop", "asyncio", "--port"],
    "uvicorn-uvloop": ["uvicorn", "chat_backend:app", "--loop", "uvloop", "--port"],
    "hypercorn-trio": ["hypercorn", "chat_backend:app", "--worker-class", "trio", "--bind"],
}
USERS, CLIENTS = 40, 200


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """The address of a server in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = f"127.0.0.1:{port}" if command[0] == "hypercorn" else str(port)
    server = subprocess.Popen(
        [sys.executable, "-m", *command, where],
        cwd=EXAMPLES,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(600):
            assert server.poll() is None, server.stderr and server.stderr.read()
            try:
                httpx.get(f"http://127.0.0.1:{port}/openapi.json").raise_for_status()
                break
            except httpx.TransportError:
                anyio.run(anyio.sleep, 0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        _, said = server.communicate(timeout=60)
        assert "Traceback" not in said, said


async def crowd(url: str) -> list[str]:
    """All clients at once; several are the same user."""
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
        texts: list[str] = [""] * CLIENTS

        async def talk(i: int) -> None:
            said = {"messages": [{"role": "user", "content": f"My number is {i} today."}]}
            who = {"authorization": f"Bearer user-{i % USERS}"}
            answer = await client.post("/chat", json=said, headers=who)
            assert answer.status_code == 200, answer.text
            texts[i] = answer.text

        async with anyio.create_task_group() as group:
            for i in range(CLIENTS):
                group.start_soon(talk, i)

        stranger = await client.post("/chat", json={"messages": []})
        assert stranger.status_code == 401
        who = {"authorization": "Bearer user-0"}
        missing = await client.delete("/memories/mem_none", headers=who)
        assert missing.headers["content-type"] == "application/problem+json"
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        return texts


@pytest.mark.parametrize("server", SERVERS)
def test_the_chat_back_end_serves_two_hundred_clients(
    server: str, tmp_path: Path, model_dir: Path
) -> None:
    command = SERVERS[server]
    if importlib.util.find_spec(command[0]) is None or (
        "uvloop" in server and importlib.util.find_spec("uvloop") is None
    ):
        pytest.skip(f"{server} is missing")
    with serving() as service:
        environment = {
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": service.url,
            "MEMORY_VAULT_DATA_DIR": str(tmp_path / "vault"),
            "MEMORY_VAULT_MODEL_DIR": str(model_dir),
        }
        with running(command, environment) as url:
            texts = anyio.run(crowd, url)

    async def check() -> None:
        config = MemoryConfig(data_dir=tmp_path / "vault", model_dir=model_dir)
        async with Vault(config) as vault:
            for n in range(USERS):
                async with MemoryLayer(f"user-{n}", vault=vault) as memory:
                    stored = [one.content for one in (await memory.list_memories()).items]
                mine = range(n, CLIENTS, USERS)
                assert {f"My number is {i} today." for i in mine} <= set(stored)
                assert sorted(one for one in stored if not one.startswith("My number")) == sorted(
                    texts[i] for i in mine
                )
                others = {f"number is {i} " for i in range(CLIENTS)} - {
                    f"number is {i} " for i in mine
                }
                assert not any(other in json.dumps(stored) for other in others)
            assert (await vault.check()).is_ok

    anyio.run(check)
