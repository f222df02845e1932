"""Streamable HTTP: who may come in and do what, and a real process to the end."""

from __future__ import annotations

import importlib.util
import logging
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.extras.mcp.starting import HELLO, command
from tests.extras.served.processes import free_port

from memory_vault import MemoryConfig
from memory_vault.access import ApiKey, Right, new_secret
from memory_vault.errors import NotOpen

if importlib.util.find_spec("mcp") is None:
    pytest.skip("mcp is missing", allow_module_level=True)

from memory_vault.mcp.memories import Memories
from memory_vault.mcp.tools import BY_NAME
from memory_vault.mcp.web import application

pytestmark = [pytest.mark.extras]
HEADERS = {"accept": "application/json, text/event-stream"}
CALLS: dict[str, dict[str, Any]] = {
    "recall": {"query": "tea"},
    "save": {"content": "tea"},
    "list_memories": {},
    "forget": {"memory_id": "mem_0"},
    "list_preferences": {},
    "set_preference": {"key": "k", "value": "v"},
    "delete_preference": {"key": "k"},
    "list_sessions": {},
    "end_session": {"session_id": "s"},
}


@asynccontextmanager
async def served(config: MemoryConfig, **how: Any) -> AsyncIterator[tuple[Any, Memories]]:
    """An HTTP client of the application, in this process."""
    memories = Memories(config, user_id="ada", is_local=False, **how)
    vault = await memories.open()
    app = application(memories, vault, host="127.0.0.1", stateless_http=True, json_response=True)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8601", headers=HEADERS
        ) as client:
            yield client, memories
    with pytest.raises(NotOpen):
        _ = vault.engine


async def make_key(memories: Memories, *rights: Right, users: tuple[str, ...] | None) -> str:
    key_id, secret = new_secret()
    key = ApiKey(key_id, "", users, rights, datetime.now(UTC))
    await memories.vault.engine.store.with_api_keys(lambda keys: keys.add(key, secret))
    return secret


async def call(client: Any, name: str, key: str | None, **more: Any) -> tuple[int, str]:
    """Status, and the text of what the tool said."""
    answer = await client.post(
        "/mcp",
        json={
            "jsonrpc": "2.0",
            "id": 7,
            "method": "tools/call",
            "params": {"name": name, "arguments": {**CALLS[name], **more}},
        },
        headers={"authorization": f"Bearer {key}"} if key else {},
    )
    body = answer.json()
    said = body["result"]["content"][0]["text"] if "result" in body else body.get("code", "")
    return answer.status_code, said


@pytest.mark.anyio
async def test_calls_about_one_user_are_limited(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_VAULT_SERVE_RATE_PER_USER", "0.001")
    async with served(hash_config) as (client, _):
        assert "rate_limited" not in (await call(client, "recall", None))[1]
        assert "rate_limited" in (await call(client, "recall", None))[1]


@pytest.mark.anyio
async def test_every_tool_by_every_kind_of_caller(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, memories):
        everything: tuple[Right, ...] = ("read", "write", "forget")
        right_one = await make_key(memories, *everything, users=("ada",))
        other = await make_key(memories, *everything, users=("bob",))
        reader = await make_key(memories, "read", users=("ada",))
        assert set(CALLS) == set(BY_NAME)
        for name, tool in BY_NAME.items():
            assert await call(client, name, None) == (401, "key_refused")
            assert await call(client, name, "mvk_0_0") == (401, "key_refused")
            assert (await call(client, name, other))[1].startswith("access_refused")
            assert "access_refused" not in (await call(client, name, right_one))[1]
            is_refused = (await call(client, name, reader))[1].startswith("access_refused")
            assert is_refused is (tool.right != "read"), name


@pytest.mark.anyio
async def test_a_key_opens_its_users_only_where_calls_name_them(hash_config: MemoryConfig) -> None:
    async with served(hash_config, allows_any_user=True) as (client, memories):
        key = await make_key(memories, "read", "write", users=("bob",))
        assert "Saved" in (await call(client, "save", key, user_id="bob"))[1]
        assert (await call(client, "save", key))[1].startswith("access_refused")
        assert (await call(client, "save", key, user_id="eve"))[1].startswith("access_refused")


@pytest.mark.anyio
async def test_forgetting_leaves_a_line_and_no_text(
    hash_config: MemoryConfig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with served(hash_config) as (client, memories):
        key = await make_key(memories, "write", "forget", users=("ada",))
        saved = (await call(client, "save", key, content="SECRET"))[1]
        memory_id = saved.removeprefix("Saved as ").rstrip(".")
        assert (await call(client, "forget", key, memory_id=memory_id))[0] == 200
    (line,) = [one for one in caplog.records if one.name == "memory_vault.audit"]
    assert line.fields["memory_id"] == memory_id
    assert line.fields["removed"]["memories"] == 1
    assert "SECRET" not in caplog.text


@pytest.mark.anyio
async def test_without_any_key_only_this_machine_is_served(hash_config: MemoryConfig) -> None:
    async with served(hash_config) as (client, _):
        assert (await client.post("/mcp", json=HELLO)).status_code == 200
        away = await client.post("/mcp", json=HELLO, headers={"host": "evil.example"})
        assert away.status_code == 403
        page = await client.post("/mcp", json=HELLO, headers={"origin": "http://evil.example"})
        assert page.status_code == 403


@pytest.mark.anyio
async def test_the_real_server_and_the_sdks_client(tmp_path: Path) -> None:
    from mcp import Client

    port = free_port()
    with listening(tmp_path / "vault", port):
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            await client.call_tool("set_preference", {"key": "answers", "value": "short"})
            found = await client.read_resource("memory-vault://profile")
            assert "answers: short" in found.contents[0].text


@contextmanager
def listening(data_dir: Path, port: int) -> Iterator[None]:
    """A real server, until it has stopped in order."""
    with subprocess.Popen(command(data_dir, "--http", "--port", str(port))) as process:
        end = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(60)
        assert status in (0, -signal.SIGTERM)


def answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        return httpx.post(url, json=HELLO, headers=HEADERS, timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def test_an_open_address_needs_a_key(tmp_path: Path) -> None:
    words = command(tmp_path / "vault", "--http", "--host", "0.0.0.0", "--port", str(free_port()))
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "memory-vault keys create" in done.stderr


def test_the_absence_of_the_sdk_names_the_command(tmp_path: Path) -> None:
    hidden = (
        "import sys; sys.modules['mcp'] = None; from memory_vault.cli import main; "
        f"main(['--data-dir', {str(tmp_path)!r}, 'mcp'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert "pip install 'memory-vault[mcp]'" in done.stderr
