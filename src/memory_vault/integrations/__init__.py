"""Other people's frameworks, one module each; each is imported on demand only.

A module whose package is missing says at its import which command installs it.
"""

from __future__ import annotations


def missing(extra: str) -> ImportError:
    """The error for an optional package that is not installed."""
    return ImportError(f"this needs an optional package: pip install 'memory-vault[{extra}]'")
