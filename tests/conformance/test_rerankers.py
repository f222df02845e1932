"""Every reranker of the library keeps the promises of the Protocol."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.unit import tiny_bert, tiny_cross_encoder
from tests.unit.rerank_service import serving

from memory_vault.embed.export import Sizes, quantize
from memory_vault.embed.export import build as build_embedder
from memory_vault.embed.model_files import Manifest, default_model_dir
from memory_vault.errors import ConfigError, InvalidInput, ModelNotInstalled
from memory_vault.rerank import Reranker
from memory_vault.rerank.choose import choose
from memory_vault.rerank.export import read_graph
from memory_vault.rerank.http import HttpReranker
from memory_vault.rerank.late_interaction import LateInteractionReranker
from memory_vault.rerank.onnx import OnnxReranker
from memory_vault.testing.reranker_suite import QUESTION, TEXTS, RerankerConformance, agree
from memory_vault.testing.rerankers import OverlapReranker

pytestmark = pytest.mark.anyio


class TestOverlapReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self) -> Reranker:
        return OverlapReranker()

    async def test_more_shared_words_score_higher(self) -> None:
        texts = ["Nothing of it.", "Caroline.", "Caroline did go."]
        scores = await OverlapReranker().rerank("Where did Caroline go?", texts)
        assert scores.tolist() == [0, 0.25, 0.75]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights, from which the graph is built at each load."""
    folder = tmp_path_factory.mktemp("weights")
    tiny_cross_encoder.write_model(folder)
    return folder


