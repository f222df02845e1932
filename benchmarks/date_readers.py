"""Compare readers of dates in questions: errors, time, weight.

Usage: python benchmarks/date_readers.py [OUT.json]

Runs with the libraries that are installed and names those that are missing:
    pip install dateparser parsedatetime timefhuman recurrent ctparse

The questions are those of date_questions.json. Ours gives spans, the libraries mostly points, so an
answer is *right* when each expected span holds an answer's beginning (its end counts as inside) and
no answer begins outside; *exact* when the spans are the same. The first half served to write our
reader; `first_run` is what it made of the second half when it first saw it.
"""

from __future__ import annotations

import json
import logging
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
Answer = tuple[date, date | None]
Reader = Callable[[str, datetime], list[Answer]]
FIRST_RUN = {"commit": "f19a5f7", "missed": 0, "wrong": 0, "false_alarms": 1, "n": 83}


def ours() -> Reader:
    from memory_vault.text.dates import read_time_spans

    return lambda text, asked: [
        (one.start.date(), one.end.date()) for one in read_time_spans(text, asked)
    ]


def dateparser() -> Reader:
    from dateparser.search import search_dates

    def read(text: str, asked: datetime) -> list[Answer]:
        settings = {"RELATIVE_BASE": asked.replace(tzinfo=None), "PREFER_DATES_FROM": "past"}
        found = search_dates(text, languages=["en"], settings=settings) or []
        return [(one.date(), None) for _, one in found]

    return read


def parsedatetime() -> Reader:
    import parsedatetime

    calendar = parsedatetime.Calendar()

    def read(text: str, asked: datetime) -> list[Answer]:
        found = calendar.nlp(text, asked.replace(tzinfo=None)) or ()
        return [(one[0].date(), None) for one in found]

    return read


def timefhuman() -> Reader:
    from timefhuman import tfhConfig, timefhuman

    def flat(one: Any) -> list[Answer]:
        if isinstance(one, list):
            return [answer for part in one for answer in flat(part)]
        if isinstance(one, tuple):
            ends = [answer[0] for part in one for answer in flat(part)]
            return [(ends[0], ends[-1])] if ends else []
        if isinstance(one, datetime):
            return [(one.date(), None)]
        return [(one, None)] if isinstance(one, date) else []

    def read(text: str, asked: datetime) -> list[Answer]:
        return flat(timefhuman(text, tfhConfig(now=asked.replace(tzinfo=None))))

    return read


def recurrent() -> Reader:
    from recurrent import RecurringEvent

    def read(text: str, asked: datetime) -> list[Answer]:
        found = RecurringEvent(now_date=asked.replace(tzinfo=None)).parse(text)
        return [(found.date(), None)] if isinstance(found, datetime) else []

    return read


def ctparse() -> Reader:
    from ctparse import ctparse

    def day(one: Any) -> date | None:
        return one.dt.date() if one is not None and one.year and one.month and one.day else None

    def read(text: str, asked: datetime) -> list[Answer]:
        found = ctparse(text, ts=asked.replace(tzinfo=None), timeout=1)
        one = found.resolution if found else None
        if one is None:
            return []
        if hasattr(one, "t_from"):
            start, end = day(one.t_from), day(one.t_to)
            return [(start, end)] if start else []
        start = day(one) if hasattr(one, "year") else None
        return [(start, None)] if start else []

    return read


READERS: dict[str, Callable[[], Reader]] = {
    "ours": ours,
    "dateparser": dateparser,
    "parsedatetime": parsedatetime,
    "timefhuman": timefhuman,
    "recurrent": recurrent,
    "ctparse": ctparse,
}


def verdict(expected: list[tuple[date, date]], answers: list[Answer]) -> str:
    """What an answer is worth: exact, right, missed, wrong, false alarm or quiet."""
    if not expected:
        return "false_alarms" if answers else "quiet"
    if not answers:
        return "missed"
    if expected == answers:
        return "exact"
    met = all(any(start <= one[0] <= end for one in answers) for start, end in expected)
    inside = all(any(start <= one[0] <= end for start, end in expected) for one in answers)
    return "right" if met and inside else "wrong"


def measured(read: Reader, questions: list[dict[str, Any]], asked: dict[str, datetime]) -> Any:
    """Counts by half, and the median time of a question."""
    halves: dict[str, dict[str, int]] = {}
    times, errors = [], []
    for one in questions:
        begin = time.perf_counter()
        try:
            answers = read(one["text"], asked[one["asked"]])
        except Exception as error:  # noqa: BLE001 - what strangers raise is what we count
            answers = []
            errors.append(type(error).__name__)
        times.append((time.perf_counter() - begin) * 1e6)
        spans = [(date.fromisoformat(a), date.fromisoformat(b)) for a, b in one["spans"]]
        counts = halves.setdefault(f"half_{one['half']}", {})
        of = "with_times" if spans else "without"
        name = verdict(spans, answers)
        counts[of] = counts.get(of, 0) + 1
        counts[name] = counts.get(name, 0) + 1
    return {**halves, "raised": len(errors), "us_median": round(statistics.median(times), 1)}


def import_ms(name: str, after: str = "sys") -> float:
    """Least milliseconds that an import takes in a fresh process after another one, of seven."""
    code = (
        f"import time, {after}; begin = time.perf_counter(); import {name}; "
        "print(time.perf_counter() - begin)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True
        )
        for _ in range(7)
    ]
    return round(min(float(run.stdout.split()[-1]) for run in runs) * 1e3, 1)


def needs(package: str, seen: set[str]) -> set[str]:
    """The packages that one brings with it, extras left out."""
    for line in metadata.requires(package) or []:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0].lower()
        if "extra ==" not in line and "python_version <" not in line and name not in seen:
            try:
                metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
            seen.add(name)
            needs(name, seen)
    return seen


def weight(name: str) -> dict[str, Any]:
    """Version, dependencies and import time; ours above what recall imports anyway."""
    if name == "ours":
        above = import_ms("memory_vault.text.dates", "memory_vault.text.words")
        return {"import_ms": above, "brings": []}
    return {
        "version": metadata.version(name),
        "import_ms": import_ms({"dateparser": "dateparser.search"}.get(name, name)),
        "brings": sorted(needs(name, set())),
    }


def machine() -> dict[str, str]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"cpu": model[0] if model else platform.machine(), "python": platform.python_version()}


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, check=False
    )
    return done.stdout.decode().strip() or "unknown"


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sample = json.loads((ROOT / "date_questions.json").read_text(encoding="utf-8"))
    asked = {name: datetime.fromisoformat(text) for name, text in sample["asked"].items()}
    results: dict[str, Any] = {}
    for name, make in READERS.items():
        try:
            read = make()
        except ImportError as error:
            print(f"{name}: missing ({error})")
            continue
        read("What did I do yesterday?", datetime.now(UTC) - timedelta(days=1))
        results[name] = measured(read, sample["questions"], asked) | weight(name)
        print(name, json.dumps(results[name]))
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "questions": len(sample["questions"]),
        "first_run": FIRST_RUN,
        "readers": results,
    }
    out = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "results/date_readers.json"
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
