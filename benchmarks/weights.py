"""Do the weights of ranking carry over? Chosen on some sets, and asked of those that were not seen.

Usage: python benchmarks/weights.py OUT.json FILE FILE...     (files in memory-eval/1)

The signals of every memory are taken once for each question, by the package's own functions; then
weights are drawn at random over wide ranges that know of no set, and every draw is scored on every
set by ranks. Two ways to choose are compared: the best draw, and the mean of all draws that are no
worse than the best one by more than a standard error of their difference over the questions, which
does not follow the luck of one draw (bagging: Breiman, Machine Learning 1996; one standard error:
Breiman and others, Classification and Regression Trees, 1984).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from compression import Entry, Sets, understand
from core import commit
from numpy.typing import NDArray

from memory_vault.bench.embedding_cache import CachedEmbedder
from memory_vault.bench.eval_file import Question, plan, read
from memory_vault.bench.metrics import frac_at, ndcg_at, unique
from memory_vault.embed.choose import choose
from memory_vault.storage.index import rank
from memory_vault.storage.index.user_index import Filters, UserIndex
from memory_vault.text.fuse import Scores, best_first, fuse, share, spread
from memory_vault.text.pool import Neighbours, beside, best_chunk

Weights = Mapping[str, float]
NAMES = [name for name in rank.WEIGHTS if name != "own"]
DRAWS = 400
MOST = 1.5
"""Weights are drawn evenly from 0 to this; what a memory says itself has 1."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with the signals of all memories, and what each memory is."""

    question: Question
    dense: Scores
    lexical: Scores
    starts: NDArray[np.int64]
    near: tuple[Neighbours, Neighbours]
    others: dict[str, Scores]
    places: NDArray[np.int64]
    sessions: Sequence[str]
    turns: Sequence[str]

    def order(self, weights: Weights) -> list[int]:
        """All memories, best first."""
        chunk = self.dense + np.float32(weights["lexical"]) * self.lexical
        own = best_chunk(chunk, self.starts)
        signals = {"own": own, **self.others}
        signals |= {
            n: beside(own, at) for n, at in zip(("beside", "beyond"), self.near, strict=True)
        }
        total = fuse(signals, {"own": 1.0, **weights})
        found: list[int] = best_first(total, self.places, len(total)).tolist()
        return found

    def measures(self, weights: Weights) -> tuple[float, float, float]:
        """Session frac@10 and ndcg@10 and turn frac@10."""
        order = self.order(weights)
        sessions = unique(self.sessions[at] for at in order)
        turns = [self.turns[at] for at in order[:10]]
        gold = self.question.gold_sessions
        return (
            frac_at(sessions, gold, 10),
            ndcg_at(sessions, gold, 10),
            frac_at(turns, self.question.gold_turns, 10),
        )


def asked(
    index: UserIndex, entries: Sequence[tuple[Entry, str]], question: Question, embedding: Any
) -> Asked:
    """Take the signals as `rank` does."""
    wanted = understand(index, question, embedding)
    view = index.view(index.visible(Filters(include_compressed=True)))
    words = rank._words(view, wanted)  # noqa: SLF001
    return Asked(
        question,
        spread(view.cosines(embedding), among=view.said),
        share(view.pick(words.lexical), best=words.best),
        view.starts,
        (view.neighbours(1), view.neighbours(2)),
        {
            "session": words.sessions.take(view.column("session")),
            **rank._prior(index, wanted, view),  # noqa: SLF001
        },
        view.column("position"),
        [one.place.session_id for one, _ in entries],
        [turn for _, turn in entries],
    )


async def questions(path: Path, embedder: CachedEmbedder, *, has_turns: bool = True) -> list[Asked]:
    """All questions of a file that have gold sessions, and gold turns unless those may miss."""
    sets, found = Sets(read(path), embedder), list[Asked]()
    for chain in plan(sets.file.questions):
        entries: list[tuple[Entry, str]] = []
        for step in chain.steps:
            for place in step.places:
                turns = [one.id for one in sets.file.shown(place)]
                entries += zip(sets.entries(place, None), turns, strict=True)
            index = await sets.index([one for one, _ in entries])
            for one in step.questions:
                if one.gold_sessions and (one.gold_turns or not has_turns):
                    embedding = await embedder.embed_query(one.text)
                    found.append(asked(index, entries, one, embedding))
    return found


def scores(found: Sequence[Asked], weights: Weights) -> NDArray[np.float64]:
    """Percent: the mean of the three measures of each question of a set."""
    return 100 * np.array([np.mean(one.measures(weights)) for one in found])


def draws() -> Iterator[Weights]:
    """Weights at random, the same ones each time."""
    random = np.random.default_rng(0)
    for _ in range(DRAWS):
        yield dict(zip(NAMES, random.uniform(0, MOST, len(NAMES)).tolist(), strict=True))


def as_good(drawn: NDArray[np.float64]) -> NDArray[np.int64]:
    """The draws that are as good as the best one but for one standard error; shape (draws, n)."""
    apart = drawn - drawn[drawn.mean(1).argmax()]
    return np.flatnonzero(apart.mean(1) >= -apart.std(1) / math.sqrt(drawn.shape[1]))


def carried_over(sets: Mapping[str, Sequence[Asked]]) -> dict[str, Any]:
    """Scores of the weights in use, and of what is chosen on each set."""
    every = list(draws())
    rows = [{"chosen on": "in use", "way": "", "draws": 0, "weights": dict(rank.WEIGHTS)}]
    for name, found in sets.items():
        drawn = np.array([scores(found, one) for one in every])
        best = drawn.mean(1).argsort(kind="stable")[-1:]
        for way, chosen in (("best draw", best), ("mean of those as good", as_good(drawn))):
            weights = {one: float(np.mean([every[at][one] for at in chosen])) for one in NAMES}
            rows.append({"chosen on": name, "way": way, "draws": len(chosen), "weights": weights})
    for row in rows:
        row["score"] = {n: float(scores(found, row["weights"]).mean()) for n, found in sets.items()}
        reached = ", ".join(f"{name} {score:.1f}" for name, score in row["score"].items())
        print(f"{row['chosen on']} {row['way']} ({row['draws']}): {reached}", flush=True)
    return {"questions": {name: len(found) for name, found in sets.items()}, "chosen": rows}


async def run(files: Sequence[Path]) -> dict[str, Any]:
    """Take the signals of all files, then draw."""
    embedder = CachedEmbedder(choose("minilm", None))
    await embedder.open()
    try:
        sets = {path.name.partition(".")[0]: await questions(path, embedder) for path in files}
    finally:
        await embedder.close()
    return carried_over(sets)


def keep(out: Path, **found: Any) -> None:
    """Write figures with when, of which commit and on what they were measured."""
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        **found,
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    keep(given.out, draws=DRAWS, **anyio.run(run, given.files))


if __name__ == "__main__":
    main()
