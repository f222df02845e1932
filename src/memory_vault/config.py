"""One place for every setting: explicit arguments, environment, a file, defaults, in that order."""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ._tracing import TracerProvider
from .embed import Embedder
from .errors import ConfigError
from .llm import LanguageModel
from .plugins import Plugins
from .rerank import Reranker
from .storage.index import VectorIndex

PREFIX = "MEMORY_VAULT_"
SERVE_PREFIX = f"{PREFIX}SERVE_"
"""How the names of the server's own settings begin."""
MCP_USER = f"{PREFIX}MCP_USER"
"""Whose memory the MCP server gives out, when its command does not say."""
_OTHER_NAMES = {"CONFIG_FILE", "DEBUG", "MCP_USER"}
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
        embedder: "minilm", "minilm-float32", "minilm-int8", "sentence-transformers[:NAME]", a
            service as "openai:URL#MODEL", "ollama:URL#MODEL" or "tei:URL", a plugin's name, or an
            object that fulfils `Embedder` (the caller's own: never closed by the vault). What a
            new vault begins with: one that was switched opens with what it remembers.
        embedder_api_key: Key of the embedding service; in no repr, error or log.
        embedder_dimension: Length of embedding to ask a service for; None for its model's own.
        embedder_window: Tokens of one text that a service's model takes, 40 or more; None for what
            the service tells, 2,048 at most.
        model_dir: Folder with the installed model; None for the default one.
        reranker: What orders the best found again: "minilm" (the installed model, token by token),
            "onnx:FOLDER", "sentence-transformers:NAME", a service as "cohere:URL#MODEL" (or
            "jina:", "voyage:", "tei:"), a plugin's name, an object that fulfils `Reranker` (the
            caller's own: never closed by the vault), or None.
        reranker_api_key: Key of the reranking service; in no repr, error or log.
        rerank_top: Memories at most that one recall has reranked.
        llm: Language model for background work: "openai:URL#MODEL" (or what speaks as it does),
            "anthropic:URL#MODEL", a plugin's name, an object that fulfils `LanguageModel` (the
            caller's own: never closed by the vault), or None for none.
        llm_api_key: Key of the language model's service; in no repr, error or log.
        llm_timeout_s: Seconds for one answer of the language model.
        llm_at_once: Answers that are waited for at once.
        llm_facts_after_s: Seconds after a save until the language model reads facts from what was
            saved by then; None ("never" in the environment) leaves reading to patterns and plugins.
        llm_tokens_a_day: Tokens, read and written, that all processes with this vault may have of
            the language model from midnight to midnight UTC; None for no limit.
        plugins: "installed" uses what installed packages offer, "none" nothing; or a `Plugins`.
        store: What holds the truth: "sqlite".
        index: What finds near embeddings: "exact" in memory, "chroma" (ChromaDB in this process),
            "chroma:URL" (a ChromaDB server), a plugin's name, or an object that fulfils
            `VectorIndex` (the caller's own: never closed by the vault).
        token_counter: "offline", "tiktoken:cl100k_base" or "tiktoken:o200k_base".
        top_k: Memories in a block at most, when a call does not say.
        token_budget: Tokens of a block at most, when a call does not say.
        block_user: Whether a block's first line names the user; off, a prompt tells no one.
        block_date: Whether it names the day of the recall; off, equal blocks can be cached.
        durability: "power" survives power loss, "process" survives a kill of the process.
        lock_timeout_s: Seconds to wait for another process's lock before `StorageBusy`.
        max_open_files: User files kept open at once.
        max_text_chars: Characters of one memory at most.
        index_bytes: Bytes of all users' indexes kept in memory at most.
        workers: Worker threads for reading and searching; None for one less than the cores, at
            most 4.
        model_threads: Threads of one run of the embedding model; None for one a core, at most 8.
        preload: Whether opening starts to load the model in the background.
        tracing: Whether each call is a span of OpenTelemetry (extra `otel`), made by the tracer
            provider that the program has set; or a tracer provider to use instead.
        fact_sources: Whose messages facts are read from: roles or names of speakers. What came
            another way than from its speaker ("tool", "import" …) only if that class of trust is
            named too. Empty for none. As text: parted by commas.
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
    embedder_api_key: str | None = field(default=None, repr=False)
    embedder_dimension: int | None = None
    embedder_window: int | None = None
    model_dir: Path | None = None
    reranker: str | Reranker | None = None
    reranker_api_key: str | None = field(default=None, repr=False)
    rerank_top: int = 20
    llm: str | LanguageModel | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    llm_timeout_s: float = 120.0
    llm_at_once: int = 2
    llm_facts_after_s: float | None = 10.0
    llm_tokens_a_day: int | None = None
    plugins: str | Plugins = "installed"
    store: str = "sqlite"
    index: str | VectorIndex = "exact"
    token_counter: str = "offline"
    top_k: int = 100
    token_budget: int = 2000
    block_user: bool = False
    block_date: bool = False
    durability: Durability = "power"
    lock_timeout_s: float = 60.0
    max_open_files: int = 200
    max_text_chars: int = 1_000_000
    index_bytes: int = 1 << 30
    workers: int | None = None
    model_threads: int | None = None
    preload: bool = True
    tracing: bool | TracerProvider = False
    fact_sources: tuple[str, ...] = ("user",)
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
        _check_types(self)
        object.__setattr__(self, "data_dir", Path(self.data_dir))
        if self.model_dir is not None:
            object.__setattr__(self, "model_dir", Path(self.model_dir).expanduser())
        _check(self)

    def changed(self, **values: Any) -> MemoryConfig:
        """The same settings but for some; what was not given stays open to weaker sources.

        `dataclasses.replace` gives every setting, so that a config file has no say any more.
        """
        names = cast("frozenset[str]", self.__dict__["_given"])
        return MemoryConfig(**{name: getattr(self, name) for name in names} | values)

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
        if not key.startswith(PREFIX) or key.startswith(SERVE_PREFIX):
            continue
        if key.removeprefix(PREFIX) in _OTHER_NAMES:
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
    return {k: _of_file(k, v, f"{k} in {str(path)!r}") for k, v in values.items()}


def _of_file(name: str, value: object, where: str) -> object:
    """A value of a file; a list is taken as it is where several are wanted."""
    if isinstance(value, list) and _TYPES[name] == "tuple[str, ...]":
        return tuple(value)
    if not isinstance(value, str | int | float):
        raise ConfigError(f"{where}: a {type(value).__name__} is no value for {name}")
    return _parse(name, str(value), where)


_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _switch(text: str) -> bool:
    """A yes or no, as people write it."""
    if text.lower() not in _SWITCH:
        raise ValueError("give true or false")
    return _SWITCH[text.lower()]


def _folder(text: str) -> Path:
    """A folder; an empty name would be the one that the program happens to run in."""
    if not text:
        raise ValueError("give the name of a folder")
    return Path(text).expanduser()


def _names(text: str) -> tuple[str, ...]:
    """Names parted by commas."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


_PARSERS: dict[str, Callable[[str], object]] = {
    "Path": lambda text: _folder(text),
    "bool": _switch,
    "bool | TracerProvider": _switch,
    "int": int,
    "float": float,
    "tuple[str, ...]": _names,
}
"""By the type that a setting is declared with; any other is taken as it is written."""
_TYPES = {one.name: str(one.type) for one in fields(MemoryConfig)}
_NEVER = "never"
"""What says None for a number that may be None."""


def _parse(name: str, text: str, where: str) -> object:
    """Turn the text of one setting into its type."""
    kind = _TYPES[name].removesuffix(" | None")
    if text.lower() == _NEVER and kind in ("int", "float") and kind != _TYPES[name]:
        return None
    try:
        return _PARSERS.get(kind, str)(text)
    except ValueError as error:
        raise ConfigError(f"{where} is {text!r}: not a value for {name} ({error})") from error


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Path": (lambda v: isinstance(v, Path) or (isinstance(v, str) and v != ""), "a folder"),
    "int": (lambda v: type(v) is int, "a whole number"),
    "float": (lambda v: type(v) in (int, float) and math.isfinite(v), "a finite number"),
    "bool": (lambda v: isinstance(v, bool), "True or False"),
    "str": (lambda v: isinstance(v, str), "a text"),
}
"""By declared type what is accepted, and its name."""


def _check_types(config: MemoryConfig) -> None:
    """Refuse what is of another type than declared."""
    for name, declared in _TYPES.items():
        kind, value = declared.removesuffix(" | None"), getattr(config, name)
        if kind not in _KINDS or (value is None and kind != declared):
            continue
        is_accepted, accepted = _KINDS[kind]
        if not is_accepted(value):
            shown = "" if name.endswith("_key") else f"={value!r}"
            or_none = "" if kind == declared else ", or None"
            raise ConfigError(f"{name}{shown}: give {accepted}{or_none}")


_YEAR_S, _CENTURY_DAYS = 31_536_000, 36_525
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
    "llm_timeout_s": 0.001,
    "llm_at_once": 1,
}
_MOST: dict[str, float] = {
    "max_text_chars": 1_000_000,
    "lock_timeout_s": _YEAR_S,
    "session_idle_hours": 24 * _CENTURY_DAYS,
    "keep_importance": 1,
    "job_lease_s": _YEAR_S,
    "job_retry_s": _YEAR_S,
    "llm_timeout_s": _YEAR_S,
    "compress_after_days": _CENTURY_DAYS,
}
_LEAST_OR_NONE = {
    "compress_after_days": 0,
    "workers": 1,
    "model_threads": 1,
    "embedder_dimension": 1,
    "embedder_window": 40,
    "llm_tokens_a_day": 1,
}


def _check(config: MemoryConfig) -> None:
    """Refuse values out of range, naming the setting and what is accepted."""
    for name, least in _LEAST.items():
        if (value := getattr(config, name)) < least:
            raise ConfigError(f"{name}={value!r}: give a number of at least {least}")
    for name, least in _LEAST_OR_NONE.items():
        if (value := getattr(config, name)) is not None and value < least:
            raise ConfigError(f"{name}={value!r}: give at least {least}, or None")
    for name, most in _MOST.items():
        if (value := getattr(config, name)) is not None and value > most:
            raise ConfigError(f"{name}={value!r}: give at most {most}")
    after_s = config.llm_facts_after_s
    if after_s is not None and not 0 <= after_s <= 3600:
        raise ConfigError(f"llm_facts_after_s={after_s!r}: give one from 0 to 3600, or None")
    if not 0.01 <= config.compress_ratio <= 0.5:
        raise ConfigError(f"compress_ratio={config.compress_ratio!r}: give one from 0.01 to 0.5")
    if isinstance(config.embedder, type) or not isinstance(config.embedder, str | Embedder):
        raise ConfigError("embedder: give a name, or an object that fulfils Embedder")
    if not isinstance(config.reranker, str | Reranker | None):
        raise ConfigError("reranker: give a name, an object that fulfils Reranker, or None")
    sources = config.fact_sources
    if not isinstance(sources, tuple | list | set | frozenset) or not all(
        isinstance(one, str) for one in sources
    ):
        raise ConfigError("fact_sources: give roles, names or classes of trust, such as ('user',)")
    if not isinstance(config.llm, str | LanguageModel | None):
        raise ConfigError("llm: give a name, an object that fulfils LanguageModel, or None")
    if not (isinstance(config.plugins, Plugins) or config.plugins in ("installed", "none")):
        raise ConfigError("plugins: give 'installed', 'none', or a Plugins")
    if not isinstance(config.tracing, bool | TracerProvider):
        raise ConfigError("tracing: give True, False, or a tracer provider of OpenTelemetry")
    key = config.encryption_key
    if not (key is None or callable(key) or isinstance(key, str | bytes)):
        raise ConfigError("encryption_key: give a passphrase, 32 bytes, or a function for either")
    if not isinstance(config.index, str | VectorIndex):
        raise ConfigError("index: give a name, or an object that fulfils VectorIndex")
    if key is not None and config.index != "exact":
        raise ConfigError(
            "index: an encrypted vault has index='exact' only; another one would keep embeddings, "
            "from which text can be guessed, in files that are not encrypted"
        )
    for name, accepted in (
        ("durability", get_args(Durability)),
        ("store", ("sqlite",)),
    ):
        if getattr(config, name) not in accepted:
            names = ", ".join(map(repr, accepted))
            raise ConfigError(f"{name}={getattr(config, name)!r}: give one of {names}")
