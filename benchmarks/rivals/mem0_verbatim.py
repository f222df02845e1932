"""mem0 that keeps texts as they are (`infer=False`), in its default store on this disk."""

from pathlib import Path

from mem0 import Memory
from mem0.embeddings.base import EmbeddingBase
from minilm import MiniLM

DISTRIBUTIONS = ("mem0ai", "qdrant-client")
DURABLE = "yes (SQLite, two files one after the other)"


class Local(EmbeddingBase):
    """The shared embedder as one of mem0's."""

    def __init__(self) -> None:
        super().__init__()
        self.model = MiniLM()

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:  # noqa: ARG002
        return self.model.embed([text])[0].tolist()


class System:
    """It wants an OpenAI key to be made; nothing is asked of that service."""

    def __init__(self, folder: Path) -> None:
        store = {"path": str(folder / "qdrant"), "embedding_model_dims": 384, "on_disk": True}
        key = {"provider": "openai", "config": {"api_key": "none"}}
        self.memory = Memory.from_config(
            {
                "vector_store": {"provider": "qdrant", "config": store},
                "history_db_path": str(folder / "history.db"),
                "embedder": key,
                "llm": key,
            }
        )
        self.memory.embedding_model = Local()

    def save(self, texts: list[str]) -> None:
        turns = [{"role": "user", "content": text} for text in texts]
        self.memory.add(turns, user_id="bench", infer=False)

    def recall(self, question: str) -> list[str]:
        found = self.memory.search(question, filters={"user_id": "bench"}, top_k=10)
        return [one["memory"] for one in found["results"]]

    def held(self) -> list[str]:
        found = self.memory.get_all(filters={"user_id": "bench"}, top_k=1_000_000)
        return [one["memory"] for one in found["results"]]

    def close(self) -> None:
        self.memory.vector_store.client.close()
        self.memory.close()
