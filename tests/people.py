"""A person over time: what they say over the years, and what is true of them at every moment.

Made from a seed alone. `Life.talks` is what is said, session after session; `Life.truth` is what a
vault that was told the first n of them must take for current at a moment. It knows nothing of how
facts are read or kept, so that the same life can be checked after anything that must not change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from memory_vault import MemoryLayer

START = datetime(2018, 1, 1, 9, tzinfo=UTC)
CITIES = ("Lisbon", "Oslo", "Quito", "Krakow", "Dublin", "Nairobi", "Ghent", "Busan", "Turin")
FIRMS = ("Contoso", "Fabrikam", "Litware", "Northwind", "Proseware", "Tailspin")
TASTES = ("jazz", "coffee", "sailing", "chess", "olives", "opera", "cycling", "sushi")
DIETS = ("vegan", "vegetarian", "pescatarian")
SMALL_TALK = (
    "Could you help me with a spreadsheet?",
    "What a long day it was, thanks for listening.",
    "My friend says he lives in Paris and loves opera.",
    "If I lived in Rome, I would eat ice cream every day.",
    "Do I like olives? I wonder.",
    "I might move to Sweden one day.",
    'The sign said "I work at Contoso" in big letters.',
)
FACTS = (
    "User lives in ",
    "User works at ",
    "User likes ",
    "User dislikes ",
    "User is ",
    "User has a car",
    "User plans on ",
)
"""How the facts begin that a life is about; what else is read is not looked at."""


@dataclass(frozen=True)
class Talk:
    """One session: what is said, when, and the events it tells of.

    Attributes:
        events: Subject, the fact from then on ("" for none), and since when.
    """

    session_id: str
    moment: datetime
    turns: tuple[tuple[str, str], ...]
    events: tuple[tuple[str, str, datetime], ...]


@dataclass
class Life:
    """Everything one person says, in the order in which it is told.

    Args:
        late: How many talks are told late: after those that come next in time.
    """

    seed: int
    count: int = 200
    late: int = 12
    talks: list[Talk] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = Random(self.seed)
        moment, state = START, dict[str, str]()
        for number in range(self.count):
            moment += timedelta(days=chance.randrange(3, 15), minutes=chance.randrange(600))
            self.talks.append(_talk(chance, number, moment, state))
        for _ in range(self.late):
            self.talks.insert(
                chance.randrange(self.count // 2, self.count),
                self.talks.pop(chance.randrange(self.count // 2)),
            )

    def truth(self, told: int, at: datetime) -> set[str]:
        """What holds at a moment, for one who was told the first `told` talks."""
        events = sorted(
            (since, order, subject, fact)
            for order, talk in enumerate(self.talks[:told])
            for subject, fact, since in talk.events
            if since <= at
        )
        current = {subject: fact for _, _, subject, fact in events}
        return {fact for fact in current.values() if fact}

    def moments(self, chance: Random, count: int) -> list[datetime]:
        """Some moments of this life."""
        end = max(talk.moment for talk in self.talks) + timedelta(days=30)
        return [START + chance.random() * (end - START) for _ in range(count)]


def _talk(chance: Random, number: int, moment: datetime, state: dict[str, str]) -> Talk:
    """One session with an event or none, among small talk."""
    said, events = chance.choice(_EVENTS)(chance, moment, state)
    turns = [("user", chance.choice(SMALL_TALK)), ("assistant", "I live in a data centre. Noted!")]
    turns.insert(chance.randrange(2), ("user", said))
    state.update({subject: fact for subject, fact, _ in events})
    return Talk(f"talk-{number}", moment, tuple(turns), tuple(events))


_Told = tuple[str, list[tuple[str, str, datetime]]]


def _move(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    city = chance.choice([c for c in CITIES if not state.get("home", "").endswith(f"{c}.")])
    fact = f"User lives in {city}."
    said = chance.choice((f"I moved to {city}.", f"I live in {city} now, by the way."))
    return said, [("home", fact, moment)]


def _move_dated(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    city = chance.choice([c for c in CITIES if not state.get("home", "").endswith(f"{c}.")])
    day = (moment - timedelta(days=2)).replace(hour=0, minute=0)
    return f"I moved to {city} two days ago.", [("home", f"User lives in {city}.", day)]


def _stay(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    if not state.get("home"):
        return _move(chance, moment, state)
    city = state["home"].removeprefix("User lives in ").removesuffix(".")
    return f"I still live in {city}.", [("home", state["home"], moment)]


def _work(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    firm = chance.choice(FIRMS)
    said = chance.choice((f"I started a new job at {firm}.", f"I work at {firm} now."))
    return said, [("employer", f"User works at {firm}.", moment)]


def _quit(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    return chance.choice(("I quit my job.", "I got laid off.")), [("employer", "", moment)]


def _taste(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    thing = chance.choice(TASTES)
    verb = chance.choice(("love", "like", "hate", "don't like"))
    how = "likes" if verb in ("love", "like") else "dislikes"
    return f"I {verb} {thing}.", [(thing, f"User {how} {thing}.", moment)]


def _diet(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    if state.get("diet"):
        diet = state["diet"].removeprefix("User is ").removesuffix(".")
        return f"I'm no longer {diet}.", [("diet", "", moment)]
    diet = chance.choice(DIETS)
    return f"I'm {diet} now.", [("diet", f"User is {diet}.", moment)]


def _car(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    if state.get("car"):
        return "I sold my car.", [("car", "", moment)]
    return "I bought a car.", [("car", "User has a car.", moment)]


def _plan(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    city, day = chance.choice(CITIES), (moment + timedelta(days=chance.randrange(9, 60)))
    day = day.replace(hour=0, minute=0)
    fact = f"User plans on flying to {city} on {day.date().isoformat()}."
    said = f"I'm flying to {city} on {day.day} {day:%B} {day.year}."
    over = day + timedelta(days=1)
    subject = f"plan {city} {day.date()}"
    others = [s for s in state if s.startswith(f"plan {city} ") and s != subject]
    return said, [
        *((other, "", moment) for other in others),
        (subject, fact, moment),
        (subject, "", over),
    ]


def _nothing(chance: Random, moment: datetime, state: dict[str, str]) -> _Told:
    return chance.choice(SMALL_TALK), []


_EVENTS = (_move, _move_dated, _stay, _work, _quit, _taste, _taste, _diet, _car, _plan, _nothing)


async def live(memory: MemoryLayer, life: Life, *, answer: str = "") -> list[datetime]:
    """Tell a vault everything; gives the moment after each talk, for `known_at`.

    With an `answer`, an assistant says it in each talk, so that there is something to compress.
    """
    known = []
    for talk in life.talks:
        messages = [
            {"role": role, "content": text, "occurred_at": talk.moment} for role, text in talk.turns
        ]
        if answer:
            said = {"role": "assistant", "content": answer, "occurred_at": talk.moment}
            messages.append(said)
        result = await memory.save(messages, session_id=talk.session_id)
        known.append(result.saved[-1].recorded_at)
    return known


async def current(
    memory: MemoryLayer, *, as_of: datetime, known_at: datetime | None = None
) -> set[str]:
    """What a vault takes for true of the person at a moment."""
    found = await memory.recall(
        "What is true of the user?",
        memory_types=["semantic"],
        as_of=as_of,
        known_at=known_at,
        top_k=1_000,
        token_budget=100_000,
    )
    return {
        one.memory.content
        for one in found.memories
        if one.memory.derived_from and one.memory.content.startswith(FACTS)
    }


async def differences(
    memory: MemoryLayer, life: Life, known: list[datetime], seed: int
) -> list[str]:
    """What a vault takes for true that is not so, or the other way, at some moments of a life."""
    chance, wrong = Random(seed), []
    for at in life.moments(chance, 12):
        told = chance.randrange(len(known))
        for known_at, expected in (
            (None, life.truth(len(life.talks), at)),
            (known[told], life.truth(told + 1, at)),
        ):
            found = await current(memory, as_of=at, known_at=known_at)
            if found != expected:
                wrong.append(f"{at:%Y-%m-%d}, {told}: {sorted(found ^ expected)}")
    return wrong
