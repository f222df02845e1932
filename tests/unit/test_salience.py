from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.models import MemoryType
from memory_vault.text.salience import importance

TYPES: list[MemoryType] = ["episodic", "semantic", "procedural", "working"]


@given(st.text(), st.sampled_from(["user", "assistant", "tool", "Mel"]), st.sampled_from(TYPES))
def test_always_a_share(text: str, role: str, memory_type: MemoryType) -> None:
    assert 0.0 <= importance(text, role, memory_type) <= 1.0


@pytest.mark.parametrize(
    "text", ["", "Hi!", "ok thanks", "Thank you so much!!", "Sounds good.", "lol"]
)
def test_small_talk_hardly_matters(text: str) -> None:
    assert importance(text, "user", "episodic") == 0.05


def test_the_formula() -> None:
    # 0.2 + 0.2 * 7/25 + 0.2 * 2/3 (Berlin, 2021) + 0.15 (own) + 0.1 (statement)
    score = importance("I moved to Berlin in March 2021".replace("March ", ""), "user", "episodic")
    assert score == pytest.approx(0.2 + 0.2 * 6 / 25 + 0.2 * 2 / 3 + 0.25, abs=1e-4)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("we met Dana at noon", "we met someone at noon"),
        ("it costs 340 euros", "it costs some euros"),
        ("my sister paints houses", "that sister paints houses"),
        ("the train leaves early", "the train leaves early?"),
        ("the train leaves early from the old station", "the train leaves early"),
    ],
)
def test_what_raises_the_score(more: str, less: str) -> None:
    assert importance(more, "user", "episodic") > importance(less, "user", "episodic")


def test_users_over_assistants_and_facts_over_events() -> None:
    text = "I live in Berlin"
    assert importance(text, "user", "episodic") > importance(text, "assistant", "episodic")
    assert importance(text, "user", "procedural") > importance(text, "user", "semantic")
    assert importance(text, "user", "semantic") > importance(text, "user", "episodic")


def test_only_the_beginning_of_a_very_long_text_is_read() -> None:
    text = "the rain fell on the roof " * 400
    assert importance(text + "I saw Dana in 1999", "user", "episodic") == importance(
        text, "user", "episodic"
    )
