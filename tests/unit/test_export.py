"""The graphs give what the model's weights give."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from memory_vault.embed import export
from memory_vault.embed.model_files import read_safetensors
from memory_vault.embed.onnx import OnnxEmbedder
from memory_vault.errors import ModelNotInstalled

from . import tiny_bert

COMPONENTS = [0, 1, 2, 100, 200, 300, 382, 383]
# Made once by sentence-transformers 6.2 with torch 2.14 from the same weights, normalised.
REFERENCE = {
    "Caroline went hiking in the Alps last summer.": [
        -0.05378, 0.03643, 0.00031, 0.03415, 0.07726, -0.02628, -0.14127, -0.0099,
    ],
    "Das Café schließt um fünf.": [
        0.05249, -0.00387, -0.00194, -0.11487, 0.09298, 0.00591, 0.03112, -0.01636,
    ],
    "昨日は友達と映画を見ました。": [
        0.01435, 0.11669, 0.08872, 0.02778, 0.09988, -0.03291, -0.04825, -0.02477,
    ],
    "🎉 party at 8pm?!": [
        -0.04028, -0.01116, 0.0704, -0.02666, 0.01828, 0.02198, -0.05382, -0.06504,
    ],
    "": [-0.11884, 0.0483, -0.00255, 0.03595, 0.03772, -0.01843, 0.04655, -0.01572],
    " ".join(["memory"] * 400): [  # above the window: both cut it at 256 tokens
        -0.01624, -0.02137, -0.01289, 0.0783, -0.01876, 0.00002, -0.11564, 0.02279,
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_bert.write_model(folder)
    export.export(folder, folder)
    return folder


def run(graph: Path, texts: list[list[int]]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    width = max(map(len, texts))
    ids = np.array([text + [0] * (width - len(text)) for text in texts], np.int64)
    mask = np.array([[1] * len(text) + [0] * (width - len(text)) for text in texts], np.int64)
    return session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


@pytest.mark.anyio
async def test_it_agrees_with_sentence_transformers(model_dir: Path) -> None:
    embedder = OnnxEmbedder(model_dir)
    rows = await embedder.embed(list(REFERENCE))
    await embedder.close()
    assert np.abs(rows[:, COMPONENTS] - np.array(list(REFERENCE.values()))).max() < 2e-5


def test_the_graph_agrees_with_a_forward_pass_in_numpy(tiny: Path) -> None:
    texts = [[1, 7, 9, 3], [4], [9] * tiny_bert.PLACES, [11, 2]]
    rows = run(tiny / "model.onnx", texts)
    weights = tiny_bert.make_weights()
    for text, row in zip(texts, rows, strict=True):
        assert np.abs(tiny_bert.forward(weights, text) - row).max() < 1e-5


def test_the_int8_graph_is_near_and_its_own(tiny: Path) -> None:
    rows = [run(tiny / name, [[1, 7, 9, 3]])[0] for name in ("model.onnx", "model_int8.onnx")]
    assert 0.9 < float(rows[0] @ rows[1]) < 0.999999


def test_the_same_weights_give_the_same_graphs(tiny: Path, tmp_path: Path) -> None:
    export.export(tiny, tmp_path)
    for name in ("model.onnx", "model_int8.onnx"):
        assert (tmp_path / name).read_bytes() == (tiny / name).read_bytes()


def test_safetensors_are_read_as_written(tiny: Path) -> None:
    read = read_safetensors(tiny / "model.safetensors")
    written = tiny_bert.make_weights()
    assert read.keys() == written.keys()
    assert all(np.array_equal(read[name], value) for name, value in written.items())


def header(**entry: object) -> bytes:
    text = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **entry}})
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        (1 << 40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (4).to_bytes(8, "little") + b"\xff{}}",
        header() + b"1234",
        header(data_offsets=[8, 0]) + b"12345678",
        header(data_offsets=[-8, 0]) + b"12345678",
        header(shape=[3]) + b"12345678",
        header(dtype="Q4") + b"12345678",
        header(data_offsets=None) + b"12345678",
    ],
)
def test_a_damaged_safetensors_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelNotInstalled, match="is damaged"):
        read_safetensors(path)


@pytest.mark.parametrize(
    "change",
    [{"hidden_act": "relu"}, {"model_type": "roberta"}, {"hidden_size": None}],
)
def test_another_architecture_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**tiny_bert.CONFIG, **change}))
    with pytest.raises(ModelNotInstalled, match="does not describe"):
        export.Sizes.read(tmp_path / "config.json")


def test_a_missing_weight_is_named() -> None:
    weights = tiny_bert.make_weights()
    del weights["encoder.layer.1.output.dense.bias"]
    sizes = export.Sizes(tiny_bert.LAYERS, tiny_bert.HIDDEN, tiny_bert.HEADS, 1e-12)
    with pytest.raises(ModelNotInstalled, match=r"lack 'encoder\.layer\.1\.output\.dense\.bias'"):
        export.build(weights, sizes)
