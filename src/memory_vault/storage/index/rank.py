"""Rank the memories of one user for a question: all signals over all visible chunks at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...text.fuse import best_first, fuse, share, spread, top, within
from ...text.pool import beside, best_chunk
from .user_index import UserIndex
from .view import View

WEIGHTS = {
    "own": 1.0,
    "lexical": 0.85,
    "beside": 0.5,
    "beyond": 0.1,
    "session": 0.7,
    "importance": 0.9,
    "speaker": 0.4,
    "recency": 0.45,
    "time": 1.0,
}
"""What the best of each signal is worth, beside the best cosine with 1; see `text/fuse.py`."""
_LINE_TOKENS = 15
"""What a line takes besides the text of its memory."""
_MOST = 8
"""One memory counts as at most this fraction of the room."""
_LEAST = 100
"""So many are given in any case: where memories are long, a short one may come late."""
CANDIDATES, _CANDIDATES_EACH = 700, 3
"""So many memories are looked at exactly, at least, and for each one asked for."""
_SAID = 100
"""Of what was said so many are looked at for their cosine alone: the best of it must be there."""
_WORTH_IT = 3
"""Estimates come first where there are this many times as many memories."""
_ARCHIVED_SHARE = 0.8
"""How near the best of the others an archived memory must come; docs/adr/0013-compression.md."""
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. Times in microseconds UTC.

    Attributes:
        embedding: Shape (dimension,), unit length.
        words: Hashed search terms; shape (n,).
        speakers: Roles whose words are asked for.
        moment: When it is asked.
        spans: Times it speaks of, as [start, stop).
    """

    embedding: NDArray[np.float32]
    words: NDArray[np.uint32]
    speakers: frozenset[str] = frozenset()
    moment: int | None = None
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Memories in their order for a question, best first.

    Attributes:
        versions: Number of the version that was found, of each.
        rows: Row of its best chunk in the index, of each.
        scores: What each counts for: the sum of its weighted signals, unless it was moved.
        reranked: A reranker's score of each; NaN for those that it has not read.
        cosine: The best cosine of any visible chunk, here or not.
        coverage: The largest share of the question's words that one visible chunk holds.
    """

    versions: NDArray[np.int64]
    rows: NDArray[np.int64]
    scores: Scores
    reranked: Scores
    cosine: float
    coverage: float
    _order: NDArray[np.int64]
    _evidence: _Evidence

    def __len__(self) -> int:
        return len(self.versions)

    def reordered(self, order: NDArray[np.int64], scores: Scores) -> Ranking:
        """The same memories in another order; `scores` in that order, descending."""
        return replace(
            self,
            versions=self.versions[order],
            rows=self.rows[order],
            scores=scores,
            reranked=self.reranked[order],
            _order=self._order[order],
        )

    def signals(self, places: Sequence[int]) -> list[dict[str, float]]:
        """Each signal's own value of the memories at some places, from 0.

        "dense" is a cosine, "lexical" a BM25 score, "beside" and "beyond" are the better
        neighbour's own score one and two turns away, "session" is a share of the best session's
        BM25, "rerank" is a reranker's own score; the others run from 0 to 1. What was
        not asked for is left out.
        """
        at, found = self._order[places], self._evidence
        named = {"dense": found.dense, "lexical": found.lexical, **found.signals}
        named.pop("own", None)
        columns = [scores[at].tolist() for scores in named.values()]
        values = [dict(zip(named, row, strict=True)) for row in zip(*columns, strict=True)]
        for one, score in zip(values, self.reranked[places].tolist(), strict=True):
            if not math.isnan(score):
                one["rerank"] = score
        return values

    def chunks(self, place: int) -> list[int]:
        """The chunks of the memory at a place, best first, by place in its text."""
        found, i = self._evidence, self._order[place]
        start = found.starts[i]
        stop = found.starts[i + 1] if i + 1 < len(found.starts) else len(found.chunk)
        order: list[int] = np.argsort(-found.chunk[start:stop], kind="stable").tolist()
        return order


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

    starts: NDArray[np.int64]
    chunk: Scores
    dense: Scores
    lexical: Scores
    signals: dict[str, Scores]


_NONE, _ZERO = np.zeros(0, np.int64), np.zeros(0, np.float32)
_NOTHING = Ranking(
    _NONE, _NONE, _ZERO, _ZERO, 0.0, 0.0, _NONE, _Evidence(_NONE, _ZERO, _ZERO, _ZERO, {})
)


def rank(
    index: UserIndex,
    question: Question,
    visible: NDArray[np.bool_],
    *,
    limit: int,
    room: int | None = None,
    archived: NDArray[np.bool_] | None = None,
    candidates: int = CANDIDATES,
) -> Ranking:
    """The best visible memories, at most `limit`, best first; ties by place in the vault.

    No more than fill `room` tokens, each counted as an eighth of them at most, but 100 in any case:
    what cannot go into a prompt block need not be looked at. In a large index only `candidates`
    memories, or three for each one asked for, are looked at exactly; see `_cosines`.

    A memory takes the best sum of cosine and BM25 among its chunks, parts of its neighbours', a
    part of what its session says as a whole, and what speaks for it whatever the question: how
    much it says, who said it and when. What is not visible neither counts nor lends anything. What
    was read from memories is measured by what was said, so that it never changes the order of that;
    it may score higher than the best. The formula and its reason stand in `text/fuse.py`.

    Of what is `archived`, only what scores at least 0.8 of the best of the others is given: for
    the rest its summary stands.
    """
    view = index.view(visible)
    if not len(view) or limit < 1:
        return _NOTHING
    words = _words(view, question)
    many = max(candidates, _CANDIDATES_EACH * limit)
    view, typical, dense = _cosines(index, question, view, words, many)
    found = _evidence(index, question, view, words, dense, typical)
    total = fuse(found.signals, WEIGHTS)
    if view.complete is not None:
        total[~view.complete] = -np.inf
    if archived is not None:
        is_archived = archived[view.firsts]
        total = _second_look(total, is_archived)
        found.signals["archived"] = is_archived.astype(np.float32)
        limit = min(limit, int(np.count_nonzero(total >= 0)))
    best = best_first(total, view.column("position"), limit)
    firsts = view.firsts[best]
    if room is not None:
        tokens = index.column("tokens")[firsts].astype(np.int64)
        tokens = np.minimum(tokens, room // _MOST) + _LINE_TOKENS
        best = best[: max(_LEAST, 1 + int(np.searchsorted(np.cumsum(tokens), room)))]
        firsts = firsts[: len(best)]
    return Ranking(
        versions=index.column("version")[firsts],
        rows=_best_rows(found, view.firsts, best),
        scores=total[best],
        reranked=np.full(len(best), np.nan, np.float32),
        cosine=float(found.dense.max()),
        coverage=words.coverage,
        _order=best,
        _evidence=found,
    )


def _second_look(total: Scores, archived: NDArray[np.bool_]) -> Scores:
    """Scores, but -1 for archived memories that are clearly worse than the best of the others."""
    least = _ARCHIVED_SHARE * total[~archived].max(initial=0)
    found: Scores = np.where(archived & (total < least), np.float32(-1), total)
    return found


@dataclass(frozen=True, slots=True)
class _Words:
    """What the words of a question find.

    Attributes:
        lexical: BM25 of every row of the index.
        best: The best of what was said.
        sessions: BM25 of every session, as a share of the best of what was said.
        coverage: The largest share of the words that one row holds.
    """

    lexical: Scores
    best: float
    sessions: Scores
    coverage: float


def _words(view: View, question: Question) -> _Words:
    found = view.texts.find(question.words)
    lexical, sessions = view.texts.scores(found), view.sessions.scores(found)
    return _Words(
        lexical,
        best=view.texts.best(lexical),
        sessions=share(sessions, best=view.sessions.best(sessions)),
        coverage=view.texts.coverage(found),
    )


def _cosines(
    index: UserIndex, question: Question, view: View, words: _Words, many: int
) -> tuple[View, float | None, Scores]:
    """The cosines of all visible chunks, or those of the memories that may be among the best.

    In a large view every memory is ranked by the same formula with estimated cosines
    first; those that come far enough forward, or whose estimate alone does, are looked at again
    with their neighbours and exact cosines. The typical cosine is then estimated from a sample.
    """
    if not view.is_large or len(view) <= _WORTH_IT * many:
        return view, None, view.cosines(question.embedding)
    rough, typical = view.estimates(question.embedding)
    found = _evidence(index, question, view, words, rough, typical)
    total = fuse(found.signals, WEIGHTS)
    chosen = best_first(total, view.column("position"), many)
    nearest = [(found.dense, many // 2)]
    if view.said is not None:  # the best of what was said is what all are measured by
        said = np.where(view.said[view.starts], found.dense, np.float32(-1))
        nearest.append((said, min(many // 2, _SAID)))
    for near, most in nearest:
        if count := min(most, int(np.count_nonzero(near > typical))):
            chosen = np.concatenate([chosen, top(near, count)])
    view = view.around(chosen)
    return view, typical, view.cosines(question.embedding)


def _evidence(
    index: UserIndex,
    question: Question,
    view: View,
    words: _Words,
    cosines: Scores,
    typical: float | None,
) -> _Evidence:
    """Score every chunk, then every memory by its best chunk and by what is around it."""
    lexical = view.pick(words.lexical)
    chunk = spread(cosines, typical=typical, among=view.said)
    chunk += np.float32(WEIGHTS["lexical"]) * share(lexical, best=words.best)
    own = best_chunk(chunk, view.starts)
    return _Evidence(
        starts=view.starts,
        chunk=chunk,
        dense=best_chunk(cosines, view.starts),
        lexical=best_chunk(lexical, view.starts),
        signals={
            "own": own,
            **_around(view, words, own),
            **_prior(index, question, view),
        },
    )


def _around(view: View, words: _Words, own: Scores) -> dict[str, Scores]:
    """What the neighbours and the session of every memory lend it."""
    return {
        "beside": beside(own, view.neighbours(1)),
        "beyond": beside(own, view.neighbours(2)),
        "session": words.sessions.take(view.column("session")),
    }


def _prior(index: UserIndex, question: Question, view: View) -> dict[str, Scores]:
    """What speaks for a memory besides its words; only what the question gives reason for."""
    found = {"importance": view.column("importance")}
    if question.speakers:
        asked = index.roles.among(view.column("role"), question.speakers)
        found["speaker"] = asked.astype(np.float32)
    if question.moment is not None:
        found["recency"] = view.recency(question.moment)
    if question.spans:
        found["time"] = within(view.column("happened"), question.spans)
    return found


def _best_rows(
    found: _Evidence, firsts: NDArray[np.int64], best: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The row of the best chunk of some memories; the chunks of a memory follow each other."""
    rows = firsts[best]
    if len(found.starts) < len(found.chunk):
        stops = np.append(found.starts[1:], len(found.chunk))[best]
        for i, (start, stop) in enumerate(zip(found.starts[best], stops, strict=True)):
            rows[i] += int(np.argmax(found.chunk[start:stop]))
    return rows
