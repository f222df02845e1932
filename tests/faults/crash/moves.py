"""A switch of the embedder, ended at each operation on the disk, then gone on with.

Usage: python -m tests.faults.crash.moves BACKEND [STEP], every STEP-th operation; prints figures.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # no thread may exist where a child is forked

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from memory_vault import EmbedderMismatch, MemoryConfig, MemoryLayer, Vault
from memory_vault.pipelines import switch
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.faulty_disk import EXIT_CODE, FaultyDisk

from .forks import Fork, Say

OLD, NEW = HashEmbedder(64, window=64), HashEmbedder(128, window=8)
USERS = ("alice", "bob")
TEXT = "The ship of {} lay in the harbour that night, and it was number {}."


def config_of(folder: Path, **given: Any) -> MemoryConfig:
    """Settings of a vault that is moved; a killed holder is soon given up."""
    return MemoryConfig(
        data_dir=folder, embedder=OLD, preload=False, job_lease_s=0.05, job_retry_s=0, **given
    )


async def _fill(folder: Path) -> None:
    async with Vault(config_of(folder)) as vault:
        for user_id in USERS:
            async with MemoryLayer(user_id, vault=vault) as memory:
                for number in range(4):
                    await memory.save(TEXT.format(user_id, number))
                (first, *_) = (await memory.list_memories()).items
                await memory.update(first.id, importance=0.9)


async def _move(folder: Path, *, may_end: bool) -> None:
    """Switch, in small steps."""
    switch._VERSIONS, switch._ROWS = 2, 3
    vault = Vault(config_of(folder))
    await vault.open()
    job = await vault.switch_embedder(NEW, wait=True)
    assert job.state == "done", job
    if may_end:
        os._exit(0)
    await vault.close()


def _rows(user: Transaction) -> list[Any]:
    """What a user has now, byte for byte."""
    assert not user.moving.is_under_way()
    rows = user._db.execute("SELECT row, start, stop, hex(embedding), hex(words) FROM chunks")
    return [user.fingerprint, *(list(row) for row in rows)]


async def _look(folder: Path, say: Say) -> None:
    """Before anybody goes on: whole, and never an empty answer. Then go on, and tell the end."""
    async with Vault(config_of(folder, jobs_at_once=0)) as vault:
        for problem in (await vault.check()).problems:
            say("wrong", str(problem))
        for user_id in USERS:
            async with MemoryLayer(user_id, vault=vault) as memory:
                if (await memory.stats()).total != 4:
                    say("wrong", f"{user_id} has lost something")
                try:
                    answer = await memory.recall("the ship in the harbour")
                except EmbedderMismatch:
                    continue
                if len(answer.memories) != 4:
                    say("wrong", f"{user_id} recalls {len(answer.memories)}")
    await _move(folder, may_end=False)
    async with Vault(config_of(folder)) as vault:
        say("end", [await vault.engine.store.read(user_id, _rows) for user_id in USERS])
        if not (await vault.health()).is_ok or (await vault.check()).problems:
            say("wrong", f"{await vault.health()} {await vault.check()}")


def _in_fork(work: Any, backend: str) -> list[Any]:
    """What a child says, that must end well."""
    said, status = Fork(lambda say: anyio.run(partial(work, say), backend=backend)).finish()
    return [*said, *([["wrong", f"ended with {status}"]] if status else [])]


def run(base: Path, backend: str, step: int) -> dict[str, Any]:
    """Try every `step`-th operation; how many there were, and what was wrong."""

    async def begin(say: Say) -> None:
        await _fill(base / "template")

    async def look(say: Say) -> None:
        await _look(folder, say)

    def suffer(say: Say) -> None:
        with FaultyDisk(folder, "exit", at):
            anyio.run(partial(_move, folder, may_end=True), backend=backend)

    violations = [one[1] for one in _in_fork(begin, backend)]
    folder, at, points = base / "reference", 0, 0
    shutil.copytree(base / "template", folder)
    wanted = [one for one in _in_fork(look, backend) if one[0] == "end"]
    while not violations:
        folder, at = base / "vault", at + step
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base / "template", folder)
        said, status = Fork(suffer).finish()
        if status == 0:
            break
        points += 1
        violations += [f"at {at}: {one}" for one in said]
        if status != EXIT_CODE:
            violations.append(f"at {at}: ended with {status}")
        told = _in_fork(look, backend)
        violations += [f"at {at}: {one}" for one in told if one[0] != "end"]
        if [one for one in told if one[0] == "end"] != wanted:
            violations.append(f"at {at}: another end than without a fault")
    return {"points": points, "violations": violations}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder), sys.argv[1], int((sys.argv[2:] or ["1"])[0]))
    print(json.dumps(figures))
    sys.exit(bool(figures["violations"]))
