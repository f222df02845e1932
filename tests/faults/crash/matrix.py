"""The crash matrix: random kills of long scripts, and a fault at every operation on the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import anyio

from memory_vault import Vault
from memory_vault.config import Durability
from memory_vault.errors import StorageError
from memory_vault.testing.faulty_disk import EXIT_CODE, Fault, FaultyDisk

from .forks import Fork, Say
from .script import (
    SINGLE,
    Layers,
    Op,
    State,
    config_of,
    do,
    forgotten,
    newer_schema,
    script_of,
    state_of,
)
from .verify import difference, index_differs, shows, verify

LENGTH = 40
"""Operations of a script whose writer is killed."""
FAULTS: tuple[tuple[Fault, Durability], ...] = (
    ("exit", "power"),
    ("error", "power"),
    ("dead", "power"),
    ("full", "power"),
    ("short", "power"),
    ("power", "power"),
    ("torn", "power"),
    ("power", "process"),
    ("torn", "process"),
)


@dataclass
class Figures:
    """What was done and what was found.

    Attributes:
        kills: Writers ended by SIGKILL at a random moment.
        points: Faults injected, by kind of fault.
        operations: Operations acknowledged before a fault.
        forgotten: Words that were searched for in every file and must not be there.
        violations: What was wrong, with what repeats it.
    """

    kills: int = 0
    points: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    forgotten: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        self.kills += other.kills
        self.points.update(other.points)
        self.operations += other.operations
        self.forgotten += other.forgotten
        self.violations += other.violations

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


# the writer's side --------------------------------------------------------------------------------


def _write(
    folder: Path,
    durability: Durability,
    ops: Sequence[Op],
    backend: str,
    say: Say,
    *,
    states: list[State] | None = None,
    closes: bool = False,
) -> None:
    """Do the operations and tell of each; then end without closing anything, unless it `closes`."""

    async def main() -> None:
        vault = Vault(config_of(folder, durability))
        await vault.open()
        layers = Layers(vault)
        say("open")
        for op in ops:
            await do(op, layers)
            say("done")
            if states is not None:
                states.append(await state_of(vault))
        if closes:
            await vault.close()
        else:
            os._exit(0)

    anyio.run(main, backend=backend)


def _reference(folder: Path, ops: Sequence[Op], backend: str, failures: list[str]) -> list[State]:
    """The states before the first operation and after each, from a run that nothing disturbs."""

    def main(say: Say) -> None:
        states: list[State] = []

        async def begin() -> None:
            async with Vault(config_of(folder)) as vault:
                states.append(await state_of(vault))

        anyio.run(begin, backend=backend)
        _write(folder, "process", ops, backend, lambda *_: None, states=states, closes=True)
        live = [op.word for op in ops if op.kind == "save"]
        gone = set(forgotten(ops))
        for word in live:
            if word not in gone and not any(op.kind.startswith("forget_") for op in ops):
                assert shows(folder, word), f"the scan is blind to {word}"
        say(states)

    said, status = Fork(main).finish()
    if status or not said or said[-1][0] == "failed":
        failures.append(f"the run without a fault failed: {said[-1:]}")
        return []
    return [_tupled(one) for one in said[-1][0]]


def _tupled(state: Any) -> Any:
    """As `state_of` gives it: what went through JSON has lists for tuples."""
    return tuple(
        (
            [tuple(one) for one in user[0]],
            [tuple(one) for one in user[1]],
            [tuple(one) for one in user[2]],
            tuple(user[3]),
        )
        for user in state
    )


def _verified(
    folder: Path,
    durability: Durability,
    expected: Sequence[State],
    promised: Sequence[str],
    backend: str,
) -> tuple[int, list[str]]:
    """What `verify` finds, in a process of its own."""

    def main(say: Say) -> None:
        found = anyio.run(
            verify, config_of(folder, durability), expected, promised, backend=backend
        )
        say(found.at, found.violations)

    said, status = Fork(main).finish()
    if status or not said:
        return -1, [f"reopening failed with {status}: {said}"]
    return said[-1][0], said[-1][1]


# random kills -------------------------------------------------------------------------------------


def kills(seed: int, base: Path, *, length: int = LENGTH) -> Figures:
    """Run one script to its end through as many kills as it takes, and look after each."""
    chance, figures = Random(seed), Figures()
    backend = chance.choice(("asyncio", "trio"))
    durability: Durability = chance.choice(("power", "process"))
    ops = script_of(seed, length)
    expected = _reference(base / "reference", ops, backend, figures.violations)
    folder, begun, promised = base / "vault", 0, list[str]()
    while expected and begun < len(ops):
        share = 0.4 if durability == "power" else 0.1  # without it, a power loss ends the script
        fault: Fault = chance.choice(("power", "torn")) if chance.random() < share else "none"
        number, seed_of_it = chance.randrange(1, 200), chance.randrange(1 << 32)
        write = partial(_write, folder, durability, ops[begun:], backend)
        if fault == "none":
            done, has_fired, failure = _kill_at_some_moment(Fork(write), chance, len(ops) - begun)
            figures.kills += has_fired
        else:
            disk = partial(FaultyDisk, folder, fault, number, seed=seed_of_it)
            done, has_fired, failure = _lose_power_at_some_moment(disk, write)
            figures.points[fault] += has_fired
        figures.operations += done
        first = begun + done
        is_lossy = durability == "process" and fault != "none"
        promised += forgotten(ops[begun:first])
        figures.forgotten += len(promised)
        wanted = expected[first : first + 2]
        if is_lossy:  # each user's file falls back by itself, to any moment before
            wanted = list(product(*zip(*expected[begun : first + 2], strict=True)))
        at, wrong = _verified(folder, durability, wanted, promised, backend)
        if failure:
            wrong.append(failure)
        if wrong:
            now = ops[first] if first < len(ops) else None
            repeat = f"kills seed={seed} {backend} {durability} {fault} operation {first} {now}"
            figures.violations += [f"{repeat}: {one}" for one in wrong]
            break
        if is_lossy:
            break
        begun = first + at
    shutil.rmtree(base, ignore_errors=True)
    return figures


def _lose_power_at_some_moment(
    disk: Callable[[], FaultyDisk], write: Callable[[Say], None]
) -> tuple[int, bool, str]:
    """The same as `_kill_at_some_moment`, at an operation on the disk."""

    def main(say: Say) -> None:
        with disk():
            write(say)

    said, status = Fork(main).finish()
    failure = next((one[1] for one in said if one[0] == "failed"), "")
    return said.count(["done"]), status == EXIT_CODE, failure


def _kill_at_some_moment(writer: Fork, chance: Random, ahead: int) -> tuple[int, bool, str]:
    """Kill after some operations and a moment more; how many it has told of, and how it ended."""
    wanted = chance.randrange(-1, min(ahead, 7))
    done = -1  # "open" comes first
    while done < wanted and writer.hear() is not None:
        done += 1
    time.sleep(chance.choice((0.0, 0.001, 0.004, 0.02)) * chance.random())
    writer.kill()
    said, status = writer.finish()
    failure = next((one[1] for one in said if one[0] == "failed"), "")
    heard = [one for one in said if one[0] != "failed"]
    return max(done + len(heard), 0), status < 0, failure


# a fault at every operation on the disk -----------------------------------------------------------


def _suffer(
    folder: Path,
    durability: Durability,
    op: Op,
    backend: str,
    fault: Fault,
    at: int,
    seed: int,
    expected: Sequence[State],
    say: Say,
) -> None:
    """Make the call on a disk with one fault; if that does not end it, look and go on."""
    with FaultyDisk(folder, fault, at, seed=seed) as disk:

        async def main() -> None:
            vault = Vault(config_of(folder, durability))
            is_done = False
            try:
                await vault.open()
                await do(op, Layers(vault))
                is_done = True
            except StorageError as error:
                if not disk.has_fired:
                    raise
                say("refused", type(error).__name__)
            if is_done:
                say("done")
            say("count", disk.count, disk.has_fired)
            if fault in ("power", "torn"):
                disk.lose_power()  # right after the answer
            if fault == "exit":
                os._exit(0)
            disk.is_healed = True
            await _lives_on(vault, is_done, expected, say)
            await vault.close()

        anyio.run(main, backend=backend)


async def _lives_on(vault: Vault, is_done: bool, expected: Sequence[State], say: Say) -> None:
    """In the same process, after a fault: whole or nothing, the index agrees, and work goes on."""
    await vault.open()
    state = await state_of(vault)
    wanted = expected[1:] if is_done else expected
    if state not in wanted:
        say("wrong", f"in the same process: {[difference(state, one) for one in wanted]}")
    for user in ("alice", "bob"):
        for wrong in await index_differs(vault, user):
            say("wrong", f"in the same process: {wrong}")


def points(
    name: str,
    fault: Fault,
    durability: Durability,
    seed: int,
    base: Path,
    *,
    at_most: int | None = None,
) -> Figures:
    """One kind of call with one kind of fault at its first operation on the disk, its second …

    Args:
        at_most: Try so many of the points, chosen by the seed; None for all.
    """
    chance, figures = Random(f"{seed}/{name}/{fault}/{durability}"), Figures()
    backend = chance.choice(("asyncio", "trio"))
    if before := SINGLE[name][0]:
        _reference(base / "template", before, backend, figures.violations)
    with newer_schema() if name == "migration" else nullcontext():
        _all_points(name, fault, durability, seed, base, at_most, chance, backend, figures)
    shutil.rmtree(base, ignore_errors=True)
    return figures


def _all_points(
    name: str,
    fault: Fault,
    durability: Durability,
    seed: int,
    base: Path,
    at_most: int | None,
    chance: Random,
    backend: str,
    figures: Figures,
) -> None:
    template, (_, op) = base / "template", SINGLE[name]
    _copy(template, base / "reference")
    expected = _reference(base / "reference", [op], backend, figures.violations)
    try_one = partial(_one_point, base, durability, op, backend, fault, expected, figures)
    for at in _which(chance, at_most):
        repeat = f"points {name!r} {fault} durability={durability} {backend} at={at} seed={seed}"
        if not try_one(template, seed, at, repeat) and at_most is None:
            break


def _which(chance: Random, at_most: int | None) -> Iterator[int]:
    """1, 2, 3 … without end; or a few, whose last is the one after the last that there is."""
    if at_most is None:
        at = 0
        while True:
            yield (at := at + 1)
    yield from sorted(chance.sample(range(1, 30), at_most))
    yield 1_000_000


def _copy(template: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if template.exists():
        shutil.copytree(template, folder)


def _one_point(
    base: Path,
    durability: Durability,
    op: Op,
    backend: str,
    fault: Fault,
    expected: Sequence[State],
    figures: Figures,
    template: Path,
    seed: int,
    at: int,
    repeat: str,
) -> bool:
    """Try one point; False when the call was over before it came to that."""
    folder = base / "vault"
    _copy(template, folder)
    child = Fork(partial(_suffer, folder, durability, op, backend, fault, at, seed + at, expected))
    said, status = child.finish()
    wrong = [one[1] for one in said if one[0] in ("wrong", "failed")]
    is_done = ["done"] in said
    counted = [one for one in said if one[0] == "count"]
    has_fired = counted[0][2] if counted else status == EXIT_CODE
    if status not in (0, EXIT_CODE) and not wrong:
        wrong.append(f"the writer ended with {status}")
    is_lossy = durability == "process" and fault in ("power", "torn")
    is_promised = is_done and not is_lossy
    promised = forgotten([op]) if is_done else []
    wanted = list(expected[1:]) if is_promised else list(expected)
    _, found = _verified(folder, durability, wanted, promised, backend)
    figures.points[fault] += status == EXIT_CODE or has_fired
    figures.operations += is_done
    figures.forgotten += len(promised)
    figures.violations += [f"{repeat}: {one}" for one in wrong + found]
    return has_fired and len(figures.violations) < 20
