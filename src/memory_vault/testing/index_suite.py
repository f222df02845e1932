"""What every part of an in-memory index must do: subclass, provide `index`, run pytest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ..storage.index import (
    CHUNKS_PER_VERSION,
    DenseIndex,
    IndexChange,
    IndexRow,
    LexicalIndex,
    Mark,
)
from ..storage.index.lexical import K1, B
from ..storage.index.user_index import Filters, UserIndex

Rows = list[NDArray[np.uint32]]


def unit_rows(count: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Random embeddings of length 1; shape (count, dimension)."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def word_rows(count: int, *, seed: int) -> Rows:
    """Random texts of hashed words, some empty, with repeats."""
    random = np.random.default_rng(seed)
    return [random.integers(0, 40, random.integers(0, 12)).astype(np.uint32) for _ in range(count)]


def bm25(
    texts: Sequence[Sequence[int]],
    query: Sequence[int],
    seen: Sequence[bool],
    tells: Sequence[bool] | None = None,
) -> list[float]:
    """The formula word for word, without an index: what every index must agree with.

    Args:
        seen: Which texts have a score.
        tells: Which say how common a word is and how long a text; None for those seen.
    """
    counted = [text for text, is_one in zip(texts, tells or seen, strict=True) if is_one]
    mean = max(sum(map(len, counted)) / len(counted), 1.0) if counted else 1.0
    scores = []
    for text, is_seen in zip(texts, seen, strict=True):
        counts, score = Counter(text), 0.0
        for word in set(query) if is_seen else ():
            df = sum(word in one for one in counted)
            idf = math.log(1 + (len(counted) - df + 0.5) / (df + 0.5))
            tf = counts[word]
            score += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(text) / mean))
        scores.append(score)
    return scores


class DenseConformance:
    """The promises of `DenseIndex`."""

    dimension = 8
    tolerance: float = 2e-5

    @pytest.fixture
    def index(self) -> DenseIndex:
        """An empty index of `dimension`."""
        raise NotImplementedError("provide an empty index")

    def test_scores_are_exact_cosines(self, index: DenseIndex) -> None:
        rows = unit_rows(5_000, self.dimension, seed=1)
        index.add(rows)
        assert index.scores(rows[7]) == pytest.approx(rows @ rows[7], abs=self.tolerance)

    def test_nothing_added_gives_no_scores(self, index: DenseIndex) -> None:
        index.add(np.zeros((0, self.dimension), np.float32))
        assert index.scores(np.ones(self.dimension, np.float32)).shape == (0,)

    def test_batches_do_not_matter(self, index: DenseIndex) -> None:
        rows = unit_rows(9_000, self.dimension, seed=2)
        for start, stop in pairwise((0, 1, 1, 3, 70, 4_096, 4_097, 9_000)):
            index.add(rows[start:stop])
        assert index.scores(rows[0]) == pytest.approx(rows @ rows[0], abs=self.tolerance)

    @pytest.mark.parametrize("kept", ["some", "all", "none"])
    def test_compact_keeps_order(self, index: DenseIndex, kept: str) -> None:
        rows = unit_rows(9_000, self.dimension, seed=3)
        keep = {"some": np.arange(9_000) % 3 == 0}.get(kept, np.full(9_000, kept == "all"))
        index.add(rows)
        index.compact(keep)
        index.add(rows[:2])
        left = np.concatenate([rows[keep], rows[:2]])
        assert index.scores(rows[5]) == pytest.approx(left @ rows[5], abs=self.tolerance)

    def test_4_some_rows_score_as_among_all(self, index: DenseIndex) -> None:
        rows = unit_rows(9_000, self.dimension, seed=4)
        index.add(rows)
        some = np.random.default_rng(1).permutation(9_000)[:700]
        assert index.scores_of(some, rows[3]) == pytest.approx(
            rows[some] @ rows[3], abs=self.tolerance
        )
        assert np.abs(index.vectors(some) - rows[some]).max() <= self.tolerance
        assert index.scores_of(some[:0], rows[3]).shape == (0,)


class SignedDenseConformance(DenseConformance):
    """The promises of `DenseIndex` by one that has signs with 9,000 rows."""

    def test_5_distances_count_signs_that_differ(self, index: DenseIndex) -> None:
        rows = unit_rows(9_000, self.dimension, seed=5)
        rows[np.abs(rows) < 1e-4] = 1e-4  # less may round to 0, which has no sign
        for start, stop in pairwise((0, 1, 3, 4_000, 9_000)):
            index.add(rows[start:stop])
        assert index.has_signs
        keep = np.arange(9_000) % 3 != 1
        index.compact(keep)
        differ = ((rows[keep] >= 0) != (rows[7] >= 0)).sum(1)
        assert index.distances(rows[7]).tolist() == differ.tolist()


class LexicalConformance:
    """The promises of `LexicalIndex`."""

    @pytest.fixture
    def index(self) -> LexicalIndex:
        """An empty index."""
        raise NotImplementedError("provide an empty index")

    @staticmethod
    def check(index: LexicalIndex, rows: Rows, visible: NDArray[np.bool_]) -> None:
        """Compare with the formula for several questions."""
        texts = [row.tolist() for row in rows]
        for query in ([1, 2, 3], [5, 5, 39], [99], []):
            found = index.scores(np.array(query, np.uint32), visible)
            assert found.shape == (len(rows),)
            assert found == pytest.approx(bm25(texts, query, visible.tolist()), abs=1e-4)

    def test_scores_are_bm25(self, index: LexicalIndex) -> None:
        rows = word_rows(60, seed=1)
        index.add(rows)
        self.check(index, rows, np.ones(60, np.bool_))

    def test_nothing_added_gives_no_scores(self, index: LexicalIndex) -> None:
        index.add([])
        self.check(index, [], np.zeros(0, np.bool_))

    def test_only_visible_rows_count(self, index: LexicalIndex) -> None:
        rows = word_rows(60, seed=2)
        index.add(rows)
        self.check(index, rows, np.arange(60) % 4 == 1)
        self.check(index, rows, np.zeros(60, np.bool_))

    def test_batches_do_not_matter(self, index: LexicalIndex) -> None:
        rows = word_rows(150, seed=3)
        for start in range(150):
            index.add(rows[start : start + 1])
        self.check(index, rows, np.ones(150, np.bool_))

    def test_compact_keeps_order(self, index: LexicalIndex) -> None:
        rows = word_rows(80, seed=4)
        keep = np.arange(80) % 3 != 0
        index.add(rows)
        index.compact(keep)
        index.add(rows[:5])
        left = [row for row, is_kept in zip(rows, keep, strict=True) if is_kept] + rows[:5]
        self.check(index, left, np.ones(len(left), np.bool_))

    def test_groups_are_scored_as_one_text(self, index: LexicalIndex) -> None:
        rows = word_rows(60, seed=5)
        groups = (np.arange(60) * 7 % 9).astype(np.int32)
        visible = (np.arange(60) % 5 != 0) & (groups != 4)
        index.add(rows)
        texts: list[list[int]] = [[] for _ in range(9)]
        for row, group, is_seen in zip(rows, groups.tolist(), visible, strict=True):
            texts[group] += row.tolist() if is_seen else []
        counts = [group != 4 for group in range(9)]
        for query in ([1, 2, 3], [5, 5, 39], [99]):
            found = index.group_scores(np.array(query, np.uint32), groups, visible)
            assert found == pytest.approx(bm25(texts, query, counts), abs=1e-4)

    def test_6_coverage_is_the_best_share_of_idf_in_one_row(self, index: LexicalIndex) -> None:
        rows = [np.array(row, np.uint32) for row in ([1, 2], [1, 3, 3], [4], [1, 2, 3])]
        index.add(rows)
        visible = np.array([True, True, True, False])
        query = np.array([1, 3, 3, 9], np.uint32)
        weights = [math.log1p((3 - df + 0.5) / (df + 0.5)) for df in (2, 1, 0)]
        found = index.coverage(query, visible)
        assert found == pytest.approx(sum(weights[:2]) / sum(weights), abs=1e-5)
        assert index.coverage(np.array([9], np.uint32), visible) == 0
        assert index.coverage(np.zeros(0, np.uint32), visible) == 0

    @pytest.mark.parametrize("seed", range(5))
    def test_random_operations(self, index: LexicalIndex, seed: int) -> None:
        random = np.random.default_rng(seed)
        rows: Rows = []
        for step in range(30):
            if random.random() < 0.8:
                fresh = word_rows(int(random.integers(0, 9)), seed=100 * seed + step)
                index.add(fresh)
                rows += fresh
            else:
                keep = random.random(len(rows)) < 0.7
                index.compact(keep)
                rows = [row for row, is_kept in zip(rows, keep, strict=True) if is_kept]
            self.check(index, rows, random.random(len(rows)) < 0.8)


class ListedTruth:
    """An index feed that is plainly a list: the model every index must agree with.

    Args:
        seed: Of its random saves, replacements and removals.
        batch: Versions given at a time, at most.
    """

    def __init__(self, dimension: int, *, seed: int = 0, batch: int = 3) -> None:
        self.rows: dict[int, IndexRow] = {}
        self.changes: list[IndexChange] = []
        self.number = 1
        self.checks_left: int | None = None
        self._random = np.random.default_rng(seed)
        self._dimension, self._batch, self._last = dimension, batch, 0

    # what an index reads

    def generation(self) -> int:
        return self.number

    def rows_after(self, version: int, limit: int) -> list[IndexRow]:
        rows = [self.rows[number] for number in sorted(self.rows) if number > version]
        return rows[: min(limit, self._batch)]

    def changes_after(self, seq: int) -> list[IndexChange]:
        return [change for change in self.changes if change.seq > seq]

    def embeddings(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        versions, chunks = np.divmod(numbers, CHUNKS_PER_VERSION)
        found = [
            self.rows[version].chunks[chunk][0]
            for version, chunk in zip(versions.tolist(), chunks.tolist(), strict=True)
        ]
        return np.frombuffer(b"".join(found), "<f4").reshape(-1, self._dimension)

    def end(self) -> Mark:
        return Mark("any", str(self.number), max(self.rows, default=0), self._last)

    def check(self) -> None:
        if self.checks_left is not None:
            self.checks_left -= 1
            if self.checks_left < 0:
                raise TimeoutError("stopped")

    # what a user does

    def save(self, **given: object) -> IndexRow:
        """Store a memory with 1 to 3 chunks; `given` replaces what is random."""
        self._last += 1
        values: dict[str, object] = {
            "version": self._last,
            "memory_id": f"m{self._last}",
            "position": self._last,
            "session_id": self._one_of("a", "b", "c", None),
            "role": self._one_of("user", "assistant", "Ann", "summary"),
            "memory_type": self._one_of("episodic", "semantic", "working"),
            "origin": self._one_of("user", "tool:web", "tool:mail"),
            "importance": 0.5,
            "compressed": self._one_of(False, False, True),
            "is_read": self._last % 8 == 7,
            "occurred_at": self._one_of(None, self._last * 5),
            "recorded_at": self._last * 10,
            "changed_at": self._last * 10,
            "superseded_at": None,
            "valid_from": self._one_of(None, 50),
            "valid_to": self._one_of(None, 400),
            "token_count": self._one_of(1, 30),
            "chunks": tuple(self._chunk() for _ in range(int(self._random.integers(1, 4)))),
        }
        row = IndexRow(**{**values, **given})  # type: ignore[arg-type]
        self.rows[row.version] = row
        return row

    def replace(self, version: int) -> None:
        """Give a current version a successor."""
        old = self.rows[version]
        new = self.save(
            memory_id=old.memory_id,
            position=old.position,
            session_id=old.session_id,
            recorded_at=old.recorded_at,
            is_read=old.is_read,
        )
        self.rows[version] = old._replace(superseded_at=new.changed_at)
        self._note(version, new.changed_at)

    def forget(self, version: int) -> None:
        """Take out a memory with all its versions."""
        position = self.rows[version].position
        for number in [n for n, row in self.rows.items() if row.position == position]:
            del self.rows[number]
            self._note(number, None)

    def act(self) -> None:
        """Do one of these at random."""
        current = [n for n, row in self.rows.items() if row.superseded_at is None]
        choice = self._random.random() if current else 0.0
        if choice < 0.6:
            self.save()
        elif choice < 0.8:
            self.replace(self._one_of(*current))
        else:
            self.forget(self._one_of(*current))

    def seen(self, filters: Filters) -> list[int]:
        """Versions that a search may see, by the words of the contract."""
        found = {n: row for n, row in self.rows.items() if is_visible(row, filters)}
        summarised = {
            _group(row)
            for row in found.values()
            if (row.role, row.memory_type) == ("summary", "semantic")
        }
        return sorted(
            number
            for number, row in found.items()
            if filters.include_compressed or not row.compressed or _group(row) not in summarised
        )

    def _note(self, version: int, superseded_at: int | None) -> None:
        self._last += 1
        self.changes.append(IndexChange(self._last, version, superseded_at))

    def _one_of(self, *choices: Any) -> Any:
        return choices[int(self._random.integers(len(choices)))]

    def _chunk(self) -> tuple[bytes, bytes]:
        embedding = unit_rows(1, self._dimension, seed=int(self._random.integers(1 << 30)))
        words = self._random.integers(0, 40, int(self._random.integers(0, 8)))
        return embedding.astype("<f4").tobytes(), words.astype("<u4").tobytes()


def _group(row: IndexRow) -> str | int:
    """Its session; without one, the save that it came with."""
    return row.recorded_at if row.session_id is None else row.session_id


def is_visible(row: IndexRow, filters: Filters) -> bool:
    """Whether a search with these filters may see a version, were it not for summaries."""
    happened = row.recorded_at if row.occurred_at is None else row.occurred_at
    conditions = [
        row.superseded_at is None if filters.known_at is None else _known(row, filters.known_at),
        filters.memory_types is None or row.memory_type in filters.memory_types,
        filters.roles is None or row.role in filters.roles,
        filters.origins is None
        or row.origin in filters.origins
        or row.origin.split(":")[0] in filters.origins,
        filters.session_id is None or row.session_id == filters.session_id,
        filters.since is None or happened >= filters.since,
        filters.until is None or happened < filters.until,
        filters.as_of is None or (happened <= filters.as_of and _holds(row, filters.as_of)),
        row.memory_type != "working"
        or (row.session_id is not None and row.session_id == filters.current_session),
    ]
    return all(conditions)


def _known(row: IndexRow, moment: int) -> bool:
    is_before_end = row.superseded_at is None or moment < row.superseded_at
    return row.changed_at <= moment and is_before_end


def _holds(row: IndexRow, moment: int) -> bool:
    is_begun = row.valid_from is None or row.valid_from <= moment
    return is_begun and (row.valid_to is None or moment < row.valid_to)


FILTERS = (
    Filters(),
    Filters(include_compressed=True, current_session="a"),
    Filters(known_at=150, include_compressed=True),
    Filters(known_at=300, as_of=200),
    Filters(as_of=100),
    Filters(since=100, until=300),
    Filters(memory_types=("semantic", "working"), current_session="b"),
    Filters(roles=("Ann", "nobody")),
    Filters(origins=("tool",)),
    Filters(origins=("tool:web", "user")),
    Filters(session_id="c"),
    Filters(session_id="nowhere", known_at=1_000),
)


class IndexConformance:
    """The promises of `UserIndex`."""

    dimension = 4

    @pytest.fixture
    def index(self) -> UserIndex:
        """An empty index of `dimension`."""
        raise NotImplementedError("provide an empty index")

    @staticmethod
    def check(index: UserIndex, truth: ListedTruth) -> None:
        """Compare what is visible, and what is held of it, with the truth."""
        for filters in FILTERS:
            visible = index.visible(filters)
            seen = truth.seen(filters)
            assert sorted(set(index.column("version")[visible].tolist())) == seen
            assert np.count_nonzero(visible) == sum(len(truth.rows[n].chunks) for n in seen)
        IndexConformance.check_chunks(index, truth)

    @staticmethod
    def check_chunks(index: UserIndex, truth: ListedTruth) -> None:
        """Every row has the embedding and the words of its chunk."""
        rows = np.flatnonzero(index.column("alive"))
        held = index.dense.vectors(rows)
        for row, embedding in zip(rows.tolist(), held, strict=True):
            version = truth.rows[int(index.column("version")[row])]
            expected, words = version.chunks[int(index.column("chunk")[row])]
            given = np.frombuffer(expected, "<f4")
            assert embedding == pytest.approx(given, abs=1e-4 if index.dense.has_signs else 0)
            assert index.lexical.lengths[row] * 4 == len(words)

    @pytest.mark.parametrize("seed", range(8))
    def test_refresh_shows_the_truth(self, index: UserIndex, seed: int) -> None:
        truth = ListedTruth(self.dimension, seed=seed)
        for _ in range(12):
            for _ in range(6):
                truth.act()
            index.refresh(truth)
            self.check(index, truth)

    def test_at_most_one_version_of_a_memory_is_visible(self, index: UserIndex) -> None:
        truth = ListedTruth(self.dimension, seed=3)
        for _ in range(60):
            truth.act()
        index.refresh(truth)
        for moment in (None, 5, 100, 250, 10_000):
            visible = index.visible(Filters(known_at=moment, include_compressed=True))
            firsts = index.column("position")[visible & (index.column("chunk") == 0)].tolist()
            assert len(firsts) == len(set(firsts))

    @pytest.mark.parametrize("checks", range(4))
    def test_stopped_between_batches_it_goes_on(self, index: UserIndex, checks: int) -> None:
        truth = ListedTruth(self.dimension, seed=checks)
        for _ in range(30):
            truth.act()
        truth.checks_left = checks
        with pytest.raises(TimeoutError):
            index.refresh(truth)
        shown = set(index.column("version").tolist())
        assert shown == set(sorted(truth.rows)[: len(shown)])
        truth.checks_left = None
        truth.act()
        index.refresh(truth)
        self.check(index, truth)

    def test_a_failed_batch_leaves_nothing_behind(self, index: UserIndex) -> None:
        truth = ListedTruth(self.dimension, seed=1)
        for _ in range(5):
            truth.save()
        good = truth.save()
        truth.rows[good.version] = good._replace(chunks=((good.chunks[0][0], b"odd"),))
        with pytest.raises(ValueError, match="size"):
            index.refresh(truth)
        truth.rows[good.version] = good
        index.refresh(truth)
        self.check(index, truth)

    def test_another_generation_starts_anew(self, index: UserIndex) -> None:
        truth = ListedTruth(self.dimension, seed=1)
        for _ in range(20):
            truth.act()
        index.refresh(truth)
        other = ListedTruth(self.dimension, seed=2)
        other.number = 2
        other.save()
        index.refresh(other)
        self.check(index, other)
