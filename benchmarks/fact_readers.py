"""Draws the turns by which the readers of facts are judged by hand, and sums the verdicts up.

    python benchmarks/fact_readers.py draw longmemeval_s_dev.json.gz found     # shows 100 turns
    python benchmarks/fact_readers.py draw longmemeval_s_dev.json.gz any
    python benchmarks/fact_readers.py score benchmarks/results/fact_readers_sheet.json

"found" are turns of users in which something is read: is each reading right? "any" are any turns of
users: what of the kinds that are read does each state? The sheet holds ids and verdicts only.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from memory_vault.text.facts import Reading, read_facts

SEED, COUNT = 6, 100
MOMENT = datetime(2023, 6, 1, 12, tzinfo=UTC)


def turns_of(path: Path) -> dict[str, str]:
    """The users' turns by id, each text once."""
    sessions = json.loads(gzip.decompress(path.read_bytes()))["sessions"]
    found = {
        turn["text"]: turn["id"]
        for turns in sessions.values()
        for turn in turns
        if turn["role"] == "user"
    }
    return {turn_id: text for text, turn_id in sorted(found.items(), key=lambda one: one[1])}


def draw(path: Path, kind: str) -> list[tuple[str, str, tuple[Reading, ...]]]:
    """The turns to judge, with what is read from them."""
    turns = turns_of(path)
    read = {turn_id: read_facts(text, MOMENT) for turn_id, text in turns.items()}
    pool = [one for one in turns if kind == "any" or read[one]]
    chosen = Random(SEED).sample(pool, COUNT)
    return [(one, turns[one], read[one]) for one in chosen]


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
    if sys.argv[1] == "score":
        print(
            json.dumps(score(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))), indent=1)
        )
        return
    for turn_id, text, readings in draw(Path(sys.argv[2]), sys.argv[3]):
        print(f"== {turn_id}: {text}")
        for one in readings:
            print(f"   {one.subject} | {one.text or 'ends: ' + one.value} | {one.since}")


if __name__ == "__main__":
    main()
