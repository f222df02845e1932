"""memory-vault 0.1.2, the earlier project of this name, with the shared embedder in its hook."""

import asyncio
from pathlib import Path
from typing import Any

from memory_vault.ingestion.embedder import SentenceTransformerEmbedder
from memory_vault.ingestion.engine import IngestionEngine
from memory_vault.retrieval.engine import RetrievalEngine
from memory_vault.sdk import MemoryConfig, MemoryLayer
from minilm import MiniLM

DISTRIBUTIONS = ("memory-vault", "chromadb")
DURABLE = "yes (SQLite and Chroma, one after the other)"


class Model:
    """The shared embedder, as a sentence-transformers model is called."""

    def __init__(self) -> None:
        self.model = MiniLM()

    def encode(self, texts: list[str], **_settings: Any) -> Any:
        return self.model.embed(texts)


class System:
    """One user; it takes one text a call."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        config = MemoryConfig(
            chroma_path=str(folder / "chroma"), sqlite_path=str(folder / "memory.db")
        )
        storage = MemoryLayer._build_storage(config)  # noqa: SLF001
        embedder = SentenceTransformerEmbedder(model=Model())
        self.memory = MemoryLayer(
            user_id="bench",
            config=config,
            storage=storage,
            ingestion_engine=IngestionEngine(storage=storage, embedder=embedder),
            retrieval_engine=RetrievalEngine(storage=storage, embedder=embedder),
        )
        self.runner.run(self.memory.initialize())

    def save(self, texts: list[str]) -> None:
        for text in texts:
            self.runner.run(self.memory.save(text))

    def recall(self, question: str) -> list[str]:
        found = self.runner.run(self.memory.recall(question, top_k=10))
        return [one.content for one in found.memories]

    def held(self) -> list[str]:
        found = self.runner.run(self.memory.list(page_size=1_000_000))
        return [one.content for one in found.items]

    def close(self) -> None:
        self.runner.run(self.memory.close())
        self.runner.close()
