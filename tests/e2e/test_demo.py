"""The demo: a conversation of its own, saved whole, and five blocks that hold the right line."""

import json
import os
import subprocess
import sys

from memory_vault import demo


def run(*words: str, model_dir) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MEMORY_VAULT_MODEL_DIR": str(model_dir)}
    command = [sys.executable, "-m", "memory_vault", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def test_the_conversation_is_long_and_its_answers_are_in_it():
    found = demo.load()
    turns = [text for one in found["sessions"] for _, text in one["turns"]]
    assert len(turns) >= 110
    assert len(found["questions"]) == 5
    for one in found["questions"]:
        assert sum(one["expected"] in text for text in turns) == 1
    dates = [one["date"] for one in found["sessions"]]
    assert dates == sorted(dates)


def test_every_block_holds_the_right_line(model_dir):
    done = run("demo", "--json", model_dir=model_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] is True
    assert len(found["answers"]) == 5
    for one in found["answers"]:
        assert one["ok"]
        assert one["expected"] in one["prompt_block"]
        assert 0 < one["total_tokens"] <= demo.TOKEN_BUDGET


def test_it_prints_the_blocks_and_may_run_twice_in_one_folder(model_dir, tmp_path):
    for _ in range(2):
        done = run("--data-dir", str(tmp_path / "vault"), "demo", model_dir=model_dir)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("<memory>") == 5
        assert "5 of 5 blocks" in done.stdout


def test_it_says_so_when_the_model_is_missing(tmp_path):
    done = run("demo", model_dir=tmp_path / "nothing")
    assert done.returncode == 5
    assert "memory-vault model install" in done.stderr
    assert "Traceback" not in done.stderr
