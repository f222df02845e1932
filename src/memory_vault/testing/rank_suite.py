"""What ranking by estimates first must do: subclass, provide `index`, run pytest."""

from __future__ import annotations

import numpy as np
import pytest

from ..storage.index.rank import Question, Ranking, rank
from ..storage.index.user_index import Filters, UserIndex
from .index_suite import FILTERS, ListedTruth, unit_rows

_EVERYTHING = 1_000_000
_WIDE = (
    Filters(),
    Filters(include_compressed=True, current_session="a"),
    Filters(known_at=2_500, include_compressed=True),
    Filters(as_of=1_500, include_compressed=True),
    Filters(roles=("user", "Ann")),
)


class RankConformance:
    """Promises of `rank` over an index that estimates; the model is an exact one.

    1. Every memory found counts for what the whole formula gives it, to the last digit shown.
    2. The best one is found, whatever is filtered, replaced, forgotten or dropped; with 40 looked
       at exactly, the next two are too, but for one question in ten at most.
    3. Asked for so many that estimating saves nothing, it looks at every memory.
    """

    dimension = 256

    @pytest.fixture
    def index(self) -> UserIndex:
        """An empty index that estimates from 150 rows on or fewer."""
        raise NotImplementedError("provide an empty index")

    def filled(self, index: UserIndex, seed: int) -> tuple[UserIndex, ListedTruth]:
        """The model beside the index, both brought up to date again and again; and the truth."""
        truth = ListedTruth(self.dimension, seed=seed, batch=90)
        model = UserIndex(self.dimension)
        for step in range(420):
            truth.act()
            if step % 140 == 99:
                question = self.question(step, truth)
                self.refresh(index, truth, question)
                rank(
                    index,
                    question,
                    index.visible(Filters()),
                    limit=3,
                    candidates=10,
                )
        self.refresh(index, truth)
        model.refresh(truth)
        assert index.dense.estimates_pay(np.flatnonzero(index.column("alive")))
        assert not model.dense.estimates_pay(np.flatnonzero(model.column("alive")))
        return model, truth

    def refresh(
        self, index: UserIndex, truth: ListedTruth, question: Question | None = None
    ) -> None:
        """Bring the index up to date, with whatever else it needs for a question."""
        index.refresh(truth)

    def question(self, seed: int, truth: ListedTruth) -> Question:
        """A random question near some memory, with all that can be asked for."""
        random = np.random.default_rng(seed)
        near = np.frombuffer(truth.rows[random.choice(list(truth.rows))].chunks[0][0], "<f4")
        embedding = near + unit_rows(1, self.dimension, seed=seed)[0]
        return Question(
            embedding=embedding / np.linalg.norm(embedding),
            words=random.integers(0, 40, 3).astype(np.uint32),
            speakers=frozenset({"Ann"} if seed % 2 else ()),
            moment=5_000 if seed % 3 else None,
            spans=((100, 900),) if seed % 5 == 0 else (),
        )

    @staticmethod
    def scores(ranking: Ranking) -> dict[int, float]:
        """What each version found counts for."""
        return dict(zip(ranking.versions.tolist(), ranking.scores.tolist(), strict=True))

    @pytest.mark.parametrize("seed", range(4))
    def test_1_every_score_is_the_whole_formula(self, index: UserIndex, seed: int) -> None:
        model, truth = self.filled(index, seed)
        for filters in (*_WIDE, *FILTERS):
            question = self.question(seed, truth)
            self.refresh(index, truth, question)
            whole = rank(model, question, model.visible(filters), limit=_EVERYTHING)
            found = rank(index, question, index.visible(filters), limit=2, candidates=16)
            expected = self.scores(whole)
            assert len(found) == min(2, len(whole))
            for version, score in self.scores(found).items():
                assert score == pytest.approx(expected[version], abs=2e-4)
            assert found.cosine == pytest.approx(whole.cosine, abs=1e-4)
            assert found.coverage == pytest.approx(whole.coverage, abs=1e-6)

    @pytest.mark.parametrize("seed", range(4))
    def test_2_the_best_are_found(self, index: UserIndex, seed: int) -> None:
        model, truth = self.filled(index, seed)
        for version in [n for n, row in truth.rows.items() if row.superseded_at is None][::2]:
            truth.forget(version)
        for _ in range(300):
            truth.act()
        model.refresh(truth)
        missed = 0
        for filters in _WIDE:
            for number in range(6):
                question = self.question(100 * seed + number, truth)
                self.refresh(index, truth, question)
                whole = rank(model, question, model.visible(filters), limit=3)
                found = rank(index, question, index.visible(filters), limit=3, candidates=40)
                both = (model, whole), (index, found)
                assert found.versions[:1].tolist() == whole.versions[:1].tolist()
                assert found.scores.tolist() == pytest.approx(whole.scores.tolist(), abs=0.1)
                assert found.signals([0])[0] == pytest.approx(whole.signals([0])[0], abs=2e-4)
                assert found.chunks(0) == whole.chunks(0)
                chunks = [one.column("chunk")[r.rows].tolist() for one, r in both]
                missed += found.versions.tolist() != whole.versions.tolist()
                missed += chunks[0] != chunks[1]
        assert missed <= 2

    def test_3_many_asked_for_are_all_looked_at(self, index: UserIndex) -> None:
        model, truth = self.filled(index, 9)
        question = self.question(9, truth)
        self.refresh(index, truth, question)
        whole = rank(model, question, model.visible(Filters()), limit=_EVERYTHING)
        found = rank(index, question, index.visible(Filters()), limit=_EVERYTHING)
        assert self.scores(found) == pytest.approx(self.scores(whole), abs=2e-4)
