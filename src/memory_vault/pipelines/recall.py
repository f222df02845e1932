"""The pipeline behind `recall`: embed the question, then look up, rank and pack in one hop.

With a reranker there is one hop more before, which reads what it is to score.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .._stages import stage
from .._times import to_micros, to_moment
from .._tracing import part
from ..models import Memory, RecallResult
from ..storage.index.dense import cosines_between
from ..storage.index.rank import Question, Ranking, rank
from ..storage.index.user_index import Filters, UserIndex
from ..text.budget import pack
from ..text.dates import read_time_spans
from ..text.near_copy import near_copies
from ..text.newest import newest_first
from ..text.reorder import reorder
from ..text.speakers import asked_about, search_terms
from ..text.words import numbered
from .block import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..embed import Embedder, Fingerprint
    from ..engine import Engine
    from ..storage.index import Found
    from ..storage.sqlite.transaction import Transaction

_SPARE = 2
"""Memories ranked for each one asked for, so that near-copies and misfits leave no gap."""
_ROOM = 2
"""Tokens ranked for each one of the budget, so that there is something to choose from."""
_COMPARED = 1_000
"""Only so many of the best are compared with each other."""
_COPY_COSINE = 0.8
"""Only memories whose best chunks are this near are compared word by word."""
_ALIKE_COSINE = 0.75
"""Two facts told by one speaker that are this near are taken to be about the same thing."""
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """A checked recall."""

    query: str
    top_k: int
    token_budget: int
    filters: Filters = field(default_factory=Filters)
    shows_user: bool = False
    shows_date: bool = False


async def recall(engine: Engine, user_id: str, request: Request) -> RecallResult:
    """Answer one request."""
    return await engine.embedders.for_user(user_id, partial(_recall, engine, user_id, request))


async def _recall(
    engine: Engine, user_id: str, request: Request, embedder: Embedder
) -> RecallResult:
    """Answer one request with one embedder."""
    await embedder.open()
    with stage("recall", "embed"):
        embedding = await embedder.embed_query(request.query)
    index = engine.indexes.get(user_id, embedder.fingerprint.dimension)
    near = None
    if engine.outer is not None and len(index) > (index.few_rows or 0):
        with stage("recall", "outer index"):
            near = await engine.outer.search(user_id, embedding)
    search = _Search(engine, index, request, embedder.fingerprint, embedding, near)
    scores = {}
    if engine.reranker is not None:
        texts = await engine.store.read(user_id, search.best_texts, holding=index.lock)
        with stage("recall", "rerank"):
            found = await engine.reranker.rerank(request.query, list(texts.values()))
        scores = dict(zip(texts, found.tolist(), strict=True))
    answer = partial(search.answer, scores)
    with stage("recall", "search"):
        return await engine.store.read(user_id, answer, holding=index.lock)


@dataclass(frozen=True, slots=True)
class _Search:
    """One request over one user's index. Its methods run in a worker thread, in a transaction."""

    engine: Engine
    index: UserIndex
    request: Request
    space: Fingerprint
    embedding: NDArray[np.float32]
    near: Found | None

    def best_texts(self, user: Transaction) -> dict[int, str]:
        """What a reranker is to read: the best chunks of the best memories, by version."""
        ranking = self._ranking(user)
        versions = ranking.versions[: self.engine.config.rerank_top].tolist()
        memories = user.memories.versions(versions)
        return {
            version: _best_chunk(user, memories[version], version, ranking.chunks(place)[0])
            for place, version in enumerate(versions)
        }

    def answer(self, reranked: Mapping[int, float], user: Transaction) -> RecallResult:
        """Look up, put in order, pack."""
        with part("recall", "rank"):
            ranking = _by_reranker(self._ranking(user), reranked)
            ranking, near = _newest_first(self.index, ranking)
            facts = _read_facts(self.index, ranking)
            places = _without_copies(user, self.index, ranking, near, facts)
        with part("recall", "pack"):
            block = Block(self.engine, user, self.index, self.request, ranking, places, facts)
            packed = pack(
                block.candidates(),
                block.write,
                token_budget=self.request.token_budget,
                costs=self.engine.line_costs,
                max_items=self.request.top_k,
                first=block.opening(),
            )
            return block.result(packed)

    def _ranking(self, user: Transaction) -> Ranking:
        """The best memories, by all signals."""
        user.require_embedder(self.space)
        self.index.refresh(user.feed, self.near)
        seen = self.index.visible(replace(self.request.filters, include_compressed=True))
        archived = None if self.request.filters.include_compressed else self.index.archived(seen)
        return rank(
            self.index,
            _understand(self.index, self.request, self.embedding, user.now),
            seen,
            archived=archived if archived is not None and archived.any() else None,
            limit=self.request.top_k * _SPARE,
            room=self.request.token_budget * _ROOM,
        )


