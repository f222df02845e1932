"""The command that shows the library at work on a conversation of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from . import options, show
from .running import Globals, config, run

if TYPE_CHECKING:
    from ..demo import Answer


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("demo")(demo)


def demo(context: typer.Context, json: options.Json = False) -> None:
    """Save a conversation, ask five questions, print each prompt block.

    Works in a temporary folder unless --data-dir names one (then as user "demo"). Exits with 1
    when a block lacks the line that answers its question.
    """
    answers = _in_place(context) if context.obj.data_dir else _in_temporary(context)
    if json:
        show.as_json({"ok": all(one.ok for one in answers), "answers": answers})
    else:
        _show(answers)
    if not all(one.ok for one in answers):
        raise typer.Exit(1)


def _in_place(context: typer.Context) -> tuple[Answer, ...]:
    from ..demo import run_demo

    return run(partial(run_demo, config(context)))


def _in_temporary(context: typer.Context) -> tuple[Answer, ...]:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="memory-vault-demo-") as folder:
        options_: Globals = context.obj
        context.obj = replace(options_, data_dir=Path(folder))
        return _in_place(context)


def _show(answers: tuple[Answer, ...]) -> None:
    for one in answers:
        verdict = "found" if one.ok else "NOT FOUND"
        show.lines(f"? {one.question}", one.prompt_block)
        show.lines(f"  {verdict}: {one.expected!r}; {one.total_tokens} tokens", "")
    right = sum(one.ok for one in answers)
    show.lines(f"{right} of {len(answers)} blocks hold the line that answers the question")
