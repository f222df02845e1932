"""Plugins of installed packages and of the caller: found, in order, and never fatal to a save."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from memory_vault import MemoryConfig, MemoryLayer, Message, Vault
from memory_vault.cli.app import app
from memory_vault.embed.choose import choose as choose_embedder
from memory_vault.errors import ConfigError
from memory_vault.llm.choose import choose as choose_llm
from memory_vault.plugins import Plugins, StatedFact, installed, survey
from memory_vault.rerank.choose import choose as choose_reranker
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.llms import ScriptedModel
from memory_vault.testing.rerankers import OverlapReranker

pytestmark = pytest.mark.anyio

Install = Callable[..., None]
MESSAGE = Message("user", "I live in Lisbon.")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a small package as an installer does: its module beside its dist-info."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(name: str, source: str, **groups: dict[str, str] | str) -> None:
        module = f"{name.replace('-', '_')}_{tmp_path.name.replace('-', '_')}"
        (site / f"{module}.py").write_text(source)
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = []
        for group, entries in groups.items():
            lines.append(f"[memory_vault.{group}]")
            lines += [f"{entry} = {module}:{what}" for entry, what in dict(entries).items()]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


POEMS = """\
def classify(text, role):
    if "poem" in text:
        return "procedural"
    if "crash" in text:
        raise RuntimeError("quoting " + text)
    if "odd" in text:
        return "poetic"
"""


def settings(folder: Path, plugins: Any = "installed") -> MemoryConfig:
    return MemoryConfig(data_dir=folder / "vault", embedder=HashEmbedder(), plugins=plugins)


async def test_an_installed_classifier_decides(install: Install, tmp_path: Path) -> None:
    install("poems", POEMS, type_classifiers={"poems": "classify"})
    async with MemoryLayer("ada", config=settings(tmp_path)) as memory:
        saved = (await memory.save(["A poem.", "I live in Lisbon."])).saved
        assert [one.memory_type for one in saved] == ["procedural", "semantic"]
        given = await memory.save("Another poem.", memory_type="episodic")
        assert given.saved[0].memory_type == "episodic"


async def test_a_plugin_that_raises_is_counted_passed_over_and_told(
    install: Install, tmp_path: Path
) -> None:
    install("poems", POEMS, type_classifiers={"poems": "classify"})
    async with Vault(settings(tmp_path)) as vault:
        async with MemoryLayer("ada", vault=vault) as memory:
            saved = (await memory.save(["crash", "odd", "A poem."])).saved
            assert [one.memory_type for one in saved] == ["episodic", "episodic", "procedural"]
        health = await vault.health()
    assert not health.is_ok
    assert health.plugins == (
        "poems of poems failed 2 times and was passed over, last with TypeError"
    )


async def test_none_are_looked_for_if_so_wished(install: Install, tmp_path: Path) -> None:
    install("poems", POEMS, type_classifiers={"poems": "classify"})
    async with MemoryLayer("ada", config=settings(tmp_path, "none")) as memory:
        assert (await memory.save("A poem.")).saved[0].memory_type == "episodic"


async def test_working_memory_without_a_session_is_no_opinion(tmp_path: Path) -> None:
    own = Plugins(type_classifiers=[lambda text, role: "working"], installed=False)
    async with MemoryLayer("ada", config=settings(tmp_path, own)) as memory:
        assert (await memory.save("Tea.")).saved[0].memory_type == "episodic"
        saved = await memory.save("Milk.", session_id="s")
        assert saved.saved[0].memory_type == "working"


def test_the_highest_priority_is_asked_first_then_the_callers_own(install: Install) -> None:
    source = (
        "def low(text, role): return 'working'\nlow.priority = -1\n"
        "def high(text, role): return 'procedural' if 'high' in text else None\nhigh.priority = 9\n"
        "def plain(text, role): return 'semantic'\n"
    )
    install("three", source, type_classifiers={"a-low": "low", "b-plain": "plain", "c": "high"})
    own = Plugins(type_classifiers=[lambda text, role: "episodic" if "own" in text else None])
    assert own.classify("high own", "user") == "procedural"
    assert own.classify("own", "user") == "episodic"
    assert own.classify("text", "user") == "semantic"
    assert Plugins(installed=False).classify("high", "user") is None


def test_nothing_is_imported_before_the_first_use(install: Install) -> None:
    install("early", "raise SystemError('imported')", type_classifiers={"early": "classify"})
    plugins = Plugins()
    assert plugins.problems == ()
    assert plugins.classify("text", "user") is None
    assert plugins.problems == ("early of early: it cannot be imported: SystemError",)


def test_a_name_that_two_packages_claim_is_used_of_neither(install: Install) -> None:
    source = "def classify(text, role): return 'semantic'\ndef make(argument, api_key): return None"
    for name in ("one", "two"):
        install(name, source, type_classifiers={"same": "classify"}, embedders={"same": "make"})
    plugins = Plugins()
    assert plugins.classify("text", "user") is None
    assert len(plugins.problems) == 2
    assert all("another package offers the same name" in one for one in plugins.problems)
    with pytest.raises(ConfigError, match="offered by one and two: uninstall one"):
        choose_embedder("same:x", None)


def test_cancellation_and_interrupts_pass() -> None:
    def stop(text: str, role: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Plugins(type_classifiers=[stop], installed=False).classify("text", "user")


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(ConfigError, match="callable"):
        Plugins(type_classifiers=["name"])  # type: ignore[list-item]


def test_several_threads_look_once(install: Install) -> None:
    install(
        "slow",
        "import time; time.sleep(0.05)\ndef classify(text, role): return 'semantic'",
        type_classifiers={"slow": "classify"},
    )
    plugins, found = Plugins(), []
    threads = [
        threading.Thread(target=lambda: found.append(plugins.classify("text", "user")))
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == ["semantic"] * 4


# fact readers -------------------------------------------------------------------------------------

HOME = StatedFact("home", "Lisbon", "The user lives in Lisbon.")


async def test_what_a_reader_finds_becomes_a_fact(tmp_path: Path) -> None:
    """It stands beside the text that states it, and goes with it."""
    own = Plugins(fact_readers=[lambda message: [HOME]], installed=False)
    async with MemoryLayer("ada", config=settings(tmp_path, own)) as memory:
        result = await memory.save("Lisboa, finalmente!")
        (fact,) = result.facts
        assert fact.memory.content == HOME.text
        assert fact.memory.derived_from == (result.saved[0].id,)
        assert HOME.text in (await memory.recall("Where does the user live?")).prompt_block
        await memory.forget(result.saved[0].id)
        assert not (await memory.list_memories()).items


def test_facts_of_all_readers_come_in_order_each_once() -> None:
    late = StatedFact("tea", "green", "The user drinks green tea.", 7)
    plugins = Plugins(
        fact_readers=[lambda message: [HOME], lambda message: (HOME, late)], installed=False
    )
    assert plugins.read_facts(MESSAGE) == (HOME, late)


@pytest.mark.parametrize(
    "found",
    [
        None,
        [{"subject": "home"}],
        [StatedFact("", "x", "y")],
        [StatedFact("home", "x", "y", -1)],
        [StatedFact("home", "x", "y", 18)],
        [StatedFact("home", "x", "y", 0, datetime(2026, 1, 1))],
    ],
)
def test_a_reader_that_gives_no_facts_is_passed_over(found: Any) -> None:
    plugins = Plugins(fact_readers=[lambda message: found, lambda message: [HOME]], installed=False)
    assert plugins.read_facts(MESSAGE) == (HOME,)
    assert "failed 1 times" in plugins.problems[0]


def test_an_installed_reader_is_asked(install: Install) -> None:
    install(
        "homes",
        "from memory_vault.plugins import StatedFact\n"
        "class Reader:\n"
        "    priority = 3\n"
        "    def __call__(self, message):\n"
        "        return [StatedFact('home', message.content[10:-1], message.content, 10)]\n"
        "reader = Reader()\n",
        fact_readers={"homes": "reader"},
    )
    found = Plugins().read_facts(MESSAGE)
    assert found == (StatedFact("home", "Lisbon", "I live in Lisbon.", 10),)


# what a setting names -----------------------------------------------------------------------------

MAKERS = """\
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.llms import ScriptedModel
from memory_vault.testing.rerankers import OverlapReranker

