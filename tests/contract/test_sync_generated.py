"""The blocking classes are current, complete, and say the same as the async ones."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path
from types import ModuleType

import pytest

import memory_vault
from memory_vault import layer, remote, sync, vault

ROOT = Path(memory_vault.__file__).parents[2]
PAIRS = [
    (vault.Vault, sync.VaultSync),
    (remote.RemoteVault, sync.RemoteVaultSync),
    (layer.MemoryLayer, sync.MemoryLayerSync),
]
FOR_LAYERS = {"engine", "require_open", "call"}
"""What layers ask of a vault, and callers have no use for."""
METHODS = [
    pytest.param(ours, theirs, name, id=f"{ours.__name__}.{name}")
    for theirs, ours in PAIRS
    for name, member in vars(theirs).items()
    if inspect.iscoroutinefunction(member) and not name.startswith("_") and name not in FOR_LAYERS
]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The generator, writing to a file of the test's own."""
    spec = importlib.util.spec_from_file_location("gen_sync", ROOT / "tools/gen_sync.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TARGET", tmp_path / "sync.py")
    monkeypatch.setattr(sys, "argv", ["gen_sync.py", "--check"])
    return module


def plain(doc: str | None) -> str:
    """A docstring without line breaks and without the words in which the two kinds differ."""
    text = re.sub(r"\(await (.*?\))\)", r"\1", doc or "")
    text = re.sub(r"\bawait |\basync |Sync\b", "", text)
    text = re.sub(r"\b([Cc]ancelled|[Ii]nterrupted)\b", "stopped", text)
    return re.sub(r"any (task|thread)", "any caller", " ".join(text.split())).lower()


def test_the_generated_file_is_current() -> None:
    command = [sys.executable, str(ROOT / "tools/gen_sync.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_drift_is_told(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    generator.TARGET.write_text("something older\n", encoding="utf-8")
    assert generator.main() == 1
    assert "python tools/gen_sync.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    "method",
    [
        "async def all(self) -> int:\n        yield 1",
        "async def of(self, *ids: str) -> None: ...",
        "def now(self) -> int: ...",
    ],
)
def test_what_has_no_twin_is_refused(generator: ModuleType, method: str) -> None:
    with pytest.raises(SystemExit, match="no blocking twin"):
        generator.generate("Vault", f"class Vault:\n    {method}\n")


@pytest.mark.parametrize(("ours", "theirs", "name"), METHODS)
def test_signature_hints_and_docs(ours: type, theirs: type, name: str) -> None:
    blocking, awaited = getattr(ours, name), getattr(theirs, name)
    assert inspect.signature(blocking) == inspect.signature(awaited)
    assert not inspect.iscoroutinefunction(blocking)
    assert typing.get_type_hints(blocking) == typing.get_type_hints(awaited)
    assert plain(inspect.getdoc(blocking)) == plain(inspect.getdoc(awaited))
    assert not re.search(r"\b(await|async|task)\b", blocking.__doc__ or "")


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_nothing_more_and_nothing_less(theirs: type, ours: type) -> None:
    public = {name for name in vars(theirs) if not name.startswith("_")} - FOR_LAYERS
    assert {name for name in vars(ours) if not name.startswith("_")} == public
    for name in public:
        if isinstance(member := vars(theirs)[name], property):
            assert inspect.getdoc(vars(ours)[name]) == inspect.getdoc(member)


def test_what_was_not_given_is_the_same_object() -> None:
    ours = inspect.signature(sync.MemoryLayerSync.update).parameters
    for name, parameter in inspect.signature(layer.MemoryLayer.update).parameters.items():
        assert ours[name].default is parameter.default


@pytest.mark.parametrize("ours", [pair[1] for pair in PAIRS])
def test_class_docs_are_for_blocking_callers(ours: type) -> None:
    assert not re.search(r"\b(await|async)\b", ours.__doc__ or "")
    assert "allow_running_loop" in (ours.__doc__ or "")
