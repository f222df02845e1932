"""What concerns the files of a vault as a whole: copies, keys, damage. All of it blocking."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol

from .backup import copy_user, owner, user_files
from .connection import Database
from .files import FilePool, user_path
from .held import Stage
from .keys import Keys, Secret, Source
from .repair import discard, drop_orphans, is_unreadable, orphans, set_aside
from .schema import USER
from .unit import Unit

_NOTE = (
    "This user's file was damaged. Restore the user from a backup: memory-vault restore BACKUP "
    "--user ID. The files here are not used any more and may be removed."
)


class _Enter(Protocol):
    def __call__(self, user_id: str, since: int | None = None) -> None: ...


_CATALOG_NOTE = (
    "This list of users was damaged and made anew. The server's keys went with it: until new ones "
    "are made, it answers nobody."
)


class Maintenance:
    """The store's work on whole files, for worker threads.

    Args:
        data_dir: Folder of the vault.
        pool: The store's connections.
        keys: The store's keys.
        alone: Runs something where no other process makes or removes a user's file.
        enter: Writes a user into the catalog, unless it is there.
        adopt: The same by the user's file.
    """

    def __init__(
        self,
        data_dir: Path,
        pool: FilePool,
        keys: Keys,
        alone: Callable[[Callable[[], Any]], Any],
        enter: _Enter,
        adopt: Callable[[Path], None],
    ) -> None:
        self._dir, self._pool, self._keys, self._alone = data_dir, pool, keys, alone
        self.enter: _Enter = enter
        self.adopt: Callable[[Path], None] = adopt

    @property
    def is_encrypted(self) -> bool:
        """Whether the files are encrypted; known once the store is open."""
        return self._keys.is_on

    def files(self) -> list[Path]:
        """The file of every user."""
        return user_files(self._dir)

    # copies --------------------------------------------------------------------------------------

    def copy(self, path: Path, to: Path) -> Generator[int, None, bool]:
        """Copy one of `files` as it is at this moment; see `copy_user`."""
        return copy_user(self._pool, self._keys, path, to)

    def copy_keys(self, folder: Path) -> None:
        """Write the vault's key file into the folder of a backup."""
        self._keys.copy_to(folder)

    def keys_of(self, folder: Path, source: Source) -> Keys:
        """The keys of a backup: by a key of its own, or else by this vault's.

        Raises:
            WrongKey: If the backup is encrypted and the key is not its.
        """
        keys = Keys(folder, self._keys.secret_for(folder) if source is None else source)
        keys.unlock(create=False)
        return keys

    def owner(self, path: Path, keys: Keys) -> tuple[str, int]:
        """Whose file of a backup it is, and since when there is such a user."""
        return owner(path, keys.of(path))

    def stage(self, path: Path, keys: Keys) -> Stage:
        """A stage for a file of a backup, under that file's key."""
        return Stage(self._dir, keys.of(path))

    def rekey(self, secret: Secret) -> None:
        """Let another key open the vault, and the one before no more."""
        self._alone(lambda: self._keys.rekey(secret))

    # damage --------------------------------------------------------------------------------------

    def mend(self) -> str | None:
        """Set a damaged catalog aside, before the store opens; what was done, if anything."""
        self._keys.refuse_without_key_file()
        self._keys.unlock()
        catalog = self._dir / "catalog.db"
        if not catalog.exists() or not is_unreadable(self._pool.connect, catalog):
            return None
        folder = set_aside(self._dir, catalog, _CATALOG_NOTE)
        return (
            f"the damaged catalog was set aside in {folder} and made anew from the users' files; "
            "the server's keys went with it: make new ones with `memory-vault keys create`"
        )

    def set_aside(self, path: Path) -> str | None:
        """Move a user's file out of the way if it cannot be used; what was done, if anything."""
        if not is_unreadable(self._pool.connect, path):
            return None
        self._pool.drop(path)
        return f"{path.name} was set aside in {set_aside(self._dir, path, _NOTE)}"

    def drop_orphans(self, path: Path) -> str | None:
        """Delete embeddings of no version from a user's file; what was done, if anything."""
        if not self._in_file(path, orphans, "BEGIN"):
            return None
        count = self._in_file(path, drop_orphans, "BEGIN IMMEDIATE")
        return f"{count} embeddings of no version were deleted from {path.name}"

    def _in_file(self, path: Path, work: Callable[[Database], int], begin: str) -> int:
        return Unit[int](self._pool, path, USER, lambda db, _: work(db), begin=begin).run()

    def discard(self, user_id: str) -> int:
        """Remove what was ever set aside of a user's file; how many times that was."""
        return discard(self._dir, user_path(self._dir, user_id))
