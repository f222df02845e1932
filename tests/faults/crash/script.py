"""Scripts of operations for a writer that is going to be killed, and what the vault then holds.

A script is made from a seed alone, and each operation's effect is the same at every run, so that
one run without a fault tells what the vault must hold before and after each operation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.config import Durability
from memory_vault.storage.sqlite import schema
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.text.words import word_ids

USERS = ("alice", "bob")
FILLER = "The harbour was quiet that night, and the ships lay still. "
State = tuple[Any, ...]
"""What all users hold, without ids and times."""


@dataclass(frozen=True)
class Op:
    """One call.

    Attributes:
        kind: Which.
        word: The word that stands in what it writes, and nowhere else.
        target: The word, session or key of what it concerns.
        forgets: Words that must be in no file once it has returned.
    """

    kind: str
    user: str = "alice"
    word: str = ""
    target: str = ""
    forgets: tuple[str, ...] = ()


def config_of(folder: Path, durability: Durability = "process") -> MemoryConfig:
    """Settings of a vault that is going to suffer."""
    return MemoryConfig(
        data_dir=folder, embedder=HashEmbedder(), durability=durability, lock_timeout_s=20
    )


def text_of(word: str) -> str:
    """What is saved under a word."""
    return f"The word {word} was said at the harbour."


def needles_of(word: str) -> list[bytes]:
    """Bytes by which a forgotten memory would betray itself: text, embedding, token ids."""
    text = text_of(word)
    embedding = HashEmbedder()._embed([text])[0].tobytes()
    return [word.encode(), embedding, word_ids(text).astype("<u4").tobytes()]


class Layers:
    """The open layers of one vault, by user."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._open: dict[str, MemoryLayer] = {}

    async def get(self, user: str) -> MemoryLayer:
        if user not in self._open:
            layer = MemoryLayer(user, vault=self.vault)
            await layer.open()
            self._open[user] = layer
        return self._open[user]


async def _find(memory: MemoryLayer, word: str) -> str:
    page = await memory.list_memories(page_size=1000)
    return next(one.id for one in page.items if word in one.content.lower())


async def do(op: Op, layers: Layers) -> None:
    """Make the call."""
    memory = await layers.get(op.user)
    text = text_of(op.word)
    match op.kind:
        case "save":
            await memory.save(text, idempotency_key=op.word)
        case "save_long":
            await memory.save(f"{text} {FILLER * 40}")
        case "save_conversation":
            parts = [f"{text_of(f'{op.word}p{i}')}" for i in range(5)]
            await memory.save(
                [{"role": "user", "content": one} for one in parts], session_id=op.word
            )
        case "save_working":
            await memory.save(text, session_id=op.word, memory_type="working")
        case "save_stated":
            await memory.save(f"Call me {op.word.capitalize()}.")
        case "save_fact":  # closes the one before, if there is one
            moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=int(op.word[2:]))
            await memory.save(f"I live in {op.word.capitalize()}.", occurred_at=moment)
        case "update_text":
            await memory.update(await _find(memory, op.target), content=text)
        case "update_weight":
            await memory.update(await _find(memory, op.target), importance=0.25)
        case "forget":
            await memory.forget(await _find(memory, op.target))
        case "forget_session":
            await memory.forget(session_id=op.target)
        case "forget_all":
            await memory.forget_all(confirm=True)
        case "forget_user":
            await layers.vault.forget_user(op.user, confirm=True)
        case "set_preference":
            await memory.set_preference(op.target, op.word)
        case "delete_preference":
            await memory.delete_preference(op.target)
        case "start_session":
            own = MemoryLayer(op.user, vault=layers.vault)  # it becomes the session of this one
            await own.open()
            await own.start_session(op.word)
        case "end_session":
            await memory.end_session(op.target)
        case "reopen":  # closing copies the log into the file
            await layers.vault.close()
            await layers.vault.open()
        case _:
            raise AssertionError(op.kind)


async def state_of(vault: Vault) -> State:
    """What the vault holds."""
    return tuple([await _state(MemoryLayer(user, vault=vault)) for user in USERS])


