"""Keeps embeddings between runs of a benchmark, in a file of its own outside every vault."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from ..embed import Embedder, Fingerprint

if TYPE_CHECKING:
    import apsw
    import numpy as np
    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]


def default_cache_dir() -> Path:
    """Where embeddings are kept when nothing else is said: the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("memory-vault", appauthor=False) / "embeddings"


class CachedEmbedder:
    """An embedder that asks another one only for texts it has not seen, in this run or an earlier.

    Embeddings are found by the space (one file each), by whether the text is a question, and by
    the SHA-256 of the text; no text is stored. Opening and closing it opens and closes the other
    one, which must therefore be its own. Several processes may share a file.

    Args:
        inner: What embeds.
        folder: Where the files are; None for the user's cache folder.
    """

    def __init__(self, inner: Embedder, folder: Path | None = None) -> None:
        self._inner = inner
        self._folder = folder
        self._file: _File | None = None
        self._computing = anyio.Lock()
        self.hits: int = 0
        self.misses: int = 0

    @property
    def fingerprint(self) -> Fingerprint:
        """The space of the embedder behind it."""
        return self._inner.fingerprint

    @property
    def window(self) -> int:
        """Tokens that the embedder behind it takes in."""
        return self._inner.window

    async def open(self) -> None:
        """Open the embedder behind it and the file; repeatable."""
        await self._inner.open()
        if self._file is None:
            folder = self._folder or default_cache_dir()
            name = re.sub(r"[^\w.-]+", "_", str(self.fingerprint))
            self._file = await to_thread.run_sync(_File, folder / f"{name}.sqlite")

    async def close(self) -> None:
        """Close the file and the embedder behind it. Repeatable."""
        file, self._file = self._file, None
        if file is not None:
            await to_thread.run_sync(file.close)
        await self._inner.close()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents, shape (n, dimension); only the unknown are computed."""
        keys = [_key("document", one) for one in texts]
        known = await self._known(keys)
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in known}
        self.hits += len(texts) - len(missing)
        if missing:
            async with self._computing:
                known |= await self._compute(missing)
        return _stack([known[one] for one in keys], self.fingerprint.dimension)

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question, shape (dimension,), if it is not known."""
        key = _key("question", text)
        known = await self._known([key])
        if key not in known:
            known[key] = await self._inner.embed_query(text)
            await self._keep(known)
        else:
            self.hits += 1
        return known[key]

    async def embed_ahead(self, groups: Sequence[Sequence[str]]) -> None:
        """Compute all that is to be embedded soon in large batches, which waste less on padding.

        Where the first group is known the others are taken for known too: looking is not free.
        """
        first = [_key("document", one) for one in (groups[0] if groups else ())]
        if not set(first) <= set(await self._known(first)):
            await self.embed([text for group in groups for text in group])

    async def _compute(self, missing: dict[bytes, str]) -> dict[bytes, Embeddings]:
        """Embed texts, but for those that another task has embedded meanwhile."""
        known = await self._known(list(missing))
        left = {key: text for key, text in missing.items() if key not in known}
        if left:
            rows = await self._inner.embed(list(left.values()))
            fresh = dict(zip(left, rows, strict=True))
            await self._keep(fresh)
            known |= fresh
        return known

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of a text's tokens, from the embedder behind it."""
        return self._inner.token_spans(text)

    async def _known(self, keys: Sequence[bytes]) -> dict[bytes, Embeddings]:
        if self._file is None:
            await self.open()
        return await to_thread.run_sync(self._opened.find, keys)

    async def _keep(self, rows: dict[bytes, Embeddings]) -> None:
        self.misses += len(rows)
        await to_thread.run_sync(self._opened.keep, rows)

    @property
    def _opened(self) -> _File:
        if self._file is None:
            raise RuntimeError("the embedding cache was closed while in use")
        return self._file


def _key(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()


def _stack(rows: Sequence[Embeddings], dimension: int) -> Embeddings:
    import numpy as np

    return np.stack(rows) if rows else np.zeros((0, dimension), np.float32)


class _File:
    """One table of embeddings by key. Every method blocks and may be called from any thread."""

    def __init__(self, path: Path) -> None:
        import apsw

        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection: apsw.Connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(10_000)
        self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        self._connection.execute("PRAGMA synchronous=OFF").fetchall()
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID"
        ).fetchall()

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Embeddings]:
        """Those of the keys that are there, with their embeddings."""
        import numpy as np

        found = {}
        with self._lock:
            for key in keys:
                query = "SELECT row FROM embeddings WHERE key = ?"
                row = self._connection.execute(query, (key,)).fetchone()
                if row is not None:
                    found[key] = np.frombuffer(row[0], np.float32)
        return found

    def keep(self, rows: dict[bytes, Embeddings]) -> None:
        """Add embeddings; one that is there stays."""
        values = [(key, row.astype("<f4").tobytes()) for key, row in rows.items()]
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE").fetchall()
            self._connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?)", values)
            self._connection.execute("COMMIT").fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