@pytest.fixture(scope="module")
def graphs(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a graph that quantises at run time, as the hub lays it out."""
    folder = tmp_path_factory.mktemp("graphs")
    (folder / "onnx").mkdir()
    (folder / "float32.onnx").write_bytes(read_graph(weights))
    quantize(folder / "float32.onnx", folder / "onnx" / "model.onnx")
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(weights / name, folder / name)
    return folder


class TestOnnxReranker(RerankerConformance):
    @pytest.fixture
    async def reranker(self, weights: Path) -> AsyncIterator[Reranker]:
        reranker = OnnxReranker(weights)
        yield reranker
        await reranker.close()


class TestLateInteractionReranker(RerankerConformance):
    @pytest.fixture
    async def reranker(self, model_dir: Path) -> AsyncIterator[Reranker]:
        reranker = LateInteractionReranker(model_dir)
        yield reranker
        await reranker.close()

    async def test_what_answers_scores_higher(self, reranker: Reranker) -> None:
        texts = ["I saw a film.", TEXTS[0], "Caroline works at a bank."]
        scores = await reranker.rerank(QUESTION, texts)
        assert np.argsort(-scores).tolist() == [1, 2, 0]


class TestHttpReranker(RerankerConformance):
    @pytest.fixture
    async def reranker(self) -> AsyncIterator[Reranker]:
        with serving("cohere") as service:
            reranker = HttpReranker(service.url, style="cohere")
            yield reranker
            await reranker.close()


async def test_scores_are_those_of_a_forward_pass_in_numpy(weights: Path) -> None:
    texts = [*TEXTS, "", "x" * 200]
    found = await OnnxReranker(weights).rerank(QUESTION, texts)
    assert agree(found, [tiny_cross_encoder.score(QUESTION, text) for text in texts])


WEIGHTS = tiny_bert.make_weights(words=len(tiny_cross_encoder.VOCABULARY), places=256)
TINY = {  # without biases, which make all tokens of a random model nearly the same
    name: 0 * one if name.endswith("bias") else one / one if "LayerNorm" in name else one
    for name, one in WEIGHTS.items()
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as an installation leaves it, with a tiny embedder."""
    sizes = Sizes(tiny_bert.LAYERS, tiny_bert.HIDDEN, tiny_bert.HEADS, 1e-12)
    onnx.save(build_embedder(TINY, sizes), tmp_path / "model.onnx")
    tiny_cross_encoder.tokenizer().save(str(tmp_path / "tokenizer.json"))
    Manifest("", {}).write(tmp_path)
    return tmp_path


async def test_late_interaction_is_what_it_says_of_a_forward_pass_in_numpy(installed: Path) -> None:
    made = tiny_cross_encoder.tokenizer()

    def tokens(text: str) -> np.ndarray:
        ids = made.encode(text).ids
        read = [*ids[:-1][:255], ids[-1]]
        states = tiny_bert.encode(TINY, read, [0] * len(read))
        return states / np.linalg.norm(states, axis=1, keepdims=True)

    texts = [*TEXTS, "", "x" * 50]
    asked = tokens(QUESTION)[1:-1]
    expected = [(asked @ tokens(text).T).max(1).mean() for text in texts]
    assert np.ptp(expected) > 0.1
    reranker = LateInteractionReranker(installed)
    assert agree(await reranker.rerank(QUESTION, texts), expected)
    nothing = tokens("")
    expected = [(nothing @ tokens(text).T).max(1).mean() for text in texts]
    assert agree(await reranker.rerank("", texts), expected)


@pytest.mark.parametrize("name", ["tokenizer.json", "model.onnx", "manifest.json"])
async def test_late_interaction_wants_the_installed_model(name: str, installed: Path) -> None:
    (installed / name).write_bytes(b"{")
    with pytest.raises(ModelNotInstalled, match="memory-vault model install"):
        await LateInteractionReranker(installed).open()
    (installed / name).unlink()
    with pytest.raises(ModelNotInstalled, match="memory-vault model install"):
        await LateInteractionReranker(installed).rerank("a", ["b"])


async def test_late_interaction_refuses_another_graph(installed: Path, weights: Path) -> None:
    (installed / "model.onnx").write_bytes(read_graph(weights))
    with pytest.raises(ModelNotInstalled, match="no mean over tokens"):
        await LateInteractionReranker(installed).open()


async def test_an_int8_graph_is_near_and_does_not_feel_neighbours(
    weights: Path, graphs: Path
) -> None:
    texts = [f"{text} {i}" for i in range(9) for text in TEXTS]
    exact, near = [await OnnxReranker(one).rerank(QUESTION, texts) for one in (weights, graphs)]
    alone = [await OnnxReranker(graphs).rerank(QUESTION, [one]) for one in texts[:7]]
    assert agree(np.concatenate(alone), near[:7])
    assert 0.9 < np.corrcoef(exact, near)[0, 1] < 0.999999


async def test_a_graph_without_token_types_is_fed_what_it_takes(
    weights: Path, tmp_path: Path
) -> None:
    model = onnx.load_from_string(read_graph(weights))
    graph = model.graph
    (typed,) = (one for one in graph.node if list(one.output) == ["typed"])
    typed.input[1] = "word"
    graph.node.remove(next(one for one in graph.node if list(one.output) == ["type"]))
    graph.input.remove(next(one for one in graph.input if one.name == "token_type_ids"))
    onnx.save(model, tmp_path / "model.onnx")
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(weights / name, tmp_path / name)
    assert np.isfinite(await OnnxReranker(tmp_path).rerank(QUESTION, TEXTS)).all()


async def test_fewer_tokens_are_read_if_so_wished(weights: Path) -> None:
    reranker = OnnxReranker(weights, max_tokens=16)
    same = await reranker.rerank("a b", ["c d e f g h i j k l m", "c d e f g h i j k l m n o p"])
    assert same[0] == same[1]
    more = await OnnxReranker(weights, max_tokens=10_000).rerank(QUESTION, TEXTS)
    assert agree(more, await OnnxReranker(weights).rerank(QUESTION, TEXTS))


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors", "config.json"])
async def test_a_missing_file_is_named(name: str, weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    with pytest.raises(ModelNotInstalled, match=rf"{name}.*give a folder with tokenizer\.json"):
        await OnnxReranker(tmp_path).open()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", b"{"),
        ("model.safetensors", b"short"),
        ("model.onnx", b"no graph"),
        ("config.json", b'{"model_type": "roberta"}'),
        ("config.json", b"[]"),
        ("tokenizer_config.json", b"{"),
    ],
)
async def test_a_damaged_file_is_found(
    name: str, content: bytes, weights: Path, tmp_path: Path
) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelNotInstalled, match="give a folder with"):
        await OnnxReranker(tmp_path).open()