async def _state(memory: MemoryLayer) -> State:
    await memory.open()
    page = await memory.list_memories(page_size=1000)
    assert page.next_cursor is None
    stats = await memory.stats()
    sessions = (await memory.list_sessions(page_size=1000)).items
    return (
        [
            (
                *(m.content, m.role, m.memory_type, m.session_id, m.importance),
                *(str(m.valid_from), str(m.valid_to)),
            )
            for m in page.items
        ],
        [(p.key, p.value) for p in await memory.list_preferences(include_history=True)],
        [(s.id, s.ended_at is None, s.memory_count) for s in sessions],
        (stats.versions, stats.chunks, stats.preferences),
    )


@contextmanager
def newer_schema() -> Iterator[None]:
    """The library as it will be one day: a user's file has one more version of its schema."""
    newer = replace(schema.USER, migrations=(*schema.USER.migrations, _NEXT))
    with ExitStack() as stack:
        for module in [one for one in sys.modules.values() if one is not schema]:
            if vars(module).get("USER") is schema.USER:
                stack.callback(setattr, module, "USER", schema.USER)
                setattr(module, "USER", newer)  # noqa: B010 - mypy knows of no such attribute
        yield


_NEXT = """
ALTER TABLE memories ADD COLUMN words INTEGER;
UPDATE memories SET words = length(content);
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
INSERT INTO notes (text) SELECT id FROM memories
"""


# scripts ------------------------------------------------------------------------------------------

SINGLE: dict[str, tuple[Sequence[Op], Op]] = {
    "save": ([Op("save", word="zq0001")], Op("save", word="zq0002")),
    "first save": ([], Op("save", word="zq0002")),
    "long save": ([Op("save", word="zq0001")], Op("save_long", word="zq0002")),
    "conversation": ([Op("save", word="zq0001")], Op("save_conversation", word="zq0002")),
    "stated preference": ([Op("save", word="zq0001")], Op("save_stated", word="zq0002")),
    "first fact": ([Op("save", word="zq0001")], Op("save_fact", word="zq0002")),
    "fact that replaces": ([Op("save_fact", word="zq0001")], Op("save_fact", word="zq0002")),
    "fact read anew": (
        [Op("save_fact", word="zq0001"), Op("save_fact", word="zq0002")],
        Op("update_text", word="zq0003", target="zq0002"),
    ),
    "forget a fact": (
        [Op("save_fact", word="zq0001"), Op("save_fact", word="zq0002")],
        Op("forget", target="zq0002", forgets=("zq0002",)),
    ),
    "update text": ([Op("save", word="zq0001")], Op("update_text", word="zq0002", target="zq0001")),
    "update weight": ([Op("save", word="zq0001")], Op("update_weight", target="zq0001")),
    "forget": (
        [
            Op("save", word="zq0001"),
            Op("save", word="zq0003"),
            Op("update_text", word="zq0002", target="zq0001"),
        ],
        Op("forget", target="zq0002", forgets=("zq0001", "zq0002")),
    ),
    "forget session": (
        [Op("save", word="zq0001"), Op("save_conversation", word="zq0002")],
        Op("forget_session", target="zq0002", forgets=tuple(f"zq0002p{i}" for i in range(5))),
    ),
    "forget all": (
        [Op("save", word="zq0001"), Op("save", "bob", word="zq0003")],
        Op("forget_all", forgets=("zq0001",)),
    ),
    "forget user": (
        [Op("save", word="zq0001"), Op("save", "bob", word="zq0003")],
        Op("forget_user", forgets=("zq0001",)),
    ),
    "preference": (
        [Op("set_preference", word="zq0001", target="style")],
        Op("set_preference", word="zq0002", target="style"),
    ),
    "delete preference": (
        [Op("set_preference", word="zq0001", target="style")],
        Op("delete_preference", target="style"),
    ),
    "start session": ([Op("save", word="zq0001")], Op("start_session", word="zq0002")),
    "end session": (
        [Op("save_working", word="zq0001"), Op("save", word="zq0002")],
        Op("end_session", target="zq0001"),
    ),
    "reopen": ([], Op("reopen")),
    "reopen after a save": ([Op("save", word="zq0001")], Op("reopen")),
    "migration": (
        [Op("save", word="zq0001"), Op("save", "bob", word="zq0003")],
        Op("save", word="zq0002"),
    ),
}
"""Each kind of call alone: what comes before it, and the call."""


