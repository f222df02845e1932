"""Children by fork, from a process that has imported everything and opened nothing."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

PATIENCE_S = 120.0
Say = Callable[..., None]


class Fork:
    """A child that runs a function and says things, one JSON value a line.

    A forked child has no other use of this process's memory: what it needs comes with the function.
    """

    def __init__(self, main: Callable[[Say], None]) -> None:
        sys.stdout.flush()
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _run(main, self._reader, writer)
        os.close(writer)
        self._rest = b""

    def hear(self) -> Any | None:
        """The next thing it says; None when it has ended."""
        while b"\n" not in self._rest:
            more = os.read(self._reader, 65536)
            if not more:
                return None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def kill(self) -> None:
        """End it at once; what it had said can still be heard."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Wait for it; its exit status, negative for a signal."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                self.kill()
            time.sleep(0.0005)
        os.close(self._reader)
        return os.waitstatus_to_exitcode(status)

    def finish(self, each: Say = lambda _: None) -> tuple[list[Any], int]:
        """All that it still says, `each` told of it at once, and its exit status."""
        said = []
        while (one := self.hear()) is not None:
            each(one)
            said.append(one)
        return said, self.end()


def _run(main: Callable[[Say], None], reader: int, writer: int) -> None:
    """The child's life; it never returns to what its parent was doing."""
    status = 1
    try:
        os.close(reader)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # errors made on purpose are not worth a line

        def say(*parts: Any) -> None:
            os.write(writer, json.dumps(parts).encode() + b"\n")

        try:
            main(say)
            status = 0
        except BaseException:  # noqa: BLE001 - told to the parent, which judges it
            say("failed", traceback.format_exc())
    finally:
        os._exit(status)
