"""The cache of embeddings keeps the promises of an embedder and asks for nothing twice."""

import anyio
import numpy as np
import pytest

from memory_vault.bench.embedding_cache import CachedEmbedder
from memory_vault.embed import Embedder
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cached(tmp_path):
    embedder = CachedEmbedder(HashEmbedder(), tmp_path)
    await embedder.open()
    yield embedder
    await embedder.close()


async def test_it_is_an_embedder(cached):
    assert isinstance(cached, Embedder)
    assert cached.fingerprint == HashEmbedder().fingerprint
    assert cached.window == HashEmbedder().window
    assert cached.token_spans("a b") == [(0, 1), (2, 3)]


async def test_it_gives_what_the_embedder_behind_it_gives(cached):
    texts = ["a river", "a bridge", "a river", ""]
    expected = await HashEmbedder().embed(texts)
    for _ in range(2):
        found = await cached.embed(texts)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
    question = await cached.embed_query("where?")
    np.testing.assert_array_equal(question, await HashEmbedder().embed_query("where?"))
    np.testing.assert_array_equal(await cached.embed_query("where?"), question)


async def test_nothing_is_computed_twice(cached):
    await cached.embed(["a", "b", "a"])
    assert cached.misses == 2
    await cached.embed(["b", "c"])
    await cached.embed_query("q")
    await cached.embed_query("q")
    assert cached.misses == 4


async def test_no_texts_give_no_rows(cached):
    assert (await cached.embed([])).shape == (0, 64)


async def test_another_run_finds_what_was_kept(tmp_path):
    for expected in (1, 0):
        embedder = CachedEmbedder(HashEmbedder(), tmp_path)
        await embedder.open()
        await embedder.embed(["kept"])
        await embedder.close()
        assert embedder.misses == expected


async def test_questions_and_documents_are_kept_apart(cached):
    await cached.embed(["the same text"])
    await cached.embed_query("the same text")
    assert cached.misses == 2


async def test_each_space_has_its_own_file(tmp_path):
    for dimension in (64, 128):
        embedder = CachedEmbedder(HashEmbedder(dimension), tmp_path)
        await embedder.open()
        assert (await embedder.embed(["x"])).shape == (1, dimension)
        await embedder.close()
    assert len(list(tmp_path.glob("*.sqlite"))) == 2


async def test_no_text_stands_in_the_file(cached, tmp_path):
    await cached.embed(["strictly confidential words"])
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"confidential" not in content


async def test_open_and_close_may_be_repeated(tmp_path):
    embedder = CachedEmbedder(HashEmbedder(), tmp_path)
    await embedder.open()
    await embedder.open()
    await embedder.close()
    await embedder.close()


async def test_many_tasks_may_share_it(cached):
    results = []

    async def work(i: int) -> None:
        results.append(await cached.embed([f"text {i % 3}", "common"]))

    async with anyio.create_task_group() as tasks:
        for i in range(12):
            tasks.start_soon(work, i)
    assert len(results) == 12


class Counting(HashEmbedder):
    """Notes the batches it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []

    async def embed(self, texts):
        self.batches.append(list(texts))
        return await super().embed(texts)


async def test_tasks_that_want_the_same_text_at_once_have_it_computed_once(tmp_path):
    counting = Counting()
    cached = CachedEmbedder(counting, tmp_path)
    await cached.open()
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(cached.embed, ["one", "two"])
    await cached.close()
    assert counting.batches == [["one", "two"]]


async def test_embedding_ahead_is_one_batch_and_is_not_repeated(tmp_path):
    counting = Counting()
    cached = CachedEmbedder(counting, tmp_path)
    for _ in range(2):
        await cached.embed_ahead([["a", "b"], ["c", "a"], []])
    await cached.embed_ahead([])
    await cached.embed(["c", "b"])
    await cached.close()
    assert counting.batches == [["a", "b", "c"]]
