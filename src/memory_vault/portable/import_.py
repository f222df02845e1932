"""A file of lines taken over by a user who has nothing: checked aside, then all at once."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._host import finish
from .._work import Progress
from ..errors import ImportRefused, InvalidInput, NotOpen, StorageError, TargetNotEmpty
from ..models import ImportReport
from ..pipelines.pieces import Piece, as_bytes, pieces
from ..storage import Chunk, Version
from ..text.speakers import speaker_prefix
from ..text.words import word_bytes
from . import lines
from .fields import KINDS
from .source import Feed, File, Source

if TYPE_CHECKING:
    from ..embed import Embedder
    from ..engine import Engine
    from ..storage.sqlite.connection import Database
    from ..storage.sqlite.held import Stage
    from ..storage.sqlite.records import Records
    from ..storage.sqlite.transaction import Transaction

_PAGE = 200
_TEXTS = 64
_ENOUGH = 1 << 20
"""Bytes that are worth a hop, of a file that arrives piece by piece."""
_DAY = 86_400 * 1_000_000
"""How far a clock that wrote a file may be ahead of this one."""


async def import_(
    engine: Engine, user_id: str, path: Path, *, origin: str | None, progress: Progress | None
) -> ImportReport:
    """Take a file over; cancelled, failed or killed, the user is as before."""
    take = partial(_import_file, engine, user_id, path, origin, progress)
    return await engine.embedders.for_new_user(take)


async def _import_file(
    engine: Engine,
    user_id: str,
    path: Path,
    origin: str | None,
    progress: Progress | None,
    embedder: Embedder,
) -> ImportReport:
    """Take a file over with one embedder."""
    work = _Import(engine, embedder, partial(open_file, path), origin)

    async def read() -> None:
        while not await engine.store.in_thread(work.step):
            if progress is not None:
                progress(work.bytes_read, work.size)
        if progress is not None:
            progress(work.size, work.size)

    return await _import(engine, user_id, work, read)


async def import_stream(
    engine: Engine, user_id: str, pieces: AsyncIterator[bytes], *, origin: str | None
) -> ImportReport:
    """The same with a file that arrives piece by piece, and can be read only once.

    Raises:
        EmbedderMismatch: If the vault was switched meanwhile.
    """
    feed = Feed(lines.MAX_LINE_BYTES)
    embedder = await engine.embedders.of_new_user()
    work = _Import(engine, embedder, lambda: feed, origin, is_ready=feed.is_ready)

    async def read() -> None:
        is_done = False
        async for piece in pieces:
            feed.add(piece)
            while len(feed) >= _ENOUGH and feed.is_ready() and not is_done:
                is_done = await engine.store.in_thread(work.step)
            if is_done and len(feed):
                raise work.refuse_more()
        feed.end()
        while not is_done:
            is_done = await engine.store.in_thread(work.step)

    return await _import(engine, user_id, work, read)


async def _import(
    engine: Engine, user_id: str, work: _Import, read: Callable[[], Awaitable[None]]
) -> ImportReport:
    store = engine.store
    await store.read(user_id, _refuse_if_used)
    try:
        await read()
        embedded = await _embed(engine, work.embedder, work)
        await store.write(user_id, work.hand_over, create=True)
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
        self,
        engine: Engine,
        embedder: Embedder,
        open_: Callable[[], Source],
        origin: str | None,
        *,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._engine, self._open, self._origin, self._is_ready = engine, open_, origin, is_ready
        self.embedder: Embedder = embedder
        self._stage: Stage = engine.store.stage()
        self._lock = threading.Lock()
        self._file: Source | None = None
        self._is_closed = False
        self._lines = lines.Lines(time.time_ns() // 1_000 + _DAY)
        self._digest = hashlib.sha256()
        self._counts = dict.fromkeys((*KINDS, "version"), 0)
        self._seq = self._clock = self._changed_at = self._last_embedded = 0
        self._has_embeddings = False
        self.bytes_read: int = 0
        self.size: int = 0

    # reading -------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Read a page of lines into the stage, or as many as are there; whether the last was."""
        with self._lock:
            if self._file is None:
                self._start()
            return self._stage.run(self._read_page)

    def _start(self) -> None:
        """Open the file, read its first line, make the stage."""
        if self._is_closed:
            raise NotOpen("the import was ended")
        self._file = self._open()
        self.size = self._file.size
        embedder = self._lines.header(self._record())
        self._has_embeddings = embedder == str(self.embedder.fingerprint)
        self._stage.open()

    def _read_page(self, rows: Records) -> bool:
        for _ in range(_PAGE):
            if not self._is_ready():
                return False
            so_far = self._digest.hexdigest()
            record = self._record()
            if record.get("kind") == "end":
                self._end(record, so_far)
                rows.set_meta(fingerprint=self._fingerprint(), clock=self._clock)
                return True
            self._take(rows, record)
        return False

    def refuse_more(self) -> ImportRefused:
        """The error for what follows the last line."""
        return self._lines.refuse("nothing may follow the last line")

    def _record(self) -> dict[str, Any]:
        if self._file is None or self._is_closed:
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

        size = self.embedder.fingerprint.dimension
        packed = [one.embedding for one in version.chunks]
        if any(len(one) != 4 * size for one in packed):
            raise self._lines.refuse(f"chunks: an embedding has {size} float32 numbers")
        if not lines.is_finite_unit(np.frombuffer(b"".join(packed), "<f4").reshape(-1, size)):
            raise self._lines.refuse("chunks: an embedding is finite and of length 1")
        prefix, text = speaker_prefix(version.role), version.content
        return tuple(
            replace(one, words=word_bytes(prefix + text[one.start : one.stop]))
            for one in version.chunks
        )

    def _take_row(self, rows: Records, kind: str, row: lines.Row) -> None:
        if kind == "preference":
            if row[4] is None and rows.has_current_preference(row[0]):
                raise self._lines.refuse("a second value in force of one key")
            self._clock = max(self._clock, row[3], row[4] or 0)
        elif kind == "statement":
            self._clock = max(self._clock, row[6])
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
        if self._file.readline(1):
            raise self.refuse_more()

    def _fingerprint(self) -> str | None:
        return str(self.embedder.fingerprint) if self._seq else None

    # embedding -----------------------------------------------------------------------------------

    def has_unembedded(self) -> bool:
        """Whether any version lacks its chunks."""
        with self._lock:
            return bool(self._stage.run(lambda rows: rows.without_chunks(0, 1)))

    def unembedded(self) -> list[tuple[int, tuple[Piece, ...]]]:
        """The pieces of the next versions that lack their chunks."""
        with self._lock:
            found = self._stage.run(lambda rows: rows.without_chunks(self._last_embedded, _TEXTS))
            return [(seq, pieces(self.embedder, text, role)) for seq, text, role in found]

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
        if self._seq:
            self._engine.embedders.require_own(self.embedder)

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
            self._is_closed = True
            if self._file is not None:
                self._file.close()
            self._stage.close()


def open_file(path: Path) -> File:
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
    return File(os.fdopen(handle, "rb", buffering=1 << 20))
