"""Importing the package is cheap and does nothing."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "apsw",
    "httpx",
    "numpy",
    "onnx",
    "onnxruntime",
    "pydantic",
    "sentence_transformers",
    "tiktoken",
    "tokenizers",
    "torch",
    "typer",
)
"""What is loaded where it is first used."""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing_heavy() -> None:
    loaded = run("import sys, memory_vault; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)


def test_constructors_load_nothing_heavy() -> None:
    code = (
        "import sys, memory_vault as m; m.Vault(); m.MemoryLayer('a'); m.VaultSync(); "
        "m.MemoryLayerSync('a'); print(*sys.modules)"
    )
    assert not set(HEAVY) & set(run(code).split())


def test_import_starts_no_thread() -> None:
    assert run("import threading, memory_vault; print(threading.active_count())") == "1"


def test_import_writes_and_prints_nothing() -> None:
    code = "import sys, memory_vault; print(sys.stdout.writable(), len(memory_vault.__all__) > 40)"
    assert run(code) == "True True"


def test_import_costs_little() -> None:
    code = (
        "import time, json, dataclasses, datetime, pathlib; start = time.process_time(); "
        "import memory_vault; print(time.process_time() - start)"
    )
    assert min(float(run(code)) for _ in range(3)) < 0.3
