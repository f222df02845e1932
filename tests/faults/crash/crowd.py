"""Many processes at once on one vault: writers, readers, and somebody else's SQLite."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import anyio

from memory_vault import MemoryLayer, Vault
from memory_vault.errors import NotFound
from memory_vault.storage.sqlite.files import user_path

from .forks import Fork, Say
from .script import config_of, text_of

WRITERS = READERS = 4
KINDS: dict[str, tuple[list[str], float]] = {
    "one user": (["alice"], 0.0),
    "many users": ([f"user {i}" for i in range(20)], 0.0),
    "users who come and go": ([f"guest {i}" for i in range(5)], 0.15),
}
"""Which users, and how often a writer wholly forgets one instead of saving."""


@dataclass
class Crowd:
    """What was done and what was found.

    Attributes:
        saved: Calls to `save` that returned.
        forgotten: Calls to `forget_user` that returned.
        read: Listings and recalls.
        foreign: Reads by Python's own SQLite from another process.
        slowest_ms: The slowest call, by kind.
    """

    saved: int = 0
    forgotten: int = 0
    read: int = 0
    foreign: int = 0
    slowest_ms: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def crowd(kind: str, seconds: float, seed: int, folder: Path) -> Crowd:
    """Let all of them work for some seconds, then look for everything that was acknowledged.

    However busy the machine, each writes or reads once.
    """
    until = time.monotonic() + seconds
    users, share = KINDS[kind]
    mains: list[Callable[[Say], None]] = [
        *(partial(_write, folder, users, share, f"{seed}{i}", until) for i in range(WRITERS)),
        *(partial(_read, folder, users, f"{seed}{i}", until) for i in range(READERS)),
        partial(_read_elsewhere, folder, users, until),
    ]
    found, forks = Crowd(), [Fork(partial(_telling_at_the_end, main)) for main in mains]
    saved: list[tuple[str, str, int]] = []
    forgotten: dict[str, int] = Counter()
    for one in forks:
        said, status = one.finish()
        if status:
            found.violations.append(f"{kind}: a process ended with {status}: {said[-1:]}")
        for what, *rest in said:
            match what:
                case "saved":
                    saved.append(tuple(rest))
                case "forgot":
                    forgotten[rest[0]] = max(forgotten[rest[0]], rest[1])
                    found.forgotten += 1
                case "read":
                    found.read += rest[0]
                case "foreign":
                    found.foreign += rest[0]
                case "slowest":
                    before = found.slowest_ms.get(rest[0], 0.0)
                    found.slowest_ms[rest[0]] = max(before, rest[1])
                case "wrong":
                    found.violations.append(f"{kind}: {rest[0]}")
    found.saved = len(saved)
    kept = [(user, memory_id) for user, memory_id, began in saved if began > forgotten[user]]
    said, status = Fork(partial(_look, folder, kept)).finish()
    if status or said:
        found.violations.append(f"{kind}: afterwards, status {status}: {said}")
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _telling_at_the_end(main: Callable[[Say], None], say: Say) -> None:
    """Nobody listens before: a full pipe would stop the work."""
    told: list[tuple[object, ...]] = []
    main(lambda *parts: told.append(parts))
    for parts in told:
        say(*parts)


def _write(folder: Path, users: list[str], share: float, seed: str, until: float, say: Say) -> None:
    chance = Random(seed)
    slowest = 0.0

    async def main() -> None:
        nonlocal slowest
        async with Vault(config_of(folder)) as vault:
            number = 0
            while not number or time.monotonic() < until:
                number += 1
                user = chance.choice(users)
                began = time.monotonic_ns()
                if chance.random() < share:
                    try:
                        await vault.forget_user(user, confirm=True)
                    except NotFound:
                        continue
                    say("forgot", user, time.monotonic_ns())
                else:
                    await _save(vault, user, f"zq{seed}n{number}", began, say)
                slowest = max(slowest, (time.monotonic_ns() - began) / 1e6)

    anyio.run(main, backend=chance.choice(("asyncio", "trio")))
    say("slowest", "save", round(slowest, 1))


async def _save(vault: Vault, user: str, word: str, began: int, say: Say) -> None:
    """Save, and see it at once unless somebody forgets the user meanwhile."""
    memory = MemoryLayer(user, vault=vault)
    await memory.open()
    (saved,) = (await memory.save(text_of(word))).saved
    say("saved", user, saved.id, began)
    recalled = [one.memory.id for one in (await memory.recall(word, top_k=50)).memories]
    if saved.id not in recalled and not user.startswith("guest"):
        say("wrong", f"{word} is not recalled by its own writer")


def _read(folder: Path, users: list[str], seed: str, until: float, say: Say) -> None:
    chance, seen = Random(f"reader {seed}"), Counter[str]()
    slowest = 0.0

    async def main() -> None:
        nonlocal slowest
        async with Vault(config_of(folder)) as vault:
            while not seen or time.monotonic() < until:
                user = chance.choice(users)
                memory = MemoryLayer(user, vault=vault)
                began = time.monotonic()
                await memory.open()
                count = sum((await memory.stats()).memories.values())
                await memory.recall("What was said at the harbour?")
                slowest = max(slowest, (time.monotonic() - began) * 1e3)
                if count < seen[user] and not user.startswith("guest"):
                    say("wrong", f"a reader saw {seen[user]} memories, then {count}")
                seen[user] = count
                seen["\0"] += 2

    anyio.run(main, backend=chance.choice(("asyncio", "trio")))
    say("read", seen["\0"])
    say("slowest", "read", round(slowest, 1))


def _read_elsewhere(folder: Path, users: list[str], until: float, say: Say) -> None:
    """Another program with another SQLite; what it cannot open is its own affair."""
    count = 0
    while time.monotonic() < until:
        for user in users:
            path = user_path(folder, user)
            if not path.exists():
                continue
            try:
                connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=5)
                try:
                    connection.execute("SELECT count(*) FROM memories").fetchone()
                    count += 1
                finally:
                    connection.close()
            except sqlite3.OperationalError:
                if path.exists() and not user.startswith("guest"):
                    raise
    say("foreign", count)


def _look(folder: Path, kept: Iterable[tuple[str, str]], say: Say) -> None:
    async def main() -> None:
        async with Vault(config_of(folder)) as vault:
            listed = {one.user_id for one in (await vault.list_users(page_size=1000)).items}
            held: dict[str, set[str]] = {}
            for user, memory_id in kept:
                if user not in held:
                    held[user] = await _ids(vault, user)
                    if user not in listed:
                        say("wrong", f"{user} is not listed")
                if memory_id not in held[user]:
                    say("wrong", f"{user} lost {memory_id}")
            for problem in (await vault.check()).problems:
                say("wrong", str(problem))
        for path in folder.rglob("*.new*"):
            say("wrong", f"left behind: {path.name}")

    anyio.run(main)


async def _ids(vault: Vault, user: str) -> set[str]:
    memory = MemoryLayer(user, vault=vault)
    await memory.open()
    found, cursor = set[str](), None
    while True:
        page = await memory.list_memories(page_size=1000, cursor=cursor)
        found |= {one.id for one in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return found
