"""The documents say what is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import memory_vault
from memory_vault import MemoryConfig

ROOT = Path(memory_vault.__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TESTS = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", README)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_each_promise_has_its_test(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"(def|class) {name}\b", text)


@pytest.mark.parametrize("name", [field.name for field in fields(MemoryConfig)])
def test_each_setting_is_documented_and_read(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert f"        {name}: " in (MemoryConfig.__doc__ or "")


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_all_is_the_truth() -> None:
    public = {name for name in memory_vault.__all__ if getattr(memory_vault, name).__doc__}
    assert public == set(memory_vault.__all__)


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.S))
def test_examples_run(
    block: str, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_VAULT_DATA_DIR", str(tmp_path / "vault"))
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(model_dir))
    exec(compile(block, "README.md", "exec"), {"__name__": "example"})
