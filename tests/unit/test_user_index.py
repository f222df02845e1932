"""The index of one user follows the truth by deltas, and shows each search what it may see."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from memory_vault.storage.index import IndexChange, IndexRow
from memory_vault.storage.index.cache import IndexCache
from memory_vault.storage.index.rank import Question, rank
from memory_vault.storage.index.user_index import Filters, UserIndex
from memory_vault.testing.index_suite import unit_rows

DIMENSION = 4
EMBEDDINGS = unit_rows(40, DIMENSION, seed=9)


def row(version: int, **given: object) -> IndexRow:
    """One version with one chunk whose only word is its number."""
    chunk = (EMBEDDINGS[version % 40].tobytes(), np.array([version], "<u4").tobytes())
    values: dict[str, object] = {
        "version": version,
        "memory_id": f"m{version}",
        "position": version,
        "session_id": "s",
        "role": "user",
        "memory_type": "episodic",
        "origin": "user",
        "importance": 0.5,
        "compressed": False,
        "is_read": False,
        "occurred_at": None,
        "recorded_at": version * 10,
        "changed_at": version * 10,
        "superseded_at": None,
        "valid_from": None,
        "valid_to": None,
        "token_count": 7,
        "chunks": (chunk,),
    }
    return IndexRow(**{**values, **given})  # type: ignore[arg-type]


class Truth:
    """An index feed that is plainly a list."""

    def __init__(self, rows: list[IndexRow], *, stop_after: int | None = None) -> None:
        self.rows, self.changes, self.number = rows, list[IndexChange](), 1
        self.stop_after = stop_after

    def generation(self) -> int:
        return self.number

    def rows_after(self, version: int, limit: int) -> list[IndexRow]:
        return [one for one in self.rows if one.version > version][: min(limit, 3)]

    def changes_after(self, seq: int) -> list[IndexChange]:
        return [one for one in self.changes if one.seq > seq]

    def check(self) -> None:
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after < 0:
                raise TimeoutError


def indexed(truth: Truth) -> UserIndex:
    index = UserIndex(DIMENSION)
    index.refresh(truth)
    return index


def seen(index: UserIndex, **filters: object) -> list[int]:
    """Versions that a search with these filters may see."""
    visible = index.visible(Filters(**filters))  # type: ignore[arg-type]
    return sorted(set(index.column("version")[visible].tolist()))


def test_it_reads_on_from_the_last_row() -> None:
    truth = Truth([row(1), row(2)])
    index = indexed(truth)
    truth.rows += [row(3), row(4), row(5), row(6)]
    index.refresh(truth)
    assert seen(index) == [1, 2, 3, 4, 5, 6]
    assert index.dense.scores(EMBEDDINGS[6])[5] == pytest.approx(1, abs=1e-5)


def test_forgotten_rows_go_and_are_compacted() -> None:
    truth = Truth([row(n) for n in range(1, 9)])
    index = indexed(truth)
    for seq, version in enumerate((1, 3, 5, 7), 1):
        truth.changes.append(IndexChange(seq, version, None))
    index.refresh(truth)
    assert seen(index) == [2, 4, 6, 8]
    assert len(index) == 4
    truth.rows.append(row(9))
    index.refresh(truth)
    assert seen(index) == [2, 4, 6, 8, 9]


def test_superseded_versions_are_seen_by_known_at_only() -> None:
    truth = Truth([row(1)])
    index = indexed(truth)
    truth.changes.append(IndexChange(1, 1, 20))
    truth.rows.append(row(2, memory_id="m1", position=1, changed_at=20))
    index.refresh(truth)
    assert seen(index) == [2]
    assert seen(index, known_at=19) == [1]
    assert seen(index, known_at=20) == [2]
    assert seen(index, known_at=9) == []


def test_another_generation_starts_anew() -> None:
    truth = Truth([row(1), row(2)])
    index = indexed(truth)
    truth.rows, truth.number = [row(7)], 2
    index.refresh(truth)
    assert seen(index) == [7]


def test_stopped_between_batches_it_goes_on_later() -> None:
    truth = Truth([row(n) for n in range(1, 9)], stop_after=1)
    index = UserIndex(DIMENSION)
    with pytest.raises(TimeoutError):
        index.refresh(truth)
    truth.stop_after = None
    index.refresh(truth)
    assert seen(index) == list(range(1, 9))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"memory_types": ("semantic",)}, [2, 10]),
        ({"roles": ("assistant", "nobody")}, [3]),
        ({"session_id": "t"}, [4]),
        ({"origins": ("tool",)}, [5]),
        ({"origins": ("tool:web",)}, [5]),
        ({"origins": ("tool:mail",)}, []),
        ({"since": 500, "until": 600}, [6]),
        ({"since": 501}, []),
        ({"until": 20}, [1]),
        ({"as_of": 65, "memory_types": ("procedural",)}, [7]),
        ({"as_of": 100, "memory_types": ("procedural",)}, []),
        ({"include_compressed": True, "roles": ("old",)}, [8]),
        ({"roles": ("old",)}, [8]),
        ({"roles": ("old", "summary")}, [10]),
        ({"roles": ("old", "summary"), "include_compressed": True}, [8, 10]),
        ({"roles": ("old", "summary"), "as_of": 90, "until": 100}, [8]),
        ({"current_session": "w", "memory_types": ("working",)}, [9]),
        ({"current_session": "v", "memory_types": ("working",)}, []),
    ],
)
def test_filters(filters: dict[str, object], expected: list[int]) -> None:
    rows = [
        row(1),
        row(2, memory_type="semantic"),
        row(3, role="assistant"),
        row(4, session_id="t"),
        row(5, origin="tool:web"),
        row(6, occurred_at=500),
        row(7, memory_type="procedural", occurred_at=60, valid_from=61, valid_to=100),
        row(8, role="old", compressed=True),
        row(9, memory_type="working", session_id="w"),
        row(10, memory_type="semantic", role="summary"),
    ]
    assert seen(indexed(Truth(rows)), **filters) == expected


def test_what_is_gone_is_compacted_away() -> None:
    truth = Truth([row(n) for n in range(1, 101)])
    index = indexed(truth)
    before = index.nbytes
    truth.changes = [IndexChange(seq, seq, None) for seq in range(1, 100)]
    truth.rows = truth.rows[99:]
    index.refresh(truth)
    assert len(index) == 1
    assert index.nbytes < before
    assert index.dense.scores(EMBEDDINGS[100 % 40]) == pytest.approx([1], abs=1e-5)


def test_versions_without_chunks_are_passed_over() -> None:
    index = indexed(Truth([row(1), row(2, chunks=()), row(3)]))
    assert seen(index) == [1, 3]


def test_memories_without_a_session_are_grouped_by_save() -> None:
    rows = [row(n, session_id=None, recorded_at=10 if n < 3 else 20) for n in range(1, 5)]
    assert indexed(Truth(rows)).column("session").tolist() == [0, 0, 1, 1]


def test_session_order_follows_what_is_added() -> None:
    rows = [row(n, session_id="ab"[n % 2], position=n) for n in range(1, 5)]
    index = indexed(truth := Truth(rows))
    versions = index.column("version")
    assert versions[index.session_order()].tolist() == [1, 3, 2, 4]
    truth.rows += [row(5, session_id="a", position=2), row(6, session_id="b", position=6)]
    index.refresh(truth)
    versions = index.column("version")
    assert versions[index.session_order()].tolist() == [1, 3, 6, 2, 5, 4]


def test_what_is_visible_is_kept_until_something_changes() -> None:
    index = indexed(truth := Truth([row(1), row(2)]))
    kept = index.visible(Filters())
    view = index.view(kept)
    assert index.visible(Filters(current_session="s")) is kept  # nobody has working memory
    assert index.view(index.visible(Filters())) is view
    index.refresh(truth)
    assert index.view(index.visible(Filters())) is view
    truth.rows.append(row(3, memory_type="working", session_id="t"))
    index.refresh(truth)
    assert index.view(index.visible(Filters())).firsts.tolist() == [0, 1]
    assert index.view(index.visible(Filters(current_session="t"))).firsts.tolist() == [0, 1, 2]
    truth.changes.append(IndexChange(1, 1, 40))
    index.refresh(truth)
    assert index.view(index.visible(Filters(current_session="t"))).firsts.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        index.visible(Filters())[0] = True


def test_a_large_build_gives_back_what_it_freed() -> None:
    """That it does is a matter of the C library; that nothing else is changed is ours."""
    index = indexed(truth := Truth([row(1), row(30_000)]))
    assert seen(index) == [1, 30_000]
    index.refresh(truth)
    assert seen(index) == [1, 30_000]


def test_recency_follows_the_moment_of_each_question() -> None:
    day, minute = 86_400_000_000, 60_000_000
    index = UserIndex(DIMENSION)
    index.refresh(Truth([row(1, occurred_at=0), row(2, occurred_at=day + minute // 2)]))
    view = index.view(index.visible(Filters()))
    today = view.recency(day + minute - 1).tolist()
    assert today[0] < today[1] == 1, "what came in the same minute is of today"
    assert view.recency(day) is view.recency(day + minute - 1), "kept for a minute"
    later = view.recency(400 * day).tolist()
    assert later[0] < later[1] < today[0]
    assert view.recency(day).tolist() == today


def test_a_small_index_takes_few_bytes() -> None:
    assert indexed(Truth([row(1), row(2)])).nbytes < 30_000


def test_the_cache_keeps_to_its_budget() -> None:
    cache = IndexCache(byte_budget=1)
    first = cache.get("ada", DIMENSION)
    first.refresh(Truth([row(1)]))
    second = cache.get("bob", DIMENSION)
    assert cache.get("bob", DIMENSION) is second
    assert cache.get("ada", DIMENSION) is not first
    assert seen(first) == [1]


def test_the_cache_drops_the_least_recently_used() -> None:
    cache = IndexCache(byte_budget=1 << 30)
    for user in ("ada", "bob", "cy"):
        cache.get(user, DIMENSION).refresh(Truth([row(1)]))
    cache.get("ada", DIMENSION)
    cache._budget = cache.nbytes - 1
    cache.get("cy", DIMENSION)
    assert list(cache._indexes) == ["ada", "cy"]


def test_the_cache_stays_within_bounds_under_many_users() -> None:
    cache = IndexCache(byte_budget=1 << 20)
    for number in range(500):
        cache.get(f"u{number}", DIMENSION).refresh(Truth([row(n) for n in range(1, 9)]))
    held = [cache.get(user, DIMENSION) for user in cache.users()]
    assert cache.nbytes == sum(index.nbytes for index in held) <= 1 << 20
    assert len(cache) == len(held) > 10
    assert cache.users()[-1] == "u499"


def test_an_index_that_was_dropped_is_gone_at_once() -> None:
    """Not when the collector next runs: by then a hundred may have been dropped."""
    cache = IndexCache(byte_budget=1)
    index = cache.get("ada", DIMENSION)
    index.refresh(Truth([row(1)]))
    question = Question(EMBEDDINGS[0], np.array([1], np.uint32))
    rank(index, question, index.visible(Filters()), limit=1)
    gone = weakref.ref(index)
    del index
    gc.disable()
    try:
        cache.get("bob", DIMENSION)
        assert gone() is None
    finally:
        gc.enable()


def test_an_index_that_was_dropped_counts_no_more() -> None:
    cache = IndexCache(byte_budget=1 << 20)
    for drop in (lambda: cache.forget("ada"), lambda: cache.forget(None)):
        index = cache.get("ada", DIMENSION)
        index.refresh(Truth([row(1)]))
        assert cache.nbytes == index.nbytes
        drop()
        index.refresh(Truth([row(1), row(2)]))
        assert cache.nbytes == 0
    cache.get("ada", DIMENSION).refresh(Truth([row(1)]))
    cache.get("ada", 2 * DIMENSION)
    assert cache.nbytes == 0


def test_the_cache_starts_anew_for_another_dimension() -> None:
    cache = IndexCache(byte_budget=1 << 20)
    assert cache.get("ada", DIMENSION) is not cache.get("ada", DIMENSION * 2)
    assert cache.get("ada", DIMENSION * 2).dimension == DIMENSION * 2


def test_the_cache_forgets() -> None:
    cache = IndexCache(byte_budget=1 << 20)
    index = cache.get("ada", DIMENSION)
    cache.forget("ada")
    assert cache.get("ada", DIMENSION) is not index
