"""Builds ONNX graphs of a BERT sentence embedder from its weights: float32, and int8 from it.

The graph uses ONNX Runtime's fused operators, takes token ids and mask (both int64, (B, S)) and
gives unit-length embeddings (float32, (B, hidden)). The mean over tokens and the normalisation
are in it. `Graph` and `encode` also serve rerankers, which put another head on the encoder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .model_files import ADVICE, GRAPHS, WEIGHTS, not_installed, read_safetensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_FUSED = "com.microsoft"
_OPSET, _IR_VERSION = 17, 8
_KEPT = "kept"
"""The states of a text's own tokens, before their mean."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of a BERT encoder that its weights alone do not tell."""

    layers: int
    hidden: int
    heads: int
    epsilon: float

    @classmethod
    def read(cls, config: Path, advice: str = ADVICE) -> Self:
        """Read them from the model's config.json. Blocking.

        Raises:
            ModelNotInstalled: If it is no config of a BERT encoder with exact GELU and learned
                positions.
        """
        try:
            values: Any = json.loads(config.read_bytes())
            _check_kind(values)
            return cls(
                int(values["num_hidden_layers"]),
                int(values["hidden_size"]),
                int(values["num_attention_heads"]),
                float(values["layer_norm_eps"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = f"{config} does not describe a model that can be built"
            raise not_installed(what, advice) from error


def _check_kind(values: Mapping[str, Any]) -> None:
    expected = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    for name, value in expected.items():
        if values.get(name, value) != value:
            raise ValueError(f"{name}: {values[name]}")


def export(source: Path, target: Path) -> None:
    """Write both graphs into `target` from the weights and config in `source`. Blocking, 3 s.

    Raises:
        ModelNotInstalled: If the weights or the config are damaged.
    """
    import onnx

    model = build(read_safetensors(source / WEIGHTS), Sizes.read(source / "config.json"))
    onnx.save(model, target / GRAPHS["float32"])
    quantize(target / GRAPHS["float32"], target / GRAPHS["int8"])


def token_states(graph: Path) -> bytes:
    """A float32 graph of `export` without its mean: it gives the states of every token.

    Its output has shape (B, S, hidden) and is not normalised. Blocking, 0.2 s.

    Raises:
        ValueError: If the file is no such graph.
    """
    import onnx
    from onnx import helper

    model = onnx.load(graph)
    mean = next((one for one in model.graph.node if list(one.output) == [_KEPT]), None)
    if mean is None:
        raise ValueError(f"{graph.name} has no mean over tokens")
    states = helper.make_tensor_value_info(
        mean.input[0], onnx.TensorProto.FLOAT, ["B", "S", "hidden"]
    )
    del model.graph.output[:]
    model.graph.output.append(states)
    serialized: bytes = model.SerializeToString()
    return serialized


def quantize(model: Path, target: Path) -> None:
    """Write a copy of a graph with int8 weights, a scale a channel. Blocking.

    Activations are quantised at run time, over all rows of a batch together: run the copy one
    text at a time, or an embedding depends on its neighbours.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        model,
        target,
        weight_type=QuantType.QInt8,
        per_channel=True,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def build(weights: Mapping[str, NDArray[np.generic]], sizes: Sizes) -> Any:
    """The float32 graph as an `onnx.ModelProto`.

    Raises:
        ModelNotInstalled: If a weight is missing.
    """
    graph = Graph(weights, sizes)
    try:
        _pool(graph, encode(graph))
    except KeyError as error:
        raise not_installed(f"the weights lack {error}") from error
    return graph.model(["input_ids", "attention_mask"], "embedding", ["B", sizes.hidden])


def encode(graph: Graph, *, is_pair: bool = False) -> str:
    """The encoder, from token ids to the states of its last layer, (B, S, hidden).

    Args:
        graph: Where it is built.
        is_pair: Whether the graph takes `token_type_ids`, which tell a pair's two texts apart;
            without, all tokens are of type 0.

    Raises:
        KeyError: If a weight is missing.
    """
    x = _embed_tokens(graph, is_pair=is_pair)
    graph.op("Cast", ["attention_mask"], "mask32", to=graph.types.INT32)
    for layer in range(graph.sizes.layers):
        x = _encode(graph, f"encoder.layer.{layer}", x)
    return x


class Graph:
    """Collects nodes and constants; every method that adds one returns its output's name."""

    def __init__(self, weights: Mapping[str, NDArray[np.generic]], sizes: Sizes) -> None:
        from onnx import TensorProto

        self.types: Any = TensorProto
        self.sizes = sizes
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def weight(self, key: str) -> Floats:
        """A weight by its name in the file."""
        import numpy as np

        return self._weights[key].astype(np.float32)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Store a constant in the graph."""
        import numpy as np
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integer(self, name: str, value: int) -> str:
        """Store a list of one integer, as axes and bounds are given."""
        import numpy as np

        return self.constant(name, np.array([value], np.int64))

    def copy(self, key: str) -> str:
        """Store a weight as it is, under its own name."""
        return self.constant(key, self.weight(key))

    def op(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        *,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add an operator."""
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def dense(self, x: str, key: str, output: str) -> str:
        """Multiply by a dense layer's weights; its bias is added by the operator that follows."""
        return self.op(
            "MatMul", [x, self.constant(f"{key}.t", self.weight(f"{key}.weight").T)], output
        )

    def norm(self, x: str, skip: str, dense: str, norm: str, output: str) -> str:
        """Add a dense layer's bias and the skip connection, then normalise."""
        inputs = [x, skip, *(self.copy(f"{norm}.{one}") for one in ("weight", "bias"))]
        return self.op(
            "SkipLayerNormalization",
            [*inputs, self.copy(f"{dense}.bias")],
            output,
            domain=_FUSED,
            epsilon=self.sizes.epsilon,
        )

    def model(self, inputs: Sequence[str], output: str, shape: list[str | int]) -> Any:
        """What was collected, as a model; inputs are int64 (B, S), the output is float32."""
        from onnx import helper

        def value(name: str, kind: int, shape: list[str | int]) -> Any:
            return helper.make_tensor_value_info(name, kind, shape)

        given = [value(one, self.types.INT64, ["B", "S"]) for one in inputs]
        result = value(output, self.types.FLOAT, shape)
        graph = helper.make_graph(self._nodes, "bert", given, [result], self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        # The graph is fused already: this keeps the quantiser from logging that it may not be.
        helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
        return model


def _embed_tokens(graph: Graph, *, is_pair: bool) -> str:
    """Words plus places plus token types, normalised."""
    word = graph.op(
        "Gather", [graph.copy("embeddings.word_embeddings.weight"), "input_ids"], "word"
    )
    types = graph.weight("embeddings.token_type_embeddings.weight")
    places = graph.weight("embeddings.position_embeddings.weight") + types[0]
    if is_pair:
        # Type 0 stands in every place already, so that a single text needs no look-up.
        more = graph.constant("types", types - types[0])
        typed = graph.op("Gather", [more, "token_type_ids"], "type")
        word = graph.op("Add", [word, typed], "typed")
    graph.op("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.integer("zero", 0)
    graph.op("Slice", [graph.constant("places", places), zero, "length", zero], "place")
    graph.op("Add", [word, "place"], "summed")
    norm = [graph.copy(f"embeddings.LayerNorm.{one}") for one in ("weight", "bias")]
    return graph.op(
        "LayerNormalization", ["summed", *norm], "x", axis=-1, epsilon=graph.sizes.epsilon
    )


def _encode(graph: Graph, layer: str, x: str) -> str:
    """One encoder layer: attention, then the feed-forward pair."""
    attended = _attend(graph, layer, x)
    grown = graph.dense(attended, f"{layer}.intermediate.dense", f"{layer}.grown")
    bias = graph.copy(f"{layer}.intermediate.dense.bias")
    bent = graph.op("BiasGelu", [grown, bias], f"{layer}.bent", domain=_FUSED)
    shrunk = graph.dense(bent, f"{layer}.output.dense", f"{layer}.shrunk")
    names = f"{layer}.output.dense", f"{layer}.output.LayerNorm"
    return graph.norm(shrunk, attended, *names, f"{layer}.x")


def _attend(graph: Graph, layer: str, x: str) -> str:
    """Self-attention with its three projections in one matrix, its output and skip connection."""
    import numpy as np

    parts = [f"{layer}.attention.self.{one}" for one in ("query", "key", "value")]
    matrix = np.concatenate([graph.weight(f"{one}.weight").T for one in parts], axis=1)
    bias = np.concatenate([graph.weight(f"{one}.bias") for one in parts])
    inputs = [x, graph.constant(f"{layer}.qkv", matrix), graph.constant(f"{layer}.qkv_bias", bias)]
    seen = graph.op(
        "Attention",
        [*inputs, "mask32"],
        f"{layer}.seen",
        domain=_FUSED,
        num_heads=graph.sizes.heads,
    )
    output = f"{layer}.attention.output"
    mixed = graph.dense(seen, f"{output}.dense", f"{layer}.mixed")
    return graph.norm(mixed, x, f"{output}.dense", f"{output}.LayerNorm", f"{layer}.attended")


def _pool(graph: Graph, x: str) -> str:
    """Mean over a text's own tokens, to length 1; the mean's divisor cancels in that."""
    graph.op("Cast", ["attention_mask"], "mask", to=graph.types.FLOAT)
    graph.op("Unsqueeze", ["mask", graph.integer("last_axis", 2)], "column")
    graph.op("Mul", [x, "column"], _KEPT)
    graph.op("ReduceSum", [_KEPT, graph.integer("token_axis", 1)], "pooled", keepdims=0)
    return graph.op("LpNormalization", ["pooled"], "embedding", axis=-1, p=2)
