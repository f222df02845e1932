"""The prompt block, format 1: what the model reads, with memory text that stays data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

Group = Literal["preferences", "facts", "conversations"]
GROUPS: tuple[Group, ...] = ("preferences", "facts", "conversations")
"""Groups in the order in which they stand in the block."""
WRAPPER = ("<memory>", "</memory>")
"""First and last line of a block that is not empty."""
GROUP_WRAPPERS: dict[Group, tuple[str, str]] = {
    group: (f"<{group}>", f"</{group}>") for group in GROUPS
}
"""First and last line of each group that is not empty."""

_BREAKS = re.compile("[^\\S\r\n]*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\\s*")
# Signs that show nothing or turn the reading direction: they could hide or disguise text.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_QUOTE = '"'
_LABEL = str.maketrans({"[": "(", "]": ")"})
_NAME = str.maketrans({"[": "(", "]": ")", ":": "-"})


class Line(NamedTuple):
    """One line of the block.

    Attributes:
        order: Place within its group; smaller stands earlier, ties keep the order given.
        text: The finished line, escaped, with its leading "- ".
    """

    group: Group
    order: tuple[int, ...]
    text: str


def escape(text: str) -> str:
    """Make memory text one line that holds no delimiter of the block.

    Line breaks of every kind become " / ", angle brackets become `&lt;` and `&gt;`, tabs become
    spaces, and signs that hide or turn text go. Escaping twice changes nothing more.
    """
    if text.isprintable():  # then it has no sign that goes, and no break
        line = text.strip()
    else:
        line = _BREAKS.sub(" / ", _HIDDEN.sub("", text).strip()).replace("\t", " ")
    return line.replace("<", "&lt;").replace(">", "&gt;")


def preference_line(key: str, value: str) -> str:
    """Write one preference; a colon in its key cannot pass for the end of the key."""
    return f"- {_name(key)}: {escape(value)}"


def fact_head(day: date) -> str:
    """The beginning of a fact's line: the day from which it is known."""
    return f"- [{day.isoformat()}] "


def past_note(day: date) -> str:
    """The end of the line of a fact that holds no more."""
    return f" (until {day.isoformat()})"


def conversation_head(day: date, session_id: str | None, role: str) -> str:
    """The beginning of a turn's line: its day, its session when it has one, and who said it."""
    session = "" if session_id is None else f", session {_label(session_id)}"
    return f"- [{day.isoformat()}{session}] {_name(role)}: "


def opening(*, user_id: str | None = None, day: date | None = None) -> str:
    """The first line of a block; it names the user and the day of the recall where they are given.

    Both are left out by default: a name is nobody's business, and a line that changes every day
    keeps a model's provider from reusing what it has already read.
    """
    user = "" if user_id is None else f' user="{escape(user_id).replace(_QUOTE, "&quot;")}"'
    when = "" if day is None else f' date="{day.isoformat()}"'
    return f"<memory{user}{when}>"


def render(lines: Iterable[Line], first: str = WRAPPER[0]) -> str:
    """Put lines into one block: groups in fixed order, empty ones left out; "" for no lines.

    Args:
        first: The first line, as `opening` writes it.
    """
    ordered = sorted(lines, key=lambda line: line.order)
    groups = [
        _group(group, [one.text for one in ordered if one.group == group]) for group in GROUPS
    ]
    inner = [text for text in groups if text]
    return "\n".join([first, *inner, WRAPPER[1]]) if inner else ""


def _group(group: Group, texts: list[str]) -> str:
    """Lines of one group between its tags, or "" without lines."""
    first, last = GROUP_WRAPPERS[group]
    return "\n".join([first, *texts, last]) if texts else ""


@lru_cache(maxsize=1024)
def _label(text: str) -> str:
    """A session id that cannot end the square bracket it stands in."""
    return escape(text).translate(_LABEL)


@lru_cache(maxsize=1024)
def _name(text: str) -> str:
    """A key or a speaker that cannot end the header it stands in."""
    return escape(text).translate(_NAME) or "unknown"
