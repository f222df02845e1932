"""The SDK's server with our tools, resources and prompt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any
from urllib.parse import unquote

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from ..access import ApiKey
from ..errors import MEANINGS, MemoryVaultError, NotFound
from ..layer import MemoryLayer
from . import reading
from .arguments import read
from .memories import Memories
from .progress import telling
from .tools import BY_NAME, TOOLS, USER, Answer, Tool

CALLER = "memory_vault.caller"
"""Where the scope of an HTTP request holds the key that it came with."""
PROMPT = "with_memory"
_SHOWN_CHARS = 100


class Handlers:
    """What the server answers.

    Args:
        memories: The memories it gives out.
    """

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        self._takes = {one.name: _takes(one, memories.allows_any_user) for one in TOOLS}

    async def list_tools(self, _: Any, __: Any) -> types.ListToolsResult:
        """All tools; there are few enough for one page."""
        return types.ListToolsResult(tools=[_shown(one, self._takes[one.name]) for one in TOOLS])

    async def call_tool(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        """Call one tool; what the library refuses is a result that the model can read.

        Raises:
            MCPError: If there is no such tool.
        """
        tool = BY_NAME.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"no tool {params.name[:_SHOWN_CHARS]!r}")
        return await telling(ctx.session, lambda: self._answer(ctx, tool, params.arguments or {}))

    async def _answer(self, ctx: Any, tool: Tool, arguments: dict[str, Any]) -> Any:
        try:
            given, caller = read(self._takes[tool.name], arguments), _caller(ctx)
            memory = await self._memories.layer(tool.right, caller, given.pop("user_id", None))
            found = await _called(tool, memory, caller, given)
        except MemoryVaultError as error:
            said = f"{error.code}: {self._memories.told(error)}"
            return types.CallToolResult(content=[_text(said)], is_error=True)
        return _result(found)

    async def list_resources(self, _: Any, __: Any) -> types.ListResourcesResult:
        """The profile; single memories are a template, and listed by a tool."""
        profile = types.Resource(
            uri=reading.PROFILE,
            name="profile",
            title="Who the user is",
            description="The user's preferences and the facts that hold now.",
            mime_type="text/plain",
        )
        return types.ListResourcesResult(resources=[profile])

    async def list_templates(self, _: Any, __: Any) -> types.ListResourceTemplatesResult:
        """One memory by its id."""
        memory = types.ResourceTemplate(
            uri_template=f"{reading.MEMORY}{{memory_id}}",
            name="memory",
            title="One memory",
            description="A memory by its id, as JSON.",
            mime_type="application/json",
        )
        return types.ListResourceTemplatesResult(resource_templates=[memory])

    async def read_resource(
        self, ctx: Any, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Read the profile, or a memory.

        Raises:
            MCPError: If there is no such resource, or it cannot be read.
        """
        uri = str(params.uri)
        if uri == reading.PROFILE:
            kind, found = "text/plain", await self._read(ctx, reading.profile)
        elif uri.startswith(reading.MEMORY):
            name = unquote(uri.removeprefix(reading.MEMORY))
            kind = "application/json"
            found = await self._read(ctx, lambda memory: reading.one_memory(memory, name))
        else:
            raise MCPError(types.INVALID_PARAMS, "no such resource", {"uri": uri})
        contents = types.TextResourceContents(uri=params.uri, text=found, mime_type=kind)
        return types.ReadResourceResult(contents=[contents])

    async def list_prompts(self, _: Any, __: Any) -> types.ListPromptsResult:
        """The one prompt."""
        topic = types.PromptArgument(
            name="topic", description="What the conversation is about.", required=False
        )
        prompt = types.Prompt(
            name=PROMPT,
            title="Begin with memory",
            description="Tell an assistant who the user is and how to use the memory.",
            arguments=[topic],
        )
        return types.ListPromptsResult(prompts=[prompt])

    async def get_prompt(
        self, ctx: Any, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """Write the prompt.

        Raises:
            MCPError: If there is no such prompt, or the memory cannot be read.
        """
        given = params.arguments or {}
        if params.name != PROMPT or set(given) - {"topic"}:
            raise MCPError(
                types.INVALID_PARAMS, f"give {PROMPT!r}, with topic or without arguments"
            )
        said = await self._read(ctx, lambda memory: reading.primed(memory, given.get("topic")))
        message = types.PromptMessage(role="user", content=_text(said))
        return types.GetPromptResult(description="Begin with memory", messages=[message])

    async def _read(self, ctx: Any, work: Callable[[MemoryLayer], Awaitable[str]]) -> str:
        try:
            return await work(await self._memories.layer("read", _caller(ctx)))
        except NotFound as error:
            raise MCPError(types.INVALID_PARAMS, self._memories.told(error)) from error
        except MemoryVaultError as error:
            code = MEANINGS[error.code].jsonrpc_code
            raise MCPError(code, self._memories.told(error)) from error


def build(memories: Memories) -> Server[Any]:
    """Make the server; nothing is opened yet."""
    handlers = Handlers(memories)
    return Server(
        "memory-vault",
        version=version("memory-vault"),
        title="Memory Vault",
        instructions=reading.INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
    )


async def _called(
    tool: Tool, memory: MemoryLayer, caller: ApiKey | None, given: dict[str, Any]
) -> Answer:
    """Call a tool; as with the REST server, forgetting over HTTP leaves a line in the log."""
    if caller is None or tool.right != "forget":
        return await tool.call(memory, given)
    from ..api.logs import audited

    named = {"memory_id": given.get("memory_id"), "by_what": sorted(given)}
    with audited(tool.name, caller, memory.user_id, **named) as told:
        found = await tool.call(memory, given)
        told |= {name: found.data[name] for name in ("removed", "state", "dry_run")}
    return found


def _takes(tool: Tool, allows_any_user: bool) -> dict[str, Any]:
    """A tool's arguments, with the user's id where calls may name one."""
    more = {"user_id": USER} if allows_any_user else {}
    return {**tool.takes, "properties": {**tool.takes["properties"], **more}}


def _shown(tool: Tool, takes: dict[str, Any]) -> types.Tool:
    hints = {"readOnlyHint": tool.right == "read", "openWorldHint": False, **tool.hints}
    return types.Tool.model_validate(
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.about,
            "inputSchema": takes,
            "outputSchema": tool.gives,
            "annotations": {"title": tool.title, **hints},
        }
    )


def _result(found: Answer) -> types.CallToolResult:
    return types.CallToolResult(content=[_text(found.text)], structured_content=found.data)


def _text(said: str) -> types.TextContent:
    return types.TextContent(type="text", text=said)


def _caller(ctx: Any) -> ApiKey | None:
    """The key of an HTTP request; None where a pipe is the only way in."""
    return None if ctx.request is None else ctx.request.scope[CALLER]
