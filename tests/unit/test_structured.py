"""Answers of a fixed form: what is repaired, what is refused, what fits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_vault.errors import ReplyRefused
from memory_vault.llm.structured import ask, fits, parse
from memory_vault.testing.llms import ScriptedModel

SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["home", "job"]},
        "facts": {"type": "array", "items": {"type": "string"}},
        "n": {"type": ["integer", "null"]},
    },
    "required": ["kind", "facts"],
    "additionalProperties": False,
}
TEXTS = st.text('ab"\\{}[],:\n', max_size=8)
OBJECTS = st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS | st.integers(), max_size=3), max_size=3)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, "x"]}',
        '```json\n{"a": [1, "x"]}\n```',
        'Here it is:\n{"a": [1, "x"]}\nI hope that helps.',
        '<think>{"not": "this"}</think>\n{"a": [1, "x"]}',
        '{"a": [1, "x",],\n}',
        '\ufeff{"a": [1, "x"]}',
    ],
)
def test_what_is_around_the_json_is_left_out(text: str) -> None:
    assert parse(text) == {"a": [1, "x"]}


def test_a_line_break_in_a_string_is_taken_as_it_is() -> None:
    assert parse('{"a": "one\ntwo"}') == {"a": "one\ntwo"}


def test_commas_in_strings_are_left_alone() -> None:
    assert parse('{"a": "x,]", "b": "\\",}",}') == {"a": "x,]", "b": '",}'}


@pytest.mark.parametrize(
    "text",
    ["", "no", '{"a": 1', '{"a": "x', '{"a": 1} {"b": 2}', "{'a': 1}", '{"a": NaN}', "[" * 9999],
)
def test_what_is_cut_or_unclear_is_refused(text: str) -> None:
    with pytest.raises(ReplyRefused, match="no JSON"):
        parse(text)


@settings(deadline=None, max_examples=50)
@given(OBJECTS, st.sampled_from(["", "```json\n", "Sure: "]))
def test_json_is_read_whatever_stands_before_it(value: Any, before: str) -> None:
    text = before + json.dumps(value, indent=1) + ("\n```" if "`" in before else "")
    assert parse(text) == value


@given(OBJECTS, st.data())
@settings(deadline=None, max_examples=50)
def test_json_that_is_cut_is_never_completed(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ReplyRefused):
        parse(text[:end])


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "home", "facts": []},
        {"kind": "job", "facts": ["x"], "n": None},
        {"kind": "job", "facts": ["x"], "n": 3},
    ],
)
def test_what_has_the_form_fits(value: Any) -> None:
    assert fits(value, SCHEMA)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "home",
        {},
        {"kind": "home"},
        {"kind": "pet", "facts": []},
        {"kind": "home", "facts": "x"},
        {"kind": "home", "facts": [1]},
        {"kind": "home", "facts": [], "n": True},
        {"kind": "home", "facts": [], "n": 1.5},
        {"kind": "home", "facts": [], "more": 1},
    ],
)
def test_what_has_another_form_does_not(value: Any) -> None:
    assert not fits(value, SCHEMA)


@pytest.mark.anyio
async def test_an_answer_of_another_form_is_refused() -> None:
    llm = ScriptedModel(lambda _: '{"kind": "pet", "facts": []}')
    with pytest.raises(ReplyRefused, match="another form"):
        await ask(llm, "p", system="s", schema=SCHEMA)


@pytest.mark.anyio
async def test_an_answer_that_was_cut_is_refused_even_if_it_reads() -> None:
    llm = ScriptedModel(lambda _: '{"kind": "home", "facts": []} and so on and on')
    with pytest.raises(ReplyRefused, match="cut off at 14 tokens"):
        await ask(llm, "p", system="s", schema=SCHEMA, max_tokens=14)


@pytest.mark.anyio
async def test_the_model_is_shown_the_schema_too() -> None:
    seen: list[str] = []

    class Model(ScriptedModel):
        async def complete(self, prompt: str, **given: Any) -> Any:
            seen.append(given["system"])
            return await super().complete(prompt, **given)

    await ask(Model(), "p", system="Read it.", schema=SCHEMA)
    assert seen[0].startswith("Read it.")
    assert json.dumps(SCHEMA) in seen[0]
