"""A small chat back end: each user talks to Claude, which remembers what that user has said.

pip install 'memory-vault[server,anthropic]'; set ANTHROPIC_API_KEY; then
`uvicorn chat_backend:app --loop uvloop` or `hypercorn chat_backend:app --worker-class trio`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anthropic import AsyncAnthropic
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import StreamingResponse

from memory_vault import MemoryLayer
from memory_vault.integrations.anthropic import RememberingMessages
from memory_vault.integrations.fastapi import (
    CancelOnDisconnect,
    add_problem_details,
    memory_for,
    vault_lifespan,
)


@asynccontextmanager
async def claude(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    async with AsyncAnthropic() as client:
        yield {"claude": client}


def current_user(authorization: Annotated[str, Header()] = "") -> str:
    if not authorization.startswith("Bearer "):
        raise HTTPException(401, "say who you are: Authorization: Bearer NAME")
    return authorization.removeprefix("Bearer ")  # a real application checks a token


Talk = Annotated[list[dict[str, str]], Body(embed=True, alias="messages")]
Memory = Annotated[MemoryLayer, Depends(memory_for(current_user))]
app = FastAPI(lifespan=vault_lifespan(also=claude))
app.add_middleware(CancelOnDisconnect)
add_problem_details(app)


@app.post("/chat")
async def chat(talk: Talk, memory: Memory, request: Request) -> StreamingResponse:
    messages = RememberingMessages(request.state.claude.messages, memory)

    async def answer() -> AsyncIterator[str]:
        ask = messages.stream(model="claude-sonnet-5-5", max_tokens=1024, messages=talk)
        async with ask as stream:
            async for text in stream.text_stream:
                yield text

    return StreamingResponse(answer(), media_type="text/plain")


@app.delete("/memories/{memory_id}")
async def forget(memory_id: str, memory: Memory) -> dict[str, int]:
    return dict((await memory.forget(memory_id)).removed)
