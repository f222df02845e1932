from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.budget import Candidate, pack
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


def candidate(key: int, words: int, group: Group = "facts") -> Candidate:
    return Candidate(key, Line(group, (key,), "- " + " ".join(["w"] * (words - 1))))


CANDIDATES = st.lists(st.tuples(st.integers(2, 30), st.sampled_from(GROUPS)), max_size=40).map(
    lambda raw: [candidate(key, words, group) for key, (words, group) in enumerate(raw)]
)
COUNTERS = st.sampled_from([WordCounter(), OfflineCounter(), SquareCounter()])


@given(CANDIDATES, st.integers(1, 300), st.integers(0, 50), COUNTERS)
def test_the_budget_is_kept_and_every_candidate_accounted_for(
    candidates: list[Candidate], token_budget: int, max_items: int, counter: TokenCounter
) -> None:
    packed = pack(candidates, token_budget=token_budget, counter=counter, max_items=max_items)
    assert packed.tokens == counter.count(packed.block) <= token_budget
    assert packed.block == render(candidates[at].line for at in packed.kept)
    assert packed.kept == sorted(set(packed.kept))
    assert len(packed.kept) + sum(packed.left_out.values()) == len(candidates)
    memories = [at for at in packed.kept if candidates[at].line.group != "preferences"]
    assert len(memories) <= max_items


def test_best_first_and_smaller_ones_fill_the_gap() -> None:
    candidates = [candidate(0, 10), candidate(1, 50), candidate(2, 5)]
    packed = pack(candidates, token_budget=20, counter=WordCounter(), max_items=9)
    assert packed.kept == [0, 2]
    assert packed.tokens == 10 + 5 + 4
    assert packed.left_out == {"budget": 1, "top_k": 0}


def test_the_budget_can_be_filled_to_the_last_token() -> None:
    packed = pack([candidate(0, 16)], token_budget=20, counter=WordCounter(), max_items=9)
    assert packed.tokens == 20
    assert pack([candidate(0, 17)], token_budget=20, counter=WordCounter(), max_items=9).block == ""


def test_preferences_take_a_quarter_and_are_no_items() -> None:
    candidates = [candidate(key, 5, "preferences") for key in range(9)]
    candidates += [candidate(key, 5) for key in range(9, 30)]
    packed = pack(candidates, token_budget=100, counter=WordCounter(), max_items=2)
    assert packed.kept == [0, 1, 2, 3, 9, 10]
    assert packed.left_out == {"budget": 5, "top_k": 19}


def test_it_gives_up_after_twenty_that_do_not_fit() -> None:
    candidates = [candidate(key, 90) for key in range(20)] + [candidate(20, 2)]
    packed = pack(candidates, token_budget=50, counter=WordCounter(), max_items=99)
    assert packed.kept == []
    assert packed.left_out == {"budget": 21, "top_k": 0}
    assert pack(candidates[1:], token_budget=50, counter=WordCounter(), max_items=99).kept == [19]


def test_each_line_is_counted_once() -> None:
    counter = WordCounter()
    pack(
        [candidate(key, 5) for key in range(100)],
        token_budget=10_000,
        counter=counter,
        max_items=100,
    )
    assert counter.calls <= 110


def test_nothing_to_pack() -> None:
    packed = pack([], token_budget=1, counter=OfflineCounter(), max_items=5)
    assert (packed.kept, packed.block, packed.tokens) == ([], "", 0)
