"""The engine makes the reranker that is configured, and closes what it made."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_vault import ConfigError, MemoryConfig, Vault
from memory_vault.rerank import Reranker
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
        assert reranker._model is None
        assert (await reranker.rerank("a", ["b", "c"])).shape == (2,)
        assert reranker._model is not None
    assert reranker._model is None


async def test_the_callers_own_is_never_closed(tmp_path: Path) -> None:
    tiny_cross_encoder.write_model(tmp_path / "model")
    own = OnnxReranker(tmp_path / "model")
    await own.open()
    async with Vault(settings(tmp_path, own)) as vault:
        assert vault.engine.reranker is own
    assert own._model is not None
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
