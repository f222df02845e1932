"""What can be said of the integrations without the packages they are for."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = {
    "anthropic": ("anthropic", "anthropic"),
    "fastapi": ("fastapi", "server"),
    "langchain": ("langchain_core", "langchain"),
    "langgraph": ("langgraph", "langchain"),
    "starlette": ("starlette", "server"),
}


@pytest.mark.parametrize("module", EXTRAS)
def test_a_missing_package_names_the_command(module: str) -> None:
    """Also where the package is installed: the child process is told that it is not."""
    package, extra = EXTRAS[module]
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"try: import memory_vault.integrations.{module}\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert f"pip install 'memory-vault[{extra}]'" in done.stdout
