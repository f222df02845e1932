"""How sessions end: what is worth keeping of working memory becomes episodic, the rest goes."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from ..errors import NotFound
from ..models import Session

if TYPE_CHECKING:
    from ..engine import Engine
    from ..storage.sqlite.transaction import Transaction

_HOUR = 3_600 * 1_000_000


async def end(engine: Engine, user_id: str, session_id: str) -> Session:
    """End one session."""
    keep = engine.config.keep_importance
    return await engine.store.write(user_id, partial(_end, session_id, keep))


def idle(engine: Engine, user: Transaction) -> list[str]:
    """The sessions that had no activity for the configured time."""
    hours = engine.config.session_idle_hours
    return user.sessions.idle_since(time.time_ns() // 1_000 - int(hours * _HOUR))


async def end_idle(engine: Engine, user_id: str) -> None:
    """End those sessions."""
    await engine.store.write(user_id, partial(_end_idle, engine))


def _end_idle(engine: Engine, user: Transaction) -> None:
    for session_id in idle(engine, user):
        _end(session_id, engine.config.keep_importance, user)


def _end(session_id: str, keep: float, user: Transaction) -> Session:
    """Turn or remove the session's working memories, then mark it as ended."""
    if user.sessions.get(session_id) is None:
        raise NotFound(f"no session {session_id!r}: list_sessions() shows those there are")
    working = user.memories.ids_of(session_id=session_id, memory_type="working")
    found = user.memories.get_many(working)
    kept = [one for one in working if found[one].importance >= keep]
    for memory_id in kept:
        user.memories.replace(memory_id, {"memory_type": "episodic"}, None)
    user.remove([one for one in working if one not in set(kept)])
    user.sessions.end(session_id)
    session = user.sessions.get(session_id)
    assert session is not None, "it was there in this transaction"
    return session