async def test_what_is_no_cross_encoder_is_refused(weights: Path, tmp_path: Path) -> None:
    tiny_cross_encoder.write_model(tmp_path, outputs=2)
    with pytest.raises(ModelNotInstalled, match="gives 2 numbers a pair"):
        await OnnxReranker(tmp_path).open()
    sizes = Sizes.read(tmp_path / "config.json")
    onnx.save(build_embedder(tiny_bert.make_weights(), sizes), tmp_path / "model.onnx")
    with pytest.raises(ModelNotInstalled, match="not one score a pair"):
        await OnnxReranker(tmp_path).open()
    with pytest.raises(ModelNotInstalled, match="'no/model' is no folder"):
        await OnnxReranker("no/model").open()


async def test_a_model_in_the_hubs_cache_is_found_by_name(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shutil.copytree(weights, tmp_path / "models--some--reranker" / "snapshots" / "abc")
    reranker = OnnxReranker("some/reranker")
    assert len(await reranker.rerank(QUESTION, TEXTS)) == len(TEXTS)


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    tiny_cross_encoder.write_model(tmp_path)
    made = tiny_cross_encoder.make_weights()
    del made["bert.pooler.dense.weight"]
    tiny_bert.write_safetensors(tmp_path / "model.safetensors", made)
    with pytest.raises(ModelNotInstalled, match=r"lack 'pooler\.dense\.weight'"):
        read_graph(tmp_path)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InvalidInput, match="max_tokens"):
        OnnxReranker("x", max_tokens=4)
    with pytest.raises(InvalidInput, match="threads"):
        OnnxReranker("x", threads=0)
    with pytest.raises(InvalidInput, match="threads"):
        LateInteractionReranker(threads=0)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("onnx:some/folder", "OnnxReranker('some/folder')"),
        ("sentence-transformers:a/b", "SentenceTransformersReranker('a/b', device='cpu')"),
        (
            "cohere:https://host/v2/rerank#rerank-v3.5",
            "HttpReranker('https://host/v2/rerank', model='rerank-v3.5')",
        ),
        ("jina:http://[::1]:80/rerank", "HttpReranker('http://[::1]:80/rerank', model=None)"),
        ("voyage:https://h/x?a=b#m", "HttpReranker('https://h/x', model='m')"),
        ("tei:http://127.0.0.1/rerank#", "HttpReranker('http://127.0.0.1/rerank', model=None)"),
    ],
)
def test_a_name_chooses_a_reranker(name: str, shown: str) -> None:
    assert repr(choose(name, "key-1")) == shown


def test_the_installed_model_is_found_in_its_folder(tmp_path: Path) -> None:
    default = f"LateInteractionReranker({str(default_model_dir())!r})"
    assert repr(choose("minilm")) == default
    named = f"LateInteractionReranker({str(tmp_path)!r})"
    assert repr(choose("minilm", model_dir=tmp_path)) == named


@pytest.mark.parametrize("name", ["", "onnx", "onnx:", "tei:", "minilm:x", "https://u:pw@host/x"])
def test_an_unknown_name_lists_what_is_accepted(name: str) -> None:
    with pytest.raises(ConfigError, match=r"'onnx:FOLDER'.*'tei:URL#MODEL'") as caught:
        choose(name)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("host/rerank", "whole address"),
        ("ftp://host/x", "whole address"),
        ("http:///x", "whole address"),
        ("http://host:99999/x", "whole address"),
        ("http://[::1/x", "whole address"),
        ("https://user:pw@host/x", "not in the address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_unseen(url: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong) as caught:
        choose(f"tei:{url}")
    assert "pw" not in str(caught.value)
