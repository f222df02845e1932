"""Ready-made configuration: what each client wants to read, and where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NAME = "memory-vault"


@dataclass(frozen=True, slots=True)
class Client:
    """How one client is told of a server.

    Attributes:
        file: Where the configuration goes.
        key: The object in it that holds the servers.
        names_type: Whether a server says that it is reached over stdio.
    """

    file: str
    key: str = "mcpServers"
    names_type: bool = False


CLIENTS: dict[str, Client] = {
    "claude-desktop": Client("claude_desktop_config.json (Settings, Developer, Edit Config)"),
    "claude-code": Client(".mcp.json in the project's folder", names_type=True),
    "cursor": Client("~/.cursor/mcp.json, or .cursor/mcp.json in the project", names_type=True),
    "vscode": Client(".vscode/mcp.json in the workspace", key="servers", names_type=True),
    "windsurf": Client("~/.codeium/windsurf/mcp_config.json"),
    "generic": Client("the client's own file of MCP servers"),
}


def configuration(client: Client, command: Sequence[str]) -> dict[str, Any]:
    """What to put into the client's file, beside what is there.

    Args:
        command: The program and its arguments.
    """
    kind = {"type": "stdio"} if client.names_type else {}
    server = {**kind, "command": command[0], "args": list(command[1:])}
    return {client.key: {NAME: server}}
