from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.clean import clean, is_blank

ANY_TEXT = st.text(st.characters())


@given(ANY_TEXT)
def test_cleaned_text_can_be_stored_and_keeps_its_length(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert "\x00" not in cleaned
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_everything_storable_is_kept_verbatim(text: str) -> None:
    assert clean(text) == text


def test_nul_and_lone_surrogates_become_the_replacement_character() -> None:
    assert clean("a\x00b\ud83dc") == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    "text",
    ["", " \t\r\n", "\u200b\u200d\ufeff", "\x07\x1b", "\u00a0\u2003\u3000", "\ufe0f", "\u3164"],
)
def test_nothing_to_see_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " . ", "\u200b0", "。", "🙂", "\ufffd"])
def test_one_visible_sign_is_enough(text: str) -> None:
    assert not is_blank(text)
