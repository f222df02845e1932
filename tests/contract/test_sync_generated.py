"""The blocking classes are current and complete."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import memory_vault
from memory_vault import layer, sync, vault

PAIRS = [(vault.Vault, sync.VaultSync), (layer.MemoryLayer, sync.MemoryLayerSync)]
METHODS = [
    (ours, theirs, name)
    for theirs, ours in PAIRS
    for name, member in vars(theirs).items()
    if inspect.iscoroutinefunction(member) and not name.startswith("_")
]


def test_the_generated_file_is_current() -> None:
    root = Path(memory_vault.__file__).parents[2]
    command = [sys.executable, str(root / "tools/gen_sync.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("ours", "theirs", "name"), METHODS)
def test_signature_hints_and_docs(ours: type, theirs: type, name: str) -> None:
    blocking, awaited = getattr(ours, name), getattr(theirs, name)
    assert inspect.signature(blocking) == inspect.signature(awaited)
    assert not inspect.iscoroutinefunction(blocking)
    assert typing.get_type_hints(blocking, vars(sync))
    assert blocking.__doc__
    assert "await " not in blocking.__doc__
