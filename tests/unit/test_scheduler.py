"""Texts of concurrent callers share batches: who is served when, and who gets which error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from tests.faults.test_cancel import Way, every_way, main_ways

from memory_vault.embed.onnx import OnnxEmbedder
from memory_vault.embed.scheduler import BatchingEmbedder
from memory_vault.errors import InvalidInput
from memory_vault.testing.embedders import HashEmbedder

if TYPE_CHECKING:
    from memory_vault.embed import Embeddings

pytestmark = pytest.mark.anyio

PATIENCE_S = 30


class Watched(HashEmbedder):
    """Notes its batches, and waits before each until it is let go."""

    def __init__(self, *, is_free: bool = False) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.is_running = False
        self.go = anyio.Semaphore(0)
        self.is_free = is_free

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        assert not self.is_running, "two runs at once"
        self.is_running = True
        self.batches.append(list(texts))
        try:
            if not self.is_free:
                await self.go.acquire()
            if "bad" in texts:
                raise LookupError("the bad text")
            return await super().embed(texts)
        finally:
            self.is_running = False

    def free(self) -> None:
        self.is_free = True
        self.go.release()


async def until(is_so) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not is_so():
            await anyio.sleep(0.001)


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


async def test_what_arrives_during_a_run_forms_the_next() -> None:
    inner = Watched()
    embedder = BatchingEmbedder(inner)
    texts = [f"text number {i}" for i in range(9)]
    found: dict[str, Embeddings] = {}

    async def ask(text: str) -> None:
        found[text] = (await embedder.embed([text]))[0]

    async with anyio.create_task_group() as group:
        group.start_soon(ask, texts[0])
        await until(lambda: inner.is_running)
        for text in texts[1:]:
            group.start_soon(ask, text)
        await settle()
        inner.free()
    assert [len(batch) for batch in inner.batches] == [1, 8]
    expected = await HashEmbedder().embed(texts)
    assert np.array_equal(np.array([found[text] for text in texts]), expected)


async def test_bulk_work_is_cut_into_pieces_and_others_come_between() -> None:
    inner = Watched()
    embedder = BatchingEmbedder(inner, tokens=40)
    ended: list[str] = []

    async def ask(name: str, texts: list[str]) -> None:
        await embedder.embed(texts)
        ended.append(name)

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "bulk", [f"a longer text for number {i:03}" for i in range(60)])
        await until(lambda: inner.is_running)
        group.start_soon(ask, "first", ["one"])
        group.start_soon(ask, "second", ["two"])
        await settle()
        inner.free()
    assert sorted(ended[:2]) == ["first", "second"]
    assert "one" in inner.batches[1]
    assert "two" in inner.batches[1]
    assert all(len(batch) <= 5 for batch in inner.batches)
    assert sum(map(len, inner.batches)) == 62


async def test_two_of_bulk_take_turns() -> None:
    inner = Watched(is_free=True)
    embedder = BatchingEmbedder(inner, tokens=40)
    async with anyio.create_task_group() as group:
        for name in "ab":
            group.start_soon(embedder.embed, [f"{name} {i:03} of a longer text" for i in range(40)])
    leaders = [batch[0][0] for batch in inner.batches]
    assert "aaa" not in "".join(leaders)
    assert "bbb" not in "".join(leaders)


async def test_a_long_text_is_run_alone_and_memory_stays_flat() -> None:
    inner = Watched(is_free=True)
    embedder = BatchingEmbedder(inner, tokens=30)
    async with anyio.create_task_group() as group:
        for i in range(8):
            group.start_soon(embedder.embed, [f"{i} word" * 100])
    assert [len(batch) for batch in inner.batches] == [1] * 8


async def test_an_error_goes_to_whom_it_belongs() -> None:
    inner = Watched()
    embedder = BatchingEmbedder(inner)
    found: list[str] = []
    errors: list[LookupError] = []

    async def ask(text: str) -> None:
        try:
            await embedder.embed([text, f"{text} again"])
            found.append(text)
        except LookupError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "first")
        await until(lambda: inner.is_running)
        for text in ("good", "bad", "fine"):
            group.start_soon(ask, text)
        await settle()
        inner.free()
    assert sorted(found) == ["fine", "first", "good"]
    assert len(errors) == 1
    assert (await embedder.embed(["after"])).shape == (1, 64)


async def test_who_is_cancelled_while_waiting_is_not_run() -> None:
    inner = Watched()
    embedder = BatchingEmbedder(inner)
    async with anyio.create_task_group() as group:
        group.start_soon(embedder.embed, ["first"])
        await until(lambda: inner.is_running)
        group.start_soon(embedder.embed, ["second"])
        with anyio.move_on_after(0.01) as scope:
            await embedder.embed(["gone"])
        assert scope.cancelled_caught
        inner.free()
    assert inner.batches == [["first"], ["second"]]


@every_way
async def test_whoever_leaves_takes_nothing_from_the_others(anyio_backend: str, way: Way) -> None:
    """At each point of a call, also when the batch in work was begun for who leaves."""
    for n in range(1, 6):
        inner = Watched(is_free=True)
        embedder = BatchingEmbedder(inner, tokens=40)
        found: list[bool] = []

        async def stay(i: int) -> None:
            rows = await embedder.embed([f"text {i}", f"and {i}"])  # noqa: B023 - ends in the loop
            expected = await HashEmbedder().embed([f"text {i}", f"and {i}"])
            found.append(np.array_equal(rows, expected))  # noqa: B023

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                group.start_soon(way, lambda e=embedder: e.embed(["I leave"] * 9), n)
                for i in range(6):
                    group.start_soon(stay, i)
        assert found == [True] * 6
        scheduler = embedder._scheduler.get()
        await until(lambda s=scheduler: not s._waiting and not s._is_running)


@main_ways
async def test_a_whole_batch_of_callers_may_leave(anyio_backend: str, way: Way) -> None:
    inner = Watched(is_free=True)
    embedder = BatchingEmbedder(inner)
    async with anyio.create_task_group() as group:
        for i in range(5):
            group.start_soon(way, lambda i=i: embedder.embed([f"text {i}"]), 1)
    assert (await embedder.embed(["after"])).shape == (1, 64)


async def test_wrong_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="tokens=0"):
        BatchingEmbedder(HashEmbedder(), tokens=0)
    with pytest.raises(InvalidInput, match="not one string"):
        await BatchingEmbedder(HashEmbedder()).embed("one string")


class TestOnnx:
    """The same, where the model is: with two lanes."""

    async def test_a_question_does_not_wait_for_documents(self, model_dir: Path) -> None:
        embedder = OnnxEmbedder(model_dir)
        ended: list[str] = []

        async def documents() -> None:
            await embedder.embed([f"A turn about the harbour, number {i}." for i in range(200)])
            ended.append("documents")

        async with anyio.create_task_group() as group:
            group.start_soon(documents)
            await until(lambda: embedder._lanes().documents._is_running)
            await embedder.embed_query("Where is the harbour?")
            ended.append("question")
        assert ended == ["question", "documents"]
        await embedder.close()

    async def test_questions_share_runs(
        self, model_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = OnnxEmbedder(model_dir), OnnxEmbedder(model_dir)
        runs: list[int] = []
        run = OnnxEmbedder._run

        def counted(self: OnnxEmbedder, texts: list[str]) -> Embeddings:
            runs.append(len(texts))
            return run(self, texts)

        monkeypatch.setattr(OnnxEmbedder, "_run", counted)
        found: dict[int, Embeddings] = {}

        async def ask(i: int) -> None:
            found[i] = await (first, second)[i % 2].embed_query(f"What is number {i}?")

        async with anyio.create_task_group() as group:
            for i in range(16):
                group.start_soon(ask, i)
        assert len(runs) < 8
        alone = await first.embed([f"What is number {i}?" for i in range(16)])
        assert np.abs(np.array([found[i] for i in range(16)]) - alone).max() < 1e-5
        await first.close()
        await second.close()

    async def test_a_bad_text_of_one_fails_no_other(self, model_dir: Path) -> None:
        embedder = OnnxEmbedder(model_dir)
        found, errors = list[int](), list[InvalidInput]()

        async def ask(i: int) -> None:
            try:
                found.append(len(await embedder.embed(["\ud800" if i == 3 else f"text {i}"])))
            except InvalidInput as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            for i in range(8):
                group.start_soon(ask, i)
        assert len(found) == 7
        assert len(errors) == 1
        await embedder.close()
