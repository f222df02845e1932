"""A cross-encoder small enough to be made in a test: a folder as transformers writes it."""

import json
import string
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from . import tiny_bert

PLACES = 48
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_PIECES = string.ascii_lowercase + string.digits + ".?"
VOCABULARY = [*_SPECIAL, *_PIECES, *(f"##{one}" for one in _PIECES)]
CONFIG = {
    **tiny_bert.CONFIG,
    "architectures": ["BertForSequenceClassification"],
    "vocab_size": len(VOCABULARY),
    "intermediate_size": tiny_bert.INNER,
    "max_position_embeddings": PLACES,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "id2label": {"0": "LABEL_0"},
    "label2id": {"LABEL_0": 0},
}


def make_weights(outputs: int = 1) -> dict[str, np.ndarray]:
    """Random weights, with the prefix that a model for classification gives its encoder."""
    encoder = tiny_bert.make_weights(words=len(VOCABULARY), places=PLACES)
    rng = np.random.default_rng(11)
    for name, outer in (("pooler.dense", tiny_bert.HIDDEN), ("classifier", outputs)):
        encoder[f"{name}.weight"] = rng.normal(0, 0.5, (outer, tiny_bert.HIDDEN)).astype("f4")
        encoder[f"{name}.bias"] = rng.normal(0, 0.5, outer).astype("f4")
    return {
        name if name.startswith("classifier") else f"bert.{name}": one
        for name, one in encoder.items()
    }


def write_model(folder: Path, *, outputs: int = 1) -> None:
    """Write weights, config and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_bert.write_safetensors(folder / "model.safetensors", make_weights(outputs))
    labels = {str(i): f"LABEL_{i}" for i in range(outputs)}
    config = {**CONFIG, "id2label": labels, "label2id": {v: int(k) for k, v in labels.items()}}
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer().save(str(folder / "tokenizer.json"))
    about = {
        "tokenizer_class": "BertTokenizer",
        "model_max_length": PLACES,
        **{f"{one[1:-1].lower()}_token": one for one in _SPECIAL},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(about))


def tokenizer() -> Tokenizer:
    """A WordPiece tokenizer that knows letters, and writes pairs as BERT was trained on them."""
    numbers = {piece: i for i, piece in enumerate(VOCABULARY)}
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(one, numbers[one]) for one in ("[CLS]", "[SEP]")],
    )
    made.add_special_tokens(_SPECIAL)
    return made


def score(query: str, text: str) -> float:
    """One pair's score, written from the paper and not from the exporter."""
    weights = {name.removeprefix("bert."): one for name, one in make_weights().items()}
    made = tokenizer()
    made.enable_truncation(PLACES)
    pair = made.encode(query, text)
    first = tiny_bert.encode(weights, pair.ids, pair.type_ids)[0]
    pooled = np.tanh(weights["pooler.dense.weight"] @ first + weights["pooler.dense.bias"])
    return float((weights["classifier.weight"] @ pooled + weights["classifier.bias"])[0])
