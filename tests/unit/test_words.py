from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.words import word_ids, words


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Caroline's dogs were running", ["carolin", "dog", "run"]),
        ("I don't know", ["know"]),
        ("It won't rain, so I can't and dont complain", ["rain", "complain"]),
        ("Don won the race with Ma", ["don", "win", "race", "ma"]),
        ("won't", ["will"]),
        ("Caroline’s", ["carolin"]),
        ("the of and", ["the", "of", "and"]),
        ("Python 3.11 rocks", ["python", "3.11", "3", "11", "rock"]),
        ("max_retry_count", ["max_retry_count", "max", "retri", "count"]),
        ("getUserName", ["getusernam", "get", "user", "name"]),
        (
            "write to ann.lee@example.com.",
            ["write", "ann.lee@example.com", "ann", "lee", "exampl", "com"],
        ),
        ("1,250,000 euros", ["1250000", "euro"]),
        ("C++ and C#", ["c++", "c#"]),
        ("café", ["cafe"]),
        ("ＦＵＬＬ width", ["full", "width"]),
        ("東京都", ["東京", "京都"]),
        ("猫", ["猫"]),
        ("カメラを買う", ["カメ", "メラ", "ラを", "を買", "買う"]),
        ("Москва", ["москва"]),
        ("Python入門", ["python", "入門"]),
        ("", []),
        ("?! ...", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert words(text) == terms


@pytest.mark.parametrize("text", ["ภาษาไทย", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာ"])
def test_scripts_without_spaces_give_pairs(text: str) -> None:
    assert [len(term) for term in words(text)] == [2] * (len(text) - 1)


def test_marks_stay_with_their_words() -> None:
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]


@given(st.text())
def test_case_and_compatibility_forms_do_not_matter_to_plain_words(text: str) -> None:
    letters = "".join(char for char in text if char.isascii() and char.isalpha()).lower()
    assert words(letters) == words(letters.capitalize())


@given(st.text(st.characters()))
def test_ids_are_the_hashes_of_the_words(text: str) -> None:
    ids = word_ids(text)
    assert ids.dtype == np.uint32
    assert ids.shape == (len(words(text)),)
    assert ids.tolist() == word_ids(text).tolist()


def test_ids_are_the_same_on_every_machine() -> None:
    digest = hashlib.blake2b(b"run", digest_size=4).digest()
    assert word_ids("running").tolist() == [int.from_bytes(digest, "little")]
    assert word_ids("running").tolist() == [1518968264]


@given(st.text(max_size=40), st.text(max_size=40))
def test_words_of_a_line_do_not_depend_on_the_next(one: str, two: str) -> None:
    if words(one + "\nzebra") == [*words(one), "zebra"] and words("zebra\n" + two):
        both = words(f"{one}\nzebra\n{two}")
        assert both[: len(words(one))] == words(one)
