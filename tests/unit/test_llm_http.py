"""Language models over HTTP: what is sent, how answers are read, and what becomes of failures."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import anyio
import pytest

from memory_vault import _http
from memory_vault.errors import BackendUnavailable, ConfigError, ReplyRefused
from memory_vault.llm import LanguageModel
from memory_vault.llm.choose import choose
from memory_vault.llm.http import HttpModel
from memory_vault.llm.openai import OPENAI
from memory_vault.llm.structured import ask

from .http_service import Reply, Service
from .llm_service import Model, serving

pytestmark = pytest.mark.anyio

PROMPT = "What did Caroline say?"
SYSTEM = "Be brief."
KEY = "sk-1234-secret"
SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "_FIRST_PAUSE_S", 0.001)


@pytest.fixture(params=["openai", "anthropic"])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(style: str) -> Iterator[Service]:
    with serving(style) as service:
        yield service


@pytest.fixture
async def llm(style: str, service: Service) -> AsyncIterator[LanguageModel]:
    llm = choose(f"{style}:{service.root}/v1#m", KEY, timeout_s=20)
    yield llm
    await llm.close()


async def test_openai_is_asked_as_it_documents() -> None:
    with serving("openai") as service:
        llm = choose(f"openai:{service.root}/v1#m", KEY)
        found = await llm.complete(PROMPT, system=SYSTEM, schema=SCHEMA, max_tokens=50)
        await llm.complete(PROMPT, max_tokens=7)
        await llm.close()
    assert service.paths == ["/v1/chat/completions"] * 2
    assert service.headers[0]["authorization"] == f"Bearer {KEY}"
    form = {"name": "answer", "strict": True, "schema": SCHEMA}
    assert service.requests[0] == {
        "model": "m",
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": PROMPT},
        ],
        "max_tokens": 50,
        "response_format": {"type": "json_schema", "json_schema": form},
    }
    user = {"role": "user", "content": PROMPT}
    assert service.requests[1] == {"model": "m", "messages": [user], "max_tokens": 7}
    assert json.loads(found.text) == {"word": PROMPT}
    assert (found.tokens_in, found.tokens_out) == (8, 13)


async def test_anthropic_is_asked_as_it_documents() -> None:
    with serving("anthropic") as service:
        llm = choose(f"anthropic:{service.root}/v1#m", KEY)
        found = await llm.complete(PROMPT, system=SYSTEM, schema=SCHEMA, max_tokens=50)
        await llm.close()
    assert service.paths == ["/v1/messages"]
    assert service.headers[0]["x-api-key"] == KEY
    assert "authorization" not in service.headers[0]
    assert service.headers[0]["anthropic-version"] == "2026-10-21"
    assert service.requests == [
        {
            "model": "m",
            "max_tokens": 50,
            "messages": [{"role": "user", "content": PROMPT}],
            "system": SYSTEM,
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        }
    ]
    assert (found.tokens_in, found.tokens_out) == (8, 13)


@pytest.mark.parametrize(
    ("style", "knows"),
    [
        ("openai", {"model", "messages", "max_completion_tokens", "response_format"}),
        ("openai", {"model", "messages", "max_tokens"}),
        ("openai", {"model", "messages", "max_completion_tokens"}),
        ("anthropic", {"model", "messages", "max_tokens", "system"}),
    ],
)
async def test_what_a_service_does_not_know_is_left_out_from_then_on(
    style: str, knows: set[str]
) -> None:
    with serving(style, Model(lambda _: '{"word": "tea"}', knows)) as service:
        llm = choose(f"{style}:{service.root}/v1#m")
        for _ in range(2):
            answer = await ask(llm, PROMPT, system=SYSTEM, schema=SCHEMA)
            assert answer == {"word": "tea"}
        await llm.close()
    assert set(service.requests[-1]) == knows
    assert len(service.requests) <= 4  # each is learned once


async def test_callers_at_once_learn_what_a_service_does_not_know() -> None:
    knows = {"model", "messages", "max_completion_tokens"}
    with serving("openai", Model(lambda _: '{"word": "tea"}', knows)) as service:
        llm = choose(f"openai:{service.root}/v1#m", at_once=5)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(partial(ask, llm, PROMPT, system=SYSTEM, schema=SCHEMA))
        await llm.close()


@pytest.mark.parametrize(
    "failures",
    [
        [Reply(429)],
        [Reply(429, headers={"retry-after": "0"}), Reply(503)],
        [Reply(529), Reply(500)],
        [Reply(is_dropped=True), Reply(body=b'{"choices": [', is_cut=True)],
    ],
)
async def test_what_may_pass_is_tried_again(
    failures: list[Reply], service: Service, llm: LanguageModel
) -> None:
    service.script = list(failures)
    assert (await llm.complete(PROMPT)).text == PROMPT
    assert len(service.requests) == len(failures) + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "3600"},
        {
            "retry-after": "Wed, 21 Oct 2026 08:28:00 GMT",
            "date": "Wed, 21 Oct 2026 07:28:00 GMT",
        },
    ],
)
async def test_a_wait_beyond_the_deadline_is_not_begun(
    headers: dict[str, str], service: Service, llm: LanguageModel
) -> None:
    service.always = Reply(429, headers=headers)
    with pytest.raises(ReplyRefused, match="429: too many requests") as caught:
        await llm.complete(PROMPT)
    assert len(service.requests) == 1
    assert caught.value.did_nothing


async def test_a_call_that_was_cut_off_before_it_failed_may_have_cost(
    service: Service, llm: LanguageModel
) -> None:
    service.script = [Reply(is_dropped=True), Reply(503)]
    service.always = Reply(401)
    with pytest.raises(ReplyRefused, match="answered 401") as caught:
        await llm.complete(PROMPT)
    assert not caught.value.did_nothing


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, "may be wrong"), (401, "llm_api_key"), (404, "as it documents it"), (413, "too long")],
)
async def test_a_refusal_is_not_tried_again(
    status: int, advice: str, service: Service, llm: LanguageModel
) -> None:
    service.always = Reply(status, b'{"error": {"message": "Caroline"}}')
    with pytest.raises(ReplyRefused, match=f"answered {status}.*{advice}") as caught:
        await llm.complete(PROMPT)
    assert len(service.requests) == 1
    assert "Caroline" not in str(caught.value)


NO_ANSWERS: list[Any] = [
    None,
    7,
    [],
    {},
    {"choices": []},
    {"choices": [{}]},
    {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": [1]}, "finish_reason": "length"}]},
    {"choices": [{"message": "text"}]},
    {"content": "text"},
    {"content": [{"type": "text"}]},
    {"content": [], "stop_reason": "end_turn"},
    {"content": [{"type": "thinking", "thinking": "hm"}], "stop_reason": "end_turn"},
]


async def test_what_is_no_answer_is_refused(service: Service, llm: LanguageModel) -> None:
    for one in NO_ANSWERS:
        service.always = Reply(body=json.dumps(one).encode())
        with pytest.raises(ReplyRefused, match="no answer of a model"):
            await llm.complete(PROMPT)
    for body in (b"", b"<html>", b'{"a":', b"\xff"):
        service.always = Reply(body=body)
        with pytest.raises(ReplyRefused, match="no JSON"):
            await llm.complete(PROMPT)
    service.always = None
    assert (await llm.complete(PROMPT)).text == PROMPT


@pytest.mark.parametrize(
    "reply",
    [
        {"choices": [{"message": {"content": None, "refusal": "I cannot"}}]},
        {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]},
        {"content": [], "stop_reason": "refusal"},
    ],
)
async def test_a_model_that_declines_is_told(reply: dict[str, Any]) -> None:
    style = "openai" if "choices" in reply else "anthropic"
    with serving(style) as service:
        service.always = Reply(body=json.dumps(reply).encode())
        llm = choose(f"{style}:{service.root}/v1#m")
        with pytest.raises(ReplyRefused, match="declined"):
            await llm.complete(PROMPT)
        await llm.close()


async def test_a_refused_connection_is_told_and_cost_nothing(style: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        llm = choose(f"{style}:http://127.0.0.1:{taken.getsockname()[1]}/v1#m")
        with pytest.raises(BackendUnavailable, match="was not reached: ConnectError") as caught:
            await llm.complete(PROMPT)
        assert caught.value.did_nothing
        await llm.close()


async def test_a_slow_service_is_left_at_the_deadline_and_may_have_cost(service: Service) -> None:
    service.always = Reply(is_late=True)
    llm = HttpModel(service.url, style=OPENAI, model="m", timeout_s=0.05)
    with pytest.raises(BackendUnavailable, match=r"did not answer within 0\.05 s") as caught:
        await llm.complete(PROMPT)
    assert not caught.value.did_nothing
    await llm.close()


async def test_a_caller_who_leaves_can_come_again(service: Service, llm: LanguageModel) -> None:
    service.script = [Reply(is_late=True)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(llm.complete, PROMPT)
        await anyio.to_thread.run_sync(service.arrived.acquire)
        tasks.cancel_scope.cancel()
    assert (await llm.complete(PROMPT)).text == PROMPT


async def test_a_call_under_way_survives_a_close(service: Service, llm: LanguageModel) -> None:
    service.script = [Reply(is_late=True)]
    found = []

    async def complete() -> None:
        found.append((await llm.complete(PROMPT)).text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(complete)
        await anyio.to_thread.run_sync(service.arrived.acquire)
        await llm.close()
    assert found == [PROMPT]


async def test_no_more_are_asked_at_once_than_set(style: str, service: Service) -> None:
    llm = choose(f"{style}:{service.root}/v1#m", at_once=2)
    service.always = Reply(is_late=True)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(llm.complete, PROMPT)
        for _ in range(2):
            await anyio.to_thread.run_sync(service.arrived.acquire)
        await anyio.sleep(0.05)
        assert len(service.requests) == 2
        tasks.cancel_scope.cancel()
    await llm.close()


async def test_the_key_is_in_no_repr_error_or_log(
    service: Service, llm: LanguageModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.script = [Reply(500), Reply(401)]
    with pytest.raises(ReplyRefused, match="llm_api_key") as caught:
        await llm.complete(PROMPT)
    assert caplog.records
    for shown in (repr(llm), repr(caught.value), caplog.text):
        assert KEY not in shown
        assert "Caroline" not in shown


@pytest.mark.parametrize("key", ["", f"{KEY}\r\nX-Other: 1", f"{KEY}é"])
def test_a_key_that_is_no_header_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match="llm_api_key: give printable") as caught:
        choose("anthropic:https://host/v1#m", key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("given", [{"timeout_s": 0}, {"at_once": 0}])
def test_wrong_numbers_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        choose("openai:https://host/v1#m", **given)
