"""Keys of an encrypted vault: one from the caller, one that it unlocks, one a file from that.

`vault.key` is a small encrypted database that holds the vault's own random key; the caller's key
opens it and nothing else, so that another caller's key is one small file written anew. Each user's
file has a key of its own, made from the vault's key, the file's name and a random salt beside the
file: without the salt nobody reads the file again. See docs/adr/0009-encryption.md.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import apsw

from ...errors import ConfigError, NotAVault, StorageError, StorageReadOnly, WrongKey
from .connection import Database, create, is_plain, translate, translated, unlock
from .files import link, make_folder, sync_folder
from .schema import KEY

Secret = str | bytes
Source = Secret | Callable[[], Secret] | None

KEY_FILE = "vault.key"
KDF_ROUNDS = 256_000
"""Rounds of PBKDF2 for a passphrase: about 0.1 s, once an opened vault."""
_KEY_BYTES = 32
_LEAST_CHARS = 8


def checked(secret: Secret) -> Secret:
    """A key as it may be given; the message never shows it.

    Raises:
        ConfigError: If it is not 32 bytes or a passphrase of at least 8 characters.
    """
    if isinstance(secret, bytes) and len(secret) == _KEY_BYTES:
        return secret
    if isinstance(secret, str) and len(secret.strip()) >= _LEAST_CHARS:
        return secret
    raise ConfigError(
        f"encryption_key: give {_KEY_BYTES} bytes, or a passphrase of at least {_LEAST_CHARS} "
        "characters (the one given is neither)"
    )


class Keys:
    """The keys of the files in one folder; None for every file when the vault is not encrypted.

    Args:
        folder: Of a vault or of a backup.
        source: The caller's key, or what to call for it, in a worker thread.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self._folder, self._source = folder, source
        self._secret: Secret | None = None
        self._vault_key: bytes | None = None

    def __repr__(self) -> str:
        return f"Keys({'on' if self.is_on else 'off'})"

    @property
    def is_on(self) -> bool:
        """Whether the files are encrypted."""
        return self._vault_key is not None

    @property
    def _key_file(self) -> Path:
        return self._folder / KEY_FILE

    def unlock(self, *, create: bool = True) -> None:
        """Unlock the vault's key, or make one for a folder that has nothing in it yet.

        Raises:
            WrongKey: If the key is wrong, missing, or given for a vault that is not encrypted.
            ConfigError: If it is no key, or the SQLite library here cannot encrypt.
        """
        if self._vault_key is not None:
            return
        if self._source is None:
            if self._key_file.exists():
                raise WrongKey(
                    f"{self._folder} is encrypted: give its key (encryption_key, or the "
                    "environment variable MEMORY_VAULT_ENCRYPTION_KEY)"
                )
            return
        self._refuse_without_cipher()
        secret = self._secret = checked(self._source() if callable(self._source) else self._source)
        if not self._key_file.exists():
            self.refuse_without_key_file()
            if not create or self._is_in_use():
                raise WrongKey(
                    f"{self._folder} is not encrypted: open it without encryption_key; to encrypt "
                    "it, restore a backup of it into a new folder that has a key"
                )
            self._publish(self._key_file, secret, secrets.token_bytes(_KEY_BYTES), link)
        self._vault_key = self._read(secret)

    def refuse_without_key_file(self) -> None:
        """Make sure that the folder is no encrypted vault that has lost its key file.

        Raises:
            NotAVault: If it is.
        """
        has_salts = any((self._folder / "users").glob("*/*.salt"))
        if has_salts and not self._key_file.exists():
            raise NotAVault(
                f"{self._folder} is encrypted and its {KEY_FILE} is missing: put it back from a "
                "backup made under the same key; without it nothing here can be read"
            )

    def _refuse_without_cipher(self) -> None:
        if not hasattr(apsw, "mc_version"):
            raise ConfigError(
                "encryption_key is set, but the SQLite library here cannot encrypt: uninstall "
                "apsw and apsw-sqlite3mc, then install apsw-sqlite3mc again"
            )

    def _is_in_use(self) -> bool:
        """Whether the folder has files of a vault."""
        has_users = any((self._folder / "users").glob("*/*.db"))
        return has_users or (self._folder / "catalog.db").exists()

    def _read(self, secret: Secret) -> bytes:
        with translated(self._key_file):
            db: Database = apsw.Connection(str(self._key_file), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                _unlock_with(db, secret)
                key: bytes = db.execute("SELECT key FROM secret").fetchone()[0]
            except apsw.NotADBError:
                raise WrongKey(
                    f"encryption_key does not open {self._folder}: give the key it was encrypted "
                    f"with (if that is the one given, {KEY_FILE} is damaged: restore a backup)"
                ) from None
            finally:
                db.close()
        return key

    def _publish(
        self, place: Path, secret: Secret, key: bytes, name: Callable[[Path, Path], None]
    ) -> None:
        """Write a key file aside and give it its name: it appears whole or not at all."""
        make_folder(place.parent)
        aside = place.with_name(f".{secrets.token_hex(8)}.new")
        try:
            with translated(place):
                db = apsw.Connection(str(aside))
                try:
                    _unlock_with(db, secret)
                    db.execute("PRAGMA journal_mode=MEMORY").fetchall()
                    create(db, KEY)
                    db.execute("INSERT INTO secret (id, key) VALUES (1, ?)", (key,))
                finally:
                    db.close()
            refuse_plain(aside)
            name(aside, place)
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(place.parent)

    def rekey(self, secret: Secret) -> None:
        """Let another key open this vault, and the one before no more; the old or the new works.

        Raises:
            WrongKey: If the vault is not encrypted.
        """
        if self._vault_key is None:
            raise WrongKey(
                f"{self._folder} is not encrypted, so there is no key to change: restore a backup "
                "of it into a new folder that has a key"
            )
        self._publish(self._key_file, checked(secret), self._vault_key, _replace)
        self._source = self._secret = secret

    def secret_for(self, folder: Path) -> Secret | None:
        """The caller's key, for another folder that has a key file."""
        return self._secret if (folder / KEY_FILE).exists() else None

    def copy_to(self, folder: Path) -> None:
        """Write the key file into a folder of a backup, under the key of this moment."""
        if self._vault_key is not None and self._secret is not None:
            self._publish(folder / KEY_FILE, self._secret, self._vault_key, link)

    # one file ------------------------------------------------------------------------------------

    def of(self, path: Path) -> bytes | None:
        """The key of a file; None when the vault is not encrypted.

        Raises:
            StorageReadOnly: If the file is gone.
            NotAVault: If the file is there and its salt is not.
            StorageError: If its salt cannot be read.
        """
        if self._vault_key is None:
            return None
        if path.parent == self._folder:
            return self._derive(path, b"")
        try:
            return self._derive(path, read_salt(salt_path(path)))
        except FileNotFoundError:
            if path.exists():
                raise NotAVault(
                    f"{path} cannot be read any more: {salt_path(path).name} beside it is missing"
                ) from None
            raise StorageReadOnly(f"{path} cannot be opened: it does not exist") from None
        except OSError as error:
            raise translate(error, salt_path(path)) from error

    def _derive(self, path: Path, salt: bytes) -> bytes:
        assert self._vault_key is not None, "asked before"
        return hmac.digest(self._vault_key, b"\0".join((path.name.encode(), salt)), "sha256")

    def scratch(self) -> bytes | None:
        """A key for a file that is thrown away; None when the vault is not encrypted."""
        return secrets.token_bytes(_KEY_BYTES) if self.is_on else None

    def make(self, path: Path) -> bytes | None:
        """A new salt for a file that is about to be made, and its key.

        Call it where no other process makes or removes this file.
        """
        if self._vault_key is None:
            return None
        make_folder(path.parent)
        write_salt(salt_path(path), secrets.token_bytes(_KEY_BYTES))
        return self.of(path)

    def destroy(self, path: Path) -> None:
        """Destroy a file's salt: what is left of the file anywhere can never be read again."""
        salt = salt_path(path)
        if self.is_on and salt.exists():
            write_salt(salt, bytes(_KEY_BYTES))
            salt.unlink(missing_ok=True)
            sync_folder(salt.parent)


def _unlock_with(connection: apsw.Connection, secret: Secret) -> None:
    """Key a connection: 32 bytes as they are, a passphrase by many rounds of PBKDF2."""
    if isinstance(secret, bytes):
        unlock(connection, secret)
        return
    connection.pragma("cipher", "chacha20")
    connection.pragma("kdf_iter", KDF_ROUNDS)
    connection.pragma("hexkey", (b"pass:" + secret.encode("utf-8", "surrogatepass")).hex())


def refuse_plain(path: Path) -> None:
    """Make sure that a file just made is encrypted.

    Raises:
        ConfigError: If it is not; the file is to be thrown away.
    """
    if is_plain(path):
        raise ConfigError(
            "encryption_key is set, but the SQLite library here wrote a plain file, which was "
            "thrown away: install apsw-sqlite3mc anew"
        )


def _replace(aside: Path, place: Path) -> None:
    try:
        aside.replace(place)
    except OSError as error:
        raise StorageError(f"{place} cannot be replaced: {error.strerror}") from error


def salt_path(path: Path) -> Path:
    """Where the salt of a user's file is."""
    return path.with_suffix(".salt")


def read_salt(path: Path) -> bytes:
    """The whole of a salt file."""
    return path.read_bytes()


def write_salt(path: Path, salt: bytes) -> None:
    """Write a salt file over what is there, durably."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(handle, salt)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageReadOnly(f"{path} cannot be written: {error.strerror}") from error
    sync_folder(path.parent)
