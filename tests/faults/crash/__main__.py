"""Crash a vault over and over, look at what is left, and write down the figures.

Usage: python -m tests.faults.crash [--kills N] [--points all|N] [--seed S] [--out FILE]
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # no thread may exist where a child is forked

import argparse
import contextlib
import importlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import anyio

from memory_vault import MemoryConfig, Vault
from memory_vault.errors import NotFound

from . import breakages
from .crowd import KINDS, Crowd, crowd
from .forks import Fork, Say
from .matrix import FAULTS, Figures, kills, points
from .script import SINGLE, Layers, config_of, do
from .verify import verify

ROOT = Path(__file__).parents[3]
Job = Callable[[Path], Figures]


def main() -> int:
    """Run what was asked for; the exit status is 1 if anything was violated."""
    wanted = _arguments()
    print(f"seed {wanted.seed}", flush=True)
    begun = time.monotonic()
    figures, crowds = _shared_out(wanted)
    record = {
        **_origin(),
        "seed": wanted.seed,
        "seconds": round(time.monotonic() - begun, 1),
        **figures.as_json(),
        "cancel_points": _cancelled() if wanted.cancel else {},
        "crowds": {kind: asdict(one) for kind, one in crowds.items()},
    }
    for one in figures.violations[:20]:
        print(f"VIOLATION {one[:200]} … {one[-800:]}" if len(one) > 1000 else f"VIOLATION {one}")
    print(json.dumps({**record, "violations": len(figures.violations)}, indent=1), flush=True)
    if wanted.out:
        wanted.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return bool(figures.violations)


def _arguments() -> argparse.Namespace:
    given = argparse.ArgumentParser()
    given.add_argument("--kills", type=int, default=100)
    given.add_argument("--points", default="1", help="'all', or how many of each kind")
    given.add_argument("--crowd", type=float, default=0, help="seconds of many processes at once")
    given.add_argument("--cancel", action="store_true", help="cancel every call in every way")
    given.add_argument("--sample", type=int, help="only so many calls and faults, by the seed")
    given.add_argument("--only", default="", help="only calls and faults whose name has this")
    given.add_argument("--seed", type=int, default=int(os.environ.get("TORTURE_SEED", "0")))
    given.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given.add_argument("--breakage", default="", choices=["", *breakages.BREAKAGES])
    given.add_argument("--out", type=Path)
    found = given.parse_args()
    found.seed = found.seed or time.time_ns() % (1 << 32)
    return found


def _shared_out(wanted: argparse.Namespace) -> tuple[Figures, dict[str, Crowd]]:
    """Let each worker do its share, in a process that opens nothing itself; then the crowds."""
    total, crowds = Figures(), dict[str, Crowd]()
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir=_fast_folder()))
    try:
        _import_all(folder)
        if wanted.breakage:
            breakages.BREAKAGES[wanted.breakage]()
        shares = [Fork(partial(_work, wanted, number, folder)) for number in range(wanted.workers)]
        for one in shares:
            said, status = one.finish(_show)
            if status:
                total.violations.append(f"a worker ended with {status}: {said[-1:]}")
            for name, more in said:
                if name == "figures":
                    total.add(Figures(**more))
        for kind in KINDS if wanted.crowd else ():
            _show(("progress", f"crowd: {kind}"))
            crowds[kind] = crowd(kind, wanted.crowd, wanted.seed, folder / kind)
            total.violations += crowds[kind].violations
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return total, crowds


def _cancelled() -> dict[str, dict[str, int]]:
    """How many points of each call were cancelled, by way; the tests must pass."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "points"
        subprocess.run(
            [sys.executable, "-m", "pytest", "tests/faults/test_cancel.py"],
            cwd=ROOT,
            env={**os.environ, "TORTURE": str(out)},
            check=True,
        )
        found: dict[str, dict[str, int]] = {}
        for line in out.read_text(encoding="utf-8").splitlines():
            name, way, count = json.loads(line)
            found.setdefault(name, {})[way] = count
    return found


def _import_all(folder: Path) -> None:
    """Import here, once, whatever a child would import."""

    def inside(say: Say) -> None:
        """What a writer and a verifier import: they are children of their own elsewhere."""
        config = config_of(folder / "inside")
        for backend in ("asyncio", "trio"):
            anyio.run(verify, config, [], ["zq0001"], backend=backend)
            anyio.run(_all_calls, config, backend=backend)
        say(sorted(sys.modules))

    said, status = Fork(inside).finish()
    assert status == 0, said
    for name in said[-1][0]:
        if name.partition(".")[0] in ("anyio", "memory_vault", "trio"):
            importlib.import_module(name)


async def _all_calls(config: MemoryConfig) -> None:
    """One call of each kind."""
    async with Vault(config) as vault:
        for before, op in SINGLE.values():  # each starts with a user who is not there
            for one in (*before, op):
                await do(one, Layers(vault))
            with contextlib.suppress(NotFound):
                await vault.forget_user("alice", confirm=True)


def _fast_folder() -> str | None:
    """A file system in memory, where there is one: what is synced is known, not measured."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _work(wanted: argparse.Namespace, number: int, folder: Path, say: Say) -> None:
    jobs = _point_jobs(wanted)
    for count, job in enumerate(jobs):
        if count % wanted.workers == number:
            say("progress", f"faults of the disk: {count} of {len(jobs)}")
            say("figures", job(folder / f"{number}-points-{count}").as_json())
    killed, script = 0, number
    while killed < wanted.kills / wanted.workers:
        done = kills(wanted.seed + script, folder / f"{number}-kills-{script}")
        killed, script = killed + done.kills, script + wanted.workers
        say("progress", f"kills: {killed} of {wanted.kills // wanted.workers} by one worker")
        say("figures", done.as_json())
        if done.violations:
            break


def _show(said: Sequence[Any]) -> None:
    """How far a worker is, the first one at first: all do about the same."""
    if said[0] == "progress":
        end = "\r" if sys.stderr.isatty() else "\n"
        print(f"{said[1]:<40}", end=end, file=sys.stderr, flush=True)


def _point_jobs(wanted: argparse.Namespace) -> list[Job]:
    at_most = None if wanted.points == "all" else int(wanted.points)
    jobs = [
        partial(points, name, fault, durability, wanted.seed, at_most=at_most)
        for name in SINGLE
        for fault, durability in FAULTS
        if at_most != 0 and wanted.only in f"{name}/{fault}/{durability}"
    ]
    if wanted.sample is not None:
        jobs = Random(wanted.seed).sample(jobs, wanted.sample)
    return jobs


def _origin() -> dict[str, object]:
    """What was tried, and where."""
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "commit": asked.stdout.strip(),
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
