"""Facts that a language model reads in the background: what is asked, kept, and left alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from memory_vault import Job, Memory, MemoryConfig, MemoryLayer, Vault, _http
from memory_vault.testing.llms import ScriptedModel

from .http_service import Reply
from .llm_service import Model, serving

pytestmark = pytest.mark.anyio
WITHIN_S = 20
MOMENT = datetime(2024, 5, 20, 12, tzinfo=UTC)
BOAT = {
    "subject": "hobby:sailing",
    "value": "sailing",
    "text": "User sails with Noor.",
    "quote": "out on the water with Noor",
}
SAID = "Every Sunday I'm out on the water with Noor, sailing."
DIET = {"subject": "diet", "value": "no meat", "text": "User eats no meat.", "quote": "no meat"}


def facts(*found: dict[str, str]) -> str:
    return json.dumps({"facts": list(found)})


def told(prompt: str) -> str:
    """What the model has been asked to read."""
    return str(json.loads(prompt)["text"])


class Reader(ScriptedModel):
    """Reads in each message what the test says it states."""

    def __init__(self, **found: str) -> None:
        self.found = found
        super().__init__(self._read)

    def _read(self, prompt: str) -> str:
        found = [answer for word, answer in self.found.items() if word in told(prompt)]
        return found[0] if found else facts()

    @property
    def asked(self) -> list[str]:
        return [told(one) for one in self.prompts]


@pytest.fixture
def config(hash_config: MemoryConfig) -> MemoryConfig:
    return replace(
        hash_config, durability="process", job_retry_s=0, llm_facts_after_s=0, compress_min_tokens=1
    )


@pytest.fixture
def reader() -> Reader:
    return Reader(water=facts(BOAT))


@pytest.fixture
async def memory(config: MemoryConfig, reader: Reader) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", config=replace(config, llm=reader)) as layer:
        yield layer


async def jobs(memory: MemoryLayer, state: str | None = None) -> list[Job]:
    found = await memory.list_jobs(state=state)  # type: ignore[arg-type]
    return [one for one in found.items if one.kind == "read_facts"]


async def read(memory: MemoryLayer) -> list[Job]:
    """Wait until all that was saved is read."""
    with anyio.fail_after(WITHIN_S):
        while open_jobs := await jobs(memory, "waiting") + await jobs(memory, "running"):
            await memory._vault.engine.runner.wait(memory.user_id, open_jobs[0].id)
    return await jobs(memory)


async def derived(memory: MemoryLayer) -> list[Memory]:
    page = await memory.list_memories(page_size=1_000)
    return [one for one in page.items if one.derived_from]


async def contents(memory: MemoryLayer) -> list[str]:
    return sorted(one.content for one in await derived(memory))


async def test_what_it_reads_is_a_fact_of_its_source(memory: MemoryLayer) -> None:
    saved = (await memory.save(SAID, occurred_at=MOMENT)).saved[0]
    (job,) = await read(memory)
    assert (job.state, job.result) == ("done", {"memories": 1, "facts": 1, "refused": 0, "left": 0})
    (fact,) = await derived(memory)
    assert (fact.content, fact.derived_from) == ("User sails with Noor.", (saved.id,))
    assert (fact.origin, fact.role, fact.memory_type) == ("model", "user", "semantic")
    assert (fact.valid_from, fact.valid_to) == (MOMENT, None)
    assert fact.metadata == {"subject": "hobby:sailing"}
    assert "User sails with Noor." in (await memory.recall("Who sails with Noor?")).prompt_block


async def test_saves_that_come_together_are_one_job(config: MemoryConfig, reader: Reader) -> None:
    settings = replace(config, llm=reader, llm_facts_after_s=0.5)
    async with MemoryLayer("ada", config=settings) as memory:
        for number in range(5):
            await memory.save([f"Turn {number} on the water.", f"And {number}."])
        assert [one.state for one in await jobs(memory)] == ["waiting"]
        (job,) = await read(memory)
    assert job.result["memories"] == 10
    assert len(reader.asked) == 10


async def test_what_patterns_have_found_is_not_kept_twice(config: MemoryConfig) -> None:
    home = {"subject": "home", "value": "Ghent", "text": "User lives in Ghent.", "quote": "Ghent"}
    same = {**home, "subject": "city", "text": "The user's city is Ghent."}
    job = {
        "subject": "job",
        "value": "florist",
        "text": "User is a florist.",
        "quote": "as a florist",
    }
    llm = Reader(Ghent=facts(home, same, job))
    async with MemoryLayer("ada", config=replace(config, llm=llm)) as memory:
        await memory.save("I live in Ghent and earn my bread as a florist.")
        (done,) = await read(memory)
        assert done.result["facts"] == 1
        assert await contents(memory) == ["User is a florist.", "User lives in Ghent."]


async def test_a_newer_one_closes_the_older_and_the_same_confirms(config: MemoryConfig) -> None:
    llm = Reader(
        meat=facts(DIET),
        steak=facts({**DIET, "value": "steak", "quote": "steak", "text": "User eats steak."}),
        vegan=facts({**DIET, "text": "No meat for the user.", "value": "No meat"}),
    )
    async with MemoryLayer("ada", config=replace(config, llm=llm)) as memory:
        await memory.save(
            "For two years now, no meat for me.", occurred_at=MOMENT.replace(year=2020)
        )
        await read(memory)
        before = (await derived(memory))[0]
        await memory.save("Still no meat, a vegan told me.", occurred_at=MOMENT.replace(year=2021))
        await read(memory)
        assert await contents(memory) == ["User eats no meat."]
        await memory.save("Back to steak, at last.", occurred_at=MOMENT.replace(year=2022))
        await read(memory)
        found = {one.content: (one.valid_from, one.valid_to) for one in await derived(memory)}
        assert found == {
            "User eats no meat.": (MOMENT.replace(year=2020), MOMENT.replace(year=2022)),
            "User eats steak.": (MOMENT.replace(year=2022), None),
        }
        then = await memory.recall("meat?", known_at=before.recorded_at)
        assert "(until" not in then.prompt_block
        await memory.save("I'm vegan.", occurred_at=MOMENT)
        await read(memory)
        assert {one.content for one in await derived(memory) if one.valid_to is None} == {
            "User is vegan."
        }


async def test_what_does_not_hold_is_refused_and_told(config: MemoryConfig) -> None:
    invented = {**BOAT, "text": "User sails with Zoe."}
    unquoted = {**BOAT, "quote": "on the lake"}
    async with MemoryLayer(
        "ada", config=replace(config, llm=Reader(water=facts(invented, unquoted)))
    ) as memory:
        await memory.save(SAID)
        (job,) = await read(memory)
        assert job.result == {"memories": 1, "facts": 0, "refused": 2, "left": 0}
        assert await contents(memory) == []


async def test_only_what_facts_are_read_from_is_given_to_it(
    config: MemoryConfig, reader: Reader
) -> None:
    async with MemoryLayer("ada", config=replace(config, llm=reader)) as memory:
        await memory.save({"role": "assistant", "content": "On the water, assistant."})
        await memory.save("On the water, tool.", origin="tool:web")
        await memory.save("On the water, import.", origin="import")
        await memory.save("On the water, working.", memory_type="working", session_id="s")
        assert await jobs(memory) == []
        await memory.save("On the water with Noor, user.")
        await read(memory)
    assert reader.asked == ["On the water with Noor, user."]
    asked_for = replace(config, llm=reader, fact_sources=("user", "tool"))
    async with MemoryLayer("eve", config=asked_for) as memory:
        await memory.save(SAID, origin="tool:web")
        await read(memory)
        (fact,) = await derived(memory)
        assert (fact.origin, fact.metadata["subject"]) == ("tool:web", "tool/user: hobby:sailing")


async def test_never_means_never(config: MemoryConfig, reader: Reader) -> None:
    off = replace(config, llm=reader, llm_facts_after_s=None)
    async with MemoryLayer("ada", config=off) as memory:
        await memory.save(SAID)
        assert await jobs(memory) == []
    async with MemoryLayer("ada", config=replace(config, llm=reader)) as memory:
        await memory.save("Nothing to see.")  # what was saved while it was off is not read later
        await read(memory)
    assert reader.asked == ["Nothing to see."]


async def test_without_a_model_a_job_is_left_to_who_has_one(
    config: MemoryConfig, reader: Reader
) -> None:
    late = replace(config, llm=reader, llm_facts_after_s=3_600)
    async with MemoryLayer("ada", config=late) as memory:
        await memory.save(SAID)
    async with MemoryLayer("ada", config=config) as memory:
        await anyio.sleep(0.1)
        assert [one.state for one in await jobs(memory)] == ["waiting"]


async def test_what_is_forgotten_or_changed_meanwhile_is_not_written(
    config: MemoryConfig, anyio_backend: str
) -> None:
    """The model answers only after the memory is gone, or says something else."""
    for change in ("forget", "update"):
        asked, may_answer = anyio.Event(), anyio.Event()

        class Slow(Reader):
            async def complete(self, prompt: str, **rest: Any) -> Any:
                found = await super().complete(prompt, **rest)
                asked.set()  # noqa: B023
                await may_answer.wait()  # noqa: B023
                return found

        llm = Slow(water=facts(BOAT))
        async with MemoryLayer(change, config=replace(config, llm=llm)) as memory:
            saved = (await memory.save(SAID)).saved[0]
            with anyio.fail_after(WITHIN_S):
                await asked.wait()
                if change == "forget":
                    await memory.forget(saved.id)
                else:
                    await memory.update(saved.id, content="Never mind.")
                may_answer.set()
            await read(memory)
            assert await contents(memory) == []
            assert llm.asked == [SAID, "Never mind."][: 1 + (change == "update")]


async def test_its_facts_go_with_their_source_and_with_its_origin(memory: MemoryLayer) -> None:
    first = (await memory.save(SAID)).saved[0]
    second = (await memory.save("I live in Ghent. Each day I'm out on the water with Noor.")).saved[
        0
    ]
    await read(memory)
    assert await contents(memory) == ["User lives in Ghent.", "User sails with Noor."]
    await memory.forget(first.id)
    assert await contents(memory) == ["User lives in Ghent.", "User sails with Noor."]
    await memory.forget(origin="model")
    assert await contents(memory) == ["User lives in Ghent."]
    await memory.update(
        second.id, content="I live in Ghent. Now and then I'm out on the water with Noor."
    )
    await read(memory)
    assert await contents(memory) == ["User lives in Ghent.", "User sails with Noor."]
    await memory.forget(second.id)
    assert await contents(memory) == []
    assert await memory._vault.engine.store.read("ada", lambda user: user.unread.ids()) == []


async def test_a_memory_that_it_cannot_answer_is_left_and_holds_up_no_other(
    config: MemoryConfig,
) -> None:
    llm = Reader(dark="no JSON", water=facts(BOAT))
    async with MemoryLayer("ada", config=replace(config, llm=llm)) as memory:
        await memory.save(["It was dark.", SAID])
        (job,) = await read(memory)
        assert (job.state, job.attempts) == ("done", 3)
        assert job.result == {"memories": 0, "facts": 0, "refused": 0, "left": 1}
        assert await contents(memory) == ["User sails with Noor."]
        assert llm.asked == ["It was dark.", SAID, "It was dark.", "It was dark."]


async def test_the_days_tokens_are_waited_for_and_count_no_attempt(
    config: MemoryConfig, reader: Reader
) -> None:
    """What is left of the day is not enough for a second message."""
    async with MemoryLayer(
        "ada", config=replace(config, llm=reader, llm_tokens_a_day=6_000)
    ) as memory:
        spending = memory._vault.engine.store.spending
        day = int(datetime.now(UTC).timestamp() // 86_400)
        assert await spending.reserve(day, 3_000, 6_000)
        await memory.save(SAID)
        with anyio.fail_after(WITHIN_S):
            while not (job := (await jobs(memory))[0]).error:
                await anyio.sleep(0.01)
        assert (job.state, job.attempts) == ("waiting", 0)
        assert job.error.startswith("DailyLimitReached: llm_tokens_a_day=6000")
        assert await contents(memory) == []
        assert reader.asked == []


@pytest.mark.parametrize("style", ["openai", "anthropic"])
async def test_over_http_failures_are_tried_again_and_then_told(
    config: MemoryConfig, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "_FIRST_PAUSE_S", 0.001)
    model = Model(lambda prompt: facts(BOAT) if "water" in prompt else facts())
    with serving(style, model) as service:
        settings = replace(config, llm=f"{style}:{service.root}/v1#m", job_attempts=2)
        async with Vault(settings) as vault, MemoryLayer("ada", vault=vault) as memory:
            service.script = [Reply(429, headers={"retry-after": "0"}), Reply(500)]
            await memory.save(SAID)
            (job,) = await read(memory)
            assert (job.state, job.error) == ("done", "")
            assert await contents(memory) == ["User sails with Noor."]
            service.always = Reply(401)
            await memory.save("Out on the water with Noor, again.")
            *_, job = await read(memory)
            assert (job.state, job.attempts) == ("failed", 2)
            assert job.error.startswith("ReplyRefused: ")
            assert "water" not in job.error
            with anyio.fail_after(WITHIN_S):
                while "1 jobs failed" not in (await vault.health()).background:
                    await anyio.sleep(0.02)
            service.always = None
            await memory.save("A new save has it read after all.")
            *_, job = await read(memory)
            assert (job.state, job.result["memories"]) == ("done", 2)


async def test_a_vault_that_closes_meanwhile_goes_on_later(
    config: MemoryConfig, reader: Reader, tmp_path: Path
) -> None:
    async with MemoryLayer(
        "ada", config=replace(config, llm=reader, llm_facts_after_s=0.3)
    ) as memory:
        await memory.save(SAID)
    async with MemoryLayer("ada", config=replace(config, llm=reader)) as memory:
        await read(memory)
        assert await contents(memory) == ["User sails with Noor."]
        await memory.export(tmp_path / "out")
    async with MemoryLayer(
        "eve", config=replace(config, data_dir=tmp_path / "other", llm=reader)
    ) as memory:
        await memory.import_(tmp_path / "out")
        assert await contents(memory) == ["User sails with Noor."]
        assert await jobs(memory) == []


def test_the_setting_is_checked() -> None:
    accepted: Callable[[Any], MemoryConfig] = lambda s: MemoryConfig(llm_facts_after_s=s)  # noqa: E731
    assert accepted(None).llm_facts_after_s is None
    for wrong in (-1, 3_601, True):
        with pytest.raises(ValueError, match="llm_facts_after_s"):
            accepted(wrong)
