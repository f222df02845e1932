"""The pipeline behind `forget`: choose, remove in one transaction, clear the freed pages."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .._tracing import part
from ..errors import NotFound
from ..models import ForgetReceipt, Proof
from ..storage import Removal, Selector, require_revision
from .proof import finish_later, remove_later, scan, scan_again, signed, told

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.sqlite.traces import Sought
    from ..storage.sqlite.transaction import Transaction

_OUTSIDE = (
    "exports and backups made before are not touched; a damaged file that a repair set aside goes "
    "when everything of its user is forgotten"
)
_PENDING = (
    "a reader elsewhere still holds old pages of the write-ahead log; "
    "a background job overwrites them once it has gone"
)

_IN_USE = (
    "another process has the user's emptied file open; it is removed once that one has closed it"
)

_LEFT = (
    "the folder chroma, of a time when the vault had that index: delete it, or open the vault with "
    "index='chroma' and forget again"
)

_Done = tuple[Removal, "Sought | None"]


class _DryRun(Exception):
    def __init__(self, removal: Removal) -> None:
        self.removal = removal


async def forget(
    engine: Engine, user_id: str, selector: Selector, *, proof: Proof, dry_run: bool
) -> ForgetReceipt:
    """Remove what a selector names, with all that was derived from it."""
    is_proven = proof == "proven" and not dry_run
    unit = partial(_forget, selector, dry_run, is_proven)
    try:
        with part("forget", "write"):
            removal, sought = await engine.store.write(user_id, unit)
    except _DryRun as undone:
        return _receipt(undone.removal, {}, is_clear=True, dry_run=True)
    return await _finish(engine, user_id, removal, sought)


async def forget_all(engine: Engine, user_id: str, *, proof: Proof) -> ForgetReceipt:
    """Remove everything of a user; the empty file stays, under a new generation."""
    unit = partial(_empty, proof == "proven")
    removal, sought = await engine.store.write(user_id, unit)
    engine.indexes.forget(user_id)
    await _discard(engine, user_id)
    return await _finish(engine, user_id, removal, sought, is_all=True)


async def forget_user(engine: Engine, user_id: str, *, proof: Proof) -> ForgetReceipt:
    """Remove everything of a user, the file and the name in the catalog."""
    store = engine.store
    if not (await store.has_user(user_id) or await store.has_file(user_id)):
        raise NotFound(f"no user {user_id!r}: list_users() shows those there are")
    removal, sought = await store.write(user_id, partial(_retire, proof == "proven"))
    engine.indexes.forget(user_id)
    await _discard(engine, user_id)
    is_clear = await _overwrite(engine, user_id, is_proven=sought is not None)
    receipt = _cleared(removal, proof, is_clear=is_clear)
    receipt = await _without_outer(engine, user_id, receipt, is_all=True)
    async with _undisturbed(engine):
        is_gone = await store.remove_user(user_id)
    if is_gone and store.maintenance.is_encrypted:
        receipt = replace(receipt, proof={**receipt.proof, "key": "destroyed"})
    if not is_gone:
        receipt = replace(receipt, state="pending", reason=_IN_USE)
    check = None if sought is None else partial(scan_again, engine, user_id, sought)
    if not is_gone:
        engine.host.start_soon("forgetting a user", partial(remove_later, engine, user_id, check))
    receipt = await _without_name(engine, receipt, check)
    return receipt if sought is None else await _proven(engine, user_id, receipt, sought)


async def _without_name(
    engine: Engine, receipt: ForgetReceipt, check: Callable[[], Any] | None
) -> ForgetReceipt:
    """Clear the catalog of the user's name too; what must wait is finished later."""
    store, catalog = engine.store, engine.store.erasure.catalog
    is_proven = receipt.proof["mode"] == "proven"
    if await store.empty_log(catalog, rewrite=is_proven):
        return receipt
    await finish_later(engine, catalog, is_proven=is_proven, then=check)
    proof = {**receipt.proof, "write-ahead log": "in use"}
    return replace(receipt, state="pending", reason=receipt.reason or _PENDING, proof=proof)


async def _discard(engine: Engine, user_id: str) -> None:
    """Remove the user's damaged files, if a repair ever set any aside."""
    store = engine.store
    await store.in_thread(partial(store.maintenance.discard, user_id))


def _forget(selector: Selector, dry_run: bool, is_proven: bool, user: Transaction) -> _Done:
    """Remove within one transaction, or find out what would be removed and undo it."""
    chosen, session_id = _chosen(selector, user), selector.session_id
    sought = user.traces.of(user.doomed(chosen), session_id) if is_proven else None
    removal = user.remove(chosen)
    if session_id is not None and user.sessions.remove(session_id):
        user.jobs.remove_about([session_id])
        removal = replace(removal, removed={**removal.removed, "sessions": 1})
    if dry_run:
        raise _DryRun(removal)
    return removal, sought


def _empty(is_proven: bool, user: Transaction) -> _Done:
    sought = user.traces.everything(None) if is_proven else None
    return user.empty(), sought


