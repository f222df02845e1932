"""The layout is what the architecture page says: imports go downward."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import memory_vault

ROOT = Path(memory_vault.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LEVELS = [
    {"__main__"},
    {"cli"},
    {"demo"},
    {"bench"},
    {"sync", "testing"},
    {"layer"},
    {"vault"},
    {"engine"},
    {"ingest", "recall", "session", "forget", "_portal", "_arguments"},
    {"storage", "_host"},
    {"embed"},
    {"text"},
    {"config"},
    {"models", "_times", "_ids"},
    {"errors"},
]
RANK = {name: rank for rank, names in enumerate(LEVELS) for name in names}
ALLOWED_UPWARD = {("config", "embed"), ("bench", "demo")}
LOOPS = {"_portal.py", "_host.py"}
FENCES = {"_host.py"}


def part(path: Path) -> str:
    """The first name below the package: a folder or a module."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def run_time_nodes(path: Path) -> list[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = [tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.append(node)
        pending.extend(ast.iter_child_nodes(node))
    return found


def own_imports(path: Path) -> set[str]:
    """Parts of this package that a file imports when it runs."""
    found = set()
    depth = len(path.relative_to(ROOT).parts)
    for node in run_time_nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {name.split(".")[0] for name in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("memory_vault."):
            found.add((node.module or "").split(".")[1])
    return {name for name in found if name in RANK}


def named(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downward(path: Path) -> None:
    if path.name == "__init__.py" and path.parent == ROOT:
        return
    here = part(path)
    assert here in RANK, f"{here} has no level: give it one, and a line in docs/architecture.md"
    upward = {
        name
        for name in own_imports(path)
        if name != here and RANK[name] <= RANK[here] and (here, name) not in ALLOWED_UPWARD
    }
    assert not upward


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_event_loop_by_name_and_no_other_sqlite(path: Path) -> None:
    names = named(path)
    if path.name not in LOOPS:
        assert not names & {"asyncio", "trio"}
    assert not names & {"sqlite3", "aiosqlite"}
    for node in ast.walk(tree(path)):
        assert not (isinstance(node, ast.Attribute) and node.attr == "Thread")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "storage").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_vault_files_are_opened_by_our_sqlite_only(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).split(".")[-1]
            assert called not in {"open", "read_bytes", "read_text", "copy", "copyfile"} or (
                ast.unparse(node.func) == "os.open" and path.name == "files.py"
            )
        assert not (isinstance(node, ast.With) and "connection" in ast.unparse(node.items[0]))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_broad_except(path: Path) -> None:
    for function in ast.walk(tree(path)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and path.name not in FENCES:
                caught = "" if node.type is None else ast.unparse(node.type)
                if caught == "BaseException":
                    assert isinstance(node.body[-1], ast.Raise), "clean-up must raise on"
                else:
                    assert caught not in {"", "Exception"} or function.name == "translate"


def test_no_data_set_is_named() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8").lower()
        assert not [name for name in ("loco" + "mo", "longmem", "realmem") if name in text]
