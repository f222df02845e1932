"""Who may do what through a server: keys, the rights they give, and for which users."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from .errors import AccessRefused, InvalidInput

Right = Literal["read", "write", "forget", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)
_MARK = "mvk"
_ID_BYTES, _SECRET_BYTES = 6, 32
_MAX_KEY_CHARS = 200


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as the catalog knows it; the secret itself is kept nowhere.

    Attributes:
        id: Names the key in lists and logs; no secret.
        name: What its maker calls it.
        users: Whose memory it opens; None for all users.
        rights: "read" (recall, list, export), "write" (save, update, import), "forget" and "admin"
            (what concerns the whole vault); none includes another.
        expires_at: When it ends by itself; None for never.
        revoked_at: When it was ended; None while it is not.
        last_used_at: The hour in which it was last used; None if it never was.
    """

    id: str
    name: str
    users: tuple[str, ...] | None
    rights: tuple[Right, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def require(self, right: Right, user_id: str | None) -> None:
        """Refuse what this key may not do.

        Args:
            right: What is needed.
            user_id: Whose memory; None for what concerns the whole vault, which needs a key for
                all users.

        Raises:
            AccessRefused: If the right or the user is not the key's.
        """
        if right not in self.rights:
            raise AccessRefused(f"this key has no right to {right}: use one that has")
        if self.users is not None and user_id is None:
            raise AccessRefused("this key is bound to some users: use one for all users")
        if self.users is not None and user_id not in self.users:
            raise AccessRefused("this key is not for this user: use one that is")


def new_secret(key_id: str | None = None) -> tuple[str, str]:
    """A key's id and the whole key, 256 bits of it random; with an id, another key for that."""
    key_id = key_id or secrets.token_hex(_ID_BYTES)
    return key_id, f"{_MARK}_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_of(key: str) -> str | None:
    """The id that a key names; None for what is no key."""
    mark, _, rest = key[:_MAX_KEY_CHARS].partition("_")
    key_id, _, secret = rest.partition("_")
    return key_id if mark == _MARK and secret and key.isascii() else None


def rights(names: Iterable[str]) -> tuple[Right, ...]:
    """The rights of these names, in order.

    Raises:
        InvalidInput: If there is none, or a name is no right.
    """
    wanted = set(names)
    if not wanted or not wanted <= set(RIGHTS):
        raise InvalidInput(f"rights: give at least one of {', '.join(RIGHTS)}")
    return tuple(one for one in RIGHTS if one in wanted)
