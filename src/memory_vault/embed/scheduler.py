"""Joins the texts of callers who embed at the same time into batches, fairly, without a timer.

One run goes on at a time. What arrives meanwhile forms the next, so that an idle model answers at
once and a busy one does more a run. Nobody waits for texts that may never come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio.lowlevel import RunVar

from .._host import spawn
from .._outcome import Outcome
from .._tracing import caller, shared
from ..errors import BackendError, InvalidInput, NotOpen
from .checks import check_rows

if TYPE_CHECKING:
    from . import Embedder, Embeddings, Fingerprint

    Run = Callable[[list[str]], Awaitable[Embeddings]]

GROUP_TEXTS = 512
"""Texts of one caller that are sorted by length among themselves."""
_BYTES_PER_TOKEN = 4


class Scheduler:
    """Embeds for many callers on one event loop, a batch at a time.

    Callers take turns: whoever has waited longest leads the next batch, others fill what is left
    of it, and who still has texts after it stands behind all others. A caller who is cancelled
    leaves at once; its texts that wait are dropped.

    Args:
        tokens: Tokens of one batch at most, by a guess from the length of the texts. A text above
            that makes a batch alone.
        window: Tokens of one text that count.
    """

    def __init__(self, *, tokens: int, window: int) -> None:
        self._tokens, self._window = tokens, window
        self._waiting: deque[_Request] = deque()
        self._is_running = False

    async def embed(self, texts: Sequence[str], run: Run) -> list[Any]:
        """The embedding of each text, in order.

        Args:
            texts: At least one.
            run: Embeds texts at once. Callers of one scheduler give runs that are alike; a batch
                is run by the first of its callers.

        Raises:
            Exception: What `run` raises for these texts. A batch of several callers that fails is
                run again for each of them alone.
        """
        request = _Request(texts, [self._cost(one) for one in texts], run)
        self._waiting.append(request)
        if not self._is_running:
            self._is_running = True
            spawn(self._serve)
        try:
            await request.ended.wait()
        finally:
            self._drop(request)
        if request.error is not None:
            raise request.error
        return request.rows

    def _cost(self, text: str) -> int:
        most = self._window * _BYTES_PER_TOKEN
        size = len(text[:most].encode("utf-8", "surrogatepass"))
        return min(size // _BYTES_PER_TOKEN, self._window) + 2

    def _drop(self, request: _Request) -> None:
        request.is_over = True
        if request in self._waiting:
            self._waiting.remove(request)

    async def _serve(self) -> None:
        """Run batches until nobody waits: a task that belongs to none of the callers."""
        parts: list[_Part] = []
        try:
            while self._waiting:
                parts = self._next()
                await self._run(parts)
                # Behind those who came meanwhile.
                self._waiting += [one.request for one in parts if one.request.has_more]
        finally:  # somebody is left only where the event loop ends
            self._is_running = False
            for request in {*self._waiting, *(part.request for part in parts)}:
                if not request.ended.is_set():
                    request.fail(NotOpen("the event loop ended before the texts were embedded"))

    def _next(self) -> list[_Part]:
        """The next batch: turn by turn, as long as there is room."""
        parts: list[_Part] = []
        count = width = 0
        for request in list(self._waiting):
            taken = request.take(count, width, self._tokens)
            if taken:
                parts.append(_Part(request, taken))
                count += len(taken)
                width = max(width, *(request.costs[i] for i in taken))
                self._waiting.remove(request)
            if count * width >= self._tokens:
                break
        return parts

    async def _run(self, parts: list[_Part]) -> None:
        staying = [part for part in parts if not part.request.is_over]
        if not staying:
            return
        texts = [text for part in staying for text in part.texts]
        with shared("embed", [part.request.caller for part in staying]):
            found = await Outcome.of_async(partial(_counted, staying[0].request.run, texts))
        if found.error is None:
            rows = iter(found.get())
            for part in staying:
                part.request.receive({i: next(rows) for i in part.positions})
        elif len(staying) == 1:
            staying[0].request.fail(found.error)
            self._drop(staying[0].request)
        else:
            for part in staying:
                await self._run([part])


async def _counted(run: Run, texts: list[str]) -> Embeddings:
    """Run a batch; where the rows are not one a text, that is its callers' error, no others'."""
    rows = await run(texts)
    if len(rows) != len(texts):
        raise BackendError(f"the embedder gave {len(rows)} embeddings for {len(texts)} texts")
    return rows


class _Request:
    """One caller's texts.

    Attributes:
        order: Positions of the texts that wait, the longest last.
        is_over: Whether nobody waits for it any more.
    """

    def __init__(self, texts: Sequence[str], costs: Sequence[int], run: Run) -> None:
        self.texts, self.costs, self.run = texts, costs, run
        self.caller = caller()
        self.order = sorted(range(len(texts)), key=lambda i: (costs[i], -i))
        self.rows: list[Any] = [None] * len(texts)
        self._missing = len(texts)
        self.error: Exception | None = None
        self.is_over = False
        self.ended = anyio.Event()

    @property
    def has_more(self) -> bool:
        """Whether somebody waits for texts of it that were in no batch yet."""
        return bool(self.order) and not self.is_over

    def take(self, count: int, width: int, tokens: int) -> list[int]:
        """Positions of the longest texts that fit beside `count` others; one fits where none is."""
        taken: list[int] = []
        while self.order:
            width = max(width, self.costs[self.order[-1]])
            if (count + len(taken) + 1) * width > tokens and count + len(taken):
                break
            taken.append(self.order.pop())
        return taken

    def receive(self, rows: dict[int, Any]) -> None:
        """Keep rows by position; the last ones end the request."""
        for i, row in rows.items():
            self.rows[i] = row
        self._missing -= len(rows)
        if not self._missing:
            self.ended.set()

    def fail(self, error: Exception) -> None:
        """End the request with an error."""
        self.error = error
        self.ended.set()


@dataclass(frozen=True, slots=True)
class _Part:
    """What a batch has of one request."""

    request: _Request
    positions: list[int]

    @property
    def texts(self) -> list[str]:
        return [self.request.texts[i] for i in self.positions]


def stack(rows: list[Any]) -> Embeddings:
    """Rows of one group as a matrix: a group at a time, so that the event loop goes on between."""
    import numpy as np

    return np.array(rows, np.float32)


class BatchingEmbedder:
    """Any embedder, with the texts of concurrent callers joined into batches.

    For embedders that take less time for many texts at once than one by one: a remote service, a
    model on a graphics card. What bulk work has in hand is cut into batches, so that a question,
    which goes to the embedder directly, waits for one of them at most.

    Args:
        inner: What embeds; it is opened and closed with this one.
        tokens: Tokens of one batch at most, by a guess from the length of the texts.
    """

    def __init__(self, inner: Embedder, *, tokens: int = 2_000) -> None:
        if tokens < 1:
            raise InvalidInput(f"tokens={tokens}: give at least 1")
        self._inner, self._tokens = inner, tokens
        self._scheduler: RunVar[Scheduler] = RunVar("memory_vault.embed.scheduler")

    def __repr__(self) -> str:
        return f"BatchingEmbedder({self._inner!r})"

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the embedder inside."""
        return self._inner.fingerprint

    @property
    def window(self) -> int:
        """That of the embedder inside."""
        return self._inner.window

    async def open(self) -> None:
        """Open the embedder inside."""
        await self._inner.open()

    async def close(self) -> None:
        """Close the embedder inside."""
        await self._inner.close()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as documents; shape (n, dimension). Cancelled, it ends at once."""
        if isinstance(texts, str):
            raise InvalidInput("texts: give a list of strings, not one string")
        scheduler = self._scheduler.get(None)
        if scheduler is None:
            scheduler = Scheduler(tokens=self._tokens, window=self.window)
            self._scheduler.set(scheduler)
        parts: list[Embeddings] = []
        for start in range(0, len(texts), GROUP_TEXTS):
            group = texts[start : start + GROUP_TEXTS]
            parts.append(stack(await scheduler.embed(group, self._run)))
        import numpy as np

        return np.concatenate([np.empty((0, self.fingerprint.dimension), np.float32), *parts])

    async def _run(self, texts: list[str]) -> Embeddings:
        found = await self._inner.embed(texts)
        return check_rows(found, len(texts), self.fingerprint.dimension)

    async def embed_query(self, text: str) -> Embeddings:
        """Embed one question; shape (dimension,)."""
        return await self._inner.embed_query(text)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Those of the embedder inside."""
        return self._inner.token_spans(text)
