"""How long the MCP server takes until its first answer, beside the SDK it is made with.

Usage: python benchmarks/mcp_start.py [--times 9] [--out OUT.json]

Each figure is the least of so many starts, in turn: what else runs on the machine only adds. "first
answer" is from the start of `memory-vault mcp` to the reply to `initialize`; "cpu" is the server's
own processor time until then, where the system tells it. Needs the extra `mcp`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    },
}


def whole_ms(code: str) -> float:
    """Milliseconds of a Python process that runs a line of code."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - begin) * 1_000


def first_answer(folder: str) -> tuple[float, float | None]:
    """Milliseconds until the first answer, and of processor time until then."""
    words = [sys.executable, "-m", "memory_vault", "--data-dir", folder, "mcp"]
    begin = time.perf_counter()
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(HELLO).encode() + b"\n")
        process.stdin.flush()
        assert b'"result"' in process.stdout.readline()
        taken = (time.perf_counter() - begin) * 1_000
        return taken, cpu_ms(process.pid)


def cpu_ms(pid: int) -> float | None:
    """Processor time of a running process; None where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1_000


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "mcp_start.json")
    given = parser.parse_args()
    found: dict[str, list[float]] = {"python": [], "import_sdk": [], "first_answer": [], "cpu": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.times):
            found["python"].append(whole_ms("pass"))
            found["import_sdk"].append(whole_ms("import mcp"))
            taken, cpu = first_answer(folder)
            found["first_answer"].append(taken)
            found["cpu"] += [] if cpu is None else [cpu]
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": subprocess.run(command, capture_output=True, text=True).stdout.strip(),
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
        },
        "least_ms": {name: round(min(one)) for name, one in found.items() if one},
        "all_ms": {name: [round(ms) for ms in one] for name, one in found.items()},
    }
    given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures["least_ms"]))


if __name__ == "__main__":
    main()
