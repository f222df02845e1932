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
        ("Will it rain?", set()),
        ("Will said it rains", {"Will"}),
        ("Is it what Will wants?", {"Will"}),
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
        ("What did we discuss last week?", {"assistant"}),
        ("Which plan did we also talk about?", {"assistant"}),
        ("What did we go over, and what did we come up with?", {"assistant"}),
        ("What were you telling me about bees?", {"assistant"}),
        ("Which hobby did you give up?", set()),
        ("I know you gave up smoking", set()),
        ("Which name did you give my boat?", {"assistant"}),
        ("Did we talk to the bank?", set()),
        ("", set()),
    ],
)
def test_whose_words_are_asked_for(question: str, expected: set[str]) -> None:
    assert asked_about(question, ROLES) == expected


COMMON = ["Bill", "Rose Tyler", "Mark", "Art", "Dev Team", "Support", "John Green"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how much was the electricity bill?", set()),
        ("Who bought the rose, and what does art mean?", {"Art"}),
        ("Which support does the team need to mark the green parts?", set()),
        ("Mark the date. Rose petals: how many?", set()),
        ("HOW MUCH WAS THE BILL?", set()),
        ("How much did Bill pay?", {"Bill"}),
        ("what did bill say?", {"Bill"}),
        ("Mark told me what?", {"Mark"}),
        ("Rose's dog?", {"Rose Tyler"}),
        ("What is the Dev Team doing with Support?", {"Dev Team", "Support"}),
        ("where is john?", {"John Green"}),
    ],
)
def test_common_words_are_names_only_where_they_are_meant_so(
    question: str, expected: set[str]
) -> None:
    assert asked_about(question, COMMON) == expected


@pytest.mark.parametrize(
    ("question", "role"),
    [
        ("what did jose say", "José"),
        ("What did JOSÉ say?", "jose"),
        ("What did Jose\u0301 say?", "José"),
        ("who is müller", "Muller"),
        ("李雷说了什么", "李雷"),
        ("田中さんは何と言いましたか", "田中"),
    ],
)
def test_names_are_found_without_accents_and_inside_runs(question: str, role: str) -> None:
    assert asked_about(question, [role, "Bob"]) == {role}


def test_a_common_word_stays_a_search_term_where_nobody_is_named() -> None:
    question = "how much was the electricity bill?"
    assert "bill" in search_terms(question, asked_about(question, ["Bill"]))


def test_names_are_no_search_terms_unless_there_is_nothing_else() -> None:
    assert search_terms("What did Ada say about engines?", {"Ada Lovelace"}) == ["say", "engin"]
    assert search_terms("Ada?", {"Ada Lovelace"}) == ["ada"]
    assert search_terms("the assistant engine", {"assistant"}) == ["assist", "engin"]


@given(st.text(), st.lists(st.text(), max_size=5))
def test_any_text_will_do(question: str, roles: list[str]) -> None:
    found = asked_about(question, roles)
    assert found <= {*roles, "assistant"}
    search_terms(question, found)
