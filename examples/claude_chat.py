"""A conversation with Claude that goes on tomorrow: recall before, save after, streamed.

pip install 'memory-vault[anthropic]'; set ANTHROPIC_API_KEY. It runs on trio as well.
"""

import anyio
from anthropic import AsyncAnthropic

from memory_vault import MemoryLayer
from memory_vault.integrations.anthropic import RememberingMessages


async def ask(messages: RememberingMessages, question: str) -> None:
    talk = [{"role": "user", "content": question}]
    async with messages.stream(model="claude-sonnet-5-5", max_tokens=1024, messages=talk) as stream:
        async for text in stream.text_stream:
            print(text, end="", flush=True)
    print()


async def main() -> None:
    async with AsyncAnthropic() as client:
        for session, question in (("mon", "My train leaves at 7:40."), ("tue", "When do I leave?")):
            async with MemoryLayer("alice", session_id=session) as memory:
                options = {"token_budget": 500}
                await ask(RememberingMessages(client.messages, memory, options=options), question)


anyio.run(main, backend="trio")
