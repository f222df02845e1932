"""Numbers for Prometheus: what is asked for, how long it takes, what waits, how late the loop is.

With several worker processes each writes its numbers to files in the folder that
PROMETHEUS_MULTIPROC_DIR names, and whichever is asked adds them up; `memory-vault serve` sees to
it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from ..engine import Engine

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The numbers of one application; those of stages are of the whole process."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "memory_vault_requests", "Requests answered.", ("operation", "status"), registry=own
        )
        self._request_s = Histogram(
            "memory_vault_request_seconds",
            "Seconds until the end of the answer.",
            ("operation",),
            buckets=_SECONDS,
            registry=own,
        )
        self._stage_s = Histogram(
            "memory_vault_stage_seconds",
            "Seconds of one stage of a save or a recall.",
            ("operation", "stage"),
            buckets=_SECONDS,
            registry=own,
        )
        self._under_way = Gauge(
            "memory_vault_requests_under_way",
            "Requests under way.",
            multiprocess_mode="livesum",
            registry=own,
        )
        self._queue = Gauge(
            "memory_vault_queue",
            "Calls that wait for a thread.",
            ("of",),
            multiprocess_mode="livesum",
            registry=own,
        )
        self._index_bytes = Gauge(
            "memory_vault_index_bytes",
            "Bytes of indexes in memory.",
            multiprocess_mode="livesum",
            registry=own,
        )
        self._late_s = Histogram(
            "memory_vault_loop_stall_seconds",
            "How late the event loop runs what is due.",
            buckets=_SECONDS,
            registry=own,
        )

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a request while it is answered."""
        self._under_way.inc()
        try:
            yield
        finally:
            self._under_way.dec()

    def request(self, operation: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(operation, str(status)).inc()
        self._request_s.labels(operation).observe(seconds)

    def sample(self, engine: Engine, *, late_s: float) -> None:
        """What is so at this moment."""
        self._late_s.observe(max(0.0, late_s))
        self._index_bytes.set(engine.indexes.nbytes)
        for name, waiting in engine.store.waiting().items():
            self._queue.labels(name).set(waiting)

    def stage(self, operation: str, stage: str, seconds: float) -> None:
        """One stage of a call has ended."""
        self._stage_s.labels(operation, stage).observe(seconds)

    def exposition(self) -> bytes:
        """All numbers as Prometheus reads them, of all worker processes. Blocking."""
        if not os.environ.get(FOLDER):
            return generate_latest(self._registry)
        _drop_dead(Path(os.environ[FOLDER]))
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return generate_latest(every)


def _drop_dead(folder: Path) -> None:
    """Leave out what is so at this moment in a process that is gone; its counts stay."""
    for one in folder.glob("gauge_live*_*.db"):
        pid = int(one.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
