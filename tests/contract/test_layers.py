"""The layout is what the architecture page says: imports go downward."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import memory_vault

ROOT = Path(memory_vault.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LEVELS = [
    {"__main__"},
    {"cli"},
    {"mcp"},
    {"api"},
    {"demo"},
    {"bench"},
    {"integrations"},
    {"sync", "testing"},
    {"layer"},
    {"vault", "remote"},
    {"engine"},
    {"client"},
    {"jobs"},
    {"compress", "learn", "portable", "upkeep", "switch", "revise"},
    {"ingest", "recall", "session", "forget", "_portal", "_work"},
    {"facts"},
    {"_arguments", "block", "pieces", "proof", "_scan", "embedders", "outer_index"},
    {"outer_feed"},
    {"storage"},
    {"rerank", "llm"},
    {"embed"},
    {"text"},
    {"config"},
    {"_host", "_outcome", "plugins", "_stages", "_elsewhere"},
    {"_tracing"},
    {
        "models",
        "_times",
        "_ids",
        "_shingles",
        "_http",
        "access",
        "problem",
    },
    {"errors"},
]
RANK = {name: rank for rank, names in enumerate(LEVELS) for name in names}
ALLOWED_UPWARD = {
    ("config", "embed"),
    ("config", "rerank"),
    ("config", "llm"),
    ("config", "storage"),
    ("bench", "demo"),
}
LOOPS = {"_portal.py", "_host.py"}
FENCES = {"_host.py", "runner.py", "_outcome.py", "plugins.py"}
THREAD_STARTERS = {"Thread", "Timer", "ThreadPoolExecutor", "start_new_thread"}
OPTIONAL = {
    "agents",
    "anthropic",
    "chromadb",
    "fastapi",
    "langchain_core",
    "langgraph",
    "mcp",
    "openai",
    "opentelemetry",
    "qdrant_client",
    "sentence_transformers",
    "tiktoken",
    "torch",
    "transformers",
}
"""Packages of extras: each in one file of a folder, inside a function."""
WHOLE_EXTRAS = {
    "api": {"fastapi", "starlette", "pydantic", "prometheus_client", "uvicorn"},
    "mcp": {"jsonschema", "mcp", "mcp_types", "starlette", "uvicorn"},
    "integrations": {"anthropic", "fastapi", "langchain_core", "langgraph", "starlette"},
}
"""Folders that are of no use without their extra, and so import it freely; nobody else does."""
TEXT_MAY_IMPORT = {"numpy", "Stemmer", "tiktoken"} | set(sys.stdlib_module_names)
TEXT_MAY_USE = {"models", "errors", "text"}
NOT_PURE = {"time", "random", "secrets", "uuid", "socket", "subprocess"}
READERS = {
    "open",
    "open_file",
    "read_bytes",
    "read_text",
    "write_bytes",
    "write_text",
    "fdopen",
    "mmap",
}
OPENERS = {"sync_folder", "read_salt", "write_salt", "write_note"}
"""Functions that open what SQLite never does: a folder, to sync it, a salt, a note."""


def part(path: Path) -> str:
    """What has a level: a folder or a module of the package, a module of the pipelines."""
    return level_of(list(path.relative_to(ROOT).with_suffix("").parts))


def level_of(names: list[str]) -> str:
    """The name that has a level, of a dotted path below the package."""
    return names[1] if names[0] == "pipelines" and names[1:] else names[0]


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
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            above = list(path.relative_to(ROOT).parts[: depth - node.level])
            module = above + (node.module.split(".") if node.module else [])
        elif (node.module or "").startswith("memory_vault."):
            module = (node.module or "").split(".")[1:]
        else:
            continue
        found |= {level_of([*module, alias.name]) for alias in node.names}
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
    if path.name == "__init__.py" and path.parent in (ROOT, ROOT / "pipelines"):
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


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_thread_is_started_but_through_anyio(path: Path) -> None:
    for node in ast.walk(tree(path)):
        names = [
            getattr(node, "attr", None),
            getattr(node, "id", None),
            *(alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)),
        ]
        assert not THREAD_STARTERS & set(names)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "storage").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_vault_files_are_opened_by_our_sqlite_only(path: Path) -> None:
    assert not named(path) & {"shutil", "io", "mmap", "fcntl"}
    for function, node in with_function(path):
        if isinstance(node, ast.Call) and function not in OPENERS:
            own = ast.unparse(node.func)
            is_ours = own.endswith(("store.open", "embedder.open"))
            assert own.split(".")[-1] not in READERS or is_ours, f"{function}: {own}"
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                assert ast.unparse(item.context_expr) not in {"connection", "self._db", "db"}


def with_function(path: Path) -> list[tuple[str, ast.AST]]:
    """All nodes, each with the name of the function around it."""
    found: list[tuple[str, ast.AST]] = []
    pending: list[tuple[str, ast.AST]] = [("", tree(path))]
    while pending:
        function, node = pending.pop()
        found.append((function, node))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        pending.extend((function, child) for child in ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "text").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_text_is_pure(path: Path) -> None:
    assert named(path) - {"memory_vault"} <= TEXT_MAY_IMPORT
    assert not named(path) & NOT_PURE
    assert own_imports(path) <= TEXT_MAY_USE
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await)
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in {"datetime.now", "date.today", "os.urandom"}


def top_level(path: Path) -> set[str]:
    """Modules that are imported when the file is: outside functions, also in `try` and `if`."""
    found: set[str] = set()
    pending: list[ast.AST] = [tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
        pending.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_optional_packages_are_imported_where_first_used(path: Path) -> None:
    own = WHOLE_EXTRAS.get(part(path), set())
    assert not top_level(path) & (OPTIONAL | set().union(*WHOLE_EXTRAS.values())) - own
    assert not top_level(path) & {"onnx", "onnxruntime", "httpx", "tokenizers"}


@pytest.mark.parametrize("folder", WHOLE_EXTRAS)
def test_a_folder_that_is_an_extra_is_imported_where_first_used(folder: str) -> None:
    for path in FILES:
        if part(path) != folder and (path.name, path.parent) != ("__init__.py", ROOT):
            for node in tree(path).body:
                named_ = node.module if isinstance(node, ast.ImportFrom) else None
                assert (named_ or "").removeprefix("memory_vault.").split(".")[0] != folder


def test_each_optional_package_has_one_file() -> None:
    for package in OPTIONAL:
        owners = [name for name, packages in WHOLE_EXTRAS.items() if package in packages]
        files = [path for path in FILES if package in named(path) and part(path) not in owners]
        folders = [path.parent for path in files]
        assert len(folders) == len(set(folders)), package


def tracked() -> list[Path]:
    """Files under version control; all sources where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT.parents[1], capture_output=True, check=False
    )
    names = done.stdout.decode().split("\0") if done.returncode == 0 else []
    return [ROOT.parents[1] / name for name in names if name] or FILES


def test_no_package_registry_is_named() -> None:
    hosts = re.compile(
        r"pypi\." + r"org|pythonhosted\.|download\.pytorch|index-" + r"url|deb\.debian"
        r"|/sim" + r"ple\b"
    )
    for path in tracked():
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not (found := hosts.search(text)), f"{path.name}: {found}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_broad_except(path: Path) -> None:
    for function, node in with_function(path):
        if isinstance(node, ast.ExceptHandler):
            caught = set(re.findall(r"\w+", ast.unparse(node.type))) if node.type else {""}
            if "BaseException" in caught:
                assert isinstance(node.body[-1], ast.Raise), f"{function}: clean-up must raise on"
            elif caught & {"", "Exception"}:
                assert function.lstrip("_") == "translate" or path.name in FENCES, function
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            assert "Exception" not in {ast.unparse(one) for one in node.args}, function


def test_no_data_set_is_named() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8").lower()
        assert not [name for name in ("loco" + "mo", "longmem", "realmem") if name in text]
