"""An application for real servers in other processes, with a small fast embedder."""

from __future__ import annotations

from typing import Any

from memory_vault import MemoryConfig
from memory_vault.api import create_app
from memory_vault.testing.embedders import HashEmbedder


def make() -> Any:
    """The application; the environment says where the vault is."""
    return create_app(MemoryConfig(embedder=HashEmbedder()))
