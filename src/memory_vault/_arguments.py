"""Checks of what callers give: each returns the value to use, or raises `InvalidInput`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ._times import to_micros, to_moment
from .embed import Embedder
from .errors import InvalidInput, NotFound
from .models import (
    JOB_STATES,
    MEMORY_TYPES,
    ORIGINS,
    Job,
    JobState,
    MemoryType,
    Message,
    Proof,
)
from .storage import Changes, Cursor, Draft, Selector
from .text.clean import clean, is_blank

MAX_NAME_CHARS = 512
MAX_ROLE_CHARS = 200
MAX_KEY_CHARS, MAX_VALUE_CHARS = 200, 2_000
MAX_METADATA_BYTES = 65_536
MAX_MESSAGES = 10_000
LARGE_MESSAGES, LARGE_CHARS = 100, 100_000
MAX_PAGE = 1_000
MAX_COUNT = 1 << 48
"""Of memories or tokens that one may ask for: far beyond any vault, and room to reckon with it."""
_REVISION = re.compile("[0-9a-f]{32}")
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of Unicode that would break the line a role stands in."""


class _Keep:
    """The type of the default that means "leave it as it is"."""

    def __repr__(self) -> str:
        return "KEEP"


KEEP: Any = _Keep()


def name(what: str, value: str) -> str:
    """An id: not blank, of bounded length, without NUL or lone surrogates; kept as written."""
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is a {type(value).__name__}: give a string")
    if is_blank(value):
        raise InvalidInput(f"{what} is blank: give at least one visible character")
    if len(value) > MAX_NAME_CHARS:
        raise InvalidInput(f"{what} has {len(value)} characters: at most {MAX_NAME_CHARS}")
    if clean(value) != value:
        raise InvalidInput(f"{what} holds NUL or a lone surrogate: leave them out")
    return value


def optional_name(what: str, value: str | None) -> str | None:
    """`name`, and None for None."""
    return None if value is None else name(what, value)


def text(what: str, value: str, max_chars: int) -> str:
    """A text to keep or to search for, cleaned; refused when blank or too long."""
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is a {type(value).__name__}: give a string")
    if len(value) > max_chars:
        advice = "" if max_chars <= MAX_VALUE_CHARS else " (max_text_chars); split it"
        raise InvalidInput(f"{what} has {len(value)} characters: at most {max_chars}{advice}")
    if is_blank(value):
        raise InvalidInput(f"{what} is blank: give at least one visible character")
    return clean(value)


def _role(what: str, value: str) -> str:
    """A role or a speaker's name: one short line."""
    if not isinstance(value, str) or is_blank(value) or len(value) > MAX_ROLE_CHARS:
        raise InvalidInput(
            f"{what}: give "
            "'user', 'assistant', 'tool', 'system' or a speaker's name of at most "
            f"{MAX_ROLE_CHARS} characters"
        )
    if clean(value) != value or any(unicodedata.category(c) in _BREAKING for c in value):
        raise InvalidInput(f"{what} holds a line break or a control character: leave it out")
    return value


def moment(what: str, value: datetime | None) -> int | None:
    """An aware moment in microseconds, and None for None."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise InvalidInput(f"{what} is a {type(value).__name__}: give an aware datetime")
    if value.utcoffset() is None:
        raise InvalidInput(
            f"{what}={value.isoformat()} has no time zone: give an aware datetime, such as "
            "datetime.now(UTC)"
        )
    micros = to_micros(value)
    try:
        to_moment(micros)
    except OverflowError:
        raise InvalidInput(f"{what} is outside the years 1 to 9999 in UTC") from None
    return micros


def memory_type(value: str | None) -> MemoryType | None:
    """One of the four types, and None for None."""
    if value is not None and value not in MEMORY_TYPES:
        raise InvalidInput(f"memory_type={value!r}: give one of {', '.join(MEMORY_TYPES)}")
    return value


def _several(what: str, values: Iterable[str] | None) -> tuple[str, ...] | None:
    """A filter of several strings; one bare string is a slip, not a list of letters."""
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidInput(f"{what}={values!r}: give a list, such as [{values!r}]")
    found = tuple(values)
    if not found or not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"{what}: give at least one string, or None for all")
    return found


def memory_types(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """A filter by type."""
    found = _several("memory_types", values)
    for one in found or ():
        memory_type(one)
    return found


def roles(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """A filter by who said it."""
    return _several("roles", values)


def origins(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """A filter by class of trust or exact origin."""
    found = _several("origins", values)
    for one in found or ():
        origin(one)
    return found


def origin(value: str | None) -> str | None:
    """A class of trust with an optional detail, and None for None."""
    if value is None:
        return None
    if not isinstance(value, str) or value.partition(":")[0] not in ORIGINS:
        raise InvalidInput(
            f"origin={value!r}: give one of {', '.join(ORIGINS)}, with a detail after a colon if "
            "you like ('tool:web')"
        )
    return _role("origin", value)


def count(what: str, value: int | None, default: int) -> int:
    """A count of at least 1; None takes the default."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_COUNT:
        raise InvalidInput(
            f"{what}: give a whole number from 1 to {MAX_COUNT}, or None for the configured default"
        )
    return value


