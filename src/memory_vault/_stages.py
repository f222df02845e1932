"""How long the stages of a call take, for whoever watches or traces; cheap while nobody does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._tracing import part

Watcher = Callable[[str, str, float], None]
_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell someone of each stage that ends: of which call, which stage, how many seconds."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


@contextmanager
def stage(call: str, name: str) -> Iterator[None]:
    """Measure one stage; one that fails counts too."""
    start = time.perf_counter()
    try:
        with part(call, name):
            yield
    finally:
        for watcher in _watchers:
            watcher(call, name, time.perf_counter() - start)
