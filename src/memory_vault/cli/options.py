"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

import typer

from ..errors import InvalidInput
from ..models import MEMORY_TYPES, MemoryType

User = Annotated[str, typer.Option("--user", "-u", help="Whose memory it is.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]
Size = Annotated[int, typer.Option("--limit", "-n", help="How many to list, 1 to 1000.")]
Cursor = Annotated[str | None, typer.Option(help="Go on where the page before ended.")]
TypeName = Annotated[str | None, typer.Option("--type", help=f"One of {', '.join(MEMORY_TYPES)}.")]
TypeNames = Annotated[
    list[str] | None,
    typer.Option("--type", help=f"Only {', '.join(MEMORY_TYPES)}; may be repeated."),
]
SessionId = Annotated[str | None, typer.Option("--session", "-s", help="The conversation.")]
DEFAULT_USER = "default"


def moment(option: str, text: str | None) -> datetime | None:
    """Read a day or time in ISO form; one without a zone is local time. None stays None.

    Raises:
        InvalidInput: If it is neither.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return found if found.utcoffset() is not None else found.astimezone()
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            f"{option} {text!r}: give a day or time such as 2026-05-20, 2026-05-20T14:30 "
            "(local time) or 2026-05-20T14:30Z"
        ) from None


def text(what: str, value: str) -> str:
    """Take a text of the command line; the system gives bytes that are not UTF-8 as surrogates.

    Raises:
        InvalidInput: If it holds such bytes: it would be kept as something else than it is.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} is not UTF-8: convert it before") from None
    return value


def memory_type(text: str | None) -> MemoryType | None:
    """Take the name of a type; the library itself refuses one that is none."""
    return cast("MemoryType | None", text)


def memory_types(texts: list[str] | None) -> list[MemoryType] | None:
    """Take names of types; none given means all."""
    return cast("list[MemoryType]", texts) if texts else None
