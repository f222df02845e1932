"""Embedders and rerankers of an application's own: what they give is checked where it comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import anyio
import numpy as np
import pytest

from memory_vault import BackendError, MemoryConfig, MemoryLayer, Vault
from memory_vault.embed.checks import check_rows
from memory_vault.embed.scheduler import BatchingEmbedder
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.rerankers import OverlapReranker

pytestmark = pytest.mark.anyio

Twist = Callable[[Any], Any]
BAD: dict[str, tuple[Twist, str]] = {
    "too few": (lambda rows: rows[:-1], "shape"),
    "shorter": (lambda rows: rows[..., :-1], "shape"),
    "one more axis": (lambda rows: rows[None], "shape"),
    "no number": (lambda rows: rows * np.float32("nan"), "not finite"),
    "infinite": (lambda rows: rows + np.float32("inf"), "not finite"),
    "zero": (lambda rows: rows * 0, "zero"),
    "nothing": (lambda _: None, "shape"),
    "words": (lambda _: ["a", "b"], "a list that is no array"),
    "ragged": (lambda rows: [[0.5], *rows.tolist()], "a list that is no array"),
}
GOOD: dict[str, Twist] = {
    "a list": lambda rows: rows.tolist(),
    "float64": lambda rows: rows.astype(np.float64),
    "longer": lambda rows: rows * 3,
    "as it should be": lambda rows: rows,
}


class Twisted(HashEmbedder):
    """Gives something else than it should."""

    def __init__(self, twist: Twist, query: Twist = lambda row: row) -> None:
        super().__init__()
        self.twist, self.query = twist, query

    async def embed(self, texts: Sequence[str]) -> Any:
        return self.twist(await super().embed(texts))

    async def embed_query(self, text: str) -> Any:
        return self.query((await super().embed([text]))[0])


class TwistedReranker(OverlapReranker):
    """The same for scores."""

    def __init__(self, twist: Twist) -> None:
        super().__init__()
        self.twist = twist

    async def rerank(self, query: str, texts: Sequence[str]) -> Any:
        return self.twist(await super().rerank(query, texts))


@pytest.mark.parametrize(("twist", "said"), BAD.values(), ids=BAD)
async def test_what_cannot_be_embeddings_is_not_stored(
    hash_config: MemoryConfig, twist: Twist, said: str
) -> None:
    config = replace(hash_config, embedder=Twisted(twist))
    async with MemoryLayer("ada", config=config) as memory:
        with pytest.raises(BackendError, match=said):
            await memory.save(["We had tea.", "We met Anna in Oslo."])
        assert (await memory.stats()).total == 0


@pytest.mark.parametrize("twist", GOOD.values(), ids=GOOD)
async def test_what_can_be_embeddings_is_taken(hash_config: MemoryConfig, twist: Twist) -> None:
    config = replace(hash_config, embedder=Twisted(twist, twist))
    async with MemoryLayer("ada", config=config) as memory:
        saved = (await memory.save(["We had tea.", "We met Anna in Oslo."])).saved
        assert (await memory.recall("tea")).memories[0].memory.content == "We had tea."
        chunks = await memory._vault.engine.store.read(
            "ada", lambda user: user.records.versions_after(0, 9)[0][1].chunks
        )
    assert len(saved) == 2
    row = np.frombuffer(chunks[0].embedding, "<f4")
    assert np.allclose(row, HashEmbedder()._embed_one("We had tea."), atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(BAD) - {"too few", "ragged"}))
async def test_a_question_without_an_embedding_is_told(
    hash_config: MemoryConfig, name: str
) -> None:
    twist, said = BAD[name]
    config = replace(hash_config, embedder=Twisted(lambda rows: rows, twist))
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save("We had tea.")
        with pytest.raises(BackendError, match=said):
            await memory.recall("tea")


async def test_an_embedder_is_known_again_by_whoever_brings_it(hash_config: MemoryConfig) -> None:
    own, other = HashEmbedder(), HashEmbedder(32)
    async with Vault(replace(hash_config, embedder=own)) as vault:
        async with Vault(replace(hash_config, embedder=own)) as second:
            assert second.engine is vault.engine
        await vault.switch_embedder(other, wait=True)
        async with Vault(replace(hash_config, embedder=other)) as second:
            assert second.engine is vault.engine
        assert repr(vault.engine.embedder) == repr(other)


async def test_too_few_rows_are_the_error_of_those_callers_only() -> None:
    """Where several callers shared the batch, each is asked for alone."""
    embedder = BatchingEmbedder(Twisted(lambda rows: rows[:-1] if len(rows) > 1 else rows))
    found: list[int] = []

    async def one(text: str) -> None:
        found.append(len(await embedder.embed([text])))

    async def two() -> None:
        with pytest.raises(BackendError, match="shape"):
            await embedder.embed(["a", "b"])

    async with anyio.create_task_group() as tasks:
        for text in "xyz":
            tasks.start_soon(one, text)
        tasks.start_soon(two)
        tasks.start_soon(one, "last")
    assert found == [1, 1, 1, 1]
    assert (await embedder.embed(["again"])).shape == (1, 64)


BAD_SCORES: dict[str, tuple[Twist, str]] = {
    "too few": (lambda scores: scores[:-1], "shape"),
    "a column": (lambda scores: scores[:, None], "shape"),
    "no number": (lambda scores: scores * np.float32("nan"), "not finite"),
    "nothing": (lambda _: None, "shape"),
    "words": (lambda scores: ["good"] * len(scores), "a list that is no array"),
}


@pytest.mark.parametrize(("twist", "said"), BAD_SCORES.values(), ids=BAD_SCORES)
async def test_what_cannot_be_scores_is_told(
    hash_config: MemoryConfig, twist: Twist, said: str
) -> None:
    config = replace(hash_config, reranker=TwistedReranker(twist))
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save(["We had tea.", "We met Anna in Oslo."])
        with pytest.raises(BackendError, match=said):
            await memory.recall("Where did we meet Anna?")


async def test_scores_may_be_a_list(hash_config: MemoryConfig) -> None:
    config = replace(hash_config, reranker=TwistedReranker(lambda scores: scores.tolist()))
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save(["We had tea.", "We met Anna in Oslo."])
        first = (await memory.recall("Where did we meet Anna?")).memories[0]
    assert first.memory.content == "We met Anna in Oslo."
    assert first.signals["rerank"] > 0


def test_rows_as_they_should_be_are_handed_on_as_they_are() -> None:
    rows = HashEmbedder()._embed(["a", "b"])
    assert check_rows(rows, 2, 64) is rows
    assert check_rows(rows[:0], 0, 64).shape == (0, 64)
