"""Who asks: keys, and who may go without; how often one may ask."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import Headers
from starlette.types import Scope

from ..access import RIGHTS, ApiKey
from ..errors import AccessRefused, KeyRefused, RateLimited, StorageError

if TYPE_CHECKING:
    from ..vault import Vault
    from .settings import ServeSettings

PUBLIC = frozenset({"/health/live", "/health/ready", "/openapi.json"})
"""What is answered without a key."""
EVERYBODY = ApiKey("none", "no key", None, RIGHTS, datetime(1970, 1, 1, tzinfo=UTC))
_TRUSTED_S = 1.0
"""A revoked key is refused after so many seconds at the latest."""
_OTHER_SITES = frozenset({"cross-site", "same-site"})
_MOST = 10_000
_NOTE_S = 1.0


class Guard:
    """Tells callers by their keys.

    Args:
        vault: Its catalog has the keys.
        settings: Whether one may go without.
    """

    def __init__(self, vault: Vault, settings: ServeSettings) -> None:
        self._vault, self._settings = vault, settings
        self._known: dict[bytes, tuple[ApiKey, float]] = {}
        self._open_until, self._is_open = 0.0, False
        self._keys = Buckets("this key", settings.rate_per_key, settings.burst_s)
        self.users: Buckets = Buckets("this user", settings.rate_per_user, settings.burst_s)

    async def admit(self, scope: Scope) -> ApiKey | None:
        """The caller's key; None where none is needed.

        Raises:
            KeyRefused: If a key is needed and there is none, or it is wrong, expired or revoked.
            AccessRefused: If the request came in a way that is open to nobody without a key.
            RateLimited: If the key was used too often.
        """
        if scope["path"].removeprefix(scope.get("root_path", "")) in PUBLIC:
            return None
        given = Headers(scope=scope).getlist("authorization")
        if not given:
            return await self._without_key(scope)
        scheme, _, key = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise KeyRefused("give one header Authorization: Bearer KEY")
        found = await self._find(key.strip())
        self._keys.take(found.id)
        return found

    async def _find(self, key: str) -> ApiKey:
        mark, now = (
            hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest(),
            anyio.current_time(),
        )
        found, until = self._known.get(mark, (None, 0.0))
        if found is None or now >= until:
            self._known.pop(mark, None)
            found = await self._vault.engine.store.with_api_keys(lambda keys: keys.find(key))
        if found is None or not found.is_valid(datetime.now(UTC)):
            raise KeyRefused("the key is wrong, expired or revoked")
        if now >= until:
            await self._remember(mark, found, now + _TRUSTED_S)
        return found

    async def _remember(self, mark: bytes, key: ApiKey, until: float) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[mark] = key, until
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        if key.last_used_at is None or key.last_used_at < hour:
            # no request fails because the hour could not be noted
            with anyio.move_on_after(_NOTE_S), suppress(StorageError):
                await self._vault.engine.store.with_api_keys(lambda keys: keys.note_use(key))

    async def _without_key(self, scope: Scope) -> ApiKey:
        now = anyio.current_time()
        if now >= self._open_until:
            has_any = await self._vault.engine.store.with_api_keys(lambda keys: keys.has_any())
            self._is_open, self._open_until = not has_any, now + _TRUSTED_S
        if not self._is_open:
            raise KeyRefused("give a key: Authorization: Bearer KEY")
        if not (self._settings.without_keys or is_of_this_machine(scope)):
            raise AccessRefused(
                "this server has no keys and answers its own machine only: make a key with "
                "`memory-vault keys create`"
            )
        if is_of_a_page(scope, self._settings.cors_origins):
            raise AccessRefused(
                "this server has no keys and answers no page of another site: make a key with "
                "`memory-vault keys create`, or name the page's origin in "
                "MEMORY_VAULT_SERVE_CORS_ORIGINS"
            )
        return EVERYBODY


def is_of_this_machine(scope: Scope) -> bool:
    """Whether a request came over loopback and names it, so that no web page is behind it.

    A page of a stranger can have its own name point at 127.0.0.1; the name then stands in Host.
    """
    client = scope.get("client")
    host = Headers(scope=scope).get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return client is not None and _is_loopback(client[0]) and _is_loopback(name.strip("[]"))


def is_of_a_page(scope: Scope, allowed: Collection[str]) -> bool:
    """Whether the page of a stranger sent a request, which a browser on this machine lets it do.

    It may send forms and plain text without being asked first; only the answer is kept from it.

    Args:
        scope: The request.
        allowed: Origins that may call; "*" stands for all.
    """
    found = Headers(scope=scope)
    host, origins = found.get("host", ""), found.getlist("origin")
    if origins:
        own = (f"http://{host}", f"https://{host}")
        return "*" not in allowed and not {*own, *allowed}.issuperset(origins)
    return found.get("sec-fetch-site") in _OTHER_SITES


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


class Buckets:
    """Token buckets by name, in this process.

    Args:
        whose: What a bucket belongs to, for the message.
        rate: Tokens a second; 0 for no limit.
        burst_s: Seconds' worth of tokens that a full bucket holds.
    """

    def __init__(self, whose: str, rate: float, burst_s: float) -> None:
        self._whose, self._rate = whose, rate
        self._size = max(1.0, rate * burst_s)
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """Take one token.

        Raises:
            RateLimited: If there is none.
        """
        if not self._rate:
            return
        now = anyio.current_time()
        tokens, at = self._buckets.get(name, (self._size, now))
        tokens = min(self._size, tokens + (now - at) * self._rate)
        if tokens < 1:
            raise self._refusal(wait_s=(1 - tokens) / self._rate)
        if len(self._buckets) >= _MOST:
            self._drop_full(now)
        self._buckets[name] = tokens - 1, now

    def _refusal(self, *, wait_s: float) -> RateLimited:
        error = RateLimited(f"too many requests for {self._whose}: {self._rate:g} a second")
        error.wait_s = wait_s
        return error

    def _drop_full(self, now: float) -> None:
        """Forget those who have been quiet: their buckets are full anyway."""
        self._buckets = {
            name: (tokens, at)
            for name, (tokens, at) in self._buckets.items()
            if tokens + (now - at) * self._rate < self._size
        }
