"""The short form of the crash matrix, and proof that it would notice if something broke.

`make torture` is the long form. The matrix runs in a process of its own, since it forks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the crash matrix forks")

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("TORTURE_SEED", "0")


def _crash(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """The figures of one run."""
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.crash", *arguments, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-4000:], done.stderr[-2000:])
    figures: dict[str, Any] = json.loads(out.read_text())
    assert bool(figures["violations"]) == bool(done.returncode)
    return figures


def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    figures = _crash(tmp_path, "--kills", "100", "--points", "0", "--seed", SEED)
    assert figures["violations"] == []
    assert figures["kills"] >= 100


def test_faults_of_the_disk_lose_nothing(tmp_path: Path) -> None:
    arguments = ("--kills", "0", "--points", "1", "--sample", "16", "--seed", SEED)
    figures = _crash(tmp_path, *arguments)
    assert figures["violations"] == []
    assert sum(figures["points"].values()) >= 6


def test_eight_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """On one user, on many, and on users who come and go; another program reads meanwhile."""
    figures = _crash(tmp_path, "--kills", "0", "--points", "0", "--crowd", "1.5", "--seed", SEED)
    assert figures["violations"] == []
    assert all(one["saved"] and one["read"] for one in figures["crowds"].values())


@pytest.mark.parametrize(
    ("breakage", "arguments", "sign"),
    [
        ("no_sync", ("--points", "1", "--only", "preference/power/power"), "I1"),
        ("keep_token_ids", ("--points", "1", "--only", "forget/exit"), "I3"),
        ("early_answer", ("--points", "1", "--only", "save/exit"), "I1"),
    ],
)
def test_the_matrix_notices(
    breakage: str, arguments: tuple[str, ...], sign: str, tmp_path: Path
) -> None:
    common = ("--kills", "0", "--seed", "1", "--breakage", breakage)
    violations = _crash(tmp_path, *common, *arguments)["violations"]
    assert violations
    assert any(sign in one for one in violations), violations[0]


def test_the_cancellation_tests_notice_a_connection_freed_too_early() -> None:
    file = "tests/faults/test_cancel.py"
    test = "test_a_caller_who_leaves_frees_nothing_that_its_thread_still_uses"
    plugin = ["-p", "tests.faults.crash.breakages"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-x", f"{file}::{test}"],
        cwd=ROOT,
        env={**os.environ, "BREAKAGE": "early_give"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-2000:]
    assert "failed" in done.stdout
