"""The acceptance table: every route by every kind of caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.extras.served.running import UNLIMITED, URL, make_key, running, within

from memory_vault import MemoryConfig, MemoryLayer

pytestmark = pytest.mark.anyio
USER = "/v1/users/ada"
ROUTES: dict[str, tuple[str, str, str, Any]] = {
    "save": ("write", "POST", f"{USER}/memories", {"content": "tea"}),
    "recall": ("read", "POST", f"{USER}/recall", {"query": "tea"}),
    "list_memories": ("read", "GET", f"{USER}/memories", None),
    "get": ("read", "GET", f"{USER}/memories/mem_1", None),
    "update": ("write", "PATCH", f"{USER}/memories/mem_1", {"importance": 1}),
    "history": ("read", "GET", f"{USER}/memories/mem_1/history", None),
    "forget_memory": ("forget", "DELETE", f"{USER}/memories/mem_1", None),
    "forget": ("forget", "POST", f"{USER}/forget", {"origin": "tool"}),
    "forget_all": ("forget", "DELETE", f"{USER}/memories?confirm=true", None),
    "stats": ("read", "GET", f"{USER}/stats", None),
    "list_preferences": ("read", "GET", f"{USER}/preferences", None),
    "set_preference": ("write", "PUT", f"{USER}/preferences/style", {"value": "short"}),
    "delete_preference": ("write", "DELETE", f"{USER}/preferences/style", None),
    "start_session": ("write", "POST", f"{USER}/sessions", {"session_id": "s"}),
    "end_session": ("write", "POST", f"{USER}/sessions/s/end", None),
    "list_sessions": ("read", "GET", f"{USER}/sessions", None),
    "export": ("read", "GET", f"{USER}/export", None),
    "import_": ("write", "POST", f"{USER}/import", None),
    "compress": ("write", "POST", f"{USER}/compress", {}),
    "list_jobs": ("read", "GET", f"{USER}/jobs", None),
    "get_job": ("read", "GET", f"{USER}/jobs/job_1", None),
    "cancel_job": ("write", "POST", f"{USER}/jobs/job_1/cancel", None),
    "follow_job": ("read", "GET", f"{USER}/jobs/job_1/events", None),
    "list_vault_jobs": ("admin", "GET", "/v1/vault/jobs", None),
    "get_vault_job": ("admin", "GET", "/v1/vault/jobs/job_1", None),
    "cancel_vault_job": ("admin", "POST", "/v1/vault/jobs/job_1/cancel", None),
    "follow_vault_job": ("admin", "GET", "/v1/vault/jobs/job_1/events", None),
    "forget_user": ("admin", "DELETE", f"{USER}?confirm=true", None),
    "list_users": ("admin", "GET", "/v1/users", None),
    "health": ("admin", "GET", "/v1/vault/health", None),
    "check": ("admin", "POST", "/v1/vault/check", {}),
    "reindex": ("admin", "POST", "/v1/vault/reindex", {}),
    "metrics": ("admin", "GET", "/v1/metrics", None),
}
PUBLIC = {"live": "/health/live", "ready": "/health/ready"}
OF_VAULT = {n for n, (_, _, path, _) in ROUTES.items() if not path.startswith(USER)}


@pytest.fixture
async def app(hash_config: MemoryConfig) -> AsyncIterator[Any]:
    async with running(hash_config) as app:
        vault = app.state.serving.vault
        async with MemoryLayer("ada", vault=vault) as memory:
            await memory.save("The tea of Ada is green.")
        yield app


async def ask(app: Any, name: str, key: str | None, address: str = "127.0.0.1") -> httpx.Response:
    _, method, path, body = ROUTES[name]
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    if name == "import_":
        headers["content-type"] = "application/x-ndjson"
    async with httpx.AsyncClient(transport=within(app, address), base_url=URL) as client:
        return await client.request(method, path, json=body, headers=headers)


def test_every_route_is_in_the_table() -> None:
    from memory_vault.api import create_app

    paths = create_app().openapi()["paths"].values()
    names = {one["operationId"] for path in paths for one in path.values()}
    assert names == ROUTES.keys() | PUBLIC.keys()


@pytest.mark.parametrize("key", [None, "mvk_000000000000_wrong", "nonsense"])
async def test_no_key_and_a_wrong_key_open_nothing(app: Any, key: str | None) -> None:
    await make_key(app)
    found = {name: (await ask(app, name, key)).status_code for name in ROUTES}
    assert found == dict.fromkeys(ROUTES, 401)


async def test_the_key_of_another_user_opens_nothing(app: Any) -> None:
    key = await make_key(app, ("bob", "Ada", "ad"))
    answers = {name: await ask(app, name, key) for name in ROUTES}
    assert {n: one.status_code for n, one in answers.items()} == dict.fromkeys(ROUTES, 403)
    assert not [name for name, one in answers.items() if "green" in one.text]


async def test_a_key_to_read_only_reads(app: Any) -> None:
    key = await make_key(app, ("ada",), ("read",))
    for name, (right, *_) in ROUTES.items():
        status = (await ask(app, name, key)).status_code
        assert (status in (200, 404)) == (right == "read"), (name, status)
        assert (status == 403) == (right != "read"), (name, status)


async def test_the_right_key_opens(app: Any) -> None:
    for name, (right, *_) in ROUTES.items():
        users = None if name in OF_VAULT else ("ada",)
        answer = await ask(app, name, await make_key(app, users, (right,)))
        if name == "import_":  # Ada has something already
            assert answer.status_code == 409
        else:
            assert answer.status_code in (200, 204, 404), (name, answer.text)


async def test_a_key_for_some_users_rules_no_vault(app: Any) -> None:
    key = await make_key(app, ("ada",))
    found = {name: (await ask(app, name, key)).status_code for name in OF_VAULT}
    assert found == dict.fromkeys(OF_VAULT, 403)


async def test_an_expired_and_a_revoked_key_open_nothing(app: Any) -> None:
    now = datetime.now(UTC)
    for more in ({"expires_at": now - timedelta(seconds=1)},):
        assert (await ask(app, "stats", await make_key(app, **more))).status_code == 401
    key = await make_key(app)
    assert (await ask(app, "stats", key)).status_code == 200
    serving = app.state.serving
    await serving.vault.engine.store.with_api_keys(lambda keys: keys.revoke(key.split("_")[1]))
    serving.guard._known.clear()  # what a second does
    assert (await ask(app, "stats", key)).status_code == 401


async def test_without_any_key_only_this_machine_is_served(app: Any) -> None:
    assert (await ask(app, "stats", None)).status_code == 200
    refused = await ask(app, "stats", None, "10.0.0.7")
    assert (refused.status_code, refused.json()["code"]) == (403, "access_refused")
    async with httpx.AsyncClient(transport=within(app), base_url="http://evil.example") as page:
        assert (await page.get(f"{USER}/stats")).status_code == 403
    assert (await ask(app, "stats", "mvk_000000000000_wrong")).status_code == 401


STRANGE = [
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-site"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("sent_by", STRANGE)
async def test_without_any_key_the_page_of_a_stranger_does_nothing(
    app: Any, sent_by: dict[str, str]
) -> None:
    async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
        await client.post(f"{USER}/sessions", json={"session_id": "s"})
        for _, method, path, body in ROUTES.values():
            answer = await client.request(method, path, json=body, headers=sent_by)
            assert (answer.status_code, answer.json()["code"]) == (403, "access_refused")
            assert "another site" in answer.json()["detail"]
        (session,) = (await client.get(f"{USER}/sessions")).json()["items"]
        assert session["ended_at"] is None


async def test_the_servers_own_page_and_one_that_is_named_may_call(
    hash_config: MemoryConfig,
) -> None:
    settings = replace(UNLIMITED, cors_origins=("http://page.example",))
    async with running(hash_config, settings) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            for sent_by in (
                {"origin": URL, "sec-fetch-site": "same-origin"},
                {"origin": "http://page.example", "sec-fetch-site": "cross-site"},
                {"sec-fetch-site": "none"},
            ):
                assert (await client.get(f"{USER}/stats", headers=sent_by)).status_code == 200
            strange = {"origin": "http://x.example"}
            assert (await client.get(f"{USER}/stats", headers=strange)).status_code == 403


async def test_a_key_may_come_from_any_page(app: Any) -> None:
    key = {"authorization": f"Bearer {await make_key(app)}", **STRANGE[0]}
    async with httpx.AsyncClient(transport=within(app), base_url=URL, headers=key) as client:
        assert (await client.get(f"{USER}/stats")).status_code == 200


async def test_a_vault_that_had_a_key_is_never_open_again(app: Any) -> None:
    await make_key(app, ("bob",))
    store = app.state.serving.vault.engine.store
    async with MemoryLayer("bob", vault=app.state.serving.vault) as memory:
        await memory.save("tea")
    await app.state.serving.vault.forget_user("bob", confirm=True)
    (left,) = await store.with_api_keys(lambda keys: keys.list())
    assert left.users == ()
    assert left.revoked_at is not None
    assert (await ask(app, "stats", None)).status_code == 401


async def test_probes_and_the_description_need_no_key(app: Any) -> None:
    await make_key(app)
    async with httpx.AsyncClient(transport=within(app, "10.0.0.7"), base_url=URL) as client:
        for path in (*PUBLIC.values(), "/openapi.json"):
            assert (await client.get(path)).status_code == 200
