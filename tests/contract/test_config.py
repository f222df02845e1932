"""Every setting is documented, read somewhere, and comes from where the page says it does."""

from __future__ import annotations

import inspect
import os
import pickle
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

import memory_vault
from memory_vault import ConfigError, MemoryConfig
from memory_vault.plugins import Plugins
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.llms import ScriptedModel
from memory_vault.testing.rerankers import OverlapReranker

SOURCE = Path(memory_vault.__file__).parent
PAGE = SOURCE.parents[1] / "docs" / "configuration.md"
FIELDS = {one.name: one for one in fields(MemoryConfig)}
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \|", re.MULTILINE)

VALUES: dict[str, tuple[str, Any]] = {
    "data_dir": ("/somewhere", Path("/somewhere")),
    "embedder": ("minilm-int8", "minilm-int8"),
    "embedder_api_key": ("key-1", "key-1"),
    "embedder_dimension": ("256", 256),
    "embedder_window": ("512", 512),
    "model_dir": ("/models", Path("/models")),
    "reranker": ("onnx:/models/reranker", "onnx:/models/reranker"),
    "reranker_api_key": ("key-1", "key-1"),
    "rerank_top": ("9", 9),
    "llm": ("openai:http://127.0.0.1/v1#m", "openai:http://127.0.0.1/v1#m"),
    "llm_api_key": ("key-1", "key-1"),
    "llm_timeout_s": ("9.5", 9.5),
    "llm_at_once": ("3", 3),
    "llm_facts_after_s": ("2.5", 2.5),
    "llm_tokens_a_day": ("5000", 5000),
    "plugins": ("none", "none"),
    "store": ("sqlite", "sqlite"),
    "index": ("exact", "exact"),
    "token_counter": ("tiktoken:cl100k_base", "tiktoken:cl100k_base"),
    "fact_sources": ("user,Ada", ("user", "Ada")),
    "top_k": ("7", 7),
    "token_budget": ("77", 77),
    "block_user": ("yes", True),
    "block_date": ("yes", True),
    "durability": ("process", "process"),
    "lock_timeout_s": ("1.5", 1.5),
    "max_open_files": ("3", 3),
    "max_text_chars": ("1000", 1000),
    "index_bytes": ("4096", 4096),
    "workers": ("2", 2),
    "model_threads": ("3", 3),
    "preload": ("false", False),
    "tracing": ("true", True),
    "session_idle_hours": ("0.5", 0.5),
    "keep_importance": ("0.25", 0.25),
    "jobs_at_once": ("2", 2),
    "job_lease_s": ("3.5", 3.5),
    "job_attempts": ("4", 4),
    "job_retry_s": ("0.5", 0.5),
    "compress_after_days": ("7.5", 7.5),
    "compress_over_memories": ("500", 500),
    "compress_min_tokens": ("99", 99),
    "compress_ratio": ("0.1", 0.1),
    "encryption_key": ("correct horse", "correct horse"),
}
"""A value of each setting, as text and as what it becomes."""


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("MEMORY_VAULT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.mark.parametrize("name", FIELDS)
def test_is_in_the_docstring(name: str) -> None:
    assert f"\n    {name}: " in inspect.cleandoc(MemoryConfig.__doc__ or "")


@pytest.mark.parametrize("name", FIELDS)
def test_is_on_the_page_with_its_default(name: str) -> None:
    rows = dict(ROW.findall(PAGE.read_text(encoding="utf-8")))
    assert name in rows, f"docs/configuration.md has no row for {name}"
    default = FIELDS[name].default
    if default is not MISSING:
        shown = eval(rows[name].strip().strip("`"), {})
        assert shown == default


def test_the_page_has_no_other_setting() -> None:
    assert {name for name, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))} <= {
        *FIELDS,
        "config_file",
        "debug",
    }


