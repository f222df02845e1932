"""The tables of a user's file and of the catalog, and how older files become current.

A user's file holds every version of every memory: `memories` has one row a version, current while
`superseded_at` is NULL. Row numbers (`seq`) are never used twice and order all changes, so that an
index can read on from the last one it saw; `changes` tells of what happened to older rows. The
chunks of version `seq` have the rows `seq * CHUNKS_PER_VERSION` and on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..index import CHUNKS_PER_VERSION as CHUNKS_PER_VERSION

PAGE_SIZE = 4096

_USER_1 = """
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    retired INTEGER NOT NULL DEFAULT 0,
    clock INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT
);
CREATE TABLE memories (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    session_id TEXT,
    memory_type TEXT NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    importance REAL NOT NULL,
    occurred_at INTEGER,
    recorded_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    superseded_at INTEGER,
    valid_from INTEGER,
    valid_to INTEGER,
    origin TEXT NOT NULL,
    derived_from TEXT,
    compressed INTEGER NOT NULL DEFAULT 0,
    token_count INTEGER NOT NULL,
    metadata TEXT,
    text_hash INTEGER NOT NULL
);
CREATE INDEX memories_by_id ON memories (id);
CREATE INDEX memories_by_text ON memories (text_hash);
CREATE INDEX memories_by_session ON memories (session_id, position);
CREATE INDEX memories_by_time ON memories (recorded_at, id) WHERE superseded_at IS NULL;
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    words BLOB NOT NULL
);
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    superseded_at INTEGER
);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    ended_at INTEGER,
    metadata TEXT
) WITHOUT ROWID;
CREATE TABLE preferences (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    confidence REAL NOT NULL,
    recorded_at INTEGER NOT NULL,
    superseded_at INTEGER,
    source TEXT
);
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL,
    result TEXT NOT NULL
) WITHOUT ROWID
"""

_JOBS = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    due_at INTEGER NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    result TEXT,
    lease TEXT,
    beat INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
"""Background work: what is to be done, by whom just now, and what came of it. Ids, never text."""
_USER_FACTS = """
CREATE TABLE statements (
    seq INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    start INTEGER NOT NULL,
    subject TEXT NOT NULL,
    value TEXT NOT NULL,
    text TEXT NOT NULL,
    since INTEGER NOT NULL,
    learned_at INTEGER NOT NULL,
    fact TEXT
);
CREATE INDEX statements_by_source ON statements (source);
CREATE INDEX statements_by_subject ON statements (subject)
"""
"""What was read from memories, and which memory states each fact; see `text/facts/timeline.py`."""


def _moment(column: str) -> str:
    """SQL for a time in microseconds as text: UTC, of one width, so that it sorts as it reads."""
    micros = f"({column} % 1000000 + 1000000) % 1000000"
    seconds = f"({column} - {micros}) / 1000000"
    return f"strftime('%Y-%m-%dT%H:%M:%S', {seconds}, 'unixepoch') || printf('.%06dZ', {micros})"


_VIEWS = f"""
CREATE VIEW v_memories AS
SELECT id, (SELECT user_id FROM meta) AS user_id, session_id, memory_type, role, content,
    importance, {_moment("occurred_at")} AS occurred_at, {_moment("recorded_at")} AS recorded_at,
    {_moment("valid_from")} AS valid_from, {_moment("valid_to")} AS valid_to, origin,
    coalesce(derived_from, '[]') AS derived_from, compressed, token_count,
    coalesce(metadata, '{{}}') AS metadata
FROM memories WHERE superseded_at IS NULL;
CREATE VIEW v_preferences AS
SELECT key, (SELECT user_id FROM meta) AS user_id, value, confidence,
    {_moment("recorded_at")} AS recorded_at, source
FROM preferences WHERE superseded_at IS NULL;
CREATE VIEW v_sessions AS
SELECT id, (SELECT user_id FROM meta) AS user_id, {_moment("started_at")} AS started_at,
    {_moment("last_active_at")} AS last_active_at, {_moment("ended_at")} AS ended_at,
    (SELECT count(*) FROM memories m WHERE m.session_id = s.id AND m.superseded_at IS NULL)
        AS memory_count, coalesce(metadata, '{{}}') AS metadata
