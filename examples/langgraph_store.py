"""A LangGraph graph whose long-term memory is a vault: it learns in one thread, knows in the next.

pip install 'memory-vault[langchain]'
"""

import asyncio
from typing import TypedDict
from uuid import uuid4

from langgraph.graph import START, StateGraph
from langgraph.store.base import BaseStore

from memory_vault import MemoryLayer, Vault
from memory_vault.integrations.langgraph import VaultStore


class State(TypedDict, total=False):
    user: str
    said: str
    known: list[str]


async def look(state: State, *, store: BaseStore) -> State:
    """What the store knows about what was said; the namespace begins with the user."""
    found = await store.asearch((state["user"], "facts"), query=state["said"], limit=3)
    return {"known": [one.value["fact"] for one in found]}


async def note(state: State, *, store: BaseStore) -> State:
    await store.aput((state["user"], "facts"), uuid4().hex, {"fact": state["said"]})
    return {}


async def main() -> None:
    async with Vault() as vault:
        graph = StateGraph(State)
        graph.add_node("look", look)
        graph.add_node("note", note)
        graph.add_edge(START, "look")
        graph.add_edge("look", "note")
        app = graph.compile(store=VaultStore(vault, fields=["fact"]))
        for said in ("I am allergic to nuts.", "My desk is oak.", "May I eat this cake?"):
            done = await app.ainvoke({"user": "alice", "said": said})
            print(f"{said} -> {done['known'][:1]}")
        async with MemoryLayer("alice", vault=vault) as memory:  # the same memories
            print((await memory.recall("What must I not eat?", top_k=1)).prompt_block)


asyncio.run(main())
