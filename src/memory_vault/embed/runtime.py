"""What every model in ONNX Runtime needs: its tokenizer, its session, batches of token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BackendError, InvalidInput, MemoryVaultError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = list[int]

_BATCH_TOKENS = 2_000
"""Tokens of one batch, padding counted: larger ones are no faster and take more memory."""


def group_by_length(lengths: Sequence[int], tokens: int = _BATCH_TOKENS) -> list[list[int]]:
    """Group positions by length, so that little is padded; a batch holds at most `tokens`.

    A text that is longer than that makes a batch alone. Longest first.
    """
    batches: list[list[int]] = []
    widest = 0
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not batches or (len(batches[-1]) + 1) * widest > tokens:
            batches.append([])
            widest = lengths[i]
        batches[-1].append(i)
    return batches


def pad(ids: Sequence[Ids]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids filled up with zeros to the longest, and a mask that is 1 where a token is."""
    import numpy as np

    lengths = np.array([len(one) for one in ids])
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    padded = np.zeros_like(mask)
    padded[mask == 1] = np.concatenate([np.array(one, np.int64) for one in ids])
    return padded, mask


def load_tokenizer(path: Path) -> Any:
    """Read a tokenizer that neither cuts nor fills up. Blocking."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def load_session(graph: Path | bytes, threads: int | None) -> Any:
    """Load a graph, from a file or as it is, for one run at a time on all cores. Blocking."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


@contextmanager
def refusing_surrogates() -> Iterator[None]:
    """Name what is wrong with a string that the tokenizer does not take as one."""
    try:
        yield
    except (TypeError, UnicodeEncodeError) as error:
        raise InvalidInput("texts: a text holds a lone surrogate, which is no character") from error


@contextmanager
def translate(what: str) -> Iterator[None]:
    """Turn errors of ONNX Runtime and of the tokenizer into ours; they have no common base."""
    try:
        yield
    except MemoryVaultError:
        raise
    except Exception as error:
        raise BackendError(f"{what}: {type(error).__name__}: {error}") from error