def _metadata(value: Mapping[str, Any] | None) -> str | None:
    """A JSON object as compact text; None and {} as None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidInput(f"metadata is a {type(value).__name__}: give a JSON object (a dict)")
    if not value:
        return None
    try:
        packed = json.dumps(dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata is not JSON: {error}") from error
    if not _has_text_keys(value):
        raise InvalidInput("metadata is not JSON: keys are strings")
    if len(packed.encode("utf-8", "replace")) > MAX_METADATA_BYTES:
        raise InvalidInput(f"metadata is larger than {MAX_METADATA_BYTES} bytes as JSON")
    return clean(packed)


def _has_text_keys(value: object) -> bool:
    """Whether every key at any depth is a string: others would become one, and might meet it."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if not all(isinstance(key, str) for key in one):
                return False
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
    return True


optional_metadata = _metadata
role_name = _role
_check_type, _check_origin = memory_type, origin


def is_large(content: object) -> bool:
    """Whether checking it would hold up an event loop: then it is checked in a worker thread."""
    if isinstance(content, str):
        return len(content) > LARGE_CHARS
    if not isinstance(content, Sequence):
        return False
    return len(content) > LARGE_MESSAGES or any(
        isinstance(one, str) and len(one) > LARGE_CHARS for one in content
    )


def messages(
    content: object,
    *,
    role: str,
    occurred_at: datetime | None,
    metadata: Mapping[str, Any] | None,
    origin: str | None,
    memory_type: str | None,
    max_chars: int,
) -> list[Draft]:
    """Every input of one save as a draft, in order; the call's own arguments fill the gaps."""
    given = [content] if isinstance(content, str | Message | Mapping) else content
    if not isinstance(given, Sequence) or not given:
        raise InvalidInput("content: give a text, a message, or a list of at least one message")
    if len(given) > MAX_MESSAGES:
        raise InvalidInput(f"content has {len(given)} messages: at most {MAX_MESSAGES} a call")
    type_ = _check_type(memory_type)
    return [
        _draft(
            one,
            where="content" if given is not content else f"content[{i}]",
            role=role,
            occurred_at=occurred_at,
            metadata=metadata,
            origin=origin,
            memory_type=type_,
            max_chars=max_chars,
        )
        for i, one in enumerate(given)
    ]


_MESSAGE_KEYS = {"role", "content", "occurred_at", "metadata"}


def _message(value: object, where: str, role: str) -> Message:
    """One input as a message; a bare string takes the call's role."""
    if isinstance(value, Message):
        return value
    if isinstance(value, str):
        return Message(role, value)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where} is a {type(value).__name__}: give a string or a message")
    if unknown := sorted(map(str, set(value) - _MESSAGE_KEYS)):
        raise InvalidInput(
            f"{where} has the unknown key {unknown[0]!r}: a message has 'role', 'content', "
            "'occurred_at' and 'metadata'"
        )
    if "content" not in value:
        raise InvalidInput(f"{where} has no 'content'")
    own = value.get("metadata")
    return Message(
        value.get("role", role),
        value["content"],
        value.get("occurred_at"),
        {} if own is None else own,
    )


def _draft(
    value: object,
    *,
    where: str,
    role: str,
    occurred_at: datetime | None,
    metadata: Mapping[str, Any] | None,
    origin: str | None,
    memory_type: MemoryType | None,
    max_chars: int,
) -> Draft:
    """One checked input."""
    message = _message(value, where, role)
    said_by = _role(f"{where} role", message.role)
    own_moment, own_metadata = message.occurred_at, message.metadata
    return Draft(
        role=said_by,
        content=text(where, message.content, max_chars),
        occurred_at=moment("occurred_at", occurred_at if own_moment is None else own_moment),
        metadata=_metadata(metadata if own_metadata in ({}, None) else own_metadata),
        origin=_check_origin(origin) or origin_of(said_by),
        memory_type=memory_type,
    )


def origin_of(role: str) -> str:
    """The class of trust that a role implies; a named speaker is a person."""
    return {"assistant": "assistant", "tool": "tool", "system": "plugin"}.get(role, "user")


