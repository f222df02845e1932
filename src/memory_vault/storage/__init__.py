"""What goes into a store and what a store promises."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import ChangedMeanwhile, InvalidInput
from ..models import CheckReport, Memory, MemoryType, Page, UserInfo

if TYPE_CHECKING:
    from .sqlite.transaction import Transaction

T = TypeVar("T")

_NOT_A_CURSOR = "cursor: give next_cursor of the page before, of the same listing, unchanged"


@dataclass(frozen=True, slots=True)
class Draft:
    """One checked input of a save. Times in microseconds UTC, metadata as JSON text."""

    role: str
    content: str
    occurred_at: int | None
    metadata: str | None
    origin: str
    memory_type: MemoryType | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a memory that has one embedding.

    Attributes:
        start: First character of the span in the content.
        stop: Character after the last.
        embedding: float32, little endian, unit length.
        words: Hashed search terms, uint32, little endian, in text order.
    """

    start: int
    stop: int
    embedding: bytes
    words: bytes


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory ready to be inserted."""

    id: str
    session_id: str | None
    memory_type: MemoryType
    role: str
    content: str
    importance: float
    occurred_at: int | None
    origin: str
    token_count: int
    metadata: str | None
    chunks: tuple[Chunk, ...]
    derived_from: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_to: int | None = None
    compressed: bool = False


@dataclass(frozen=True, slots=True)
class NewStatement:
    """What was read from one place of a memory, ready to be kept. Times in microseconds UTC.

    Attributes:
        start: Where it stands in the memory.
        subject: What it is about; statements on one subject replace each other.
        value: What it says of it, in small letters; "" ends whatever holds.
        since: Since when it holds, or when it ended; None for when it was said.
        fact: The memory that states it, should it be new; None if this ends a fact.
    """

    start: int
    subject: str
    value: str
    since: int | None
    fact: NewMemory | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a memory as copies carry it: nothing that can be derived, but its chunks.

    Times in microseconds UTC, metadata as JSON text.

    Attributes:
        changed_at: When the vault learned this version.
        superseded_at: When the next one took its place; None for the current one.
        chunks: Empty in a copy whose embeddings cannot be used.
    """

    id: str
    session_id: str | None
    memory_type: str
    role: str
    content: str
    importance: float
    occurred_at: int | None
    recorded_at: int
    changed_at: int
    superseded_at: int | None
    valid_from: int | None
    valid_to: int | None
    origin: str
    derived_from: tuple[str, ...]
    compressed: bool
    metadata: str | None
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update is to change.

    Attributes:
        values: Attribute name to value, in the store's own form.
        if_revision: The state that the memory must still be in; None for any.
    """

    values: Mapping[str, Any]
    if_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """What a forget is to remove: exactly one of the first four is set.

    Attributes:
        revision: With `memory_id`: only if the memory is still in this state.
    """

    memory_id: str | None = None
    session_id: str | None = None
    origin: str | None = None
    recorded_before: int | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What a forget took out: row counts by table, what came back into force, what was remade."""

    removed: Mapping[str, int]
    restored: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()
    memory_ids: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after which a page starts: the sort key of the last item before it.

    Attributes:
        listing: What is listed: "memories", "sessions" or "users".
    """

    listing: str
    key: int
    id: str

    def __str__(self) -> str:
        packed = json.dumps(
            [self.listing, self.key, self.id], ensure_ascii=True, separators=(",", ":")
        )
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @staticmethod
    def parse(text: str, listing: str) -> Cursor:
        """Read a cursor that `str` wrote for this listing.

        Raises:
            InvalidInput: If it is not one, or is of another listing.
        """
        try:
            packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            found, key, last = json.loads(packed)
            last.encode()  # a lone surrogate is no id of ours
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise InvalidInput(_NOT_A_CURSOR) from None
        is_key = isinstance(key, int) and not isinstance(key, bool) and abs(key) < 1 << 63
        if not is_key or found != listing:
            raise InvalidInput(_NOT_A_CURSOR)
        return Cursor(listing, key, last)


def require_revision(memory: Memory, wanted: str | None) -> None:
    """Refuse a memory that is not in the state that is wanted; None wants any.

    Raises:
        ChangedMeanwhile: If it is not.
    """
    if wanted not in (None, memory.revision):
        raise ChangedMeanwhile(
            f"memory {memory.id!r} was changed since it was read: get it again, then decide"
        )


def next_cursor(listing: str, rows: Sequence[Sequence[Any]], size: int, *, key: int) -> str | None:
    """The cursor after a page of `size` rows, whose id stands first; None if no row is left.

    Args:
        rows: The page and, if there is one, the row after it.
        key: Column of the sort key.
    """
    if len(rows) <= size:
        return None
    last = rows[size - 1]
    return str(Cursor(listing, last[key], last[0]))


class Store(Protocol):
    """Holds the truth: every user's memories, in a file of the user's own.

    A unit of work is one function that gets a `Transaction` and runs in a worker thread. It may run
    again from the start (after a lock was lost), so it must have no effect but through its
    transaction.

    Promises:
    1. A unit sees one snapshot; what it writes is stored wholly or not at all.
    2. When `write` returns, its work is durable.
    3. A cancelled call has happened wholly or not at all, and leaves the store usable.
    4. Users never see each other, and never wait for each other's locks.
    5. Reading a user that does not exist finds nothing and makes nothing.
    6. No caller meets another process's lock but as `StorageBusy` after `lock_timeout_s`.
    """

    async def open(self) -> None:
        """Make or check the data folder."""
        ...

    async def close(self) -> None:
        """Wait for units under way, then close every file. Repeatable."""
        ...

    async def read(
        self,
        user_id: str,
        unit: Callable[[Transaction], T],
        *,
        holding: AbstractContextManager[Any] | None = None,
        in_background: bool = False,
    ) -> T:
        """Run a unit that only reads.

        Args:
            user_id: Whose file.
            unit: What to run.
            holding: Entered before the snapshot is taken and left after the unit: a lock under
                which no unit with an older snapshot can follow one with a newer.
            in_background: For a job: then it takes turns with those of other jobs.
        """
        ...

    async def write(
        self,
        user_id: str,
        unit: Callable[[Transaction], T],
        *,
        create: bool = False,
        weight: int | None = None,
        in_background: bool = False,
    ) -> T:
        """Run a unit that writes; only with `create` it makes the file of a new user.

        Without it, a user that does not exist is written to as if empty, and nothing is kept.

        Args:
            user_id: Whose file.
            unit: What to run.
            create: Whether a new user's file is made.
            weight: Memories that the unit writes at most, when it may share a transaction with
                other units of the user; promise 1 holds for each. None for one of its own.
            in_background: As for `read`.
        """
        ...

    async def checkpoint(self, user_id: str) -> bool:
        """Empty the user's write-ahead log; False if a reader elsewhere still needs it."""
        ...

    async def list_users(self, *, size: int, after: Cursor | None) -> Page[UserInfo]:
        """A page of users by id."""
        ...

    async def has_user(self, user_id: str) -> bool:
        """Whether the catalog lists this user."""
        ...

    async def has_file(self, user_id: str) -> bool:
        """Whether a file of this user is there, in use or emptied and struck."""
        ...

    async def remove_user(self, user_id: str) -> bool:
        """Strike an emptied user from the catalog and unlink the file; False if it is in use."""
        ...

    async def check(self) -> CheckReport:
        """Read every file and say what is damaged."""
        ...
