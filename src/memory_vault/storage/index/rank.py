"""Rank the memories of one user for a question: all signals over all visible chunks at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...text.fuse import fuse, share, spread
from ...text.pool import beside
from .user_index import UserIndex

WEIGHTS = {"own": 1.0, "lexical": 1.0, "beside": 0.5, "session": 0.5}
"""What each signal counts for, beside a chunk's cosine with weight 1."""
_LINE = 9
"""Search terms that the date, session and speaker of a line weigh as much as."""
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One memory in the order of a ranking.

    Attributes:
        version: Number of the version that was found.
        signals: Each signal's own value: "dense" is a cosine, "lexical" a BM25 score, "beside" and
            "session" are shares from 0 to 1 of the best there is.
        chunks: Its chunks, best first, by place in the text.
    """

    version: int
    score: float
    signals: dict[str, float]
    chunks: tuple[int, ...]


def rank(
    index: UserIndex,
    *,
    embedding: NDArray[np.float32],
    word_ids: NDArray[np.uint32],
    visible: NDArray[np.bool_],
    limit: int,
    room: int | None = None,
) -> list[Ranked]:
    """The best visible memories, best first; ties by place in the vault.

    At most `limit`, and no more than hold `room` search terms in all, each memory counted with
    nine beside its own: what cannot go into a prompt block need not be looked at.

    Each chunk has a cosine and a BM25 score, both scaled by `spread` so that one set of weights
    serves vaults of any size. A memory takes the best sum among its chunks, a part of its better
    neighbour's, and a part of what its session as a whole says.
    """
    if not visible.any():
        return []
    evidence = _evidence(index, embedding, word_ids, visible)
    total = fuse(evidence.signals, WEIGHTS)
    best = _top(total, evidence.seen, evidence.position, limit)
    if room is not None:
        lengths = np.add.reduceat(index.lexical.lengths, evidence.first[:-1])
        best = best[: 1 + int(np.searchsorted(np.cumsum(lengths[best] + _LINE), room))]
    return [_ranked(evidence, total, i) for i in best.tolist()]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is known of every version, chunk by chunk and as a whole.

    A version's chunks are the rows `first[i]` to `first[i + 1]`.
    """

    versions: NDArray[np.int64]
    position: NDArray[np.int64]
    first: NDArray[np.int64]
    seen: NDArray[np.bool_]
    dense: Scores
    lexical: Scores
    chunk: Scores
    signals: dict[str, Scores]


def _evidence(
    index: UserIndex,
    embedding: NDArray[np.float32],
    word_ids: NDArray[np.uint32],
    visible: NDArray[np.bool_],
) -> _Evidence:
    """Score every chunk, then every version by its best chunk, neighbours and session."""
    dense = index.dense.scores(embedding)
    lexical = index.lexical.scores(word_ids, visible)
    chunk = spread(dense, visible) + np.float32(WEIGHTS["lexical"]) * share(lexical)
    chunk[~visible] = 0
    versions = index.column("version")
    starts = np.flatnonzero(np.diff(versions, prepend=-1))
    own = np.maximum.reduceat(chunk, starts)
    sessions, position = index.column("session")[starts], index.column("position")[starts]
    order = np.lexsort((position, sessions))
    whole = index.lexical.group_scores(
        word_ids, visible, index.column("session"), len(index.sessions)
    )
    return _Evidence(
        versions=versions[starts],
        position=position,
        first=np.append(starts, len(versions)),
        seen=np.logical_or.reduceat(visible, starts),
        dense=dense,
        lexical=lexical,
        chunk=chunk,
        signals={
            "own": own,
            "beside": beside(order, sessions, own),
            "session": share(whole)[sessions],
        },
    )


def _top(
    total: Scores, seen: NDArray[np.bool_], position: NDArray[np.int64], limit: int
) -> NDArray[np.int64]:
    """The best of what may be seen, best first; ties by position."""
    found = np.flatnonzero(seen)
    if len(found) > 4 * limit:
        least = np.partition(total[found], len(found) - limit)[len(found) - limit]
        found = found[total[found] >= least]
    return found[np.lexsort((position[found], -total[found]))][:limit]


def _ranked(evidence: _Evidence, total: Scores, i: int) -> Ranked:
    """One version with the evidence for it."""
    start, stop = int(evidence.first[i]), int(evidence.first[i + 1])
    order = np.argsort(-evidence.chunk[start:stop], kind="stable") if stop > start + 1 else [0]
    signals = {
        "dense": float(evidence.dense[start:stop].max()),
        "lexical": float(evidence.lexical[start:stop].max()),
        "beside": float(evidence.signals["beside"][i]),
        "session": float(evidence.signals["session"][i]),
    }
    return Ranked(
        version=int(evidence.versions[i]),
        score=float(total[i]),
        signals=signals,
        chunks=tuple(map(int, order)),
    )
