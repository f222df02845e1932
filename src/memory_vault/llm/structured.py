"""Answers of a fixed form: asked for, read, repaired by small safe rules, or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import ReplyRefused
from . import LanguageModel, Schema

_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(\s*[}\]])', re.DOTALL)
_MOST_CHARS = 200_000
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


async def ask(
    llm: LanguageModel, prompt: str, *, system: str, schema: Schema, max_tokens: int = 1024
) -> Any:
    """A language model's answer as JSON that fits a schema.

    The schema is shown to the model as well, for services that cannot be made to keep to one.

    Args:
        schema: Uses no more of JSON schema than `fits` knows.

    Raises:
        ReplyRefused: If the answer was cut off, or is no such JSON after the repairs of `parse`.
        MemoryVaultError: Whatever the language model raises.
    """
    told = f"{system}\n\nAnswer with JSON only, of this schema:\n{json.dumps(schema)}"
    found = await llm.complete(prompt, system=told, schema=schema, max_tokens=max_tokens)
    if found.is_cut:
        raise ReplyRefused(f"the language model's answer was cut off at {max_tokens} tokens")
    value = parse(found.text)
    if not fits(value, schema):
        raise ReplyRefused("the language model answered with JSON of another form than it was told")
    return value


def parse(text: str) -> Any:
    """The JSON in an answer; what is repaired changes no value that is there.

    Thoughts before it and words or a fence around it are left out, so are commas before a closing
    bracket; line breaks within strings are taken as they are. Nothing is ever closed or completed.

    Raises:
        ReplyRefused: If there is none, or more than one.
    """
    body = _THOUGHTS.sub("", text[:_MOST_CHARS]).strip().removeprefix("\ufeff")
    inner = body[_first(body) : max(body.rfind("}"), body.rfind("]")) + 1]
    for candidate in (body, inner, _TRAILING_COMMA.sub(r"\1\2", inner)):
        try:
            return json.loads(candidate, strict=False, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
    raise ReplyRefused("the language model answered with something that is no JSON")


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value has the form: types, `enum`, `properties`, `required`, `items`.

    Properties that the schema does not name are allowed unless it says otherwise.
    """
    if "enum" in schema and value not in schema["enum"]:
        return False
    wanted = schema.get("type")
    if wanted is not None and not any(_is_of(value, one) for one in _list(wanted)):
        return False
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return (
            all(name in value for name in schema.get("required", ()))
            and (schema.get("additionalProperties", True) or set(value) <= set(properties))
            and all(fits(value[name], one) for name, one in properties.items() if name in value)
        )
    if isinstance(value, list) and "items" in schema:
        return all(fits(one, schema["items"]) for one in value)
    return True


def _is_of(value: Any, name: str) -> bool:
    is_number = name in ("integer", "number")
    return isinstance(value, _TYPES[name]) and not (is_number and isinstance(value, bool))


def _list(wanted: Any) -> list[str]:
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _first(text: str) -> int:
    """Where the first bracket stands; the end if there is none."""
    places = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    return min(places, default=len(text))


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
