"""Is everything whole, and what to do if not."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..embed import dimension_of
from ..errors import BackendError, StorageError
from ..models import CheckReport, Problem
from ..pipelines.proof import finish_later
from ..storage.index.user_index import UserIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..engine import Engine
    from ..outer_index import OuterIndex
    from ..storage.sqlite.transaction import Transaction


async def check(engine: Engine, *, repair: bool) -> CheckReport:
    """Read every file and every index in memory; with `repair`, put right what can be."""
    done = await _repair(engine) if repair else []
    report = await engine.store.check()
    problems = [*report.problems]
    for user_id in engine.indexes.users():
        if not await _is_equal(engine, user_id):
            if repair:
                engine.indexes.forget(user_id)
                done.append(f"the index of user {user_id!r} is built anew")
            else:
                problems.append(Problem(user_id, "the index in memory is not its file's", _REINDEX))
    if engine.outer is not None:
        await _check_outer(engine.outer, repair, problems, done)
    return CheckReport(report.users, tuple(problems), tuple(done))


async def _check_outer(
    outer: OuterIndex, repair: bool, problems: list[Problem], done: list[str]
) -> None:
    """Compare every user's part of the outer index with the user's file."""
    damaged = {one.user_id for one in problems}
    for user_id in await outer.feed.users():
        if user_id in damaged:
            continue
        try:
            wrong = await outer.check(user_id, repair=repair)
        except BackendError as error:
            problems.append(Problem(user_id, str(error), _OUTER))
            continue
        if wrong and repair:
            done.append(f"{wrong} embeddings of user {user_id!r} in the outer index were put right")
        elif wrong:
            problems.append(Problem(user_id, f"the outer index has {wrong} chunks wrong", _OUTER))


_OUTER = "check(repair=True) puts it right; recall finds all the same, from the file"
_ROUNDING = 1e-4
_REINDEX = "call reindex(), or restart the program: it is built anew from the file"


async def _repair(engine: Engine) -> list[str]:
    """Set damaged files aside, and list every user whose file is sound.

    What is deleted from a file leaves nothing in its write-ahead log, as with a forget.
    """
    store = engine.store
    done = []
    for path in await store.in_thread(store.maintenance.files):
        with suppress(StorageError):  # told as a problem by the check that follows
            what = await store.in_thread(partial(_repair_one, engine, path))
            if what is None:
                continue
            done.append(what)
            if not await store.empty_log(path, rewrite=False):
                await finish_later(engine, path, is_proven=False)
    return done


def _repair_one(engine: Engine, path: Path) -> str | None:
    files = engine.store.maintenance
    what = files.set_aside(path)
    if what is not None:
        return what
    files.adopt(path)
    return files.drop_orphans(path)


async def _is_equal(engine: Engine, user_id: str) -> bool:
    """Whether a user's index in memory, brought up to date, is the one that the file makes.

    It is held before the transaction begins: nobody can bring it further than what is read there.
    """
    space = await engine.store.read(user_id, lambda user: user.fingerprint)
    if space is None:
        return True  # no embeddings: nothing that an index could hold
    held = engine.indexes.get(user_id, dimension_of(space))
    return await engine.store.read(user_id, partial(_compare, held), holding=held.lock)


def _compare(held: UserIndex, user: Transaction) -> bool:
    if held.generation not in (None, user.feed.generation()):
        return True  # starts anew at its next use
    if user.fingerprint is None or dimension_of(user.fingerprint) != held.dimension:
        return True  # the user has moved meanwhile: nobody uses this one any more
    fresh = UserIndex(held.dimension)
    fresh.refresh(user.feed)
    held.refresh(user.feed)
    return _content_is_equal(held, fresh)


def _content_is_equal(one: UserIndex, other: UserIndex) -> bool:
    """Whether two indexes hold the same rows; one may have rounded embeddings."""
    (rows, vectors), (others, other_vectors) = _content(one), _content(other)
    return rows == others and np.allclose(vectors, other_vectors, atol=_ROUNDING)


def _content(index: UserIndex) -> tuple[list[tuple[int, ...]], NDArray[np.float32]]:
    """Version, place in it and when it was superseded, of every row in force; its embedding."""
    rows = np.flatnonzero(index.column("alive"))
    names = ("version", "chunk", "superseded")
    rows = rows[np.lexsort([index.column(name)[rows] for name in reversed(names)])]
    columns = [index.column(name)[rows].tolist() for name in names]
    return list(zip(*columns, strict=True)), index.dense.vectors(rows)
