"""The embedders of one vault: the one it has now, and those of users who have not moved yet.

A vault that was switched remembers its embedder in the catalog, by fingerprint and by the setting
that makes it; the setting `embedder` then only says what a new vault begins with. An embedder that
is an object of some program has no such setting: only programs that bring it can use it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from anyio import to_thread

from .config import MemoryConfig
from .embed import Embedder
from .embed.checks import CheckedEmbedder
from .embed.choose import choose, is_ours
from .errors import EmbedderMismatch, ModelNotInstalled
from .storage.sqlite import spaces
from .storage.sqlite.spaces import Space
from .storage.sqlite.store import SqliteStore

T = TypeVar("T")

_TRIES = 4
"""A user may move while a call is made for them; more often than that is no chance."""


class Embedders:
    """Finds the embedder that a user's embeddings were made by.

    Args:
        config: The settings: which embedder a new vault begins with, and how to make one.
        store: Whose catalog remembers what the vault has.

    Attributes:
        current: The vault's own: what new users get.
    """

    def __init__(self, config: MemoryConfig, store: SqliteStore) -> None:
        self._config, self._store = config, store
        self._owned: dict[str, Embedder] = {}
        self._others: list[Embedder] = []
        self._checked: dict[int, CheckedEmbedder] = {}
        self._by_fingerprint: dict[str, Embedder] = {}
        self._of_user: dict[str, Embedder] = {}
        self.current: Embedder = self.made(config.embedder)

    def made(self, given: str | Embedder) -> Embedder:
        """What a setting names, made once; where it is not our own its answers are checked."""
        if not isinstance(given, str):
            return self._checked.setdefault(id(given), CheckedEmbedder(given))
        if given not in self._owned:
            made = self._choose(given)
            self._owned[given] = made if is_ours(given) else CheckedEmbedder(made)
        return self._owned[given]

    def _choose(self, name: str) -> Embedder:
        config = self._config
        return choose(
            name,
            config.model_dir,
            threads=config.model_threads,
            api_key=config.embedder_api_key,
            dimension=config.embedder_dimension,
            window=config.embedder_window,
        )

    def setting_of(self, embedder: Embedder) -> str | None:
        """The setting that makes an embedder; None for an object of the caller's."""
        return next((name for name, one in self._owned.items() if one is embedder), None)

    def accepts(self, given: str | Embedder) -> bool:
        """Whether a setting is one that this vault was opened with or switched to."""
        if isinstance(given, str):
            return given in self._owned
        return self._checked.get(id(given)) in (self.current, *self._others)

    async def close(self) -> None:
        """Close those that were made here."""
        for one in self._owned.values():
            await one.close()

    async def follow(self) -> None:
        """Take the embedder that the vault remembers, if it ever switched and this can be made."""
        known = await self._store.in_catalog(spaces.known)
        if known and known[0].embedder is not None:
            self.become(self.made(known[0].embedder))

    def become(self, embedder: Embedder) -> None:
        """Have this one from now on; the one before stays at hand for those who need it."""
        if embedder is not self.current:
            self._others.append(self.current)
            self.current = embedder

    async def for_user(self, user_id: str, use: Callable[[Embedder], Awaitable[T]]) -> T:
        """Do something with a user's embedder, and again with another if the user has moved.

        Args:
            use: Raises `EmbedderMismatch` when the user's embeddings are of another kind, before
                it has any effect.

        Raises:
            EmbedderMismatch: If this program has no such embedder and cannot make it.
        """
        embedder = self._of_user.get(user_id, self.current)
        for _ in range(_TRIES):
            try:
                result = await use(embedder)
            except EmbedderMismatch as mismatch:
                found = await self.find(mismatch.held)
                if found is None:
                    raise
                embedder = found
                continue
            if embedder is not self.current:
                self._of_user[user_id] = embedder
            else:
                self._of_user.pop(user_id, None)
            return result
        return await use(embedder)

    async def of_new_user(self) -> Embedder:
        """The embedder of a user who has no embeddings yet, wherever the vault was switched.

        Raises:
            EmbedderMismatch: If this program has no such embedder and cannot make it.
        """
        known = await self._store.in_catalog(spaces.known)
        if not known:
            return self.current
        found = await self.find(known[0].fingerprint)
        if found is None:
            raise EmbedderMismatch(
                f"this vault was switched to {known[0].fingerprint}, an embedder of the program "
                "that did it: open the vault with that one (MemoryConfig.embedder), or switch it "
                "again (Vault.switch_embedder)"
            )
        self.become(found)
        return found

    async def for_new_user(self, use: Callable[[Embedder], Awaitable[T]]) -> T:
        """Do something with the embedder of new users, and again if the vault is switched in it.

        Args:
            use: Calls `require_own` before it has any effect.
        """
        for _ in range(_TRIES):
            embedder = await self.of_new_user()
            with suppress(EmbedderMismatch):
                return await use(embedder)
        return await use(await self.of_new_user())

    def require_own(self, embedder: Embedder) -> None:
        """Check that first embeddings of a user are in the vault's space; under the user's lock.

        The vault may have been switched while they were made, and the job that moves users may
        have seen that this one has none. Blocking.

        Raises:
            EmbedderMismatch: If they are not.
        """
        own = self._store.hints.space()
        if own not in (None, str(embedder.fingerprint)):
            mismatch = EmbedderMismatch(
                f"the vault was switched to {own} while embeddings of {embedder.fingerprint} were "
                "made; nothing was stored: try again"
            )
            mismatch.held = own or ""
            raise mismatch

    async def find(self, fingerprint: str) -> Embedder | None:
        """The embedder of this space, if this program has it or the vault knows how to make it."""
        if fingerprint not in self._by_fingerprint:
            for one in (self.current, *self._others):
                await self._note(one)
        if fingerprint not in self._by_fingerprint:
            for space in await self._store.in_catalog(spaces.known):
                if space.fingerprint == fingerprint and space.embedder is not None:
                    await self._note(self.made(space.embedder))
        return self._by_fingerprint.get(fingerprint)

    async def space_of(self, embedder: Embedder) -> Space | None:
        """An embedder as the catalog remembers it; None if its model is not installed."""
        fingerprint = await self._note(embedder)
        return None if fingerprint is None else Space(fingerprint, self.setting_of(embedder))

    async def _note(self, embedder: Embedder) -> str | None:
        """Remember an embedder by its fingerprint, which may have to be read from a file."""
        try:
            found = str(await to_thread.run_sync(lambda: embedder.fingerprint))
        except ModelNotInstalled:
            return None
        self._by_fingerprint[found] = embedder
        return found
