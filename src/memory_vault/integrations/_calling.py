"""Frameworks that call both ways, with and without `await`, over one vault of either kind."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from anyio import from_thread, to_thread

from .._portal import Portal, running_library
from ..errors import BlockingCallRefused, NotOpen
from ..layer import MemoryLayer
from ..remote import RemoteVault
from ..sync import MemoryLayerSync, RemoteVaultSync, VaultSync
from ..vault import Vault

AnyVault = Vault | RemoteVault | VaultSync | RemoteVaultSync

P = ParamSpec("P")
T = TypeVar("T")


class Caller:
    """Runs async work where a vault or a layer lives, whoever calls.

    What belongs to an event loop is awaited there, and blocking calls come from other threads to
    it; what has a loop thread of its own (the classes with Sync) is called through its portal.
    """

    def __init__(self, target: AnyVault | MemoryLayer | MemoryLayerSync) -> None:
        is_sync = isinstance(target, VaultSync | RemoteVaultSync | MemoryLayerSync)
        self._portal: Portal | None = target._portal if is_sync else None  # type: ignore[union-attr]
        self._inner: Any = target._inner if is_sync else target  # type: ignore[union-attr]

    @property
    def vault(self) -> Vault | RemoteVault:
        """The async vault inside, or the one that a server has."""
        inner = self._inner
        is_layer = isinstance(inner, MemoryLayer)
        found: Vault | RemoteVault = (inner._elsewhere or inner._vault) if is_layer else inner
        return found

    @property
    def layer(self) -> MemoryLayer:
        """The async layer inside, if it was made with one."""
        found: MemoryLayer = self._inner
        return found

    async def wait(
        self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Await work; through the portal it cannot be cancelled."""
        if self._portal is None:
            return await work(*args, **kwargs)
        portal = self._portal
        return await to_thread.run_sync(lambda: portal.call(work, *args, **kwargs))

    def block(
        self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Block this thread until the work is done.

        Raises:
            BlockingCallRefused: In a thread that runs an event loop.
            NotOpen: If the vault was never opened.
        """
        if self._portal is not None:
            return self._portal.call(work, *args, **kwargs)
        if library := running_library():
            raise BlockingCallRefused(
                f"a blocking call here would stop the running {library} event loop: use the "
                "method that is awaited, call this from a worker thread, or give an object with "
                "Sync (VaultSync, MemoryLayerSync)"
            )
        token = self.vault._token
        if token is None:
            raise NotOpen("the vault is not open: use `async with Vault() as vault` or open() it")
        return from_thread.run(lambda: work(*args, **kwargs), token=token)
