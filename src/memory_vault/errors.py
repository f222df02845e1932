"""Every error this library raises on purpose, and what each means to a machine.

MemoryVaultError
├── InvalidInput(ValueError)            an argument is not acceptable; the message says what is
│   ├── IdempotencyConflict             the key was used before with other content
│   ├── TargetNotEmpty                  what is to be written holds something already
│   ├── ImportRefused                   a line of the file is not what the format says
│   └── TooLarge                        a request has more bytes than the server takes
├── ConfigError(ValueError)             a setting has a wrong name or value, or two vaults disagree
├── NotFound(LookupError)               this user has no such memory, session or preference
├── ChangedMeanwhile(RuntimeError)      the memory is not at the revision that was named
├── AccessRefused(PermissionError)      the server does not let this key do this
│   └── KeyRefused                      the key is missing, wrong, expired or revoked
├── UsageError(RuntimeError)            the call is right, its moment or place is not
│   ├── NotOpen                         before open() or after close()
│   ├── WrongEventLoop                  from another event loop than the one that opened it
│   └── BlockingCallRefused             a blocking call where it would hang
├── ModelNotInstalled(LookupError)      a model's files are missing or damaged
├── EmbedderMismatch(RuntimeError)      the vault's embeddings are another model's
└── BackendError                        a store, index or model failed; __cause__ is its own error
    ├── BackendUnavailable              not reached at all; retrying may help
    │   ├── RateLimited                 too many requests of this key or about this user
    │   └── TimedOut(TimeoutError)      the server stopped a call that took too long
    ├── ReplyRefused                    a remote service answered with an error or nonsense
    ├── DailyLimitReached               a language model has had its tokens for today
    └── StorageError(OSError)           the data folder or a file in it
        ├── StorageBusy                 another process held the lock for too long; retry
        ├── StorageFull                 the disk is full; nothing of the call was stored
        ├── StorageReadOnly             the folder or file cannot be written
        ├── NotAVault                   a file in the folder is damaged or is no vault file
        ├── WrongKey                    the encryption key is missing, wrong or not wanted
        └── SchemaTooNew                written by a newer version of this library
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class MemoryVaultError(Exception):
    """Base of all errors raised on purpose by this library."""

    code = "memory_vault"
    """Stable word for machines; `MEANINGS` maps it to HTTP, exit status and JSON-RPC."""


class InvalidInput(MemoryVaultError, ValueError):
    """An argument is not acceptable; the message names it and says what is."""

    code = "invalid_input"


class IdempotencyConflict(InvalidInput):
    """The idempotency key was used before with other content."""

    code = "idempotency_conflict"


class TargetNotEmpty(InvalidInput):
    """A file, folder or user that is to be written holds something already."""

    code = "target_not_empty"


class ImportRefused(InvalidInput):
    """A line of an export file is not what the format says; the message names its number."""

    code = "import_refused"


class TooLarge(InvalidInput):
    """A request has more bytes than the server takes; the message has the limit."""

    code = "too_large"


class ConfigError(MemoryVaultError, ValueError):
    """A setting has a wrong name or value, or two vaults on one folder disagree."""

    code = "config"


class NotFound(MemoryVaultError, LookupError):
    """This user has no such memory, session or preference."""

    code = "not_found"


class ChangedMeanwhile(MemoryVaultError, RuntimeError):
    """The memory is not at the revision that the call named; nothing was changed."""

    code = "changed_meanwhile"


class AccessRefused(MemoryVaultError, PermissionError):
    """The server does not let this key do this, or not for this user."""

    code = "access_refused"


class KeyRefused(AccessRefused):
    """The server wants a key and was given none, or one that is wrong, expired or revoked."""

    code = "key_refused"


class UsageError(MemoryVaultError, RuntimeError):
    """The call is right, its moment or its place is not."""

    code = "usage"


class NotOpen(UsageError):
    """The object was used before `open()` or after `close()`."""

    code = "not_open"


class WrongEventLoop(UsageError):
    """The object was used from another event loop than the one that opened it."""

    code = "wrong_event_loop"


class BlockingCallRefused(UsageError):
    """A blocking call was made where it would hang: in a running loop, or after a fork."""

    code = "blocking_call_refused"


class ModelNotInstalled(MemoryVaultError, LookupError):
    """A model's files are missing or damaged; the message says what to do."""

    code = "model_not_installed"


