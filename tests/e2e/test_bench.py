"""The recall benchmark on a tiny file of its own, with a real embedder that needs no model."""

import gzip
import json
import os
import subprocess
import sys
import time

import anyio
import pytest

from memory_vault import InvalidInput
from memory_vault.bench import eval_file
from memory_vault.bench.recall import Options, _shown, run
from memory_vault.cli.app import run as cli
from memory_vault.testing.embedders import HashEmbedder
from memory_vault.testing.rerankers import OverlapReranker

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
    assert found["conversations"] == 1
    assert found["abstention"]["n"] == 4
    assert found["abstention"]["n_abstention"] == 1
    assert list((tmp_path / "cache").glob("*.sqlite"))


@pytest.mark.anyio
async def test_a_compressed_vault_is_asked(path, tmp_path):
    data = json.loads(gzip.decompress(path.read_bytes()))
    data["sessions"]["c/s1"] += [
        {
            "id": f"s1:{n}",
            "role": "user",
            "text": f"Number {n} of {n * 7} herds eats grass. It is. So.",
        }
        for n in range(4, 16)
    ]
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    options = Options(compress=0.3, cache_dir=tmp_path / "cache", is_fresh=True)
    report = await run(eval_file.read(path), tmp_path / "vault", HashEmbedder(128), options)
    found = report.as_dict("tiny.json.gz", "abc")
    assert 0.2 < found["compressed"]["visible"] < 0.6
    assert found["compressed"]["archived"].keys() == {"500", "1000", "2000", "4000"}
    assert found["session"]["frac@10"] == 1
    assert found["budget"]["4000"] > 0.6
    assert all("compressed" in one for one in found["questions"])


@pytest.mark.anyio
async def test_a_reranker_is_asked_and_named(path, tmp_path, model_dir):
    options = Options(
        reranker="minilm", model_dir=model_dir, cache_dir=tmp_path / "cache", is_fresh=True
    )
    report = await run(eval_file.read(path), tmp_path / "vault", HashEmbedder(128), options)
    found = report.as_dict("tiny.json.gz", "abc")
    assert found["reranked"] == {"by": "minilm", "best": 20}
    assert found["session"]["any@1"] == 1


def test_a_reranker_is_named_without_what_may_be_secret():
    assert _shown("tei:http://127.0.0.1/rerank?key=secret#m") == "tei:http://127.0.0.1/rerank"
    assert _shown(OverlapReranker()) == "OverlapReranker"


@pytest.mark.anyio
async def test_the_figures_hold_no_text_of_the_file(path, tmp_path):
    report = await run(
        eval_file.read(path), tmp_path / "vault", HashEmbedder(), Options(with_baseline=True)
    )
    text = json.dumps(report.as_dict("tiny", None))
    for word in ("Paula", "valve", "llama", "lighthouse"):
        assert word not in text


@pytest.mark.anyio
async def test_each_text_is_embedded_once_and_a_dozen_sessions_at_a_time(path, tmp_path):
    batches = []

    class Counting(HashEmbedder):
        async def embed(self, texts):
            batches.append(list(texts))
            return await super().embed(texts)

    options = Options(with_baseline=True, cache_dir=tmp_path / "cache")
    await run(eval_file.read(path), tmp_path / "vault", Counting(), options)
    documents = [one for one in batches if not one[0].endswith("?")]
    assert len(documents) == 1
    assert len(documents[0]) == len(set(documents[0])) == 7  # six turns and a fact


@pytest.mark.anyio
async def test_a_question_sees_its_whole_haystack_whatever_its_date(path, tmp_path):
    data = json.loads(gzip.decompress(path.read_bytes()))
    for one, asked in zip(
        data["questions"], ("2024/03/01 (Fri) 09:00", "1999-01-01"), strict=False
    ):
        one["asked_at"] = asked
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    report = await run(eval_file.read(path), tmp_path / "vault", HashEmbedder(128))
    assert report.as_dict("tiny", None)["turn"]["frac@10"] == 1


@pytest.mark.anyio
async def test_what_a_run_has_judged_the_same_run_takes_over_and_no_other(path, tmp_path):
    file = eval_file.read(path)

    async def again(name, dimension=128, chosen=file, **options):
        embedder = HashEmbedder(dimension)
        return await run(chosen, tmp_path / name, embedder, Options(**options))

    first = await again("one")
    assert first.resumed == 0
    second = await again("two")
    assert second.resumed == 4
    assert second.rows == first.rows
    assert second.search_ms == first.search_ms
    assert (await again("three", is_fresh=True)).resumed == 0
    assert (await again("four", dimension=64)).resumed == 0
    assert (await again("five", chosen=file.limited(3))).resumed == 0
    second.journal.remove()
    assert (await again("six")).resumed == 0


