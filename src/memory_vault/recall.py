"""The pipeline behind `recall`: embed the question, then look up, rank and pack in one hop."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ._times import to_micros, to_moment
from .block import Block
from .models import RecallResult
from .storage.index.rank import Question, Ranking, rank
from .storage.index.user_index import Filters, UserIndex
from .text.budget import pack
from .text.dates import read_time_spans
from .text.near_copy import near_copies
from .text.speakers import asked_about, search_terms
from .text.words import numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .engine import Engine
    from .storage.sqlite.transaction import Transaction

_SPARE = 2
"""Memories ranked for each one asked for, so that near-copies and misfits leave no gap."""
_ROOM = 4
"""Tokens ranked for each one of the budget, so that there is something to choose from."""
_COPY_COSINE = 0.8
"""Only memories whose best chunks are this near are compared word by word."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked recall."""

    query: str
    top_k: int
    token_budget: int
    filters: Filters = field(default_factory=Filters)


async def recall(engine: Engine, user_id: str, request: Request) -> RecallResult:
    """Answer one request."""
    await engine.embedder.open()
    embedding = await engine.embedder.embed_query(request.query)
    index = engine.indexes.get(user_id, engine.embedder.fingerprint.dimension)
    answer = partial(_answer, engine, index, request, embedding)
    return await engine.store.read(user_id, answer, holding=index.lock)


def _answer(
    engine: Engine,
    index: UserIndex,
    request: Request,
    embedding: NDArray[np.float32],
    user: Transaction,
) -> RecallResult:
    """Everything after the embedding, in one worker thread and one transaction."""
    user.require_embedder(engine.embedder.fingerprint)
    index.refresh(user.feed)
    question = _understand(index, request, embedding, user.now)
    ranking = rank(
        index,
        question,
        index.visible(request.filters),
        limit=request.top_k * _SPARE,
        room=request.token_budget * _ROOM,
    )
    places = _without_copies(user, index, ranking)
    block = Block(engine, user, index, request, ranking, places)
    packed = pack(
        block.candidates(),
        block.write,
        token_budget=request.token_budget,
        costs=engine.line_costs,
        max_items=request.top_k,
    )
    return block.result(packed)


def _understand(
    index: UserIndex, request: Request, embedding: NDArray[np.float32], now: int
) -> Question:
    """What a request looks for, whose words it asks for, from which moment and of which times."""
    speakers = asked_about(request.query, map(str, index.roles.keys))
    moments = (request.filters.as_of, request.filters.known_at, now)
    moment = next(moment for moment in moments if moment is not None)
    spans = read_time_spans(request.query, to_moment(moment))
    return Question(
        embedding=embedding,
        words=numbered(search_terms(request.query, speakers)),
        speakers=speakers,
        moment=moment,
        spans=tuple((to_micros(one.start), to_micros(one.end)) for one in spans),
    )


def _without_copies(user: Transaction, index: UserIndex, ranking: Ranking) -> list[int]:
    """Places in a ranking but those that say nearly the same as a better one."""
    vectors = index.dense.vectors(ranking.rows)
    near = vectors @ vectors.T >= _COPY_COSINE
    suspects = np.flatnonzero(near.sum(0) > 1).tolist()
    terms = user.memories.words(int(ranking.versions[place]) for place in suspects)
    copies = near_copies([np.frombuffer(one, "<u4") for one in terms.values()])
    gone = {place for place, first in zip(suspects, copies, strict=True) if first is not None}
    return [place for place in range(len(ranking)) if place not in gone]
