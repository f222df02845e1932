"""From the name of a reranker in the settings to the reranker."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

from .. import plugins
from ..errors import ConfigError
from . import Reranker
from .styles import StyleName

_SERVICES = get_args(StyleName)


def is_ours(name: str) -> bool:
    """Whether a reranker of that name is this library's own, and no plugin's."""
    kind = name.partition(":")[0]
    return name == "minilm" or kind in ("onnx", "sentence-transformers", *_SERVICES)


def choose(
    name: str,
    api_key: str | None = None,
    *,
    model_dir: Path | None = None,
    threads: int | None = None,
) -> Reranker:
    """Make the reranker that a setting names; nothing is read, imported or reached until it opens.

    Args:
        name: "minilm" for the installed embedding model, token by token; "onnx:" with a folder;
            "sentence-transformers:" with a model's name on the hub or a folder; a service's way of
            talking ("cohere:", "jina:", "voyage:", "tei:") with its whole URL, and after a "#" the
            model it shall use; or a plugin's name.
        api_key: The service's key; the others need none.
        model_dir: Folder of the installed model; None for the default one.
        threads: Threads of one run of the installed model; None for its default.

    Raises:
        ConfigError: If the name is none of these, or the URL or key is not acceptable.
    """
    kind, _, what = name.partition(":")
    if name == "minilm":
        from .late_interaction import LateInteractionReranker

        return LateInteractionReranker(model_dir, threads=threads)
    if kind == "onnx" and what:
        from .onnx import OnnxReranker

        return OnnxReranker(what)
    if kind == "sentence-transformers" and what:
        from .sentence_transformers import SentenceTransformersReranker

        return SentenceTransformersReranker(what)
    if kind in _SERVICES and what:
        from .http import HttpReranker

        url, _, model = what.partition("#")
        return HttpReranker(
            url, style=cast("StyleName", kind), model=model or None, api_key=api_key
        )
    made = plugins.make("rerankers", kind, what, api_key, Reranker)  # type: ignore[type-abstract]
    if made is not None:
        return made
    services = ", ".join(f"'{one}:URL#MODEL'" for one in _SERVICES)
    raise ConfigError(  # without the name itself: a URL may hold what is not to be shown
        f"reranker: {kind!r} is no kind, or nothing stands behind it: give 'minilm', "
        f"'onnx:FOLDER', 'sentence-transformers:NAME', {services}, the name of an installed "
        "plugin, or an object that fulfils Reranker"
    )
