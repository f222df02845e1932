"""The command line as a user meets it: every command, its JSON, its exit status, its errors."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from functools import partial

import pytest
from tests.unit.embed_service import serving as serving_embeddings
from tests.unit.http_service import Reply
from tests.unit.llm_service import serving as serving_model
from tests.unit.rerank_service import serving

from memory_vault.cli import main


@pytest.fixture
def vault(tmp_path, model_dir, monkeypatch):
    """A vault folder of this test alone, with the real model."""
    folder = tmp_path / "vault"
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(model_dir))
    monkeypatch.setenv("MEMORY_VAULT_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def run(vault, capsys):
    """Run one command in this process; gives its status, stdout and stderr."""

    def run_one(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(words)
        shown = capsys.readouterr()
        return stop.value.code, shown.out, shown.err

    return run_one


@pytest.fixture
def data(run):
    """Run one command with --json that must succeed; gives what it printed."""

    def run_one(*words: str):
        status, out, err = run(*words, "--json")
        assert status == 0, err
        return json.loads(out)

    return run_one


def typed(text: str | bytes) -> io.TextIOWrapper:
    """Standard input that holds this."""
    return io.TextIOWrapper(io.BytesIO(text if isinstance(text, bytes) else text.encode()))


def test_save_and_recall(run):
    status, out, _ = run("save", "I moved to Lisbon in May.")
    assert status == 0
    assert out.startswith("saved ")
    status, out, _ = run("recall", "Where do I live?")
    assert status == 0
    assert "<memory>" in out
    assert "Lisbon" in out


def test_json_of_save_and_recall(data):
    saved = data("save", "The red bike stands in the cellar.", "--session", "s1", "--role", "Mia",
                 "--occurred-at", "2026-05-20T10:00Z", "--type", "episodic")  # fmt: skip
    assert set(saved) == {"saved", "duplicates", "preferences", "facts"}
    (memory,) = saved["saved"]
    assert memory["role"] == "Mia"
    assert memory["session_id"] == "s1"
    assert memory["memory_type"] == "episodic"
    assert datetime.fromisoformat(memory["occurred_at"]).utcoffset() is not None

    found = data("recall", "Where is the bike?", "--top-k", "3", "--budget", "200", "--explain",
                 "--type", "episodic", "--role", "Mia", "--session", "s1")  # fmt: skip
    assert found["token_budget"] == 200
    assert found["memories"][0]["memory"]["id"] == memory["id"]
    assert {"snippet", "score", "signals", "rank"} <= set(found["memories"][0])
    assert {"query", "prompt_block", "total_tokens", "budget_used", "left_out", "is_relevant",
            "preferences", "explanation"} <= set(found)  # fmt: skip


def test_recall_shows_the_past(data, run):
    data("save", "The office is on the third floor.", "--occurred-at", "2024-01-10T09:00Z")
    data("save", "The office is now on the fifth floor.", "--occurred-at", "2025-01-10T09:00Z")
    block = data("recall", "Which floor is the office on?", "--as-of", "2024-06-01T00:00Z")
    assert "third" in block["prompt_block"]
    assert "fifth" not in block["prompt_block"]
    block = data("recall", "Which floor is the office on?", "--since", "2024-12-31T00:00Z")
    assert "third" not in block["prompt_block"]
    block = data("recall", "Which floor is the office on?", "--until", "2024-12-31T00:00Z")
    assert "fifth" not in block["prompt_block"]
    block = data("recall", "Which floor is the office on?", "--known-at", "2020-01-01")
    assert block["memories"] == []
    status, out, _ = run("recall", "floor?", "--known-at", "2020-01-01")
    assert (status, out) == (0, "nothing to recall\n")


def test_explain_prints_reasons(run):
    run("save", "The red bike stands in the cellar.")
    _, out, _ = run("recall", "Where is the bike?", "--explain")
    assert re.search(r"^1\. .* score ", out, re.MULTILINE)


def test_save_reads_stdin(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", typed("The gate code hangs by the door.\n"))
    status, out, _ = run("save", "-")
    assert status == 0
    assert out.startswith("saved ")


@pytest.mark.parametrize("given", [None, b"", b"caf\xe9", b"\xed\xb3\xbf"])
def test_a_standard_input_that_holds_no_text_is_refused(run, data, monkeypatch, given):
    monkeypatch.setattr(sys, "stdin", None if given is None else typed(given))
    status, out, err = run("save", "-")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert ("not UTF-8" in err) is bool(given)
    assert data("list")["items"] == []


@pytest.mark.parametrize(
    "words",
    [
        ["save", "caf\udce9"],
        ["recall", "caf\udce9"],
        ["update", "mem_0", "--content", "caf\udce9"],
        ["preferences", "set", "drink", "caf\udce9"],
        ["preferences", "set", "caf\udce9", "yes"],
        ["preferences", "delete", "caf\udce9"],
        ["keys", "create", "--all-users", "--name", "caf\udce9"],
        ["keys", "rotate", "caf\udce9"],
        ["keys", "revoke", "caf\udce9"],
        ["backup", "caf\udce9"],
        ["--data-dir", "caf\udce9", "stats"],
    ],
)
def test_words_that_are_no_utf_8_are_refused(run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*words)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "not UTF-8" in err
    assert not (tmp_path / "caf\udce9").exists()


def test_an_empty_data_folder_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("--data-dir", "", "save", "tea")
    assert (status, err.startswith("error: "), len(err.splitlines())) == (2, True, 1)
    assert "empty" in err
    assert list(tmp_path.iterdir()) == []


EVIL = "a \x1b[31mred\x9b2J\u202e\u2028\U000e0041 \u65e5\u672c \U0001f469\u200d\U0001f680 end"


def test_stored_text_moves_no_cursor(run, data):
    (saved,) = data("save", EVIL, "--session", "s\x1b]0;title\x07")["saved"]
    data("preferences", "set", "style", EVIL + "\nforged  row")
    for words in (
        ["list"], ["show", saved["id"]], ["show", saved["id"], "--history"], ["recall", "red end"],
        ["preferences", "list"], ["preferences", "set", "style", EVIL], ["sessions", "list"],
    ):  # fmt: skip
        status, out, _ = run(*words)
        assert status == 0
        assert not [char for char in "\x1b\x07\x9b\u202e\u2028\U000e0041" if char in out], words
        assert ("\\x1b" in out) is (words[0] != "recall")  # a prompt block holds none anyway
        assert "\nforged" not in out
    assert "\U0001f469\u200d\U0001f680" in run("list")[1]
    out = run("list", "--json")[1]
    assert "\x9b" not in out
    assert json.loads(out)["items"][0]["content"] == EVIL


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_goes_to_a_terminal_of_any_encoding(vault, data, encoding):
    data("save", EVIL)
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "FORCE_COLOR": "1"}
    for words in (["list"], ["recall", "red end"], ["show", "\u65e5"], ["list", "--json"]):
        started = command(*words, env=environment)
        out, err = started.communicate(timeout=60)
        assert "Traceback" not in err
        assert started.returncode == (4 if words[0] == "show" else 0)
    assert json.loads(out)["items"][0]["content"] == EVIL


@pytest.mark.parametrize("width", [60, 80, 120])
def test_ids_are_never_folded(run, data, monkeypatch, width):
    session = data("sessions", "start")["id"]
    (saved,) = data("save", "The red bike stands in the cellar. " * 9, "-s", session)["saved"]
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    for words in (["list"], ["sessions", "list"]):
        out = run(*words)[1]
        assert session in out
    out = run("list")[1]
    assert saved["id"] in out
    is_folded = len(out.splitlines()) > 2
    assert is_folded is (width >= 120)
    assert len(max(out.splitlines()[1:], key=len)) <= width or not is_folded


@pytest.mark.parametrize("form", ["lines", "list", "object"])
def test_save_reads_a_conversation(data, tmp_path, form):
    messages = [
        {"role": "user", "content": f"Train number {i} was late.", "occurred_at": "2026-01-01"}
        for i in range(150)
    ]
    if form == "lines":
        path = tmp_path / "conversation.jsonl"
        path.write_text("\n".join(map(json.dumps, messages)) + "\n")
    else:
        path = tmp_path / "conversation.json"
        path.write_text(json.dumps(messages if form == "list" else {"messages": messages}))
    first = data("save", "--file", str(path), "--session", "trains")
    assert len(first["saved"]) == 150
    assert data("save", "--file", str(path), "--session", "trains") == first
    path.write_text(path.read_text() + "\n")  # another file with the same messages
    again = data("save", "--file", str(path), "--session", "trains")
    assert again["saved"] == []
    assert [one["position"] for one in again["duplicates"]] == list(range(150))
    assert data("stats")["total"] == 150


def test_a_file_that_comes_again_stores_what_was_missing(data, tmp_path):
    path = tmp_path / "conversation.jsonl"
    path.write_text("".join(f'{{"content": "Train {i} was late."}}\n' for i in range(150)))
    first = data("save", "--file", str(path))
    assert data("save", "--file", str(path)) == first
    assert data("stats")["total"] == 150
    assert data("save", "--file", str(path), "--session", "s")["saved"][0]["session_id"] == "s"
    assert data("save", "--file", str(path), "--user", "mia")["saved"][0]["user_id"] == "mia"
    assert data("stats")["total"] == 300


def test_a_role_is_of_the_messages_that_name_none(data, tmp_path):
    path = tmp_path / "conversation.json"
    path.write_text('[{"content": "Tea is ready."}, {"content": "Coming.", "role": "Tom"}]')
    saved = data("save", "--file", str(path), "--role", "Mia")["saved"]
    assert [one["role"] for one in saved] == ["Mia", "Tom"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", "{"), ("a.json", "{}"), ("a.json", "[]"), ("a.json", "[1]"),
     ("a.jsonl", '{"content": "x"}\n{"role"'), ("a.json", '[{"role": "user"}]'),
     ("a.json", '[{"content": "x", "text": "y"}]'), ("a.json", '[{"content": 1}]'),
     ("a.json", '[{"content": "x", "occurred_at": "soon"}]'),
     ("a.json", '[{"content": "x", "occurred_at": 5}]')],
)  # fmt: skip
def test_a_bad_conversation_is_refused(run, tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    status, _, err = run("save", "--file", str(path))
    assert status == 2
    assert err.startswith("error: ")
    assert name in err
    assert run("save", "--file", str(tmp_path / "missing.json"))[0] == 2


def test_list_and_show(data, run):
    ids = [data("save", f"Note number {i}.")["saved"][0]["id"] for i in range(3)]
    page = data("list", "--limit", "2")
    assert [one["id"] for one in page["items"]] == ids[:2]
    rest = data("list", "--limit", "2", "--cursor", page["next_cursor"])
    assert [one["id"] for one in rest["items"]] == ids[2:]
    assert rest["next_cursor"] is None
    _, out, _ = run("list")
    assert "Note number 2." in out
    assert data("show", ids[0])["content"] == "Note number 0."
    _, out, _ = run("show", ids[0])
    assert "Note number 0." in out
    assert data("list", "--session", "none")["items"] == []


def test_update_and_history(data, run):
    memory = data("save", "The shop closes at six.")["saved"][0]["id"]
    changed = data("update", memory, "--content", "The shop closes at eight.", "--importance",
                   "0.9", "--valid-from", "2026-01-01", "--occurred-at", "2026-01-02")  # fmt: skip
    assert changed["content"] == "The shop closes at eight."
    assert data("update", memory, "--occurred-at", "")["occurred_at"] is None
    history = data("show", memory, "--history")["items"]
    assert history[0]["memory"]["content"] == "The shop closes at six."
    assert "content" in history[1]["fields"]
    _, out, _ = run("show", memory, "--history")
    assert "closes at eight" in out
    assert run("update", memory)[0] == 2


def test_forget_asks_first(run, data, monkeypatch):
    memory = data("save", "A secret about Oslo.")["saved"][0]["id"]
    monkeypatch.setattr(sys, "stdin", typed("n\n"))
    status, _, err = run("forget", memory)
    assert status == 1
    assert "Forget 1 memory" in err
    monkeypatch.setattr(sys, "stdin", typed(""))
    assert run("forget", memory)[0] == 1
    assert data("stats")["total"] == 1
    monkeypatch.setattr(sys, "stdin", typed("y\n"))
    status, out, _ = run("forget", memory)
    assert status == 0
    assert out.startswith("removed: ")
    assert data("stats")["total"] == 0


def test_forget_by_each_selector(data, run):
    for session in ("a", "b"):
        data("save", f"Something of session {session}.", "--session", session)
    data("save", "Said by a model.", "--role", "assistant")
    tried = data("forget", "--session", "a", "--dry-run")
    assert tried["dry_run"] is True
    assert tried["removed"]["memories"] == 1
    assert data("stats")["total"] == 3
    assert data("forget", "--session", "a", "--yes")["removed"]["memories"] == 1
    assert data("forget", "--origin", "assistant", "--yes")["removed"]["memories"] == 1
    assert data("forget", "--before", "2999-01-01", "--yes")["state"] == "done"
    data("save", "One more.")
    data("forget", "--all", "--yes")
    assert data("stats")["total"] == 0


@pytest.mark.parametrize(
    "words", [[], ["--all", "--session", "s"], ["id", "--all"], ["--all", "--dry-run"],
              ["--all", "--json"], ["--before", "someday", "--yes"]],
)  # fmt: skip
def test_forget_wants_one_clear_selector(run, words):
    status, _, err = run("forget", *words)
    assert status == 2
    assert len(err.splitlines()) == 1


def test_users_are_kept_apart(data):
    data("save", "The figs are ripe.", "--user", "ann")
    data("save", "The plums are ripe.", "-u", "bob")
    assert [one["user_id"] for one in data("users")["items"]] == ["ann", "bob"]
    assert data("stats", "--user", "ann")["total"] == 1
    assert data("stats", "--user", "carl")["total"] == 0
    assert data("recall", "figs", "--user", "bob")["prompt_block"].count("figs") == 0


def test_tables_of_users_and_stats(run, data):
    assert "no users" in run("users")[1]
    data("save", "I like figs.", "--user", "ann")
    assert "ann" in run("users")[1]
    assert "bytes on disk" in run("stats", "--user", "ann")[1]


def test_sessions(data, run):
    assert data("sessions", "start", "walk")["id"] == "walk"
    made_up = data("sessions", "start")["id"]
    assert {one["id"] for one in data("sessions", "list")["items"]} == {"walk", made_up}
    assert data("sessions", "end", "walk")["ended_at"] is not None
    assert [one["id"] for one in data("sessions", "list", "--state", "ended")["items"]] == ["walk"]
    assert "walk" in run("sessions", "list")[1]
    assert run("sessions", "end", "nowhere")[0] == 4
    assert run("sessions", "list", "--state", "odd")[0] == 2


def test_compress(data, run):
    for number in range(8):
        text = f"In May I paid {number * 7} euros to Ana in Porto. It was nice. We had a good day."
        data("save", text, "--session", "trip")
    job = data("compress")
    assert (job["kind"], job["state"], job["result"]) == (
        "compress",
        "done",
        {"memories": 0, "sessions": 0},
    )
    assert data("compress", "--force")["result"] == {"memories": 8, "sessions": 1}
    assert [one["role"] for one in data("list")["items"]] == ["summary"]
    status, out, _ = run("compress")
    assert status == 0
    assert "compress done" in out


def test_preferences(data, run):
    assert data("preferences", "set", "tea", "green")["value"] == "green"
    data("preferences", "set", "tea", "black", "--confidence", "0.8")
    assert [one["value"] for one in data("preferences", "list")["items"]] == ["black"]
    assert len(data("preferences", "list", "--history")["items"]) == 2
    assert "black" in run("preferences", "list")[1]
    assert data("preferences", "delete", "tea") == {"key": "tea", "deleted": True}
    assert data("preferences", "delete", "tea")["deleted"] is False
    assert run("preferences", "set", "tea", "x", "--confidence", "7")[0] == 2


def test_model(data, run, model_dir, tmp_path, monkeypatch):
    assert data("model", "path") == {"folder": str(model_dir)}
    found = data("model", "status")
    assert found["ok"] is True
    assert found["files"]
    assert data("model", "install")["source"] == "present"
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(tmp_path / "nothing"))
    status, out, _ = run("model", "status", "--json")
    assert status == 5
    assert json.loads(out)["ok"] is False
    assert run("model", "install", "--source", "moon")[0] == 2


def test_export_and_import(run, data, tmp_path):
    data("save", "The red bike stands in the cellar.")
    file = str(tmp_path / "out.jsonl")
    report = data("export", file)
    assert report["memories"] == 1
    status, _, err = run("export", file)
    assert (status, "exists" in err) == (2, True)
    status, out, _ = run("export", file, "--overwrite")
    assert "plain text" in out
    assert data("import", file, "--user", "mia", "--origin", "import")["memories"] == 1
    assert data("list", "--user", "mia")["items"][0]["origin"] == "import"
    status, out, _ = run("import", file, "--user", "tom")
    assert (status, out.startswith("imported 1 memory")) == (0, True)
    status, _, err = run("import", file, "--user", "tom")
    assert (status, "forget_all" in err) == (2, True)
    (tmp_path / "bad").write_text("{}\n")
    status, _, err = run("import", str(tmp_path / "bad"), "--user", "eva")
    assert (status, err.startswith("error: line 1: ")) == (2, True)


def test_backup_and_restore(run, data, tmp_path):
    data("save", "The red bike stands in the cellar.")
    folder, other = str(tmp_path / "backup"), str(tmp_path / "other")
    assert data("backup", folder)["users"] == 1
    status, _, err = run("restore", folder)
    assert (status, "overwritten" in err) == (2, True)
    status, out, _ = run("restore", folder, "--overwrite")
    assert (status, out.startswith("restored 1 user")) == (0, True)
    assert data("--data-dir", other, "restore", folder, "--user", "default")["users"] == 1
    assert data("--data-dir", other, "list")["items"]


def test_encryption(run, data, vault, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_VAULT_ENCRYPTION_KEY", "correct horse battery")
    data("save", "The red bike stands in the cellar.")
    assert data("backup", str(tmp_path / "backup"))["is_encrypted"]
    (tmp_path / "key").write_text("another one altogether\n")
    assert data("rekey", "--key-file", str(tmp_path / "key")) == {"rekeyed": True}
    status, _, err = run("list")
    assert (status, "does not open" in err, "battery" in err) == (8, True, False)
    monkeypatch.setenv("MEMORY_VAULT_ENCRYPTION_KEY", "another one altogether")
    assert data("list")["items"]
    (tmp_path / "old").write_text("correct horse battery\n")
    words = ("restore", str(tmp_path / "backup"), "--overwrite")
    assert run(*words)[0] == 8
    assert data(*words, "--backup-key-file", str(tmp_path / "old"))["users"] == 1
    monkeypatch.setattr(sys, "stdin", typed(""))
    assert run("rekey")[0] == 2
    monkeypatch.delenv("MEMORY_VAULT_ENCRYPTION_KEY")
    status, out, _ = run("doctor")
    assert (status, "correct the key" in out) == (1, True)


def test_doctor_repairs(run, data, vault):
    data("save", "I moved to Lisbon.", "--user", "mia")
    data("save", "The red bike stands in the cellar.")
    (vault / "catalog.db").write_bytes(b"garbage")
    for path in vault.rglob("users/*/*.db"):
        content = path.read_bytes()
        if b"Lisbon" in content:
            path.write_bytes(content[:100])
    assert run("doctor")[0] == 1
    status, out, _ = run("doctor", "--repair")
    assert (status, out.count("repair: ")) == (0, 2)
    assert [one["user_id"] for one in data("users")["items"]] == ["default"]
    assert run("doctor")[0] == 0


def test_doctor_asks_the_services_that_are_set(run, monkeypatch):
    with serving_embeddings("tei") as embedder, serving_model("openai") as llm:
        monkeypatch.setenv("MEMORY_VAULT_EMBEDDER", f"tei:{embedder.root}")
        monkeypatch.setenv("MEMORY_VAULT_LLM", f"openai:{llm.root}/v1#m")
        monkeypatch.setenv("MEMORY_VAULT_LLM_API_KEY", "key-1")
        status, out, _ = run("doctor")
        assert (status, "ok    llm: answers" in out, "ok    embedder: ok" in out) == (0, True, True)
        assert len(llm.requests) == 1
        embedder.always = Reply(401)
        llm.always = Reply(body=b'{"choices": [{"message": {"content": "ready"}}]}')
        status, out, _ = run("doctor")
    assert status == 1
    assert "WRONG llm: the language model answered with something that is no JSON" in out
    assert "WRONG embedder: " in out
    assert "set embedder_api_key" in out
    assert "what to do: correct embedder and its key, or start the service" in out
    assert "key-1" not in out


def test_doctor_is_content(data, run):
    data("save", "I like figs.")
    found = data("doctor")
    assert found["ok"] is True
    assert {"settings", "model", "data folder", "embedder", "files"} <= {
        one["name"] for one in found["checks"]
    }
    assert {"python", "sqlite", "memory-vault"} <= set(found["versions"])
    assert "WRONG" not in run("doctor")[1]


def test_doctor_finds_a_missing_model(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(tmp_path / "nothing"))
    status, out, _ = run("doctor")
    assert status == 1
    assert "what to do: memory-vault model install" in out


def test_doctor_tries_the_reranker(run, data, monkeypatch, tmp_path):
    with serving("cohere") as service:
        monkeypatch.setenv("MEMORY_VAULT_RERANKER", f"cohere:{service.url}#m")
        assert {"name": "reranker", "ok": True} in [
            {"name": one["name"], "ok": one["ok"]} for one in data("doctor")["checks"]
        ]
        assert len(service.requests) == 1
    monkeypatch.setenv("MEMORY_VAULT_RERANKER", f"onnx:{tmp_path}")
    status, out, _ = run("doctor")
    assert status == 1
    assert "WRONG reranker" in out
    assert "what to do: correct reranker, or unset it" in out
    assert "ok    data folder" in out


def test_doctor_finds_a_damaged_file(run, data, vault):
    data("save", "I like figs.")
    (path,) = (vault / "users").rglob("*.db")
    for one in path.parent.iterdir():
        if one != path:
            one.unlink()
    path.write_bytes(b"no database at all" * 500)
    status, out, _ = run("doctor", "--json")
    assert status == 1
    assert json.loads(out)["ok"] is False


def test_doctor_finds_an_unusable_folder(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEMORY_VAULT_DATA_DIR", str(tmp_path / "file"))
    status, out, _ = run("doctor")
    assert status == 1
    assert "WRONG data folder" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["save"], 2),
        (["save", "x", "--file", "y"], 2),
        (["save", " "], 2),
        (["save", "x", "--type", "odd"], 2),
        (["save", "x", "--occurred-at", "soon"], 2),
        (["recall", "x", "--budget", "0"], 2),
        (["recall", "x", "--budget", "many"], 2),
        (["list", "--limit", "0"], 2),
        (["list", "--cursor", "zzz"], 2),
        (["show", "nothing"], 4),
        (["show", "nothing", "--history"], 4),
        (["forget", "nothing", "--yes"], 4),
        (["save", "x", "--user", ""], 2),
        (["nonsense"], 2),
        (["sessions"], 2),
        (["list", "--nonsense"], 2),
    ],
)
def test_errors_are_one_line_with_their_status(run, words, expected):
    status, out, err = run(*words)
    assert status == expected
    assert out == ""
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


def test_errors_in_json(run):
    status, out, err = run("show", "nothing", "--json")
    assert (status, out) == (4, "")
    assert json.loads(err)["error"]["code"] == "not_found"
    assert json.loads(err)["error"]["message"]


def test_a_wrong_setting_is_status_3(run, monkeypatch):
    monkeypatch.setenv("MEMORY_VAULT_TOP_K", "lots")
    assert run("stats")[0] == 3


def test_a_missing_model_is_status_5(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_VAULT_MODEL_DIR", str(tmp_path / "nothing"))
    status, _, err = run("save", "x")
    assert status == 5
    assert "memory-vault model install" in err


def test_naive_times_are_local(data, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        saved = data("save", "A sunrise.", "--occurred-at", "2026-05-20T05:00")["saved"][0]
        moment = datetime.fromisoformat(saved["occurred_at"])
        assert moment == datetime.fromisoformat("2026-05-19T20:00+00:00")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_data_dir_option_wins(data, run, tmp_path):
    data("save", "Here.")
    status, out, _ = run("--data-dir", str(tmp_path / "other"), "stats", "--json")
    assert status == 0
    assert json.loads(out)["total"] == 0


def test_debug_shows_the_traceback(vault, monkeypatch):
    from memory_vault import NotFound

    monkeypatch.setenv("MEMORY_VAULT_DEBUG", "1")
    with pytest.raises(NotFound):
        main(["show", "nothing"])


def command(*words: str, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "memory_vault", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_help_is_light_and_complete():
    code = (
        "import sys\n"
        "from memory_vault.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'numpy', 'onnxruntime', 'httpx', 'apsw', 'tokenizers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("save", "recall", "list", "show", "update", "forget", "stats", "sessions",
                 "preferences", "compress", "jobs", "model", "doctor", "users", "bench", "demo",
                 "export", "import", "backup", "restore", "rekey"):  # fmt: skip
        assert re.search(rf"^\s+{name}\b", done.stdout, re.MULTILINE), name


def test_no_words_show_the_help_and_version_is_printed(run):
    assert "Commands" in run()[1]
    assert re.match(r"\d+\.\d+", run("--version")[1])


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_ends_with_130_and_no_traceback(vault, tmp_path):
    path = tmp_path / "long.jsonl"
    line = json.dumps({"content": "Every line is another long one. " * 20})
    path.write_text("\n".join(line[:-2] + f'{i}"}}' for i in range(20_000)))
    heeds = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    started = command("save", "--file", str(path), "--json", preexec_fn=heeds)
    deadline = time.monotonic() + 30
    while not list(vault.rglob("users/*/*.db")) and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    try:
        _, err = started.communicate(timeout=60)
    finally:
        started.kill()
    assert started.returncode == 130
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="closes a pipe")
def test_a_reader_that_goes_away_is_no_error(vault, data):
    for i in range(3):
        data("save", f"Note {i}.")
    for words in (["list", "--json"], ["list"], ["--help"]):
        started = command(*words, env=dict(os.environ))
        started.stdout.close()
        err = started.stderr.read()
        assert started.wait(60) == 141
        assert err == ""
        started.stderr.close()


def test_ctrl_c_at_a_hidden_question_is_130(run, monkeypatch):
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("getpass.getpass", interrupted)
    monkeypatch.setattr("sys.stdin", Terminal())
    assert run("rekey")[0] == 130


class Terminal(io.StringIO):
    """Standard input of somebody who sits there."""

    def isatty(self) -> bool:
        return True


def test_switching_the_model(run, data):
    data("save", "I moved to Lisbon in May.")
    data("save", "My dog is called Rex.", "--user", "ada")  # and what each states, as a fact
    status, out, _ = run("model", "switch", "minilm-int8")
    assert status == 0
    assert re.match(r"job_\w+ switch_embedder done 4/4\nchunks 4, users 2\n", out)
    assert "int8" in data("stats", "--user", "ada")["embedder"]
    assert "Lisbon" in data("recall", "Where do I live?")["prompt_block"]
    (job,) = data("jobs", "list", "--vault")["items"]
    assert data("jobs", "show", job["id"], "--vault") == job
    assert data("jobs", "wait", job["id"], "--vault")["state"] == "done"
    status, _, err = run("model", "switch", "nothing")
    assert status == 3
    assert "minilm" in err


def test_listing_jobs(run, data):
    status, out, _ = run("jobs", "list")
    assert (status, out) == (0, "no jobs\n")
    assert data("jobs", "list") == {"items": [], "next_cursor": None}
    status, _, err = run("jobs", "show", "job_none")
    assert status == 4
    assert "list_jobs" in err
    status, _, err = run("jobs", "list", "--state", "lost")
    assert status == 2
    assert "waiting" in err
