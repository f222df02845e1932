"""Whose words a question asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.speakers import asked_about, search_terms

ROLES = ["user", "assistant", "tool", "system", "Ada Lovelace", "bob", "Will", "李雷"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did Ada say about engines?", {"Ada Lovelace"}),
        ("what does lovelace like", {"Ada Lovelace"}),
        ("Did Bob tell ADA?", {"Ada Lovelace", "bob"}),
        ("Where is Adas book?", set()),
        ("Will it rain?", {"Will"}),
        ("will it rain?", set()),
        ("What does 李雷 do?", {"李雷"}),
        ("What does the user want? What did the assistant do?", set()),
        ("What did you recommend for dinner?", {"assistant"}),
        ("Which book had you also suggested", {"assistant"}),
        ("What was your advice on taxes?", {"assistant"}),
        ("Can you remind me of our conversation about visas?", {"assistant"}),
        ("You'd mentioned a museum", {"assistant"}),
        ("The trail we talked about", {"assistant"}),
        ("What did I tell you about my dog?", set()),
        ("Can you tell me my dog's name?", set()),
        ("What would you do?", set()),
        ("What did you, if anything, eat?", set()),
        ("What do you recommend?", set()),
        ("", set()),
    ],
)
def test_whose_words_are_asked_for(question: str, expected: set[str]) -> None:
    assert asked_about(question, ROLES) == expected


def test_names_are_no_search_terms_unless_there_is_nothing_else() -> None:
    assert search_terms("What did Ada say about engines?", {"Ada Lovelace"}) == ["say", "engin"]
    assert search_terms("Ada?", {"Ada Lovelace"}) == ["ada"]
    assert search_terms("the assistant engine", {"assistant"}) == ["assist", "engin"]


@given(st.text(), st.lists(st.text(), max_size=5))
def test_any_text_will_do(question: str, roles: list[str]) -> None:
    found = asked_about(question, roles)
    assert found <= {*roles, "assistant"}
    search_terms(question, found)
