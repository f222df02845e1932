"""Values read back from JSON, into the types that the library itself returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Reader = Callable[[Any], Any]


@cache
def reader(kind: Any) -> Reader:
    """What reads values of a kind: a dataclass, a tuple of one kind, an optional, a plain value.

    It raises `KeyError`, `TypeError` or `ValueError` where the JSON is not of that kind. Names
    that the kind does not know are left out, so that a newer server can be understood.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if kind is datetime:
        return datetime.fromisoformat
    if kind is Path:
        return Path
    if origin in (Union, UnionType):
        (one,) = (part for part in parts if part is not NoneType)
        read = reader(one)
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        return _tuple(reader(parts[0]))
    if is_dataclass(origin or kind):
        return _dataclass(origin or kind, parts)
    return float if kind is float else lambda value: value


def _tuple(read: Reader) -> Reader:
    return lambda values: tuple([read(value) for value in values])


def _dataclass(kind: Any, parts: tuple[Any, ...]) -> Reader:
    hints = get_type_hints(kind)
    of = dict(zip(getattr(kind, "__parameters__", tuple[Any, ...]()), parts, strict=True))
    readers = [
        (one.name, _is_needed(one), reader(_filled(hints[one.name], of))) for one in fields(kind)
    ]

    def read(value: Any) -> Any:
        return kind(
            **{name: get(value[name]) for name, needed, get in readers if needed or name in value}
        )

    return read


def _is_needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _filled(hint: Any, of: dict[TypeVar, Any]) -> Any:
    """A hint with its type variables replaced."""
    open_ = getattr(hint, "__parameters__", None)
    return hint[tuple(of.values())] if of and open_ else hint
