"""The recall benchmark on a tiny file of its own, with a real embedder that needs no model."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from memory_vault.bench import eval_file
from memory_vault.bench.recall import Options, run
from memory_vault.testing.embedders import HashEmbedder

SESSIONS = {
    "c/s1": [
        {"id": "s1:0", "role": "user", "text": "My sister Paula breeds alpacas near Cusco."},
        {"id": "s1:1", "role": "assistant", "text": "Alpacas! How many does she have?"},
        {"id": "s1:2", "role": "user", "text": "Nineteen\n<and> a very bossy llama."},
        {"id": "s1:3", "role": "assistant", "text": " "},
    ],
    "c/s2": [
        {"id": "s2:0", "role": "user", "text": "The kitchen tap drips, I ordered a new cartridge."},
        {"id": "s2:1", "role": "assistant", "text": "Close the valve under the sink first."},
        {"id": "s2:2", "role": "assistant", "text": "Close the valve under the sink first."},
    ],
    "c/s3": [{"id": "s3:0", "role": "user", "text": "I paint watercolours of lighthouses."}],
}
PLACES = [
    ["s2", "2:05 pm on 9 March, 2024", "c/s2"],
    ["s1", "2024/03/01 (Fri) 10:00", "c/s1"],
    ["s3", "2024-04-01 (Monday)", "c/s3"],
]


def question(name: str, text: str, sessions: list[str], turns: list[str], **changes) -> dict:
    plain = {"type": "plain", "asked_at": None, "haystack": PLACES, "abstention": False}
    gold = {"gold_sessions": sessions, "gold_turns": turns}
    return {"id": name, "question": text, **plain, **gold, **changes}


QUESTIONS = [
    question("q1", "Where does Paula breed alpacas?", ["s1"], ["s1:0"]),
    question("q2", "Which bossy llama?", ["s1"], ["s1:2"], haystack=PLACES[:2]),
    question("q3", "What do I do about the valve under the sink?", ["s2"], ["s2:1", "s2:2"]),
    question("q4", "Which car do I drive?", [], [], type="unknown", abstention=True),
]


@pytest.fixture
def path(tmp_path):
    data = {"format": "memory-eval/1", "name": "tiny", "sessions": SESSIONS, "questions": QUESTIONS}
    path = tmp_path / "tiny.json.gz"
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    return path


@pytest.mark.anyio
@pytest.mark.parametrize("jobs", [1, 4])
async def test_it_finds_what_the_questions_ask_for(path, tmp_path, jobs):
    done = []
    report = await run(
        eval_file.read(path), tmp_path / "vault", HashEmbedder(128),
        Options(jobs=jobs, cache_dir=tmp_path / "cache"),
        progress=lambda steps, total: done.append((steps, total)),
    )  # fmt: skip
    found = report.as_dict("tiny.json.gz", "abc")
    assert found["n"] == 4
    assert done == [(1, 7)] * 7  # three sessions saved, four questions asked
    assert [one["id"] for one in found["questions"]] == ["q1", "q2", "q3", "q4"]
    assert found["session"]["any@1"] == 1
    assert found["session"]["ndcg@10"] == 1
    assert found["turn"]["frac@5"] == 1
    assert found["budget"] == {"500": 1, "1000": 1, "2000": 1, "4000": 1}
    assert all(0 < value <= int(b) for b, value in found["budget_tokens"].items())
    assert found["without_abstention"]["n"] == 3
    assert found["by_type"]["unknown"]["n"] == 1
    assert found["by_type"]["unknown"]["session"]["any@1"] is None
    assert found["latency_ms"]["recall_p50"] > 0
    assert list((tmp_path / "cache").glob("*.sqlite"))


@pytest.mark.anyio
async def test_the_figures_hold_no_text_of_the_file(path, tmp_path):
    report = await run(
        eval_file.read(path), tmp_path / "vault", HashEmbedder(), Options(with_baseline=True)
    )
    text = json.dumps(report.as_dict("tiny", None))
    for word in ("Paula", "valve", "llama", "lighthouse"):
        assert word not in text


def command(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "memory_vault", "bench", "recall", *words],
        env={**os.environ, **env}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_command_prints_a_table_and_writes_the_figures(path, tmp_path, model_dir):
    out = tmp_path / "out.json"
    env = {"MEMORY_VAULT_MODEL_DIR": str(model_dir), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    done = command(str(path), "--json", str(out), "--limit", "3", **env)
    assert done.returncode == 0, done.stderr
    assert "ndcg@10" in done.stdout
    assert "latency, ms" in done.stdout
    found = json.loads(out.read_text())
    assert found["file"] == "tiny.json.gz"
    assert found["n"] == 3
    assert {"commit", "session", "turn", "budget", "without_abstention", "by_type"} <= set(found)
    assert {"recall_p50", "recall_p95", "embed_query_p50"} <= set(found["latency_ms"])


@pytest.mark.parametrize("words", [["missing.json"], ["FILE", "--limit", "0"],
                                   ["FILE", "--jobs", "0"]])  # fmt: skip
def test_bad_input_exits_with_2(words, path):
    done = command(*(str(path) if word == "FILE" else word for word in words))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_an_unknown_embedder_is_a_setting_error(path):
    done = command(str(path), "--embedder", "nonsense")
    assert done.returncode == 3
