"""A file of lines taken over by a user who has nothing: checked aside, then all at once."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .._host import finish
from .._work import Progress
from ..errors import InvalidInput, NotOpen, StorageError, TargetNotEmpty
from ..ingest import Piece, as_bytes, pieces, speaker_prefix, terms
from ..models import ImportReport
from ..storage import Chunk, Version
from . import lines
from .fields import KINDS

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine
    from ..storage.sqlite.connection import Database
    from ..storage.sqlite.held import Stage
    from ..storage.sqlite.records import Records
    from ..storage.sqlite.transaction import Transaction

_PAGE = 200
_TEXTS = 64
_DAY = 86_400 * 1_000_000
"""How far a clock that wrote a file may be ahead of this one."""


async def import_(
    engine: Engine, user_id: str, path: Path, *, origin: str | None, progress: Progress | None
) -> ImportReport:
    """Take a file over; cancelled, failed or killed, the user is as before."""
    store = engine.store
    await store.read(user_id, _refuse_if_used)
    embedder = await engine.embedders.of_new_user()
    work = _Import(engine, embedder, path, store.stage(), origin)
    try:
        total = await store.in_thread(work.start)
        while not await store.in_thread(work.step):
            if progress is not None:
                progress(work.bytes_read, total)
        embedded = await _embed(engine, embedder, work)
        await store.write(user_id, work.hand_over, create=True)
        if progress is not None:
            progress(total, total)
        return work.report(embedded)
    finally:
        await finish(partial(store.in_thread, work.close))


async def _embed(engine: Engine, embedder: Embedder, work: _Import) -> int:
    """Make the embeddings that the file does not have, or has of another model."""
    count = 0
    if not await engine.store.in_thread(work.has_unembedded):
        return count
    await embedder.open()
    while found := await engine.store.in_thread(work.unembedded):
        texts = list(dict.fromkeys(one.text for _, some in found for one in some))
        known = dict(zip(texts, as_bytes(await embedder.embed(texts)), strict=True))
        await engine.store.in_thread(partial(work.embedded, found, known))
        count += len(found)
    return count


def _refuse_if_used(user: Transaction) -> None:
    if not user.records.is_empty:
        raise TargetNotEmpty(
            f"user {user.user_id!r} has memories, sessions or preferences: import into a user "
            "who has none, or call forget_all() first"
        )


class _Import:
    """The work in its hops; each waits for the one before, also when nobody waits for that."""

    def __init__(
        self, engine: Engine, embedder: Embedder, path: Path, stage: Stage, origin: str | None
    ) -> None:
        self._engine, self._embedder = engine, embedder
        self._path, self._stage, self._origin = path, stage, origin
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._lines = lines.Lines(time.time_ns() // 1_000 + _DAY)
        self._digest = hashlib.sha256()
        self._counts = dict.fromkeys((*KINDS, "version"), 0)
        self._seq = self._clock = self._changed_at = self._last_embedded = 0
        self._has_embeddings = False
        self.bytes_read: int = 0

    # reading -------------------------------------------------------------------------------------

    def start(self) -> int:
        """Open the file, read its first line, make the stage; the bytes there are to read."""
        with self._lock:
            self._file = _open(self._path)
            embedder = self._lines.header(self._record())
            self._has_embeddings = embedder == str(self._embedder.fingerprint)
            self._stage.open()
            return os.fstat(self._file.fileno()).st_size

    def step(self) -> bool:
        """Read a page of lines into the stage; whether that was the last."""
        with self._lock:
            return self._stage.run(self._read_page)

    def _read_page(self, rows: Records) -> bool:
        for _ in range(_PAGE):
            so_far = self._digest.hexdigest()
            record = self._record()
            if record.get("kind") == "end":
                self._end(record, so_far)
                rows.set_meta(fingerprint=self._fingerprint(), clock=self._clock)
                return True
            self._take(rows, record)
        return False

    def _record(self) -> dict[str, Any]:
        if self._file is None:
            raise NotOpen("the import was ended")
        line = self._file.readline(lines.MAX_LINE_BYTES + 1)
        self._digest.update(line)
        self.bytes_read += len(line)
        return self._lines.record(line)

    def _take(self, rows: Records, record: dict[str, Any]) -> None:
        kind = record.get("kind")
        if kind == "memory":
            self._take_version(rows, self._lines.version(record))
        elif isinstance(kind, str) and kind in KINDS:
            self._take_row(rows, kind, self._lines.row(kind, record))
        else:
            raise self._lines.refuse(f"kind: give {', '.join(KINDS)} or end")

    def _take_version(self, rows: Records, version: Version) -> None:
        if version.changed_at < self._changed_at:
            raise self._lines.refuse("changed_at is before that of the memory above: sort by it")
        before = rows.last_version(version.id)
        if before is not None:
            self._refuse_unless_next(before, version)
        self._seq += 1
        self._changed_at = version.changed_at
        self._clock = max(self._clock, version.changed_at, version.superseded_at or 0)
        self._counts["memory" if version.superseded_at is None else "version"] += 1
        if self._origin is not None:
            version = replace(version, origin=self._origin)
        version = replace(version, chunks=self._chunks(version))
        tokens = self._engine.counter.count(version.content)
        rows.add_version(self._seq, before[0] if before else self._seq, version, tokens)

    def _refuse_unless_next(self, before: tuple[int, int, int | None], version: Version) -> None:
        _, recorded_at, superseded_at = before
        if superseded_at is None:
            raise self._lines.refuse("a second current version of one memory")
        if superseded_at > version.changed_at or recorded_at != version.recorded_at:
            raise self._lines.refuse("the times do not follow on the version before")

    def _chunks(self, version: Version) -> tuple[Chunk, ...]:
        """The chunks with their search terms, if their embeddings can be used."""
        if not self._has_embeddings or not version.chunks:
            return ()
        import numpy as np

        size = self._embedder.fingerprint.dimension
        packed = [one.embedding for one in version.chunks]
        if any(len(one) != 4 * size for one in packed):
            raise self._lines.refuse(f"chunks: an embedding has {size} float32 numbers")
        if not lines.is_finite_unit(np.frombuffer(b"".join(packed), "<f4").reshape(-1, size)):
            raise self._lines.refuse("chunks: an embedding is finite and of length 1")
        prefix, text = speaker_prefix(version.role), version.content
        return tuple(
            replace(one, words=terms(prefix + text[one.start : one.stop])) for one in version.chunks
        )

    def _take_row(self, rows: Records, kind: str, row: lines.Row) -> None:
        if kind == "preference":
            if row[4] is None and rows.has_current_preference(row[0]):
                raise self._lines.refuse("a second value in force of one key")
            self._clock = max(self._clock, row[3], row[4] or 0)
        elif rows.has(kind, row[0]):
            raise self._lines.refuse(f"a second {kind} of one name")
        self._counts[kind] += 1
        rows.add_row(kind, row)

    def _end(self, record: dict[str, Any], digest: str) -> None:
        """Check the last line against what was read."""
        wanted = lines.footer_record(self._counts, digest)
        if record.get("sha256") is None:
            wanted["sha256"] = None
        if {**record, "sha256": None} != {**wanted, "sha256": None}:
            raise self._lines.refuse("the counts are not those of the lines above")
        if record != wanted:
            raise self._lines.refuse("sha256 is not that of the lines above: the file was changed")
        assert self._file is not None, "read from above"
        if self._file.read(1):
            raise self._lines.refuse("nothing may follow the last line")

    def _fingerprint(self) -> str | None:
        return str(self._embedder.fingerprint) if self._seq else None

    # embedding -----------------------------------------------------------------------------------

    def has_unembedded(self) -> bool:
        """Whether any version lacks its chunks."""
        with self._lock:
            return bool(self._stage.run(lambda rows: rows.without_chunks(0, 1)))

    def unembedded(self) -> list[tuple[int, tuple[Piece, ...]]]:
        """The pieces of the next versions that lack their chunks."""
        with self._lock:
            found = self._stage.run(lambda rows: rows.without_chunks(self._last_embedded, _TEXTS))
            return [(seq, pieces(self._embedder, text, role)) for seq, text, role in found]

    def embedded(
        self, found: Sequence[tuple[int, tuple[Piece, ...]]], known: dict[str, bytes]
    ) -> None:
        """Write chunks with the embeddings of their texts."""

        def add(rows: Records) -> None:
            for seq, some in found:
                rows.add_chunks(
                    seq, [Chunk(one.start, one.stop, known[one.text], one.words) for one in some]
                )

        with self._lock:
            self._stage.run(add)
            self._last_embedded = found[-1][0]

    # the end -------------------------------------------------------------------------------------

    def hand_over(self, user: Transaction) -> None:
        """Give everything to the user, in the one transaction of this unit."""
        _refuse_if_used(user)

        def take(source: Database) -> None:
            user.records.become(source, user.check)

        with self._lock:
            self._stage.reading(take)

    def report(self, embedded: int) -> ImportReport:
        """What was read."""
        counts = self._counts
        return ImportReport(
            memories=counts["memory"],
            versions=counts["version"],
            sessions=counts["session"],
            preferences=counts["preference"],
            embedded=embedded,
        )

    def close(self) -> None:
        """Give back what is held."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._stage.close()


def _open(path: Path) -> BinaryIO:
    """Open a plain file to read; a pipe or a device is refused, for it may never end."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InvalidInput(f"{path} does not exist") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidInput(f"{path} is no file")
    return os.fdopen(handle, "rb", buffering=1 << 20)
