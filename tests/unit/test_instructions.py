from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.facts.instructions import read_instructions


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("Call me Sam.", "name to use", "Sam"),
        ("Please call me Dr. Lee, thanks!", "name to use", "Dr. Lee"),
        ("Call me April, please.", "name to use", "April"),
        ("Call me Will", "name to use", "Will"),
        ("Call me JP.", "name to use", "JP"),
        ("Always answer in French.", "answer language", "French"),
        ("From now on, please reply in German.", "answer language", "German"),
        ("please always reply in bullet points", "answer format", "bullet points"),
        ("I want you to always answer in German", "answer language", "German"),
        ("From now on reply in English only", "answer language", "English"),
        ("Please answer in French from now on.", "answer language", "French"),
        ("From now on, be concise", "answer length", "concise"),
        ("Keep your answers short", "answer length", "short"),
        ("Always use British spelling", "spelling", "British"),
        ("From now on use American English.", "spelling", "American"),
        ("Never use emojis.", "emojis", "none"),
        ("From now on, no emojis please", "emojis", "none"),
        ("Please don't use emojis anymore", "emojis", "none"),
        ("Please use metric units.", "units", "metric"),
        ("Always use Celsius.", "temperature unit", "Celsius"),
        ("By the way, call me Sam.", "name to use", "Sam"),
        ("Hello! I moved house. Always answer in Dutch.", "answer language", "Dutch"),
    ],
)
def test_plain_statements_are_read(text: str, key: str, value: str) -> None:
    (found,) = read_instructions(text, "user")
    assert (found.key, found.value) == (key, value)
    assert 0 < found.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Is it true that you always answer in French?",
        'He wrote: "Call me Sam."',
        "> Call me Sam.",
        "She said call me Sam.",
        "Maybe call me Sam.",
        "Call me later.",
        "Call me Tomorrow.",
        "Call me back at 5.",
        "Please call me ASAP.",
        "Call me EOD",
        "call me Monday",
        "Call me Friday please",
        "Call me Monday Morning.",
        "Call me This Afternoon.",
        "Call me Tonight.",
        "Call me December.",
        "Call me Christmas.",
        "call me Uber",
        "Don't call me Sam.",
        "They call me Sam at work.",
        "You could call me Sam.",
        "Call me crazy, but I like it.",
        "Never answer in French.",
        "Should I always answer in French?",
        "Answer in French.",
        "Please answer this one in French.",
        "Be concise.",
        "No emojis.",
        "Don't use emojis.",
        "I never use emojis",
        "Keep your answer short.",
        "Use British spelling",
        "Keep your answers short today.",
        "I want you to answer in German.",
        "Please use the metric you defined above.",
        "Please use metric units today.",
        "If you can, please use metric units.",
        "Call me Sam. " * 60,
    ],
)
def test_near_misses_give_nothing(text: str) -> None:
    assert read_instructions(text, "user") == []


@pytest.mark.parametrize("role", ["assistant", "tool", "system", "Caroline"])
def test_only_the_user_states_preferences(role: str) -> None:
    assert read_instructions("Call me Sam.", role) == []


def test_the_later_value_stays_and_keys_are_spelt_alike() -> None:
    found = read_instructions("Call me Sam. Always answer in French. Call me Alex.", "user")
    assert {one.key: one.value for one in found} == {
        "name to use": "Alex",
        "answer language": "French",
    }


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for one in read_instructions(text, "user"):
        assert one.key
        assert one.value