def _chosen(selector: Selector, user: Transaction) -> list[str]:
    """Ids of the memories that a selector names, by any of their versions.

    What was withdrawn is among them: its history could still be read.

    Raises:
        NotFound: If it names one memory or session, and that does not exist.
    """
    if selector.memory_id is not None:
        memory = user.memories.latest(selector.memory_id)
        if memory is None:
            raise NotFound(
                f"no memory {selector.memory_id!r}: list_memories() shows the ids there are"
            )
        require_revision(memory, selector.revision)
        return [selector.memory_id]
    found = user.memories.ids_of(
        session_id=selector.session_id,
        origin=selector.origin,
        recorded_before=selector.recorded_before,
        include_former=True,
    )
    session = selector.session_id
    if session is not None and not found and user.sessions.get(session) is None:
        raise NotFound(f"no session {session!r}: list_sessions() shows those there are")
    return found


def _retire(is_proven: bool, user: Transaction) -> _Done:
    sought = user.traces.everything(user.user_id) if is_proven else None
    removal = user.empty()
    user.retire()
    return removal, sought


async def _finish(
    engine: Engine,
    user_id: str,
    removal: Removal,
    sought: Sought | None,
    *,
    is_all: bool = False,
) -> ForgetReceipt:
    """Clear the write-ahead log, prove it if that is wanted, and say how far that went."""
    with part("forget", "overwrite"):
        is_clear = await _overwrite(engine, user_id, is_proven=sought is not None)
    proof: Proof = "quick" if sought is None else "proven"
    receipt = _cleared(removal, proof, is_clear=is_clear)
    receipt = await _without_outer(engine, user_id, receipt, is_all=is_all)
    if not is_clear:
        check = None if sought is None else partial(scan_again, engine, user_id, sought)
        path = engine.store.erasure.path_of(user_id)
        await finish_later(engine, path, is_proven=sought is not None, then=check)
    return receipt if sought is None else await _proven(engine, user_id, receipt, sought)


async def _without_outer(
    engine: Engine, user_id: str, receipt: ForgetReceipt, *, is_all: bool
) -> ForgetReceipt:
    """Let the outer index, if there is one, forget too; pending if it does not answer.

    For a proof, a part on this machine is removed as a whole and built anew: so nothing is left of
    what was in its files.
    """
    is_proven = receipt.proof["mode"] == "proven"
    if engine.outer is None:
        left = is_proven and await engine.store.in_thread(
            (engine.config.data_dir / "chroma").exists
        )
        return replace(receipt, proof={**receipt.proof, "not scanned": _LEFT}) if left else receipt
    drops = is_all or (is_proven and not engine.outer.outside)
    why = await engine.outer.forgotten(user_id, drops=drops)
    done = "removed" if drops else "taken out; its files may keep the bytes of what it deleted"
    proof = {**receipt.proof, "outer index": "still to come" if why else done}
    if is_proven and engine.outer.outside:
        proof["not scanned"] = engine.outer.outside
    if not why:
        return replace(receipt, proof=proof)
    return replace(receipt, proof=proof, state="pending", reason=receipt.reason or why)


async def _overwrite(engine: Engine, user_id: str, *, is_proven: bool) -> bool:
    """Empty the write-ahead log; for a proof, write the file anew too. False if it must wait."""
    async with _undisturbed(engine):
        is_clear = await engine.store.checkpoint(user_id)
        if not is_proven:
            return is_clear
        return await engine.store.rewrite(user_id)


def _undisturbed(engine: Engine) -> AbstractAsyncContextManager[Any]:
    """Where the background work on an outer index reads no file."""
    return nullcontext() if engine.outer is None else engine.outer.feed.reading


async def _proven(
    engine: Engine, user_id: str, receipt: ForgetReceipt, sought: Sought
) -> ForgetReceipt:
    """Scan, unless the receipt is pending: then what is left to overwrite would be found."""
    if receipt.state == "done":
        with part("forget", "scan"):
            found = await scan(engine, user_id, sought)
        receipt = told(receipt, sought, found)
    return await signed(engine, receipt, sought)


def _cleared(removal: Removal, proof: Proof, *, is_clear: bool) -> ForgetReceipt:
    done = {
        "mode": proof,
        "deleted rows": "overwritten (secure_delete)",
        "write-ahead log": "emptied" if is_clear else "in use",
        "outside": _OUTSIDE,
    }
    if proof == "proven":
        done["file"] = "written anew without free pages (VACUUM)"
    return _receipt(removal, done, is_clear=is_clear, dry_run=False)


def _receipt(
    removal: Removal, proof: dict[str, str], *, is_clear: bool, dry_run: bool
) -> ForgetReceipt:
    key = secrets.token_bytes(16)
    names = "\n".join(sorted(removal.memory_ids)).encode()
    digest = hashlib.blake2b(names, key=key, digest_size=16).hexdigest()
    return ForgetReceipt(
        removed=removal.removed,
        restored=removal.restored,
        rebuilt=removal.rebuilt,
        state="done" if is_clear else "pending",
        reason="" if is_clear else _PENDING,
        proof=proof,
        digest=f"{key.hex()}:{digest}",
        dry_run=dry_run,
    )
