"""The promises of `Embedder` as tests: subclass `EmbedderConformance` and give the fixture."""

from __future__ import annotations

import os
import sys

import anyio
import numpy as np
import pytest

from memory_vault.embed import Embedder, Fingerprint

from .pauses import longest_pause

TEXTS = [
    "Caroline went hiking in the Alps last summer.",
    "",
    "No.",
    "Das Café schließt um fünf.",
    "昨日は友達と映画を見ました。",
    "친구와 함께 영화를 봤어요. 정말 재미있었어요!",
    "🎉 party 🎉🎉 at 8pm?! [SEP] a\tb\nc",
    " ".join(["The budget of the project was moved to the second quarter of the year."] * 30),
]

_SCRIPT = """\
import sys, anyio
{imports}
async def main():
    embedder = {expression}
    await embedder.open()
    rows = await embedder.embed({texts!r})
    await embedder.close()
    sys.stdout.buffer.write(rows.tobytes())
anyio.run(main)
"""


@pytest.mark.anyio
class EmbedderConformance:
    """One test or more for each promise of the Protocol, by its number.

    Give the fixture `embedder` (opened or not) and the method `source`.
    """

    @pytest.fixture
    def embedder(self) -> Embedder:
        """The embedder under test."""
        raise NotImplementedError("override the fixture `embedder`")

    def source(self, embedder: Embedder) -> tuple[str, str]:
        """Python source for another process: its imports, and an expression that makes it."""
        raise NotImplementedError("override the method `source`")

    async def test_it_fulfils_the_protocol(self, embedder: Embedder) -> None:
        """It has every method, and its fingerprint and window can be read once it is open."""
        assert isinstance(embedder, Embedder)
        await embedder.open()
        assert isinstance(embedder.fingerprint, Fingerprint)
        assert embedder.fingerprint == embedder.fingerprint
        assert embedder.window >= 8

    async def test_1_rows_have_length_one(self, embedder: Embedder) -> None:
        """Row i for text i, float32, each of length 1."""
        rows = await embedder.embed(TEXTS)
        assert rows.shape == (len(TEXTS), embedder.fingerprint.dimension)
        assert rows.dtype == np.float32
        assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5

    async def test_1_a_question_has_length_one(self, embedder: Embedder) -> None:
        """A question gives one embedding in the same space."""
        row = await embedder.embed_query("Where did Caroline go?")
        assert row.shape == (embedder.fingerprint.dimension,)
        assert row.dtype == np.float32
        assert abs(float(np.linalg.norm(row)) - 1) < 1e-5

    async def test_2_a_row_does_not_depend_on_its_neighbours(self, embedder: Embedder) -> None:
        """Alone, in any batch and in any order it is the same."""
        together = await embedder.embed(TEXTS)
        reverse = (await embedder.embed(TEXTS[::-1]))[::-1]
        many = await embedder.embed(
            [*TEXTS, *(f"{text} {i}" for i in range(40) for text in TEXTS[:3])]
        )
        assert np.abs(together - reverse).max() < 1e-5
        assert np.abs(together - many[: len(TEXTS)]).max() < 1e-5
        for text, row in zip(TEXTS, together, strict=True):
            assert np.abs((await embedder.embed([text]))[0] - row).max() < 1e-5

    async def test_3_another_process_gives_the_same(self, embedder: Embedder) -> None:
        """What one process stored, another one finds."""
        imports, expression = self.source(embedder)
        script = _SCRIPT.format(imports=imports, expression=expression, texts=TEXTS)
        here = await embedder.embed(TEXTS)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = await anyio.run_process([sys.executable, "-c", script], env=env, stderr=None)
        there = np.frombuffer(done.stdout, np.float32).reshape(here.shape)
        assert np.abs(here - there).max() < 1e-5

    async def test_4_token_spans_are_ordered(self, embedder: Embedder) -> None:
        """In order, not overlapping, within the text."""
        await embedder.open()
        for text in TEXTS:
            spans = await anyio.to_thread.run_sync(embedder.token_spans, text)
            ends = [0, *(stop for _, stop in spans)]
            assert all(
                end <= start <= stop for end, (start, stop) in zip(ends, spans, strict=False)
            )
            assert ends[-1] <= len(text)

    async def test_4_ascii_has_no_empty_tokens(self, embedder: Embedder) -> None:
        """Whatever signs it holds, so that a text of few signs need not be cut into tokens."""
        await embedder.open()
        signs = "".join(map(chr, range(1, 128)))
        for text in (signs, signs[::-1], " ".join(signs), "a" * 300, ". . ." * 40):
            spans = await anyio.to_thread.run_sync(embedder.token_spans, text)
            assert all(start < stop for start, stop in spans)

    async def test_4_token_spans_cover_the_words(self, embedder: Embedder) -> None:
        """No letter of a plain text is outside all spans."""
        await embedder.open()
        text = TEXTS[0]
        spans = await anyio.to_thread.run_sync(embedder.token_spans, text)
        covered = {i for span in spans for i in range(*span)}
        assert all(i in covered for i, char in enumerate(text) if char.isalnum())

    async def test_4_a_text_of_a_window_is_embedded_whole(self, embedder: Embedder) -> None:
        """Its last token still counts; a text above the window is cut and not refused."""
        await embedder.open()
        text = await anyio.to_thread.run_sync(_fill_window, embedder)
        first, second, above = await embedder.embed([text + " cat", text + " moon", text * 3])
        assert np.abs(first - second).max() > 1e-4
        assert above.shape == first.shape

    async def test_5_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        """Shape (0, dimension), so that results can always be joined."""
        rows = await embedder.embed([])
        assert rows.shape == (0, embedder.fingerprint.dimension)
        assert rows.dtype == np.float32

    async def test_5_an_empty_string_is_embedded(self, embedder: Embedder) -> None:
        """Like any other text, without a NaN."""
        rows = await embedder.embed(["", " "])
        assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5
        assert np.isfinite(await embedder.embed_query("")).all()

    async def test_6_a_cancelled_call_leaves_it_usable(self, embedder: Embedder) -> None:
        """Wherever the deadline falls, the next call answers as before."""
        expected = await embedder.embed(TEXTS)
        for wait_s in (0, 0.001, 0.02):
            with anyio.move_on_after(wait_s):
                await embedder.embed(TEXTS * 20)
        assert np.abs(await embedder.embed(TEXTS) - expected).max() < 1e-5

    async def test_6_open_and_close_are_repeatable(self, embedder: Embedder) -> None:
        """In any number, also at once from several tasks, and again after a close."""
        await embedder.close()
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(embedder.open)
        await embedder.open()
        expected = await embedder.embed(TEXTS[:1])
        await embedder.close()
        await embedder.close()
        await embedder.open()
        assert np.abs(await embedder.embed(TEXTS[:1]) - expected).max() < 1e-5

    async def test_6_callers_may_come_at_once(self, embedder: Embedder) -> None:
        """Each gets its own rows."""
        expected = await embedder.embed(TEXTS)
        found: dict[int, object] = {}

        async def ask(i: int) -> None:
            found[i] = (await embedder.embed([TEXTS[i]]))[0]

        async with anyio.create_task_group() as tasks:
            for i in range(len(TEXTS)):
                tasks.start_soon(ask, i)
        rows = np.array([found[i] for i in range(len(TEXTS))])
        assert np.abs(rows - expected).max() < 1e-5

    async def test_7_it_does_not_block_the_event_loop(self, embedder: Embedder) -> None:
        """While many texts are embedded, another task goes on: no pause is near the whole time."""
        await embedder.embed(TEXTS)

        async def embed(count: int) -> None:
            await embedder.embed([f"{TEXTS[i % len(TEXTS)]} {i}" for i in range(count)])

        assert await longest_pause(embed) <= 0.5


def _fill_window(embedder: Embedder) -> str:
    """A text that is one token short of the window."""
    text = "word"
    while len(embedder.token_spans(f"{text} word word")) <= embedder.window:
        text += " word"
    return text
