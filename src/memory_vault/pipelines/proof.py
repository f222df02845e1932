"""Proof that something is forgotten: rewrite, scan from a child process, finish what must wait."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio import run_process

from ..errors import StorageError
from ..models import ForgetReceipt

if TYPE_CHECKING:
    from .._shingles import Places, Shingles
    from ..engine import Engine
    from ..storage.sqlite.erasure import Owed, Reading
    from ..storage.sqlite.traces import Sought
    from ..storage.sqlite.transaction import Transaction

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 10.0
_ATTEMPTS = 2
"""A memory may be forgotten by others between a scan and the look for what explains its finds."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan read and found.

    Attributes:
        found: How many windows stand somewhere and belong to nothing that survives.
        where: Files that hold them.
        unread: Encrypted files that no key here opens: those a repair set aside.
    """

    files: int
    bytes: int
    found: int
    where: tuple[str, ...]
    unread: tuple[str, ...]
    encrypted: int


async def scan(engine: Engine, user_id: str, sought: Sought) -> Scan:
    """Look for what was forgotten in every file that may hold something of the user.

    Raises:
        StorageError: If the process that reads the files fails.
    """
    erasure = engine.store.erasure
    left: Places | None = None
    for _ in range(_ATTEMPTS):
        reading = await engine.store.in_thread(partial(erasure.reading, user_id))
        if engine.outer is not None:
            files = await engine.outer.files(user_id)
            reading = replace(reading, files=reading.files + files)
        shingles = sought.shingles if left is None else sought.shingles.only(left)
        report = await _ask(reading, shingles)
        left = await _unexplained(engine, user_id, sought, shingles, report["hits"])
        if not len(left):
            break
    where = sorted(report["where"]) if left is not None and len(left) else []
    return Scan(
        files=report["files"],
        bytes=report["bytes"],
        found=0 if left is None else len(left),
        where=tuple(_short(name, engine) for name in where),
        unread=tuple(_short(str(one), engine) for one in reading.unreadable),
        encrypted=len(reading.encrypted),
    )


def _short(name: str, engine: Engine) -> str:
    return name.removeprefix(f"{engine.config.data_dir}{os.sep}")


async def _unexplained(
    engine: Engine, user_id: str, sought: Sought, shingles: Shingles, hits: list[int]
) -> Places:
    """Of what was found, what no survivor has: places in the shingles that are sought."""
    import numpy as np

    places = np.searchsorted(sought.shingles.numbers, shingles.numbers[np.array(hits, np.intp)])
    if not hits:
        return places
    names = await engine.store.in_thread(engine.store.erasure.names)

    def look(user: Transaction) -> Places:
        return user.traces.unexplained(sought, places, names)

    return await engine.store.read(user_id, look)


async def _ask(reading: Reading, shingles: Shingles) -> dict[str, Any]:
    """Run the scan; what it needs goes over standard input only."""
    question = {
        "key": shingles.key,
        "files": [str(path) for path in reading.files],
        "encrypted": {str(path): key.hex() for path, key in reading.encrypted.items()},
    }
    asked = json.dumps(question).encode() + b"\n" + shingles.numbers.astype("<u8").tobytes()
    done = await run_process(
        [sys.executable, "-P", "-m", f"{__package__}._scan"],
        input=asked,
        check=False,
        env={**os.environ, "PYTHONPATH": _path()},
    )
    if done.returncode:
        raise StorageError(
            "it is forgotten, but not proven: the process that scans the files failed "
            f"(status {done.returncode}); forget_all and forget_user may be asked again"
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    if answer["unread"]:
        raise StorageError(
            f"it is forgotten, but not proven: {answer['unread'][0]} cannot be read; check its "
            "permissions"
        )
    return answer


def _path() -> str:
    """Where a child process finds this package, whatever the caller did to find it."""
    here = str(Path(__file__).parent.parent)
    given = os.environ.get("PYTHONPATH")
    return f"{here}{os.pathsep}{given}" if given else here


# receipts -----------------------------------------------------------------------------------------


def told(receipt: ForgetReceipt, sought: Sought, found: Scan) -> ForgetReceipt:
    """A receipt that says what the scan read; "found" if anything is left."""
    proof = {
        **receipt.proof,
        "files scanned": str(found.files),
        "bytes scanned": str(found.bytes),
        "looked for": f"{len(sought.shingles)} windows of 16 bytes",
        "found": str(found.found),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if found.encrypted:
        proof["scanned"] = "files as they are, and decrypted in memory"
    unread = [*filter(None, [receipt.proof.get("not scanned")]), *found.unread]
    if unread:
        proof["not scanned"] = ", ".join(unread)
    if not found.found:
        return replace(receipt, proof=proof)
    reason = (
        f"it was deleted, yet parts of it still stand in {', '.join(found.where)}: remove what "
        "should not be there, and ask again; if it is a file of the vault, please report it"
    )
    return replace(receipt, proof=proof, state="found", reason=reason)


async def signed(engine: Engine, receipt: ForgetReceipt, sought: Sought) -> ForgetReceipt:
    """A receipt with a digest of all it says and of what was forgotten, under the vault's key."""
    secret = await engine.store.in_thread(engine.store.erasure.secret)
    salt = secrets.token_hex(16)
    says = [dict(receipt.removed), receipt.restored, receipt.state, receipt.reason]
    body = json.dumps([salt, *says, dict(receipt.proof), sorted(sought.memory_ids)], sort_keys=True)
    digest = hmac.new(secret, body.encode(), "sha256").hexdigest()
    return replace(receipt, digest=f"{salt}:{digest}")


# what has to wait ---------------------------------------------------------------------------------


async def finish_later(
    engine: Engine, path: Path, *, is_proven: bool, then: Callable[[], Any] | None = None
) -> None:
    """Note that a log is still to be emptied, and empty it once the last old reader has gone.

    Args:
        path: The database.
        is_proven: Whether to write it anew too.
        then: Called when it is done: the scan of a proven forget. A later open, which cannot know
            what was forgotten, does without.
    """
    erasure = engine.store.erasure
    owed = await engine.store.in_thread(partial(erasure.owe, path, is_proven=is_proven))
    start(engine, owed, then)


def start(engine: Engine, owed: Owed, then: Callable[[], Any] | None = None) -> None:
    """Begin the background job of one note."""
    engine.host.start_soon(f"forgetting {owed.note.name}", partial(_pay, engine, owed, then))


async def _pay(engine: Engine, owed: Owed, then: Callable[[], Any] | None) -> None:
    await _until(partial(engine.store.empty_log, owed.path, rewrite=False))
    if owed.is_proven and not await engine.store.empty_log(owed.path, rewrite=True):
        await _until(partial(engine.store.empty_log, owed.path, rewrite=False))
    if then is not None:
        await then()
    await engine.store.in_thread(partial(engine.store.erasure.paid, owed))


async def scan_again(engine: Engine, user_id: str, sought: Sought) -> None:
    """The scan that a pending receipt had to leave out.

    Raises:
        StorageError: If something is left; `Vault.health` then tells of it.
    """
    found = await scan(engine, user_id, sought)
    if found.found:
        raise StorageError(f"forgotten, yet parts still stand in {', '.join(found.where)}")


async def remove_later(engine: Engine, user_id: str, then: Callable[[], Any] | None) -> None:
    """Unlink the file of a user who was struck, once no other process has it open."""
    await _until(partial(engine.store.finish_removal, user_id))
    if then is not None:
        await then()


async def _until(step: Callable[[], Any]) -> None:
    """Try again, ever more rarely, until it says True."""
    wait = _FIRST_WAIT_S
    while not await step():
        await anyio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT_S)
