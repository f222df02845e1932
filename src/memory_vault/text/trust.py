"""How much the classes of origin deserve to be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from ..models import ORIGINS

_TRUST = {"user": 0, "assistant": 1, "model": 2, "plugin": 3, "import": 4, "tool": 5}
"""From what the user said to what came from anywhere; `ORIGINS` has no order."""
assert set(_TRUST) == set(ORIGINS)


def least_trusted(origins: Sequence[str]) -> str:
    """The class that deserves least trust, with its detail if all of that class have the same."""
    worst = max((one.partition(":")[0] for one in origins), key=lambda name: _TRUST[name])
    of_worst = {one for one in origins if one.partition(":")[0] == worst}
    return of_worst.pop() if len(of_worst) == 1 else worst
