"""What compression costs recall, by ranks alone: how much is kept, and which sentences are chosen.

Usage: python benchmarks/compression.py FILE [OUT.json]     (FILE in memory-eval/1)

Every session is summarised and its originals are archived, then every question is ranked three
times: without compression, over what default recall shows ("alone"), and as recall does it, with
the archived originals that match well. The vault is left out, so that one run takes a minute or
two once the embeddings are in the cache; `memory-vault bench recall FILE --compress SHARE` has the
whole of it, with blocks.
"""

from __future__ import annotations

import json
import os
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from memory_vault._times import to_micros
from memory_vault.bench.embedding_cache import CachedEmbedder
from memory_vault.bench.eval_file import EvalFile, Place, Question, plan, read
from memory_vault.bench.metrics import frac_at, ndcg_at, unique
from memory_vault.embed.choose import choose
from memory_vault.pipelines.pieces import passages
from memory_vault.storage.index import IndexChange, IndexRow
from memory_vault.storage.index.rank import Question as Wanted
from memory_vault.storage.index.rank import rank
from memory_vault.storage.index.user_index import Filters, UserIndex
from memory_vault.text import summary as summaries
from memory_vault.text.dates import read_time_spans
from memory_vault.text.route import route
from memory_vault.text.salience import importance
from memory_vault.text.speakers import SUMMARY, asked_about, search_terms
from memory_vault.text.summary import Said, summarise
from memory_vault.text.tokens import token_counter
from memory_vault.text.words import numbered, word_ids

SHARES = (0.1, 0.15, 0.25, 0.35, 0.5)
LEAST, MOST = 60, 2_000
COUNTER = token_counter("offline")
Pause = Callable[[], None]
Choose = Callable[[Sequence[Any], int, Pause], list[int]]
OURS: Choose = summaries._chosen  # noqa: SLF001


# other ways to choose -----------------------------------------------------------------------------


def in_order(order: Sequence[int], found: Sequence[Any], most: int) -> list[int]:
    """The first of an order that fit."""
    room, chosen = most - 8, []
    for at in order:
        if found[at].tokens + 4 <= room:
            room -= found[at].tokens + 4
            chosen.append(at)
    return chosen


def at_random(found: Sequence[Any], most: int, _: Pause) -> list[int]:
    """Any sentences, by a fixed seed."""
    order = list(range(len(found)))
    random.Random(len(found)).shuffle(order)
    return in_order(order, found, most)


def first_of_each(found: Sequence[Any], most: int, _: Pause) -> list[int]:
    """The first sentence of each turn, then the second, and so on."""
    number, seen = [], dict[int, int]()
    for one in found:
        number.append(seen.get(one.place, 0))
        seen[one.place] = number[-1] + 1
    return in_order(sorted(range(len(found)), key=lambda at: (number[at], at)), found, most)


def by_importance(found: Sequence[Any], most: int, _: Pause) -> list[int]:
    """What matters most by itself."""
    return in_order(sorted(range(len(found)), key=lambda at: -found[at].worth), found, most)


def lexrank(found: Sequence[Any], most: int, _: Pause) -> list[int]:
    """LexRank (Erkan and Radev, JAIR 2004) over words, times importance, with MMR at 0.7."""
    words = {word: at for at, word in enumerate(dict.fromkeys(w for s in found for w in s.words))}
    rows = np.zeros((len(found), len(words)), np.float32)
    for row, one in zip(rows, found, strict=True):
        row[[words[word] for word in one.words]] = 1
    rows *= np.log1p(len(found) / rows.sum(0))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows @ rows.T
    step = np.where(near > 0.05, near, 0)
    step /= step.sum(1, keepdims=True)
    central = np.full(len(found), 1 / len(found))
    for _ in range(30):
        central = 0.15 / len(found) + 0.85 * (step.T @ central)
    worth = central / central.max() * np.array([one.worth for one in found])
    order, left, told = list[int](), set(range(len(found))), np.zeros(len(found))
    while left:
        best = max(left, key=lambda at: (0.7 * worth[at] - 0.3 * told[at], -at))
        order.append(best)
        left.discard(best)
        told = np.maximum(told, near[best])
    return in_order(order, found, most)


WAYS: dict[str, Choose] = {
    "coverage": OURS,
    "random": at_random,
    "first of each turn": first_of_each,
    "importance": by_importance,
    "lexrank": lexrank,
}


# the vault's index, without the vault -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as the index gets it."""

    place: Place
    role: str
    kind: str
    importance: float
    tokens: int
    texts: tuple[str, ...]
    is_archived: bool = False


class Rows:
    """Hands rows to an index."""

    def __init__(self, rows: Sequence[IndexRow]) -> None:
        self._rows = rows

    def generation(self) -> int:
        return 1

    def rows_after(self, version: int, limit: int) -> list[IndexRow]:
        return list(self._rows[version : version + limit])

    def changes_after(self, seq: int) -> list[IndexChange]:  # noqa: ARG002
        return []

    def check(self) -> None:
        pass


