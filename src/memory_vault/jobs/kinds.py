"""Every kind of background work, by name, and the function that does it.

A function gets a `Work` and returns what it did, as ids and numbers, or None. It may be stopped or
killed anywhere and is then called again from its start, here or in another process: what it has
done must show in the store, written by `Work.write`, which refuses a runner whose lease has passed
to another. It raises what went wrong; the runner tries again later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..storage.sqlite import spaces
from ..switch import move_users
from .work import Work

Result = Mapping[str, Any] | None
Kind = Callable[[Work], Awaitable[Result]]

KINDS: dict[str, Kind] = {spaces.KIND: move_users}
"""Name of a kind, as `user.jobs.add` is given it, to its function."""
