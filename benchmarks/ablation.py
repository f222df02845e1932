"""What each signal of the ranking is worth: one taken away at a time.

Usage: python benchmarks/ablation.py OUT.json FILE FILE...     (files in memory-eval/1)

The signals of every memory are taken once for each question, by the package's own functions, and
joined again with one weight at 0. By ranks, without blocks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from weights import Asked, Weights, keep, questions

from memory_vault.bench.embedding_cache import CachedEmbedder
from memory_vault.bench.metrics import all_at, frac_at, ndcg_at, unique
from memory_vault.embed.choose import choose
from memory_vault.storage.index.rank import WEIGHTS

ALONE = dict.fromkeys(WEIGHTS, 0.0) | {"own": 1.0}
WITHOUT: dict[str, Weights] = {
    "nothing": WEIGHTS,
    **{name: {**WEIGHTS, name: 0.0} for name in WEIGHTS if name != "own"},
    "all but BM25 and cosine": {**ALONE, "lexical": WEIGHTS["lexical"]},
    "all but the cosine": ALONE,
}
"""Weights by what is taken away."""


def judge(found: Sequence[Asked], weights: Weights) -> dict[str, float]:
    """Mean measures of a set, in percent."""
    values = []
    for one in found:
        order = one.order(weights)
        sessions = unique(one.sessions[at] for at in order)
        turns = [one.turns[at] for at in order[:10]]
        gold, gold_turns = one.question.gold_sessions, one.question.gold_turns
        values.append(
            (
                all_at(sessions, gold, 5),
                frac_at(sessions, gold, 10),
                ndcg_at(sessions, gold, 10),
                frac_at(turns, gold_turns, 10) if gold_turns else np.nan,
            )
        )
    names = ("all@5", "frac@10", "ndcg@10", "turn frac@10")
    means = np.nanmean(np.array(values), axis=0)
    return {name: round(100 * float(one), 1) for name, one in zip(names, means, strict=True)}


def answerable(found: Sequence[Asked]) -> list[Asked]:
    """All questions; without those flagged as abstentions where some of these have no gold."""
    flagged = [one for one in found if one.question.is_abstention]
    if all(one.question.gold_turns for one in flagged):
        return list(found)
    return [one for one in found if not one.question.is_abstention]


async def run(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Take the signals of all files, then take away; one row for each file and weight."""
    embedder = CachedEmbedder(choose("minilm", None))
    await embedder.open()
    rows = []
    try:
        for path in files:
            found = answerable(await questions(path, embedder, has_turns=False))
            for name, weights in WITHOUT.items():
                means = judge(found, weights)
                rows.append({"file": path.name, "questions": len(found), "without": name, **means})
                print(rows[-1], flush=True)
    finally:
        await embedder.close()
    return rows


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    keep(given.out, rows=anyio.run(run, given.files))


if __name__ == "__main__":
    main()
