"""Lines are chosen best first, and a budget is kept whatever was expected of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.budget import Candidate, LineCosts, Packed
from memory_vault.text.budget import pack as pack_lines
from memory_vault.text.prompt import GROUPS, Group, Line, render
from memory_vault.text.tokens import OfflineCounter, TokenCounter


class WordCounter:
    """One token a word: easy to work out by hand."""

    name = "words"

    def __init__(self) -> None:
        self.calls = 0

    def count(self, text: str) -> int:
        self.calls += 1
        return len(text.split())


class SquareCounter(WordCounter):
    """Breaks the promise about lines: the whole costs more than its parts."""

    def count(self, text: str) -> int:
        return len(text.split()) ** 2


def line(order: int, words: int, group: Group = "facts") -> Line:
    return Line(group, (order,), "- " + " ".join(["w"] * (words - 1)))


class Desk:
    """Writes lines when asked, and remembers which."""

    def __init__(self, lines: Sequence[Line], costs: LineCosts) -> None:
        self.lines, self.costs = lines, costs
        self.written: list[int] = []

    def write(self, positions: Sequence[int]) -> Iterator[tuple[Line, float]]:
        for at in positions:
            self.written.append(at)
            yield self.lines[at], self.costs.of(self.lines[at].text)


def pack(
    lines: Sequence[Line],
    *,
    token_budget: int,
    counter: TokenCounter,
    max_items: int,
    expected: float = 1.0,
) -> Packed:
    """Pack lines of which this many times their real cost is expected."""
    costs = LineCosts(counter)
    candidates = [Candidate(one.group, int(costs.of(one.text) * expected)) for one in lines]
    desk = Desk(lines, costs)
    packed = pack_lines(
        candidates, desk.write, token_budget=token_budget, costs=costs, max_items=max_items
    )
    assert len(desk.written) == len(set(desk.written))
    assert set(packed.kept) <= set(desk.written)
    return packed


LINES = st.lists(st.tuples(st.integers(2, 30), st.sampled_from(GROUPS)), max_size=40).map(
    lambda raw: [line(key, words, group) for key, (words, group) in enumerate(raw)]
)
COUNTERS = st.sampled_from([WordCounter(), OfflineCounter(), SquareCounter()])


@given(LINES, st.integers(1, 300), st.integers(0, 50), COUNTERS, st.sampled_from([0.5, 1, 2]))
def test_the_budget_is_kept_and_every_candidate_accounted_for(
    lines: list[Line], token_budget: int, max_items: int, counter: TokenCounter, expected: float
) -> None:
    packed = pack(
        lines,
        token_budget=token_budget,
        counter=counter,
        max_items=max_items,
        expected=expected,
    )
    assert packed.tokens == counter.count(packed.block) <= token_budget
    assert packed.block == render(lines[at] for at in packed.kept)
    assert packed.kept == sorted(set(packed.kept))
    assert len(packed.kept) + sum(packed.left_out.values()) == len(lines)
    memories = [at for at in packed.kept if lines[at].group != "preferences"]
    assert len(memories) <= max_items


def test_best_first_and_smaller_ones_fill_the_gap() -> None:
    lines = [line(0, 10), line(1, 50), line(2, 5)]
    packed = pack(lines, token_budget=20, counter=WordCounter(), max_items=9)
    assert packed.kept == [0, 2]
    assert packed.tokens == 10 + 5 + 4
    assert packed.left_out == {"budget": 1, "top_k": 0}


def test_worth_for_room_decides_when_not_everything_fits() -> None:
    lines = [line(0, 30), line(1, 10), line(2, 10), line(3, 10)]
    costs = LineCosts(WordCounter())

    def kept(budget: int, *worths: float, max_items: int = 9) -> list[int]:
        desk = Desk(lines, costs)
        candidates = [
            Candidate("facts", costs.of(one.text), worth)
            for one, worth in zip(lines, worths, strict=True)
        ]
        packed = pack_lines(
            candidates, desk.write, token_budget=budget, costs=costs, max_items=max_items
        )
        return packed.kept

    assert kept(64, 9, 1, 1, 1) == [0, 1, 2, 3]
    assert kept(40, 1.5, 1, 1, 1) == [1, 2, 3]
    assert kept(40, 2.0, 1, 1, 1) == [0]
    assert kept(40, 1.5, 1, 1, 1, max_items=1) == [0]


def test_the_budget_can_be_filled_to_the_last_token() -> None:
    packed = pack([line(0, 16)], token_budget=20, counter=WordCounter(), max_items=9)
    assert packed.tokens == 20
    assert pack([line(0, 17)], token_budget=20, counter=WordCounter(), max_items=9).block == ""


def test_preferences_take_a_quarter_and_are_no_items() -> None:
    lines = [line(key, 5, "preferences") for key in range(9)]
    lines += [line(key, 5) for key in range(9, 30)]
    packed = pack(lines, token_budget=100, counter=WordCounter(), max_items=2)
    assert packed.kept == [0, 1, 2, 3, 9, 10]
    assert packed.left_out == {"budget": 5, "top_k": 19}


def test_it_gives_up_after_twenty_that_do_not_fit() -> None:
    lines = [line(key, 90) for key in range(20)] + [line(20, 2)]
    packed = pack(lines, token_budget=50, counter=WordCounter(), max_items=99)
    assert packed.kept == []
    assert packed.left_out == {"budget": 21, "top_k": 0}
    assert pack(lines[1:], token_budget=50, counter=WordCounter(), max_items=99).kept == [19]


def test_only_what_is_likely_to_stay_is_written() -> None:
    lines = [line(at, 10) for at in range(100)]
    costs = LineCosts(WordCounter())
    desk = Desk(lines, costs)
    candidates = [Candidate("facts", 10)] * 100
    pack_lines(candidates, desk.write, token_budget=54, costs=costs, max_items=100)
    assert desk.written == [0, 1, 2, 3, 4]


def test_lines_dearer_than_expected_are_dropped_and_cheaper_ones_leave_room() -> None:
    lines = [line(at, 10) for at in range(10)]
    dear = pack(lines, token_budget=54, counter=WordCounter(), max_items=99, expected=0.5)
    assert dear.kept == [0, 1, 2, 3, 4]
    cheap = pack(lines, token_budget=54, counter=WordCounter(), max_items=99, expected=2)
    assert cheap.kept == [0, 1, 2, 3]


def test_a_line_is_expected_to_cost_its_beginning_and_its_text() -> None:
    costs = LineCosts(WordCounter())
    assert costs.expected("- [day] ann:", 7) == 10 == costs.of("- [day] ann: " + "w " * 7)
    counted = LineCosts(OfflineCounter())
    text = "We moved the orders service from MySQL to PostgreSQL."
    expected = counted.expected("- [2026-05-20] user:", OfflineCounter().count(text))
    assert abs(expected - counted.of(f"- [2026-05-20] user: {text}")) <= 2


def test_nothing_to_pack() -> None:
    packed = pack([], token_budget=1, counter=OfflineCounter(), max_items=5)
    assert (packed.kept, packed.block, packed.tokens) == ([], "", 0)


def test_what_was_read_comes_after_what_was_said_but_for_a_sixteenth() -> None:
    lines = [line(i, 4) for i in range(8)]
    costs = LineCosts(WordCounter())
    desk = Desk(lines, costs)
    candidates = [Candidate("facts", 4.0, 1.0 - i / 100, is_read=i < 4) for i in range(8)]
    for budget, kept in ((20, [4, 5, 6, 7]), (80, [0, 1, 2, 3, 4, 5, 6, 7])):
        packed = pack_lines(candidates, desk.write, token_budget=budget, costs=costs, max_items=9)
        assert packed.kept == kept
    packed = pack_lines(candidates, desk.write, token_budget=80, costs=costs, max_items=5)
    assert packed.kept == [0, 4, 5, 6, 7]
