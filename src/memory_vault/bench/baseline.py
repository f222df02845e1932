"""What recall is compared with: BM25 and cosine over turns, added up, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ..storage.index.lexical import Postings
from ..text.budget import LineCosts
from ..text.prompt import GROUP_WRAPPERS, WRAPPER, Line, conversation_head, escape, render
from ..text.speakers import STANDARD_ROLES
from ..text.tokens import TokenCounter
from ..text.words import word_ids
from .embedding_cache import CachedEmbedder
from .eval_file import Chain, EvalFile, Place, Question, Turn, plan
from .metrics import BUDGETS, Block, Judged, Row, row, unique

Scores = NDArray[np.float32]
_TAGS = "\n".join((WRAPPER[0], *GROUP_WRAPPERS["conversations"], WRAPPER[1]))


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn of a haystack.

    Attributes:
        words: Hashed search terms.
        line: How it stands in a block.
        cost: Tokens that the line adds.
    """

    turn: str
    session: str
    words: NDArray[np.uint32]
    line: Line
    cost: int


async def run(
    file: EvalFile, embedder: CachedEmbedder, counter: TokenCounter, progress: Callable[[int], None]
) -> list[Row]:
    """Judge every question by plain retrieval over turns; one row each, in the order of the file.

    A turn is one text, after its speaker's name where it has one, and one embedding, cut to what
    the embedder takes in. There is no vault, and dates count for nothing.
    """
    found: dict[str, Row] = {}
    costs = LineCosts(counter)
    for chain in plan(file.questions):
        rows = await _Plain(file, embedder, costs, progress).run(chain)
        found |= {one["id"]: one for one in rows}
    return [found[one.id] for one in file.questions]


class _Plain:
    """The growing haystack of one chain."""

    def __init__(
        self,
        file: EvalFile,
        embedder: CachedEmbedder,
        costs: LineCosts,
        progress: Callable[[int], None],
    ) -> None:
        self._file, self._embedder, self._costs = file, embedder, costs
        self._progress = progress
        self._entries: list[Entry] = []
        self._embeddings: list[Scores] = []

    async def run(self, chain: Chain) -> list[Row]:
        rows = []
        ahead = chain.ahead()
        for step in chain.steps:
            for place in step.places:
                await self._embedder.embed_ahead([self._texts(one) for one in ahead.get(place, ())])
                await self._add(place)
                self._progress(1)
            haystack = await to_thread.run_sync(Haystack, self._entries, self._embeddings)
            for question in step.questions:
                embedding = await self._embedder.embed_query(question.text)
                judged = await to_thread.run_sync(haystack.judge, question, embedding, self._costs)
                rows.append(row(judged))
                self._progress(1)
        return rows

    async def _add(self, place: Place) -> None:
        """Add the turns of one session."""
        turns, texts = self._file.shown(place), self._texts(place)
        self._embeddings.append(await self._embedder.embed(texts))
        self._entries += await to_thread.run_sync(_entries, place, turns, texts, self._costs)

    def _texts(self, place: Place) -> list[str]:
        return [_text(one) for one in self._file.shown(place)]


def _text(turn: Turn) -> str:
    return turn.text if turn.role in STANDARD_ROLES else f"{turn.role}: {turn.text}"


def _entries(
    place: Place, turns: Sequence[Turn], texts: Sequence[str], costs: LineCosts
) -> list[Entry]:
    """Turns ready to be searched and written. Blocking."""
    found = []
    moment = place.moment
    for at, (turn, text) in enumerate(zip(turns, texts, strict=True)):
        order = (int(moment.timestamp()) if moment else 0, at)
        head = conversation_head(moment.date(), place.session_id, turn.role) if moment else "- "
        line = Line("conversations", order, head + escape(turn.text))
        found.append(Entry(turn.id, place.session_id, word_ids(text), line, costs.of(line.text)))
    return found


class Haystack:
    """Turns that a question is answered from. Every method blocks.

    Args:
        entries: The turns.
        embeddings: Theirs, in any number of parts of shape (n, dimension).
    """

    def __init__(self, entries: Sequence[Entry], embeddings: Sequence[Scores]) -> None:
        self._entries = tuple(entries)
        self._embeddings = np.concatenate(embeddings) if entries else np.zeros((0, 1), np.float32)
        self._postings = Postings()
        self._postings.add([one.words for one in self._entries])

    def judge(self, question: Question, embedding: Scores, costs: LineCosts) -> Judged:
        """Rank the turns for a question and fill the blocks."""
        ranked = [self._entries[i] for i in self._ranked(word_ids(question.text), embedding)]
        blocks = {budget: fill(ranked, budget, costs) for budget in BUDGETS}
        return Judged(
            id=question.id,
            type=question.type,
            is_abstention=question.is_abstention,
            gold_sessions=question.gold_sessions,
            gold_turns=question.gold_turns,
            sessions=unique(one.session for one in ranked),
            turns=unique(one.turn for one in ranked),
            blocks=blocks,
        )

    def _ranked(self, words: NDArray[np.uint32], embedding: Scores) -> list[int]:
        if not self._entries:
            return []
        bm25 = self._postings.scores(words, np.ones(len(self._entries), np.bool_))
        return best_first(self._embeddings @ embedding, bm25)


def best_first(dense: Scores, bm25: Scores) -> list[int]:
    """Where the highest sums of both are, each scaled from its worst to its best; ties in order."""
    found: list[int] = np.argsort(-(scaled(dense) + scaled(bm25)), kind="stable").tolist()
    return found


def scaled(scores: Scores) -> Scores:
    """Scores as shares of the way from the worst to the best; all 0 where they are the same."""
    span = np.ptp(scores)
    return (scores - scores.min()) / span if span > 0 else np.zeros_like(scores)


def fill(ranked: Sequence[Entry], budget: int, costs: LineCosts) -> Block:
    """A block of whole turns, taken in order of rank; one that does not fit is passed over."""
    room = budget - costs.of(_TAGS)
    kept: list[Entry] = []
    for one in ranked:
        if one.cost <= room:
            kept.append(one)
            room -= one.cost
    while (tokens := costs.counter.count(render(one.line for one in kept))) > budget:
        kept.pop()
    return Block(frozenset(one.turn for one in kept), tokens)
