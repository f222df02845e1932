"""One user's memory written to a file: one moment, a page a hop."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._work import Meter, Progress, work_off
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


def _export(snapshot: Snapshot, target: Target, meter: Meter) -> Generator[int, None, ExportReport]:
    """Write all lines beside the place, then give the file its name; yields lines just written."""
    digest, written = hashlib.sha256(), 0
    try:
        counts = snapshot.run(lambda rows: rows.counts())
        meter.total = sum(counts.values())
        target.open()
        first = lines.header(snapshot.run(lambda rows: rows.fingerprint))
        for page in _pages(snapshot, first):
            text = b"".join(page)
            digest.update(text)
            written += len(text)
            target.write(text)
            yield len(page) if page[0] is not first else 0
        last = lines.footer(counts, digest.hexdigest())
        target.write(last)
        target.publish()
    finally:
        snapshot.close()
        target.close()
    return ExportReport(
        path=target.path,
        memories=counts["memory"],
        versions=counts["version"],
        sessions=counts["session"],
        preferences=counts["preference"],
        bytes_written=written + len(last),
        digest=digest.hexdigest(),
    )


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
