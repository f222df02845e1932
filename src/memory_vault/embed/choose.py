"""From the name of an embedder in the settings to the embedder."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

from .. import plugins
from ..errors import ConfigError
from . import Embedder
from .model_files import HUB_NAME, WEIGHTS, Precision, default_model_dir
from .styles import StyleName

DEFAULT_PRECISION: Precision = "float32"

_MINILM: dict[str, Precision] = {
    "minilm": DEFAULT_PRECISION,
    "minilm-float32": "float32",
    "minilm-int8": "int8",
}
_LIBRARY = "sentence-transformers"
_SERVICES = get_args(StyleName)


def is_local(name: str) -> bool:
    """Whether an embedder of that name has a model to load before it is first used."""
    return name in _MINILM or name.partition(":")[0] == _LIBRARY


def is_ours(name: str) -> bool:
    """Whether an embedder of that name is this library's own, and no plugin's."""
    kind = name.partition(":")[0]
    return name in _MINILM or kind == _LIBRARY or kind in _SERVICES


def choose(
    name: str,
    model_dir: Path | None,
    *,
    threads: int | None = None,
    api_key: str | None = None,
    dimension: int | None = None,
    window: int | None = None,
) -> Embedder:
    """Make the embedder that a setting names; nothing is read or reached until it opens.

    Args:
        name: "minilm", "minilm-float32", "minilm-int8"; "sentence-transformers", or that with a
            colon and a model's name on the hub or a folder; a service's way of talking ("openai:",
            "ollama:", "tei:") with its URL, and after a "#" the model; or a plugin's name.
        model_dir: Folder of the installed model; None for the default one.
        threads: Threads of one run of the model in ONNX Runtime; None for its default.
        api_key: The service's key.
        dimension: What to ask a service for; None for its model's own.
        window: Tokens of one text that a service's model takes; None for what it says.

    Raises:
        ConfigError: If the name is none of these, or the URL or key is not acceptable.
    """
    kind, colon, model = name.partition(":")
    if kind in _SERVICES and model:
        from .http import HttpEmbedder

        url, _, named = model.partition("#")
        style = cast("StyleName", kind)
        return HttpEmbedder(
            url,
            style=style,
            model=named or None,
            api_key=api_key,
            dimension=dimension,
            window=window,
        )
    if name in _MINILM:
        return _choose_onnx(_MINILM[name], model_dir, threads)
    if kind == _LIBRARY and bool(colon) == bool(model):
        return _choose_library(model, model_dir)
    made = plugins.make("embedders", kind, model, api_key, Embedder)  # type: ignore[type-abstract]
    if made is not None:
        return made
    services = ", ".join(f"'{one}:URL#MODEL'" for one in _SERVICES)
    raise ConfigError(  # a URL may hold what is not to be shown
        f"embedder={kind if '//' in name else name!r}: give {', '.join(map(repr, _MINILM))}, "
        f"{_LIBRARY!r}, '{_LIBRARY}:NAME', {services}, the name of an installed plugin, or an "
        "object that fulfils Embedder"
    )


def _choose_onnx(precision: Precision, model_dir: Path | None, threads: int | None) -> Embedder:
    from .onnx import OnnxEmbedder

    return OnnxEmbedder(model_dir or default_model_dir(), precision=precision, threads=threads)


def _choose_library(model: str, model_dir: Path | None) -> Embedder:
    from .scheduler import BatchingEmbedder
    from .sentence_transformers import SentenceTransformersEmbedder

    has_own = not model and model_dir and (model_dir / WEIGHTS).is_file()
    chosen = model_dir if has_own and model_dir else model or HUB_NAME
    return BatchingEmbedder(SentenceTransformersEmbedder(chosen))
