"""The vault of one data folder in one process: opens and closes everything that layers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from . import _arguments as check
from ._tracing import Tracer, operation, tracer_of
from .config import EncryptionKey, MemoryConfig
from .embed import Embedder
from .errors import ConfigError, NotOpen, WrongEventLoop
from .models import (
    BackupReport,
    CheckReport,
    ForgetReceipt,
    Health,
    Job,
    JobState,
    Page,
    Proof,
    UserInfo,
)

if TYPE_CHECKING:
    from .engine import Engine


class Vault:
    """One data folder, opened: the store, the indexes, the embedder and the background work.

    Vaults on the same folder in one process share one engine; the last to close closes it. The
    constructor does no I/O. A vault belongs to the event loop that opened it.

    Example:
        async with Vault() as vault:
            async with MemoryLayer("alice", vault=vault) as memory:
                await memory.save("I take my tea without sugar.")

    Args:
        config: Settings; None for the environment, the config file and the defaults.

    Raises:
        ConfigError: If something else is given, such as a path.
    """

    def __init__(self, config: MemoryConfig | None = None) -> None:
        if not isinstance(config, MemoryConfig | None):
            raise ConfigError("config: give a MemoryConfig, such as MemoryConfig(data_dir=FOLDER)")
        self._given = config
        self._settled: MemoryConfig | None = None
        self._held: Engine | None = None
        self._token: EventLoopToken | None = None
        self._opening: anyio.Lock | None = None
        self._tracer: Tracer | None = None

    def __repr__(self) -> str:
        return f"Vault({'open' if self._held else 'closed'})"

    @property
    def engine(self) -> Engine:
        """The shared inside of an open vault; for this library's own parts.

        Raises:
            NotOpen: If the vault is not open.
            WrongEventLoop: If called from another event loop than the one that opened it.
        """
        if self._held is None:
            raise NotOpen("the vault is not open: use `async with Vault() as vault` or open() it")
        if current_token() != self._token:
            raise WrongEventLoop(
                "this vault was opened in another event loop: make and open one in this loop "
                "(vaults on one folder may be open in several loops)"
            )
        return self._held

    @property
    def config(self) -> MemoryConfig:
        """The settings in full, known once the vault was opened.

        Raises:
            NotOpen: If it was never opened.
        """
        if self._settled is None:
            raise NotOpen("the vault's settings are read when it opens: open it first")
        return self._settled

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the folder, making it at first use; repeatable; from any task.

        The model is loaded in the background. Cancelled, it leaves the vault closed.

        Raises:
            ConfigError: If a setting is wrong, or the folder is open with other settings.
            StorageError: If the folder cannot be used.
        """
        from .engine import acquire

        if self._opening is None or (self._held is None and self._token != current_token()):
            self._opening, self._token = anyio.Lock(), current_token()
        if self._held is not None:
            _ = self.engine  # refuses another event loop
        async with self._opening:
            if self._held is None:
                self._held, self._settled = await acquire(self._given)
                self._tracer = tracer_of(self._settled.tracing)

    async def close(self) -> None:
        """Let go of the folder; the last vault on it waits for work under way. Repeatable."""
        from .engine import release

        held = self._held and self.engine
        self._held = None
        if held is not None:
            await release(held)

    @operation
    async def health(self) -> Health:
        """Say of each part whether it works: "ok", or what is wrong with it."""
        return await self.engine.health()

    @operation
    async def list_users(
        self, *, page_size: int = 100, cursor: str | None = None
    ) -> Page[UserInfo]:
        """List the users of this vault, by user id.

        Args:
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        size, after = check.page("users", page_size, cursor)
        return await self.engine.store.list_users(size=size, after=after)

    @operation
    async def forget_user(
        self, user_id: str, *, confirm: bool, proof: Proof = "quick"
    ) -> ForgetReceipt:
        """Remove a user wholly: everything in the user's file, the file, and the user's name.

        Raises:
            NotFound: If there is no such user.
            InvalidInput: If `confirm` is not True.
        """
        engine = self.engine
        from .pipelines.forget import forget_user

        wanted = check.name("user_id", user_id)
        check.confirmed(confirm, f"user {wanted!r}")
        return await forget_user(engine, wanted, proof=check.proof(proof))

    @operation
    async def backup(
        self, path: str | Path, *, progress: Callable[[int, int], None] | None = None
    ) -> BackupReport:
        """Copy every user's file into a new folder, while others read and write.

        Each file is copied as it is at one moment and checked from end to end; a manifest tells
        later whether it is still the same. An encrypted vault makes an encrypted backup, which
        the key of this moment opens. The folder appears whole or not at all.

        Args:
            path: The folder to make; the one above it must exist. "~" is the home folder.
            progress: Called with the bytes copied and their number, now and then.

        Raises:
            TargetNotEmpty: If there is something at that place.
            InvalidInput: If the folder above does not exist, or the place is inside the vault.
            NotAVault: If a user's file is damaged; `check(repair=True)` sets it aside.
            StorageError: If it cannot be written.
        """
        engine = self.engine
        from .upkeep.backup import backup

        return await backup(engine, check.file_path(path), progress=progress)

    @operation
    async def restore(
        self,
        path: str | Path,
        *,
        user_id: str | None = None,
        encryption_key: EncryptionKey | None = None,
        overwrite: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> BackupReport:
        """Take users back from a backup, into this vault while it is in use.

        The backup is read from end to end first: a damaged one changes nothing. Then each user
        is restored wholly or not at all; interrupted, call it again with `overwrite`. The files
        are encrypted as this vault is, whatever the backup was.

        Args:
            path: The folder that `backup` made. Restore only backups that you trust.
            user_id: Only this user; None for all.
            encryption_key: Key of the backup; None for this vault's own.
            overwrite: Whether what such a user has in this vault may be replaced.
            progress: Called with the bytes read and their number, now and then.

        Raises:
            TargetNotEmpty: If a user has something in this vault already.
            NotFound: If the backup has no such user.
            NotAVault: If the backup is damaged.
            WrongKey: If the key does not open the backup.
            InvalidInput: If the folder is no backup.
        """
        engine = self.engine
        from .upkeep.restore import restore

        return await restore(
            engine,
            check.file_path(path),
            user_id=check.optional_name("user_id", user_id),
            encryption_key=encryption_key,
            overwrite=overwrite,
            progress=progress,
        )

    @operation
    async def check(self, *, repair: bool = False) -> CheckReport:
        """Read every user's file from end to end, and compare every index in memory with it.

        Args:
            repair: Set damaged files aside, into the folder "damaged" of the vault with a note
                each; list every user whose file is sound; build wrong indexes anew. A vault whose
                list of users is too damaged to open may be checked with this while it is closed.
        """
        from .upkeep.check import check

        if not repair or self._held is not None:
            return await check(self.engine, repair=repair)
        from .engine import mend

        done = await mend(self._given)
        async with self:
            report = await check(self.engine, repair=True)
        return replace(report, repaired=done + report.repaired)

    @operation
    async def rekey(self, encryption_key: str | bytes) -> None:
        """Change the key of an encrypted vault: from now on the new one opens it.

        One small file is written anew, at once: interrupted or killed, either the old key or the
        new one opens the vault. Programs that have it open go on; backups keep their key.

        Args:
            encryption_key: The new key: 32 bytes, or a passphrase of at least 8 characters.

        Raises:
            WrongKey: If the vault is not encrypted.
            ConfigError: If the new key is no such key.
        """
        engine = self.engine
        from .upkeep.rekey import rekey

        await rekey(engine, encryption_key)
        if self._given is not None:
            self._given = self._given.changed(encryption_key=encryption_key)

    @operation
    async def reindex(self, user_id: str | None = None) -> None:
        """Drop the in-memory index of one user, or of all; it is rebuilt at the next recall.

        What an outer index has is dropped too, and put there again in the background.

        Raises:
            BackendError: If an outer index cannot be reached.
        """
        wanted = check.optional_name("user_id", user_id)
        engine = self.engine
        engine.indexes.forget(wanted)
        if engine.outer is not None:
            await engine.outer.rebuild(wanted)

    @operation
    async def switch_embedder(self, embedder: str | Embedder, *, wait: bool = False) -> Job:
        """Change the embedder: every user's embeddings are made anew, in the background.

        New users get the new one at once. Each other user's new embeddings are made beside the
        old, which answer until the user is moved, in one transaction. The vault remembers what it
        was switched to: from then on the setting `embedder` is not looked at. A switch that is
        interrupted, killed or cancelled leaves each user wholly in one space and usable; calling
        again goes on from there, and switching to the former one goes back.

        Args:
            embedder: What the setting `embedder` may be. An object of your own cannot be made by
                other programs: they get `EmbedderMismatch` for users who were moved, and every
                later open of the vault must bring it.
            wait: Whether to return only when the job is finished.

        Returns:
            The job; `done` and `total` count versions of memories, `result` users and chunks.

        Raises:
            ConfigError: If there is no embedder of this name.
            ModelNotInstalled: If its files are missing.
        """
        engine = self.engine
        from .pipelines.switch import begin

        job = await begin(engine, check.embedder(embedder))
        return await engine.runner.wait(None, job.id) if wait else job

    @operation
    async def get_job(self, job_id: str) -> Job:
        """Return one piece of background work of the whole vault, as it stands now.

        Raises:
            NotFound: If there is no such job; a user's are listed by the user's layer.
        """
        wanted = check.name("job_id", job_id)
        return check.found_job(await self.engine.runner.job(None, wanted), wanted)

    @operation
    async def list_jobs(
        self, *, state: JobState | None = None, page_size: int = 50, cursor: str | None = None
    ) -> Page[Job]:
        """List background work of the whole vault, first noted first.

        What was done or cancelled is listed for 30 days, what failed until it is tried again.

        Args:
            state: "waiting", "running", "done", "failed" or "cancelled"; None for all.
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        size, after = check.page("jobs", page_size, cursor)
        wanted = check.job_state(state)
        return await self.engine.runner.page(None, state=wanted, size=size, after=after)

    @operation
    async def cancel_job(self, job_id: str) -> Job:
        """End a job that is not finished; one that is stays as it is.

        Whoever runs it stops soon; nothing that it stored so far is undone.

        Raises:
            NotFound: If there is no such job; a user's are listed by the user's layer.
        """
        wanted = check.name("job_id", job_id)
        return check.found_job(await self.engine.runner.cancel(None, wanted), wanted)
