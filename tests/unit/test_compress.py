"""Compression: a summary stands for a session, and nothing that was said is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from memory_vault import Job, Memory, MemoryConfig, MemoryLayer, Vault
from memory_vault.pipelines import compress as pipeline
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.testing.llms import ScriptedModel
from memory_vault.text.summary import statements, summarise
from memory_vault.text.trust import least_trusted

pytestmark = pytest.mark.anyio
WITHIN_S = 20
START = datetime(2026, 5, 20, 9, tzinfo=UTC)
TOWNS = ("Lisbon", "Braga", "Porto", "Faro", "Evora", "Aveiro", "Sintra", "Tomar", "Viseu", "Beja")


def turn(number: int, day: int = 0) -> dict[str, Any]:
    town = TOWNS[number % len(TOWNS)]
    content = (
        f"I visited {town} with my cousin number {number} and paid {number * 7 + 3} euros for it. "
        f"It was quite nice there. They serve good coffee. Then we all went home again by train."
    )
    moment = START + timedelta(days=day, minutes=number)
    return {"role": "user", "content": content, "occurred_at": moment}


def talk(first: int = 0, count: int = 10, day: int = 0) -> list[dict[str, Any]]:
    return [turn(number, day) for number in range(first, first + count)]


@pytest.fixture
def config(hash_config: MemoryConfig) -> MemoryConfig:
    return replace(
        hash_config,
        durability="process",
        job_retry_s=0,
        compress_min_tokens=100,
        fact_sources=(),
    )


@pytest.fixture
async def vault(config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


async def everything(memory: MemoryLayer) -> list[Memory]:
    return list((await memory.list_memories(include_compressed=True, page_size=1000)).items)


async def listed(memory: MemoryLayer) -> list[Memory]:
    return list((await memory.list_memories(page_size=1000)).items)


async def summaries(memory: MemoryLayer) -> list[Memory]:
    return [one for one in await listed(memory) if one.role == "summary"]


async def compressed(memory: MemoryLayer) -> Memory:
    """The summary of the only session."""
    with anyio.fail_after(WITHIN_S):
        job = await memory.compress(wait=True, force=True)
    assert job.state == "done", job.error
    (found,) = await summaries(memory)
    return found


async def all_done(memory: MemoryLayer) -> list[Job]:
    """The jobs, once none is left to do."""
    with anyio.fail_after(WITHIN_S):
        while True:
            jobs = (await memory.list_jobs()).items
            if all(one.is_finished for one in jobs):
                assert all(one.state == "done" for one in jobs), jobs
                return list(jobs)
            await memory._vault.engine.runner.wait("ada", jobs[-1].id)


async def aged(memory: MemoryLayer, days: float) -> None:
    """Make all sessions older."""

    def move(user: Transaction) -> None:
        micros = int(days * 86_400_000_000)
        user.sessions._db.execute(
            "UPDATE sessions SET last_active_at = last_active_at - ?", (micros,)
        )

    await memory._vault.engine.store.write("ada", move)


def texts(memories: Iterable[Memory]) -> list[str]:
    return sorted(one.content for one in memories if one.role != "summary")


# what a summary is --------------------------------------------------------------------------------


async def test_a_summary_stands_for_a_session_and_nothing_is_lost(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    before = await everything(memory)
    summary = await compressed(memory)
    assert await listed(memory) == [summary]
    assert summary.memory_type == "semantic"
    assert summary.session_id == "s"
    assert summary.origin == "user"
    assert summary.derived_from == tuple(one.id for one in before)
    assert (summary.valid_from, summary.valid_to) == (START, None)
    assert summary.occurred_at == START + timedelta(minutes=9)
    assert summary.content.startswith("On 2026-05-20 user: ")
    assert 0.1 < summary.token_count / sum(one.token_count for one in before) < 0.3
    after = await everything(memory)
    assert texts(after) == texts(before)
    assert all(one.compressed for one in after if one.id != summary.id)
    changes = await memory.history(before[0].id)
    assert [one.fields for one in changes] == [(), ("compressed",)]
    assert changes[0].superseded_at == summary.recorded_at


async def test_it_is_found_by_each_of_its_sentences(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    await memory.save("My boat is blue.")
    summary = await compressed(memory)
    spoken = summary.content.splitlines()
    stats = await memory.stats()
    assert stats.chunks == 10 * 2 + 1 + len(spoken)
    for line in spoken:
        found = await memory.recall(line.partition(": ")[2], memory_types=["semantic"])
        (one,) = found.memories
        assert one.memory.id == summary.id
        assert one.signals["dense"] > 0.999


async def test_an_original_is_recalled_when_nothing_matches_better(memory: MemoryLayer) -> None:
    said = [*talk(), {"role": "user", "content": "Zanzibar.", "occurred_at": START}]
    await memory.save(said, session_id="s")
    await memory.save("My boat is blue.")
    await compressed(memory)
    found = await memory.recall("Zanzibar")
    assert "Zanzibar" in found.prompt_block
    (one,) = [one for one in found.memories if one.memory.content == "Zanzibar."]
    assert one.memory.compressed
    assert one.signals["archived"] == 1
    assert "archived 1.000" in found.explain()
    boat = await memory.recall("What colour is my boat?")
    assert boat.memories[0].memory.content == "My boat is blue."
    assert not any(one.memory.compressed for one in boat.memories)
    all_of_them = await memory.recall("What colour is my boat?", include_compressed=True)
    assert sum(one.memory.compressed for one in all_of_them.memories) >= 10
    assert "archived" not in all_of_them.memories[0].signals


async def test_a_filter_that_hides_the_summary_shows_what_it_stands_for(
    memory: MemoryLayer,
) -> None:
    said = [
        *talk(),
        {"role": "tool", "content": "Rain in Lisbon, 12 degrees.", "occurred_at": START},
    ]
    await memory.save(said, session_id="s")
    summary = await compressed(memory)
    assert summary.origin == "tool"

    async def contents(**filters: Any) -> set[str]:
        found = await memory.recall("Lisbon cousin train", token_budget=10_000, **filters)
        return {one.memory.content for one in found.memories}

    users = {one["content"] for one in talk()}
    assert await contents(origins=["user"]) == users
    assert await contents(roles=["user"]) == users
    assert await contents(memory_types=["episodic"]) == {one["content"] for one in said}
    assert await contents(as_of=START + timedelta(minutes=3)) == {
        *(one["content"] for one in talk(count=4)),
        said[-1]["content"],
    }
    assert summary.content in await contents()
    assert summary.content in await contents(origins=["tool"])


async def test_what_is_no_event_of_a_session_is_left_alone(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    kinds = ("semantic", "procedural", "working")
    for kind in kinds:
        await memory.save(f"I keep this {kind} thing.", session_id="s", memory_type=kind)
    await memory.save(talk(20))
    await compressed(memory)
    left = [one for one in await listed(memory) if one.role != "summary"]
    assert [one.memory_type for one in left] == [*kinds, *["episodic"] * 10]


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        (["user", "user"], "user"),
        (["user", "assistant"], "assistant"),
        (["tool:web", "user", "tool:web"], "tool:web"),
        (["tool:web", "tool:mail"], "tool"),
        (["import:x", "model"], "import:x"),
    ],
)
def test_its_origin_is_the_least_trusted_of_its_sources(origins: list[str], expected: str) -> None:
    assert least_trusted(origins) == expected


# when ---------------------------------------------------------------------------------------------


async def test_it_happens_by_itself_once_a_session_is_old(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    await memory.save("Hello from the harbour.", session_id="short")
    await memory.end_session("s")
    await memory.end_session("short")
    assert (await memory.list_jobs()).items == ()
    await aged(memory, 29)
    async with MemoryLayer("ada", vault=memory._vault):
        assert (await memory.list_jobs()).items == ()
    await aged(memory, 2)
    async with MemoryLayer("ada", vault=memory._vault):
        (job,) = await all_done(memory)
    assert (job.kind, job.arguments) == ("compress", {})
    assert job.result == {"sessions": 1, "memories": 10}
    assert (job.done, job.total) == (2, 2)
    assert [one.session_id for one in await summaries(memory)] == ["s"]
    async with MemoryLayer("ada", vault=memory._vault):
        assert len((await memory.list_jobs()).items) == 1, "what is settled is not looked at again"


async def test_a_save_and_the_end_of_a_session_look_too(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    await memory.end_session("s")
    await aged(memory, 31)
    await memory.save("Hello.", session_id="t")
    assert (await memory.list_jobs()).items == (), "not more often than once an hour"
    memory._next_look = 0
    await memory.save("Hello again.", session_id="t")
    assert len(await all_done(memory)) == 1
    await memory.save(talk(20), session_id="u")
    await memory.end_session("u")
    assert len(await all_done(memory)) == 1
    await aged(memory, 31)
    await memory.end_session("t")
    assert len(await all_done(memory)) == 2
    assert len(await summaries(memory)) == 2


async def test_a_full_vault_compresses_the_oldest_first(config: MemoryConfig) -> None:
    async with MemoryLayer("ada", config=replace(config, compress_over_memories=25)) as memory:
        for number, session in enumerate("abcd"):
            await memory.save(talk(number * 10), session_id=session)
        await memory.end_session("b")
        assert len(await all_done(memory)) == 1
        assert [one.session_id for one in await summaries(memory)] == ["b"]
        await memory.end_session("a")
        await memory.end_session("c")
        await all_done(memory)
        assert [one.session_id for one in await summaries(memory)] == ["b", "a"]


async def test_never_means_never(config: MemoryConfig) -> None:
    settings = replace(config, compress_after_days=None, compress_over_memories=0)
    async with MemoryLayer("ada", config=settings) as memory:
        await memory.save(talk(), session_id="s")
        await memory.end_session("s")
        await aged(memory, 1000)
        async with MemoryLayer("ada", vault=memory._vault):
            assert (await memory.list_jobs()).items == ()
        assert (await memory.compress(wait=True)).result == {"sessions": 0, "memories": 0}
        await compressed(memory)


async def test_what_would_not_become_shorter_is_left_alone(memory: MemoryLayer) -> None:
    await memory.save("I moved to Porto with Ana.", session_id="s")
    job = await memory.compress(wait=True, force=True)
    assert job.result == {"sessions": 0, "memories": 0}
    assert len(await listed(memory)) == 1


async def test_twice_is_once(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    summary = await compressed(memory)
    stats = await memory.stats()
    assert await compressed(memory) == summary
    assert await memory.stats() == stats


async def test_what_is_said_later_gets_into_the_summary_later(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    first = await compressed(memory)
    last = {"role": "user", "content": talk(9, 1)[0]["content"]}
    assert (await memory.save(last, session_id="s")).duplicates[0].reason.startswith("same text")
    news = "My violin teacher Ines moved our Thursday lesson to the old theatre near the harbour."
    await memory.save([*talk(30, 9, day=1), {**turn(39, 1), "content": news}], session_id="s")
    assert len(await listed(memory)) == 11
    second = await compressed(memory)
    assert (second.id, len(second.derived_from)) == (first.id, 20)
    assert f"On 2026-05-21 user: {news}" in second.content
    assert len(await memory.history(first.id)) == 2
    known = await memory.recall("Lisbon", known_at=(await memory.history(first.id))[0].recorded_at)
    assert first.content in [one.memory.content for one in known.memories]


# when something changes ---------------------------------------------------------------------------


async def test_a_forgotten_source_takes_the_summary_and_brings_the_others_back(
    config: MemoryConfig,
) -> None:
    async with MemoryLayer("ada", config=replace(config, jobs_at_once=0)) as memory:
        saved = (await memory.save(talk(), session_id="s")).saved
        await memory._vault.engine.store.write(
            "ada", lambda user: user.jobs.add("compress", {"force": True})
        )
    async with MemoryLayer("ada", config=config) as memory:
        await all_done(memory)
        (summary,) = await summaries(memory)
        gone = next(
            one for one in saved if any(s in summary.content for s in statements(one.content))
        )
        dry = await memory.forget(gone.id, dry_run=True)
        assert await summaries(memory) == [summary]
    async with MemoryLayer("ada", config=replace(config, jobs_at_once=0)) as memory:
        receipt = await memory.forget(gone.id)
        left = [one for one in saved if one.id != gone.id]
        assert receipt.restored == dry.restored
        assert sorted(receipt.restored) == sorted(one.id for one in left)
        assert receipt.removed["memories"] == 2
        assert await listed(memory) == left, "nothing waits for the job"
        found = await memory.recall(left[0].content, top_k=1)
        assert found.memories[0].memory.id == left[0].id
        (job,) = (await memory.list_jobs(state="waiting")).items
        assert (job.kind, job.arguments) == ("compress", {"session_id": "s"})
    async with MemoryLayer("ada", config=config) as memory:
        await all_done(memory)
        (again,) = await summaries(memory)
        assert again.derived_from == tuple(one.id for one in left)
        assert next(statements(gone.content)) not in again.content


async def test_no_summary_keeps_a_word_of_what_is_proven_forgotten(memory: MemoryLayer) -> None:
    secret = {"role": "user", "content": "The vermilion armadillo of Samarkand sang 77 songs."}
    saved = (await memory.save([*talk(), secret], session_id="s")).saved
    summary = await compressed(memory)
    assert "armadillo" in summary.content
    receipt = await memory.forget(saved[-1].id, proof="proven")
    assert (receipt.state, receipt.proof["found"]) == ("done", "0")
    await all_done(memory)
    (again,) = await summaries(memory)
    assert "armadillo" not in again.content


async def test_a_forgotten_summary_stays_away_until_something_new_is_said(
    memory: MemoryLayer,
) -> None:
    saved = (await memory.save(talk(), session_id="s")).saved
    summary = await compressed(memory)
    receipt = await memory.forget(summary.id)
    assert sorted(receipt.restored) == sorted(one.id for one in saved)
    await memory.end_session("s")
    await aged(memory, 31)
    assert (await memory.compress(wait=True)).result["sessions"] == 0
    await memory.save(talk(20), session_id="s")
    await memory.end_session("s")
    await aged(memory, 31)
    assert (await memory.compress(wait=True)).result["sessions"] == 1


async def test_forgetting_a_session_leaves_nothing_to_rebuild(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    await compressed(memory)
    receipt = await memory.forget(session_id="s")
    assert receipt.restored == ()
    assert await everything(memory) == []
    assert all(one.arguments == {"force": True} for one in await all_done(memory))


async def test_a_changed_source_ends_its_summary_and_the_past_keeps_it(
    memory: MemoryLayer,
) -> None:
    saved = (await memory.save(talk(), session_id="s")).saved
    summary = await compressed(memory)
    await memory.update(saved[0].id, importance=0.9)
    assert await summaries(memory) == [summary]
    assert (await memory.get(saved[0].id)).compressed
    moment = datetime.now(UTC)
    changed = await memory.update(saved[0].id, content="I visited Oslo alone and paid nothing.")
    assert not changed.compressed
    await all_done(memory)
    (again,) = await summaries(memory)
    assert again.id != summary.id
    assert len(again.derived_from) == 10
    past = await memory.recall("Lisbon cousin", known_at=moment, token_budget=10_000)
    assert summary.content in [one.memory.content for one in past.memories]
    assert not any("Oslo" in one.memory.content for one in past.memories)
    now = await memory.recall("Did I visit Oslo?")
    assert "Oslo" in now.prompt_block


async def test_a_withdrawn_summary_is_forgotten_and_the_next_one_still_stands(
    memory: MemoryLayer,
) -> None:
    saved = (await memory.save(talk(), session_id="s")).saved
    summary = await compressed(memory)
    await memory.update(saved[0].id, content="I visited Oslo alone and paid nothing.")
    await all_done(memory)
    before, (again,) = await listed(memory), await summaries(memory)
    receipt = await memory.forget(summary.id)
    assert receipt.removed["memories"] == 1
    assert receipt.restored == ()
    assert await listed(memory) == before
    assert again.id != summary.id


async def test_the_past_is_the_same_before_and_after(memory: MemoryLayer) -> None:
    await memory.save(talk(), session_id="s")
    moment = datetime.now(UTC)

    async def past(**filters: Any) -> list[tuple[str, str]]:
        found = await memory.recall("Lisbon cousin", token_budget=10_000, **filters)
        return sorted((one.memory.id, one.memory.content) for one in found.memories)

    wanted = ({"known_at": moment}, {"as_of": START + timedelta(minutes=4)})
    before = [await past(**one) for one in wanted]
    await compressed(memory)
    assert [await past(**one) for one in wanted] == before
    assert [await past(**one, known_at=moment) for one in wanted[1:]] == before[1:]


# copies, processes, the loop ----------------------------------------------------------------------


async def test_export_import_and_backup_carry_it(memory: MemoryLayer, tmp_path: Path) -> None:
    await memory.save(talk(), session_id="s")
    await compressed(memory)
    await memory.update((await everything(memory))[0].id, content="I was in Oslo.")
    await all_done(memory)
    before = await everything(memory)
    await memory.export(tmp_path / "one.jsonl")
    await memory._vault.backup(tmp_path / "copy")
    async with MemoryLayer("eve", vault=memory._vault) as other:
        await other.import_(tmp_path / "one.jsonl")
        assert [replace(one, user_id="ada") for one in await everything(other)] == before
        await other.export(tmp_path / "two.jsonl")
        again = await other.compress(wait=True, force=True)
        assert again.result == {"sessions": 0, "memories": 0}
        found = await other.recall("Oslo")
        assert "Oslo" in found.prompt_block
    one, two = ((tmp_path / f"{n}.jsonl").read_text().splitlines()[1:-1] for n in ("one", "two"))
    assert one == two
    await memory.forget_all(confirm=True)
    await memory._vault.restore(tmp_path / "copy", user_id="ada", overwrite=True)
    assert await everything(memory) == before


async def test_the_work_of_many_jobs_is_done_beside_the_loop(
    config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def watched(*given: Any, **named: Any) -> str:
        threads.append(threading.get_ident())
        return summarise(*given, **named)

    monkeypatch.setattr(pipeline, "summarise", watched)
    async with Vault(replace(config, jobs_at_once=10)) as vault:
        users = [MemoryLayer(f"user {n}", vault=vault) for n in range(10)]
        for one in users:
            await one.open()
            await one.save(talk(), session_id="s")
        async with anyio.create_task_group() as tasks:
            for one in users:
                tasks.start_soon(lambda one=one: one.compress(wait=True, force=True))
        for one in users:
            assert len(await summaries(one)) == 1
    assert len(threads) == 10
    assert threading.get_ident() not in threads


async def test_a_vault_that_closes_meanwhile_is_quiet_and_goes_on_later(
    config: MemoryConfig,
) -> None:
    async with MemoryLayer("ada", config=config) as memory:
        for number in range(8):
            await memory.save(talk(number * 10), session_id=f"s{number}")
        job = await memory.compress(force=True)
        with anyio.move_on_after(WITHIN_S):
            while not (await memory.get_job(job.id)).done:
                await anyio.sleep(0.001)
    async with MemoryLayer("ada", config=config) as memory:
        await all_done(memory)
        assert len(await summaries(memory)) == 8
        assert len(await everything(memory)) == 88
        assert (await memory._vault.check()).problems == ()


async def test_who_writes_meanwhile_is_not_overlooked(
    memory: MemoryLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn is saved between the reading of a session and the writing of its summary."""
    await memory.save(talk(), session_id="s")
    later = talk(20, 1)
    chunks = pipeline._chunks

    async def interrupted(*given: Any) -> Any:
        if later:
            await memory.save(later.pop(), session_id="s")
        return await chunks(*given)

    monkeypatch.setattr(pipeline, "_chunks", interrupted)
    summary = await compressed(memory)
    assert len(summary.derived_from) == 11
    assert await listed(memory) == [summary]


