"""The embedder that every system here is given: our installed model, run as one would by hand."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

BATCH = 32


class MiniLM:
    """all-MiniLM-L6-v2, unit length, 256 tokens; loaded when made."""

    def __init__(self) -> None:
        folder = Path(os.environ["RIVALS_MODEL_DIR"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        # As this project has it: a second model in the process is timed beside the first.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._graph = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(256)
        self._tokenizer.enable_padding()

    def embed(self, texts: list[str]) -> Any:
        """Embeddings in the order of the texts; shape (n, 384)."""
        rows = np.empty((len(texts), 384), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            found = self._tokenizer.encode_batch([texts[i] for i in batch])
            ids = np.array([one.ids for one in found])
            mask = np.array([one.attention_mask for one in found])
            rows[batch] = self._graph.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return rows
