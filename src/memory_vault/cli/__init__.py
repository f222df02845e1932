"""The command line: each command parses, makes one call of the library, and shows its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit; what `memory-vault` and `python -m memory_vault` start.

    Args:
        arguments: The words after the program's name; None for those it was started with.
    """
    try:
        from .app import run

        status = run(arguments)
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)
