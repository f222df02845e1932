"""Builds the ONNX graph of a BERT cross-encoder from its weights: the embedder's, another head.

The graph takes token ids, mask and token types (all int64, (B, S)) and gives one raw score a pair
(float32, (B,)): classifier(tanh(pooler(state of the first token))), as BERT was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..embed.export import Graph, Sizes, encode
from ..embed.model_files import WEIGHTS, not_installed, read_safetensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ADVICE = (
    "give a folder with tokenizer.json and either model.onnx, or model.safetensors and config.json "
    "of a BERT cross-encoder with one output"
)
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def read_graph(folder: Path) -> bytes:
    """The graph of the weights in a folder, ready to be loaded. Blocking, up to a second.

    Raises:
        ModelNotInstalled: If the weights or the config are damaged, or of another kind of model.
    """
    sizes = Sizes.read(folder / "config.json", ADVICE)
    weights = read_safetensors(folder / WEIGHTS, ADVICE)
    graph: bytes = build(weights, sizes).SerializeToString()
    return graph


def build(weights: Mapping[str, NDArray[np.generic]], sizes: Sizes) -> Any:
    """The float32 graph as an `onnx.ModelProto`.

    Raises:
        ModelNotInstalled: If a weight is missing, or the model has more than one output.
    """
    graph = Graph({name.removeprefix("bert."): one for name, one in weights.items()}, sizes)
    try:
        _score(graph, encode(graph, is_pair=True))
    except KeyError as error:
        raise not_installed(f"the weights lack {error}", ADVICE) from error
    return graph.model(_INPUTS, "score", ["B"])


def _score(graph: Graph, x: str) -> str:
    """One number a pair, from the state of its first token."""
    import numpy as np

    outputs = len(graph.weight("classifier.bias"))
    if outputs != 1:
        raise not_installed(f"the model gives {outputs} numbers a pair", ADVICE)
    first = graph.op("Gather", [x, graph.constant("first", np.array(0, np.int64))], "cls", axis=1)
    pooled = graph.dense(first, "pooler.dense", "pooled")
    biased = graph.op("Add", [pooled, graph.copy("pooler.dense.bias")], "biased")
    bent = graph.op("Tanh", [biased], "bent")
    raw = graph.dense(bent, "classifier", "raw")
    column = graph.op("Add", [raw, graph.copy("classifier.bias")], "column")
    return graph.op("Squeeze", [column, graph.integer("second_axis", 1)], "score")
