from __future__ import annotations

import re

import pytest

from memory_vault.text.irregular import _BASES, _FORMS, base_form
from memory_vault.text.words import STOP_WORDS, words


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("buy", "bought"),
        ("go", "went"),
        ("swimming", "swam"),
        ("write", "written"),
        ("child", "children"),
        ("shelf", "shelves"),
        ("Teaching", "TAUGHT"),
        ("person's", "people"),
        ("go", "goes"),
        ("grandchild", "grandchildren"),
        ("stepchild", "stepchildren"),
        ("policewoman", "policewomen"),
        ("housewife", "housewives"),
        ("bookshelf", "bookshelves"),
        ("mistake", "mistaken"),
        ("overhear", "overheard"),
        ("babysitting", "babysat"),
        ("flu shot", "flu shots"),
        ("a thought", "my thoughts"),
        ("saw", "saws"),
        ("spoke", "spokes"),
    ],
)
def test_a_question_finds_what_was_said_in_another_form(asked: str, said: str) -> None:
    assert words(asked) == words(said)


@pytest.mark.parametrize(
    "word", ["bit", "born", "founded", "leaves", "lives", "rose", "wound", "shot"]
)
def test_forms_that_are_more_often_another_word_stay(word: str) -> None:
    assert base_form(word) == word


@pytest.mark.parametrize("word", ["LED", "FED", "MET", "LED's"])
def test_short_words_in_capitals_are_no_forms_of_others(word: str) -> None:
    assert words(word) == [word[:3].lower()]
    assert words(f"the {word} lamp") == [word[:3].lower(), "lamp"]


def test_every_form_has_one_base_that_is_none_itself() -> None:
    listed = re.findall(r"\w+", _FORMS)
    assert len(listed) == len(set(listed))
    assert not set(_BASES) & set(_BASES.values())
    assert not {form for form, base in _BASES.items() if form in STOP_WORDS or form == base}
