"""Beside what a user would pick instead: same machine, same texts, same embeddings, one run.

Usage: python benchmarks/rivals.py [--size N] [--rounds N] [--only NAME,NAME] [OUT.json]

Each system has a file in `rivals/` and a virtual environment in the user's cache folder, made here
at first use (some minutes). A round measures every system once, each in a process of its own, one
after another, every second round backwards; figures are medians over the rounds. A system that
cannot run is named with the reason. Nothing but the making of the environments uses the network.
The model must be installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import commit
from platformdirs import user_cache_path

from memory_vault.demo import load
from memory_vault.embed.model_files import default_model_dir

ROOT = Path(__file__).parent
CACHE = user_cache_path("memory-vault") / "rivals"
TIMEOUT_S = 900
SINGLES = 100
EMBEDDER = ("numpy==2.4.6", "onnxruntime==1.32.0", "tokenizers==0.23.3")
TOKEN_TABLES = "litellm==1.53.1"
"""It carries the token table that the earlier project otherwise fetches."""


@dataclass(frozen=True)
class Rival:
    """A system: its title, what pip installs for it, and what without its dependencies."""

    title: str
    packages: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


OURS = "ours"
RIVALS = {
    OURS: Rival("this project"),
    "floor": Rival("SQLite + NumPy", EMBEDDER),
    "langgraph_store": Rival("LangGraph InMemoryStore", (*EMBEDDER, "langgraph==1.2.24")),
    "chroma": Rival("ChromaDB", (*EMBEDDER, "chromadb==1.5.9")),
    "mem0_verbatim": Rival("mem0, infer=False", (*EMBEDDER, "mem0ai==2.2.1")),
    # Without sentence-transformers, and so without torch: it is given the shared embedder.
    "earlier": Rival(
        "the earlier memory-vault",
        (
            *EMBEDDER[:2],
            "chromadb>=0.5,<1.0",
            "pydantic-settings<3",
            "sqlmodel<0.1",
            "tiktoken<1.0",
            "prometheus-client<1.0",
        ),
        ("memory-vault==0.1.2", TOKEN_TABLES),
    ),
}


class CannotRun(Exception):
    """A system is skipped; the message says why."""


def run(command: list[str | Path], **settings: Any) -> str:
    """The standard output of a command; CannotRun with its last line of error."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, **settings
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"no answer within {TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["it said nothing"]
        raise CannotRun(f"{Path(command[0]).name}: {lines[-1][:300]}") from error
    return done.stdout


def python_of(name: str, rival: Rival) -> Path:
    """The interpreter with this system, whose environment is made if it is not there."""
    if not rival.packages:
        return Path(sys.executable)
    content = repr((rival.packages, rival.alone, sys.version))
    folder = CACHE / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        print(f"installing {rival.title} ...", file=sys.stderr)
        run([sys.executable, "-m", "venv", "--clear", folder])
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, *rival.packages])
        if rival.alone:
            run([*pip, "--no-deps", *rival.alone])
        (folder / "installed").touch()
    return python


def environment(python: Path, home: Path) -> dict[str, str]:
    """Telemetry off by each product's own switch, no hub, nothing kept in the user's home.

    A path of ours to import from would hide the package of the same name.
    """
    tables = next(python.parent.parent.glob("lib/*/site-packages/litellm/**/tokenizers"), home)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return inherited | {
        "HOME": str(home),
        "MEM0_DIR": str(home / "mem0"),
        "MEM0_TELEMETRY": "False",
        "ANONYMIZED_TELEMETRY": "False",
        "LANGSMITH_TRACING": "false",
        "HF_HUB_OFFLINE": "1",
        "TIKTOKEN_CACHE_DIR": str(tables),
        "RIVALS_MODEL_DIR": str(default_model_dir()),
        "MEMORY_VAULT_MODEL_DIR": str(default_model_dir()),
    }


def measured(name: str, texts: dict[str, list[str]]) -> dict[str, Any]:
    """One round of one system: what it took, what it held before and after it was opened again."""
    python = python_of(name, RIVALS[name])
    with tempfile.TemporaryDirectory() as made:
        home, data = Path(made, "home"), Path(made, "data")
        home.mkdir()
        data.mkdir()
        given = home / "texts.json"
        given.write_text(json.dumps(texts), encoding="utf-8")
        command = [python, ROOT / "rivals" / "measure.py", name, data, given]
        settings = {"env": environment(python, home), "cwd": home}
        found = last_line(run(command, **settings))
        found["disk_bytes"] = sum(one.stat().st_size for one in data.rglob("*") if one.is_file())
        again = last_line(run([*command, "again"], **settings))
    found["asked_network"] += again.pop("asked_network")
    return found | again