@dataclass
class _Writer:
    """Chooses the next operation; knows what there is to update and to forget."""

    chance: Random
    live: dict[str, list[list[str]]] = field(default_factory=lambda: {one: [] for one in USERS})
    talks: dict[str, list[str]] = field(default_factory=lambda: {one: [] for one in USERS})
    stays: dict[str, list[str]] = field(default_factory=lambda: {one: [] for one in USERS})
    """Words in preferences and such, which only wholly forgetting the user removes."""
    count: int = 0

    def word(self) -> str:
        self.count += 1
        return f"zq{self.count:04d}"

    def next(self) -> Op:
        user = self.chance.choice(USERS)
        kind = self.chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if kind in ("update_text", "update_weight", "forget") and not self.live[user]:
            kind = "save"
        if kind in ("forget_session", "end_session") and not self.talks[user]:
            kind = "save_conversation"
        if kind in ("forget_all", "forget_user") and not self.live[user]:
            kind = "save"
        return getattr(self, f"_{kind}", self._plain)(kind, user)

    def _plain(self, kind: str, user: str) -> Op:
        return Op(kind, user, self.word())

    def _save(self, kind: str, user: str) -> Op:
        word = self.word()
        self.live[user].append([word])
        return Op("save", user, word)

    def _save_fact(self, kind: str, user: str) -> Op:
        word = self.word()
        self.live[user].append([word])
        return Op(kind, user, word)

    def _save_long(self, kind: str, user: str) -> Op:
        word = self.word()
        self.live[user].append([word])
        return Op(kind, user, word)

    def _save_conversation(self, kind: str, user: str) -> Op:
        word = self.word()
        self.talks[user].append(word)
        return Op(kind, user, word)

    def _save_stated(self, kind: str, user: str) -> Op:
        return Op(kind, user, self.word())

    def _update_text(self, kind: str, user: str) -> Op:
        words = self.chance.choice(self.live[user])
        target, word = words[-1], self.word()
        words.append(word)
        return Op(kind, user, word, target)

    def _update_weight(self, kind: str, user: str) -> Op:
        return Op(kind, user, target=self.chance.choice(self.live[user])[-1])

    def _forget(self, kind: str, user: str) -> Op:
        words = self.live[user].pop(self.chance.randrange(len(self.live[user])))
        return Op(kind, user, target=words[-1], forgets=tuple(words))

    def _forget_session(self, kind: str, user: str) -> Op:
        word = self.talks[user].pop(self.chance.randrange(len(self.talks[user])))
        return Op(kind, user, target=word, forgets=tuple(f"{word}p{i}" for i in range(5)))

    def _end_session(self, kind: str, user: str) -> Op:
        return Op(kind, user, target=self.chance.choice(self.talks[user]))

    def _forget_all(self, kind: str, user: str) -> Op:
        words = [word for words in self.live[user] for word in words]
        words += [f"{word}p{i}" for word in self.talks[user] for i in range(5)]
        self.live[user].clear()
        self.talks[user].clear()
        return Op(kind, user, forgets=tuple(words))

    _forget_user = _forget_all

    def _set_preference(self, kind: str, user: str) -> Op:
        return Op(kind, user, self.word(), self.chance.choice(("style", "tone")))

    def _delete_preference(self, kind: str, user: str) -> Op:
        return Op(kind, user, target=self.chance.choice(("style", "tone")))


_WEIGHTS = {
    "save": 8,
    "save_long": 1,
    "save_fact": 2,
    "save_conversation": 3,
    "save_stated": 1,
    "update_text": 3,
    "update_weight": 2,
    "forget": 3,
    "forget_session": 1,
    "set_preference": 2,
    "delete_preference": 1,
    "start_session": 1,
    "end_session": 1,
    "forget_all": 0.5,
    "forget_user": 0.7,
}


def script_of(seed: int, length: int) -> list[Op]:
    """Random operations of two users; each can be done after those before it."""
    writer = _Writer(Random(seed))
    return [writer.next() for _ in range(length)]


def forgotten(ops: Iterable[Op]) -> list[str]:
    """Words that must be in no file when these have returned."""
    return [word for op in ops for word in op.forgets]
