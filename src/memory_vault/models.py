"""The values that callers give and get: frozen, picklable, without I/O and without a clock.

Times are aware datetimes in UTC. Shares and scores are floats; token counts are whole tokens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

MemoryType = Literal["episodic", "semantic", "procedural", "working"]
MEMORY_TYPES: tuple[MemoryType, ...] = ("episodic", "semantic", "procedural", "working")
FACT_TYPES: frozenset[MemoryType] = frozenset({"semantic", "procedural"})
"""What holds until something else does; the other types tell what happened."""
ORIGINS = ("user", "assistant", "tool", "import", "plugin", "model")
Proof = Literal["quick", "proven"]
JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = ("waiting", "running", "done", "failed", "cancelled")
_REPR_CHARS = 60


def _cut(text: str) -> str:
    """First characters of a text on one line, for `repr`."""
    line = " ".join(text[: _REPR_CHARS * 2].split())
    return line if len(line) <= _REPR_CHARS else line[: _REPR_CHARS - 1] + "…"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, as a caller gives it; a dict of this shape is accepted too.

    Attributes:
        role: "user", "assistant", "tool", "system", or a speaker's name.
        content: What was said.
        occurred_at: When it was said, aware; None when not known.
        metadata: JSON object kept with the memory and never interpreted.
    """

    role: str
    content: str
    occurred_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Memory:
    """One thing a user may list and forget: a turn, a note or a fact.

    Attributes:
        id: Unique in all vaults; ids made by one process sort as they were made.
        session_id: The conversation it belongs to, or None.
        memory_type: "episodic", "semantic", "procedural" or "working".
        importance: From 0 (small talk) to 1 (must not be missed).
        occurred_at: When it happened, None when not known.
        recorded_at: When the vault was first told.
        valid_from: Start of the time in which a fact holds, inclusive; None for always.
        valid_to: End of that time, exclusive; None for still.
        origin: Who put it there: "user", "assistant", "tool", "import", "plugin" or "model",
            with an optional detail after a colon.
        derived_from: Ids of the memories it was made from.
        compressed: Whether a summary stands for it in default recall.
        token_count: Tokens of the content as the vault's token counter counts them.
        metadata: The JSON object given at save.
    """

    id: str
    user_id: str
    session_id: str | None
    memory_type: MemoryType
    role: str
    content: str
    importance: float
    occurred_at: datetime | None
    recorded_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    origin: str
    derived_from: tuple[str, ...]
    compressed: bool
    token_count: int
    metadata: Mapping[str, Any]

    @property
    def revision(self) -> str:
        """Names this state of the memory: another one after any change, 32 hexadecimal digits.

        `update` and `forget` take it as `if_revision`; over HTTP it is the ETag.
        """
        shown = [getattr(self, one.name) for one in fields(self)]
        text = json.dumps(shown, default=datetime.isoformat, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def __repr__(self) -> str:
        day = (self.occurred_at or self.recorded_at).date().isoformat()
        return (
            f"Memory({self.id!r}, {self.memory_type}, {day}, {self.role}: {_cut(self.content)!r})"
        )


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One input that was not stored again, because the vault already holds it.

    Attributes:
        position: Which input of the call, from 0.
        memory_id: The memory that already says it; may be one saved by the same call.
        reason: Why it counts as the same, for a person to read.
    """

    position: int
    memory_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Preference:
    """Procedural memory: one key with its current or a former value.

    Attributes:
        confidence: From 0 to 1: how sure the writer was.
        recorded_at: When this value was set.
        superseded_at: When another value took its place or it was deleted; None while current.
        source: Id of the memory it was read from; None when set directly.
    """

    key: str
    value: str
    confidence: float
    recorded_at: datetime
    superseded_at: datetime | None = None
    source: str | None = None


FactChange = Literal["new", "confirmed", "changed", "closed"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What one save did to one fact that was read from what the user said.

    Attributes:
        change: "new"; "confirmed", told again; "changed", holds at another time than thought;
            "closed", no longer holds: another took its place, or it was taken back.
        memory: The fact as it is now; `metadata["subject"]` names what it is about.
    """

    change: FactChange
    memory: Memory


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What one save did with each input: stored, or found to be a duplicate.

    `len(saved) + len(duplicates)` is the number of inputs, always. `saved` is in input order.
    `facts` tells of the memories that state what was read from the inputs, beside them.
    """

    saved: tuple[Memory, ...]
    duplicates: tuple[Duplicate, ...] = ()
    preferences: tuple[Preference, ...] = ()
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Recalled:
    """One memory of a recall, and why it is there.

    Attributes:
        snippet: What of it went into the prompt block, before escaping.
        score: Fused score; higher is better, comparable within one recall only.
        signals: Each signal's own value by name, such as "dense" (cosine) or "lexical" (BM25).
        rank: Place in this recall, from 1.
    """

    memory: Memory
    snippet: str
    score: float
    signals: Mapping[str, float]
    rank: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was looked at but is not in the block: how many memories and preferences, and why.

    Of memories, twice as many as `top_k` are looked at, at most: "top_k" counts those of them.
    `reasons` maps "budget", "top_k", "near_copy" … to a count; the counts sum to `count`.
    """

    count: int
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecallResult:
    """What matters for the next prompt, and the block of text that says it.

    Attributes:
        memories: Best first; exactly those whose snippet stands in the block.
        prompt_block: Text in format 1, or "" when there is nothing to say.
        total_tokens: Tokens of `prompt_block`; never above `token_budget`.
        token_budget: The budget that applied.
        preferences: The preferences that stand in the block.
        relevance: How likely the vault says something about the question, from 0 to 1.
        is_relevant: Whether that is at least as likely as not, and something was found.
    """

    query: str
    memories: tuple[Recalled, ...]
    prompt_block: str
    total_tokens: int
    token_budget: int
    left_out: LeftOut
    preferences: tuple[Preference, ...] = ()
    relevance: float = 0.0
    is_relevant: bool = False

    @property
    def budget_used(self) -> float:
        """Share of the budget that the block takes, from 0 to 1."""
        return self.total_tokens / self.token_budget

    def explain(self) -> str:
        """Say for a person why each memory is in the block, one line each."""
        lines = [
            f"{len(self.memories)} memories and {len(self.preferences)} preferences in "
            f"{self.total_tokens} of {self.token_budget} tokens; "
            + ("relevant" if self.is_relevant else "nothing looks like an answer")
            + f" ({self.relevance:.2f})"
        ]
        for one in self.memories:
            memory = one.memory
            day = (memory.occurred_at or memory.recorded_at).date().isoformat()
            signals = ", ".join(f"{name} {value:.3f}" for name, value in one.signals.items())
            where = f"session {memory.session_id}" if memory.session_id else "no session"
            lines.append(
                f"{one.rank}. {memory.id} score {one.score:.3f} ({signals}) "
                f"[{day}, {where}] {memory.role}: {_cut(one.snippet)}"
            )
        if self.left_out.count:
            why = ", ".join(f"{name} {count}" for name, count in self.left_out.reasons.items())
            lines.append(f"left out: {self.left_out.count} ({why})")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Change:
    """One version of a memory, oldest first in `history`.

    Attributes:
        memory: The memory as this version had it.
        recorded_at: When the vault learned this version.
        superseded_at: When the next version took its place; None for the current one.
        fields: Names of the attributes that differ from the version before; empty for the first.
    """

    memory: Memory
    recorded_at: datetime
    superseded_at: datetime | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgetReceipt:
    """What one forget removed, and how far its removal is proven.

    Attributes:
        removed: Rows taken out, by table ("memories", "versions", "chunks", "preferences", …).
        restored: Ids of memories and keys of preferences that came back into force.
        rebuilt: Ids of memories made anew from what remained.
        state: "done"; "pending" while something still holds old pages, which a background job
            then overwrites; "found" if a scan found something that should be gone.
        reason: Why it is not done, and what to do; "" when done.
        proof: What was done and scanned to show that nothing is left.
        digest: Keyed digest of what was forgotten: matches a later check, reveals nothing.
        dry_run: Whether this only says what would be removed.
    """

    removed: Mapping[str, int]
    restored: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()
    state: Literal["done", "pending", "found"] = "done"
    reason: str = ""
    proof: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation: working memory lives in it and ends with it."""

    id: str
    started_at: datetime
    last_active_at: datetime
    ended_at: datetime | None
    memory_count: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    `next_cursor` is None at the end; otherwise give it back to read on. Pages are stable under
    concurrent writes: nothing listed before is repeated, nothing older is skipped.
    """

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class UserInfo:
    """One user of the vault."""

    user_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Stats:
    """How much one user's vault holds.

    Attributes:
        memories: Current memories by type.
        versions: Former versions kept for `known_at`.
        chunks: Embeddings, former versions included.
        bytes_on_disk: The pages of the user's file; 0 before the first save.
        first_recorded_at: When the oldest current memory was recorded.
        embedder: Fingerprint of the embeddings; None before the first save.
    """

    user_id: str
    memories: Mapping[str, int]
    versions: int
    chunks: int
    sessions: int
    preferences: int
    bytes_on_disk: int
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None
    embedder: str | None

    @property
    def total(self) -> int:
        """Number of current memories of all types."""
        return sum(self.memories.values())


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of background work, as it stands at this moment.

    Attributes:
        kind: What is done: "compress", "switch_embedder" …
        user_id: Whose it is; None for one of the whole vault.
        arguments: What it works on: ids and numbers, never text of a memory.
        state: "waiting", "running", "done", "failed" (after its last attempt) or "cancelled".
        done: Units of work done, of `total`; a restart may count some of them again.
        total: Units in all; 0 while not known.
        attempts: How often it was begun; what `close` interrupts does not count.
        started_at: When it was first begun.
        finished_at: When it was done, failed or cancelled.
        next_attempt_at: When it may be begun; None unless it waits.
        error: What went wrong last, without text of a memory; "" if nothing did.
        result: What it did: ids and numbers.
    """

    id: str
    kind: str
    user_id: str | None
    arguments: Mapping[str, Any]
    state: JobState
    done: int
    total: int
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    error: str
    result: Mapping[str, Any]

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be done: it is done, failed or cancelled."""
        return self.state not in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Health:
    """Each part of the vault: "ok", or what is wrong with it."""

    store: str
    index: str
    embedder: str
    background: str
    plugins: str = "ok"

    @property
    def is_ok(self) -> bool:
        """Whether every part is ok."""
        parts = {self.store, self.index, self.embedder, self.background, self.plugins}
        return parts == {"ok"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that `check` found wrong; `user_id` is None when it concerns the whole folder."""

    user_id: str | None
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` read, what it found, and what it put right.

    Attributes:
        users: User files that were read.
        problems: What is wrong; after a repair, what is still wrong.
        repaired: What was done, one sentence each; empty without `repair`.
    """

    users: int
    problems: tuple[Problem, ...]
    repaired: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What one export wrote.

    Attributes:
        path: The file, in plain text whatever the vault is.
        memories: Current memories.
        versions: Former versions.
        digest: SHA-256 of the lines before the last, as the last line has it.
    """

    path: Path
    memories: int
    versions: int
    sessions: int
    preferences: int
    bytes_written: int
    digest: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import read.

    Attributes:
        memories: Current memories.
        versions: Former versions.
        embedded: Versions that were embedded anew; 0 if the file's embeddings could be used.
    """

    memories: int
    versions: int
    sessions: int
    preferences: int
    embedded: int


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What one backup or restore copied.

    Attributes:
        path: The folder of the backup.
        is_encrypted: Whether the backup needs a key.
    """

    path: Path
    users: int
    bytes_copied: int
    is_encrypted: bool
