"""Whose memory a call is about, and who may ask for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

import anyio

from ..access import ApiKey, Right
from ..config import MemoryConfig
from ..errors import MemoryVaultError
from ..layer import MemoryLayer
from ..problem import problem_details
from ..vault import Vault

_failures = logging.getLogger("memory_vault.failures")


class Memories:
    """The memories that one server gives out; their vault is opened when first needed.

    Args:
        config: Settings of the vault.
        user_id: Whose memory it is when a call names nobody.
        allows_any_user: Whether a call may name somebody else.
        is_local: Whether who calls is on this machine: then errors are told in full.

    Attributes:
        take: Counts a call about a user, and refuses one too many; None for no limit.
    """

    take: Callable[[str], None] | None = None

    def __init__(
        self,
        config: MemoryConfig | None,
        *,
        user_id: str,
        allows_any_user: bool = False,
        is_local: bool = True,
    ) -> None:
        self.vault: Vault = Vault(config)
        self.allows_any_user: bool = allows_any_user
        self._user_id = MemoryLayer(user_id, vault=self.vault).user_id
        self._is_local = is_local
        self._opening = anyio.Lock()
        self._is_open = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        was_open, self._is_open = self._is_open, False
        if was_open:  # closing one that never was would load all that opening does
            await self.vault.close()

    async def open(self) -> Vault:
        """The vault, open. Repeatable."""
        async with self._opening:
            if not self._is_open:
                await self.vault.open()
                self._is_open = True
        return self.vault

    async def layer(
        self, right: Right, caller: ApiKey | None = None, user_id: str | None = None
    ) -> MemoryLayer:
        """The memory of a user, for a caller who has the right.

        Raises:
            AccessRefused: If the caller's key does not have it, or not for this user.
            RateLimited: If there were too many calls about this user.
        """
        wanted = self._user_id if user_id is None else user_id
        if caller is not None:
            caller.require(right, wanted)
        if self.take is not None:
            self.take(wanted)
        layer = MemoryLayer(wanted, vault=await self.open())
        await layer.open()
        return layer

    def told(self, error: MemoryVaultError) -> str:
        """What a caller reads of an error: another machine reads nothing about this one."""
        if self._is_local:
            return str(error)
        found = problem_details(error)
        if found.detail != str(error):
            _failures.error(str(error), extra={"fields": {"code": error.code}})
        return found.detail
