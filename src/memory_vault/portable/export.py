"""One user's memory written to a file: one moment, a page a hop."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .._host import finish
from ..models import ExportReport
from . import lines
from .target import Target

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.sqlite.held import Snapshot
    from ..storage.sqlite.records import Records

Progress = Callable[[int, int], None]
_PAGE = 200


async def export(
    engine: Engine, user_id: str, path: Path, *, overwrite: bool, progress: Progress | None
) -> ExportReport:
    """Write the file; cancelled or failed, there is none."""
    store = engine.store
    work = _Export(store.snapshot(user_id), Target(path, overwrite=overwrite))
    try:
        total = await store.in_thread(work.start)
        done = 0
        while count := await store.in_thread(work.step):
            done += count
            if progress is not None:
                progress(done, total)
        return await store.in_thread(work.publish)
    finally:
        await finish(partial(store.in_thread, work.close))


class _Export:
    """The work in its hops; each waits for the one before, also when nobody waits for that."""

    def __init__(self, snapshot: Snapshot, target: Target) -> None:
        self._snapshot, self._target = snapshot, target
        self._lock = threading.Lock()
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._counts: dict[str, int] = {}
        self._pages: Iterator[list[bytes]] = iter(())

    def start(self) -> int:
        """Fix the moment and write the first line; how many lines are to follow."""
        with self._lock:
            self._counts = self._snapshot.run(lambda rows: rows.counts())
            self._target.open()
            self._write([lines.header(self._snapshot.run(lambda rows: rows.fingerprint))])
            self._pages = self._read()
            return sum(self._counts.values())

    def step(self) -> int:
        """Write a page; how many lines it had, 0 after the last."""
        with self._lock:
            page = next(self._pages, [])
            self._write(page)
            return len(page)

    def _write(self, page: list[bytes]) -> None:
        text = b"".join(page)
        self._digest.update(text)
        self._bytes += len(text)
        self._target.write(text)

    def _read(self) -> Iterator[list[bytes]]:
        for kind in ("session", "preference", "idempotency"):
            yield from self._rows(kind)
        last = 0
        while found := self._snapshot.run(partial(_versions_after, last)):
            last = found[-1][0]
            yield [line for _, line in found]

    def _rows(self, kind: str) -> Iterator[list[bytes]]:
        last = None
        while found := self._snapshot.run(
            lambda rows, last=last: rows.rows_after(kind, last, _PAGE)  # type: ignore[misc]
        ):
            last = found[-1][0]
            yield [lines.encode_row(kind, row) for _, row in found]

    def publish(self) -> ExportReport:
        """Write the last line and give the file its name."""
        with self._lock:
            digest = self._digest.hexdigest()
            self._write([lines.footer(self._counts, digest)])
            self._target.publish()
            counts = self._counts
            return ExportReport(
                path=self._target.path,
                memories=counts["memory"],
                versions=counts["version"],
                sessions=counts["session"],
                preferences=counts["preference"],
                bytes_written=self._bytes,
                digest=digest,
            )

    def close(self) -> None:
        """Give back what is held."""
        with self._lock:
            self._snapshot.close()
            self._target.close()


def _versions_after(seq: int, rows: Records) -> list[tuple[int, bytes]]:
    return [(number, lines.encode_version(one)) for number, one in rows.versions_after(seq, _PAGE)]
