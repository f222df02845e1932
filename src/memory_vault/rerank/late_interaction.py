"""Reranks with the installed embedding model, token by token: no other weights are needed.

    score = mean over the question's tokens of the best cosine with any token of the text

An embedding is the mean of what the model has to say of each token; here the tokens themselves are
compared, so that one sentence of a long text is not lost in the mean. It is the MaxSim of ColBERT
(Khattab and Zaharia, SIGIR 2020), with the states of the last layer of all-MiniLM-L6-v2, which was
trained for their mean and not for this.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..embed import model_files as files
from ..embed.export import token_states
from ..embed.runtime import check_threads, load_session, load_tokenizer, pad, translate
from ..errors import BackendError
from .local import Local

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from . import Scores

    Floats = NDArray[np.float32]

_WINDOW = files.MAX_TOKENS - 2


class LateInteractionReranker:
    """Scores texts by how well they meet each token of a question; scores run from -1 to 1.

    It loads at `open` or at first use, and again when used after `close`. It holds a copy of the
    model of its own, in float32, whatever the embedder is: 200 MB.

    Args:
        model_dir: Folder that `memory-vault model install` has filled; None for the default one.
        threads: Threads of one run; None for as many as there are cores.
    """

    def __init__(self, model_dir: Path | None = None, *, threads: int | None = None) -> None:
        check_threads(threads)
        self._folder = Path(model_dir) if model_dir is not None else files.default_model_dir()
        self._local = Local(partial(_Model, self._folder, threads), files.MAX_TOKENS)

    def __repr__(self) -> str:
        return f"LateInteractionReranker({str(self._folder)!r})"

    async def open(self) -> None:
        """Load the model; 0.7 s. Repeatable at no cost."""
        await self._local.open()

    async def close(self) -> None:
        """Let the model go; the next use loads it again."""
        self._local.close()

    async def rerank(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts, each read up to 254 tokens; shape (n,).

        Cancelling it takes effect after the batch that is running.
        """
        return await self._local.rerank(query, texts)


@dataclass(frozen=True, slots=True)
class _Row:
    """A text's token ids, and the question's tokens, which it is compared with: (q, hidden)."""

    ids: list[int]
    question: Floats = field(repr=False)


class _Model:
    """The encoder without its mean, and its tokenizer; both may be used from several threads."""

    def __init__(self, folder: Path, threads: int | None) -> None:
        self.pid: int = os.getpid()
        files.check_sizes(folder, files.read_manifest(folder))
        try:
            with translate(f"{folder} could not be loaded"):
                self._tokenizer = load_tokenizer(folder / files.TOKENIZER)
                graph = token_states(folder / files.GRAPHS["float32"])
                self._session = load_session(graph, threads)
        except BackendError as error:
            raise files.not_installed(str(error)) from error
        self._first, self._last = map(self._tokenizer.token_to_id, ("[CLS]", "[SEP]"))

    def tokenize(self, query: str, texts: list[str]) -> list[_Row]:
        """Token ids of each text, beside the question's states, which are worked out here."""
        with translate("texts could not be split into tokens"):
            found = self._tokenizer.encode_batch_fast([query, *texts], add_special_tokens=False)
        asked, *rows = ([self._first, *one.ids[:_WINDOW], self._last] for one in found)
        states = self._states([asked])[0]
        question = states[1:-1] if len(asked) > 2 else states
        return [_Row(one, question) for one in rows]

    def run(self, rows: Sequence[_Row]) -> Scores:
        """Score texts of similar length; shape (n,)."""
        import numpy as np

        states = self._states([one.ids for one in rows])
        return np.array(
            [
                (one.question @ found[: len(one.ids)].T).max(1).mean()
                for one, found in zip(rows, states, strict=True)
            ],
            np.float32,
        )

    def _states(self, ids: Sequence[list[int]]) -> Floats:
        """What the last layer says of each token, to length 1; shape (n, longest, hidden)."""
        import numpy as np

        padded, mask = pad(ids)
        with translate("texts could not be reranked"):
            feed = {"input_ids": padded, "attention_mask": mask}
            states: Floats = self._session.run(None, feed)[0]
        states /= np.linalg.norm(states, axis=2, keepdims=True)
        return states
