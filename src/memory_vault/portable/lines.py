"""The lines of an export file: how a row becomes one, and the other way round.

The format is documented in docs/export-format.md. What is read is checked field by field; a message
names the line and what is accepted, and never quotes what stands there.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import _arguments as check
from .._times import to_micros, to_moment
from ..errors import ImportRefused, InvalidInput
from ..storage import Chunk, Version
from ..text.clean import clean

FORMAT = "memory-vault-export"
VERSION = 1
MAX_LINE_BYTES = 16 << 20
MAX_TEXT_CHARS = 1_000_000
MAX_KEY_CHARS = 1_000
MAX_CHUNKS = 8_191
MAX_SOURCES = 10_000
_ID = re.compile(r"[a-z]{1,8}_[0-9a-z]{26}")
_COMPACT: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
Row = tuple[Any, ...]
Parse = Callable[[Any], Any]


def encode(record: Mapping[str, Any]) -> bytes:
    """One line, with its end."""
    return json.dumps(record, **_COMPACT).encode("utf-8") + b"\n"


def header(embedder: str | None) -> bytes:
    """The first line."""
    return encode({"format": FORMAT, "version": VERSION, "embedder": embedder})


def footer_record(counts: Mapping[str, int], digest: str) -> dict[str, Any]:
    """What the last line says: how many lines of each kind, and what they are."""
    return {
        "kind": "end",
        "memories": counts["memory"],
        "versions": counts["version"],
        "sessions": counts["session"],
        "preferences": counts["preference"],
        "idempotency": counts["idempotency"],
        "sha256": digest,
    }


def footer(counts: Mapping[str, int], digest: str) -> bytes:
    """The last line."""
    return encode(footer_record(counts, digest))


def encode_version(version: Version) -> bytes:
    """A version of a memory; one whose line would be too long goes without its embeddings."""
    line = encode(_version_record(version, _packed(version.chunks)))
    if len(line) > MAX_LINE_BYTES:
        line = encode(_version_record(version, None))
    return line


def _packed(chunks: Sequence[Chunk]) -> list[list[Any]]:
    return [[c.start, c.stop, base64.b64encode(c.embedding).decode()] for c in chunks]


def _version_record(v: Version, chunks: list[list[Any]] | None) -> dict[str, Any]:
    return {
        "kind": "memory",
        "id": v.id,
        "session_id": v.session_id,
        "memory_type": v.memory_type,
        "role": v.role,
        "content": v.content,
        "importance": v.importance,
        "occurred_at": _moment(v.occurred_at),
        "recorded_at": _moment(v.recorded_at),
        "changed_at": _moment(v.changed_at),
        "superseded_at": _moment(v.superseded_at),
        "valid_from": _moment(v.valid_from),
        "valid_to": _moment(v.valid_to),
        "origin": v.origin,
        "derived_from": list(v.derived_from),
        "compressed": v.compressed,
        "metadata": _object(v.metadata),
        "chunks": chunks,
    }


def encode_row(kind: str, row: Row) -> bytes:
    """A session, a preference or an idempotency key."""
    shown = [_SHOWN.get(name, _same)(value) for name, value in zip(_FIELDS[kind], row, strict=True)]
    return encode({"kind": kind, **dict(zip(_FIELDS[kind], shown, strict=True))})


def _moment(micros: int | None) -> str | None:
    return None if micros is None else to_moment(micros).isoformat(timespec="microseconds")


def _object(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _same(value: Any) -> Any:
    return value


# reading ------------------------------------------------------------------------------------------


class Lines:
    """Turns lines into rows, one after the other; knows the number of the line it is at.

    Args:
        now: No row may be of a later moment.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        self.number: int = 0

    def refuse(self, what: str) -> ImportRefused:
        """The error that says what is wrong with this line."""
        return ImportRefused(f"line {self.number}: {what}")

    def record(self, line: bytes) -> dict[str, Any]:
        """The JSON object of the next line."""
        self.number += 1
        if len(line) > MAX_LINE_BYTES:
            raise self.refuse(f"longer than {MAX_LINE_BYTES} bytes")
        if not line.endswith(b"\n"):
            raise self.refuse("the file ends within this line: it is not whole")
        try:
            found = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise self.refuse("not JSON in UTF-8: give one object a line") from None
        if not isinstance(found, dict):
            raise self.refuse("not a JSON object")
        return found

    def header(self, record: dict[str, Any]) -> str | None:
        """The embedder that the first line names."""
        if record.get("format") != FORMAT:
            raise self.refuse(f"not an export of memory-vault: give a file with format {FORMAT!r}")
        if record.get("version") != VERSION:
            raise self.refuse(f"this library reads version {VERSION} of the format: upgrade it")
        embedder = record.get("embedder")
        is_text = embedder is None or isinstance(embedder, str)
        if set(record) != {"format", "version", "embedder"} or not is_text:
            raise self.refuse("give format, version and embedder (a text or null), nothing else")
        return embedder

    def version(self, record: dict[str, Any]) -> Version:
        """A version of a memory, its chunks without search terms."""
        values = self._values("memory", record)
        found = Version(**values)
        if found.memory_type == "working" and found.session_id is None:
            raise self.refuse("memory_type working needs a session_id")
        if found.superseded_at is not None and found.superseded_at < found.changed_at:
            raise self.refuse("superseded_at is before changed_at")
        if found.recorded_at > found.changed_at:
            raise self.refuse("recorded_at is after changed_at")
        start, stop = found.valid_from, found.valid_to
        if start is not None and stop is not None and stop <= start:
            raise self.refuse("valid_to is not after valid_from")
        end = 0
        for one in found.chunks:
            if not end <= one.start < one.stop <= len(found.content):
                raise self.refuse("chunks: spans lie within the content, in order, apart")
            end = one.stop
        return found

    def row(self, kind: str, record: dict[str, Any]) -> Row:
        """A session, a preference or an idempotency key, as the store keeps it."""
        values = self._values(kind, record)
        end = values.get("superseded_at")
        if end is not None and end < values["recorded_at"]:
            raise self.refuse("superseded_at is before recorded_at")
        return tuple(values[name] for name in _FIELDS[kind])

    def _values(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        fields = _FIELDS[kind]
        if unknown := len(record.keys() - fields.keys() - {"kind"}):
            raise self.refuse(f"{unknown} unknown keys: a {kind} has {', '.join(fields)}")
        if missing := [name for name in fields if name not in record]:
            raise self.refuse(f"{missing[0]} is missing")
        return {name: self._value(name, parse, record[name]) for name, parse in fields.items()}

    def _value(self, name: str, parse: Parse, value: Any) -> Any:
        try:
            found = parse(value)
        except (InvalidInput, ValueError, TypeError, OverflowError, RecursionError):
            raise self.refuse(f"{name} is not acceptable: {_WANTED.get(name, _TEXT)}") from None
        if name in _PAST and found is not None and found > self._now:
            raise self.refuse(f"{name} lies in the future")
        return found


def _no_constant(_: str) -> None:
    raise ValueError("NaN and infinities are not JSON")


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
    packed = clean(json.dumps(value, **_COMPACT))
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


def _digest(value: Any) -> bytes:
    found = bytes.fromhex(value)
    if len(found) != 32 or found.hex() != value:
        raise ValueError("no digest")
    return found


def _result(value: Any) -> str:
    """Ids that a save returned, as `ingest` keeps them."""
    if not isinstance(value, dict) or list(value) != ["saved", "duplicates", "preferences"]:
        raise ValueError("no result")
    for texts in value.values():
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise TypeError("no list of texts")
        "".join(texts).encode()
    if len(value["duplicates"]) % 3 or not all(int(at) >= 0 for at in value["duplicates"][::3]):
        raise ValueError("no list of duplicates")
    return json.dumps(value)


def _role(value: Any) -> str:
    return check.role_name("role", value)


_FIELDS: dict[str, dict[str, Parse]] = {
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
    "idempotency": {"key": _name, "digest": _digest, "at": _time, "result": _result},
}
"""Fields of each kind of record, in the order of the line and of the store's columns."""
KINDS: tuple[str, ...] = tuple(_FIELDS)
_TIMES = ("started_at", "last_active_at", "ended_at", "recorded_at", "superseded_at", "at")
_SHOWN: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_TIMES, _moment),
    "metadata": _object,
    "digest": bytes.hex,
    "result": json.loads,
}
"""How values of rows stand in a line, where not as they are."""
_PAST = {"changed_at", *_TIMES}
_TEXT = "give a text within the limits of save"
_SPAN = "give [start, stop, embedding in base64] lists, or null"
_TIME = "give a time in ISO form with its zone"
_WANTED: dict[str, str] = {
    **dict.fromkeys(("occurred_at", "valid_from", "valid_to", *_PAST), _TIME),
    **dict.fromkeys(("importance", "confidence"), "give a number from 0 to 1"),
    "id": "give an id as this library makes them",
    "derived_from": f"give a list of at most {MAX_SOURCES} ids of memories",
    "source": "give the id of a memory, or null",
    "memory_type": "give one of the four types",
    "origin": "give a class of trust, with a detail after a colon if you like",
    "compressed": "give true or false",
    "metadata": "give an object, or null",
    "chunks": _SPAN,
    "digest": "give SHA-256 in lower-case hex",
    "result": "give saved, duplicates and preferences, lists of texts",
}


def is_finite_unit(rows: Any) -> bool:
    """Whether every row of an array is finite and has length 1, within float32's error."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1)
    return bool(np.isfinite(rows).all() and (abs(lengths - 1) < 1e-3).all())