# with a language model ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("The user visited Faro with cousin number 3.", {"by_model": 1, "refused": 0}),
        ("Ada flew to Reykjavik for 999 euros.", {"by_model": 0, "refused": 1}),
        ("The user visited Faro. " * 99, {"by_model": 0, "refused": 1}),
        ("", {"by_model": 0, "refused": 0}),
        (None, {"by_model": 0, "refused": 0, "model_error": "ReplyRefused"}),
    ],
)
async def test_a_models_words_stand_only_if_they_hold(
    config: MemoryConfig, answer: str | None, told: dict[str, Any]
) -> None:
    """A name or number of no source, or no answer, leaves the session's sentences."""
    said = "nothing that is JSON" if answer is None else json.dumps({"summary": answer})
    llm = ScriptedModel(lambda prompt: said)
    async with MemoryLayer("ada", config=replace(config, llm=llm)) as memory:
        await memory.save(talk(), session_id="s")
        with anyio.fail_after(WITHIN_S):
            job = await memory.compress(wait=True, force=True)
        assert dict(job.result) == {"sessions": 1, "memories": 10, **told}
        (summary,) = await summaries(memory)
        assert (summary.content == answer) == bool(told["by_model"])
        assert summary.origin == ("model" if told["by_model"] else "user")
        assert len(summary.derived_from) == 10
        assert llm.prompts
