"""What installed packages and callers add: found when first needed, never fatal to a save.

A package offers a plugin as an entry point in one of these groups, each behind "memory_vault.":

- `type_classifiers`: `TypeClassifier`s, asked at every save before our own rules.
- `fact_readers`: `FactReader`s, asked for the facts that a message states.
- `embedders`, `rerankers`, `llms`, `indexes`: `Factory`s, used when a setting begins with their
  name.

What speaks for itself (classifiers, readers) is asked in order of its `priority`, highest first.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast, get_args, runtime_checkable

from .errors import ConfigError, MemoryVaultError
from .models import MEMORY_TYPES, MemoryType, Message

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Group = Literal["type_classifiers", "fact_readers", "embedders", "rerankers", "llms", "indexes"]
GROUPS: tuple[Group, ...] = get_args(Group)
_PREFIX = "memory_vault."


@runtime_checkable
class TypeClassifier(Protocol):
    """Says what type a memory is, from its text and who said it.

    1. It returns a memory type, or None to leave it to the next one.
    2. It is called in worker threads, several at once, inside a save: it is quick, does no I/O and
       keeps nothing of the text.
    3. An attribute `priority` (default 0) says how early it is asked.
    4. Whatever it raises, or returns that is no type, is counted and passed over.
    """

    def __call__(self, text: str, role: str) -> MemoryType | None:
        """The type, or None."""
        ...


@dataclass(frozen=True, slots=True)
class StatedFact:
    """One fact that a message states.

    Attributes:
        subject: What it is about, as a key: of two facts on one subject the later one holds.
        value: What it says of it.
        text: The fact as a sentence that can be read by itself; "" if the message ends a fact.
        start: Where in the message it stands, in characters.
        since: Since when it holds, or when it ended, aware; None for when it was said.
    """

    subject: str
    value: str
    text: str
    start: int = 0
    since: datetime | None = None


@runtime_checkable
class FactReader(Protocol):
    """Reads the facts that a message states; the same rules as for `TypeClassifier` hold."""

    def __call__(self, message: Message) -> Sequence[StatedFact]:
        """The facts, in the order in which they stand; none is an answer."""
        ...


class Factory(Protocol[T_co]):
    """Makes an embedder, a reranker, a language model or an index that a setting names."""

    def __call__(self, argument: str, api_key: str | None) -> T_co:
        """The part, closed still: nothing is read or reached before its `open`.

        Args:
            argument: What stands in the setting behind the plugin's name and a colon; else "".
            api_key: The key that is set for such a service.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of an installed package."""

    group: Group
    name: str
    package: str
    version: str
    entry: EntryPoint = field(repr=False, compare=False)


@dataclass(slots=True)
class _Voice:
    """One classifier or reader, and what went wrong with it."""

    name: str
    call: Callable[..., Any]
    priority: int
    failures: int = 0
    last: str = ""


class Plugins:
    """The classifiers and readers of one vault: the caller's own and those of installed packages.

    Nothing is looked for before the first use. Its methods block: call them in a worker thread.

    Args:
        type_classifiers: The caller's own; of one priority they are asked before installed ones.
        fact_readers: The same, for facts.
        installed: Whether those of installed packages are used too.
    """

    def __init__(
        self,
        *,
        type_classifiers: Sequence[TypeClassifier] = (),
        fact_readers: Sequence[FactReader] = (),
        installed: bool = True,
    ) -> None:
        self._own: dict[Group, tuple[Callable[..., Any], ...]] = {
            "type_classifiers": tuple(type_classifiers),
            "fact_readers": tuple(fact_readers),
        }
        if not all(callable(one) for each in self._own.values() for one in each):
            raise ConfigError("plugins: a classifier and a reader must be callable")
        self._installed = installed
        self._lock = threading.Lock()
        self._voices: dict[Group, list[_Voice]] = {}
        self._broken: list[str] = []

    def classify(self, text: str, role: str) -> MemoryType | None:
        """What the first classifier with an opinion says; None if none has one."""
        for voice in self._of("type_classifiers"):
            found = self._ask(voice, _memory_type, text, role)
            if found is not None:
                return found
        return None

    def read_facts(self, message: Message) -> tuple[StatedFact, ...]:
        """What all readers find, in their order; of equal facts the first."""
        found: dict[StatedFact, None] = {}
        for voice in self._of("fact_readers"):
            facts = self._ask(voice, partial(_facts, message), message)
            found.update(dict.fromkeys(facts or ()))
        return tuple(found)

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong so far, a line a plugin; it names no text."""
        with self._lock:
            raised = [
                f"{voice.name} failed {voice.failures} times and was passed over, last with "
                f"{voice.last}"
                for voices in self._voices.values()
                for voice in voices
                if voice.failures
            ]
            return (*self._broken, *raised)

    def _of(self, group: Group) -> list[_Voice]:
        with self._lock:
            if group not in self._voices:
                self._voices[group] = self._find(group)
            return self._voices[group]

    def _find(self, group: Group) -> list[_Voice]:
        """All of a group, in the order in which they are asked. Hold the lock."""
        voices = [_Voice(_name(one), one, _priority(one)) for one in self._own[group]]
        for plugin, problem in survey(group) if self._installed else ():
            if problem:
                self._broken.append(f"{plugin.name} of {plugin.package}: {problem}")
            else:
                call = plugin.entry.load()
                name = f"{plugin.name} of {plugin.package}"
                voices.append(_Voice(name, call, _priority(call)))
        return sorted(voices, key=lambda one: -one.priority)

    def _ask(self, voice: _Voice, check: Callable[[Any], T], *args: object) -> T | None:
        """What a plugin says, checked; whatever is raised is counted, and is nothing."""
        try:
            return check(voice.call(*args))
        except Exception as error:  # noqa: BLE001 - a fence: a plugin must not lose a memory
            with self._lock:
                voice.failures += 1
                voice.last = type(error).__name__  # its message may quote the text
            return None


