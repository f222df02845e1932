"""Every example runs as it stands, against a loopback service, and prints what it should."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.extras.model_service import Answer, serving

import memory_vault

pytestmark = pytest.mark.extras
EXAMPLES = Path(memory_vault.__file__).parents[2] / "examples"
NOTED = {"command": "create", "path": "/memories/coffee.md", "file_text": "Likes black coffee.\n"}
RUN = {
    "read_with_aiosqlite.py": (
        ["aiosqlite"],
        [],
        ["My bees swarmed in May.", "3 memories in the vault"],
    ),
    "langgraph_store.py": (
        ["langgraph"],
        [],
        ["May I eat this cake? -> ['I am allergic to nuts.']", "<memory>", "allergic to nuts."],
    ),
    "langchain_history.py": (
        ["langchain_core"],
        [],
        ["human: Yes, in spring.", "found: My sister Ines moved to Porto. in monday"],
    ),
    "claude_memory_tool.py": (
        ["anthropic"],
        [Answer("I note it.", NOTED), Answer("Noted.")],
        ["Noted.", "\t/memories/coffee.md", "The last change of /memories/coffee.md was taken"],
    ),
    "claude_chat.py": (
        ["anthropic"],
        [Answer("Have a good trip.")],
        ["Have a good trip.", "You told me:", "My train leaves at 7:40."],
    ),
    "traced.py": (
        ["opentelemetry.sdk"],
        [],
        ["memory_vault.save: ", "  memory_vault.recall.pack: "],
    ),
    "chroma_index.py": (
        ["chromadb"],
        [],
        ["The spare key is under the blue pot.", "forgotten: done, outer index: removed"],
    ),
    "openai_chat.py": (["openai"], [Answer("Hello Bohr.")], ["Hello Bohr.", "You told me:"]),
    "openai_agents_session.py": (
        ["agents"],
        [Answer("Nice."), Answer("Wool.")],
        ["Nice.", "Wool.", "4 items in the session", "I keep bees on the roof."],
    ),
}


def test_all_are_run_and_short() -> None:
    files = {one.name: one for one in EXAMPLES.glob("*.py")}
    assert set(files) == {*RUN, "chat_backend.py"}  # the last one: test_fastapi.py
    assert all(len(one.read_text("utf-8").splitlines()) < 60 for one in files.values())


@pytest.mark.parametrize("name", RUN)
def test_it_prints_what_it_should(name: str, tmp_path: Path, model_dir: Path) -> None:
    packages, script, expected = RUN[name]
    if any(importlib.util.find_spec(one) is None for one in packages):
        pytest.skip(f"{packages[0]} is missing")
    with serving() as service:
        service.script = list(script)
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", str(EXAMPLES / name)],
            env={
                **os.environ,
                "ANTHROPIC_API_KEY": "k",
                "ANTHROPIC_BASE_URL": service.url,
                "OPENAI_API_KEY": "k",
                "OPENAI_BASE_URL": f"{service.url}/v1",
                "MEMORY_VAULT_DATA_DIR": str(tmp_path / "vault"),
                "MEMORY_VAULT_MODEL_DIR": str(model_dir),
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    missing = [one for one in expected if one not in done.stdout]
    assert not missing, done.stdout
