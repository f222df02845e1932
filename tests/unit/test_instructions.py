from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.facts.instructions import read_instructions


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("My favourite color is dark green.", "favourite color", "dark green"),
        ("my favorite food is ramen because it warms me", "favourite food", "ramen"),
        ("My all-time favorite movie is Spirited Away", "favourite movie", "Spirited Away"),
        ("My favorite author is J.K. Rowling.", "favourite author", "J.K. Rowling"),
        ("Call me Sam.", "name to use", "Sam"),
        ("Please call me Dr. Lee, thanks!", "name to use", "Dr. Lee"),
        ("Always answer in French.", "answer language", "French"),
        ("From now on, please reply in German.", "answer language", "German"),
        ("please always reply in bullet points", "answer format", "bullet points"),
        ("Please use metric units.", "units", "metric"),
        ("Always use Celsius.", "temperature unit", "Celsius"),
        ("I prefer dark mode over light mode.", "preferred mode", "dark mode"),
        ("By the way, call me Sam.", "name to use", "Sam"),
        ("Hello! I moved house. My favourite team is Ajax.", "favourite team", "Ajax"),
    ],
)
def test_plain_statements_are_read(text: str, key: str, value: str) -> None:
    (found,) = read_instructions(text, "user")
    assert (found.key, found.value) == (key, value)
    assert 0 < found.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Is my favourite color green?",
        "My favourite color is green, right?",
        "My favourite color is not green.",
        "My favourite color isn't green.",
        "My favourite color was green.",
        "My favourite color used to be green.",
        "My favourite one is the same as yours.",
        "My favourite part is how it ends.",
        "My sister's favourite color is green.",
        "Her favourite color is green.",
        "She said my favourite color is green.",
        'He wrote: "My favourite color is green."',
        "He wrote: 'My favourite color is green.'",
        "> My favourite color is green.",
        "If my favourite color is green, tell me.",
        "Maybe my favourite color is green.",
        "Call me later.",
        "Call me Tomorrow.",
        "Call me back at 5.",
        "Don't call me Sam.",
        "They call me Sam at work.",
        "You could call me Sam.",
        "Call me crazy, but I like it.",
        "Never answer in French.",
        "Should I always answer in French?",
        "Answer in French.",
        "Please answer this one in French.",
        "I prefer tea over coffee.",
        "I prefer this one over that one.",
        "I would prefer dark mode over light mode.",
        "Please use the metric you defined above.",
        "Please use metric units today.",
        "If you can, please use metric units.",
        "My favourite color is green. " * 40,
    ],
)
def test_near_misses_give_nothing(text: str) -> None:
    assert read_instructions(text, "user") == []


@pytest.mark.parametrize("role", ["assistant", "tool", "system", "Caroline"])
def test_only_the_user_states_preferences(role: str) -> None:
    assert read_instructions("Call me Sam.", role) == []


def test_the_later_value_stays_and_keys_are_spelt_alike() -> None:
    text = "My favorite color is green. My favourite  Color is blue. Call me Sam."
    found = read_instructions(text.replace("  ", " "), "user")
    assert {one.key: one.value for one in found} == {
        "favourite color": "blue",
        "name to use": "Sam",
    }


@given(st.text())
def test_any_text_can_be_read_and_questions_give_nothing(text: str) -> None:
    for one in read_instructions(text, "user"):
        assert one.key
        assert one.value
    assert read_instructions(
        "My favourite color is " + text.replace(".", " ") + "?", "user"
    ) == [] or ("\n" in text or ";" in text or "!" in text)
