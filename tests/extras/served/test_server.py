"""What the server takes, for how long, how often; what it answers, and what it writes down."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.extras.served.running import UNLIMITED, URL, make_key, running, within

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.api.logs import JsonLines
from memory_vault.api.settings import ServeSettings
from memory_vault.cli.app import run as run_command
from memory_vault.errors import ConfigError
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
SECRET = "the zebra sleeps behind the boiler"


@pytest.fixture
async def client(hash_config: MemoryConfig) -> AsyncIterator[httpx.AsyncClient]:
    async with running(hash_config) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            yield client


def problem(answer: httpx.Response, status: int, code: str) -> None:
    """Check that an answer is a problem of this kind."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert told["type"] == f"urn:memory-vault:error:{code}"
    assert told["detail"]


ODD = ["a/b", "..", ".", "~tilde", "a%2Fb", "a b", "ä/é", "日本", "a?b#c", "x" * 512, "\\..\\"]


@pytest.mark.parametrize("user_id", ODD)
async def test_any_user_id_can_be_named(client: httpx.AsyncClient, user_id: str) -> None:
    from memory_vault.client.calls import CALLS, request

    target = request(CALLS["stats"], {"user_id": user_id}).target
    url = httpx.URL(URL).copy_with(raw_path=target.encode())
    assert (await client.get(url)).json()["user_id"] == user_id


