"""The lines of an export file: how a row becomes one, and the other way round.

The format is documented in docs/export-format.md. What is read is checked field by field; a message
names the line and what is accepted, and never quotes what stands there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ImportRefused, InvalidInput
from ..storage import Chunk, Version
from .fields import (
    COMPACT,
    FIELDS,
    PAST,
    SHOWN,
    TEXT_WANTED,
    WANTED,
    Parse,
    as_it_is,
    json_object,
    moment_text,
)

FORMAT = "memory-vault-export"
VERSION = 1
MAX_LINE_BYTES = 16 << 20
Row = tuple[Any, ...]


def encode(record: Mapping[str, Any]) -> bytes:
    """One line, with its end."""
    return json.dumps(record, **COMPACT).encode("utf-8") + b"\n"


def header(embedder: str | None) -> bytes:
    """The first line."""
    return encode({"format": FORMAT, "version": VERSION, "embedder": embedder})


def footer_record(counts: Mapping[str, int], digest: str) -> dict[str, Any]:
    """What the last line says: how many lines of each kind, and what they are."""
    statements = {"statements": counts["statement"]} if counts["statement"] else {}
    return {
        "kind": "end",
        "memories": counts["memory"],
        "versions": counts["version"],
        "sessions": counts["session"],
        "preferences": counts["preference"],
        **statements,
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
        "occurred_at": moment_text(v.occurred_at),
        "recorded_at": moment_text(v.recorded_at),
        "changed_at": moment_text(v.changed_at),
        "superseded_at": moment_text(v.superseded_at),
        "valid_from": moment_text(v.valid_from),
        "valid_to": moment_text(v.valid_to),
        "origin": v.origin,
        "derived_from": list(v.derived_from),
        "compressed": v.compressed,
        "metadata": json_object(v.metadata),
        "chunks": chunks,
    }


def encode_row(kind: str, row: Row) -> bytes:
    """A session, a preference or an idempotency key."""
    shown = [
        SHOWN.get(name, as_it_is)(value) for name, value in zip(FIELDS[kind], row, strict=True)
    ]
    return encode({"kind": kind, **dict(zip(FIELDS[kind], shown, strict=True))})


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
        return tuple(values[name] for name in FIELDS[kind])

    def _values(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        fields = FIELDS[kind]
        if unknown := len(record.keys() - fields.keys() - {"kind"}):
            raise self.refuse(f"{unknown} unknown keys: a {kind} has {', '.join(fields)}")
        if missing := [name for name in fields if name not in record]:
            raise self.refuse(f"{missing[0]} is missing")
        return {name: self._value(name, parse, record[name]) for name, parse in fields.items()}

    def _value(self, name: str, parse: Parse, value: Any) -> Any:
        try:
            found = parse(value)
        except (InvalidInput, ValueError, TypeError, OverflowError, RecursionError):
            raise self.refuse(
                f"{name} is not acceptable: {WANTED.get(name, TEXT_WANTED)}"
            ) from None
        if name in PAST and found is not None and found > self._now:
            raise self.refuse(f"{name} lies in the future")
        return found


def _no_constant(_: str) -> None:
    raise ValueError("NaN and infinities are not JSON")


def is_finite_unit(rows: Any) -> bool:
    """Whether every row of an array is finite and has length 1, within float32's error."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1)
    return bool(np.isfinite(rows).all() and (abs(lengths - 1) < 1e-3).all())
