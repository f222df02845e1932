"""One place for every setting: explicit arguments, environment, a file, defaults, in that order."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from .embed import Embedder
from .errors import ConfigError
from .rerank import Reranker

PREFIX = "MEMORY_VAULT_"
_OTHER_NAMES = {"CONFIG_FILE", "DEBUG"}
EncryptionKey = str | bytes | Callable[[], str | bytes]
Durability = Literal["power", "process"]


def default_data_dir() -> Path:
    """Where vaults live when nothing else is said: the user's data folder of this system."""
    from platformdirs import user_data_path

    return user_data_path("memory-vault", appauthor=False) / "vault"


def default_config_file() -> Path:
    """The config file that is read when `MEMORY_VAULT_CONFIG_FILE` names no other."""
    from platformdirs import user_config_path

    return user_config_path("memory-vault", appauthor=False) / "config.toml"


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """Settings of a vault and of its layers.

    An argument given here wins over the environment (`MEMORY_VAULT_<FIELD>`, read when the object
    is made), which wins over the config file (read when the vault opens), which wins over the
    defaults below. Values are checked when the object is made.

    Attributes:
        data_dir: Folder of the vault; made at first use.
        embedder: "minilm", "minilm-float32", "minilm-int8", "sentence-transformers[:NAME]", or an
            object that fulfils `Embedder` (the caller's own: never closed by the vault). What a
            new vault begins with: one that was switched opens with what it remembers.
        model_dir: Folder with the installed model; None for the default one.
        reranker: What orders the best found again: "onnx:FOLDER", "sentence-transformers:NAME",
            a service as "cohere:URL#MODEL" (or "jina:", "voyage:", "tei:"), an object that fulfils
            `Reranker` (the caller's own: never closed by the vault), or None for nothing.
        reranker_api_key: Key of the reranking service; in no repr, error or log.
        rerank_top: Memories at most that one recall has reranked.
        store: What holds the truth: "sqlite".
        index: What finds near embeddings: "exact".
        token_counter: "offline", "tiktoken:cl100k_base" or "tiktoken:o200k_base".
        top_k: Memories in a block at most, when a call does not say.
        token_budget: Tokens of a block at most, when a call does not say.
        durability: "power" survives power loss, "process" survives a kill of the process.
        lock_timeout_s: Seconds to wait for another process's lock before `StorageBusy`.
        max_open_files: User files kept open at once.
        max_text_chars: Characters of one memory at most.
        index_bytes: Bytes of all users' indexes kept in memory at most.
        workers: Worker threads for reading and searching; None for one less than the cores.
        preload: Whether opening starts to load the model in the background.
        session_idle_hours: Hours without activity after which the next open ends a session.
        keep_importance: Working memory of at least this importance outlives its session.
        jobs_at_once: Background jobs that this process runs at once; 0 leaves them to others.
        job_lease_s: Seconds without a sign of life after which another process takes a job over.
        job_attempts: How often a job is begun before it counts as failed.
        job_retry_s: Seconds before the second attempt; they double each time, to an hour at most.
        compress_after_days: Days without activity after which an ended session is compressed in the
            background; None ("never" in the environment) compresses only what `compress` is called
            for.
        compress_over_memories: With more memories in default recall, ended sessions are compressed
            without waiting for their age, oldest first.
        compress_min_tokens: Sessions of fewer tokens are left alone.
        compress_ratio: How long a summary may be, as a share of the tokens it stands for.
        encryption_key: Encrypts every file of the vault: a passphrase, 32 bytes, or a function
            that returns either, called in a worker thread at open. None for plain files. Never
            shown.
    """

    data_dir: Path = field(default_factory=default_data_dir)
    embedder: str | Embedder = "minilm"
    model_dir: Path | None = None
    reranker: str | Reranker | None = None
    reranker_api_key: str | None = field(default=None, repr=False)
    rerank_top: int = 20
    store: str = "sqlite"
    index: str = "exact"
    token_counter: str = "offline"
    top_k: int = 100
    token_budget: int = 2000
    durability: Durability = "power"
    lock_timeout_s: float = 60.0
    max_open_files: int = 200
    max_text_chars: int = 1_000_000
    index_bytes: int = 1 << 30
    workers: int | None = None
    preload: bool = True
    session_idle_hours: float = 24.0
    keep_importance: float = 0.5
    jobs_at_once: int = 1
    job_lease_s: float = 15.0
    job_attempts: int = 8
    job_retry_s: float = 5.0
    compress_after_days: float | None = 30.0
    compress_over_memories: int = 10_000
    compress_min_tokens: int = 400
    compress_ratio: float = 0.25
    encryption_key: EncryptionKey | None = field(default=None, repr=False)

    def __new__(cls, **given: Any) -> MemoryConfig:
        """Remember which settings were given, so that weaker sources fill in only the rest."""
        unknown = sorted(set(given) - {f.name for f in fields(cls)})
        if unknown:
            raise ConfigError(_unknown(unknown[0], "setting"))
        self = super().__new__(cls)
        object.__setattr__(self, "_given", frozenset(given))
        return self

    def __post_init__(self) -> None:
        given = cast("frozenset[str]", self.__dict__["_given"])
        found = _environment(os.environ)
        for name, text in found.items():
            if name not in given:
                object.__setattr__(self, name, _parse(name, text, f"{PREFIX}{name.upper()}"))
        object.__setattr__(self, "_given", given | set(found))
        object.__setattr__(self, "data_dir", Path(self.data_dir))
        _check(self)

    def with_file(self, path: Path | None = None) -> MemoryConfig:
        """Fill what neither an argument nor the environment set from a TOML file. Blocking.

        Without a path: `MEMORY_VAULT_CONFIG_FILE`, else the user's config folder, where a missing
        file is no error.

        Raises:
            ConfigError: If a named file is missing, is not TOML, or holds an unknown setting.
        """
        named = path or (Path(text) if (text := os.environ.get(f"{PREFIX}CONFIG_FILE")) else None)
        values = _read(named or default_config_file(), is_required=named is not None)
        given = cast("frozenset[str]", self.__dict__["_given"])
        return replace(self, **{k: v for k, v in values.items() if k not in given})


