"""Services over HTTP: what is sent, how answers are read, and what becomes of failures."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from memory_vault import _http
from memory_vault.errors import BackendUnavailable, ConfigError, ReplyRefused
from memory_vault.rerank.http import HttpReranker

from .rerank_service import Reply, Service, serving

pytestmark = pytest.mark.anyio

QUESTION = "Where did Caroline go?"
TEXTS = ["Caroline did go.", "Nothing of it.", "Caroline."]
SCORES = [0.75, 0, 0.25]
KEY = "sk-1234-secret"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "_FIRST_PAUSE_S", 0.001)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
async def reranker(service: Service) -> AsyncIterator[HttpReranker]:
    reranker = HttpReranker(service.url, style="tei", api_key=KEY, attempts=3)
    yield reranker
    await reranker.close()


@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("cohere", {"query": QUESTION, "documents": TEXTS, "model": "m", "top_n": 3}),
        (
            "jina",
            {
                "query": QUESTION,
                "documents": TEXTS,
                "model": "m",
                "top_n": 3,
                "return_documents": False,
            },
        ),
        (
            "voyage",
            {
                "query": QUESTION,
                "documents": TEXTS,
                "model": "m",
                "top_k": 3,
                "return_documents": False,
            },
        ),
        (
            "tei",
            {
                "query": QUESTION,
                "texts": TEXTS,
                "model": "m",
                "raw_scores": True,
                "truncate": True,
            },
        ),
    ],
)
async def test_each_style_asks_and_reads_as_its_services_do(
    style: str, body: dict[str, object]
) -> None:
    with serving(style) as service:
        reranker = HttpReranker(service.url, style=style, model="m", api_key=KEY)
        assert (await reranker.rerank(QUESTION, TEXTS)).tolist() == SCORES
        await reranker.close()
    assert service.requests == [body]
    assert service.headers[0]["authorization"] == f"Bearer {KEY}"
    assert service.headers[0]["content-type"] == "application/json"


async def test_more_texts_than_a_request_takes_go_into_further_ones(
    service: Service, reranker: HttpReranker
) -> None:
    scores = await reranker.rerank(QUESTION, TEXTS * 24)
    assert [len(one["texts"]) for one in service.requests] == [32, 32, 8]
    assert scores.tolist() == SCORES * 24


async def test_no_texts_ask_nothing(service: Service, reranker: HttpReranker) -> None:
    assert (await reranker.rerank(QUESTION, [])).shape == (0,)
    assert service.requests == []


@pytest.mark.parametrize(
    "failures",
    [
        [Reply(429)],
        [Reply(429, headers={"retry-after": "0"}), Reply(503)],
        [Reply(is_dropped=True), Reply(500)],
    ],
)
async def test_what_may_pass_is_tried_again(
    failures: list[Reply], service: Service, reranker: HttpReranker
) -> None:
    service.script = list(failures)
    assert (await reranker.rerank(QUESTION, TEXTS)).tolist() == SCORES
    assert len(service.requests) == len(failures) + 1


async def test_an_error_for_ever_is_told_after_the_attempts(
    service: Service, reranker: HttpReranker
) -> None:
    service.always = Reply(500, b'{"error": "secret of the service"}')
    with pytest.raises(ReplyRefused, match="answered 500") as caught:
        await reranker.rerank(QUESTION, TEXTS)
    assert len(service.requests) == 3
    assert "secret" not in str(caught.value)


async def test_a_wait_beyond_the_deadline_is_not_begun(
    service: Service, reranker: HttpReranker
) -> None:
    service.always = Reply(429, headers={"retry-after": "3600"})
    with pytest.raises(ReplyRefused, match="429: too many requests"):
        await reranker.rerank(QUESTION, TEXTS)
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 307])
async def test_a_refusal_is_not_tried_again(
    status: int, service: Service, reranker: HttpReranker
) -> None:
    service.always = Reply(status, headers={"location": service.url})
    with pytest.raises(ReplyRefused, match=f"answered {status}"):
        await reranker.rerank(QUESTION, TEXTS)
    assert len(service.requests) == 1


async def test_a_refused_connection_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        reranker = HttpReranker(f"http://127.0.0.1:{port}/rerank", style="tei", attempts=2)
        with pytest.raises(BackendUnavailable, match="was not reached: ConnectError"):
            await reranker.rerank(QUESTION, TEXTS)
        await reranker.close()


def results(*pairs: tuple[object, object]) -> bytes:
    return json.dumps([{"index": index, "score": score} for index, score in pairs]).encode()


NO_RANKINGS = [
    b"",
    b"<html>",
    b'[{"index": 0, "score": 1},',
    b"[" * 100_000,
    b"\xff\xfe",
    b"null",
    b"7",
    b'{"results": []}',
    b"[1, 2, 3]",
    results((0, 1), (1, 1)),
    results((0, 1), (1, 1), (2, 1), (3, 1)),
    results((0, 1), (1, 1), (1, 1)),
    results((0, 1), (1, 1), (2, 1), (2, 1)),
    results((0, 1), (1, 1), (-1, 1)),
    results((0, 1), (1, 1), ("2", 1)),
    results((0, 1), (1, 1), (True, 1)),
    results((0, 1), (1, 1), (2, "1")),
    results((0, 1), (1, 1), (2, None)),
    results((0, 1), (1, 1), (2, True)),
    results((0, 1), (1, 1), (2, float("nan"))),
    results((0, 1), (1, 1), (2, float("inf"))),
    results((0, 1), (1, 1), (2, 1e300)),
    results((0, 1), (1, 1), (2, 10**400)),
    b'[{"index": 0}, {"index": 1}, {"index": 2}]',
]


async def test_what_is_no_ranking_is_refused(service: Service, reranker: HttpReranker) -> None:
    for body in NO_RANKINGS:
        service.always, service.requests = Reply(body=body), []
        with pytest.raises(ReplyRefused, match="answered with") as caught:
            await reranker.rerank(QUESTION, TEXTS)
        assert len(service.requests) == 1, body[:80]
        assert "Caroline" not in str(caught.value)
    service.always = None
    assert (await reranker.rerank(QUESTION, TEXTS)).tolist() == SCORES


async def test_a_caller_who_leaves_a_slow_service_can_come_again(
    service: Service, reranker: HttpReranker
) -> None:
    service.script = [Reply(is_late=True)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reranker.rerank, QUESTION, TEXTS)
        await anyio.to_thread.run_sync(service.arrived.acquire)
        tasks.cancel_scope.cancel()
    assert (await reranker.rerank(QUESTION, TEXTS)).tolist() == SCORES


async def test_a_call_under_way_survives_a_close(service: Service, reranker: HttpReranker) -> None:
    service.script = [Reply(is_late=True)]
    found: list[float] = []

    async def ask() -> None:
        found.extend(await reranker.rerank(QUESTION, TEXTS))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.to_thread.run_sync(service.arrived.acquire)
        await reranker.close()
    assert found == SCORES


async def test_a_slow_service_is_left_at_the_deadline(service: Service) -> None:
    service.always = Reply(is_late=True)
    reranker = HttpReranker(service.url, style="tei", timeout_s=0.05)
    with pytest.raises(BackendUnavailable, match=r"did not answer within 0\.05 s"):
        await reranker.rerank(QUESTION, TEXTS)
    await reranker.close()


async def test_the_key_is_in_no_repr_error_or_log(
    service: Service, reranker: HttpReranker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.script = [Reply(500), Reply(401)]
    with pytest.raises(ReplyRefused, match="reranker_api_key") as caught:
        await reranker.rerank(QUESTION, TEXTS)
    assert service.headers[0]["authorization"] == f"Bearer {KEY}"
    assert caplog.records
    for shown in (repr(reranker), repr(caught.value), caplog.text):
        assert KEY not in shown
        assert "Caroline" not in shown


@pytest.mark.parametrize("key", ["", f"{KEY}\r\nX-Other: 1", f"{KEY} ", f"{KEY}é"])
def test_a_key_that_is_no_header_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match="reranker_api_key: give printable") as caught:
        HttpReranker("https://host/rerank", style="tei", api_key=key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "given", [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"attempts": 0}, {"per_request": 0}]
)
def test_wrong_numbers_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        HttpReranker("https://host/rerank", style="tei", **given)


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ConfigError, match="'cohere', 'jina', 'voyage', 'tei'"):
        HttpReranker("https://host/rerank", style="moon")


def test_one_reranker_serves_one_event_loop_after_another(service: Service) -> None:
    reranker = HttpReranker(service.url, style="tei")

    async def use() -> list[float]:
        try:
            return (await reranker.rerank(QUESTION, TEXTS)).tolist()
        finally:
            await reranker.close()

    for backend in ("asyncio", "trio", "asyncio"):
        assert anyio.run(use, backend=backend) == SCORES