class EmbedderMismatch(MemoryVaultError, RuntimeError):
    """The vault's embeddings were made by another model; mixing them would find nothing."""

    code = "embedder_mismatch"
    held: str = ""
    """Fingerprint of the embeddings that are there."""


class BackendError(MemoryVaultError):
    """A store, an index or a model failed; `__cause__` holds its own error."""

    code = "backend_failed"
    did_nothing: bool = False
    """Whether it is certain that a service did no work for the call, so that it costs nothing."""


class BackendUnavailable(BackendError):
    """A backend was not reached at all; retrying may help."""

    code = "backend_unavailable"


class RateLimited(BackendUnavailable):
    """The server has had too many requests of this key or about this user; retrying helps.

    Attributes:
        wait_s: Seconds after which there is room for one more.
    """

    code = "rate_limited"
    wait_s: float = 1.0


class TimedOut(BackendUnavailable, TimeoutError):
    """The server stopped a call that took too long; it has happened wholly or not at all."""

    code = "timed_out"


class ReplyRefused(BackendError):
    """A remote service answered with an error, or with something that is no answer."""

    code = "reply_refused"


class DailyLimitReached(BackendError):
    """A language model has had the tokens of today that the settings allow.

    Attributes:
        opens_at: When it may be asked again: the next midnight, UTC. None if not known.
    """

    code = "daily_limit_reached"

    def __init__(self, message: str, *, opens_at: datetime | None = None) -> None:
        super().__init__(message)
        self.opens_at: datetime | None = opens_at


class StorageError(BackendError, OSError):
    """The data folder, or a file in it, could not be used."""

    code = "storage_failed"


class StorageBusy(StorageError):
    """Another process held a file's lock for longer than `lock_timeout_s`; retrying may help."""

    code = "storage_busy"


class StorageFull(StorageError):
    """The disk is full; nothing of the call was stored."""

    code = "storage_full"


class StorageReadOnly(StorageError):
    """The data folder or a file in it cannot be written."""

    code = "storage_read_only"


class NotAVault(StorageError):
    """A file in the data folder is damaged or is not a vault file."""

    code = "not_a_vault"


class WrongKey(StorageError):
    """The vault's encryption key is missing, wrong, or given for a vault that is not encrypted."""

    code = "wrong_key"


class SchemaTooNew(StorageError):
    """A file was written by a newer version of this library."""

    code = "schema_too_new"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one error code is called in each protocol."""

    http_status: int
    exit_status: int
    jsonrpc_code: int


MEANINGS: dict[str, Meaning] = {
    "memory_vault": Meaning(500, 1, -32603),
    "invalid_input": Meaning(422, 2, -32602),
    "idempotency_conflict": Meaning(409, 2, -32602),
    "target_not_empty": Meaning(409, 2, -32602),
    "import_refused": Meaning(422, 2, -32602),
    "too_large": Meaning(413, 2, -32602),
    "config": Meaning(500, 3, -32603),
    "not_found": Meaning(404, 4, -32004),
    "changed_meanwhile": Meaning(412, 10, -32010),
    "access_refused": Meaning(403, 9, -32009),
    "key_refused": Meaning(401, 9, -32009),
    "usage": Meaning(500, 1, -32603),
    "not_open": Meaning(503, 1, -32603),
    "wrong_event_loop": Meaning(500, 1, -32603),
    "blocking_call_refused": Meaning(500, 1, -32603),
    "model_not_installed": Meaning(503, 5, -32005),
    "embedder_mismatch": Meaning(409, 6, -32006),
    "backend_failed": Meaning(500, 7, -32603),
    "backend_unavailable": Meaning(503, 7, -32007),
    "rate_limited": Meaning(429, 7, -32007),
    "timed_out": Meaning(504, 7, -32007),
    "reply_refused": Meaning(502, 7, -32007),
    "daily_limit_reached": Meaning(503, 7, -32007),
    "storage_failed": Meaning(500, 8, -32603),
    "storage_busy": Meaning(503, 8, -32008),
    "storage_full": Meaning(507, 8, -32008),
    "storage_read_only": Meaning(500, 8, -32008),
    "not_a_vault": Meaning(500, 8, -32008),
    "wrong_key": Meaning(500, 8, -32008),
    "schema_too_new": Meaning(500, 8, -32008),
}
"""HTTP status, command-line exit status and JSON-RPC code of every error, in one place."""
