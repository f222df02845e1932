"""Facts in the vault: how they follow each other, and what becomes of them with their sources."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from memory_vault import Memory, MemoryConfig, MemoryLayer, NotFound, SaveResult

pytestmark = pytest.mark.anyio


def day(year: int, month: int = 1, of_month: int = 1) -> datetime:
    return datetime(year, month, of_month, tzinfo=UTC)


@pytest.fixture
async def memory(hash_config: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", config=hash_config) as layer:
        yield layer


def told(result: SaveResult) -> list[tuple[str, str]]:
    return [(one.change, one.memory.content) for one in result.facts]


async def facts(memory: MemoryLayer) -> list[Memory]:
    """Every derived memory, oldest first."""
    page = await memory.list_memories(page_size=1_000)
    return [one for one in page.items if one.derived_from]


async def times(memory: MemoryLayer) -> dict[str, tuple[int | None, int | None]]:
    """Years in which each fact held."""
    return {
        one.content: (one.valid_from and one.valid_from.year, one.valid_to and one.valid_to.year)
        for one in await facts(memory)
    }


async def test_a_fact_stands_beside_what_was_said(memory: MemoryLayer) -> None:
    result = await memory.save("I live in Rome.", session_id="s", occurred_at=day(2020))
    assert len(result.saved) + len(result.duplicates) == 1
    (fact,) = result.facts
    assert (fact.change, fact.memory.content) == ("new", "User lives in Rome.")
    found = fact.memory
    assert (found.derived_from, found.origin, found.role) == ((result.saved[0].id,), "user", "user")
    assert (found.memory_type, found.session_id) == ("semantic", None)
    assert (found.valid_from, found.valid_to, found.occurred_at) == (day(2020), None, day(2020))
    assert found.metadata == {"subject": "home"}
    assert await memory.get(found.id) == found


async def test_a_newer_statement_closes_the_older_one(memory: MemoryLayer) -> None:
    await memory.save("I live in Rome.", occurred_at=day(2020))
    result = await memory.save("I live in Oslo.", occurred_at=day(2022))
    assert told(result) == [("closed", "User lives in Rome."), ("new", "User lives in Oslo.")]
    assert await times(memory) == {
        "User lives in Rome.": (2020, 2022),
        "User lives in Oslo.": (2022, None),
    }
    first, second = await memory.history(result.facts[0].memory.id)
    assert second.fields == ("valid_to",)
    assert first.superseded_at == second.recorded_at == result.saved[0].recorded_at


async def test_the_order_of_telling_does_not_matter(memory: MemoryLayer) -> None:
    await memory.save("I moved to Oslo in March 2022.", occurred_at=day(2023))
    await memory.save("I live in Rome.", occurred_at=day(2020))
    await memory.save("I live in Bari.", occurred_at=day(2021))
    assert await times(memory) == {
        "User lives in Rome.": (2020, 2021),
        "User lives in Bari.": (2021, 2022),
        "User lives in Oslo.": (2022, None),
    }


async def test_opposite_tastes_replace_each_other_and_others_add_up(memory: MemoryLayer) -> None:
    await memory.save("I love olives and tea.", occurred_at=day(2020))
    await memory.save("I hate olives.", occurred_at=day(2021))
    assert await times(memory) == {
        "User likes olives.": (2020, 2021),
        "User likes tea.": (2020, None),
        "User dislikes olives.": (2021, None),
    }


async def test_a_retraction_closes_and_states_nothing(memory: MemoryLayer) -> None:
    await memory.save("I bought a car.", occurred_at=day(2020))
    result = await memory.save("I sold my car in May 2021.", occurred_at=day(2022))
    assert told(result) == [("closed", "User has a car.")]
    assert await times(memory) == {"User has a car.": (2020, 2021)}
    await memory.save("I no longer work at Contoso.", occurred_at=day(2022))
    await memory.save("I work at Contoso.", occurred_at=day(2019))
    await memory.save("I work at Litware.", occurred_at=day(2023))
    assert (await times(memory))["User works at Contoso."] == (2019, 2022)


@pytest.mark.parametrize(
    ("first", "then", "over"),
    [
        ("I'm allergic to nuts.", "I outgrew my nut allergy.", "User is allergic to nuts."),
        (
            "Any recipes for my nut allergy?",
            "I'm not allergic to nuts.",
            "User is allergic to nuts.",
        ),
        ("I work at Contoso.", "I'm unemployed.", "User works at Contoso."),
        ("I'm unemployed.", "I work at Contoso.", "User is unemployed."),
        ("I'm retired.", "I work at Contoso as a nurse.", "User is retired."),
        ("I'm married to Anna.", "I'm widowed.", "User is married to Anna."),
        ("My wife Anna is here.", "My wife Anna and I got divorced.", "User's wife is Anna."),
        ("I hate coffee now.", "I like coffee again.", "User dislikes coffee."),
    ],
)
async def test_what_a_later_statement_contradicts_is_over(
    memory: MemoryLayer, first: str, then: str, over: str
) -> None:
    await memory.save(first, occurred_at=day(2020))
    await memory.save(then, occurred_at=day(2022))
    assert (await times(memory))[over] == (2020, 2022)


async def test_a_job_outlives_the_name_of_its_employer(memory: MemoryLayer) -> None:
    await memory.save("I'm a nurse.", occurred_at=day(2020))
    await memory.save("I work at Contoso.", occurred_at=day(2022))
    assert (await times(memory))["User works as a nurse."] == (2020, None)


async def test_told_again_is_a_confirmation(memory: MemoryLayer) -> None:
    first = await memory.save("I live in Rome.", occurred_at=day(2020))
    again = await memory.save("I live in Rome.", occurred_at=day(2021))
    assert told(again) == [("confirmed", "User lives in Rome.")]
    assert again.facts[0].memory == first.facts[0].memory
    assert len(await memory.history(first.facts[0].memory.id)) == 1
    earlier = await memory.save("I moved to Rome in 2017.", occurred_at=day(2022))
    assert [(one.change, one.memory.id) for one in earlier.facts] == [
        ("changed", first.facts[0].memory.id)
    ]
    assert await times(memory) == {"User lives in Rome.": (2017, None)}


async def test_a_confirmed_fact_outlives_its_first_source(memory: MemoryLayer) -> None:
    first = await memory.save("I live in Rome.", occurred_at=day(2020))
    second = await memory.save("I live in Rome.", occurred_at=day(2021))
    receipt = await memory.forget(first.saved[0].id)
    (fact,) = await facts(memory)
    assert receipt.rebuilt == (fact.id,)
    assert (fact.derived_from, fact.valid_from) == ((second.saved[0].id,), day(2021))
    with pytest.raises(NotFound):
        await memory.get(first.facts[0].memory.id)
    await memory.forget(second.saved[0].id)
    assert await facts(memory) == []


@pytest.mark.parametrize("how", ["id", "session", "origin", "recorded_before", "dry_run"])
@pytest.mark.parametrize("proof", ["quick", "proven"])
async def test_forgetting_restores_what_was_replaced(
    memory: MemoryLayer, how: str, proof: str
) -> None:
    wrong = await memory.save("I live in Oslo.", session_id="wrong", occurred_at=day(2022))
    later = await memory.save("I live in Rome.", origin="user:app", occurred_at=day(2020))
    rome = later.facts[-1].memory.id
    before = [one.memory for one in await memory.history(rome)]
    assert before[0].valid_to == day(2022)
    selectors = {
        "id": {"memory_id": wrong.saved[0].id},
        "dry_run": {"memory_id": wrong.saved[0].id, "dry_run": True},
        "session": {"session_id": "wrong"},
        "recorded_before": {"recorded_before": later.saved[0].recorded_at},
    }
    if how == "origin":
        receipt = await memory.forget(origin="user:app", proof=proof)  # type: ignore[arg-type]
        assert [one.content for one in await facts(memory)] == ["User lives in Oslo."]
        assert receipt.removed["memories"] == 2
        return
    receipt = await memory.forget(**selectors[how], proof=proof)  # type: ignore[arg-type]
    assert receipt.restored == (rome,)
    if how == "dry_run":
        assert (await memory.get(rome)).valid_to == day(2022)
        return
    assert [one.memory for one in await memory.history(rome)] == [replace(before[0], valid_to=None)]
    assert [one.content for one in await facts(memory)] == ["User lives in Rome."]


async def test_a_restored_fact_leaves_no_trace_of_the_time_it_was_closed(
    memory: MemoryLayer,
) -> None:
    first = await memory.save("I live in Rome.", occurred_at=day(2020))
    wrong = await memory.save("I live in Oslo.", occurred_at=day(2022))
    known = wrong.saved[0].recorded_at
    await memory.recall("home")  # the index has seen it
    await memory.forget(wrong.saved[0].id, proof="proven")
    rome = first.facts[0].memory
    (only,) = await memory.history(rome.id)
    assert (only.memory, only.superseded_at) == (rome, None)
    for known_at in (None, known):
        found = await memory.recall("home", as_of=day(2023), known_at=known_at)
        assert rome.id in [one.memory.id for one in found.memories]


async def test_a_fact_forgotten_by_its_own_id_stays_forgotten(memory: MemoryLayer) -> None:
    await memory.save("I live in Rome.", occurred_at=day(2020))
    again = await memory.save("I live in Rome.", occurred_at=day(2021))
    oslo = await memory.save("I live in Oslo.", occurred_at=day(2022))
    receipt = await memory.forget(oslo.facts[-1].memory.id)
    assert receipt.restored == (again.facts[0].memory.id,)
    await memory.forget(again.facts[0].memory.id)
    assert await facts(memory) == []
    assert (await memory.stats()).total == 3


async def test_an_update_is_read_anew(memory: MemoryLayer) -> None:
    rome = await memory.save("I live in Rome.", occurred_at=day(2020))
    await memory.save("I live in Oslo.", occurred_at=day(2022))
    known = (await memory.history(rome.saved[0].id))[0].recorded_at
    await memory.update(rome.saved[0].id, content="I live in Bari.")
    assert await times(memory) == {
        "User lives in Bari.": (2020, 2022),
        "User lives in Oslo.": (2022, None),
    }
    await memory.update(rome.saved[0].id, occurred_at=day(2024))
    assert await times(memory) == {
        "User lives in Oslo.": (2022, 2024),
        "User lives in Bari.": (2024, None),
    }
    found = await memory.recall("home", known_at=known, memory_types=["semantic"])
    assert "User lives in Rome." in [one.memory.content for one in found.memories]
    await memory.update(rome.saved[0].id, content="Nothing of the kind.")
    assert await times(memory) == {"User lives in Oslo.": (2022, None)}
    await memory.forget(rome.saved[0].id)  # what was withdrawn goes with its source
    found = await memory.recall("home", known_at=known)
    assert "Rome" not in found.prompt_block


@pytest.mark.parametrize(
    ("slow", "quick"),
    [
        ({"occurred_at": day(2024)}, {"content": "I live in Bari."}),
        ({"content": "I live in Bari."}, {"occurred_at": day(2024)}),
    ],
)
async def test_an_update_that_another_overtakes_reads_what_that_one_wrote(
    memory: MemoryLayer,
    monkeypatch: pytest.MonkeyPatch,
    slow: dict[str, Any],
    quick: dict[str, Any],
) -> None:
    rome = (await memory.save("I live in Rome.", occurred_at=day(2020))).saved[0]
    store, held, go = memory._vault.engine.store, anyio.Event(), anyio.Event()
    write = store.write

    async def late(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(store, "write", write)
        held.set()
        await go.wait()
        return await write(*given, **more)

    monkeypatch.setattr(store, "write", late)
    async with anyio.create_task_group() as tasks:

        async def update() -> None:
            await memory.update(rome.id, **slow)

        tasks.start_soon(update)
        await held.wait()
        await memory.update(rome.id, **quick)
        go.set()
    assert await times(memory) == {"User lives in Bari.": (2024, None)}
    found = await memory.get(rome.id)
    assert (found.content, found.occurred_at) == ("I live in Bari.", day(2024))


async def test_as_of_and_known_at_are_kept_apart(memory: MemoryLayer) -> None:
    first = await memory.save("I live in Rome.", occurred_at=day(2020))
    await memory.save("I moved to Oslo in June 2021.", occurred_at=day(2023))

    async def at(as_of: datetime, known_at: datetime | None = None) -> list[str]:
        found = await memory.recall("home", as_of=as_of, known_at=known_at)
        return [one.memory.content for one in found.memories if one.memory.derived_from]

    assert await at(day(2021)) == ["User lives in Rome."]
    assert await at(day(2022)) == ["User lives in Oslo."]
    assert await at(day(2022), first.saved[0].recorded_at) == ["User lives in Rome."]


async def test_the_block_says_what_is_over(memory: MemoryLayer) -> None:
    await memory.save("I live in Rome.", occurred_at=day(2020))
    await memory.save("I live in Oslo.", occurred_at=day(2022, 3, 2))
    block = (await memory.recall("Where do I live?")).prompt_block
    group, _, said = block.partition("<conversations>")
    assert "- [2020-01-01] User lives in Rome. (until 2022-03-02)\n" in group
    assert "- [2022-03-02] User lives in Oslo.\n" in group
    assert "I live in Rome." in said  # what was said stands where it was said, not as a fact
    then = (await memory.recall("Where do I live?", as_of=day(2021))).prompt_block
    assert "- [2020-01-01] User lives in Rome.\n" in then
    assert "Oslo" not in then


@pytest.mark.parametrize(
    ("role", "origin"),
    [
        ("assistant", None),
        ("tool", None),
        ("system", None),
        ("Ada", None),
        ("user", "tool:web"),
        ("user", "import"),
        ("user", "assistant"),
    ],
)
async def test_only_the_user_is_read(memory: MemoryLayer, role: str, origin: str | None) -> None:
    assert (await memory.save("I live in Rome.", role=role, origin=origin)).facts == ()
    assert await facts(memory) == []


async def test_others_are_read_if_asked_for_and_never_replace_the_user(
    hash_config: MemoryConfig,
) -> None:
    config = replace(hash_config, fact_sources=("user", "Ada", "tool", "import"))
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save("I live in Rome.")
        tool = await memory.save("I live in Oslo.", role="user", origin="tool:web")
        ada = await memory.save("I live in Bari.", role="Ada")
        assert (tool.facts[0].memory.origin, tool.facts[0].change) == ("tool:web", "new")
        assert ada.facts[0].memory.content == "Ada lives in Bari."
        assert all(one.valid_to is None for one in await facts(memory))
        found = await memory.recall("home", origins=["tool"], memory_types=["semantic"])
        assert {one.memory.content for one in found.memories if one.memory.derived_from} == {
            "User lives in Oslo."
        }
        await memory.forget(origin="tool")
        assert {one.content for one in await facts(memory)} == {
            "User lives in Rome.",
            "Ada lives in Bari.",
        }
    async with MemoryLayer("eve", config=replace(hash_config, fact_sources=())) as memory:
        assert (await memory.save("I live in Rome.")).facts == ()


async def test_working_memory_is_not_read(memory: MemoryLayer) -> None:
    result = await memory.save("I live in Rome.", session_id="s", memory_type="working")
    assert result.facts == ()


async def test_a_conversation_is_read_in_order_and_told_once(memory: MemoryLayer) -> None:
    result = await memory.save(
        ["I live in Rome.", "Actually, I live in Oslo.", "I live in Oslo."],
        session_id="s",
        occurred_at=day(2020),
        idempotency_key="k",
    )
    assert {one.memory.content: one.change for one in result.facts} == {
        "User lives in Rome.": "new",
        "User lives in Oslo.": "new",
    }
    found = await memory.recall("home", as_of=day(2020))
    assert [one.memory.content for one in found.memories if one.memory.derived_from] == [
        "User lives in Oslo."
    ]
    again = await memory.save(
        ["I live in Rome.", "Actually, I live in Oslo.", "I live in Oslo."],
        session_id="s",
        occurred_at=day(2020),
        idempotency_key="k",
    )
    assert again.facts == result.facts
    assert len(await facts(memory)) == 2


async def test_a_time_set_by_hand_stays_until_something_is_told(memory: MemoryLayer) -> None:
    rome = (await memory.save("I live in Rome.", occurred_at=day(2020))).facts[0].memory
    await memory.update(rome.id, valid_to=day(2021))
    await memory.save("I live in Rome.", occurred_at=day(2022))
    assert (await memory.get(rome.id)).valid_to == day(2021)
    oslo = await memory.save("I live in Oslo.", occurred_at=day(2023))
    assert (await memory.get(rome.id)).valid_to == day(2023)
    await memory.forget(oslo.saved[0].id)
    assert (await memory.get(rome.id)).valid_to is None


async def test_facts_do_not_crowd_out_what_was_said(memory: MemoryLayer) -> None:
    said = [f"I love opera number {i}, which I saw with old friends in town." for i in range(40)]
    await memory.save(said, session_id="s")
    found = await memory.recall("Which opera do I love?", token_budget=400)
    read = [one for one in found.memories if one.memory.derived_from]
    assert len(read) <= 1 < len(found.memories)


@pytest.mark.parametrize("session_id", ["s", None])
async def test_facts_do_not_change_the_order_of_what_was_said(
    hash_config: MemoryConfig, session_id: str | None
) -> None:
    said = [
        *(
            f"I love {one}, and I live near a {one} school."
            for one in ("opera", "chess", "sailing")
        ),
        *(f"We went to the {one} in town with old friends." for one in ("opera", "market", "sea")),
    ]
    orders = []
    for user_id, sources in (("read", ("user",)), ("unread", ())):
        config = replace(hash_config, fact_sources=sources, data_dir=hash_config.data_dir / user_id)
        async with MemoryLayer(user_id, config=config) as memory:
            await memory.save(said, session_id=session_id)
            assert bool(await facts(memory)) == bool(sources)
            found = await memory.recall("Where is the opera that I love?", token_budget=4_000)
            orders.append(
                [
                    (one.memory.content, pytest.approx(one.score, abs=1e-4))
                    for one in found.memories
                    if not one.memory.derived_from
                ]
            )
    assert orders[0] == orders[1]
    assert len(orders[0]) == len(said)
