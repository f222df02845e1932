"""Other processes for the tests: started with the same interpreter, spoken to by lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60

_PRELUDE = """\
import random, sys, time
from pathlib import Path
import anyio
from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.testing.embedders import HashEmbedder

folder, backend, *rest = sys.argv[1:]
config = MemoryConfig(data_dir=Path(folder), embedder=HashEmbedder())

def say(*parts):
    print(*parts, flush=True)

def heed():
    return sys.stdin.readline().strip()

"""

_HOLDER = """\
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


class Child:
    """A process that runs Python source and talks by lines."""

    def __init__(self, source: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def hear(self) -> str:
        """The next line it says, without the line end."""
        line = self.process.stdout.readline()
        assert line, f"the child ended: {self.process.stderr.read()}"
        return line.strip()

    def tell(self, line: str = "") -> None:
        """Send it a line."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def finish(self) -> list[str]:
        """Wait for its good end; what it had still to say."""
        said, complaints = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, complaints
        return said.splitlines()

    def kill(self) -> list[str]:
        """End it at once; the whole lines it had said. None of its own code runs any more."""
        self.process.kill()
        said, complaints = self.process.communicate(timeout=PATIENCE_S)
        assert not complaints, complaints
        return [line.strip() for line in said.splitlines(keepends=True) if line.endswith("\n")]


@contextmanager
def child(source: str, folder: Path, backend: str, *arguments: str) -> Iterator[Child]:
    """A child that knows `config`, `backend`, `rest`, `say` and `heed`; ended in any case."""
    with _ended(Child(_PRELUDE + source, str(folder), backend, *arguments)) as one:
        yield one


@contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """Another process holds the lock for writing on a file."""
    with _ended(Child(_HOLDER, str(path))) as holder:
        assert holder.hear() == "held"
        yield
        holder.tell()
        holder.finish()


@contextmanager
def _ended(one: Child) -> Iterator[Child]:
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()