class Sets:
    """One file, saved with and without compression."""

    def __init__(self, file: EvalFile, embedder: CachedEmbedder) -> None:
        self.file, self.embedder = file, embedder
        self.tokens = {True: 0, False: 0}

    def entries(self, place: Place, share: float | None) -> Iterator[Entry]:
        """The memories of one session."""
        turns = [(one, route(one.text, one.role)) for one in self.file.shown(place)]
        said = [(one, COUNTER.count(one.text)) for one, kind in turns if kind == "episodic"]
        day = date(2026, 1, 1) if place.moment is None else place.moment.date()
        text = ""
        if share is not None and said:
            most = min(max(int(sum(n for _, n in said) * share), LEAST), MOST)
            lines = [Said(day, one.role, one.text) for one, _ in said]
            text = summarise(lines, max_tokens=most, counter=COUNTER)
        for one, kind in turns:
            texts = tuple(t for *_, t in passages(self.embedder, one.text, one.role))
            worth, count = importance(one.text, one.role, kind), COUNTER.count(one.text)
            is_archived = bool(text) and kind == "episodic"
            self.tokens[is_archived] += count
            yield Entry(place, one.role, kind, worth, count, texts, is_archived)
        if text:
            texts = tuple(t for *_, t in passages(self.embedder, text, SUMMARY))
            worth = float(np.mean([importance(one.text, one.role, "episodic") for one, _ in said]))
            self.tokens[False] += COUNTER.count(text)
            yield Entry(place, SUMMARY, "semantic", worth, COUNTER.count(text), texts)

    async def measure(self, share: float | None) -> dict[str, float]:
        """Mean session measures over all questions."""
        self.tokens = {True: 0, False: 0}
        found: dict[str, list[float]] = {}
        originals = 0
        for chain in plan(self.file.questions):
            entries: list[Entry] = []
            for step in chain.steps:
                for place in step.places:
                    new = list(self.entries(place, share))
                    originals += sum(one.tokens for one in new if one.role != SUMMARY)
                    entries += new
                index = await self.index(entries)
                for question in step.questions:
                    embedding = await self.embedder.embed_query(question.text)
                    for name, value in judge(index, entries, question, embedding):
                        found.setdefault(name, []).append(value)
        means = {name: round(100 * float(np.mean(values)), 1) for name, values in found.items()}
        return {"visible": round(100 * self.tokens[False] / originals, 1), **means}

    async def index(self, entries: Sequence[Entry]) -> UserIndex:
        texts = list(dict.fromkeys(text for one in entries for text in one.texts))
        vectors: dict[str, bytes] = {}
        for at in range(0, len(texts), 512):
            part = texts[at : at + 512]
            rows = await self.embedder.embed(part)
            vectors |= {t: r.astype("<f4").tobytes() for t, r in zip(part, rows, strict=True)}
        index = UserIndex(self.embedder.fingerprint.dimension)
        index.refresh(Rows([_row(n, one, vectors) for n, one in enumerate(entries, 1)]))
        return index


def _row(number: int, one: Entry, vectors: dict[str, bytes]) -> IndexRow:
    moment = 0 if one.place.moment is None else to_micros(one.place.moment)
    chunks = tuple((vectors[text], word_ids(text).astype("<u4").tobytes()) for text in one.texts)
    times = (moment, moment, moment, None, None, None)
    who = (one.place.session_id, one.role, one.kind, "user", one.importance, one.is_archived, False)
    return IndexRow(number, f"m{number}", number, *who, *times, one.tokens, chunks)


def understand(index: UserIndex, question: Question, embedding: Any) -> Wanted:
    """What a question of a file looks for, as recall reads it."""
    speakers = asked_about(question.text, map(str, index.roles))
    moment = question.moment
    spans = read_time_spans(question.text, moment) if moment else ()
    return Wanted(
        embedding,
        numbered(search_terms(question.text, speakers)),
        speakers,
        to_micros(moment) if moment else None,
        tuple((to_micros(one.start), to_micros(one.end)) for one in spans),
    )


def judge(
    index: UserIndex, entries: Sequence[Entry], question: Question, embedding: Any
) -> Iterator[tuple[str, float]]:
    """Session measures of one question over what default recall shows, and as recall ranks."""
    if not question.gold_sessions:
        return
    wanted = understand(index, question, embedding)
    seen = index.visible(Filters(include_compressed=True))
    archived = index.archived(seen)
    for name, rows, hidden in (("alone", seen & ~archived, None), ("recall", seen, archived)):
        ranking = rank(index, wanted, rows, limit=len(entries), archived=hidden)
        found = unique(entries[n - 1].place.session_id for n in ranking.versions.tolist())
        yield f"{name} frac@10", frac_at(found, question.gold_sessions, 10)
        yield f"{name} ndcg@10", ndcg_at(found, question.gold_sessions, 10)


async def run(path: Path) -> dict[str, Any]:
    """All shares with our choice of sentences, and all choices at a quarter."""
    embedder = CachedEmbedder(choose("minilm", None))
    await embedder.open()
    try:
        sets = Sets(read(path), embedder)
        found: dict[str, Any] = {"not compressed": await sets.measure(None), "shares": {}}
        for share in SHARES:
            found["shares"][str(share)] = await sets.measure(share)
            print(share, found["shares"][str(share)], flush=True)
        found["chosen by, at 0.25"] = {}
        for name, way in WAYS.items():
            summaries._chosen = way  # noqa: SLF001
            found["chosen by, at 0.25"][name] = await sets.measure(0.25)
            print(name, found["chosen by, at 0.25"][name], flush=True)
        return found
    finally:
        summaries._chosen = OURS  # noqa: SLF001
        await embedder.close()


def main() -> None:
    """Measure one file and keep the figures."""
    path = Path(sys.argv[1])
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "file": path.name,
        **anyio.run(run, path),
    }
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
