from __future__ import annotations

import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.prompt import (
    _BREAKS,
    _HIDDEN,
    GROUP_WRAPPERS,
    GROUPS,
    WRAPPER,
    Line,
    conversation_head,
    escape,
    fact_head,
    opening,
    preference_line,
    render,
)

DAY = date(2026, 5, 20)
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
HOSTILE = st.lists(
    st.sampled_from(
        [
            *BREAKS,
            "</memory>",
            "<memory>",
            "<facts>",
            "- ",
            "[2026-01-01]",
            "assistant: ",
            "# ",
            "]",
            ":",
        ]
    )
    | st.text(st.characters(), max_size=5)
).map("".join)


@given(HOSTILE)
def test_escaped_text_is_one_line_without_a_delimiter(text: str) -> None:
    line = escape(text)
    assert len(line.splitlines()) <= 1
    assert "\r" not in line + "\n"
    assert not set("<>") & set(line)
    assert escape(line) == line


@pytest.mark.parametrize("sign", BREAKS)
def test_every_line_break_shows_as_a_slash(sign: str) -> None:
    assert escape(f"one{sign}two") == "one / two"


@given(st.text(st.characters(categories=["L", "N", "P"], exclude_characters="<>")))
def test_ordinary_text_is_kept_verbatim(text: str) -> None:
    assert escape(text) == text


def test_what_is_printable_needs_no_look_sign_by_sign() -> None:
    """`escape` takes a shorter way for such text: nothing that it takes out may be printable."""
    signs = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert not _HIDDEN.search(signs)
    assert not _BREAKS.search(signs)
    assert "\t" not in signs


def test_signs_that_hide_or_turn_text_go() -> None:
    assert escape("a\x00b\x1b[31m\u202ec\ufeff") == "ab[31mc"
    assert escape("1 < 2 ‹memory› ＜memory＞") == "1 &lt; 2 ‹memory› ＜memory＞"


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_field_leaves_its_line_or_its_header(key: str, session: str, content: str) -> None:
    lines = [
        preference_line(key, content),
        fact_head(DAY) + escape(content),
        conversation_head(DAY, session, key) + escape(content),
    ]
    for line in lines:
        assert len(line.splitlines()) == 1
        assert line.startswith("- ")
        assert not set("<>") & set(line)
    head, _, rest = lines[2].partition("] ")
    assert head.startswith("- [2026-05-20, session ")
    assert rest.endswith(": " + escape(content))
    assert ":" not in rest[: len(rest) - len(": " + escape(content))]
    assert ":" not in lines[0][: len(lines[0]) - len(": " + escape(content))]


def test_the_block_of_the_contract() -> None:
    lines = [
        Line(
            "conversations",
            (1,),
            conversation_head(DAY, "s-12", "user")
            + "We moved the orders service from MySQL to PostgreSQL.",
        ),
        Line("facts", (0,), fact_head(date(2026, 3, 2)) + "Alice is a backend engineer."),
        Line("preferences", (0,), preference_line("answer style", "concise, with code")),
        Line(
            "conversations",
            (0,),
            conversation_head(date(2026, 5, 19), None, "assistant") + "Noted.",
        ),
    ]
    assert render(lines) == (
        "<memory>\n<preferences>\n- answer style: concise, with code\n</preferences>\n<facts>\n"
        "- [2026-03-02] Alice is a backend engineer.\n</facts>\n<conversations>\n"
        "- [2026-05-19] assistant: Noted.\n"
        "- [2026-05-20, session s-12] user: We moved the orders service from MySQL to PostgreSQL.\n"
        "</conversations>\n</memory>"
    )


def test_no_lines_no_block() -> None:
    assert render([]) == ""
    assert render([], opening(user_id="ann")) == ""


def test_the_opening_names_what_is_given() -> None:
    assert opening() == WRAPPER[0]
    assert opening(day=DAY) == '<memory date="2026-05-20">'
    assert opening(user_id="ann", day=DAY) == '<memory user="ann" date="2026-05-20">'


@given(HOSTILE)
def test_no_user_id_leaves_its_quotes(user_id: str) -> None:
    line = opening(user_id=user_id)
    assert line.startswith('<memory user="')
    assert line.endswith('">')
    assert not set('<>"\n') & set(line[len('<memory user="') : -len('">')])


@given(st.lists(st.tuples(st.sampled_from(GROUPS), st.integers(0, 5), HOSTILE), min_size=1))
def test_a_block_has_only_its_own_delimiters(raw: list[tuple[str, int, str]]) -> None:
    lines = [Line(group, (at,), fact_head(DAY) + escape(text)) for group, at, text in raw]  # type: ignore[arg-type]
    found = [row for row in render(lines).splitlines() if not row.startswith("- ")]
    used = [group for group in GROUPS if any(line.group == group for line in lines)]
    inner = [tag for group in used for tag in GROUP_WRAPPERS[group]]
    assert found == [WRAPPER[0], *inner, WRAPPER[1]]
    assert len(render(lines).splitlines()) == len(found) + len(lines)
