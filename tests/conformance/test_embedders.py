"""Every embedder of the library keeps the promises of the Protocol."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from tests.unit.embed_service import MODELS, PATHS, serving

from memory_vault.embed import Embedder
from memory_vault.embed.choose import choose
from memory_vault.embed.http import HttpEmbedder
from memory_vault.embed.onnx import OnnxEmbedder
from memory_vault.embed.runtime import default_threads, group_by_length
from memory_vault.embed.scheduler import BatchingEmbedder
from memory_vault.errors import ConfigError, InvalidInput, ModelNotInstalled
from memory_vault.testing.embedder_suite import EmbedderConformance
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio


class TestHashEmbedder(EmbedderConformance):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return HashEmbedder()

    def source(self, embedder: Embedder) -> tuple[str, str]:
        return "from memory_vault.testing.embedders import HashEmbedder", "HashEmbedder()"


class TestBatchingEmbedder(EmbedderConformance):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return BatchingEmbedder(HashEmbedder(), tokens=100)

    def source(self, embedder: Embedder) -> tuple[str, str]:
        imports = (
            "from memory_vault.embed.scheduler import BatchingEmbedder\n"
            "from memory_vault.testing.embedders import HashEmbedder"
        )
        return imports, "BatchingEmbedder(HashEmbedder(), tokens=100)"


class HttpConformance(EmbedderConformance):
    style: str

    @pytest.fixture
    async def embedder(self) -> AsyncIterator[Embedder]:
        with serving(self.style) as service:
            self.address = service.root + PATHS[self.style]
            embedder = HttpEmbedder(service.url, style=self.style, model=MODELS[self.style])
            await embedder.open()
            yield embedder
            await embedder.close()

    def source(self, embedder: Embedder) -> tuple[str, str]:
        given = f"{self.address!r}, style={self.style!r}, model={MODELS[self.style]!r}"
        return "from memory_vault.embed.http import HttpEmbedder", f"HttpEmbedder({given})"


class TestOpenAI(HttpConformance):
    style = "openai"


class TestOllama(HttpConformance):
    style = "ollama"


class TestTextEmbeddingsInference(HttpConformance):
    style = "tei"


class OnnxConformance(EmbedderConformance):
    precision: str

    @pytest.fixture
    async def embedder(self, model_dir: Path) -> AsyncIterator[Embedder]:
        embedder = OnnxEmbedder(model_dir, precision=self.precision)
        await embedder.open()
        yield embedder
        await embedder.close()

    def source(self, embedder: OnnxEmbedder) -> tuple[str, str]:
        imports = "from pathlib import Path; from memory_vault.embed.onnx import OnnxEmbedder"
        return (
            imports,
            f"OnnxEmbedder(Path({str(embedder._folder)!r}), precision={self.precision!r})",
        )


class TestOnnxFloat32(OnnxConformance):
    precision = "float32"


class TestOnnxInt8(OnnxConformance):
    precision = "int8"


async def test_the_two_precisions_have_two_fingerprints(model_dir: Path) -> None:
    float32, int8 = (OnnxEmbedder(model_dir, precision=p) for p in ("float32", "int8"))
    assert str(float32.fingerprint) == "all-MiniLM-L6-v2@53aa51172d14/384/float32"
    assert int8.fingerprint.precision.startswith("int8-")
    assert len(int8.fingerprint.precision) == 13


async def test_int8_is_near_float32(model_dir: Path) -> None:
    texts = ["Caroline went hiking in the Alps.", "昨日は友達と映画を見ました。", "ok"]
    rows = [await OnnxEmbedder(model_dir, precision=p).embed(texts) for p in ("float32", "int8")]
    assert (rows[0] * rows[1]).sum(1).min() > 0.95


async def test_embedders_of_one_process_share_the_model(model_dir: Path) -> None:
    first, second = OnnxEmbedder(model_dir), OnnxEmbedder(model_dir)
    await first.open()
    await second.open()
    assert first._engine is second._engine
    expected = await first.embed(["shared"])
    await first.close()
    assert np.array_equal(await second.embed(["shared"]), expected)
    await second.close()


async def test_hangul_splits_into_spans_that_do_not_overlap(model_dir: Path) -> None:
    embedder = OnnxEmbedder(model_dir)
    await embedder.open()
    text = "각각 한국어"
    spans = embedder.token_spans(text)
    assert len(spans) > len(text)  # a syllable gives several tokens
    assert "".join(text[slice(*span)] for span in spans) == text.replace(" ", "")
    await embedder.close()


async def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(tmp_path / "nothing")
    with pytest.raises(ModelNotInstalled, match="memory-vault model install"):
        await embedder.open()
    with pytest.raises(ModelNotInstalled):
        await embedder.embed(["text"])
    with pytest.raises(ModelNotInstalled):
        _ = OnnxEmbedder(tmp_path, precision="int8").fingerprint


async def test_a_cut_file_is_found_at_open(model_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(model_dir, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tokenizer.json").write_bytes(b"{")
    with pytest.raises(ModelNotInstalled, match=r"tokenizer\.json is damaged"):
        await OnnxEmbedder(tmp_path).open()


async def test_wrong_input_is_refused(model_dir: Path) -> None:
    embedder = OnnxEmbedder(model_dir)
    with pytest.raises(InvalidInput, match="not one string"):
        await embedder.embed("one string")
    with pytest.raises(InvalidInput, match="must be a string"):
        await embedder.embed([b"bytes"])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="surrogate"):
        await embedder.embed(["\ud800"])
    await embedder.close()


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InvalidInput, match="precision"):
        OnnxEmbedder(Path(), precision="int4")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="threads"):
        OnnxEmbedder(Path(), threads=0)


def test_batches_hold_every_text_once_and_keep_to_the_cap() -> None:
    lengths = [3, 256, 40, 5, 90, 256, 1, 12] * 9
    batches = group_by_length(lengths, 600)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(max(lengths[i] for i in b) * len(b) <= 600 for b in batches)
    assert group_by_length([700, 2], 600) == [[0], [1]]
    assert group_by_length([]) == []


def test_a_batch_ends_where_padding_costs_more_than_a_run() -> None:
    assert group_by_length([100, 99, 98, 20, 19, 10]) == [[0, 1, 2], [3, 4, 5]]
    lengths = list(range(1, 60))
    for batch in group_by_length(lengths):
        assert sum(max(lengths[i] for i in batch) - lengths[i] for i in batch) <= 16


def test_a_run_takes_no_more_threads_than_there_are_cores() -> None:
    assert 1 <= default_threads() <= min(8, os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("minilm", "OnnxEmbedder"),
        ("minilm-float32", "OnnxEmbedder"),
        ("minilm-int8", "OnnxEmbedder"),
        ("sentence-transformers", "BatchingEmbedder"),
        ("sentence-transformers:intfloat/e5-small-v2", "BatchingEmbedder"),
        ("openai:https://api.openai.com/v1#text-embedding-3-small", "HttpEmbedder"),
        ("ollama:http://127.0.0.1:11434#all-minilm", "HttpEmbedder"),
        ("tei:http://127.0.0.1:8080", "HttpEmbedder"),
    ],
)
def test_a_name_chooses_an_embedder(name: str, kind: str, tmp_path: Path) -> None:
    assert type(choose(name, tmp_path)).__name__ == kind


@pytest.mark.parametrize(
    "name", ["", "minilm-int4", "sentence-transformers:", "MiniLM", "minilm:x"]
)
def test_an_unknown_name_lists_what_is_accepted(name: str) -> None:
    with pytest.raises(ConfigError, match=r"'minilm-int8'.*sentence-transformers:NAME"):
        choose(name, None)
