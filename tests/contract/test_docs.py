"""The documents say what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import memory_vault
from memory_vault import MemoryConfig
from memory_vault.rerank.choose import choose

ROOT = Path(memory_vault.__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTES = sorted((ROOT / "changelog.d").glob("*.md"))
EXAMPLES = [
    pytest.param(block, id=f"{page.name}-{i}")
    for page in PAGES
    for i, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S))
]
SETTINGS = [
    pytest.param(block, id=f"{page.name}-{i}")
    for page in PAGES
    for i, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.S))
]
SUITES = [
    pytest.param(block, id=f"{page.name}-{i}")
    for page in PAGES
    for i, block in enumerate(
        re.findall(r"```python title=\"test_\w+\.py\"\n(.*?)```", page.read_text("utf-8"), re.S)
    )
]
"""Examples that are test files of an application."""
NAMED_FILE = r"`((?:src|tests|tools|docs|examples)/[\w/.]+\.\w+)"
EXCERPTS = [
    pytest.param(name, block, id=f"{page.name}-{i}")
    for page in PAGES
    for i, (name, block) in enumerate(
        re.findall(r"```py title=\"([\w/]+\.py)\"\n(.*?)```", page.read_text("utf-8"), re.S)
    )
]
TESTS = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", README)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_each_promise_has_its_test(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"(def|class) {name}\b", text)


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", [*PAGES, *NOTES], ids=lambda page: page.name)
def test_no_machine_is_named(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(home|root|work|Users|tmp|opt)/", text)
    assert not re.search(r"\b(TODO|FIXME|TBD)\b", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_name_in_code_is_a_file_that_exists(page: Path) -> None:
    named = re.findall(NAMED_FILE, page.read_text("utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_module_is_on_the_map() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    package = Path(memory_vault.__file__).parent
    parts = {part for one in package.rglob("*.py") for part in one.relative_to(package).parts[:1]}
    for name in parts - {"__init__.py", "__main__.py"}:
        assert name in text, f"docs/architecture.md does not name {name}"


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(one.name[:4]) for one in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_each_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`make ([a-z-]+)`", page.read_text("utf-8"))) <= targets


@pytest.mark.parametrize("block", EXAMPLES)
def test_examples_run(
    block: str, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_VAULT_DATA_DIR", str(tmp_path / "vault"))
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(model_dir))
    exec(compile(block, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize(("name", "block"), EXCERPTS)
def test_excerpts_are_of_examples_that_run(name: str, block: str) -> None:
    """Examples that need other packages are files, which `make test-all` runs."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in block.splitlines() if line not in lines] == []


@pytest.mark.parametrize("block", SETTINGS)
def test_examples_of_settings_are_accepted(block: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(block, encoding="utf-8")
    settings = MemoryConfig().with_file(file)
    if isinstance(settings.reranker, str):
        choose(settings.reranker)


@pytest.mark.parametrize("block", SUITES)
def test_examples_of_test_files_pass(block: str, tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(block, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
