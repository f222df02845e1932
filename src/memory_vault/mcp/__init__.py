"""The vault as an MCP server: parse, one call of the library, show. Needs the extra `mcp`."""

from __future__ import annotations

from ..errors import ConfigError


def require_sdk() -> None:
    """Have the SDK loaded, which takes most of the server's start.

    Raises:
        ConfigError: If the extra `mcp` is not installed.
    """
    try:
        import mcp.server.lowlevel  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the MCP server needs {error.name}: pip install 'memory-vault[mcp]'"
        ) from error