def _understand(
    index: UserIndex, request: Request, embedding: NDArray[np.float32], now: int
) -> Question:
    """What a request looks for, whose words it asks for, from which moment and of which times."""
    speakers = asked_about(request.query, map(str, index.roles))
    moment = request.filters.moment(now)
    spans = read_time_spans(request.query, to_moment(moment))
    return Question(
        embedding=embedding,
        words=numbered(search_terms(request.query, speakers)),
        speakers=speakers,
        moment=moment,
        spans=tuple((to_micros(one.start), to_micros(one.end)) for one in spans),
    )


def _best_chunk(user: Transaction, memory: Memory, version: int, chunk: int) -> str:
    """The part of a memory that answers best."""
    spans = user.memories.chunk_spans(version)
    start, stop = spans[chunk] if chunk < len(spans) else (0, len(memory.content))
    return memory.content[start:stop]


def _by_reranker(ranking: Ranking, scores: Mapping[int, float]) -> Ranking:
    """The memories that a reranker has read in their new order; the others stay where they are."""
    read = [place for place, version in enumerate(ranking.versions.tolist()) if version in scores]
    if not read:
        return ranking
    found = [scores[int(ranking.versions[place])] for place in read]
    ranking.reranked[read] = found
    order = np.arange(len(ranking))
    order[read] = [read[place] for place in reorder(ranking.scores[read], found)]
    return ranking.reordered(order, ranking.scores)


def _newest_first(index: UserIndex, ranking: Ranking) -> tuple[Ranking, NDArray[np.float32]]:
    """The ranking with each fact before the older ones it replaces, and how near each two are."""
    rows = ranking.rows[:_COMPARED]
    vectors = index.dense.vectors(rows)
    near = cosines_between(vectors)
    facts = np.flatnonzero(index.facts(rows) & ~index.summaries(rows))
    roles = index.column("role")[rows[facts]]
    alike = (near[np.ix_(facts, facts)] >= _ALIKE_COSINE) & (roles[:, None] == roles)
    if np.count_nonzero(alike) <= len(facts):
        return ranking, near
    days = index.column("happened")[rows[facts]] // _DAY
    lifted = ranking.scores.copy()
    lifted[facts], before = newest_first(ranking.scores[facts], days, alike)
    ties = np.zeros(len(ranking), np.int64)
    ties[facts] = before
    order = np.lexsort((ties, -lifted))
    head = order[: len(rows)]
    return ranking.reordered(order, lifted[order]), near[np.ix_(head, head)]


def _read_facts(index: UserIndex, ranking: Ranking) -> Set[int]:
    """The versions found that state a fact which was read from others."""
    return set(ranking.versions[index.column("read")[ranking.rows]].tolist())


def _without_copies(
    user: Transaction,
    index: UserIndex,
    ranking: Ranking,
    near: NDArray[np.float32],
    facts: Set[int],
) -> list[int]:
    """Places in a ranking, of those that say nearly the same only the newest, where the best was.

    The one word that differs may be the one that was corrected. A fact that was read from others
    never stands in for what was said.
    """
    suspects = np.flatnonzero((near >= _COPY_COSINE).sum(0) > 1).tolist()
    if not suspects:
        return list(range(len(ranking)))
    is_fact = [int(version) in facts for version in ranking.versions[suspects]]
    order = sorted(range(len(suspects)), key=lambda at: (is_fact[at], at))
    terms = user.memories.words(int(ranking.versions[suspects[at]]) for at in order)
    copies = near_copies([np.frombuffer(one, "<u4") for one in terms.values()])
    places = list(range(len(ranking)))
    happened = index.column("happened")[ranking.rows[suspects]].tolist()
    gone = set[int]()
    for at, first in zip(order, copies, strict=True):
        if first is None:
            continue
        best = order[first]
        gone.add(suspects[at])
        if happened[at] > happened[best] and not is_fact[at]:
            places[suspects[best]] = suspects[at]
            happened[best] = happened[at]
    return [place for at, place in enumerate(places) if at not in gone]
