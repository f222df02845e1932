"""A conversation over a year, saved and asked about: what `memory-vault demo` runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from .config import MemoryConfig
from .layer import MemoryLayer
from .models import Message
from .text.prompt import escape

USER = "demo"
TOKEN_BUDGET = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of the demo and the block that was recalled for it.

    Attributes:
        expected: Words of the turn that answers it.
        ok: Whether the block holds them.
    """

    question: str
    expected: str
    prompt_block: str
    total_tokens: int
    ok: bool


def load() -> dict[str, Any]:
    """The demo's sessions and questions. Blocking."""
    text = files(__package__).joinpath("demo_conversation.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


async def run_demo(config: MemoryConfig) -> tuple[Answer, ...]:
    """Save the whole conversation, then recall for each question within a small budget."""
    conversation = load()
    async with MemoryLayer(USER, config=config) as memory:
        for session in conversation["sessions"]:
            await memory.save(_messages(session), session_id=session["id"])
        return tuple([await _ask(memory, one) for one in conversation["questions"]])


def _messages(session: dict[str, Any]) -> list[Message]:
    when = datetime.fromisoformat(session["date"])
    return [Message(role, text, when) for role, text in session["turns"]]


async def _ask(memory: MemoryLayer, question: dict[str, str]) -> Answer:
    found = await memory.recall(question["question"], token_budget=TOKEN_BUDGET)
    return Answer(
        question["question"],
        question["expected"],
        found.prompt_block,
        found.total_tokens,
        escape(question["expected"]) in found.prompt_block,
    )
