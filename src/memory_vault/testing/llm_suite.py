"""The promises of `LanguageModel` as tests: subclass `LanguageModelConformance`."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from memory_vault.errors import InvalidInput
from memory_vault.llm import Completion, LanguageModel
from memory_vault.llm.structured import ask, fits

from .pauses import longest_pause

PROMPT = "Say in one sentence of at least ten words what a memory is good for, please."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sentence": {"type": "string"},
        "words": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["sentence", "words"],
    "additionalProperties": False,
}
ODD = 'Das Café schließt um fünf. 昨日は映画を見ました。 🎉 \t\n "quoted" \\ {json} </memory>'


@pytest.mark.anyio
class LanguageModelConformance:
    """One test or more for each promise of the Protocol, by its number.

    Give the fixture `llm` (opened or not). What a model says cannot be tried without knowing it.
    A model that costs money is asked some sixty times.
    """

    @pytest.fixture
    def llm(self) -> LanguageModel:
        """The language model under test."""
        raise NotImplementedError("override the fixture `llm`")

    async def test_it_fulfils_the_protocol(self, llm: LanguageModel) -> None:
        """It has every method."""
        assert isinstance(llm, LanguageModel)

    async def test_1_an_answer_has_text_and_counts(self, llm: LanguageModel) -> None:
        """Something is said, and what it took is told or not."""
        found = await llm.complete(PROMPT, system="Answer in English.")
        assert isinstance(found, Completion)
        assert found.text.strip()
        assert not found.is_cut
        assert all(one is None or one > 0 for one in (found.tokens_in, found.tokens_out))

    async def test_1_odd_text_is_taken(self, llm: LanguageModel) -> None:
        """Other scripts, quotes, brackets and control characters."""
        assert (await llm.complete(ODD, system=ODD)).text

    async def test_2_a_schema_is_kept_to(self, llm: LanguageModel) -> None:
        """Read with `ask`, the answer has the form."""
        value = await ask(llm, PROMPT, system="Answer in English.", schema=SCHEMA)
        assert fits(value, SCHEMA)

    async def test_3_a_cut_answer_says_so(self, llm: LanguageModel) -> None:
        """With one token nothing is said to its end."""
        found = await llm.complete(PROMPT, max_tokens=1)
        assert found.is_cut

    async def test_4_a_cancelled_call_leaves_it_usable(self, llm: LanguageModel) -> None:
        """Wherever the deadline falls, the next call answers."""
        for wait_s in (0, 0.001, 0.01):
            with anyio.move_on_after(wait_s):
                await llm.complete(PROMPT)
        assert (await llm.complete(PROMPT)).text

    async def test_4_open_and_close_are_repeatable(self, llm: LanguageModel) -> None:
        """In any number, also at once from several tasks; used while closed, it opens."""
        await llm.close()
        assert (await llm.complete(PROMPT)).text
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(llm.open)
        await llm.open()
        assert (await llm.complete(PROMPT)).text
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(llm.close)
        await llm.open()
        assert (await llm.complete(PROMPT)).text
        await llm.close()

    async def test_4_callers_may_come_at_once(self, llm: LanguageModel) -> None:
        """Each gets an answer."""
        found: list[Completion] = []

        async def one() -> None:
            found.append(await llm.complete(PROMPT))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)
        assert len(found) == 5
        assert all(one.text for one in found)

    async def test_5_it_does_not_block_the_event_loop(self, llm: LanguageModel) -> None:
        """While a long prompt is answered, another task goes on."""
        await llm.complete(PROMPT)

        async def answer(count: int) -> None:
            for _ in range(count):
                await llm.complete(PROMPT * 10)

        assert await longest_pause(answer) <= 0.5

    @pytest.mark.parametrize(
        "given",
        [
            {"prompt": b"bytes"},
            {"prompt": "\ud800"},
            {"prompt": "p", "system": None},
            {"prompt": "p", "max_tokens": 0},
            {"prompt": "p", "max_tokens": True},
        ],
    )
    async def test_what_is_no_prompt_is_refused(
        self, llm: LanguageModel, given: dict[str, object]
    ) -> None:
        """Something that is no text, half a character, no tokens at all."""
        with pytest.raises(InvalidInput):
            await llm.complete(**given)  # type: ignore[arg-type]
