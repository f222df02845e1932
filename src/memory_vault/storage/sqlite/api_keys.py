"""The `api_keys` table of the catalog: keys of the server, as digests. Everything here blocks.

A key carries 256 random bits, so that there is nothing to guess: a fast digest keeps it as safe as
a slow one, which would only let strangers spend the server's time. It is keyed with the vault's own
secret, so that it tells nothing outside this vault.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from ..._times import optional_moment, to_micros, to_moment
from ...access import ApiKey, id_of
from ...errors import NotFound
from .catalog import Catalog
from .connection import Database

_COLUMNS = "id, name, users, rights, created_at, expires_at, revoked_at, last_used_at"
_HOUR = 3_600 * 1_000_000


class ApiKeys:
    """The store's keys of the server.

    Args:
        catalog: Where they are.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def list(self) -> tuple[ApiKey, ...]:
        """All keys, revoked ones too, oldest first."""
        return self._catalog.read(
            lambda db: tuple(
                _key(row)
                for row in db.execute(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id")  # noqa: S608
            )
        )

    def add(self, key: ApiKey, secret: str) -> None:
        """Keep a new key."""

        def add(db: Database) -> None:
            db.execute(
                f"INSERT INTO api_keys ({_COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    key.id,
                    key.name,
                    None if key.users is None else json.dumps(key.users),
                    json.dumps(key.rights),
                    to_micros(key.created_at),
                    None if key.expires_at is None else to_micros(key.expires_at),
                    None,
                    None,
                    _digest(db, secret),
                ),
            )

        self._catalog.write(add)

    def replace(self, key_id: str, secret: str, *, keep_s: float) -> ApiKey:
        """Give a key another secret; the one before goes on for some seconds.

        Raises:
            NotFound: If there is no such key, or it was revoked.
        """

        def replace(db: Database) -> ApiKey:
            db.execute(
                "UPDATE api_keys SET old_digest = digest, old_until = ?, digest = ? "
                "WHERE id = ? AND revoked_at IS NULL",
                (_now() + int(keep_s * 1_000_000), _digest(db, secret), key_id),
            )
            return _changed(db, key_id)

        return self._catalog.write(replace)

    def revoke(self, key_id: str) -> ApiKey:
        """End a key.

        Raises:
            NotFound: If there is no such key, or it was revoked before.
        """

        def revoke(db: Database) -> ApiKey:
            db.execute(
                "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                (_now(), key_id),
            )
            return _changed(db, key_id)

        return self._catalog.write(revoke)

    def find(self, presented: str) -> ApiKey | None:
        """The key that was presented, whether it still opens anything or not; None if wrong."""

        def find(db: Database) -> ApiKey | None:
            row = db.execute(
                f"SELECT {_COLUMNS}, digest, old_digest, old_until FROM api_keys WHERE id = ?",  # noqa: S608
                (id_of(presented) or "",),
            ).fetchone()
            *shown, digest, old, until = row or (None,) * 8 + (bytes(32), None, None)
            given = _digest(db, presented)
            is_it = hmac.compare_digest(given, digest)
            is_old = hmac.compare_digest(given, old or bytes(32)) and (until or 0) > _now()
            return _key(shown) if row and (is_it or is_old) else None

        return self._catalog.read(find)

    def has_any(self) -> bool:
        """Whether a key was ever made."""
        return self._catalog.read(
            lambda db: bool(db.execute("SELECT EXISTS (SELECT 1 FROM api_keys)").fetchone()[0])
        )

    def note_use(self, key: ApiKey) -> None:
        """Keep the hour of a use."""
        hour = _now() // _HOUR * _HOUR
        if key.last_used_at is None or to_micros(key.last_used_at) < hour:
            self._catalog.write(
                lambda db: db.execute(
                    "UPDATE api_keys SET last_used_at = ? WHERE id = ?", (hour, key.id)
                )
            )


def strike_user(db: Database, user_id: str) -> None:
    """Take a user's name out of all keys; a key that is left with nobody is revoked.

    Its row stays: a vault that had keys never becomes one without.
    """
    rows = db.execute("SELECT id, users FROM api_keys WHERE users IS NOT NULL").fetchall()
    for key_id, packed in rows:
        users = json.loads(packed)
        if user_id in users:
            left = [one for one in users if one != user_id]
            ended = None if left else _now()
            db.execute(
                "UPDATE api_keys SET users = ?, revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
                (json.dumps(left), ended, key_id),
            )


def lost_keys() -> tuple[str, tuple[object, ...]]:
    """What stands for all keys of a catalog that was lost: one that opens nothing.

    A vault that had keys never becomes one without, and whether it had any is no longer known.
    """
    now = _now()
    statement = (
        "INSERT INTO api_keys (id, name, users, rights, created_at, revoked_at, digest) "
        "VALUES ('lost', 'keys of a lost catalog', '[]', '[]', ?, ?, ?)"
    )
    return statement, (now, now, secrets.token_bytes(32))


def _digest(db: Database, secret: str) -> bytes:
    (key,) = db.execute("SELECT secret FROM receipts").fetchone()
    return hashlib.blake2b(secret.encode(), key=key, digest_size=32, person=b"api key").digest()


def _changed(db: Database, key_id: str) -> ApiKey:
    row = db.execute(f"SELECT {_COLUMNS} FROM api_keys WHERE id = ?", (key_id,)).fetchone()  # noqa: S608
    if row is None or not db.changes():
        raise NotFound(
            f"no key {key_id!r} that could be changed: `memory-vault keys list` shows them"
        )
    return _key(row)


def _key(row: Sequence[Any]) -> ApiKey:
    return ApiKey(
        id=row[0],
        name=row[1],
        users=None if row[2] is None else tuple(json.loads(row[2])),
        rights=tuple(json.loads(row[3])),
        created_at=to_moment(row[4]),
        expires_at=optional_moment(row[5]),
        revoked_at=optional_moment(row[6]),
        last_used_at=optional_moment(row[7]),
    )


def _now() -> int:
    return time.time_ns() // 1_000
