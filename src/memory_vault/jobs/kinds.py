"""Every kind of background work, by name, and the function that does it.

A function gets a `Work` and returns what it did, as ids and numbers, or None. It may be stopped or
killed anywhere and is then called again from its start, here or in another process: what it has
done must show in the store, written by `Work.write`, which refuses a runner whose lease has passed
to another. It raises what went wrong; the runner tries again later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..pipelines.compress import compress
from ..pipelines.learn import learn
from ..pipelines.switch import move_users
from ..storage.sqlite import spaces
from ..storage.sqlite.archive import COMPRESS
from ..storage.sqlite.unread import READ_FACTS
from .work import Work

Result = Mapping[str, Any] | None
Kind = Callable[[Work], Awaitable[Result]]

KINDS: dict[str, Kind] = {COMPRESS: compress, READ_FACTS: learn, spaces.KIND: move_users}
"""Name of a kind, as `user.jobs.add` is given it, to its function."""


def kinds(*, reads_facts: bool) -> dict[str, Kind]:
    """What a process can do: facts are read where there is a language model that may."""
    return {name: do for name, do in KINDS.items() if reads_facts or name != READ_FACTS}
