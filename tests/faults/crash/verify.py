"""What must be true of a folder after a fault: the invariants, each looked at by reopening it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.transaction import Transaction

from .script import USERS, State, needles_of, state_of, text_of


@dataclass
class Verdict:
    """What was found.

    Attributes:
        at: Number of the expected state that was found; -1 if none.
        violations: What was wrong, in words.
    """

    at: int
    violations: list[str]


async def verify(
    config: MemoryConfig, expected: Sequence[State], forgotten: Sequence[str]
) -> Verdict:
    """Open the folder twice and look at everything.

    Args:
        expected: States of which one must be found.
        forgotten: Words that must be in no file.
    """
    found = Verdict(-1, [])
    say = found.violations.append
    said_before = _traces(config.data_dir, forgotten)
    async with Vault(config) as vault:
        state = await state_of(vault)
        # the last one that fits: an operation that changes nothing is as good as done
        found.at = max((i for i, one in enumerate(expected) if one == state), default=-1)
        if found.at < 0:
            say(f"I1: neither before nor after: {[difference(state, one) for one in expected]}")
        for problem in (await vault.check()).problems:
            say(f"damaged: {problem}")
        listed = [one.user_id for one in (await vault.list_users(page_size=1000)).items]
        for user, held in zip(USERS, state, strict=True):
            if any(held[:3]) and user not in listed:
                say(f"{user} is not listed and has memories")
            found.violations += await _recallable(vault, user, [one[0] for one in held[0]])
            found.violations += await index_differs(vault, user)
    found.violations += _strays(config.data_dir, listed)
    before = digests(config.data_dir)
    async with Vault(config) as vault:
        if await state_of(vault) != state:
            say("I7: the second opening found something else")
    if digests(config.data_dir) != before:
        say("I7: opening a second time changed a file")
    for when, traces in (
        ("", said_before),
        (" after reopening", _traces(config.data_dir, forgotten)),
    ):
        if traces:
            say(f"I3: forgotten bytes are in a file{when}: {traces}")
    return found


def difference(found: Any, expected: Any) -> str:
    """Where two states first differ, in few words."""
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        for number, pair in enumerate(zip(found, expected, strict=False)):
            if pair[0] != pair[1]:
                return f"{number}.{difference(*pair)}"
        if len(found) != len(expected):
            longer = found if len(found) > len(expected) else expected
            rest = str(longer[min(len(found), len(expected)) :])[:300]
            return f" {len(found)} found, {len(expected)} expected: {rest}"
    return f" found {found!r:.120}, expected {expected!r:.120}"


async def _recallable(vault: Vault, user: str, contents: list[str]) -> list[str]:
    """I1 and I4: the newest and the oldest memories are found, and nobody else's."""
    wrong = []
    memory = MemoryLayer(user, vault=vault)
    await memory.open()
    for content in {*contents[:1], *contents[-2:]}:
        if "word zq" not in content:
            continue
        word = content.split()[2]
        recalled = [one.memory.content for one in (await memory.recall(word, top_k=200)).memories]
        if content not in recalled:
            page = await memory.list_memories(page_size=1000)
            kind = next(one.memory_type for one in page.items if one.content == content)
            if kind != "working":
                wrong.append(f"I1: {user}'s {word} is not recalled")
        if not set(recalled) <= set(contents):
            wrong.append(f"I2/I4: {user} recalls what is not theirs")
    return wrong


async def index_differs(vault: Vault, user: str) -> list[str]:
    """I2: after a recall the index in memory holds what the file holds, to the byte."""
    engine = vault.engine
    dimension = engine.embedder.fingerprint.dimension
    memory = MemoryLayer(user, vault=vault)
    await memory.open()
    await memory.recall("What was said at the harbour?")
    index = engine.indexes.get(user, dimension)

    def compare(user_file: Transaction) -> bool:
        if user_file.feed.generation() != index._generation:
            return True
        truth = user_file.feed.rows_after(0, 1_000_000)
        alive = index.column("alive")
        versions = index.column("version")[alive].tolist()
        superseded = index.column("superseded")[alive]
        wanted = [row.version for row in truth for _ in row.chunks]
        current = [row.superseded_at is None for row in truth for _ in row.chunks]
        return versions != wanted or (superseded == np.iinfo(np.int64).max).tolist() != current

    if await engine.store.read(user, compare):
        return [f"I2: the index of {user} differs from the file"]
    return []


def digests(folder: Path) -> dict[str, str]:
    """Every file's content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _strays(folder: Path, listed: Sequence[str]) -> list[str]:
    """Files of a closed vault that nothing needs."""
    known = {folder / "catalog.db", *(user_path(folder, user) for user in listed)}
    return [
        f"left behind: {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in known
    ]


def _traces(folder: Path, words: Sequence[str]) -> list[str]:
    """Forgotten words of which some file holds the text, the embedding or the token ids."""
    if not words:
        return []
    needles = {word: needles_of(word) for word in words}
    found = []
    for path in (one for one in folder.rglob("*") if one.is_file()):
        held = path.read_bytes()
        lowered = held.lower()
        traces = [w for w, (text, *rest) in needles.items() if text in lowered or _any(rest, held)]
        found += [f"{', '.join(traces)} in …{path.name[-12:]}"] if traces else []
    return found


def _any(needles: Sequence[bytes], held: bytes) -> bool:
    return any(one in held for one in needles)


def shows(folder: Path, word: str) -> bool:
    """The control: whether every needle of a word that is there would be found."""
    held = b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert text_of(word).encode() in held or word.encode() in held
    return all(needle in held for needle in needles_of(word))
