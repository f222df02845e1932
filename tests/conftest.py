"""What all tests share: both event loops, an installed model, and a folder of their own."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

from memory_vault import MemoryConfig
from memory_vault.testing.embedders import HashEmbedder


def model_folder() -> Path:
    """Where the model is: as whoever runs the tests has set it, else the default folder."""
    from memory_vault.embed.model_files import default_model_dir

    given = os.environ.get("MEMORY_VAULT_MODEL_DIR")
    return Path(given) if given else default_model_dir()


MODEL_FOLDER = model_folder()
"""Found before any test changes the environment."""


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs on both event loops."""
    return str(request.param)


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """A folder with the installed model; fetched once if it is missing."""
    from memory_vault.embed.install import install

    anyio.run(install, MODEL_FOLDER)
    return MODEL_FOLDER


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep tests away from the settings and data of whoever runs them; the model stays."""
    for name in list(os.environ):
        if name.startswith("MEMORY_VAULT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(MODEL_FOLDER))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture
def hash_config(tmp_path: Path) -> MemoryConfig:
    """Settings of a vault of the test's own, with a small fast embedder."""
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder())


@pytest.fixture
def model_config(tmp_path: Path, model_dir: Path) -> MemoryConfig:
    """Settings of a vault of the test's own, with the real model."""
    return MemoryConfig(data_dir=tmp_path / "vault", model_dir=model_dir)
