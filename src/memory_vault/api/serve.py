"""The server that `memory-vault serve` runs: uvicorn, with one process or several."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ..config import PREFIX, SERVE_PREFIX
from ..errors import ConfigError
from . import logs
from .settings import ServeSettings


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    data_dir: Path | None
    host: str
    port: int
    workers: int
    without_keys: bool
    cors_origins: tuple[str, ...]


def serve(options: Options, *, has_keys: bool) -> None:
    """Serve until asked to stop, then let what is under way end.

    Raises:
        ConfigError: If nobody has a key and the address is open to others; if uvicorn is missing.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise ConfigError("serving needs uvicorn: pip install 'memory-vault[server]'") from error
    if not (has_keys or options.without_keys or is_loopback(options.host)):
        raise ConfigError(
            f"host {options.host}: without a key, anyone who reaches this address could read "
            "everything. Make one with `memory-vault keys create`, listen on 127.0.0.1, or give "
            "--without-keys"
        )
    os.environ.update(environment(options))
    with ExitStack() as held:
        if options.workers > 1:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="memory-vault-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "memory_vault.api:create_app", factory=True, **how(options), log_config=_log(has_keys)
        )


def environment(options: Options) -> dict[str, str]:
    """The command line as settings, for processes that are yet to start."""
    found = {}
    if options.data_dir is not None:
        found[f"{PREFIX}DATA_DIR"] = str(options.data_dir.expanduser().absolute())
    if options.without_keys:
        found[f"{SERVE_PREFIX}WITHOUT_KEYS"] = "true"
    if options.cors_origins:
        found[f"{SERVE_PREFIX}CORS_ORIGINS"] = ",".join(options.cors_origins)
    return found


def how(options: Options) -> dict[str, Any]:
    """How uvicorn is to run: quiet about paths, and patient when it is to stop."""
    return {
        "host": options.host,
        "port": options.port,
        "workers": options.workers,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": int(ServeSettings.from_environment().drain_s),
    }


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _log(has_keys: bool) -> dict[str, Any]:
    import logging.config

    logging.config.dictConfig(logs.CONFIG)
    if not has_keys:
        logging.getLogger("memory_vault").warning(
            "there are no keys: everybody on this machine may use this server"
        )
    return logs.CONFIG