FROM sessions s
"""  # noqa: S608 - made of constants
"""What other programs may read: docs/guides/interoperation.md promises these columns."""

_CATALOG_1 = """
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    created_at INTEGER NOT NULL
);
CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID
"""

_CATALOG_2 = """
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    secret BLOB NOT NULL,
    clock INTEGER NOT NULL DEFAULT 0
);
INSERT INTO receipts (id, secret) VALUES (1, randomblob(32))
"""
"""The key of the digests of receipts; the clock is what a sync of the log writes."""

_MOVING = "ALTER TABLE meta ADD COLUMN target TEXT"
"""The vector space for which chunks are being gathered beside those in use."""

_HINTS = """
CREATE TABLE hints (
    user_id TEXT PRIMARY KEY,
    is_waiting INTEGER NOT NULL,
    failed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
"""Whose file has jobs to do, or failed ones; the catalog itself has the jobs of the whole vault."""

_EMBEDDERS = """
CREATE TABLE embedders (
    fingerprint TEXT PRIMARY KEY,
    name TEXT,
    number INTEGER NOT NULL
) WITHOUT ROWID
"""
"""The vault's vector spaces, the latest with the highest number; empty if it never switched."""
_LLM_TOKENS = "CREATE TABLE llm_tokens (day INTEGER PRIMARY KEY, tokens INTEGER NOT NULL)"
"""What a language model has read and written for this vault, by days since 1970."""
_API_KEYS = """
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    users TEXT,
    rights TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    digest BLOB NOT NULL,
    old_digest BLOB,
    old_until INTEGER
) WITHOUT ROWID
"""
"""Keys of the server; `old_digest` is of the secret before the last rotation."""
_INDEXED = "CREATE TABLE indexed (user_id TEXT PRIMARY KEY) WITHOUT ROWID"
"""Users of whose files the outer index has all; whoever is not listed is to be looked at."""


Migration = str | Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Schema:
    """One kind of file: its mark, and its migrations in order.

    Attributes:
        application_id: SQLite's mark for the kind of file.
        migrations: Number n (from 1) turns a file of version n - 1 into version n: statements, or
            what is called with the connection and not at all for a file that is being made.
    """

    name: str
    application_id: int
    migrations: tuple[Migration, ...]

    @property
    def version(self) -> int:
        """The version that this code reads and writes."""
        return len(self.migrations)


_SETTLED = "ALTER TABLE sessions ADD COLUMN settled_at INTEGER"
"""When a session was found to need no summary, or no other; NULL where that is to be looked at."""

_UNREAD = "CREATE TABLE unread (memory TEXT PRIMARY KEY) WITHOUT ROWID"
"""Ids of memories that a language model is still to read facts from."""

_GONE_CHUNKS = "ALTER TABLE changes ADD COLUMN chunks INTEGER NOT NULL DEFAULT 0"
"""How many chunks a version had that is gone: what an outer index is to take out."""


def _reword(connection: Any) -> None:
    """The terms that words have since irregular forms are told from their base."""
    from .rewording import reword

    reword(connection)


USER = Schema(
    "user",
    0x4D56_5531,
    (_USER_1, _JOBS, _MOVING, _USER_FACTS, _SETTLED, _VIEWS, _UNREAD, _GONE_CHUNKS, _reword),
)
KEY = Schema(
    "key", 0x4D56_4B31, ("CREATE TABLE secret (id INTEGER PRIMARY KEY, key BLOB NOT NULL)",)
)
CATALOG = Schema(
    "catalog",
    0x4D56_4331,
    (
        _CATALOG_1,
        _CATALOG_2,
        f"{_HINTS.strip()};\n{_JOBS.strip()}",
        _EMBEDDERS,
        _LLM_TOKENS,
        _API_KEYS,
        _INDEXED,
    ),
)

CONTENT_TABLES = (
    "memories",
    "chunks",
    "changes",
    "sessions",
    "preferences",
    "statements",
    "idempotency",
    "jobs",
    "unread",
)
"""Tables of a user's file that hold what the user said, or tell of it."""
SPARE_CHUNKS = ("fresh_chunks", "old_chunks")
"""Tables like `chunks`, there only while a user moves to another embedder."""
