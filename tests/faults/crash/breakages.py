"""Ways to break the library on purpose, to see that the suite notices."""

from __future__ import annotations

from collections.abc import Callable

BREAKAGES: dict[str, Callable[[], None]] = {}
