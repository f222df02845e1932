"""Users taken back from a backup: all of it checked first, then each user wholly or not at all."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from .._host import finish
from .._work import Meter, Progress, work_off
from ..errors import NotAVault, NotFound, TargetNotEmpty
from ..models import BackupReport
from ..storage.sqlite.files import user_path
from . import manifest
from .manifest import Entry, Manifest

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.sqlite.connection import Database
    from ..storage.sqlite.keys import Keys, Source
    from ..storage.sqlite.transaction import Transaction


async def restore(
    engine: Engine,
    path: Path,
    *,
    user_id: str | None,
    encryption_key: Source,
    overwrite: bool,
    progress: Progress | None,
) -> BackupReport:
    """Take users back; nothing is changed before the backup was found whole."""
    store, files = engine.store, engine.store.maintenance
    held = await to_thread.run_sync(manifest.read, path)
    chosen = _chosen(held, path, user_id)
    meter = Meter(progress, 2 * sum(one.size for one in chosen))
    await work_off(store.long, _verify(path, chosen), meter)
    keys = await to_thread.run_sync(files.keys_of, path, encryption_key)
    users: list[tuple[Path, str, int]] = []
    for one in chosen:
        if one.name.endswith(".db"):
            file = path / one.name
            owner, since = await to_thread.run_sync(files.owner, file, keys)
            _refuse_if_elsewhere(path, file, owner)
            await store.read(owner, partial(_refuse_if_used, overwrite))
            users.append((file, owner, since))
    for file, owner, since in users:
        await _restore_one(engine, file, keys, owner, since, overwrite, meter)
    size = sum(one.size for one in chosen)
    return BackupReport(path, len(users), size, held.is_encrypted)


def _chosen(held: Manifest, folder: Path, user_id: str | None) -> tuple[Entry, ...]:
    """The files of one user, or of all, with the key's."""
    if user_id is None:
        return held.entries
    stem = user_path(folder, user_id).relative_to(folder).with_suffix("").as_posix()
    names = {f"{stem}.db", f"{stem}.salt", "vault.key"}
    chosen = tuple(one for one in held.entries if one.name in names)
    if not any(one.name.endswith(".db") for one in chosen):
        raise NotFound(f"{folder} has no user {user_id!r}")
    return chosen


def _verify(folder: Path, entries: tuple[Entry, ...]) -> Generator[int, None, None]:
    """Read every file from end to end; yields the bytes just read."""
    for one in entries:
        path = folder / one.name
        if not path.is_file() or path.stat().st_size != one.size:
            raise NotAVault(f"{path} is missing or cut short: use another backup")
        if (yield from manifest.digest(path)) != one.sha256:
            raise NotAVault(f"{path} was changed since the backup: use another one")


def _refuse_if_elsewhere(folder: Path, file: Path, user_id: str) -> None:
    if user_path(folder, user_id) != file:
        raise NotAVault(f"{file} is not the file of the user that it names: use another backup")


def _refuse_if_used(overwrite: bool, user: Transaction) -> None:
    if not overwrite and not user.records.is_empty:
        raise TargetNotEmpty(
            f"user {user.user_id!r} has memories, sessions or preferences in this vault: restore "
            "into a vault without them, or allow them to be overwritten"
        )


async def _restore_one(
    engine: Engine,
    file: Path,
    keys: Keys,
    user_id: str,
    since: int,
    overwrite: bool,
    meter: Meter,
) -> None:
    """Copy a user's file aside, then give all of it to the user in one transaction."""
    store = engine.store
    stage = await to_thread.run_sync(store.maintenance.stage, file, keys)

    def copy() -> Generator[int, None, None]:
        yield from stage.copy(file)

    def hand_over(user: Transaction) -> None:
        _refuse_if_used(overwrite, user)

        def take(source: Database) -> None:
            user.records.become(source, user.check)
            user.jobs.start_over()

        stage.reading(take)

    try:
        await work_off(store.long, copy(), meter)
        await store.in_thread(partial(store.maintenance.enter, user_id, since))
        await store.write(user_id, hand_over, create=True)
    finally:
        await finish(partial(to_thread.run_sync, stage.close))
