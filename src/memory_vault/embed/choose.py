"""From the name of an embedder in the settings to the embedder."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from . import Embedder
from .model_files import HUB_NAME, WEIGHTS, Precision, default_model_dir

DEFAULT_PRECISION: Precision = "float32"

_MINILM: dict[str, Precision] = {
    "minilm": DEFAULT_PRECISION,
    "minilm-float32": "float32",
    "minilm-int8": "int8",
}
_LIBRARY = "sentence-transformers"


def choose(name: str, model_dir: Path | None, *, threads: int | None = None) -> Embedder:
    """Make the embedder that a setting names; nothing is read or imported until it opens.

    Args:
        name: "minilm", "minilm-float32", "minilm-int8", "sentence-transformers", or
            "sentence-transformers:" with a model's name on the hub or a folder.
        model_dir: Folder of the installed model; None for the default one.
        threads: Threads of one run of the model in ONNX Runtime; None for its default.

    Raises:
        ConfigError: If the name is none of these.
    """
    kind, colon, model = name.partition(":")
    if name in _MINILM:
        return _choose_onnx(_MINILM[name], model_dir, threads)
    if kind == _LIBRARY and bool(colon) == bool(model):
        return _choose_library(model, model_dir)
    raise ConfigError(
        f"embedder={name!r}: give {', '.join(map(repr, _MINILM))}, {_LIBRARY!r}, "
        f"'{_LIBRARY}:NAME', or an object that fulfils Embedder"
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
