from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.route import route


@pytest.mark.parametrize(
    "text",
    [
        "I live in Berlin.",
        "I work as a nurse at the Charité.",
        "I'm a vegetarian.",
        "I am allergic to peanuts",
        "By the way, my name is Alice.",
        "My wife's name is Dana.",
        "My birthday is 4 May 1990.",
        "I have two cats.",
        "I’ve got an older brother",
        "I was born in 1984 in Lyon.",
        "I speak Spanish and French.",
        "My favorite color is green.",
        "I'm from Brazil.",
        "i'm vegan",
        "i live in berlin",
        "i speak spanish",
        "i’ve got two cats",
        "i was born in 1984",
        "I'm a fan of Bowie",
        "I'm a day trader",
        "My sister is a doctor",
        "My parents are from Poland",
        "My dog's name is Lucky",
        "My favorite movie is Lost in Translation",
        "My birthday is on 4 May",
        "My company is in Berlin",
    ],
)
def test_lasting_facts_are_semantic(text: str) -> None:
    assert route(text, "user") == "semantic"


@pytest.mark.parametrize(
    "text",
    [
        "Always answer in French.",
        "Please never use emojis with me.",
        "From now on, reply in bullet points.",
        "I prefer concise answers.",
        "I prefer tea over coffee",
        "Call me Sam.",
        "Please call me April from now on.",
        "From now on, be concise",
        "Keep your answers short",
        "From now on, no emojis",
        "I like my answers short and to the point.",
        "Don't ever mention my ex.",
        "Whenever I paste code, always explain it line by line.",
    ],
)
def test_standing_wishes_are_procedural(text: str) -> None:
    assert route(text, "user") == "procedural"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Do I live in Berlin?",
        "I live in Berlin, right?",
        "I am a bit tired.",
        "I'm going to work in the garden.",
        "I have a question about my invoice.",
        "I have two meetings tomorrow.",
        "I work from home today.",
        "My dog is sick.",
        "My dog is hungry",
        "My cat is stuck in a tree",
        "My cats are asleep",
        "My brother is at the dentist",
        "my boss is away",
        "I'm an hour late",
        "I'm a week behind",
        "I'm half an hour early",
        "I'm a fool",
        "i'm an idiot",
        "i speak quickly",
        "i'm a bit tired",
        "i have a question about my invoice",
        "My boss is coming over.",
        'She said "I live in Paris".',
        "I would prefer the blue one.",
        "I prefer the second one.",
        "I prefer better food, so I’ll go there.",
        "Never mind.",
        "Always a pleasure!",
        "Never give up.",
        "Always be kind.",
        "In future we will see more of it.",
        "We went hiking yesterday.",
        "Call me later.",
        "Please call me ASAP.",
        "call me Monday",
        "Call me Friday at five, please.",
        "Call me Tonight.",
        "call me Uber",
        "I used to live in Rome.",
        "If I live in Spain I pay less.",
        "I live in Berlin. " + "And then a lot more happened. " * 20,
    ],
)
def test_everything_else_happened(text: str) -> None:
    assert route(text, "user") == "episodic"


@pytest.mark.parametrize("role", ["assistant", "tool", "system"])
@pytest.mark.parametrize("text", ["I live in Berlin.", "Always answer in French."])
def test_only_people_state_facts_and_wishes(role: str, text: str) -> None:
    assert route(text, role) == "episodic"


def test_other_speakers_have_facts_but_do_not_instruct() -> None:
    assert route("I live in Berlin.", "Caroline") == "semantic"
    assert route("Always answer in French.", "Caroline") == "episodic"


@given(st.text(), st.sampled_from(["user", "assistant", "Mel"]))
def test_any_text_has_a_type_and_questions_are_episodic(text: str, role: str) -> None:
    assert route(text, role) in ("episodic", "semantic", "procedural")
    assert route(text + "?", role) == "episodic"
