"""The scripts beside the package follow it when something moves; rivals import their own."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("tools/*.py")]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_script_imports_of_the_package_is_there(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("memory_vault."):
            try:
                module = importlib.import_module(node.module or "")
            except ImportError:  # what it needs besides is not installed: then it is there at least
                assert importlib.util.find_spec(node.module or ""), f"no {node.module}"
                continue
            missing = [one.name for one in node.names if not hasattr(module, one.name)]
            assert not missing, f"{node.module} has no {', '.join(missing)}"
