"""An agent of OpenAI's Agents SDK whose session is kept in a vault.

pip install 'memory-vault[openai]'; set OPENAI_API_KEY
"""

import asyncio

from agents import Agent, RunConfig, Runner, set_default_openai_client
from openai import AsyncOpenAI

from memory_vault import MemoryLayer
from memory_vault.integrations.openai import VaultSession

QUIET = RunConfig(tracing_disabled=True)


async def main() -> None:
    agent = Agent(name="Helper", instructions="Be brief.", model="gpt-5-mini")
    async with AsyncOpenAI() as client, MemoryLayer("alice") as memory:
        set_default_openai_client(client, use_for_tracing=False)
        for said in ("I keep bees on the roof.", "What should I buy for winter?"):
            session = VaultSession("roof", memory)  # made anew each time, it goes on
            done = await Runner.run(agent, said, session=session, run_config=QUIET)
            print(done.final_output)
        print(len(await VaultSession("roof", memory).get_items()), "items in the session")
        found = await memory.recall("Where are my bees?", roles=["user"], top_k=1)
        print(found.memories[0].snippet)


asyncio.run(main())
