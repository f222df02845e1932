"""Reranks with a local cross-encoder in ONNX Runtime, in this process, without a network."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..embed.model_files import TOKENIZER, WEIGHTS, hub_cache, not_installed
from ..embed.runtime import check_threads, load_session, load_tokenizer, pad, translate
from ..errors import BackendError, InvalidInput
from .export import ADVICE, read_graph
from .local import Local
from .pairs import Pair, PairWriter

if TYPE_CHECKING:
    from . import Scores

_MAX_TOKENS = 512
"""What cross-encoders are usually made for; reading more costs more than its share in time."""
_GRAPHS = ("model.onnx", "onnx/model.onnx")
_DYNAMIC = {"DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"}


class OnnxReranker:
    """Scores pairs with a cross-encoder on the processor; scores are its raw outputs.

    It loads at `open` or at first use, and again when used after `close`.

    Args:
        model: A folder with `tokenizer.json` and either `model.onnx` (or `onnx/model.onnx`), or
            `model.safetensors` and `config.json` of a BERT with one output, from which the graph
            is then built at each load; or the name of such a model in the Hugging Face cache.
        max_tokens: Tokens of question and text together that are read, special ones counted;
            None for 512. Fewer are quicker; never more than the model was made for.
        threads: Threads of one run; None for as many as there are cores.
    """

    def __init__(
        self, model: str | Path, *, max_tokens: int | None = None, threads: int | None = None
    ) -> None:
        if max_tokens is not None and max_tokens < 8:
            raise InvalidInput(f"max_tokens={max_tokens}: give at least 8, or None")
        check_threads(threads)
        self._name = str(model)
        self._local = Local(
            lambda: _Model(_find(self._name), max_tokens, threads), max_tokens or _MAX_TOKENS
        )

    def __repr__(self) -> str:
        return f"OnnxReranker({self._name!r})"

    async def open(self) -> None:
        """Load the model; of 90 MB, 0.2 s from a graph and 0.7 s from weights."""
        await self._local.open()

    async def close(self) -> None:
        """Let the model go; the next use loads it again."""
        self._local.close()

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts; shape (n,). Cancelling it takes effect after the batch that is running."""
        return await self._local.rerank(query, texts)


def _find(name: str) -> Path:
    """The folder that a setting means. Blocking."""
    folder = Path(name).expanduser()
    found = folder if folder.is_dir() else hub_cache(name)
    if found is None:
        raise not_installed(f"{name!r} is no folder and not in the Hugging Face cache", ADVICE)
    if not (found / TOKENIZER).is_file():
        raise not_installed(f"{found} holds no {TOKENIZER}", ADVICE)
    return found


class _Model:
    """A loaded cross-encoder with its tokenizer; both may be used from several threads."""

    def __init__(self, folder: Path, max_tokens: int | None, threads: int | None) -> None:
        self.pid: int = os.getpid()
        try:
            with translate(f"{folder} could not be loaded"):
                tokenizer = load_tokenizer(folder / TOKENIZER)
                self._writer = PairWriter(tokenizer, _window(folder, max_tokens))
                graph, self._is_dynamic = _graph(folder)
                self._session = load_session(graph, threads)
        except BackendError as error:
            raise not_installed(str(error), ADVICE) from error
        self._inputs = [one.name for one in self._session.get_inputs()]
        _check_output(folder, self._session.get_outputs()[0].shape)

    def tokenize(self, query: str, texts: list[str]) -> list[Pair]:
        """Each pair as the model was trained on it."""
        with translate("texts could not be split into tokens"):
            return self._writer.write(query, texts)

    def run(self, pairs: Sequence[Pair]) -> Scores:
        """Score pairs of similar length; shape (n,)."""
        import numpy as np

        with translate("texts could not be reranked"):
            if not self._is_dynamic:
                return self._run(pairs)
            return np.concatenate([self._run([one]) for one in pairs])

    def _run(self, pairs: Sequence[Pair]) -> Scores:
        ids, mask = pad([one.ids for one in pairs])
        feed = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = pad([one.types for one in pairs])[0]
        scores: Scores = self._session.run(None, feed)[0]
        return scores.reshape(len(pairs)).astype("float32", copy=False)


def _graph(folder: Path) -> tuple[Path | bytes, bool]:
    """The graph in a folder, and whether it scales over a whole batch. Blocking."""
    for name in _GRAPHS:
        if (folder / name).is_file():
            return folder / name, _is_dynamic(folder / name)
    if not (folder / WEIGHTS).is_file():
        raise not_installed(f"{folder} holds neither {_GRAPHS[0]} nor {WEIGHTS}", ADVICE)
    return read_graph(folder), False


def _is_dynamic(path: Path) -> bool:
    """Whether a graph quantises at run time, over all rows of a batch together. Blocking.

    Such a graph is run one text at a time, or a score would depend on its neighbours.
    """
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    return any(one.op_type in _DYNAMIC for one in graph.node)


def _check_output(folder: Path, shape: Sequence[object]) -> None:
    """Refuse what is no cross-encoder: an embedder, or a classifier with several classes."""
    wide = [one for one in shape[1:] if isinstance(one, int) and one != 1]
    if wide or len(shape) > 2:
        raise not_installed(f"{folder} gives {shape} for a batch, not one score a pair", ADVICE)


def _window(folder: Path, wanted: int | None) -> int:
    """Tokens that are read: as wanted, but no more than the files say it takes. Blocking."""
    config = _read_json(folder / "config.json")
    places = config.get("max_position_embeddings")
    if places and str(config.get("model_type", "")).endswith("roberta"):
        places -= 2  # its first places are never used
    length = _read_json(folder / "tokenizer_config.json").get("model_max_length")
    limits = [int(one) for one in (places, length) if one]
    return min([wanted or _MAX_TOKENS, *limits])


def _read_json(path: Path) -> dict[str, Any]:
    """A file beside the model, which may be missing."""
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found
