"""Random calls against a model that is obviously right: a few dictionaries.

Two layers of one user, a layer of another, and a second process write to one vault, which is closed
and opened in between. Whatever the order, all of them see what the dictionaries say.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.faults.children import Child

from memory_vault import MemoryConfig, MemoryLayerSync, VaultSync
from memory_vault.testing.embedders import HashEmbedder

ELSEWHERE = """\
import sys
from pathlib import Path
from memory_vault import MemoryConfig, MemoryLayerSync
from memory_vault.testing.embedders import HashEmbedder

memory = None
for line in sys.stdin:
    what, _, rest = line.strip().partition(" ")
    if what == "open":
        config = MemoryConfig(data_dir=Path(rest), embedder=HashEmbedder(), durability="process")
        memory = MemoryLayerSync("alice", config=config)
        memory.open()
        print("open", flush=True)
    elif what == "save":
        print(memory.save(rest).saved[0].id, flush=True)
    elif what == "forget":
        memory.forget(rest)
        print("forgotten", flush=True)
    elif what == "count":
        print(len(memory.list_memories(page_size=1000).items), flush=True)
    else:
        memory.close()
        print("closed", flush=True)
"""
numbers = st.integers(0, 1_000_000)
keys = st.sampled_from(["style", "tone"])


@dataclass
class Past:
    """What was known at a moment: text by memory."""

    at: datetime
    texts: dict[str, str]


@dataclass
class Model:
    """What one user's memory must hold.

    Attributes:
        texts: Text by id, in the order in which the memories were made.
        past: Moments at which `texts` was noted; a forgotten memory goes from them too.
    """

    texts: dict[str, str] = field(default_factory=dict)
    preferences: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, bool] = field(default_factory=dict)
    past: list[Past] = field(default_factory=list)

    def forget(self, memory_id: str) -> None:
        for texts in (self.texts, *(one.texts for one in self.past)):
            texts.pop(memory_id, None)


class Vaults(RuleBasedStateMachine):
    """The vault and the model, side by side."""

    elsewhere: Child

    @initialize()
    def begin(self) -> None:
        parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(dir=parent))
        self.words = 0
        self.models = {"alice": Model(), "bob": Model()}
        self._open()
        self._ask(f"open {self.folder}")

    def _open(self) -> None:
        embedder = HashEmbedder()
        config = MemoryConfig(data_dir=self.folder, embedder=embedder, durability="process")
        self.vault = VaultSync(config)
        self.vault.open()
        self.layers = {}
        for name in ("alice", "alice too", "bob"):
            layer = MemoryLayerSync(name.partition(" ")[0], vault=self.vault)
            layer.open()
            self.layers[name] = layer

    def _close(self) -> None:
        for layer in self.layers.values():
            layer.close()
        self.vault.close()

    def _ask(self, line: str) -> str:
        self.elsewhere.tell(line)
        return self.elsewhere.hear()

    def _text(self) -> str:
        self.words += 1
        return f"The word w{self.words:04d} was said at the harbour."

    def teardown(self) -> None:
        if hasattr(self, "vault"):
            self._ask("close")
            assert self.vault.check().problems == ()
            self._close()
            shutil.rmtree(self.folder)

    # what can happen -----------------------------------------------------------------------------

    @rule(who=st.sampled_from(["alice", "alice too", "bob"]))
    def save(self, who: str) -> None:
        text = self._text()
        (saved,) = self.layers[who].save(text).saved
        self.models[who.partition(" ")[0]].texts[saved.id] = text

    @rule()
    def save_a_conversation(self) -> None:
        texts = [self._text() for _ in range(3)]
        result = self.layers["alice"].save([{"role": "user", "content": one} for one in texts])
        self.models["alice"].texts |= {m.id: m.content for m in result.saved}
        assert [m.content for m in result.saved] == texts

    @rule()
    def save_elsewhere(self) -> None:
        text = self._text()
        self.models["alice"].texts[self._ask(f"save {text}")] = text

    @precondition(lambda self: self.models["alice"].texts)
    @rule(number=numbers, is_elsewhere=st.booleans())
    def forget(self, number: int, is_elsewhere: bool) -> None:
        model = self.models["alice"]
        memory_id = list(model.texts)[number % len(model.texts)]
        if is_elsewhere:
            assert self._ask(f"forget {memory_id}") == "forgotten"
        else:
            self.layers["alice"].forget(memory_id)
        model.forget(memory_id)

    @precondition(lambda self: self.models["alice"].texts)
    @rule(number=numbers)
    def update(self, number: int) -> None:
        model, text = self.models["alice"], self._text()
        memory_id = list(model.texts)[number % len(model.texts)]
        assert self.layers["alice too"].update(memory_id, content=text).content == text
        model.texts[memory_id] = text

    @rule(key=keys, value=st.sampled_from(["short", "long", "warm"]))
    def set_preference(self, key: str, value: str) -> None:
        self.layers["alice"].set_preference(key, value)
        self.models["alice"].preferences[key] = value

    @rule(key=keys)
    def delete_preference(self, key: str) -> None:
        was_set = self.layers["alice too"].delete_preference(key)
        assert was_set == (self.models["alice"].preferences.pop(key, None) is not None)

    @rule(name=st.sampled_from(["s1", "s2"]))
    def start_session(self, name: str) -> None:
        with MemoryLayerSync("bob", vault=self.vault) as layer:
            layer.start_session(name)
        self.models["bob"].sessions[name] = True

    @precondition(lambda self: self.models["bob"].sessions)
    @rule(number=numbers)
    def end_session(self, number: int) -> None:
        sessions = self.models["bob"].sessions
        name = list(sessions)[number % len(sessions)]
        self.layers["bob"].end_session(name)
        sessions[name] = False

    @rule()
    def forget_all_of_bob(self) -> None:
        self.layers["bob"].forget_all(confirm=True)
        self.models["bob"] = Model()

    @rule()
    def reopen(self) -> None:
        self._close()
        self._open()

    @rule()
    def note_what_is_known(self) -> None:
        """Times are whole microseconds, and each writing call is later than the one before."""
        model = self.models["alice"]
        page = self.layers["alice"].list_memories(page_size=1000)
        changed = [self.layers["alice"].history(m.id)[-1].recorded_at for m in page.items]
        moment = max(changed, default=datetime.now(UTC) - timedelta(days=1))
        model.past.append(Past(moment, dict(model.texts)))

    # what must be true ---------------------------------------------------------------------------

    @precondition(lambda self: self.models["alice"].texts)
    @rule(number=numbers, who=st.sampled_from(["alice", "alice too"]))
    def recall(self, number: int, who: str) -> None:
        texts = self.models["alice"].texts
        memory_id = list(texts)[number % len(texts)]
        found = self.layers[who].recall(texts[memory_id].split()[2], top_k=200)
        contents = {one.memory.id: one.memory.content for one in found.memories}
        assert contents[memory_id] == texts[memory_id]
        assert contents.items() <= texts.items()

    @precondition(lambda self: any(one.texts for one in self.models["alice"].past))
    @rule(number=numbers)
    def recall_what_was_known(self, number: int) -> None:
        """I5: nothing saved or changed later alters it."""
        past = [one for one in self.models["alice"].past if one.texts]
        then = past[number % len(past)]
        memory_id = list(then.texts)[number % len(then.texts)]
        word = then.texts[memory_id].split()[2]
        found = self.layers["alice"].recall(word, top_k=200, known_at=then.at)
        contents = {one.memory.id: one.memory.content for one in found.memories}
        assert contents[memory_id] == then.texts[memory_id]
        assert contents.items() <= then.texts.items()

    @invariant()
    def all_see_the_same(self) -> None:
        if not hasattr(self, "vault"):
            return
        for name, layer in self.layers.items():
            model = self.models[name.partition(" ")[0]]
            page = layer.list_memories(page_size=1000)
            assert {m.id: m.content for m in page.items} == model.texts
            assert {p.key: p.value for p in layer.list_preferences()} == model.preferences
            sessions = {s.id: s.ended_at is None for s in layer.list_sessions().items}
            assert sessions == model.sessions
        assert int(self._ask("count")) == len(self.models["alice"].texts)


@pytest.fixture(scope="module", autouse=True)
def elsewhere() -> object:
    """The second process."""
    Vaults.elsewhere = Child(ELSEWHERE)
    yield Vaults.elsewhere
    Vaults.elsewhere.process.kill()
    Vaults.elsewhere.process.communicate()


TestVaults = Vaults.TestCase
TestVaults.settings = settings(
    max_examples=400 if os.environ.get("TORTURE") else 8,
    stateful_step_count=25,
    deadline=None,
    derandomize=not os.environ.get("TORTURE"),
    suppress_health_check=list(HealthCheck),
)
