"""A BERT small enough to be made in a test, and its forward pass in plain NumPy."""

import json
import math
from pathlib import Path

import numpy as np

LAYERS, HIDDEN, HEADS, INNER, WORDS, PLACES = 2, 16, 4, 32, 50, 12
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "num_hidden_layers": LAYERS,
    "hidden_size": HIDDEN,
    "num_attention_heads": HEADS,
    "layer_norm_eps": 1e-12,
}


def make_weights(
    seed: int = 7, *, words: int = WORDS, places: int = PLACES
) -> dict[str, np.ndarray]:
    """Random weights under the names that BERT's files use."""
    rng = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}

    def add(name: str, *shape: int) -> None:
        weights[name] = rng.normal(0, 0.5, shape).astype(np.float32)

    def linear(name: str, inner: int, outer: int) -> None:
        add(f"{name}.weight", outer, inner)
        add(f"{name}.bias", outer)

    def norm(name: str) -> None:
        add(f"{name}.weight", HIDDEN)
        add(f"{name}.bias", HIDDEN)

    add("embeddings.word_embeddings.weight", words, HIDDEN)
    add("embeddings.position_embeddings.weight", places, HIDDEN)
    add("embeddings.token_type_embeddings.weight", 2, HIDDEN)
    norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", HIDDEN, INNER)
        linear(f"{layer}.output.dense", INNER, HIDDEN)
        norm(f"{layer}.output.LayerNorm")
    return weights


def write_safetensors(path: Path, weights: dict[str, np.ndarray]) -> None:
    """Write float32 tensors in the safetensors format."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, value in weights.items():
        stop = start + value.nbytes
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(value.tobytes() for value in weights.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def write_model(folder: Path) -> None:
    """Write the three files that an installation starts from."""
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", make_weights())
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text('{"a": "tokenizer"}')


def forward(w: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """One text's embedding, written from the paper and not from the exporter."""
    mean = encode(w, ids, [0] * len(ids)).mean(axis=0)
    return mean / np.linalg.norm(mean)


def encode(w: dict[str, np.ndarray], ids: list[int], types: list[int]) -> np.ndarray:
    """The states of the last layer, one for each token."""
    x = w["embeddings.word_embeddings.weight"][ids].astype(np.float64)
    x += w["embeddings.position_embeddings.weight"][: len(ids)]
    x += w["embeddings.token_type_embeddings.weight"][types]
    x = _norm(w, "embeddings.LayerNorm", x)
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        x = _norm(w, f"{layer}.attention.output.LayerNorm", x + _attend(w, layer, x))
        inner = _linear(w, f"{layer}.intermediate.dense", x)
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = _norm(w, f"{layer}.output.LayerNorm", x + _linear(w, f"{layer}.output.dense", inner))
    return x


def _linear(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def _norm(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(centred.var(axis=-1, keepdims=True) + CONFIG["layer_norm_eps"])
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def _attend(w: dict[str, np.ndarray], layer: str, x: np.ndarray) -> np.ndarray:
    def heads(part: str) -> np.ndarray:
        y = _linear(w, f"{layer}.attention.self.{part}", x)
        return y.reshape(len(x), HEADS, HIDDEN // HEADS).transpose(1, 0, 2)

    query, key, value = heads("query"), heads("key"), heads("value")
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(HIDDEN // HEADS)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    mixed = (shares @ value).transpose(1, 0, 2).reshape(len(x), HIDDEN)
    return _linear(w, f"{layer}.attention.output.dense", mixed)
