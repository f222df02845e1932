"""The `embedders` table of the catalog: which embedder the vault has, and had."""

from __future__ import annotations

from dataclasses import dataclass

from .connection import Database
from .jobs import Jobs

KIND = "switch_embedder"
"""The job that moves every user's embeddings to another space."""


@dataclass(frozen=True, slots=True)
class Space:
    """A vector space that the vault knows.

    Attributes:
        fingerprint: Its name.
        embedder: The setting that makes its embedder; None for an object of a program's own.
    """

    fingerprint: str
    embedder: str | None


def known(db: Database) -> list[Space]:
    """All spaces, the vault's own first; none in a vault that never switched."""
    rows = db.execute("SELECT fingerprint, name FROM embedders ORDER BY number DESC")
    return [Space(*row) for row in rows]


def switch(db: Database, former: Space | None, target: Space, now: int) -> str:
    """Note that the vault has another space from now on, and the job that moves its users.

    Every other such job that is not finished is cancelled.

    Returns:
        The job's id: of a new one, or of one to the same space that is not finished.
    """
    if former is not None and not known(db):
        _note(db, former)
    _note(db, target)
    jobs = Jobs(db, None, now)
    arguments = {"fingerprint": target.fingerprint}
    for state in ("waiting", "running"):
        for job in jobs.page(state=state, size=1_000, after=None).items:
            if job.kind == KIND and job.arguments == arguments:
                return job.id
            if job.kind == KIND:
                jobs.cancel(job.id)
    return jobs.add(KIND, arguments).id


def _note(db: Database, space: Space) -> None:
    db.execute(
        "INSERT INTO embedders (fingerprint, name, number) "
        "VALUES (?, ?, (SELECT coalesce(max(number), 0) + 1 FROM embedders)) "
        "ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name, number = excluded.number",
        (space.fingerprint, space.embedder),
    )