def last_line(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def numbered(turns: list[str], first: int, count: int) -> list[str]:
    return [f"{turns[n % len(turns)]} ({n})" for n in range(first, first + count)]


def chosen_texts(size: int) -> dict[str, list[str]]:
    """The demo conversation, repeated with numbers; `size` memories before anything is asked."""
    turns = [text for session in load()["sessions"] for _, text in session["turns"]]
    asked = numbered(turns, 0, SINGLES)
    return {
        "first": [f"{turns[0]} (first)"],
        "bulk": numbered(turns, 0, size - 1),
        "single": numbered(turns, size, SINGLES),
        "turns": [text.rpartition(" (")[0] for text in asked],
        "questions": [f"What did we say about this: {text}" for text in asked],
    }


def median_of(rounds: list[Any]) -> Any:
    """Figures of several rounds as one: medians of numbers, else what the last round said."""
    if isinstance(rounds[0], dict):
        return {key: median_of([one[key] for one in rounds]) for key in rounds[-1]}
    numbers = all(isinstance(one, int | float) for one in rounds)
    return statistics.median(rounds) if numbers else rounds[-1]


ROWS = {
    "start to first saved, ms": ("start_to_first_saved_ms",),
    "save p50, ms": ("save", "ms", "p50"),
    "save p95, ms": ("save", "ms", "p95"),
    "save without embedding p50, ms": ("save", "without_embedding_ms", "p50"),
    "bulk, texts/s": ("bulk_texts_per_s",),
    "recall p50, ms": ("recall", "ms", "p50"),
    "recall p95, ms": ("recall", "ms", "p95"),
    "recall without embedding p50, ms": ("recall", "without_embedding_ms", "p50"),
    "start to first recall, ms": ("start_to_first_recall_ms",),
    "resident, MB": ("resident_mb",),
    "on disk, MB": ("disk_mb",),
    "held, of all saved": ("held_share",),
    "held after reopening": ("held_after_reopening_share",),
}
SHARES = ("held, of all saved", "held after reopening")


def figure(found: dict[str, Any], path: tuple[str, ...]) -> float:
    for key in path:
        found = found[key]
    return float(found)  # type: ignore[arg-type]


def table(systems: dict[str, Any]) -> str:
    """Markdown: ratios to this project, the figures behind them in brackets; shares as they are."""
    shown = [name for name in RIVALS if name in systems]
    lines = [
        "| | " + " | ".join(titled(name, systems[name]) for name in shown) + " |",
        "|---" * (len(shown) + 1) + "|",
    ]
    for row, path in ROWS.items():
        ours = figure(systems[OURS], path)
        cells = [cell(figure(systems[name], path), ours, share=row in SHARES) for name in shown]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    lines.append("| durable | " + " | ".join(systems[name]["durable"] for name in shown) + " |")
    return "\n".join(lines)


def titled(name: str, found: dict[str, Any]) -> str:
    """With the version of the package that matters most, which its file names first."""
    return f"{RIVALS[name].title} {next(iter(found['versions'].values()))}"


def cell(value: float, ours: float, *, share: bool) -> str:
    if share:
        return f"{value:.1%}"
    return f"{value / ours:.2f} ({value:.3g})" if min(value, ours) > 0 else f"({value:.3g})"


def summed(rounds: list[dict[str, Any]], saved: int) -> dict[str, Any]:
    found: dict[str, Any] = median_of(rounds)
    return found | {
        "disk_mb": found["disk_bytes"] / 1e6,
        "held_share": found["held"] / saved,
        "held_after_reopening_share": found["held_after_reopening"] / saved,
        "rounds": rounds,
    }


def after_each_round(
    names: list[str], size: int, rounds: int
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Figures by system so far, and why others have none; a round measures all systems."""
    texts, skipped = chosen_texts(size), dict[str, str]()
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for i in range(rounds):
        for name in [one for one in names[:: -1 if i % 2 else 1] if one not in skipped]:
            begin = time.monotonic()
            try:
                results[name].append(measured(name, texts))
            except CannotRun as error:
                skipped[name] = str(error)
            print(f"{RIVALS[name].title}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
        kept = [name for name in names if name not in skipped]
        yield {name: summed(results[name], size + SINGLES) for name in kept}, skipped


def main() -> None:
    """Measure, print the table, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "results/rivals.json")
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default=",".join(RIVALS))
    given = parser.parse_args()
    load_before = os.getloadavg()
    systems, skipped = {}, {}
    for systems, skipped in after_each_round(given.only.split(","), given.size, given.rounds):
        figures = {
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "machine": {
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "load_before": load_before,
                "load_after": os.getloadavg(),
            },
            "size": given.size,
            "skipped": skipped,
            "systems": systems,
        }
        given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if OURS in systems:
        print(table(systems))
    for name, reason in skipped.items():
        print(f"\nskipped: {RIVALS[name].title}: {reason}")


if __name__ == "__main__":
    main()
