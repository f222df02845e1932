"""What every model in ONNX Runtime needs: its tokenizer, its session, batches of token ids."""

from __future__ import annotations

import os
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
_RUN_TOKENS = 16
"""Tokens that take as long as starting a run does."""
_MOST_THREADS = 8
"""Matrices as narrow as those of these models gain nothing from more."""


def default_threads() -> int:
    """Threads of one run: one a core that this process may use, at most 8.

    The thread that asks for a run works in it, so this many are busy while it goes on. ONNX
    Runtime's own default counts the cores of the machine, also where a container has but few.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that is none.

    Raises:
        InvalidInput: If it is below 1.
    """
    if threads is not None and threads < 1:
        raise InvalidInput(f"threads={threads}: give at least 1, or None")


def group_by_length(lengths: Sequence[int], tokens: int = _BATCH_TOKENS) -> list[list[int]]:
    """Group positions by length, so that little is padded; a batch holds at most `tokens`.

    A text that is longer than that makes a batch alone. Longest first. A batch ends, too, where
    its padding comes to more than a run of its own costs.
    """
    batches: list[list[int]] = []
    widest = padding = 0
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        padding += widest - lengths[i]
        if not batches or padding > _RUN_TOKENS or (len(batches[-1]) + 1) * widest > tokens:
            batches.append([])
            widest, padding = lengths[i], 0
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
    options.intra_op_num_threads = threads or default_threads()
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