def installed(group: Group) -> list[Plugin]:
    """What installed packages offer in a group, by name and package. Blocking."""
    from importlib.metadata import entry_points

    found = [
        Plugin(
            group,
            one.name,
            one.dist.name if one.dist else "?",
            one.dist.version if one.dist else "?",
            one,
        )
        for one in entry_points(group=_PREFIX + group)
    ]
    return sorted(found, key=lambda one: (one.name, one.package))


def survey(*groups: Group) -> list[tuple[Plugin, str]]:
    """Every installed plugin with what is wrong with it, or "". Blocking: they are imported.

    A name that two packages claim is used of neither.
    """
    plugins = [one for group in groups or GROUPS for one in installed(group)]
    names = [(one.group, one.name) for one in plugins]
    return [
        (one, "another package offers the same name, so neither is used")
        if names.count((one.group, one.name)) > 1
        else (one, _problem(one))
        for one in plugins
    ]


def make(group: Group, name: str, argument: str, api_key: str | None, kind: type[T]) -> T | None:
    """What the plugin of that name makes; None if no installed package offers it. Blocking.

    Raises:
        ConfigError: If two packages offer it, or it fails, or what it makes is not of that kind.
    """
    found = [one for one in installed(group) if one.name == name]
    if not found:
        return None
    packages = " and ".join(one.package for one in found)
    if len(found) > 1:
        raise ConfigError(f"{name!r} is offered by {packages}: uninstall one of them")
    try:
        made = found[0].entry.load()(argument, api_key)
    except MemoryVaultError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the plugin {name!r} of {packages} failed with {type(error).__name__}"
        ) from error
    if not _fulfils(made, kind):
        raise ConfigError(f"the plugin {name!r} of {packages} made no {kind.__name__}")
    return cast("T", made)


def _fulfils(made: object, kind: type) -> bool:
    """Whether it has all that a Protocol names; its properties are not read, for it is closed."""
    names = [name for name in vars(kind) if not name.startswith("_")]
    return all(inspect.getattr_static(made, name, None) is not None for name in names)


def _problem(plugin: Plugin) -> str:
    """What keeps a plugin from being used, or ""."""
    try:
        found = plugin.entry.load()
    except Exception as error:  # noqa: BLE001 - a fence: an import may raise anything
        return f"it cannot be imported: {type(error).__name__}"
    return "" if callable(found) else "it is not callable"


def _name(one: object) -> str:
    return str(getattr(one, "__qualname__", type(one).__name__))


def _priority(one: object) -> int:
    found = getattr(one, "priority", 0)
    return found if isinstance(found, int) else 0


def _memory_type(found: Any) -> MemoryType | None:
    if found is None or found in MEMORY_TYPES:
        return found  # type: ignore[no-any-return]
    raise TypeError("no memory type")


def _facts(message: Message, found: Any) -> tuple[StatedFact, ...]:
    """The facts, if each is one and lies within its message."""
    facts = tuple(found)
    for one in facts:
        if not isinstance(one, StatedFact) or not one.subject:
            raise TypeError("no fact")
        if not 0 <= one.start <= len(message.content):
            raise ValueError("start")
        if one.since is not None and one.since.tzinfo is None:
            raise ValueError("since")
    return facts