def _unknown(name: str, kind: str) -> str:
    """A message for a name that is no setting, with the nearest that is one."""
    names = [f.name for f in fields(MemoryConfig)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
    return f"unknown {kind} {name!r}: {hint}"


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings named in the environment; an unknown `MEMORY_VAULT_` name is a typo, not noise."""
    found = {}
    names = {f.name for f in fields(MemoryConfig)}
    for key, text in environ.items():
        if not key.startswith(PREFIX) or key.removeprefix(PREFIX) in _OTHER_NAMES:
            continue
        name = key.removeprefix(PREFIX).lower()
        if name not in names:
            raise ConfigError(_unknown(name, "environment setting"))
        found[name] = text
    return found


def _read(path: Path, *, is_required: bool) -> dict[str, Any]:
    """The settings of a TOML file, parsed and checked by name."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if is_required:
            raise ConfigError(f"config file {str(path)!r} does not exist") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"config file {str(path)!r} cannot be read: {error}") from error
    names = {f.name for f in fields(MemoryConfig)}
    for name in values:
        if name not in names:
            raise ConfigError(f"config file {str(path)!r}: {_unknown(name, 'setting')}")
    return {k: _parse(k, str(v), f"{k} in {str(path)!r}") for k, v in values.items()}


_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _switch(text: str) -> bool:
    """A yes or no, as people write it."""
    if text.lower() not in _SWITCH:
        raise ValueError("give true or false")
    return _SWITCH[text.lower()]


_PARSERS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("data_dir", "model_dir"), lambda text: Path(text).expanduser()),
    **dict.fromkeys(
        (
            "top_k",
            "token_budget",
            "rerank_top",
            "max_open_files",
            "max_text_chars",
            "index_bytes",
            "workers",
            "jobs_at_once",
            "job_attempts",
            "compress_over_memories",
            "compress_min_tokens",
        ),
        int,
    ),
    "preload": _switch,
    **dict.fromkeys(
        (
            "lock_timeout_s",
            "session_idle_hours",
            "keep_importance",
            "job_lease_s",
            "job_retry_s",
            "compress_ratio",
        ),
        float,
    ),
    "compress_after_days": lambda text: None if text.lower() == "never" else float(text),
}


def _parse(name: str, text: str, where: str) -> object:
    """Turn the text of one setting into its type."""
    try:
        return _PARSERS.get(name, str)(text)
    except ValueError as error:
        raise ConfigError(f"{where} is {text!r}: not a value for {name} ({error})") from error


_LEAST: dict[str, float] = {
    "top_k": 1,
    "token_budget": 1,
    "rerank_top": 1,
    "lock_timeout_s": 0,
    "max_open_files": 1,
    "max_text_chars": 1,
    "index_bytes": 1,
    "session_idle_hours": 0,
    "keep_importance": 0,
    "jobs_at_once": 0,
    "job_lease_s": 0.01,
    "job_attempts": 1,
    "job_retry_s": 0,
    "compress_over_memories": 0,
    "compress_min_tokens": 0,
}


def _check(config: MemoryConfig) -> None:
    """Refuse values out of range, naming the setting and what is accepted."""
    for name, least in _LEAST.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
            raise ConfigError(f"{name}={value!r}: give a number of at least {least}")
    if config.workers is not None and config.workers < 1:
        raise ConfigError(f"workers={config.workers}: give at least 1, or None for the default")
    if config.max_text_chars > 1_000_000:
        raise ConfigError(f"max_text_chars={config.max_text_chars}: give at most 1000000")
    days = config.compress_after_days
    if days is not None and (isinstance(days, bool) or not days >= 0):
        raise ConfigError(f"compress_after_days={days!r}: give a number of at least 0, or None")
    if not 0.01 <= config.compress_ratio <= 0.5:
        raise ConfigError(f"compress_ratio={config.compress_ratio!r}: give one from 0.01 to 0.5")
    if not isinstance(config.reranker, str | Reranker | None):
        raise ConfigError("reranker: give a name, an object that fulfils Reranker, or None")
    key = config.encryption_key
    if not (key is None or callable(key) or isinstance(key, str | bytes)):
        raise ConfigError("encryption_key: give a passphrase, 32 bytes, or a function for either")
    for name, accepted in (
        ("durability", get_args(Durability)),
        ("store", ("sqlite",)),
        ("index", ("exact",)),
    ):
        if getattr(config, name) not in accepted:
            names = ", ".join(map(repr, accepted))
            raise ConfigError(f"{name}={getattr(config, name)!r}: give one of {names}")
