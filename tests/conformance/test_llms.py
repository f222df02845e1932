"""Every language model of the library keeps the promises of the Protocol."""

from collections.abc import AsyncIterator
from itertools import count

import pytest
from tests.unit.llm_service import serving

from memory_vault.errors import ConfigError
from memory_vault.llm import LanguageModel
from memory_vault.llm.choose import choose
from memory_vault.llm.limited import LimitedModel
from memory_vault.testing.llm_suite import LanguageModelConformance
from memory_vault.testing.llms import ScriptedModel

pytestmark = pytest.mark.anyio


class TestScriptedModel(LanguageModelConformance):
    @pytest.fixture
    def llm(self) -> LanguageModel:
        return ScriptedModel()


class HttpConformance(LanguageModelConformance):
    style: str

    @pytest.fixture
    async def llm(self) -> AsyncIterator[LanguageModel]:
        with serving(self.style) as service:
            llm = choose(f"{self.style}:{service.root}/v1#m", "key-1")
            yield llm
            await llm.close()


class TestOpenAI(HttpConformance):
    style = "openai"


class TestAnthropic(HttpConformance):
    style = "anthropic"


class Counter:
    """Counts in memory."""

    def __init__(self) -> None:
        self.days: dict[int, int] = {}

    async def reserve(self, day: int, tokens: int, limit: int) -> bool:
        if self.days.get(day, 0) + tokens > limit:
            return False
        await self.adjust(day, tokens)
        return True

    async def adjust(self, day: int, tokens: int) -> None:
        self.days[day] = self.days.get(day, 0) + tokens


class TestLimited(LanguageModelConformance):
    @pytest.fixture
    def llm(self) -> LanguageModel:
        days = count()
        clock = lambda: next(days) * 86_400.0  # noqa: E731
        return LimitedModel(ScriptedModel(), Counter(), 10_000, clock=clock)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "openai:https://api.openai.com/v1#gpt-5",
            "HttpModel('https://api.openai.com/v1/chat/completions', model='gpt-5')",
        ),
        (
            "openai:http://[::1]:11434/v1/chat/completions?a=b#llama3.2",
            "HttpModel('http://[::1]:11434/v1/chat/completions', model='llama3.2')",
        ),
        (
            "anthropic:https://api.anthropic.com/v1/#claude",
            "HttpModel('https://api.anthropic.com/v1/messages', model='claude')",
        ),
    ],
)
def test_a_name_chooses_a_model(name: str, shown: str) -> None:
    assert repr(choose(name, "key-1")) == shown


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", r"'openai:URL#MODEL', 'anthropic:URL#MODEL'"),
        ("https://u:pw@host/x", r"'openai:URL#MODEL'"),
        ("openai:", "nothing stands behind it"),
        ("openai:https://host/v1", "name for the model"),
        ("openai:host#m", "whole address"),
        ("anthropic:https://u:pw@host/v1#m", "llm_api_key"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_unseen(name: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong) as caught:
        choose(name)
    assert "pw" not in str(caught.value)
