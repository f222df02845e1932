"""LangGraph's InMemoryStore with an index of embeddings: nothing is kept on disk."""

from pathlib import Path
from uuid import uuid4

from langgraph.store.base import PutOp
from langgraph.store.memory import InMemoryStore
from minilm import MiniLM

DISTRIBUTIONS = ("langgraph", "langgraph-checkpoint")
DURABLE = "no: gone with the process"
NAMESPACE = ("bench", "memories")


class System:
    """One namespace of a store."""

    def __init__(self, _folder: Path) -> None:
        self.model = MiniLM()
        self.store = InMemoryStore(index={"dims": 384, "embed": self.embed, "fields": ["text"]})

    def embed(self, texts: list[str]) -> list[list[float]]:
        return self.model.embed(texts).tolist()

    def save(self, texts: list[str]) -> None:
        self.store.batch([PutOp(NAMESPACE, uuid4().hex, {"text": text}) for text in texts])

    def recall(self, question: str) -> list[str]:
        found = self.store.search(NAMESPACE, query=question, limit=10)
        return [one.value["text"] for one in found]

    def held(self) -> list[str]:
        return [one.value["text"] for one in self.store.search(NAMESPACE, limit=1_000_000)]

    def close(self) -> None:
        pass
