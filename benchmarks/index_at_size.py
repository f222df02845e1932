"""Time one user's index from 100 to 1,000,000 memories, and what an approximate search loses.

Usage: python benchmarks/index_at_size.py [--sizes 100,1000,...] [--users N] [--busy] [--no-vault]

On a machine that others use too, `--busy` counts the processor time of the measuring thread (set
OPENBLAS_NUM_THREADS=1), and `--no-vault` leaves out what is done by several threads.

The index is fed directly, so that a million memories take a minute. Embeddings are those that
`memory-vault bench` has kept in the user's cache folder, as far as there are any; where more are
wanted, and where there are none, they are made: a kept (or random) one plus noise. Words are drawn
as words of conversations fall, sessions have 20 memories. Then the same through the public API at
10,000 and 100,000 memories, with the model loaded, which must be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from core import commit, fill
from curves import write_curves

from memory_vault import MemoryConfig, MemoryLayer
from memory_vault.demo import load
from memory_vault.storage.index import IndexChange, IndexRow
from memory_vault.storage.index.cache import IndexCache
from memory_vault.storage.index.rank import Question, rank
from memory_vault.storage.index.user_index import Filters, UserIndex

ROOT = Path(__file__).parent
DIMENSION = 384
VOCABULARY = 60_000
NOW = 20_600 * 86_400_000_000
GAP = 100_000_000
EVERYTHING = Filters()
ALL = 1 << 40
QUESTIONS = 40
TOP = 20
clock = time.perf_counter
RSS_PAGES = Path("/proc/self/statm")

Floats = np.ndarray[Any, np.dtype[np.float32]]


def kept_embeddings(most: int) -> Floats:
    """Embeddings in the cache of earlier benchmark runs; shape (0, 384) if there are none."""
    import apsw

    from memory_vault.bench.embedding_cache import default_cache_dir

    files = sorted(default_cache_dir().glob("*_384_float32.sqlite"))
    if not files:
        return np.zeros((0, DIMENSION), np.float32)
    cache = apsw.Connection(str(files[0]), flags=apsw.SQLITE_OPEN_READWRITE)
    cache.set_busy_timeout(10_000)
    rows = cache.execute("SELECT row FROM embeddings ORDER BY key LIMIT ?", (most,))
    return np.frombuffer(b"".join(row for (row,) in rows), np.float32).reshape(-1, DIMENSION)


def held_out(kept: Floats) -> tuple[Floats, Floats]:
    """What goes into an index, and what is asked for; made ones where too few are kept."""
    if len(kept) < 20 * QUESTIONS:
        kept = embeddings(3_000, kept[:0], 78)
        return kept[:0], kept[:QUESTIONS]
    return kept[QUESTIONS:], kept[:QUESTIONS]


def embeddings(count: int, pool: Floats, seed: int) -> Floats:
    """The pool, then noisy copies of it, in a random order that keeps the pool's rows first."""
    random = np.random.default_rng(seed)
    if not len(pool):
        random = np.random.default_rng(1)
        pool = random.normal(size=(3_000, DIMENSION)).astype(np.float32) + 0.5
        pool /= np.linalg.norm(pool, axis=1, keepdims=True)
    found = np.empty((count, DIMENSION), np.float32)
    real = min(count, len(pool))
    found[:real] = pool[:real]
    for start in range(real, count, 20_000):
        part = found[start : start + 20_000]
        noise = random.standard_normal(part.shape, np.float32) * np.float32(0.036)
        part[:] = pool[random.integers(0, len(pool), len(part))] + noise
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return found


