"""Does the ranking hold as a vault grows? The haystacks of many questions in one user's vault.

Usage: python benchmarks/one_vault.py FILE [OUT.json]     (FILE in memory-eval/1)

Each question is asked of its own haystack, then of one made of the haystacks of ten questions, then
of all in the file: the same gold among more and more of the same kind. The weights stay as they
are; beside them stand BM25 and the cosine of chunks, and the cosine alone. By ranks, without
blocks; a session that another question asks about may answer as well, which the gold does not know.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from compression import Entry, Sets
from weights import Asked, asked, keep

from memory_vault.bench.embedding_cache import CachedEmbedder
from memory_vault.bench.eval_file import Place, Question, plan, read
from memory_vault.bench.metrics import all_at, any_at, frac_at, ndcg_at, unique
from memory_vault.embed.choose import choose
from memory_vault.storage.index.rank import WEIGHTS

TOGETHER = (1, 10, None)
"""Haystacks in one vault; None for all."""
NONE = dict.fromkeys(WEIGHTS, 0.0)
WAYS = {
    "recall": WEIGHTS,
    "BM25 and cosine": {**NONE, "own": 1.0, "lexical": WEIGHTS["lexical"]},
    "cosine": {**NONE, "own": 1.0},
}


def judge(one: Asked, weights: dict[str, float]) -> dict[str, float]:
    """Measures of one question."""
    order = one.order(weights)
    sessions = unique(one.sessions[at] for at in order)
    turns = [one.turns[at] for at in order]
    gold = one.question.gold_sessions
    return {
        "any@1": any_at(sessions, gold, 1),
        "any@5": any_at(sessions, gold, 5),
        "all@5": all_at(sessions, gold, 5),
        "frac@10": frac_at(sessions, gold, 10),
        "ndcg@10": ndcg_at(sessions, gold, 10),
        "turn frac@10": frac_at(turns, one.question.gold_turns, 10),
        "turn frac@50": frac_at(turns, one.question.gold_turns, 50),
    }


def groups(found: Sequence[Question], together: int | None) -> Iterator[Sequence[Question]]:
    """Questions whose haystacks become one."""
    step = together or len(found)
    for at in range(0, len(found), step):
        yield found[at : at + step]


async def ask(sets: Sets, group: Sequence[Question]) -> tuple[int, list[Asked]]:
    """Memories in the vault of a group, and its questions with all signals."""
    places: dict[str, Place] = {}
    for question in group:
        for place in question.order:
            places.setdefault(place.key, place)
    entries: list[tuple[Entry, str]] = []
    for place in places.values():
        turns = [one.id for one in sets.file.shown(place)]
        entries += zip(sets.entries(place, None), turns, strict=True)
    index = await sets.index([one for one, _ in entries])
    found = [asked(index, entries, one, await sets.embedder.embed_query(one.text)) for one in group]
    return len(entries), found


async def run(path: Path) -> list[dict[str, Any]]:
    """One row a size and way."""
    embedder = CachedEmbedder(choose("minilm", None))
    await embedder.open()
    rows = []
    try:
        sets = Sets(read(path), embedder)
        every = [
            one for chain in plan(sets.file.questions) for s in chain.steps for one in s.questions
        ]
        every = [one for one in every if one.gold_sessions and one.gold_turns]
        for together in TOGETHER:
            sizes, judged = [], {way: list[dict[str, float]]() for way in WAYS}
            for group in groups(every, together):
                size, found = await ask(sets, group)
                sizes.append(size)
                for way, weights in WAYS.items():
                    judged[way] += [judge(one, weights) for one in found]
            for way, values in judged.items():
                means = {
                    n: round(100 * float(np.mean([one[n] for one in values])), 1) for n in values[0]
                }
                rows.append(
                    {
                        "haystacks": together or len(every),
                        "memories": round(np.mean(sizes)),
                        "way": way,
                        "questions": len(values),
                        **means,
                    }
                )
                print(rows[-1], flush=True)
        return rows
    finally:
        await embedder.close()


def main() -> None:
    """Measure one file and keep the figures."""
    path = Path(sys.argv[1])
    rows = anyio.run(run, path)
    if len(sys.argv) > 2:
        keep(Path(sys.argv[2]), file=path.name, rows=rows)


if __name__ == "__main__":
    main()
