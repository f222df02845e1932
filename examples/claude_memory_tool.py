"""Claude's memory tool, kept in a vault: versioned, searchable, and undone in one call.

pip install 'memory-vault[anthropic]'; set ANTHROPIC_API_KEY
"""

import anyio
from anthropic import AsyncAnthropic

from memory_vault import MemoryLayer
from memory_vault.integrations.anthropic import VaultMemoryTool


async def main() -> None:
    async with MemoryLayer("alice") as memory, AsyncAnthropic() as client:
        tool = VaultMemoryTool(memory)
        runner = client.beta.messages.tool_runner(
            model="claude-sonnet-5-5",
            max_tokens=1024,
            tools=[tool],
            messages=[{"role": "user", "content": "Remember that I like my coffee black."}],
        )
        answer = await runner.until_done()
        print(answer.content[-1].text)
        print(await tool.call({"command": "view", "path": "/memories"}))
        found = await memory.recall("coffee", origins=["assistant:memory_tool"])
        for one in found.memories:  # every file is a memory like all others
            path = one.memory.metadata["memory_tool"]["path"]
            await tool.call({"command": "delete", "path": path})
            print(await tool.undo(path))


anyio.run(main)
