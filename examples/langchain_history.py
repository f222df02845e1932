"""LangChain: a session as message history, and everything ever said as a retriever.

pip install 'memory-vault[langchain]'
"""

import asyncio

from langchain_core.messages import AIMessage, HumanMessage

from memory_vault import MemoryLayer
from memory_vault.integrations.langchain import VaultChatMessageHistory, VaultRetriever


async def main() -> None:
    async with MemoryLayer("alice") as memory:
        monday = VaultChatMessageHistory(memory, "monday")
        await monday.aadd_messages(
            [
                HumanMessage("My sister Ines moved to Porto."),
                AIMessage("Noted. Do you want to visit her?"),
                HumanMessage("Yes, in spring."),
            ]
        )
        for message in await monday.aget_messages():
            print(f"{message.type}: {message.text}")
        options = {"memory_types": ["episodic"]}  # what was said, not the facts read from it
        retriever = VaultRetriever(memory=memory, top_k=1, options=options)
        for document in await retriever.ainvoke("Where does my sister live?"):
            print("found:", document.page_content, "in", document.metadata["session_id"])


asyncio.run(main())
