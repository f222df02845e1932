"""The plain retrieval that recall is compared with."""

import numpy as np
import pytest

from memory_vault.bench import baseline, eval_file
from memory_vault.bench.embedding_cache import CachedEmbedder
from memory_vault.bench.eval_file import EvalFile, Place, Question, Turn
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.text.budget import LineCosts
from memory_vault.text.tokens import OfflineCounter

COSTS = LineCosts(OfflineCounter())
SESSIONS = {
    "k1": (Turn("1:0", "user", "My sister breeds alpacas near Cusco."), Turn("1:1", "user", " ")),
    "k2": (Turn("2:0", "Ann", "The kitchen tap drips."), Turn("2:1", "Bo", "Buy a cartridge.")),
}
PLACES = (Place("s1", "2024-03-01", "k1"), Place("s2", "2024-03-02", "k2"))


def question(name, text, places, session, turn):
    return Question(
        name, "plain", text, frozenset(places), places, frozenset({session}), frozenset({turn}),
        is_abstention=False,
    )  # fmt: skip


FILE = EvalFile(
    "tiny",
    SESSIONS,
    (
        question("q1", "What did Ann say about the kitchen tap?", PLACES, "s2", "2:0"),
        question("q2", "Who breeds alpacas?", PLACES[:1], "s1", "1:0"),
    ),
)


def test_scores_are_scaled_from_the_worst_to_the_best():
    assert baseline.scaled(np.array([2.0, 4.0, 3.0], np.float32)).tolist() == [0, 1, 0.5]
    assert baseline.scaled(np.array([2.0, 2.0], np.float32)).tolist() == [0, 0]


def test_both_scores_count_alike_and_ties_keep_their_order():
    dense = np.array([0.1, 0.9, 0.5, 0.5], np.float32)
    bm25 = np.array([8.0, 0.0, 4.0, 4.0], np.float32)
    assert baseline.best_first(dense, bm25) == [0, 1, 2, 3]
    assert baseline.best_first(dense, np.zeros(4, np.float32)) == [1, 2, 3, 0]


def entries(*texts):
    place = Place("s", "2024-03-01", "k")
    turns = [Turn(f"t{i}", "user", text) for i, text in enumerate(texts)]
    return baseline._entries(place, turns, texts, COSTS)


def test_a_block_takes_whole_turns_by_rank_and_passes_over_what_does_not_fit():
    found = baseline.fill(entries("short", "long " * 200, "shorter"), 100, COSTS)
    assert found.held == {"t0", "t2"}
    assert 0 < found.tokens <= 100


@pytest.mark.parametrize("budget", [1, 30, 60, 500])
def test_a_block_never_exceeds_its_budget(budget):
    found = baseline.fill(entries(*(f"turn {i} of the talk" for i in range(99))), budget, COSTS)
    assert found.tokens <= budget


@pytest.mark.anyio
async def test_every_question_is_asked_of_its_own_haystack(tmp_path):
    steps = []
    embedder = CachedEmbedder(HashEmbedder(), tmp_path)
    rows = await baseline.run(FILE, embedder, OfflineCounter(), steps.append)
    await embedder.close()
    assert [one["id"] for one in rows] == ["q1", "q2"]
    assert rows[0]["turn_ranks"] == {"2:0": 1}
    assert rows[0]["session_ranks"] == {"s2": 1}
    assert rows[1]["turn_ranks"] == {"1:0": 1}
    assert rows[0]["budget"]["500"] == 1
    assert rows[0]["is_relevant"] is None
    assert sum(steps) == sum(map(len, eval_file.plan(FILE.questions))) == 4
    assert embedder.misses == 5  # three turns, each once, and two questions
