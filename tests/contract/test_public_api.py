"""The public names, their signatures and their docs are what the contract says."""

from __future__ import annotations

import inspect
import pickle
import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import memory_vault
from memory_vault import (
    MemoryLayer,
    MemoryLayerSync,
    RemoteVault,
    RemoteVaultSync,
    Vault,
    VaultSync,
    errors,
    models,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PUBLIC = [(name, getattr(memory_vault, name)) for name in memory_vault.__all__]
ERRORS = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, Exception)
}

SIGNATURES: dict[type, dict[str, str]] = {
    Vault: {
        "__init__": "config=None",
        "open": "",
        "close": "",
        "health": "",
        "list_users": "*, page_size=100, cursor=None",
        "forget_user": "user_id, *, confirm, proof='quick'",
        "backup": "path, *, progress=None",
        "restore": ("path, *, user_id=None, encryption_key=None, overwrite=False, progress=None"),
        "check": "*, repair=False",
        "rekey": "encryption_key",
        "reindex": "user_id=None",
        "switch_embedder": "embedder, *, wait=False",
        "get_job": "job_id",
        "list_jobs": "*, state=None, page_size=50, cursor=None",
        "cancel_job": "job_id",
    },
    RemoteVault: {
        "__init__": "url, key=None, *, timeout_s=60.0, connections=100, transport=None, "
        "tracing=False",
        "open": "",
        "close": "",
        "call": "name, user_id, session_id, given",
        "health": "",
        "list_users": "*, page_size=100, cursor=None",
        "forget_user": "user_id, *, confirm, proof='quick'",
        "check": "*, repair=False",
        "reindex": "user_id=None",
        "get_job": "job_id",
        "list_jobs": "*, state=None, page_size=50, cursor=None",
        "cancel_job": "job_id",
    },
    MemoryLayer: {
        "__init__": "user_id, *, session_id=None, vault=None, config=None",
        "open": "",
        "close": "",
        "save": (
            "content, *, role='user', session_id=None, memory_type=None, occurred_at=None, "
            "origin=None, metadata=None, idempotency_key=None"
        ),
        "recall": (
            "query, *, top_k=None, token_budget=None, memory_types=None, roles=None, "
            "origins=None, session_id=None, since=None, until=None, as_of=None, known_at=None, "
            "include_compressed=False"
        ),
        "get": "memory_id",
        "list_memories": (
            "*, memory_type=None, session_id=None, since=None, until=None, "
            "include_compressed=False, page_size=50, cursor=None"
        ),
        "update": (
            "memory_id, *, content=KEEP, memory_type=KEEP, importance=KEEP, occurred_at=KEEP, "
            "valid_from=KEEP, valid_to=KEEP, metadata=KEEP, if_revision=None"
        ),
        "history": "memory_id",
        "forget": (
            "memory_id=None, *, session_id=None, origin=None, recorded_before=None, "
            "proof='quick', dry_run=False, if_revision=None"
        ),
        "forget_all": "*, confirm, proof='quick'",
        "stats": "",
        "set_preference": "key, value, *, confidence=1.0",
        "list_preferences": "*, include_history=False",
        "delete_preference": "key",
        "start_session": "session_id=None, *, metadata=None",
        "end_session": "session_id=None",
        "list_sessions": "*, state=None, page_size=50, cursor=None",
        "compress": "*, wait=False, force=False",
        "get_job": "job_id",
        "list_jobs": "*, state=None, page_size=50, cursor=None",
        "cancel_job": "job_id",
        "export": "path, *, overwrite=False, progress=None",
        "import_": "path, *, origin=None, progress=None",
    },
}
METHODS = [(owner, name) for owner, names in SIGNATURES.items() for name in names]


def short(owner: type, name: str) -> str:
    """A signature without self and annotations, as the contract writes it."""
    found = inspect.signature(getattr(owner, name))
    kept = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in list(found.parameters.values())[1:]
    ]
    return str(found.replace(parameters=kept, return_annotation=inspect.Signature.empty))[1:-1]


def public_methods(owner: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(owner).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }


def test_all_is_the_truth() -> None:
    visible = {
        name
        for name, value in vars(memory_vault).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert visible == set(memory_vault.__all__)
    assert memory_vault.__all__ == sorted(memory_vault.__all__)


@pytest.mark.parametrize(("name", "value"), PUBLIC)
def test_is_documented(name: str, value: Any) -> None:
    own = value.__doc__ or ""
    assert own.strip(), f"{name} has no docstring"
    assert not own.startswith(f"{name}("), f"{name} has only the docstring that dataclass writes"


@pytest.mark.parametrize(
    "owner", [Vault, RemoteVault, MemoryLayer, VaultSync, RemoteVaultSync, MemoryLayerSync]
)
def test_every_method_and_property_is_documented(owner: type) -> None:
    members = {n: m for n, m in vars(owner).items() if not n.startswith("_")}
    assert members
    assert not [name for name, member in members.items() if not inspect.getdoc(member)]


@pytest.mark.parametrize("owner", [Vault, RemoteVault, MemoryLayer])
def test_every_public_method_is_a_coroutine_function(owner: type) -> None:
    methods = public_methods(owner)
    methods.pop("require_open", None)  # asked by layers, between their own calls
    assert methods.keys() == SIGNATURES[owner].keys() - {"__init__"}
    assert not [name for name, one in methods.items() if not inspect.iscoroutinefunction(one)]


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_signature_is_the_contracts(owner: type, name: str) -> None:
    assert short(owner, name) == SIGNATURES[owner][name]


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_errors_named_in_docs_exist(owner: type, name: str) -> None:
    doc = inspect.getdoc(owner if name == "__init__" else getattr(owner, name)) or ""
    raises = doc.partition("\nRaises:\n")[2]
    named = re.findall(r"^    (\w+): ", raises, re.MULTILINE)
    assert set(named) <= ERRORS.keys()


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_arguments_named_in_docs_exist(owner: type, name: str) -> None:
    doc = inspect.getdoc(owner if name == "__init__" else getattr(owner, name)) or ""
    section = doc.partition("\nArgs:\n")[2].partition("\n\n")[0]
    named = re.findall(r"^    (\w+): ", section, re.MULTILINE)
    given = list(inspect.signature(getattr(owner, name)).parameters)[1:]
    assert set(named) <= set(given)
    if named:
        assert named == given[-len(named) :] or set(named) == set(given)


def drawn_tree() -> dict[str, str | None]:
    """Each class of the tree in the module's docstring, with the class above it."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([│ ├└─]*)(\w+)(\(\w+\))?(\s{2,}|$)", line)
        if not found or found[2] not in ERRORS:
            continue
        depth = len(found[1]) // 4
        above[depth:] = [found[2]]
        parents[found[2]] = above[depth - 1] if depth else None
    return parents


def test_the_drawn_tree_is_the_tree() -> None:
    expected = {
        name: next((b.__name__ for b in value.__bases__ if b.__name__ in ERRORS), None)
        for name, value in ERRORS.items()
    }
    assert drawn_tree() == expected


def test_the_drawn_builtins_are_the_bases() -> None:
    drawn = re.findall(r"(\w+)\((\w+)\)", errors.__doc__ or "")
    assert len(drawn) > 5
    for name, builtin in drawn:
        assert builtin in {base.__name__ for base in ERRORS[name].__bases__}


def test_every_error_is_public() -> None:
    assert ERRORS.keys() <= set(memory_vault.__all__)


def test_every_code_has_a_meaning() -> None:
    codes = [value.code for value in ERRORS.values()]
    assert sorted(codes) == sorted(errors.MEANINGS)
    for meaning in errors.MEANINGS.values():
        assert 400 <= meaning.http_status < 600
        assert 1 <= meaning.exit_status < 64
        assert meaning.jsonrpc_code < 0


@pytest.mark.parametrize("name", ERRORS)
def test_errors_survive_pickling(name: str) -> None:
    error = ERRORS[name]("what is wrong and what to do")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) == "what is wrong and what to do"
    assert again.code == error.code


MEMORY = models.Memory(
    "mem_1",
    "ada",
    "s",
    "episodic",
    "user",
    "a long text " * 30,
    0.5,
    NOW,
    NOW,
    None,
    None,
    "user",
    (),
    False,
    9,
    {"a": 1},
)
VALUES = [
    MEMORY,
    models.Message("user", "tea", NOW, {"a": [1]}),
    models.Duplicate(0, "mem_1", "same text"),
    models.Fact("new", MEMORY),
    models.Preference("style", "short", 1.0, NOW),
    models.SaveResult((MEMORY,)),
    models.Recalled(MEMORY, "tea", 0.5, {"dense": 0.5}, 1),
    models.LeftOut(1, {"budget": 1}),
    models.RecallResult("q", (), "", 0, 100, models.LeftOut(0)),
    models.Change(MEMORY, NOW, None, ()),
    models.ForgetReceipt({"memories": 1}),
    models.Session("s", NOW, NOW, None, 0, {}),
    models.Page((MEMORY,), "x"),
    models.UserInfo("ada", NOW),
    models.Stats("ada", {"episodic": 1}, 0, 1, 0, 0, 4096, NOW, NOW, "m@r/64/float32"),
    models.Job(
        *("job_1", "compress", "ada", {"session_id": "s"}, "waiting", 0, 0, 0),
        *(NOW, None, None, NOW, "", {}),
    ),
    models.Health("ok", "ok", "ok", "ok"),
    models.Problem(None, "what", "advice"),
    models.CheckReport(1, ()),
    models.ExportReport(Path("out"), 1, 0, 0, 0, 100, "00"),
    models.ImportReport(1, 0, 0, 0, 0),
    models.BackupReport(Path("backup"), 1, 100, False),
]


def test_every_public_value_type_is_tried_here() -> None:
    public = {n for n, v in PUBLIC if is_dataclass(v) and v.__module__.endswith(".models")}
    assert {type(one).__name__ for one in VALUES} == public


@pytest.mark.parametrize("value", VALUES, ids=lambda one: type(one).__name__)
def test_values_are_frozen_and_survive_pickling(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    with pytest.raises((AttributeError, TypeError)):
        setattr(value, fields(value)[0].name, "changed")


def test_a_memory_shows_as_one_short_line() -> None:
    shown = repr(MEMORY)
    assert "\n" not in shown
    assert len(shown) < 140