def changes(*, max_chars: int, if_revision: str | None = None, **given: Any) -> Changes:
    """What `update` is to change, checked; only what was given is in it."""
    wanted = {key: value for key, value in given.items() if value is not KEEP}
    if not wanted:
        raise InvalidInput("update() was given nothing to change")
    for key, check in _CHANGE_CHECKS.items():
        if key in wanted:
            wanted[key] = check(wanted[key])
    if "content" in wanted:
        wanted["content"] = text("content", wanted["content"], max_chars)
    return Changes(wanted, revision(if_revision))


def _importance(value: float) -> float:
    """A share from 0 to 1."""
    return _share("importance", value)


def _required_type(value: str | None) -> MemoryType:
    """A type that may not be cleared."""
    found = memory_type(value)
    if found is None:
        raise InvalidInput("memory_type=None: a memory always has a type")
    return found


_CHANGE_CHECKS: dict[str, Any] = {
    "memory_type": _required_type,
    "importance": _importance,
    "occurred_at": lambda value: moment("occurred_at", value),
    "valid_from": lambda value: moment("valid_from", value),
    "valid_to": lambda value: moment("valid_to", value),
    "metadata": _metadata,
}


def _share(what: str, value: float) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"{what}={value!r}: give a number from 0 to 1")
    return float(value)


def preference_key(value: str) -> str:
    """The key of a preference: one line, inner spaces made one."""
    key = " ".join(text("key", value, MAX_KEY_CHARS).split())
    if not key:
        raise InvalidInput("key is blank: give at least one visible character")
    return key


def preference(key: str, value: str, confidence: float) -> tuple[str, str, float]:
    """Key, value and confidence of a preference."""
    return (
        preference_key(key),
        text("value", value, MAX_VALUE_CHARS),
        _share("confidence", confidence),
    )


def selector(
    memory_id: str | None,
    session_id: str | None,
    origin_: str | None,
    recorded_before: datetime | None,
    if_revision: str | None = None,
) -> Selector:
    """What `forget` is to remove: exactly one of the first four."""
    found = Selector(
        memory_id=optional_name("memory_id", memory_id),
        session_id=optional_name("session_id", session_id),
        origin=origin(origin_),
        recorded_before=moment("recorded_before", recorded_before),
        revision=revision(if_revision),
    )
    given = (found.memory_id, found.session_id, found.origin, found.recorded_before)
    if sum(one is not None for one in given) != 1:
        raise InvalidInput(
            "give exactly one of memory_id, session_id, origin and recorded_before; "
            "forget_all() removes everything"
        )
    if found.revision is not None and found.memory_id is None:
        raise InvalidInput("if_revision goes with memory_id: it names the state of one memory")
    return found


def revision(value: str | None) -> str | None:
    """A state of a memory as `Memory.revision` names it, and None for any."""
    if value is not None and not (isinstance(value, str) and _REVISION.fullmatch(value)):
        raise InvalidInput("if_revision: give `revision` of the memory as it was read, or None")
    return value


def proof(value: str) -> Proof:
    """How far forgetting is to be proven."""
    if value not in get_args(Proof):
        raise InvalidInput(f"proof={value!r}: give 'quick' or 'proven'")
    return cast("Proof", value)


def confirmed(value: bool, what: str) -> None:
    """Refuse a removal of everything that was not confirmed."""
    if value is not True:
        raise InvalidInput(f"confirm={value!r}: this removes {what}; give confirm=True")


def session_state(value: str | None) -> Literal["open", "ended"] | None:
    """A filter of sessions."""
    if value not in (None, "open", "ended"):
        raise InvalidInput(f"state={value!r}: give 'open', 'ended' or None for both")
    return cast("Literal['open', 'ended'] | None", value)


def embedder(value: str | Embedder) -> str | Embedder:
    """A name of an embedder, or an embedder."""
    if not isinstance(value, str | Embedder):
        raise InvalidInput("embedder: give a name, or an object that fulfils Embedder")
    return value


def job_state(value: JobState | None) -> JobState | None:
    """A filter of jobs."""
    if value not in (None, *JOB_STATES):
        raise InvalidInput(f"state={value!r}: give one of {', '.join(JOB_STATES)}, or None for all")
    return value


def found_job(job: Job | None, job_id: str) -> Job:
    """A job that was looked for.

    Raises:
        NotFound: If there is none.
    """
    if job is None:
        raise NotFound(f"no job {job_id!r}: list_jobs() shows those there are")
    return job


def file_path(value: str | Path) -> Path:
    """Where a file or folder is, absolute; "~" is the home folder."""
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise InvalidInput("path: give the name of a file or folder")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise InvalidInput("path: the home folder that it names is not known") from None


def page(listing: str, size: int, cursor: str | None) -> tuple[int, Cursor | None]:
    """Size of a page and where it starts."""
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_PAGE:
        raise InvalidInput(f"page_size={size!r}: give 1 to {MAX_PAGE}")
    return size, None if cursor is None else Cursor.parse(cursor, listing)
