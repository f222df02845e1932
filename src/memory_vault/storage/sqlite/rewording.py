"""The search terms of all chunks made anew: what a file needs when the rules of words change.

Terms are told from the text alone, so that no model has a part in it.
"""

from __future__ import annotations

from ...text.speakers import speaker_prefix
from ...text.words import word_bytes
from .connection import Database
from .memories import spare_tables
from .schema import CHUNKS_PER_VERSION

_PAGE = 200
"""Versions whose text is held at once."""


def reword(connection: Database) -> None:
    """Write the terms of every chunk whose text has others by now; inside a transaction."""
    tables = ("chunks", *spare_tables(connection))
    seq = 0
    while versions := connection.execute(
        "SELECT seq, role, content FROM memories WHERE seq > ? ORDER BY seq LIMIT ?", (seq, _PAGE)
    ).fetchall():
        for seq, role, content in versions:
            for table in tables:
                _reword(connection, table, seq, speaker_prefix(role), content)


def _reword(connection: Database, table: str, seq: int, prefix: str, content: str) -> None:
    """The chunks of one version in one table."""
    first = seq * CHUNKS_PER_VERSION
    rows = connection.execute(
        f"SELECT row, start, stop, words FROM {table} WHERE row BETWEEN ? AND ?",  # noqa: S608
        (first, first + CHUNKS_PER_VERSION - 1),
    ).fetchall()
    for row, start, stop, before in rows:
        words = word_bytes(prefix + content[start:stop])
        if words != before:
            connection.execute(
                f"UPDATE {table} SET words = ? WHERE row = ?",  # noqa: S608 - names of our own
                (words, row),
            )
