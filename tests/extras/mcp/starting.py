"""The server in a process of its own, as a client starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def command(data_dir: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "memory_vault", "--data-dir", str(data_dir), "mcp", *more]


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
