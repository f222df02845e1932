from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.chunk import split

Span = tuple[int, int]


def tokens_of(text: str) -> list[Span]:
    """Pieces of words of up to four letters, and single signs."""
    return [match.span() for match in re.finditer(r"\w{1,4}|[^\w\s]", text)]


def parts(text: str, window: int) -> list[str]:
    return [text[start:end] for start, end in split(text, tokens_of(text), window=window)]


@given(st.text(st.sampled_from("abcdefg  .,!?\n猫"), max_size=400), st.integers(1, 20))
def test_spans_are_in_order_within_the_window_and_hold_every_token(text: str, window: int) -> None:
    tokens = tokens_of(text)
    spans = split(text, tokens, window=window)
    held = [
        [token for token in tokens if start <= token[0] and token[1] <= end] for start, end in spans
    ]
    assert [token for group in held for token in group] == tokens
    assert all(len(group) <= window for group in held)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))


@given(st.lists(st.integers(1, 12), min_size=30, max_size=120), st.integers(4, 20))
def test_words_that_fit_are_never_cut(lengths: list[int], window: int) -> None:
    text = " ".join("x" * length for length in lengths)
    assert " ".join(parts(text, window)).split() == text.split()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9))), st.integers(1, 5))
def test_overlapping_tokens_of_one_sign_never_make_overlapping_spans(
    raw: list[tuple[int, int]], window: int
) -> None:
    tokens = sorted((start, start + size) for start, size in raw)
    spans = split("x" * 60, tokens, window=window)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))


def test_a_text_that_fits_is_one_span_with_its_edges() -> None:
    assert split("  hi \n", [(2, 4)], window=1) == [(0, 6)]
    assert split("", [], window=8) == [(0, 0)]


def test_long_texts_are_cut_evenly() -> None:
    sizes = [len(part.split()) for part in parts("word " * 110, 100)]
    assert sizes == [55, 55]


@pytest.mark.parametrize(
    ("better", "worse"), [("\n\n", "\n"), ("\n", ". "), (". ", ", "), (", ", " ")]
)
def test_the_better_boundary_near_the_middle_wins(better: str, worse: str) -> None:
    text = "a b c d e f g" + better + "h i" + worse + "j k l m n o p q"
    assert [part[0] for part in parts(text, 14)] == ["a", "h"]


def test_only_a_word_longer_than_the_window_is_cut() -> None:
    found = parts("short words " + "z" * 100 + " more short words", 8)
    assert "".join(found).count("z") == 100
    assert all("short" not in part or re.search(r"\bshort\b", part) for part in found)
    assert found[0] == "short words"


def test_an_apostrophe_does_not_end_a_word() -> None:
    assert parts("aa bb cc don't dd ee", 4)[0] == "aa bb cc"


def test_a_million_characters_are_cut() -> None:
    text = "some words here. " * 60_000
    found = split(text, tokens_of(text), window=256)
    assert len(found) >= len(tokens_of(text)) / 256
