"""ChromaDB alone, in this process, kept in a folder."""

from pathlib import Path
from uuid import uuid4

import chromadb
from chromadb.config import Settings
from minilm import MiniLM

DISTRIBUTIONS = ("chromadb",)
DURABLE = "yes (SQLite, rollback journal)"


class System:
    """One collection, compared by cosine, given embeddings as its users do."""

    def __init__(self, folder: Path) -> None:
        self.model = MiniLM()
        self.client = chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False))
        self.memories = self.client.get_or_create_collection(
            "memories", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def save(self, texts: list[str]) -> None:
        self.memories.add(
            ids=[uuid4().hex for _ in texts], documents=texts, embeddings=self.model.embed(texts)
        )

    def recall(self, question: str) -> list[str]:
        found = self.memories.query(query_embeddings=self.model.embed([question]), n_results=10)
        return found["documents"][0]

    def held(self) -> list[str]:
        return self.memories.get(include=["documents"])["documents"]

    def close(self) -> None:
        self.client.close()
