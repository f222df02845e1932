"""The promises of `Reranker` as tests: subclass `RerankerConformance` and give the fixture."""

from __future__ import annotations

import anyio
import numpy as np
import pytest
from numpy.typing import ArrayLike

from memory_vault.errors import InvalidInput
from memory_vault.rerank import Reranker

from .pauses import longest_pause

QUESTION = "Where did Caroline go last summer?"
TEXTS = [
    "Caroline went hiking in the Alps last summer.",
    "No.",
    "Das Café schließt um fünf.",
    "昨日は友達と映画を見ました。",
    "친구와 함께 영화를 봤어요. 정말 재미있었어요!",
    "🎉 party 🎉🎉 at 8pm?! [SEP] a\tb\nc",
    " ".join(["The budget of the project was moved to the second quarter of the year."] * 30),
]
TOLERANCE = 1e-4


def agree(found: ArrayLike, expected: ArrayLike) -> bool:
    """Whether scores are the same, as far as a reranker promises."""
    return bool(np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE))


@pytest.mark.anyio
class RerankerConformance:
    """One test or more for each promise of the Protocol, by its number.

    Give the fixture `reranker` (opened or not). That higher is better cannot be tried without
    knowing the model: show it beside the suite.
    """

    @pytest.fixture
    def reranker(self) -> Reranker:
        """The reranker under test."""
        raise NotImplementedError("override the fixture `reranker`")

    async def test_it_fulfils_the_protocol(self, reranker: Reranker) -> None:
        """It has every method."""
        assert isinstance(reranker, Reranker)

    async def test_1_one_finite_score_a_text(self, reranker: Reranker) -> None:
        """Score i for text i, float32; not all texts are equal."""
        scores = await reranker.rerank(QUESTION, TEXTS)
        assert scores.shape == (len(TEXTS),)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        assert len(np.unique(scores)) > 1

    async def test_2_a_score_does_not_depend_on_the_other_texts(self, reranker: Reranker) -> None:
        """Alone, in any batch and in any order it is the same."""
        together = await reranker.rerank(QUESTION, TEXTS)
        assert agree((await reranker.rerank(QUESTION, TEXTS[::-1]))[::-1], together)
        more = [f"{text} {i}" for i in range(40) for text in TEXTS[:3]]
        many = await reranker.rerank(QUESTION, [*TEXTS, *more, TEXTS[0]])
        assert agree(many[: len(TEXTS)], together)
        assert agree(many[-1], together[0])
        for text, score in zip(TEXTS, together, strict=True):
            assert agree(await reranker.rerank(QUESTION, [text]), [score])

    async def test_2_a_score_depends_on_the_question(self, reranker: Reranker) -> None:
        """Another question gives other scores."""
        scores = await reranker.rerank(QUESTION, TEXTS)
        assert not agree(await reranker.rerank("How high is the budget?", TEXTS), scores)

    async def test_3_no_texts_give_no_scores(self, reranker: Reranker) -> None:
        """Shape (0,), so that results can always be joined."""
        scores = await reranker.rerank(QUESTION, [])
        assert scores.shape == (0,)
        assert scores.dtype == np.float32

    async def test_4_a_long_text_is_read_from_its_start(self, reranker: Reranker) -> None:
        """What is beyond the window changes nothing, however much it is."""
        long = TEXTS[0] * 2_000
        first, second = await reranker.rerank(QUESTION, [long, long + " And more." * 20_000])
        assert np.isfinite(first)
        assert agree(first, second)

    async def test_4_a_long_question_is_not_refused(self, reranker: Reranker) -> None:
        """Neither with short texts nor with long ones."""
        scores = await reranker.rerank(QUESTION * 2_000, [*TEXTS, TEXTS[0] * 2_000])
        assert np.isfinite(scores).all()

    async def test_5_a_cancelled_call_leaves_it_usable(self, reranker: Reranker) -> None:
        """Wherever the deadline falls, the next call answers as before."""
        expected = await reranker.rerank(QUESTION, TEXTS)
        for wait_s in (0, 0.001, 0.02):
            with anyio.move_on_after(wait_s):
                await reranker.rerank(QUESTION, TEXTS * 20)
        assert agree(await reranker.rerank(QUESTION, TEXTS), expected)

    async def test_5_open_and_close_are_repeatable(self, reranker: Reranker) -> None:
        """In any number, also at once from several tasks; used while closed, it opens."""
        await reranker.close()
        expected = await reranker.rerank(QUESTION, TEXTS)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(reranker.open)
        await reranker.open()
        assert agree(await reranker.rerank(QUESTION, TEXTS), expected)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(reranker.close)
        await reranker.close()
        await reranker.open()
        assert agree(await reranker.rerank(QUESTION, TEXTS), expected)
        await reranker.close()

    async def test_5_callers_may_come_at_once(self, reranker: Reranker) -> None:
        """Each gets its own scores."""
        expected = await reranker.rerank(QUESTION, TEXTS)
        found: dict[int, float] = {}

        async def ask(i: int) -> None:
            found[i] = float((await reranker.rerank(QUESTION, [TEXTS[i]]))[0])

        async with anyio.create_task_group() as tasks:
            for i in range(len(TEXTS)):
                tasks.start_soon(ask, i)
        assert agree([found[i] for i in range(len(TEXTS))], expected)

    async def test_6_it_does_not_block_the_event_loop(self, reranker: Reranker) -> None:
        """While many texts are scored, another task goes on: no pause is near the whole time."""
        await reranker.rerank(QUESTION, TEXTS)

        async def rerank(count: int) -> None:
            texts = [f"{TEXTS[i % len(TEXTS)]} {i}" for i in range(count)]
            await reranker.rerank(QUESTION, texts)

        assert await longest_pause(rerank) <= 0.5

    async def test_what_is_no_text_is_refused(self, reranker: Reranker) -> None:
        """One string in place of a list, something else in it, and half a character."""
        for texts in ("one string", [b"bytes"], ["\ud800"]):
            with pytest.raises(InvalidInput):
                await reranker.rerank(QUESTION, texts)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            await reranker.rerank(b"bytes", TEXTS)  # type: ignore[arg-type]
