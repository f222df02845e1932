"""sentence-transformers and ONNX Runtime give the same scores from the same weights."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit import tiny_cross_encoder

from memory_vault.errors import ConfigError, ModelNotInstalled
from memory_vault.rerank.onnx import OnnxReranker
from memory_vault.rerank.sentence_transformers import SentenceTransformersReranker
from memory_vault.testing.reranker_suite import QUESTION, TEXTS, RerankerConformance, agree

IS_INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
needs_library = pytest.mark.skipif(not IS_INSTALLED, reason="sentence-transformers is missing")
pytestmark = [pytest.mark.anyio, pytest.mark.extras]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny_cross_encoder.write_model(folder)
    return folder


@needs_library
class TestSentenceTransformersReranker(RerankerConformance):
    @pytest.fixture
    async def reranker(self, weights: Path) -> AsyncIterator[SentenceTransformersReranker]:
        reranker = SentenceTransformersReranker(weights)
        yield reranker
        await reranker.close()

    async def test_it_gives_the_scores_of_onnx(
        self, reranker: SentenceTransformersReranker, weights: Path
    ) -> None:
        other = OnnxReranker(weights)
        texts = [*TEXTS, "", "x" * 200, QUESTION * 30]
        for query in (QUESTION, "short?"):
            assert agree(await reranker.rerank(query, texts), await other.rerank(query, texts))
        query, texts = QUESTION * 30, TEXTS[:-1]
        assert agree(await reranker.rerank(query, texts), await other.rerank(query, texts))

    async def test_a_folder_without_a_model_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotInstalled, match="could not be loaded"):
            await SentenceTransformersReranker(tmp_path).open()

    async def test_a_model_with_two_outputs_is_refused(self, tmp_path: Path) -> None:
        tiny_cross_encoder.write_model(tmp_path, outputs=2)
        with pytest.raises(ModelNotInstalled, match="gives 2 numbers a pair"):
            await SentenceTransformersReranker(tmp_path).open()


@pytest.mark.skipif(IS_INSTALLED, reason="sentence-transformers is installed")
async def test_its_absence_names_the_install_command() -> None:
    with pytest.raises(ConfigError, match=r"memory-vault\[sentence-transformers\]"):
        await SentenceTransformersReranker("a/b").open()
