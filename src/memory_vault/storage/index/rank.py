"""Rank the memories of one user for a question: all signals over all visible chunks at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...text.fuse import best_first, fuse, places, share, spread
from ...text.pool import beside, best_chunk
from .user_index import UserIndex

WEIGHTS = {"own": 1.0, "lexical": 1.0, "beside": 0.5, "session": 0.5}
"""What the best of each signal is worth, beside the best cosine with 1; see `text/fuse.py`."""
_LINE = 9
"""Search terms that the date, session and speaker of a line weigh as much as."""
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One memory in the order of a ranking.

    Attributes:
        version: Number of the version that was found.
        signals: Each signal's own value: "dense" is a cosine, "lexical" a BM25 score, "beside" is
            the better neighbour's own score, "session" a share from 0 to 1 of the best session's.
        chunks: Its chunks, best first, by place in the text.
        rank_dense: Its rank by cosine alone, from 1.
        rank_lexical: Its rank by BM25 alone, from 1; None if it holds no word of the question.
    """

    version: int
    score: float
    signals: dict[str, float]
    chunks: tuple[int, ...]
    rank_dense: int = 0
    rank_lexical: int | None = None


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

    A memory takes the best sum of cosine and BM25 among its chunks, a part of its better
    neighbour's, and a part of what its session says as a whole. What is not visible neither counts
    nor lends anything. The formula and its reason stand in `text/fuse.py`.
    """
    rows = np.flatnonzero(visible)
    if not len(rows) or limit < 1:
        return []
    evidence = _evidence(index, embedding, word_ids, visible, rows)
    total = fuse(evidence.signals, WEIGHTS)
    best = best_first(total, evidence.position, limit)
    if room is not None:
        lengths = np.add.reduceat(index.lexical.lengths[rows], evidence.starts)
        best = best[: 1 + int(np.searchsorted(np.cumsum(lengths[best] + _LINE), room))]
    return _explained(evidence, total, best)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is known of every visible memory, by chunk and as a whole.

    Attributes:
        starts: Where each memory's chunks start in `chunk`.
        chunk: What each chunk says by itself, cosine and BM25 together.
        dense: The memory's best cosine.
        lexical: Its best BM25.
        signals: What is fused, by name.
    """

    versions: NDArray[np.int64]
    position: NDArray[np.int64]
    starts: NDArray[np.int64]
    chunk: Scores
    dense: Scores
    lexical: Scores
    signals: dict[str, Scores]


def _evidence(
    index: UserIndex,
    embedding: NDArray[np.float32],
    word_ids: NDArray[np.uint32],
    visible: NDArray[np.bool_],
    rows: NDArray[np.int64],
) -> _Evidence:
    """Score every chunk, then every memory by its best chunk, neighbours and session."""
    dense = index.dense.scores(embedding)[rows]
    lexical = index.lexical.scores(word_ids, visible)[rows]
    chunk = spread(dense) + np.float32(WEIGHTS["lexical"]) * share(lexical)
    starts = np.flatnonzero(index.column("chunk")[rows] == 0)
    firsts = rows[starts]
    sessions = index.column("session")[firsts]
    whole = index.lexical.group_scores(word_ids, index.column("session"), visible)
    own = best_chunk(chunk, starts)
    return _Evidence(
        versions=index.column("version")[firsts],
        position=index.column("position")[firsts],
        starts=starts,
        chunk=chunk,
        dense=best_chunk(dense, starts),
        lexical=best_chunk(lexical, starts),
        signals={
            "own": own,
            "beside": beside(_order(index, visible, firsts), sessions, own),
            "session": share(whole)[sessions],
        },
    )


def _order(
    index: UserIndex, visible: NDArray[np.bool_], firsts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The visible memories, numbered as in `firsts`, by session, then by place in it."""
    order = index.session_order()
    numbers = np.empty(len(visible), np.int64)
    numbers[firsts] = np.arange(len(firsts))
    return numbers[order[visible[order]]]


def _explained(evidence: _Evidence, total: Scores, best: NDArray[np.int64]) -> list[Ranked]:
    """The chosen memories with the evidence for each."""
    stops = np.append(evidence.starts[1:], len(evidence.chunk))
    by_dense, by_lexical = places(evidence.dense, best), places(evidence.lexical, best)
    return [
        Ranked(
            version=int(evidence.versions[i]),
            score=float(total[i]),
            signals=_signals(evidence, i),
            chunks=_chunks(evidence.chunk[evidence.starts[i] : stops[i]]),
            rank_dense=dense,
            rank_lexical=lexical if evidence.lexical[i] > 0 else None,
        )
        for i, dense, lexical in zip(best.tolist(), by_dense, by_lexical, strict=True)
    ]


def _signals(evidence: _Evidence, i: int) -> dict[str, float]:
    """Each signal's own value for one memory."""
    return {
        "dense": float(evidence.dense[i]),
        "lexical": float(evidence.lexical[i]),
        "beside": float(evidence.signals["beside"][i]),
        "session": float(evidence.signals["session"][i]),
    }


def _chunks(scores: Scores) -> tuple[int, ...]:
    """A memory's chunks, best first, by place in the text."""
    if len(scores) == 1:
        return (0,)
    return tuple(np.argsort(-scores, kind="stable").tolist())
