"""What every outer index must do: subclass, provide `index`, run pytest."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier

import anyio
import numpy as np
import pytest
from anyio import to_thread

from ..errors import BackendError, NotFound
from ..storage.index import Mark, VectorIndex
from .index_suite import unit_rows

MARK: Mark = Mark("kind", "1.1", 0, 0)
_A, _B = "mv-suite-a", "mv-suite-b"


class VectorIndexConformance:
    """The promises of `VectorIndex`.

    Attributes:
        may_miss: Of what a search should find, the share that an approximate index may not.
    """

    dimension = 32
    may_miss: float = 0.1

    @pytest.fixture
    def index(self) -> Iterator[VectorIndex]:
        """An index that is open, without parts."""
        raise NotImplementedError("provide an open index")

    def filled(
        self, index: VectorIndex, part: str = _A, count: int = 40, seed: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """A part with some embeddings: their numbers and themselves."""
        numbers = 8_192 * np.arange(1, count + 1, dtype=np.int64)
        rows = unit_rows(count, self.dimension, seed=seed)
        index.begin(part, MARK)
        index.put(part, numbers, rows)
        return numbers, rows

    def check(self, index: VectorIndex, part: str, held: dict[int, np.ndarray]) -> None:
        """Compare all that a part tells with what it should hold."""
        numbers = np.array(sorted(held), np.int64)
        assert index.count(part) == len(held)
        assert index.numbers(part).tolist() == numbers.tolist()
        there, rows = index.embeddings(part, np.append(numbers, 77))
        assert there.tolist() == numbers.tolist()
        for number, row in zip(there.tolist(), rows, strict=True):
            assert row == pytest.approx(held[number], abs=1e-4)
        query = unit_rows(1, self.dimension, seed=99)[0]
        found = index.search(part, query, len(held) + 5)
        assert found is not None
        assert set(found.numbers.tolist()) <= set(held)
        assert len(found.numbers) == len(set(found.numbers.tolist()))
        assert len(found.numbers) >= (1 - self.may_miss) * len(held)
        assert np.all(np.diff(found.cosines) <= 1e-5)
        for number, cosine in zip(found.numbers.tolist(), found.cosines, strict=True):
            assert cosine == pytest.approx(float(held[number] @ query), abs=1e-3)

    def test_1_put_twice_is_put_once_and_the_last_counts(self, index: VectorIndex) -> None:
        numbers, rows = self.filled(index)
        index.put(_A, numbers, rows)
        again = unit_rows(5, self.dimension, seed=2)
        index.put(_A, numbers[:5], again)
        held = dict(zip(numbers.tolist(), [*again, *rows[5:]], strict=True))
        self.check(index, _A, held)

    def test_2_parts_never_see_each_other(self, index: VectorIndex) -> None:
        numbers, rows = self.filled(index)
        _, others = self.filled(index, _B, 7, seed=3)
        index.delete(_B, numbers[:2])
        index.set_mark(_B, MARK._replace(version=9))
        self.check(index, _A, dict(zip(numbers.tolist(), rows, strict=True)))
        self.check(index, _B, dict(zip(numbers[2:7].tolist(), others[2:], strict=True)))
        assert index.mark(_A) == MARK
        assert index.parts("mv-suite-") == [_A, _B]
        assert index.parts("mv-other") == []

    def test_3_search_gives_the_nearest_first(self, index: VectorIndex) -> None:
        numbers, rows = self.filled(index, count=300)
        found = index.search(_A, rows[17], 10)
        assert found is not None
        assert found.mark == MARK
        best = np.argsort(-(rows @ rows[17]))[:10]
        assert found.numbers.tolist()[0] == numbers[17]
        assert len(found.numbers) == len(set(found.numbers.tolist())) == 10
        shared = set(found.numbers.tolist()) & set(numbers[best].tolist())
        assert len(shared) >= 10 * (1 - 3 * self.may_miss)
        assert index.search(_B, rows[0], 10) is None

    def test_4_taking_out_what_is_not_there_does_nothing(self, index: VectorIndex) -> None:
        numbers, rows = self.filled(index)
        index.delete(_A, np.array([5, *numbers[:3], 10**12], np.int64))
        index.delete(_A, numbers[:3])
        self.check(index, _A, dict(zip(numbers[3:].tolist(), rows[3:], strict=True)))
        index.delete(_A, numbers)
        self.check(index, _A, {})

    def test_5_the_mark_is_as_it_was_set_and_goes_with_the_part(self, index: VectorIndex) -> None:
        assert index.mark(_A) is None
        self.filled(index)
        later = Mark("another/kind@1:32", "1700000000000000.2", 10**12, 4)
        index.set_mark(_A, later)
        assert index.mark(_A) == later
        index.drop(_A)
        assert index.mark(_A) is None

    def test_6_begin_and_drop_leave_nothing(self, index: VectorIndex) -> None:
        index.drop(_A)
        numbers, _ = self.filled(index)
        index.begin(_A, MARK._replace(change=3))
        self.check(index, _A, {})
        wide = unit_rows(3, 2 * self.dimension, seed=4)
        index.put(_A, numbers[:3], wide)  # another dimension than before
        index.drop(_A)
        index.drop(_A)
        assert (index.count(_A), index.parts(""), index.files(_A)) == (0, [], [])

    def test_7_what_returned_is_there_after_close_and_open(self, index: VectorIndex) -> None:
        numbers, rows = self.filled(index)
        index.set_mark(_A, MARK._replace(version=4))
        index.close()
        index.close()
        index.open()
        index.open()
        assert index.mark(_A) == MARK._replace(version=4)
        self.check(index, _A, dict(zip(numbers.tolist(), rows, strict=True)))

    def test_8_errors_are_ours(self, index: VectorIndex) -> None:
        numbers, rows = unit_rows(1, 3, seed=1), unit_rows(1, self.dimension, seed=1)
        number = np.array([8_192], np.int64)
        for call in (
            lambda: index.put(_A, number, rows),
            lambda: index.delete(_A, number),
            lambda: index.set_mark(_A, MARK),
            lambda: index.numbers(_A),
        ):
            with pytest.raises(NotFound):
                call()
        self.filled(index)
        with pytest.raises(BackendError):
            index.put(_A, number, numbers)  # embeddings of another length

    @pytest.mark.parametrize("seed", range(2))
    def test_9_random_operations_agree_with_a_model(self, index: VectorIndex, seed: int) -> None:
        random = np.random.default_rng(seed)
        held: dict[int, np.ndarray] = {}
        index.begin(_A, MARK)
        for step in range(12):
            numbers = np.unique(random.integers(1, 60, 8)).astype(np.int64)
            if random.random() < 0.6:
                rows = unit_rows(len(numbers), self.dimension, seed=100 * seed + step)
                index.put(_A, numbers, rows)
                held.update(zip(numbers.tolist(), rows, strict=True))
            else:
                index.delete(_A, numbers)
                held = {n: row for n, row in held.items() if n not in numbers}
            if step % 3 == 2:
                self.check(index, _A, held)

    def test_10_several_threads_may_use_it_at_once(self, index: VectorIndex) -> None:
        barrier = Barrier(6)

        def work(i: int) -> None:
            barrier.wait(10)
            part = f"mv-suite-{i}"
            _, rows = self.filled(index, part, 20, seed=i)
            for row in rows[:5]:
                found = index.search(part, row, 3)
                assert found is not None
                assert found.cosines[0] == pytest.approx(1, abs=1e-3)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                for i in range(6):
                    tasks.start_soon(to_thread.run_sync, work, i)

        anyio.run(main)
        assert len(index.parts("mv-suite-")) == 6