async def test_an_encoded_slash_is_part_of_an_id_and_a_plain_one_is_not(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/v1/users/a%2Fb/stats")).json()["user_id"] == "a/b"
    problem(await client.get("/v1/users/a/b/stats"), 404, "not_found")
    for wrong in ("%ff", "~", "~*", "~gA"):
        problem(await client.get(f"/v1/users/{wrong}/stats"), 404, "not_found")


async def test_etags(client: httpx.AsyncClient) -> None:
    saved = (await client.post("/v1/users/ada/memories", json={"content": "tea"})).json()["saved"]
    path = f"/v1/users/ada/memories/{saved[0]['id']}"
    first = (await client.get(path)).headers["etag"]
    changed = await client.patch(path, json={"importance": 1}, headers={"if-match": first})
    assert changed.headers["etag"] != first
    for method in ("patch", "delete"):
        body = {"json": {"importance": 0}} if method == "patch" else {}
        for stale in (first, "nonsense", f"W/{changed.headers['etag']}"):
            again = await getattr(client, method)(path, headers={"if-match": stale}, **body)
            problem(again, 412, "changed_meanwhile")
    assert (await client.get(path)).json()["importance"] == 1
    several = f"{first}, {changed.headers['etag']}"
    assert (await client.delete(path, headers={"if-match": several})).status_code == 200
    problem(await client.delete(path, headers={"if-match": "*"}), 404, "not_found")


async def test_an_idempotency_key_comes_as_a_header(client: httpx.AsyncClient) -> None:
    path, key = "/v1/users/ada/memories", {"idempotency-key": "k-1"}
    first = await client.post(path, json={"content": "tea"}, headers=key)
    await client.post(path, json={"content": "coffee"})
    assert (await client.post(path, json={"content": "tea"}, headers=key)).json() == first.json()
    other = await client.post(path, json={"content": "cake"}, headers=key)
    problem(other, 409, "idempotency_conflict")


async def test_pages(client: httpx.AsyncClient) -> None:
    path = "/v1/users/ada/memories"
    await client.post(path, json={"content": [f"tea {i}" for i in range(5)]})
    found, cursor = [], None
    while True:
        given = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(path, params=given)).json()
        found += [one["content"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == [f"tea {i}" for i in range(5)]


async def test_what_is_not_acceptable_is_told_without_quoting_it(client: httpx.AsyncClient) -> None:
    path = "/v1/users/ada/memories"
    for body in (
        {"content": " "},
        {"content": SECRET, "occurred_at": SECRET},
        {"content": SECRET, "metadata": SECRET},
        {"content": SECRET, SECRET: 1},
        {"content": SECRET, "role": None},
        {"content": [SECRET, 5]},
    ):
        answer = await client.post(path, json=body)
        problem(answer, 422, "invalid_input")
        assert "zebra" not in answer.text
    as_text = await client.post(path, content=b'{"content": "tea"}')
    assert as_text.status_code in (415, 422)  # no web page may send it without being asked first
    assert (await client.get(path)).json()["items"] == []


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_an_import_says_what_it_is(client: httpx.AsyncClient, kind: str | None) -> None:
    await client.post("/v1/users/ada/memories", json={"content": "tea"})
    file = (await client.get("/v1/users/ada/export")).content
    path, headers = "/v1/users/bob/import", {} if kind is None else {"content-type": kind}
    answer = await client.post(path, content=file, headers=headers)
    problem(answer, 422, "invalid_input")
    assert "application/x-ndjson" in answer.json()["detail"]
    as_lines = {"content-type": "application/x-ndjson; charset=utf-8"}
    took = await client.post(path, content=file, headers=as_lines)
    assert took.json()["memories"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/users/ada/memories/{id}?dryrun=true"),
        ("DELETE", "/v1/users/ada/memories?confirm=true&dry_run=true"),
        ("POST", "/v1/users/bob/import?orgin=import"),
        ("GET", "/v1/users/ada/memories?sessionid=s"),
        ("GET", "/v1/users/ada/stats?zebra=1"),
        ("POST", "/v1/users/ada/memories?role=user"),
        ("GET", "/v1/vault/health?x="),
        ("GET", "/health/live?x=1"),
    ],
)
async def test_a_name_in_the_query_that_nobody_knows_is_refused(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    saved = (await client.post("/v1/users/ada/memories", json={"content": "tea"})).json()["saved"]
    answer = await client.request(method, path.format(id=saved[0]["id"]), json={"content": "milk"})
    problem(answer, 422, "invalid_input")
    assert "query" in answer.json()["detail"]
    assert "zebra" not in answer.text
    assert (await client.get("/v1/users/ada/stats")).json()["memories"] == {"episodic": 1}


async def test_a_body_that_cannot_be_read_is_told_as_described(client: httpx.AsyncClient) -> None:
    path, as_json = "/v1/users/ada/memories", {"content-type": "application/json"}
    answer = await client.post(path, content=b'{"content": "\xff"}', headers=as_json)
    problem(answer, 400, "invalid_input")
    routes = (await client.get("/openapi.json")).json()["paths"].values()
    for operation in (one for methods in routes for one in methods.values()):
        assert ("400" in operation["responses"]) is ("requestBody" in operation)
    told = (Path(__file__).parents[3] / "docs/guides/serving.md").read_text(encoding="utf-8")
    assert all(f"| {status} | `invalid_input`" in told for status in (400, 405))


async def test_unknown_routes_and_methods(client: httpx.AsyncClient) -> None:
    problem(await client.get("/v1/nothing"), 404, "not_found")
    answer = await client.put("/v1/users/ada/memories")
    problem(answer, 405, "invalid_input")
    assert answer.headers["allow"] == "DELETE, GET, POST"


async def test_every_answer_has_the_security_headers_and_no_cors(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get("/health/live", headers={"origin": "http://page.example"}),
        await client.get("/v1/nothing"),
        await client.options(
            "/v1/users",
            headers={"origin": "http://page.example", "access-control-request-method": "GET"},
        ),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_pages_that_are_named_may_call(hash_config: MemoryConfig) -> None:
    settings = replace(UNLIMITED, cors_origins=("http://page.example",))
    async with running(hash_config, settings) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            for origin, allowed in (("http://page.example", True), ("http://x.example", False)):
                answer = await client.get("/health/live", headers={"origin": origin})
                assert ("access-control-allow-origin" in answer.headers) is allowed


@pytest.mark.parametrize("is_announced", [True, False])
async def test_too_large_a_request_is_refused(
    hash_config: MemoryConfig, is_announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    content = b" " * 100_000 if is_announced else pieces()
    async with running(hash_config, replace(UNLIMITED, max_body_bytes=50_000)) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            answer = await client.post(
                "/v1/users/ada/memories",
                content=content,
                headers={"content-type": "application/json"},
            )
            problem(answer, 413, "too_large")


class SlowEmbedder(HashEmbedder):
    """Never done."""

    async def embed(self, texts: Any) -> Any:
        await anyio.sleep_forever()


async def test_a_call_that_takes_too_long_is_stopped(hash_config: MemoryConfig) -> None:
    config = replace(hash_config, embedder=SlowEmbedder())
    async with running(config, replace(UNLIMITED, timeout_s=0.2)) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            answer = await client.post("/v1/users/ada/memories", json={"content": "tea"})
            problem(answer, 504, "timed_out")
            assert "retry-after" in answer.headers
            assert (await client.get("/v1/users/ada/stats")).json()["memories"] == {}


async def test_too_many_requests_are_refused_for_a_while(hash_config: MemoryConfig) -> None:
    async with running(hash_config, ServeSettings(rate_per_user=5, burst_s=1)) as app:
        key = {"authorization": f"Bearer {await make_key(app)}"}
        async with httpx.AsyncClient(transport=within(app), base_url=URL, headers=key) as client:
            answers = [await client.get("/v1/users/ada/stats") for _ in range(30)]
            refused = [one for one in answers if one.status_code == 429]
            assert answers[4].status_code == 200
            assert refused
            problem(refused[0], 429, "rate_limited")
            assert refused[0].headers["retry-after"] == "1"
            assert (await client.get("/v1/users/bob/stats")).status_code == 200


async def test_a_slow_rate_says_how_long_to_wait(hash_config: MemoryConfig) -> None:
    async with running(hash_config, ServeSettings(rate_per_user=0.001, burst_s=1)) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            assert (await client.get("/v1/users/ada/stats")).status_code == 200
            refused = await client.get("/v1/users/ada/stats")
            problem(refused, 429, "rate_limited")
            assert 900 <= int(refused.headers["retry-after"]) <= 1_000


async def test_forgetting_and_exporting_leave_a_line_and_no_text(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = "/v1/users/ada"
    saved = (await client.post(f"{path}/memories", json={"content": SECRET})).json()["saved"]
    await client.put(f"{path}/preferences/{SECRET}", json={"value": SECRET})
    await client.post(f"{path}/recall", json={"query": SECRET})
    await client.get(f"{path}/export")
    await client.delete(f"{path}/memories/{saved[0]['id']}")
    await client.delete(f"{path}/memories/{saved[0]['id']}")
    ours = [one for one in caplog.records if one.name.startswith("memory_vault")]
    lines = [JsonLines().format(one) for one in ours]
    assert not [line for line in lines if "zebra" in line]
    audit = [one for one in map(json.loads, lines) if one["logger"] == "memory_vault.audit"]
    assert [one["message"] for one in audit] == ["export", "forget", "forget"]
    assert audit[0]["memories"] == 1
    assert audit[1]["memory_id"] == saved[0]["id"]
    assert audit[1]["removed"]["memories"] == 1
    assert [one["failure"] for one in audit] == ["", "", "not_found"]
    assert {one["user"] for one in audit} == {"ada"}


def test_an_unexpected_error_is_logged_without_its_message() -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        record = logging.LogRecord(
            "x", 40, "f", 1, "failed", (), (KeyError, error, error.__traceback__)
        )
    line = JsonLines().format(record)
    assert "KeyError" in line
    assert "zebra" not in line


def scope_of(method: str, path: str) -> dict[str, Any]:
    """A request as a server passes it on."""
    return {
        "type": "http", "method": method, "path": path, "query_string": b"",
        "raw_path": path.encode(), "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http",
    }  # fmt: skip


async def test_an_import_whose_sender_goes_away_is_no_failure_of_the_server(
    hash_config: MemoryConfig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    arriving = [{"type": "http.request", "body": b'{"format"', "more_body": True}]

    async def receive() -> Any:
        return arriving.pop() if arriving else {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pass

    async with running(hash_config) as app:
        await app(scope_of("POST", "/v1/users/ada/import"), receive, send)
    (told,) = [one.fields for one in caplog.records if one.name == "memory_vault.requests"]
    assert told["status"] == 422
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_an_export_nobody_reads_is_ended_and_told(
    hash_config: MemoryConfig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(hash_config) as app:
        vault = app.state.serving.vault
        async with MemoryLayer("ada", vault=vault) as memory:
            await memory.save([f"note {i} " * 100 for i in range(1_000)])
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) > 2:
                await anyio.sleep_forever()  # what a reader looks like that reads no more

        async def receive() -> Any:
            while len(sent) < 3:
                await anyio.sleep(0.01)
            return {"type": "http.disconnect"}

        scope = scope_of("GET", "/v1/users/ada/export")
        with anyio.fail_after(20):
            await app(scope, receive, send)
        assert (await vault.forget_user("ada", confirm=True)).state == "done"
    (told,) = [one.fields for one in caplog.records if one.name == "memory_vault.audit"]
    assert told["failure"] == "its reader went away"


async def test_an_export_that_fails_is_a_problem_and_told_by_its_code(
    hash_config: MemoryConfig, caplog: pytest.LogCaptureFixture
) -> None:
    async with MemoryLayer("ada", config=hash_config) as memory:
        await memory.save([f"note {i} " * 100 for i in range(100)])
    (file,) = (hash_config.data_dir / "users").rglob("*.db")
    content = bytearray(file.read_bytes())
    content[len(content) // 4 :] = bytes(len(content) - len(content) // 4)
    file.write_bytes(content)
    caplog.set_level(logging.INFO)
    async with running(hash_config) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            problem(await client.get("/v1/users/ada/export"), 500, "not_a_vault")
    (told,) = [one.fields for one in caplog.records if one.name == "memory_vault.audit"]
    assert told["failure"] == "not_a_vault"


async def test_an_export_asked_for_with_a_large_body_is_ended(
    hash_config: MemoryConfig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(hash_config, replace(UNLIMITED, max_body_bytes=1_000)) as app:
        async with MemoryLayer("ada", vault=app.state.serving.vault) as memory:
            await memory.save("tea")
        way = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=way, base_url=URL) as client:
            with suppress(AssertionError):  # what this client makes of an answer that breaks off
                await client.request("GET", "/v1/users/ada/export", content=b" " * 2_000)
    (told,) = [one.fields for one in caplog.records if one.name == "memory_vault.audit"]
    assert told["failure"] == "its reader went away"


async def test_the_progress_of_a_job_comes_as_events(hash_config: MemoryConfig) -> None:
    async with running(hash_config) as app:
        vault = app.state.serving.vault
        async with MemoryLayer("ada", vault=vault) as memory:
            await memory.save(["tea", "coffee"])
        job = await vault.switch_embedder(HashEmbedder(dimension=32))
        path = f"/v1/vault/jobs/{job.id}"
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            with anyio.fail_after(60):
                answer = await client.get(f"{path}/events")
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = [one.splitlines() for one in answer.text.strip().split("\n\n")]
            states = [json.loads(one[2].removeprefix("data: "))["state"] for one in events]
            assert states[-1] == "done"
            mark = {"last-event-id": events[-1][0].removeprefix("id: ")}
            assert (await client.get(f"{path}/events", headers=mark)).status_code == 204
            assert (await client.get(path)).json()["state"] == "done"
            listed = (await client.get("/v1/vault/jobs", params={"state": "done"})).json()["items"]
            assert [one["id"] for one in listed] == [job.id]
            problem(await client.get("/v1/vault/jobs/none/events"), 404, "not_found")


@pytest.fixture
async def unfinished(hash_config: MemoryConfig) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A server that lets others do the jobs, and the path of one."""
    settings = replace(UNLIMITED, timeout_s=0.5)
    async with running(replace(hash_config, jobs_at_once=0), settings) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            await client.post("/v1/users/ada/memories", json={"content": "tea"})
            job = (await client.post("/v1/users/ada/compress", json={"force": True})).json()
            yield client, f"/v1/users/ada/jobs/{job['id']}"


async def test_events_of_a_job_that_goes_away_end(
    unfinished: tuple[httpx.AsyncClient, str], caplog: pytest.LogCaptureFixture
) -> None:
    client, path = unfinished

    async def forget() -> None:
        await anyio.sleep(0.1)
        await client.delete("/v1/users/ada/memories", params={"confirm": "true"})

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forget)
        answer = await client.get(f"{path}/events")
    assert answer.text.count("event: job") == 1
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
    problem(await client.get(f"{path}/events"), 404, "not_found")


async def test_events_outlast_the_time_of_a_call_and_end_by_themselves(
    unfinished: tuple[httpx.AsyncClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory_vault.api import jobs

    monkeypatch.setattr(jobs, "_STREAM_S", 1.0)
    client, path = unfinished
    answer = await client.get(f"{path}/events")
    assert answer.text.count("event: job") == 1


def test_without_a_key_no_address_is_listened_on_but_this_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["--data-dir", str(tmp_path), "serve", "--host", "0.0.0.0"]) == 3
    assert "keys create" in capsys.readouterr().err


async def test_metrics_count_by_operation_and_stage(client: httpx.AsyncClient) -> None:
    await client.post("/v1/users/ada/memories", json={"content": "tea"})
    await client.post("/v1/users/ada/recall", json={"query": "tea"})
    text = (await client.get("/v1/metrics")).text
    assert 'memory_vault_requests_total{operation="save",status="200"} 1.0' in text
    for stage in ("save,plan", "save,embed", "save,write", "recall,embed", "recall,search"):
        operation, name = stage.split(",")
        line = f'memory_vault_stage_seconds_count{{operation="{operation}",stage="{name}"}} 1.0'
        assert line in text


async def test_probes_need_no_key_where_the_application_is_mounted(
    hash_config: MemoryConfig,
) -> None:
    async with running(hash_config) as app:
        await make_key(app)
        outer = Starlette(routes=[Mount("/memory", app)])
        async with httpx.AsyncClient(transport=within(outer), base_url=URL) as client:
            assert (await client.get("/memory/health/live")).status_code == 200
            problem(await client.get("/memory/v1/users"), 401, "key_refused")


async def test_ready_says_whether_calls_can_be_served(
    hash_config: MemoryConfig, tmp_path: Any
) -> None:
    config = replace(hash_config, embedder="minilm", model_dir=tmp_path / "nothing here")
    async with running(config) as app:
        async with httpx.AsyncClient(transport=within(app), base_url=URL) as client:
            answer = await client.get("/health/ready")
            assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
            assert (await client.get("/health/live")).status_code == 200
            failed = await client.post("/v1/users/ada/memories", json={"content": "tea"})
            problem(failed, 503, "model_not_installed")
            assert str(tmp_path) not in failed.text


@pytest.mark.parametrize(
    ("name", "text"),
    [("TIMEOUT", "5"), ("TIMEOUT_S", "soon"), ("RATE_PER_KEY", "-1"), ("DRAIN_S", "inf")],
)
async def test_a_wrong_setting_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"MEMORY_VAULT_SERVE_{name}"):
        ServeSettings.from_environment({f"MEMORY_VAULT_SERVE_{name}": text})


async def test_settings_come_from_the_environment() -> None:
    given = {
        "MEMORY_VAULT_SERVE_WITHOUT_KEYS": "true",
        "MEMORY_VAULT_SERVE_CORS_ORIGINS": "http://a, http://b",
        "MEMORY_VAULT_SERVE_TIMEOUT_S": "2.5",
    }
    found = ServeSettings.from_environment(given)
    assert (found.without_keys, found.cors_origins) == (True, ("http://a", "http://b"))
    assert found.timeout_s == 2.5
