"""Commands that measure."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InvalidInput
from . import bench_tables as tables
from . import show
from .model import folder as model_folder
from .progress import bar
from .running import config, run

if TYPE_CHECKING:
    from ..bench.eval_file import EvalFile
    from ..bench.recall import Options
    from ..bench.report import Report

app: typer.Typer = typer.Typer(help="Measure recall on evaluation files.", rich_markup_mode=None)

Out = Annotated[
    Path | None, typer.Option("--json", metavar="OUT", help="Write figures here; - is stdout.")
]
_STDOUT = Path("-")


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
    out: Out = None,
    embedder: Annotated[str | None, typer.Option(help="As the setting of this name.")] = None,
    reranker: Annotated[str | None, typer.Option(help="As the setting of this name.")] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Conversations at once; above 1 latencies blur.")
    ] = 1,
    baseline: Annotated[
        str | None, typer.Option(metavar="plain", help="Also ask by BM25 and cosine over turns.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="OLD", help="Also show what changed since this report.")
    ] = None,
    compress: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Compress all sessions to this share before asking."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, not where a stopped run was.")
    ] = False,
) -> None:
    """Save the file's conversations in a temporary vault, ask its questions, show the measures.

    A run that was stopped goes on where it was when it is started again in the same way.
    """
    from ..bench import compare as comparing
    from ..bench.eval_file import read
    from ..bench.recall import Options

    _require_folder(out)
    if baseline not in (None, "plain"):
        raise InvalidInput(f"--baseline {baseline}: give plain")
    chosen = read(file).limited(limit)
    old = None if compare is None else comparing.read(compare)
    if old is not None:
        comparing.require_same_file(file.name, chosen.digest, old)
    options = Options(
        jobs=jobs,
        with_baseline=baseline is not None,
        is_fresh=fresh,
        compress=compress,
        reranker=reranker,
        model_dir=model_folder(context),
    )
    report, found = _measure(context, chosen, file.name, embedder, options)
    if old is not None:
        found["comparison"] = comparing.compare(found, old)
    _write(out, found)
    if report.journal is not None:
        report.journal.remove()
    if out != _STDOUT:
        tables.measures(found)


@app.command("compare")
def compare(
    new: Annotated[Path, typer.Argument(help="What `bench recall --json` has written.")],
    old: Annotated[Path, typer.Argument(help="The same, before.")],
    out: Out = None,
) -> None:
    """Show each measure before and after, over the questions that two reports share."""
    from ..bench import compare as comparing

    _require_folder(out)
    found = comparing.compare(comparing.read(new), comparing.read(old))
    _write(out, found)
    if out != _STDOUT:
        tables.comparison(found)


def _require_folder(out: Path | None) -> None:
    """Refuse, before the work, a file that could not be written after it."""
    if out is not None and out != _STDOUT and not out.parent.is_dir():
        raise InvalidInput(f"--json {out}: the folder {out.parent} does not exist")


def _write(out: Path | None, found: dict[str, Any]) -> None:
    """Write figures to a file or to stdout, if anywhere."""
    if out == _STDOUT:
        show.as_json(found)
    elif out is not None:
        out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _measure(
    context: typer.Context, file: EvalFile, name: str, embedder: str | None, options: Options
) -> tuple[Report, dict[str, Any]]:
    from ..bench.recall import commit
    from ..bench.recall import run as run_bench
    from ..embed.choose import choose

    settings = config(context).with_file()
    wanted = embedder or settings.embedder
    title = "sessions and questions"
    with bar(title, None) as advance, tempfile.TemporaryDirectory() as folder:

        async def measure() -> tuple[Report, dict[str, Any]]:
            chosen = wanted if not isinstance(wanted, str) else choose(
                wanted,
                model_folder(context),
                api_key=settings.embedder_api_key,
                dimension=settings.embedder_dimension,
                window=settings.embedder_window,
            )  # fmt: skip
            report = await run_bench(file, Path(folder), chosen, options, progress=advance)
            return report, report.as_dict(name, await commit())

        return run(measure)
