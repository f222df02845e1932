"""What a call of a tool was given, checked against its schema and read.

Messages of these checks name the argument and what is accepted; they do not quote what was given.
The library's own may quote an id, never text that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import InvalidInput
from .shapes import Schema


def read(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the library takes them; null is the same as not given.

    Raises:
        InvalidInput: If they are not of the schema's form.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    values = {name: one for name, one in given.items() if one is not None}
    wrong = best_match(Draft202012Validator(schema).iter_errors(values))
    if wrong is not None:
        raise InvalidInput(_said(wrong, schema))
    return {name: _read(name, one, schema["properties"][name]) for name, one in values.items()}


def _said(wrong: Any, schema: Schema) -> str:
    """One failed rule in words of ours: the validator's own quote the value."""
    names = ", ".join(schema["properties"]) or "none"
    if wrong.validator == "required":
        missing = [name for name in wrong.validator_value if name not in wrong.instance]
        return f"{missing[0]} is missing: give it"
    if wrong.validator == "additionalProperties":
        return f"there is an unknown argument: this tool takes {names}"
    where = ".".join(map(str, wrong.absolute_path)) or "the arguments"
    return f"{where}: {wrong.validator} must be {wrong.validator_value}"


def _read(name: str, value: Any, schema: Schema) -> Any:
    if schema.get("format") == "date-time":
        return _moment(name, value)
    return int(value) if schema.get("type") == "integer" else value


def _moment(name: str, value: str) -> datetime:
    """A day or a time; one without a zone is local time."""
    try:
        found = datetime.fromisoformat(value.strip())
        return found if found.utcoffset() is not None else found.astimezone()
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            f"{name}: give a day or time such as 2026-05-20 or 2026-05-20T14:30Z"
        ) from None