def start(*words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "memory_vault", "bench", *words],
        env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def command(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    with start("recall", *words, **env) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture
def env(model_dir, tmp_path):
    return {"MEMORY_VAULT_MODEL_DIR": str(model_dir), "XDG_CACHE_HOME": str(tmp_path / "xdg")}


@pytest.fixture
def long_path(path):
    """The same file with many questions, so that there is time to stop a run."""
    data = json.loads(gzip.decompress(path.read_bytes()))
    data["questions"] += [{**QUESTIONS[i % 3], "id": f"more-{i}"} for i in range(40)]
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    return path


def kill_midway(path, folder, **env: str) -> int:
    """Start a run, kill it once it has judged something, and tear the last line it wrote."""
    with start("recall", str(path), **env) as process:
        while (
            not (journals := list(folder.glob("bench/*.jsonl"))) or not journals[0].stat().st_size
        ):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.kill()
    (journal,) = folder.glob("bench/*.jsonl")
    kept = journal.read_bytes()
    journal.write_bytes(kept + kept[: len(kept.splitlines()[0]) // 2])
    return kept.count(b"\n")


CHANGING = {"latency_ms", "resumed", "baseline", "comparison"}


def test_a_killed_run_goes_on_and_finds_what_an_uninterrupted_one_finds(long_path, tmp_path, env):
    whole, resumed = tmp_path / "whole.json", tmp_path / "resumed.json"
    done = command(str(long_path), "--json", str(whole), **env)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "xdg" / "memory-vault"
    assert not list(folder.glob("bench/*"))  # finished: nothing is left to be taken over
    judged = kill_midway(long_path, folder, **env)
    done = command(
        str(long_path),
        "--json",
        str(resumed),
        "--baseline",
        "plain",
        "--compare",
        str(whole),
        **env,
    )
    assert done.returncode == 0, done.stderr
    before, after = (json.loads(one.read_text()) for one in (whole, resumed))
    assert 0 < judged == after["resumed"] < 44
    assert {k: v for k, v in before.items() if k not in CHANGING} == {
        k: v for k, v in after.items() if k not in CHANGING
    }
    assert after["comparison"]["session"]["any@5"]["interval95"] == [0, 0]
    assert set(after["baseline"]) >= {"n", "session", "turn", "budget", "interval95", "by_type"}
    gain = after["baseline"]["gain"]["session"]["any@1"]
    assert gain["after"] == after["session"]["any@1"]
    assert gain["before"] == after["baseline"]["session"]["any@1"]
    assert "of a stopped run" in done.stdout
    assert "gain, 95 %" in done.stdout


def test_the_command_prints_a_table_and_writes_the_figures(path, tmp_path, env):
    out = tmp_path / "out.json"
    done = command(str(path), "--json", str(out), "--limit", "3", **env)
    assert done.returncode == 0, done.stderr
    assert "ndcg@10" in done.stdout
    assert "latency, ms" in done.stdout
    found = json.loads(out.read_text())
    assert found["file"] == "tiny.json.gz"
    assert found["n"] == 3
    assert {"commit", "session", "turn", "budget", "without_abstention", "by_type"} <= set(found)
    assert {"recall_p50", "recall_p95", "embed_query_p50"} <= set(found["latency_ms"])
    parts = [found, found["without_abstention"], *found["by_type"].values()]
    for part in parts:
        low, high = part["interval95"]["session"]["any@5"]
        assert low <= part["session"]["any@5"] <= high
    assert "abstention" not in found  # none of the three is flagged


def test_two_reports_are_compared_without_a_run(path, tmp_path, capsys):
    file = eval_file.read(path)
    for name, dimension in (("old", 8), ("new", 128)):
        embedder, folder = HashEmbedder(dimension), tmp_path / name
        report = anyio.run(run, file, folder, embedder)
        (tmp_path / f"{name}.json").write_text(json.dumps(report.as_dict("tiny", name)))
    new, old = str(tmp_path / "new.json"), str(tmp_path / "old.json")
    assert cli(["bench", "compare", new, old]) == 0
    shown = capsys.readouterr().out
    assert "4 questions in both" in shown
    assert "session any@5 gained" in shown
    assert cli(["bench", "compare", new, old, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["before"], found["after"], found["n"]) == ("old", "new", 4)


def test_a_report_on_another_file_is_refused_before_the_run(path, tmp_path, capsys):
    report = anyio.run(run, eval_file.read(path), tmp_path / "vault", HashEmbedder())
    old = {**report.as_dict("tiny", None), "digest": "other"}
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert cli(["bench", "recall", str(path), "--compare", str(tmp_path / "old.json")]) == 2
    assert "two data sets" in capsys.readouterr().err


@pytest.mark.parametrize("words", [
    ["missing.json"], ["FILE", "--limit", "0"], ["FILE", "--jobs", "0"],
    ["FILE", "--baseline", "fancy"], ["FILE", "--compare", "missing.json"],
])  # fmt: skip
def test_bad_input_exits_with_2(words, path, capsys):
    assert cli(["bench", "recall", *(str(path) if word == "FILE" else word for word in words)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.anyio
async def test_what_the_vault_refuses_is_one_plain_error(path, tmp_path):
    data = json.loads(gzip.decompress(path.read_bytes()))
    data["questions"][0]["question"] = " "
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    with pytest.raises(InvalidInput):
        await run(eval_file.read(path), tmp_path / "vault", HashEmbedder())


@pytest.mark.parametrize("setting", ["--embedder", "--reranker"])
def test_an_unknown_name_is_a_setting_error(setting, path):
    assert cli(["bench", "recall", str(path), setting, "nonsense"]) == 3
