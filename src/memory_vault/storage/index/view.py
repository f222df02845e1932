"""What one search may see, with what every question asks of it anew."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...text.fuse import Scores, median, recency
from ...text.pool import Neighbours, neighbours

if TYPE_CHECKING:
    from .lexical import Texts
    from .user_index import UserIndex

BYTES_A_ROW = 122
"""What a view holds at most for each row, when all has been asked of it, but for its sample."""
_MINUTE = 60_000_000

Rows = NDArray[np.int64]


class View:
    """The visible rows of an index, and the memories that they belong to, numbered from 0.

    It holds for as long as the index is not refreshed; an index keeps the one that was asked for
    last, since most searches of a user see the same.

    Attributes:
        rows: Visible rows, ascending: the chunks of a memory follow each other.
        starts: Where each memory's chunks start in `rows`.
        firsts: The row of the first chunk of each memory.
        complete: Which of the memories have all their neighbours here; None for all.
    """

    def __init__(
        self, index: UserIndex, rows: Rows, *, complete: NDArray[np.bool_] | None = None
    ) -> None:
        self._index = index
        self.rows: Rows = rows
        self.complete: NDArray[np.bool_] | None = complete
        self._is_whole = len(rows) == len(index)
        self.starts: Rows = np.flatnonzero(self.pick(index.column("chunk")) == 0)
        self.firsts: Rows = rows if len(self.starts) == len(rows) else rows[self.starts]
        self._columns: dict[str, NDArray[Any]] = {}
        self._neighbours: dict[int, Neighbours] = {}
        self._recency: tuple[int, Scores] | None = None

    def __len__(self) -> int:
        """How many memories there are."""
        return len(self.firsts)

    def pick(self, values: NDArray[Any]) -> NDArray[Any]:
        """Of one value a row of the index those of the visible rows."""
        return values if self._is_whole else values[self.rows]

    def column(self, name: str) -> NDArray[Any]:
        """One attribute of every memory here; shape (n,)."""
        found = self._columns.get(name)
        if found is None:
            column = self._index.column(name)
            found = column if len(self) == len(column) else column[self.firsts]
            self._columns[name] = found
        return found

    def recency(self, moment: int) -> Scores:
        """`text.fuse.recency` of every memory here, at the start of the minute of a moment."""
        minute = moment // _MINUTE
        if self._recency is None or self._recency[0] != minute:
            self._recency = minute, recency(self.column("happened"), minute * _MINUTE)
        return self._recency[1]

    @cached_property
    def order(self) -> Rows:
        """The memories by session, then by place in it."""
        order = self._index.session_order()
        numbers = np.full(len(self._index), -1, np.int64)
        numbers[self.firsts] = np.arange(len(self))
        found = numbers[order]
        return found if len(found) == len(self) else found[found >= 0]

    def neighbours(self, distance: int) -> Neighbours:
        """The memories that far from each one in its session; see `text.pool.neighbours`."""
        found = self._neighbours.get(distance)
        if found is None:
            found = neighbours(self.order, self.column("session"), distance=distance)
            self._neighbours[distance] = found
        return found

    @cached_property
    def said(self) -> NDArray[np.bool_] | None:
        """Which of the visible rows were said, and not read from others; None for all, or none."""
        read = self.pick(self._index.column("read"))
        return ~read if read.any() and not read.all() else None

    @cached_property
    def texts(self) -> Texts:
        """The words of the visible rows; what was said counts."""
        visible = np.zeros(len(self._index), np.bool_)
        visible[self.rows] = True
        counted = None
        if self.said is not None:
            counted = np.zeros(len(self._index), np.bool_)
            counted[self.rows] = self.said
        return self._index.lexical.texts(visible, counted)

    @cached_property
    def sessions(self) -> Texts:
        """The same, with all visible rows of a session taken as one text."""
        return self.texts.joined(self._index.column("session"))

    def cosines(self, query: Scores) -> Scores:
        """Cosine of every visible row with a query."""
        dense = self._index.dense
        if dense.reads_rows and not self._is_whole:
            return dense.scores_of(self.rows, query)
        return self.pick(dense.scores(query))

    @property
    def is_large(self) -> bool:
        """Whether estimates come at less than all cosines."""
        return self._index.dense.estimates_pay(self.rows)

    def estimates(self, query: Scores) -> tuple[Scores, float]:
        """Cosine of every visible row, roughly, and the typical one: the median of a sample."""
        dense = self._index.dense
        exact = np.vecdot(self._sampled, query)
        return dense.estimates(query, self.rows, self.sample, exact), float(median(exact))

    @cached_property
    def _sampled(self) -> Scores:
        """Embeddings of the sample, which every question is compared with."""
        return self._index.dense.vectors(self.rows[self.sample])

    @cached_property
    def sample(self) -> Rows:
        """Places of some rows in `rows`, evenly spread over what was said, for which they stand."""
        places = np.arange(len(self.rows)) if self.said is None else np.flatnonzero(self.said)
        step = max(1, len(places) // self._index.dense.sample_rows)
        return places[step // 2 :: step]

    def around(self, chosen: Rows) -> View:
        """These memories, and all that were asked for as neighbours of theirs.

        The former are the complete ones of the new view; the others may lack neighbours there.
        """
        known, nobody = self._neighbours, len(self)
        is_there = np.zeros(nobody + 1, np.bool_)
        for memories in (chosen, *(side[chosen] for near in known.values() for side in near)):
            is_there[memories] = True
        numbers = np.flatnonzero(is_there[:nobody])
        places = np.full(nobody + 1, len(numbers), np.int32)
        places[numbers] = np.arange(len(numbers))
        complete = np.zeros(len(numbers), np.bool_)
        complete[places[chosen]] = True
        view = View(self._index, self._rows_of(numbers), complete=complete)
        for distance, near in known.items():
            before, after = (places[side[numbers]].astype(np.int64) for side in near)
            view._neighbours[distance] = before, after
        return view

    @cached_property
    def _stops(self) -> Rows:
        """Where each memory's chunks end in `rows`."""
        return np.append(self.starts[1:], len(self.rows))

    def _rows_of(self, memories: Rows) -> Rows:
        """All rows of some memories, given in ascending order."""
        starts = self.starts[memories]
        counts = self._stops[memories] - starts
        before = np.cumsum(counts) - counts
        found: Rows = self.rows[np.arange(counts.sum()) + np.repeat(starts - before, counts)]
        return found