class MadeUser:
    """An index feed of so many memories, one chunk each."""

    def __init__(self, count: int, pool: Floats, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.rows = embeddings(count, pool, seed)
        self.share = min(1.0, len(pool) / count)
        lengths = np.clip(np.exp(random.normal(2.9, 0.7, count)), 1, 150).astype(int)
        self.ends = np.cumsum(lengths)
        self.words = made_words(int(self.ends[-1]), random)
        self.importance = np.round(random.random(count) * 0.8, 2).tolist()
        self.shown = count

    def generation(self) -> int:
        return 1

    def rows_after(self, version: int, limit: int) -> list[IndexRow]:
        return [self._row(at) for at in range(version, min(version + limit, self.shown))]

    def _row(self, at: int) -> IndexRow:
        words = self.words[self.ends[at - 1] if at else 0 : self.ends[at]]
        when = NOW - (len(self.rows) - at) * GAP
        return IndexRow(
            version=at + 1,
            memory_id=f"m{at}",
            position=at + 1,
            session_id=f"s{at // 20}",
            role="assistant" if at % 2 else "user",
            memory_type="episodic",
            origin="user",
            importance=self.importance[at],
            compressed=False,
            is_read=False,
            occurred_at=when,
            recorded_at=when,
            changed_at=when,
            superseded_at=None,
            valid_from=None,
            valid_to=None,
            token_count=3 * len(words),
            chunks=((self.rows[at].tobytes(), words.tobytes()),),
        )

    def changes_after(self, _seq: int) -> list[IndexChange]:
        return []

    def check(self) -> None:
        pass


def made_words(count: int, random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Hashed words, the common ones in a seventh of all memories, as after stop words are gone."""
    weights = 1 / (np.arange(VOCABULARY) + 20.0)
    ranks = np.searchsorted(np.cumsum(weights / weights.sum()), random.random(count))
    return word_ids()[ranks]


def word_ids() -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The hash of each word, by how common it is."""
    ids = np.arange(1, 1 << 32, (1 << 32) // VOCABULARY, dtype=np.uint32)
    return np.random.default_rng(5).permutation(ids)[:VOCABULARY]


def questions(asked: Floats, *, common: int) -> list[Question]:
    """Questions with these embeddings and six of the `common` most frequent words."""
    random = np.random.default_rng(77)
    return [
        Question(
            embedding=one,
            words=word_ids()[random.choice(common, 6, replace=False)],
            moment=NOW,
        )
        for one in asked
    ]


def best_ms(call: Callable[[], object], rounds: int = 5) -> float:
    """The least milliseconds of some calls."""
    times = []
    for _ in range(rounds):
        begin = clock()
        call()
        times.append((clock() - begin) * 1_000)
    return min(times)


def median_ms(calls: list[Callable[[], object]], rounds: int = 5) -> float:
    """The median over some calls of the best of some rounds each."""
    return statistics.median(best_ms(call, rounds) for call in calls)


def index_at(count: int, pool: Floats, asked: Floats) -> dict[str, Any]:
    """All figures of an index of so many memories."""
    user = MadeUser(count, pool)
    user.shown = count - 10
    feed_ms = best_ms(lambda: user.rows_after(0, min(count, 2_000)), 3) * count / min(count, 2_000)
    index = UserIndex(DIMENSION)
    begin = clock()
    index.refresh(user)
    built_ms = (clock() - begin) * 1_000
    common, rare = questions(asked, common=60), questions(asked, common=20_000)
    asking = partial(rank, index, limit=100, room=6_000)
    # The first question after a build pays for views; the second is what is timed.
    asking(common[0], visible=index.visible(EVERYTHING))
    after_save, delta = [], []
    for shown in range(count - 9, count + 1):
        user.shown = shown
        delta.append(best_ms(lambda: index.refresh(user), 1))
        after_save.append(best_ms(lambda: asking(common[0], visible=index.visible(EVERYTHING)), 1))
    visible = index.visible(EVERYTHING)
    view = index.view(visible)
    found = [view.texts.find(one.words) for one in common]
    figures = {
        "memories": count,
        "share_of_real_embeddings": round(user.share, 4),
        "cold_build_ms": built_ms - feed_ms,
        "one_more_ms": statistics.median(delta),
        "rank_ms": median_ms([partial(asking, one, visible) for one in rare]),
        "rank_common_words_ms": median_ms([partial(asking, one, visible) for one in common]),
        "rank_after_a_save_ms": statistics.median(after_save),
        "bm25_common_words_ms": median_ms([partial(_bm25, view, one) for one in common]),
        "postings_read": statistics.median(sum(len(r) for r, _ in one.pairs) for one in found),
        "bytes_per_memory": {
            "embeddings": index.dense.nbytes / count,
            "words": index.lexical.nbytes / count,
            "all": index.nbytes / count,
        },
    }
    if view.is_large:
        figures |= two_stage(index, user, common + rare, asking)
    return figures


def _bm25(view: Any, question: Question) -> None:
    found = view.texts.find(question.words)
    view.texts.scores(found)
    view.sessions.scores(found)


def two_stage(
    index: UserIndex, user: MadeUser, asked: list[Question], asking: Callable[..., Any]
) -> dict[str, Any]:
    """What estimating first costs and loses, against exact search and against the whole formula."""
    visible = index.visible(EVERYTHING)
    view = index.view(visible)
    shared, alike, in_order, dense = [], [], [], []
    for one in asked:
        whole = asking(one, visible, candidates=ALL).versions[:TOP].tolist()
        quick = asking(one, visible).versions[:TOP].tolist()
        shared.append(len(set(whole) & set(quick)) / TOP)
        alike.append(set(whole) == set(quick))
        in_order.append(whole == quick)
        exact = np.concatenate(
            [part @ one.embedding for part in np.array_split(user.rows, len(user.rows) // 5_000)]
        )
        dense.append(recall_at(exact, _two_stage_top(index, one)))
    return {
        "dense_recall@20": statistics.mean(dense),
        "rank_shared@20": statistics.mean(shared),
        "rank_same_set@20": statistics.mean(alike),
        "rank_same_order@20": statistics.mean(in_order),
        "dense_two_stage_ms": median_ms([partial(_two_stage_top, index, one) for one in asked[:9]]),
        "signs_ms": median_ms([partial(index.dense.distances, asked[0].embedding)]),
        "dense_all_rows_ms": median_ms([partial(index.dense.scores, asked[0].embedding)], 3),
        "estimates_ms": median_ms([partial(view.estimates, asked[0].embedding)]),
        "rank_all_rows_ms": median_ms(
            [partial(asking, one, visible, candidates=ALL) for one in asked[:3]], 2
        ),
    }


def _two_stage_top(index: UserIndex, question: Question) -> Any:
    """The rows with the best cosines among those with the best signs."""
    distances = index.dense.distances(question.embedding)
    counts = np.cumsum(np.bincount(distances))
    rows = np.flatnonzero(distances <= np.searchsorted(counts, 1_000))
    scores = index.dense.scores_of(rows, question.embedding)
    return rows[np.argsort(-scores)[:TOP]]


def recall_at(exact: Any, found: Any) -> float:
    """The share of the found rows that are as near as the best by exact search."""
    least = np.partition(exact, len(exact) - TOP)[len(exact) - TOP]
    return float(np.count_nonzero(exact[found] >= least - 1e-6) / TOP)


def precisions(pool: Floats, queries: Floats) -> dict[str, Any]:
    """Float32, float16, int16 and int8: bytes a number, an exact scan, and what of 20 is found."""
    rows = embeddings(max(len(pool), 20_000), pool, 1)
    asked = list(queries)
    largest = np.abs(rows).max(1, keepdims=True)
    kinds: dict[str, tuple[Any, Any]] = {
        "float32": (rows, np.float32(1)),
        "float16": (rows.astype(np.float16), np.float32(1)),
        "int16": (np.rint(rows / largest * 32_767).astype(np.int16), largest[:, 0] / 32_767),
        "int8": (np.rint(rows / largest * 127).astype(np.int8), largest[:, 0] / 127),
    }
    figures = {"rows": len(rows), "share_of_real_embeddings": min(1.0, len(pool) / len(rows))}
    for name, (held, scale) in kinds.items():
        found = [scan(held, scale, one) for one in asked]
        exact = [rows @ one for one in asked]
        figures[name] = {
            "bytes": held.itemsize,
            "scan_ms": median_ms([partial(scan, held, scale, one) for one in asked[:3]], 3),
            "largest_error": max(
                float(np.abs(a - b).max()) for a, b in zip(exact, found, strict=True)
            ),
            "recall@20": statistics.mean(
                recall_at(a, np.argsort(-b)[:TOP]) for a, b in zip(exact, found, strict=True)
            ),
        }
    return figures


def scan(held: Any, scale: Any, query: Floats) -> Any:
    """Cosines of all rows, widened a thousand at a time."""
    found = np.empty(len(held), np.float32)
    for start in range(0, len(held), 1_024):
        part = held[start : start + 1_024]
        np.dot(part.astype(np.float32, copy=False), query, out=found[start : start + 1_024])
    return found * scale


def many_users(users: int, budget: int) -> dict[str, Any]:
    """So many users of 100 memories, each asked once; bytes of the process along the way."""
    cache, user = IndexCache(budget), MadeUser(100, np.zeros((0, DIMENSION), np.float32))
    asked, resident, opened = questions(user.rows[:1], common=60)[0], [], []
    for number in range(users):
        index = cache.get(f"u{number}", DIMENSION)
        begin = clock()
        index.refresh(user)
        rank(index, asked, index.visible(EVERYTHING), limit=40)
        opened.append((clock() - begin) * 1_000)
        if number % (users // 10) == users // 10 - 1:
            resident.append(resident_mb())
    return {
        "users": users,
        "byte_budget_mb": budget / 1e6,
        "kept": len(cache),
        "counted_mb": cache.nbytes / 1e6,
        "build_and_rank_ms": statistics.median(opened),
        "resident_mb": resident,
    }


def resident_mb() -> float:
    """Resident memory of this process; 0 where the system does not say."""
    if not RSS_PAGES.exists():
        return 0.0
    return int(RSS_PAGES.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def filled(folder: str, count: int) -> None:
    """A vault in a folder with so many memories of one user."""
    texts = [text for session in load()["sessions"] for _, text in session["turns"]]
    async with MemoryLayer("many", config=MemoryConfig(data_dir=folder)) as memory:
        await fill(memory, texts, count)


async def asked_of(folder: str, count: int) -> dict[str, float]:
    """Recall of that user: all but the question's embedding, and the first time."""
    texts = [text for session in load()["sessions"] for _, text in session["turns"]]
    asked = [f"What did I say about {text[:40]}?" for text in texts[:30]]
    async with MemoryLayer("many", config=MemoryConfig(data_dir=folder)) as memory:
        embedder = memory._vault.engine.embedder  # noqa: SLF001
        await embedder.open()
        known = {one: await embedder.embed_query(one) for one in asked}

        async def recalled(text: str) -> Floats:
            return known[text]

        embedder.embed_query = recalled  # type: ignore[method-assign]
        cold = await timed(partial(memory.recall, asked[0]))
        times = [[await timed(partial(memory.recall, one)) for one in asked] for _ in range(5)]
        return {
            "memories": count,
            "cold_ms": cold,
            "rest_ms": statistics.median(map(min, zip(*times, strict=True))),
            "resident_mb": resident_mb(),
        }


async def timed(call: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    begin = clock()
    await call()
    return (clock() - begin) * 1_000


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call in a process of its own, whose memory nothing else has grown."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def api_figures(count: int) -> dict[str, float]:
    """Figures through the public API, the vault filled by one process and asked by another."""
    with tempfile.TemporaryDirectory() as folder:
        in_a_process(anyio.run, filled, folder, count)
        found: dict[str, float] = in_a_process(anyio.run, asked_of, folder, count)
        return found


def main() -> None:
    """Measure, print, keep the figures, draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100,1000,10000,100000,1000000")
    parser.add_argument("--out", type=Path, default=ROOT / "results/index_at_size.json")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--no-vault", action="store_true")
    given = parser.parse_args()
    global clock
    clock = time.thread_time if given.busy else time.perf_counter
    pool, asked = held_out(kept_embeddings(100_000))
    figures: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
            "clock": clock.__name__,
        },
        "real_embeddings": len(pool),
        "questions": QUESTIONS,
        "many_users": in_a_process(many_users, given.users, 1 << 28),
        "precisions": precisions(pool, asked),
        "index": [],
    }
    for size in map(int, given.sizes.split(",")):
        figures["index"].append(index_at(size, pool, asked))
        print(json.dumps(figures["index"][-1], indent=1), flush=True)
    if not given.no_vault:
        figures["api"] = [api_figures(size) for size in (10_000, 100_000)]
    text = json.dumps(figures, indent=1)
    given.out.write_text(text + "\n", encoding="utf-8")
    write_curves(figures, ROOT.parent / "docs/images/index_at_size.svg")
    print(text)


if __name__ == "__main__":
    main()
