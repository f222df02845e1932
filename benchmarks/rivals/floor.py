"""Plain SQLite and NumPy: what one writes in an afternoon, and the floor for everything else."""

import sqlite3
from pathlib import Path

import numpy as np
from minilm import MiniLM

DISTRIBUTIONS = ("numpy",)
DURABLE = "yes (SQLite, synchronous=FULL)"


class System:
    """Texts and embeddings in one table; the matrix of all embeddings in memory."""

    def __init__(self, folder: Path) -> None:
        self.model = MiniLM()
        self.db = sqlite3.connect(folder / "floor.db")
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS memories (text TEXT, embedding BLOB)")
        kept = self.db.execute("SELECT text, embedding FROM memories ORDER BY rowid").fetchall()
        self.texts = [text for text, _ in kept]
        self.rows = [np.frombuffer(row, np.float32) for _, row in kept]

    def save(self, texts: list[str]) -> None:
        rows = self.model.embed(texts)
        with self.db:
            self.db.executemany("INSERT INTO memories VALUES (?, ?)", zip(texts, rows, strict=True))
        self.texts += texts
        self.rows += list(rows)

    def recall(self, question: str) -> list[str]:
        scores = np.stack(self.rows) @ self.model.embed([question])[0]
        return [self.texts[i] for i in np.argsort(-scores)[:10]]

    def held(self) -> list[str]:
        return [text for (text,) in self.db.execute("SELECT text FROM memories")]

    def close(self) -> None:
        self.db.close()
