"""The pipeline behind `forget`: choose, remove in one transaction, clear the freed pages."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .errors import NotFound
from .models import ForgetReceipt, Proof
from .storage import Removal, Selector

if TYPE_CHECKING:
    from .engine import Engine
    from .storage.sqlite.transaction import Transaction

_OUTSIDE = (
    "exports and backups made before are not touched; a damaged file that a repair set aside goes "
    "when everything of its user is forgotten"
)
_PENDING = (
    "a reader elsewhere still holds old pages of the write-ahead log; "
    "they are overwritten once it has gone"
)

_IN_USE = (
    "another process has the user's emptied file open; forget the user again once it has closed it"
)


class _DryRun(Exception):
    def __init__(self, removal: Removal) -> None:
        self.removal = removal


async def forget(
    engine: Engine, user_id: str, selector: Selector, *, proof: Proof, dry_run: bool
) -> ForgetReceipt:
    """Remove what a selector names, with all that was derived from it."""
    try:
        removal = await engine.store.write(user_id, partial(_forget, selector, dry_run))
    except _DryRun as undone:
        return _receipt(undone.removal, {}, is_clear=True, dry_run=True)
    return await _finish(engine, user_id, removal, proof)


async def forget_all(engine: Engine, user_id: str, *, proof: Proof) -> ForgetReceipt:
    """Remove everything of a user; the empty file stays, under a new generation."""
    removal = await engine.store.write(user_id, lambda user: user.empty())
    engine.indexes.forget(user_id)
    await _discard(engine, user_id)
    return await _finish(engine, user_id, removal, proof)


async def forget_user(engine: Engine, user_id: str, *, proof: Proof) -> ForgetReceipt:
    """Remove everything of a user, the file and the name in the catalog."""
    store = engine.store
    if not (await store.has_user(user_id) or await store.has_file(user_id)):
        raise NotFound(f"no user {user_id!r}: list_users() shows those there are")
    removal = await engine.store.write(user_id, _retire)
    engine.indexes.forget(user_id)
    await _discard(engine, user_id)
    receipt = await _finish(engine, user_id, removal, proof)
    if await engine.store.remove_user(user_id):
        if store.maintenance.is_encrypted:
            receipt = replace(receipt, proof={**receipt.proof, "key": "destroyed"})
        return receipt
    return replace(receipt, state="pending", reason=_IN_USE)


async def _discard(engine: Engine, user_id: str) -> None:
    """Remove the user's damaged files, if a repair ever set any aside."""
    store = engine.store
    await store.in_thread(partial(store.maintenance.discard, user_id))


def _forget(selector: Selector, dry_run: bool, user: Transaction) -> Removal:
    """Remove within one transaction, or find out what would be removed and undo it."""
    removal = user.remove(_chosen(selector, user))
    if selector.session_id is not None and user.sessions.remove(selector.session_id):
        removal = Removal({**removal.removed, "sessions": 1}, removal.restored, removal.memory_ids)
    if dry_run:
        raise _DryRun(removal)
    return removal


def _chosen(selector: Selector, user: Transaction) -> list[str]:
    """Ids of the memories that a selector names.

    Raises:
        NotFound: If it names one memory or session, and that does not exist.
    """
    if selector.memory_id is not None:
        if user.memories.get(selector.memory_id) is None:
            raise NotFound(
                f"no memory {selector.memory_id!r}: list_memories() shows the ids there are"
            )
        return [selector.memory_id]
    found = user.memories.ids_of(
        session_id=selector.session_id,
        origin=selector.origin,
        recorded_before=selector.recorded_before,
    )
    session = selector.session_id
    if session is not None and not found and user.sessions.get(session) is None:
        raise NotFound(f"no session {session!r}: list_sessions() shows those there are")
    return found


def _retire(user: Transaction) -> Removal:
    removal = user.empty()
    user.retire()
    return removal


async def _finish(engine: Engine, user_id: str, removal: Removal, proof: Proof) -> ForgetReceipt:
    """Clear the write-ahead log, and say how far that went."""
    is_clear = await engine.store.checkpoint(user_id)
    done = {
        "mode": proof,
        "deleted rows": "overwritten (secure_delete)",
        "write-ahead log": "emptied" if is_clear else "in use",
        "outside": _OUTSIDE,
    }
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
        state="done" if is_clear else "pending",
        reason="" if is_clear else _PENDING,
        proof=proof,
        digest=f"{key.hex()}:{digest}",
        dry_run=dry_run,
    )
