"""The fields of each kind of record: how a value stands in a line, and how it is read back."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

from .. import _arguments as check
from .._times import to_micros, to_moment
from ..models import FactChange
from ..storage import Chunk
from ..text.clean import clean

MAX_TEXT_CHARS = 1_000_000
MAX_KEY_CHARS = 1_000
MAX_CHUNKS = 8_191
MAX_SOURCES = 10_000
COMPACT: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
_ID = re.compile(r"[a-z]{1,8}_[0-9a-z]{26}")
Parse = Callable[[Any], Any]


def moment_text(micros: int | None) -> str | None:
    """How a moment stands in a line."""
    return None if micros is None else to_moment(micros).isoformat(timespec="microseconds")


def json_object(text: str | None) -> Any:
    """What a column of JSON holds."""
    return None if text is None else json.loads(text)


def as_it_is(value: Any) -> Any:
    """A value that stands in a line as the store keeps it."""
    return value


def _time(value: Any) -> int:
    """A moment in ISO form with its zone, in microseconds."""
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() is None:
        raise ValueError("no zone")
    micros = to_micros(moment)
    to_moment(micros)
    return micros


def _optional(parse: Parse) -> Parse:
    return lambda value: None if value is None else parse(value)


def _name(value: Any) -> str:
    return check.name("id", value)


def _memory_id(value: Any) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("no id of a memory")
    return str(value)


def _number(value: Any) -> float:
    """A share from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("no share")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("no flag")
    return value


def _type(value: Any) -> str:
    found = check.memory_type(_string(value))
    assert found is not None
    return found


def _origin(value: Any) -> str:
    found = check.origin(_string(value))
    assert found is not None
    return found


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _metadata(value: Any) -> str | None:
    """An object as compact text; a little larger than save takes, since that cleans it after."""
    if not value:
        return None
    if not isinstance(value, dict):
        raise TypeError("no object")
    packed = clean(json.dumps(value, **COMPACT))
    if len(packed.encode("utf-8")) > 3 * check.MAX_METADATA_BYTES:
        raise ValueError("too large")
    return packed


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_SOURCES:
        raise TypeError("no list")
    return tuple(_memory_id(one) for one in value)


def _chunks(value: Any) -> tuple[Chunk, ...]:
    """Spans with their embeddings; null for none."""
    if value is None:
        return ()
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHUNKS:
        raise ValueError("no list of chunks")
    return tuple(_chunk(*one) for one in value)


def _chunk(start: Any, stop: Any, embedding: Any) -> Chunk:
    if type(start) is not int or type(stop) is not int:
        raise TypeError("no span")
    try:
        return Chunk(start, stop, base64.b64decode(_string(embedding), validate=True), b"")
    except binascii.Error:
        raise ValueError("not base64") from None


def _text(most: int) -> Parse:
    """A text that is not blank, of at most that many characters, with none to be cleaned."""

    def parse(value: Any) -> str:
        found = check.text("text", value, most)
        if found != value:
            raise ValueError("unstorable characters")
        return found

    return parse


def _optional_text(value: Any) -> str:
    """As `_text`, and "" for nothing."""
    found: str = "" if value == "" else _text(check.MAX_VALUE_CHARS)(value)
    return found


def _place(value: Any) -> int:
    """Where something stands in a text."""
    if type(value) is not int or not 0 <= value <= MAX_TEXT_CHARS:
        raise ValueError("no place")
    return value


def _digest(value: Any) -> bytes:
    found = bytes.fromhex(value)
    if len(found) != 32 or found.hex() != value:
        raise ValueError("no digest")
    return found


_RESULT = ["saved", "duplicates", "preferences", "facts"]
"""Keys of a result; older files have no "facts"."""


def _result(value: Any) -> str:
    """Ids that a save returned, as `ingest` keeps them."""
    if not isinstance(value, dict) or list(value) not in (_RESULT, _RESULT[:3]):
        raise ValueError("no result")
    for texts in value.values():
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise TypeError("no list of texts")
        "".join(texts).encode()
    if len(value["duplicates"]) % 3 or not all(int(at) >= 0 for at in value["duplicates"][::3]):
        raise ValueError("no list of duplicates")
    changes = value.get("facts", [])
    if len(changes) % 2 or not set(changes[::2]) <= set(get_args(FactChange)):
        raise ValueError("no list of facts")
    return json.dumps(value)


def _role(value: Any) -> str:
    return check.role_name("role", value)


FIELDS: dict[str, dict[str, Parse]] = {
    "memory": {
        "id": _memory_id,
        "session_id": _optional(_name),
        "memory_type": _type,
        "role": _role,
        "content": _text(MAX_TEXT_CHARS),
        "importance": _number,
        "occurred_at": _optional(_time),
        "recorded_at": _time,
        "changed_at": _time,
        "superseded_at": _optional(_time),
        "valid_from": _optional(_time),
        "valid_to": _optional(_time),
        "origin": _origin,
        "derived_from": _ids,
        "compressed": _flag,
        "metadata": _metadata,
        "chunks": _chunks,
    },
    "session": {
        "id": _name,
        "started_at": _time,
        "last_active_at": _time,
        "ended_at": _optional(_time),
        "metadata": _metadata,
    },
    "preference": {
        "key": _text(MAX_KEY_CHARS),
        "value": _text(check.MAX_VALUE_CHARS),
        "confidence": _number,
        "recorded_at": _time,
        "superseded_at": _optional(_time),
        "source": _optional(_memory_id),
    },
    "statement": {
        "source": _memory_id,
        "start": _place,
        "subject": _text(MAX_KEY_CHARS),
        "value": _optional_text,
        "text": _optional_text,
        "since": _time,
        "learned_at": _time,
        "fact": _optional(_memory_id),
    },
    "idempotency": {"key": _name, "digest": _digest, "at": _time, "result": _result},
}
"""Fields of each kind of record, in the order of the line and of the store's columns."""
KINDS: tuple[str, ...] = tuple(FIELDS)
_PAST = (
    "started_at",
    "last_active_at",
    "ended_at",
    "recorded_at",
    "superseded_at",
    "learned_at",
    "at",
)
SHOWN: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys((*_PAST, "since"), moment_text),
    "metadata": json_object,
    "digest": bytes.hex,
    "result": json.loads,
}
"""How values of rows stand in a line, where not as they are."""
PAST = {"changed_at", *_PAST}
TEXT_WANTED = "give a text within the limits of save"
_SPAN = "give [start, stop, embedding in base64] lists, or null"
_TIME = "give a time in ISO form with its zone"
WANTED: dict[str, str] = {
    **dict.fromkeys(("occurred_at", "valid_from", "valid_to", "since", *PAST), _TIME),
    **dict.fromkeys(("importance", "confidence"), "give a number from 0 to 1"),
    "id": "give an id as this library makes them",
    "derived_from": f"give a list of at most {MAX_SOURCES} ids of memories",
    "source": "give the id of a memory, or null",
    "fact": "give the id of a memory, or null",
    "start": "give a place in a text",
    "memory_type": "give one of the four types",
    "origin": "give a class of trust, with a detail after a colon if you like",
    "compressed": "give true or false",
    "metadata": "give an object, or null",
    "chunks": _SPAN,
    "digest": "give SHA-256 in lower-case hex",
    "result": "give saved, duplicates, preferences and maybe facts, lists of texts",
}