def embedder(argument, api_key):
    return HashEmbedder(int(argument))

def reranker(argument, api_key):
    return OverlapReranker()

def llm(argument, api_key):
    return ScriptedModel(lambda prompt: argument + str(api_key))

def wrong(argument, api_key):
    return "nothing"
"""


async def test_a_setting_names_what_a_plugin_makes(install: Install, tmp_path: Path) -> None:
    install(
        "makers",
        MAKERS,
        embedders={"makers": "embedder", "wrong": "wrong"},
        rerankers={"makers": "reranker"},
        llms={"makers": "llm"},
    )
    assert isinstance(choose_embedder("makers:64", None), HashEmbedder)
    assert isinstance(choose_reranker("makers"), OverlapReranker)
    llm = choose_llm("makers:x", "key")
    assert isinstance(llm, ScriptedModel)
    assert (await llm.complete("p")).text == "xkey"
    with pytest.raises(ConfigError, match="'makers' of makers failed with ValueError"):
        choose_embedder("makers:many", None)
    with pytest.raises(ConfigError, match="'wrong' of makers made no Embedder"):
        choose_embedder("wrong", None)
    config = MemoryConfig(data_dir=tmp_path / "vault", embedder="makers:32")
    async with MemoryLayer("ada", config=config) as memory:
        await memory.save("I live in Lisbon.")
        assert (await memory.stats()).embedder == "hash-test@1/32/float32"


def test_doctor_lists_plugins(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("poems", POEMS, type_classifiers={"poems": "classify"})
    install("broken", "import nothing_of_that_name", fact_readers={"broken": "reader"})
    install("makers", MAKERS, embedders={"makers": "embedder"})
    assert [one.name for one in installed("embedders")] == ["makers"]
    assert len(survey()) == 3
    monkeypatch.setenv("MEMORY_VAULT_DATA_DIR", str(tmp_path / "vault"))
    monkeypatch.setenv("MEMORY_VAULT_EMBEDDER", "makers:64")
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "ok    plugin poems: type_classifiers, from poems 1.2" in done.output
    assert "ok    plugin makers: embedders, from makers 1.2" in done.output
    assert "WRONG plugin broken: it cannot be imported: ModuleNotFoundError" in done.output
    assert "what to do: correct or uninstall broken" in done.output
