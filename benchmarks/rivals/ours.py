"""This project, through its blocking API: each call goes to an event loop and back."""

from pathlib import Path

from memory_vault import MemoryConfig, MemoryLayerSync

DISTRIBUTIONS = ("memory-vault",)
DURABLE = "yes (SQLite, synchronous=FULL)"


class System:
    """One user."""

    def __init__(self, folder: Path) -> None:
        self.memory = MemoryLayerSync("bench", config=MemoryConfig(data_dir=folder))
        self.memory.__enter__()

    def save(self, texts: list[str]) -> None:
        self.memory.save(texts)

    def recall(self, question: str) -> list[str]:
        return [one.memory.content for one in self.memory.recall(question, top_k=10).memories]

    def held(self) -> list[str]:
        found, cursor = [], None
        while True:
            page = self.memory.list_memories(page_size=1_000, cursor=cursor)
            found += [one.content for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    def close(self) -> None:
        self.memory.__exit__(None, None, None)