@pytest.mark.parametrize("name", FIELDS.keys() - {"store"})
def test_is_read_somewhere(name: str) -> None:
    """Those left out have one accepted value each so far, which the config itself checks."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
        if path.name != "config.py"
    ]
    assert any(f".{name}" in text for text in texts)


def test_every_setting_has_a_value_here() -> None:
    assert VALUES.keys() == FIELDS.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_comes_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = VALUES[name]
    monkeypatch.setenv(f"MEMORY_VAULT_{name.upper()}", text)
    assert getattr(MemoryConfig(), name) == value


@pytest.mark.parametrize("name", FIELDS)
def test_comes_from_a_file(name: str, tmp_path: Path) -> None:
    text, value = VALUES[name]
    file = tmp_path / "config.toml"
    file.write_text(f"{name} = {text if text[0].isdigit() or text == 'false' else repr(text)}\n")
    assert getattr(MemoryConfig().with_file(file), name) == value


def test_argument_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("top_k = 3\ntoken_budget = 3\nworkers = 3\n")
    monkeypatch.setenv("MEMORY_VAULT_TOP_K", "2")
    monkeypatch.setenv("MEMORY_VAULT_TOKEN_BUDGET", "2")
    settled = MemoryConfig(top_k=1).with_file(file)
    assert (settled.top_k, settled.token_budget, settled.workers) == (1, 2, 3)
    assert settled.max_open_files == FIELDS["max_open_files"].default


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other.toml"
    file.write_text("top_k = 9\n")
    monkeypatch.setenv("MEMORY_VAULT_CONFIG_FILE", str(file))
    assert MemoryConfig().with_file().top_k == 9
    file.unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        MemoryConfig().with_file()


def test_a_missing_default_file_is_no_error() -> None:
    assert MemoryConfig().with_file() == MemoryConfig()


def test_a_typo_is_refused_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="did you mean 'token_budget'"):
        MemoryConfig(token_buget=1)  # type: ignore[call-arg]
    file = tmp_path / "config.toml"
    file.write_text("token_buget = 1\n")
    with pytest.raises(ConfigError, match="did you mean 'token_budget'"):
        MemoryConfig().with_file(file)
    monkeypatch.setenv("MEMORY_VAULT_TOKEN_BUGET", "1")
    with pytest.raises(ConfigError, match="did you mean 'token_budget'"):
        MemoryConfig()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_k", 0),
        ("top_k", True),
        ("top_k", "5"),
        ("token_budget", -1),
        ("durability", "never"),
        ("store", "chroma"),
        ("index", 7),
        ("workers", 0),
        ("lock_timeout_s", -1),
        ("lock_timeout_s", float("nan")),
        ("max_text_chars", 1_000_001),
        ("max_open_files", 0),
        ("keep_importance", -0.1),
        ("rerank_top", 0),
        ("reranker", 7),
        ("llm", 7),
        ("llm_at_once", 0),
        ("llm_timeout_s", 0),
        ("llm_tokens_a_day", 0),
        ("llm_tokens_a_day", True),
        ("embedder_window", 39),
        ("embedder_dimension", 0),
        ("plugins", "some"),
        ("data_dir", None),
        ("data_dir", ""),
        ("model_dir", 7),
        ("embedder", None),
        ("embedder", HashEmbedder),
        ("token_counter", 5),
        ("top_k", 2.5),
        ("token_budget", float("inf")),
        ("session_idle_hours", float("inf")),
        ("session_idle_hours", 1e300),
        ("compress_after_days", float("inf")),
        ("compress_after_days", 1e300),
        ("compress_after_days", "30"),
        ("compress_ratio", "x"),
        ("llm_facts_after_s", "x"),
        ("fact_sources", None),
        ("fact_sources", "user"),
        ("preload", "no"),
        ("block_user", "false"),
        ("keep_importance", 5),
        ("job_attempts", float("inf")),
        ("jobs_at_once", 1.5),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        MemoryConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "text"), [("TOP_K", "many"), ("PRELOAD", "perhaps")])
def test_a_bad_text_names_the_variable(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MEMORY_VAULT_{name}", text)
    with pytest.raises(ConfigError, match=f"MEMORY_VAULT_{name}"):
        MemoryConfig()


def test_an_empty_folder_is_not_the_one_the_program_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_VAULT_DATA_DIR", "")
    with pytest.raises(ConfigError, match="MEMORY_VAULT_DATA_DIR"):
        MemoryConfig()
    monkeypatch.delenv("MEMORY_VAULT_DATA_DIR")
    file = tmp_path / "config.toml"
    file.write_text("data_dir = ''\n")
    with pytest.raises(ConfigError, match="data_dir"):
        MemoryConfig().with_file(file)


def test_the_home_folder_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert MemoryConfig(model_dir="~/models").model_dir == tmp_path / "models"  # type: ignore[arg-type]


def test_names_in_a_file_are_taken_whole(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("fact_sources = ['user', 'Smith, John']\n")
    assert MemoryConfig().with_file(file).fact_sources == ("user", "Smith, John")
    file.write_text("top_k = [5]\n")
    with pytest.raises(ConfigError, match="top_k"):
        MemoryConfig().with_file(file)


def test_what_is_changed_leaves_the_file_its_say(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("top_k = 7\nworkers = 9\n")
    config = MemoryConfig(workers=2).changed(block_date=True).with_file(file)
    assert (config.top_k, config.workers, config.block_date) == (7, 2, True)
    with pytest.raises(ConfigError, match="unknown setting"):
        MemoryConfig().changed(top=1)


@pytest.mark.parametrize("text", ["top_k = [", "\udce9"])
def test_a_broken_file_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match="cannot be read"):
        MemoryConfig().with_file(file)


def test_survives_pickling_with_what_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = MemoryConfig(top_k=5, data_dir=tmp_path)
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    file = tmp_path / "config.toml"
    file.write_text("top_k = 9\nworkers = 9\n")
    settled = again.with_file(file)
    assert (settled.top_k, settled.workers) == (5, 9)


def test_takes_parts_of_the_callers_own() -> None:
    own, other, third, fourth = HashEmbedder(), OverlapReranker(), ScriptedModel(), Plugins()
    config = MemoryConfig(embedder=own, reranker=other, llm=third, plugins=fourth)
    assert config.embedder is own
    assert config.reranker is other
    assert config.llm is third
    assert config.plugins is fourth


@pytest.mark.parametrize("name", ["embedder_api_key", "reranker_api_key", "llm_api_key"])
def test_a_key_is_not_shown(name: str) -> None:
    assert "key-1" not in repr(MemoryConfig(**{name: "key-1"}))
