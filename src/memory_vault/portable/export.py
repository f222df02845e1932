"""One user's memory written to a file: one moment, a page a hop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._work import Meter, Progress, each, work_off
from ..models import ExportReport
from . import lines
from .target import Target

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage import Version
    from ..storage.sqlite.held import Snapshot
    from ..storage.sqlite.records import Records

_PAGE = 200


async def export(
    engine: Engine, user_id: str, path: Path, *, overwrite: bool, progress: Progress | None
) -> ExportReport:
    """Write the file; cancelled or failed, there is none."""
    meter = Meter(progress)
    snapshot, target = engine.store.snapshot(user_id), Target(path, overwrite=overwrite)
    return await work_off(engine.store.long, _export(snapshot, target, meter), meter)


def stream(engine: Engine, user_id: str) -> AsyncGenerator[tuple[int, bytes], None]:
    """The file in pages, each with how many of the user's rows are in it; see `each`."""
    return each(engine.store.long, _stream(engine.store.snapshot(user_id), lambda _: None))


def _export(snapshot: Snapshot, target: Target, meter: Meter) -> Generator[int, None, ExportReport]:
    """Write all lines beside the place, then give the file its name; yields lines just written."""
    written, last = 0, b""

    def begin(total: int) -> None:
        meter.total = total
        target.open()

    try:
        for count, page in _stream(snapshot, begin):
            target.write(page)
            written += len(page)
            last = page
            yield count
        target.publish()
    finally:
        target.close()
    return report(target.path, written, last)


def report(path: Path, written: int, last: bytes) -> ExportReport:
    """What an export wrote, by its last line."""
    digest: str = json.loads(last)["sha256"]
    return ExportReport(path=path, **counts(last), bytes_written=written, digest=digest)


def counts(last: bytes) -> dict[str, int]:
    """How much of what the last line of an export counts."""
    told = json.loads(last)
    return {name: told[name] for name in ("memories", "versions", "sessions", "preferences")}


def _stream(
    snapshot: Snapshot, begin: Callable[[int], None]
) -> Generator[tuple[int, bytes], None, None]:
    """All lines in pages, each with how many of the user's rows are in it; the last line alone."""
    digest = hashlib.sha256()
    try:
        rows = snapshot.run(lambda rows: rows.counts())
        begin(sum(rows.values()))
        first = lines.header(snapshot.run(lambda rows: rows.fingerprint))
        for page in _pages(snapshot, first):
            text = b"".join(page)
            digest.update(text)
            yield (len(page) if page[0] is not first else 0), text
        yield 0, lines.footer(rows, digest.hexdigest())
    finally:
        snapshot.close()


def _pages(snapshot: Snapshot, first: bytes) -> Iterator[list[bytes]]:
    """All lines but the last, a page at a time."""
    yield [first]
    for kind in ("session", "preference", "statement", "idempotency"):
        yield from _rows(snapshot, kind)
    last = 0
    while found := snapshot.run(partial(_versions_after, last)):
        last = found[-1][0]
        yield [lines.encode_version(version) for _, version in found]


def _versions_after(seq: int, rows: Records) -> list[tuple[int, Version]]:
    return rows.versions_after(seq, _PAGE)


def _rows(snapshot: Snapshot, kind: str) -> Iterator[list[bytes]]:
    last: Any = None
    while found := snapshot.run(partial(_rows_after, kind, last)):
        last = found[-1][0]
        yield [lines.encode_row(kind, row) for _, row in found]


def _rows_after(kind: str, key: Any, rows: Records) -> list[tuple[Any, lines.Row]]:
    return rows.rows_after(kind, key, _PAGE)
