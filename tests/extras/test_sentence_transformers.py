"""sentence-transformers and ONNX Runtime give one space from the same weights."""

import importlib.util
from pathlib import Path

import pytest

from memory_vault.embed.install import fetch_weights
from memory_vault.embed.onnx import OnnxEmbedder
from memory_vault.embed.sentence_transformers import SentenceTransformersEmbedder
from memory_vault.errors import ConfigError, ModelNotInstalled
from memory_vault.testing.embedder_suite import TEXTS, EmbedderConformance

IS_INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
needs_library = pytest.mark.skipif(not IS_INSTALLED, reason="sentence-transformers is missing")
pytestmark = [pytest.mark.anyio, pytest.mark.extras]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import anyio

    folder = tmp_path_factory.mktemp("weights") / "all-MiniLM-L6-v2"
    anyio.run(fetch_weights, folder)
    return folder


@needs_library
class TestSentenceTransformers(EmbedderConformance):
    @pytest.fixture
    def embedder(self, weights: Path) -> SentenceTransformersEmbedder:
        return SentenceTransformersEmbedder(weights)

    def source(self, embedder: SentenceTransformersEmbedder) -> tuple[str, str]:
        module = "memory_vault.embed.sentence_transformers"
        name = "SentenceTransformersEmbedder"
        return f"from {module} import {name}", f"{name}({embedder._name!r})"

    async def test_it_shares_the_space_of_onnx(
        self, embedder: SentenceTransformersEmbedder, model_dir: Path
    ) -> None:
        other = OnnxEmbedder(model_dir)
        assert embedder.fingerprint == other.fingerprint  # before open, from the weights' hash
        ours, theirs = await other.embed(TEXTS), await embedder.embed(TEXTS)
        assert (ours * theirs).sum(axis=1).min() >= 0.9999
        assert embedder.window == other.window
        assert [embedder.token_spans(t) for t in TEXTS] == [other.token_spans(t) for t in TEXTS]
        await other.close()

    async def test_a_folder_without_a_model_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotInstalled, match="could not be loaded"):
            await SentenceTransformersEmbedder(tmp_path).open()


@pytest.mark.skipif(IS_INSTALLED, reason="sentence-transformers is installed")
async def test_its_absence_names_the_install_command() -> None:
    with pytest.raises(ConfigError, match=r"memory-vault\[sentence-transformers\]"):
        await SentenceTransformersEmbedder().open()


async def test_an_unknown_fingerprint_asks_for_open(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="open"):
        _ = SentenceTransformersEmbedder(tmp_path).fingerprint
