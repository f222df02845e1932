"""Is everything whole, and what to do if not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..embed import dimension_of
from ..errors import StorageError
from ..models import CheckReport, Problem
from ..storage.index.user_index import UserIndex

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.sqlite.transaction import Transaction


async def check(engine: Engine, *, repair: bool) -> CheckReport:
    """Read every file and every index in memory; with `repair`, put right what can be."""
    done = await _repair(engine) if repair else []
    report = await engine.store.check()
    problems = [*report.problems]
    for user_id in engine.indexes.users():
        if not await engine.store.read(user_id, partial(_is_equal, engine)):
            if repair:
                engine.indexes.forget(user_id)
                done.append(f"the index of user {user_id!r} is built anew")
            else:
                problems.append(Problem(user_id, "the index in memory is not its file's", _REINDEX))
    return CheckReport(report.users, tuple(problems), tuple(done))


_REINDEX = "call reindex(), or restart the program: it is built anew from the file"


async def _repair(engine: Engine) -> list[str]:
    """Set damaged files aside, and list every user whose file is sound."""
    store, files = engine.store, engine.store.maintenance
    done = []
    for path in await store.in_thread(files.files):
        try:
            what = await store.in_thread(partial(_repair_one, engine, path))
        except StorageError:
            continue  # told as a problem by the check that follows
        if what is not None:
            done.append(what)
    return done


def _repair_one(engine: Engine, path: Path) -> str | None:
    files = engine.store.maintenance
    what = files.set_aside(path)
    if what is None:
        files.adopt(path)
    return what


def _is_equal(engine: Engine, user: Transaction) -> bool:
    """Whether a user's index in memory, brought up to date, is the one that the file makes."""
    if user.fingerprint is None:
        return True  # no embeddings: nothing that an index could hold
    dimension = dimension_of(user.fingerprint)
    held, fresh = engine.indexes.get(user.user_id, dimension), UserIndex(dimension)
    fresh.refresh(user.feed)
    with held.lock:
        if held.generation not in (None, user.feed.generation()):
            return True  # starts anew at its next use
        held.refresh(user.feed)
        return _content(held) == _content(fresh)


def _content(index: UserIndex) -> list[tuple[int, int, int, bytes]]:
    """Version, place in it, when it was superseded, and embedding, of every row in force."""
    rows = np.flatnonzero(index.column("alive"))
    names = ("version", "chunk", "superseded")
    columns = [index.column(name)[rows].tolist() for name in names]
    vectors = [one.tobytes() for one in index.dense.vectors(rows)]
    return sorted(zip(*columns, vectors, strict=True))
