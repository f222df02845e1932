"""What is printed for each client is what that client starts."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.extras.mcp.starting import HELLO, command, line

from memory_vault.mcp.clients import CLIENTS

pytestmark = [pytest.mark.extras]


def printed(client: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data_dir, "config", client, "--user", "alice ☕"),
        capture_output=True,
        text=True,
        check=False,
    )


def server_of(client: str, text: str) -> dict[str, Any]:
    servers = json.loads(text)["servers" if client == "vscode" else "mcpServers"]
    assert list(servers) == ["memory-vault"]
    found: dict[str, Any] = servers["memory-vault"]
    return found


def test_each_client_has_its_own_form(tmp_path: Path) -> None:
    for client in CLIENTS:
        done = printed(client, tmp_path)
        server = server_of(client, done.stdout)
        assert server["args"][-2:] == ["--user", "alice ☕"]
        assert ("type" in server) is (client in {"claude-code", "cursor", "vscode"})
        assert CLIENTS[client].file in done.stderr


def test_the_user_may_be_a_setting(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "config", "generic", "--allow-any-user"),
        env={**os.environ, "MEMORY_VAULT_MCP_USER": "ada"},
        capture_output=True,
        text=True,
        check=False,
    )
    args = server_of("generic", done.stdout)["args"]
    assert args[-3:] == ["--user", "ada", "--allow-any-user"]


def test_options_before_the_word_config_hold_too(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--user", "alice", "--allow-any-user", "config", "generic"),
        env={**os.environ, "MEMORY_VAULT_MCP_USER": "ada"},
        capture_output=True,
        text=True,
        check=False,
    )
    args = server_of("generic", done.stdout)["args"]
    assert args[-3:] == ["--user", "alice", "--allow-any-user"]


def test_an_unknown_client_is_refused(tmp_path: Path) -> None:
    done = printed("emacs", tmp_path)
    assert done.returncode == 2
    assert "claude-desktop" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason="mcp is missing")
def test_what_is_printed_starts_a_server_from_anywhere(tmp_path: Path) -> None:
    server = server_of("generic", printed("generic", tmp_path / "vault").stdout)
    done = subprocess.run(
        [server["command"], *server["args"]],
        input=line(HELLO),
        capture_output=True,
        cwd="/",
        timeout=60,
        check=False,
    )
    assert b'"memory-vault"' in done.stdout
