"""Draws the turns by which the readers of facts are judged by hand, and sums the verdicts up.

    python benchmarks/fact_readers.py draw longmemeval_s_dev.json.gz found --seed 41   # 100 turns
    python benchmarks/fact_readers.py draw locomo_dev.json.gz any --seed 41
    python benchmarks/fact_readers.py score benchmarks/results/fact_readers_sheet.json

"found" are turns in which something is read: is each reading right? "any" are any turns: what of
the kinds that are read does each state, and how much of that is read? Drawn are turns of users, or
of speakers with names. The sheet holds ids and verdicts only.
"""

from __future__ import annotations

import argparse
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from memory_vault.text.facts import Reading, read_facts

COUNT = 100
MOMENT = datetime(2023, 6, 1, 12, tzinfo=UTC)
_NOT_PEOPLE = ("assistant", "system", "tool")


def turns_of(path: Path) -> dict[str, str]:
    """The turns of people by id, each text once."""
    return {turn_id: text for turn_id, (_, text) in _turns(path).items()}


def _turns(path: Path) -> dict[str, tuple[str, str]]:
    """Who said what, by id."""
    sessions = json.loads(gzip.decompress(path.read_bytes()))["sessions"]
    found = {
        (turn["role"], turn["text"]): turn["id"]
        for turns in sessions.values()
        for turn in turns
        if turn["role"] not in _NOT_PEOPLE
    }
    return {turn_id: said for said, turn_id in sorted(found.items(), key=lambda one: one[1])}


def draw(path: Path, kind: str, seed: int) -> list[tuple[str, str, tuple[Reading, ...]]]:
    """The turns to judge, with what is read from them."""
    turns = _turns(path)
    read = {
        turn_id: read_facts(text, MOMENT, who=role[:1].upper() + role[1:])
        for turn_id, (role, text) in turns.items()
    }
    pool = [one for one in turns if kind == "any" or read[one]]
    chosen = Random(seed).sample(pool, min(COUNT, len(pool)))
    return [(one, turns[one][1], read[one]) for one in chosen]


def score(sheet: dict[str, Any]) -> dict[str, float]:
    """Precision over the readings of "found", recall over the statements of "any"."""
    verdicts = [verdict for one in sheet["found"].values() for verdict in one]
    stated = sum(one[0] for one in sheet["any"].values())
    read = sum(one[1] for one in sheet["any"].values())
    return {
        "readings": len(verdicts),
        "right": verdicts.count("right"),
        "precision": round(verdicts.count("right") / len(verdicts), 4),
        "stated": stated,
        "read": read,
        "recall": round(read / stated, 4) if stated else 1.0,
    }


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("draw", "score"))
    parser.add_argument("file", type=Path)
    parser.add_argument("kind", nargs="?", choices=("found", "any"), default="any")
    parser.add_argument("--seed", type=int, default=6)
    given = parser.parse_args()
    if given.what == "score":
        sheets = json.loads(given.file.read_text(encoding="utf-8"))["sets"]
        print(json.dumps({name: score(one) for name, one in sheets.items()}, indent=1))
        return
    for turn_id, text, readings in draw(given.file, given.kind, given.seed):
        print(f"== {turn_id}: {text}")
        for one in readings:
            print(f"   {one.subject} | {one.text or 'ends: ' + one.value} | {one.since}")


if __name__ == "__main__":
    main()
