"""Embedding services: what is sent, how answers are read, and what becomes of failures."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_vault import MemoryConfig, MemoryLayer, Vault, _http
from memory_vault.embed.choose import choose
from memory_vault.embed.http import HttpEmbedder
from memory_vault.embed.pieces import cut, pieces, pieces_of
from memory_vault.errors import (
    BackendUnavailable,
    ConfigError,
    EmbedderMismatch,
    InvalidInput,
    ModelNotInstalled,
    ReplyRefused,
)

from .embed_service import DIGEST, MODELS, SHA, Model, serving
from .http_service import Reply, Service

pytestmark = pytest.mark.anyio

TEXTS = ["Caroline did go.", "Nothing of it.", "Caroline."]
KEY = "sk-1234-secret"
STYLES = ["openai", "ollama", "tei"]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "_FIRST_PAUSE_S", 0.001)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving("openai") as service:
        yield service


@pytest.fixture
async def embedder(service: Service) -> AsyncIterator[HttpEmbedder]:
    embedder = HttpEmbedder(service.url, style="openai", model="m", api_key=KEY, attempts=3)
    await embedder.open()
    yield embedder
    await embedder.close()


@pytest.mark.parametrize(
    ("style", "body", "shown"),
    [
        (
            "openai",
            {"input": TEXTS, "encoding_format": "base64", "model": "text-embedding-3-small"},
            "text-embedding-3-small@openai/64/float32",
        ),
        (
            "ollama",
            {"input": TEXTS, "truncate": False, "model": "all-minilm"},
            f"all-minilm@{DIGEST[:12]}/64/float32",
        ),
        (
            "tei",
            {"inputs": TEXTS, "truncate": False, "normalize": True},
            f"thenlper/gte-base@{SHA[:12]}/64/float32",
        ),
    ],
)
async def test_each_style_asks_and_reads_as_its_services_do(
    style: str, body: dict[str, object], shown: str
) -> None:
    with serving(style) as service:
        name = f"{style}:{service.url}#{MODELS[style] or ''}"
        embedder = choose(name, None, api_key=KEY)
        with pytest.raises(ModelNotInstalled, match="open"):
            _ = embedder.fingerprint
        rows = await embedder.embed(TEXTS)
        assert str(embedder.fingerprint) == shown
        await embedder.close()
    assert rows.shape == (3, 64)
    expected = Model().rows(TEXTS, None) / 1.5  # in the order of the texts
    assert np.abs(rows - expected).max() < 1e-6
    assert service.requests[-1] == body
    assert service.headers[-1]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("style", "sizes"), [("tei", [1, 8, 8, 4]), ("ollama", [1, 16, 4])])
async def test_more_texts_than_a_request_takes_go_into_further_ones(
    style: str, sizes: list[int]
) -> None:
    with serving(style) as service:
        embedder = choose(f"{style}:{service.root}#{MODELS[style] or ''}", None)
        assert (await embedder.embed(["text"] * 20)).shape == (20, 64)
        await embedder.close()
    posted = [one for one in service.requests if one]
    assert [len(one.get("inputs", one.get("input"))) for one in posted] == sizes


async def test_long_texts_are_not_all_sent_at_once(
    service: Service, embedder: HttpEmbedder
) -> None:
    await embedder.embed(["word " * 300] * 90)
    lengths = [sum(map(len, one["input"])) for one in service.requests]
    assert len(lengths) == 3
    assert max(lengths) <= 60_000


async def test_a_dimension_is_asked_for_and_must_come() -> None:
    with serving("openai") as service:
        embedder = choose(f"openai:{service.root}/v1#m", None, dimension=32)
        assert (await embedder.embed(TEXTS)).shape == (3, 32)
        assert service.requests[-1]["dimensions"] == 32
        await embedder.close()
    with serving("tei") as service:
        service.script = [Reply(body=b'{"model_id": "m"}'), Reply(body=b"[[1.0, 2.0]]")]
        embedder = choose(f"tei:{service.root}", None, dimension=32)
        with pytest.raises(ConfigError, match="2 numbers: set embedder_dimension"):
            await embedder.open()
        await embedder.close()


async def test_plain_numbers_are_asked_for_where_base64_is_not_known() -> None:
    with serving("openai", Model(takes_base64=False)) as service:
        embedder = choose(f"openai:{service.root}/v1#m", None)
        for _ in range(2):
            assert (await embedder.embed(TEXTS)).shape == (3, 64)
        await embedder.close()
    with_it = ["encoding_format" in one for one in service.requests]
    assert with_it == [True, False, False, False]


async def test_blank_texts_are_never_sent(service: Service, embedder: HttpEmbedder) -> None:
    rows = await embedder.embed(["", " \n"])
    assert np.array_equal(rows[0], rows[1])
    assert service.requests[-1]["input"] == [".", "."]


@pytest.mark.parametrize(
    "failures",
    [
        [Reply(429, headers={"retry-after": "0"}), Reply(503)],
        [Reply(is_dropped=True), Reply(body=b'{"data": [', is_cut=True)],
    ],
)
async def test_what_may_pass_is_tried_again(
    failures: list[Reply], service: Service, embedder: HttpEmbedder
) -> None:
    service.script = list(failures)
    assert (await embedder.embed(TEXTS)).shape == (3, 64)


async def test_an_error_for_ever_is_told_after_the_attempts(
    service: Service, embedder: HttpEmbedder
) -> None:
    service.always = Reply(500, b'{"error": "Caroline"}')
    with pytest.raises(ReplyRefused, match="answered 500") as caught:
        await embedder.embed(TEXTS)
    assert len(service.requests) == 1 + 3
    assert "Caroline" not in str(caught.value)


def openai(*rows: Any, index: list[Any] | None = None, model: str = "m") -> bytes:
    places = index if index is not None else list(range(len(rows)))
    data = [{"index": i, "embedding": row} for i, row in zip(places, rows, strict=True)]
    return json.dumps({"data": data, "model": model}).encode()


GOOD = [1.0] * 64
NO_EMBEDDINGS = [
    b"",
    b"<html>",
    b"null",
    b"[]",
    b'{"data": 7}',
    b'{"data": [{"embedding": [1.0]}]}',
    openai(GOOD, GOOD),
    openai(GOOD, GOOD, GOOD, GOOD),
    openai(GOOD, GOOD, GOOD, index=[0, 1, 1]),
    openai(GOOD, GOOD, GOOD, index=[0, 1, 3]),
    openai(GOOD, GOOD, GOOD, index=[0, 1, True]),
    openai(GOOD, GOOD, [1.0]),
    openai([], [], []),
    openai(GOOD, GOOD, [float("nan"), *GOOD[1:]]),
    openai(GOOD, GOOD, [float("inf"), *GOOD[1:]]),
    openai(GOOD, GOOD, [10**400, *GOOD[1:]]),
    openai(GOOD, GOOD, [0.0] * 64),
    openai(GOOD, GOOD, ["1"] * 64),
    openai(GOOD, GOOD, [True] * 64),
    openai(GOOD, GOOD, [GOOD] * 64),
    openai(GOOD, GOOD, None),
    openai(GOOD, GOOD, "no base64!"),
    openai(GOOD, GOOD, base64.b64encode(b"abc").decode()),
]


async def test_what_are_no_embeddings_is_refused(service: Service, embedder: HttpEmbedder) -> None:
    for body in NO_EMBEDDINGS:
        service.always = Reply(body=body)
        with pytest.raises(ReplyRefused, match="answered with") as caught:
            await embedder.embed(TEXTS)
        assert "Caroline" not in str(caught.value)
    service.always = None
    assert (await embedder.embed(TEXTS)).shape == (3, 64)


async def test_another_dimension_or_model_than_before_is_refused(
    service: Service, embedder: HttpEmbedder
) -> None:
    service.script = [Reply(body=openai([1.0] * 32)), Reply(body=openai(GOOD, model="other"))]
    with pytest.raises(EmbedderMismatch, match="32 numbers, before it was 64"):
        await embedder.embed(["text"])
    with pytest.raises(EmbedderMismatch, match="'other', before it was 'm'"):
        await embedder.embed(["text"])


async def test_a_text_that_is_too_long_all_the_same_names_the_setting() -> None:
    for style in STYLES:
        with serving(style, Model(window=512)) as service:
            embedder = choose(f"{style}:{service.root}#{MODELS[style] or ''}", None, window=9_000)
            with pytest.raises(ReplyRefused, match=r"too long.*embedder_window.*it is 9000"):
                await embedder.embed(["word " * 1_000])
            await embedder.close()


async def test_a_caller_who_leaves_can_come_again(service: Service, embedder: HttpEmbedder) -> None:
    service.arrived.acquire()
    service.script = [Reply(is_late=True)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(embedder.embed, TEXTS)
        await anyio.to_thread.run_sync(service.arrived.acquire)
        tasks.cancel_scope.cancel()
    assert (await embedder.embed(TEXTS)).shape == (3, 64)


async def test_a_call_under_way_survives_a_close(service: Service, embedder: HttpEmbedder) -> None:
    service.arrived.acquire()
    service.script = [Reply(is_late=True)]
    found = []

    async def embed() -> None:
        found.append((await embedder.embed(TEXTS)).shape)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(embed)
        await anyio.to_thread.run_sync(service.arrived.acquire)
        await embedder.close()
    assert found == [(3, 64)]


async def test_a_slow_service_is_left_at_the_deadline(service: Service) -> None:
    service.always = Reply(is_late=True)
    embedder = HttpEmbedder(service.url, style="openai", model="m", timeout_s=0.05)
    with pytest.raises(BackendUnavailable, match=r"did not answer within 0\.05 s"):
        await embedder.open()
    await embedder.close()


async def test_the_key_is_in_no_repr_error_or_log(
    service: Service, embedder: HttpEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.script = [Reply(500), Reply(401)]
    with pytest.raises(ReplyRefused, match="embedder_api_key") as caught:
        await embedder.embed(TEXTS)
    for shown in (repr(embedder), repr(caught.value), caplog.text):
        assert KEY not in shown
        assert "Caroline" not in shown


async def test_wrong_input_is_refused(embedder: HttpEmbedder) -> None:
    for texts in ("one string", [b"bytes"], ["\ud800"]):
        with pytest.raises(InvalidInput):
            await embedder.embed(texts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("openai:https://host/v1", "model: give"),
        ("ollama:http://host#", "model: give"),
        ("tei:host", "whole address"),
        ("tei:https://u:pw@host", "embedder_api_key"),
        ("https://u:pw@host/v1", "'openai:URL#MODEL'"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_unseen(name: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong) as caught:
        choose(name, None)
    assert "pw" not in str(caught.value)


async def test_a_vault_saves_and_recalls_through_a_service(tmp_path: Path) -> None:
    long = "Filler about the weather and the market. " * 100 + "The code of the door is 4711."
    with serving("tei") as service:
        config = MemoryConfig(data_dir=tmp_path, embedder=f"tei:{service.root}")
        async with MemoryLayer("ada", config=config) as memory:
            assert service.requests == []  # opening a vault asks no service
            await memory.save(["I moved to Lisbon.", long, "🎉" * 2_000])
            found = await memory.recall("What is the code of the door?")
            assert "4711" in found.prompt_block
    with serving("tei", Model(window=512, name="other/model")) as service:
        config = MemoryConfig(data_dir=tmp_path, embedder=f"tei:{service.root}")
        async with MemoryLayer("ada", config=config) as memory:
            with pytest.raises(EmbedderMismatch, match="other/model"):
                await memory.recall("Where do I live?")


async def test_health_says_what_is_wrong_with_a_service(tmp_path: Path) -> None:
    with serving("tei") as service:
        service.always = Reply(401)
        config = MemoryConfig(data_dir=tmp_path, embedder=f"tei:{service.root}")
        async with Vault(config) as vault:
            assert "set embedder_api_key" in (await vault.health()).embedder
            service.always = None
            assert (await vault.health()).is_ok


# pieces -------------------------------------------------------------------------------------------


@given(st.text() | st.text("ab 1.\n\té漢🎉"))
@settings(deadline=None)
def test_pieces_hold_the_whole_text_and_at_most_four_bytes_each(text: str) -> None:
    spans = pieces(text)
    assert "".join(text[slice(*span)] for span in spans) == text
    assert all(1 <= len(text[slice(*span)].encode("utf-8", "surrogatepass")) <= 4 for span in spans)


@given(st.text() | st.text("ab 1.\n\té漢🎉", max_size=200), st.integers(1, 20))
@settings(deadline=None)
def test_a_text_is_cut_to_so_many_pieces(text: str, most: int) -> None:
    kept = cut(text, most)
    assert text.startswith(kept)
    assert len(pieces(kept)) <= most
    assert kept == text or len(pieces(text)) > most


@pytest.mark.parametrize("tokens", [40, 256, 512, 2048])
def test_a_window_of_pieces_is_never_more_than_the_models(tokens: int) -> None:
    assert pieces_of(tokens) * 4 + 8 <= tokens
