"""Settings of the server: what it takes, from whom, and for how long."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..config import SERVE_PREFIX
from ..errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """How a vault is served; each field is `MEMORY_VAULT_SERVE_<FIELD>` in the environment.

    Attributes:
        without_keys: Whether anyone who reaches the server may use it, as long as no key was made.
            Without it, a server without keys answers this machine only.
        cors_origins: Origins of web pages that may call, separated by commas; none by default.
        max_body_bytes: Bytes of one request at most.
        max_import_bytes: Bytes of one import at most.
        timeout_s: Seconds after which a call is stopped.
        slow_timeout_s: The same for export, import, forget, check and events of jobs.
        rate_per_key: Requests a second for one key, in the long run; 0 for no limit.
        rate_per_user: Requests a second about one user, in the long run; 0 for no limit.
        burst_s: A rate may be used up for so many seconds at once.
        drain_s: Seconds for requests under way, when the server is asked to stop.
    """

    without_keys: bool = False
    cors_origins: tuple[str, ...] = ()
    max_body_bytes: int = 16 << 20
    max_import_bytes: int = 4 << 30
    timeout_s: float = 30.0
    slow_timeout_s: float = 600.0
    rate_per_key: float = 200.0
    rate_per_user: float = 100.0
    burst_s: float = 5.0
    drain_s: float = 30.0

    @staticmethod
    def from_environment(environ: Mapping[str, str] | None = None) -> ServeSettings:
        """Read the environment.

        Raises:
            ConfigError: If a name or a value is not acceptable.
        """
        known = {one.name: one.type for one in fields(ServeSettings)}
        given: dict[str, Any] = {}
        for key, text in (os.environ if environ is None else environ).items():
            if not key.startswith(SERVE_PREFIX):
                continue
            name = key.removeprefix(SERVE_PREFIX).lower()
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1) or sorted(known)
                raise ConfigError(f"unknown setting {key}: did you mean {', '.join(near)}?")
            given[name] = _parse(key, str(known[name]), text)
        return ServeSettings(**given)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: {"1": True, "true": True, "0": False, "false": False}[text.lower()],
    "int": int,
    "float": float,
    "tuple[str, ...]": lambda text: tuple(one.strip() for one in text.split(",") if one.strip()),
}


def _parse(key: str, kind: str, text: str) -> Any:
    try:
        value = _PARSERS[kind](text)
    except (KeyError, ValueError):
        raise ConfigError(f"{key} is {text!r}: give a value of the kind {kind}") from None
    if kind in ("int", "float") and not 0 <= value < math.inf:
        raise ConfigError(f"{key} is {text!r}: give a finite number of at least 0")
    return value
