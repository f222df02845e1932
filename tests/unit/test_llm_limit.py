"""The tokens of a day: shared by processes, never exceeded, given back if nothing was done."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from memory_vault import DailyLimitReached, MemoryConfig, Vault, _http
from memory_vault.errors import BackendError, BackendUnavailable, ConfigError, InvalidInput
from memory_vault.llm import Completion
from memory_vault.llm.limited import LimitedModel
from memory_vault.storage.sqlite.files import publish
from memory_vault.storage.sqlite.schema import CATALOG
from memory_vault.storage.sqlite.spending import Spending
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.llms import ScriptedModel

from .http_service import Reply
from .llm_service import serving

pytestmark = pytest.mark.anyio

DAY = 20_000
PROMPT = "Say it."
NEED = len(PROMPT) + len("{}") + 100 + 500
"""What is reserved for it with 100 tokens of an answer."""


class Failing(ScriptedModel):
    """Fails as it is told to."""

    def __init__(self, error: BackendError) -> None:
        super().__init__()
        self._error = error

    async def complete(self, prompt: str, **given: Any) -> Completion:
        await super().complete(prompt, **given)
        raise self._error


class Silent(ScriptedModel):
    """Does not say what it took."""

    async def complete(self, prompt: str, **given: Any) -> Completion:
        return replace(await super().complete(prompt, **given), tokens_in=None)


def limited(inner: ScriptedModel, ledger: Spending, limit: int, day: int = DAY) -> LimitedModel:
    return LimitedModel(inner, ledger, limit, clock=lambda: day * 86_400.0 + 3_600)


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> Any:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def ledger(vault: Vault) -> Spending:
    return vault.engine.store.spending


async def test_what_the_service_says_is_counted(ledger: Spending) -> None:
    llm = limited(ScriptedModel(), ledger, 10_000)
    found = await llm.complete(PROMPT, max_tokens=100)
    assert await ledger.spent(DAY) == (found.tokens_in or 0) + (found.tokens_out or 0) == 6


async def test_an_encrypted_vault_and_an_older_one_count_too(tmp_path: Path) -> None:
    for key in (None, "correct horse battery"):
        folder = tmp_path / str(key)
        older = replace(CATALOG, migrations=CATALOG.migrations[:2])
        if key is None:
            fill = "INSERT INTO meta (id, created_at) VALUES (1, 0)"
            new = folder / "new"
            publish(folder / "catalog.db", older, "process", fill, (), None, aside_dir=new)
        config = MemoryConfig(data_dir=folder, embedder=HashEmbedder(), encryption_key=key)
        async with Vault(config) as vault:
            ledger = vault.engine.store.spending
            assert await ledger.reserve(DAY, 10, 10)
            assert not await ledger.reserve(DAY, 1, 10)
            await ledger.adjust(DAY, -4)
            assert await ledger.spent(DAY) == 6


async def test_what_it_does_not_say_counts_as_reserved(ledger: Spending) -> None:
    await limited(Silent(), ledger, 10_000).complete(PROMPT, max_tokens=100)
    assert await ledger.spent(DAY) == NEED


async def test_the_limit_is_told_with_the_moment_it_opens_again(ledger: Spending) -> None:
    inner = ScriptedModel()
    llm = limited(inner, ledger, NEED)
    await llm.complete(PROMPT, max_tokens=100)
    with pytest.raises(DailyLimitReached, match=r"=609 leaves .* 2024-10-05 00:00") as told:
        await llm.complete(PROMPT, max_tokens=100)
    assert told.value.opens_at == datetime(2024, 10, 5, tzinfo=UTC)
    assert len(inner.prompts) == 1  # it was not asked
    await limited(inner, ledger, NEED, DAY + 1).complete(PROMPT, max_tokens=100)
    assert await ledger.spent(DAY) == 0  # days before are forgotten
    assert await ledger.spent(DAY + 1) == 6


async def test_what_no_day_would_allow_is_bad_input(ledger: Spending) -> None:
    with pytest.raises(InvalidInput, match="may take 609 tokens, and llm_tokens_a_day=608"):
        await limited(ScriptedModel(), ledger, 608).complete(PROMPT, max_tokens=100)


@pytest.mark.parametrize("did_nothing", [True, False])
async def test_a_failed_call_counts_unless_nothing_was_done(
    did_nothing: bool, ledger: Spending
) -> None:
    error = BackendUnavailable("away")
    error.did_nothing = did_nothing
    with pytest.raises(BackendUnavailable):
        await limited(Failing(error), ledger, 10_000).complete(PROMPT, max_tokens=100)
    assert await ledger.spent(DAY) == (0 if did_nothing else NEED)


async def test_a_cancelled_call_stays_counted(ledger: Spending) -> None:
    class Slow(ScriptedModel):
        async def complete(self, prompt: str, **given: Any) -> Completion:
            await anyio.sleep(60)
            raise AssertionError

    with anyio.move_on_after(0.2):
        await limited(Slow(), ledger, 10_000).complete(PROMPT, max_tokens=100)
    assert await ledger.spent(DAY) == NEED


async def test_callers_at_once_never_have_more_than_the_limit(ledger: Spending) -> None:
    llm = limited(Silent(), ledger, NEED * 3)
    told = []

    async def one() -> None:
        try:
            await llm.complete(PROMPT, max_tokens=100)
        except DailyLimitReached as error:
            told.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(one)
    assert len(told) == 5
    assert await ledger.spent(DAY) == NEED * 3


_CHILD = """\
import sys, anyio
from pathlib import Path
from memory_vault import DailyLimitReached, MemoryConfig, Vault
from memory_vault.llm.limited import LimitedModel
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.llms import ScriptedModel

