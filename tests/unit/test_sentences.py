"""Sentences end where a reader would say so."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.sentences import _CLOSING, _END, sentences

SIMPLE_END = re.compile(rf"[.!?…؟۔]+{_CLOSING}(?=\s)|[。！？｡।॥។။]+{_CLOSING}|\s*\n\s*")
"""What `_END` finds, said without care for long runs."""


def parts(text: str, max_chars: int | None = None) -> list[str]:
    return [text[start:stop] for start, stop in sentences(text, max_chars=max_chars)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith met Mr. J. K. Rowling at 5 p.m. yesterday.", "He left."],
        ["Apples, e.g. Fuji, cost $3.50 each.", "Version 2.0 is out!", "Really?", "Yes."],
        ["I live in the U.S.", "The end is near etc. and so on."],
        ["So do I.", "Then we left."],
        ["See no. 5 and fig. 3.", "Wait, no.", "That is wrong."],
        ["It is due on Jan. 5.", "Or on Mon."],
        ["i like it.", "we went home.", "ok"],
        ["Well... maybe so.", "Wait...", "What?!", "Yes."],
        ['He said "Stop."', "Then he left.", "(It was late.)"],
        ["1. First item.", "It is good."],
        ["I like vitamin C.", "It helps.", "I met J. K. Smith and J. Don Hay."],
        ["We live in Main St.", "He is old.", "We saw St. Paul's."],
        ["In Jan. we left.", "It was on Mon.", "We came in feb.", "it rained."],
    ],
)
def test_english(expected: list[str]) -> None:
    assert parts(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我昨天去了北京。天气很好！你呢？", ["我昨天去了北京。", "天气很好！", "你呢？"]),
        ("वह गया। वह आया।", ["वह गया।", "वह आया।"]),
        ("أين أنت؟ أنا هنا.", ["أين أنت؟", "أنا هنا."]),
        ("one\ntwo\r\n\n  three  \n", ["one", "two", "three"]),
        ("- apple. b\n2. c\n(c) d. e", ["- apple.", "b", "2. c", "(c) d.", "e"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_other_scripts_and_lines(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_long_ones_are_cut_at_a_clause_else_at_a_space_else_anywhere() -> None:
    assert parts("first part, and the second part of it", 20) == [
        "first part,",
        "and the second part",
        "of it",
    ]
    thai = "ผมไปตลาดเมื่อวาน ซื้อผลไม้มาเยอะมาก แล้วก็กลับบ้าน"
    assert parts(thai, 36) == ["ผมไปตลาดเมื่อวาน ซื้อผลไม้มาเยอะมาก", "แล้วก็กลับบ้าน"]
    assert parts("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


@given(st.text(alphabet="aB. !?,\n。1-…\"'é", max_size=120), st.sampled_from([None, 1, 7, 40]))
def test_spans_are_in_order_and_leave_out_only_space(text: str, most: int | None) -> None:
    found = sentences(text, max_chars=most)
    end, left = 0, ""
    for start, stop in found:
        assert end <= start < stop
        assert text[start:stop] == text[start:stop].strip()
        assert most is None or stop - start <= most
        left += text[end:start]
        end = stop
    assert not (left + text[end:]).strip()


@given(st.text(alphabet="aB. !?,\n\t。-…\"')é", max_size=60))
def test_ends_are_those_of_the_simple_pattern(text: str) -> None:
    assert [one.span() for one in _END.finditer(text)] == [
        one.span() for one in SIMPLE_END.finditer(text)
    ]


@pytest.mark.parametrize("part", [".", " ", ". ", '."', "\t", "!) ", "…", "a.\n"])
def test_long_runs_end(part: str) -> None:
    """With work that grows faster than the text, the runs would take many minutes each."""
    text = part * (200_000 // len(part))
    assert all(start < stop for start, stop in sentences(text))
