"""What a run has judged so far, kept so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from .metrics import Row

_PACKAGE = Path(__file__).resolve().parents[1]


def default_journal_dir() -> Path:
    """Where journals are kept when nothing else is said: the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("memory-vault", appauthor=False) / "bench"


class Journal:
    """JSON Lines, one judged question each; a line counts once it is whole.

    Every method blocks and may be called from any thread.

    Args:
        folder: Where it is; None for the user's cache folder.
        key: Everything that its figures depend on; another key is another journal.
    """

    def __init__(self, folder: Path | None, key: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self.path: Path = (folder or default_journal_dir()) / f"{digest[:32]}.jsonl"
        self._lock: AbstractContextManager[Any] = threading.Lock()

    def read(self) -> dict[str, tuple[Row, float]]:
        """What it holds, by question: the row, and how many milliseconds the search took.

        What follows the last sound line, such as one torn by a kill, is cut off.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        found: dict[str, tuple[Row, float]] = {}
        sound = 0
        for line in raw.splitlines(keepends=True):
            entry = _entry(line)
            if entry is None:
                break
            found[entry[0]["id"]] = entry
            sound += len(line)
        if sound < len(raw):
            self.path.write_bytes(raw[:sound])
        return found

    def add(self, row: Row, search_ms: float) -> None:
        """Append a question; it outlives a kill of this process."""
        line = json.dumps({"question": row, "search_ms": search_ms}) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self.path.open("ab") as file:
            file.write(line.encode())

    def remove(self) -> None:
        """Delete it: the run is finished, or is to begin anew. Repeatable."""
        self.path.unlink(missing_ok=True)


def _entry(line: bytes) -> tuple[Row, float] | None:
    """What a line says, None if it is torn or something else."""
    try:
        data = json.loads(line) if line.endswith(b"\n") else {}
        row, search_ms = data["question"], float(data["search_ms"])
        return (row, search_ms) if isinstance(row["id"], str) else None
    except (ValueError, KeyError, TypeError):
        return None


@cache
def source_digest() -> str:
    """SHA-256 over the files of this package: another state of the code gives another. Blocking."""
    found = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            found.update(f"{path.relative_to(_PACKAGE).as_posix()}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