class Silent(ScriptedModel):
    async def complete(self, prompt, **given):
        found = await super().complete(prompt, **given)
        return type(found)(found.text)

async def main():
    done = 0
    async with Vault(MemoryConfig(data_dir=Path(sys.argv[1]), embedder=HashEmbedder())) as vault:
        ledger = vault.engine.store.spending
        llm = LimitedModel(Silent(), ledger, 6090, clock=lambda: 0.0)
        for _ in range(8):
            try:
                await llm.complete("Say it.", max_tokens=100)
                done += 1
            except DailyLimitReached:
                pass
    print(done)

anyio.run(main)
"""


async def test_processes_share_the_limit(tmp_path: Path) -> None:
    done: list[int] = []

    async def child() -> None:
        found = await anyio.run_process([sys.executable, "-c", _CHILD, str(tmp_path)], stderr=None)
        done.append(int(found.stdout))

    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(child)
    assert sum(done) == 10  # of 16


async def test_the_engine_makes_limits_and_closes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "_FIRST_PAUSE_S", 0.001)
    with serving("anthropic") as service:
        config = MemoryConfig(
            data_dir=tmp_path,
            embedder=HashEmbedder(),
            llm=f"anthropic:{service.root}/v1#m",
            llm_api_key="key-1",
            llm_tokens_a_day=NEED,
        )
        assert "key-1" not in repr(config)
        async with Vault(config) as vault:
            llm = vault.engine.llm
            assert llm is not None
            service.script = [Reply(401)]
            with pytest.raises(BackendError):
                await llm.complete(PROMPT, max_tokens=100)
            assert (await llm.complete(PROMPT, max_tokens=100)).text == PROMPT
            with pytest.raises(DailyLimitReached):
                await llm.complete(PROMPT, max_tokens=100)
        async with Vault(config) as vault:  # the count is kept
            with pytest.raises(DailyLimitReached):
                await vault.engine.llm.complete(PROMPT, max_tokens=100)  # type: ignore[union-attr]


async def test_none_is_the_default_and_the_callers_own_is_never_closed(tmp_path: Path) -> None:
    class Own(ScriptedModel):
        is_closed = False

        async def close(self) -> None:
            self.is_closed = True

    own = Own()
    config = MemoryConfig(data_dir=tmp_path, embedder=HashEmbedder())
    async with Vault(config) as vault:
        assert vault.engine.llm is None
    async with Vault(replace(config, llm=own)) as vault:
        assert vault.engine.llm is own
    assert not own.is_closed
    with pytest.raises(ConfigError, match="'openai:URL#MODEL'"):
        await Vault(replace(config, llm="magic")).open()
