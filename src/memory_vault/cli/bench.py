"""Commands that measure."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InvalidInput
from . import show
from .model import folder as model_folder
from .progress import bar
from .running import config, run

if TYPE_CHECKING:
    from ..bench.eval_file import EvalFile

app: typer.Typer = typer.Typer(help="Measure recall on evaluation files.", rich_markup_mode=None)


@app.callback()
def bench() -> None:
    """Measure recall on evaluation files."""


@app.command("recall")
def recall(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A memory-eval/1 file, plain or gzip.")],
    limit: Annotated[
        int | None, typer.Option(help="Questions at most, spread evenly over the file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Write figures here; - is stdout.")
    ] = None,
    embedder: Annotated[str | None, typer.Option(help="As the setting of this name.")] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Conversations at once; above 1 latencies blur.")
    ] = 1,
) -> None:
    """Save the file's conversations in a temporary vault, ask its questions, show the measures."""
    from ..bench.eval_file import read

    if out is not None and str(out) != "-" and not out.parent.is_dir():
        raise InvalidInput(f"--json {out}: the folder {out.parent} does not exist")
    chosen = read(file).limited(limit)
    found = _measure(context, chosen, file.name, embedder, jobs)
    if out is not None and str(out) != "-":
        out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show.as_json(found) if str(out) == "-" else _show(found)


def _measure(
    context: typer.Context, file: EvalFile, name: str, embedder: str | None, jobs: int
) -> dict[str, Any]:
    from ..bench.recall import commit
    from ..bench.recall import run as run_bench
    from ..embed.choose import choose

    settings = config(context).with_file()
    wanted = embedder or settings.embedder
    with bar("questions", len(file.questions)) as advance, tempfile.TemporaryDirectory() as folder:

        async def measure() -> dict[str, Any]:
            chosen = choose(wanted, model_folder(context)) if isinstance(wanted, str) else wanted
            report = await run_bench(file, Path(folder), chosen, jobs=jobs, progress=advance)
            return report.as_dict(name, await commit())

        return run(measure)


def _show(found: dict[str, Any]) -> None:
    parts = {"all": found, "without abstention": found["without_abstention"], **found["by_type"]}
    rows: list[list[object]] = [["questions", *(part["n"] for part in parts.values())]]
    for group, title in _GROUPS.items():
        for name in found.get(group, {}):
            values = (part.get(group, {}).get(name) for part in parts.values())
            rows.append([f"{title} {name}", *(_percent(one) for one in values)])
    columns = ["percent", *(name.replace("-", " ") for name in parts)]
    show.table(columns, rows, empty="no questions")
    _show_numbers("tokens used", found.get("budget_tokens", {}))
    _show_numbers("latency, ms", found["latency_ms"])


_GROUPS = {"session": "sessions", "turn": "turns", "budget": "in a block of"}


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f}"


def _show_numbers(title: str, values: dict[str, float | None]) -> None:
    shown = (f"{name} {value:.1f}" for name, value in values.items() if value is not None)
    show.lines("", f"{title}: {', '.join(shown)}")
