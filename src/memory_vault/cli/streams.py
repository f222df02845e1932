"""The streams of a command: what comes in is UTF-8, and what goes out does so on any terminal."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any, BinaryIO, TextIO

from ..errors import InvalidInput

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What moves a cursor, turns text around or is not seen at all; of it, line feeds and tabs are not,
nor the joiners that scripts and emoji need."""
_BREAKS = re.compile("[\t\n]")


def prepare() -> None:
    """Write what a stream's encoding does not hold as escapes, instead of failing in mid-output."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def visible(text: str, *, in_line: bool = False) -> str:
    """A text whose hidden characters are shown as escapes, so that none reaches the terminal.

    Args:
        in_line: Whether line feeds and tabs are hidden characters too.
    """
    shown = _HIDDEN.sub(_escaped, text.replace("\r\n", "\n"))
    return _BREAKS.sub(_escaped, shown) if in_line else shown


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def as_json(value: Any, stream: TextIO | None, indent: int | None = None) -> str:
    """A JSON document that a stream can hold: its escapes are JSON's, hidden characters among them.

    Args:
        stream: Where it goes.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def read_all() -> str:
    """All of standard input; a closed one is empty.

    Raises:
        InvalidInput: If it is not UTF-8: it would be kept as something else than it is.
    """
    data = b"" if (source := _source()) is None else source.read()
    try:
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"standard input is not UTF-8 (byte {error.start + 1}): convert it before"
        ) from None


def read_answer() -> str:
    """One line of standard input, as the answer to a question; a closed one says nothing."""
    source = _source()
    line = b"" if source is None else source.readline()
    return line.decode(errors="replace").strip().lower()


def _source() -> BinaryIO | None:
    """The bytes of standard input; None where the program was started without one."""
    return None if sys.stdin is None else sys.stdin.buffer
