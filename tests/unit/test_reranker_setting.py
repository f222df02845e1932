"""The engine makes the reranker that is configured, and closes what it made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from memory_vault import ConfigError, MemoryConfig, MemoryLayer, Vault
from memory_vault.rerank import Reranker
from memory_vault.rerank.checks import CheckedReranker
from memory_vault.rerank.onnx import OnnxReranker
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.rerankers import OverlapReranker

from . import tiny_cross_encoder

pytestmark = pytest.mark.anyio


def settings(folder: Path, reranker: str | Reranker | None, **given: str) -> MemoryConfig:
    return MemoryConfig(
        data_dir=folder / "vault", embedder=HashEmbedder(), reranker=reranker, **given
    )


async def test_none_is_the_default(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        assert vault.engine.reranker is None


async def test_one_by_name_opens_at_first_use_and_is_closed_with_the_engine(
    tmp_path: Path,
) -> None:
    tiny_cross_encoder.write_model(tmp_path / "model")
    async with Vault(settings(tmp_path, f"onnx:{tmp_path / 'model'}")) as vault:
        reranker = vault.engine.reranker
        assert isinstance(reranker, OnnxReranker)
        assert reranker._local._model is None
        assert (await reranker.rerank("a", ["b", "c"])).shape == (2,)
        assert reranker._local._model is not None
    assert reranker._local._model is None


async def test_the_installed_model_reranks_without_other_weights(
    model_dir: Path, tmp_path: Path
) -> None:
    config = replace(settings(tmp_path, "minilm"), model_dir=model_dir)
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save(["My sister plays the cello.", "I play chess.", "My cat is called Tom."])
        found = await memory.recall("Which instrument does my sister play?")
    assert found.memories[0].memory.content == "My sister plays the cello."
    assert all(-1 <= one.signals["rerank"] <= 1 for one in found.memories)


async def test_the_callers_own_is_never_closed(tmp_path: Path) -> None:
    tiny_cross_encoder.write_model(tmp_path / "model")
    own = OnnxReranker(tmp_path / "model")
    await own.open()
    async with Vault(settings(tmp_path, own)) as vault:
        assert isinstance(vault.engine.reranker, CheckedReranker)
        assert vault.engine.reranker.inner is own
    assert own._local._model is not None
    await own.close()


async def test_a_name_that_is_none_is_refused_at_open(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'onnx:FOLDER'"):
        await Vault(settings(tmp_path, "magic")).open()


async def test_two_vaults_that_differ_in_the_key_are_told_without_it(tmp_path: Path) -> None:
    one = settings(tmp_path, OverlapReranker(), reranker_api_key="key-1")
    other = MemoryConfig(
        data_dir=one.data_dir,
        embedder=one.embedder,
        reranker=one.reranker,
        reranker_api_key="key-2",
    )
    async with Vault(one):
        with pytest.raises(ConfigError, match=r"reranker_api_key: .* open .* another") as caught:
            await Vault(other).open()
    assert "key-" not in str(caught.value).replace("api_key", "")
