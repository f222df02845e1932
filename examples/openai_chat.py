"""Chat completions and responses of OpenAI with memory around them.

pip install 'memory-vault[openai]'; set OPENAI_API_KEY (and OPENAI_BASE_URL for another service)
"""

import anyio
from openai import AsyncOpenAI

from memory_vault import MemoryLayer
from memory_vault.integrations.openai import RememberingCompletions, RememberingResponses

MODEL = "gpt-5-mini"


async def main() -> None:
    async with AsyncOpenAI() as client, MemoryLayer("alice", session_id="today") as memory:
        chat = RememberingCompletions(client.chat.completions, memory)
        stream = await chat.create(
            model=MODEL,
            messages=[{"role": "user", "content": "My cat is called Bohr."}],
            stream=True,
        )
        async for chunk in stream:
            if chunk.choices:
                print(chunk.choices[0].delta.content or "", end="", flush=True)
        print()
        responses = RememberingResponses(client.responses, memory)
        answer = await responses.create(model=MODEL, input="What is my cat called?")
        print(answer.output_text)


anyio.run(main)
