"""The command that says what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import MemoryVaultError
from . import options, show
from .model import folder, inspect
from .running import config, run

if TYPE_CHECKING:
    from ..config import MemoryConfig
    from ..models import CheckReport, Health


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged files aside, list every sound user.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Check settings, model, data folder and every user's file; exits with 1 on a problem."""
    checks = _checks(context, repair=repair)
    is_ok = all(one.ok for one in checks)
    if json:
        show.as_json({"ok": is_ok, "checks": checks, "versions": versions()})
    else:
        _show(checks)
    if not is_ok:
        raise typer.Exit(1)


def _checks(context: typer.Context, *, repair: bool) -> list[Check]:
    try:
        settings = config(context).with_file()
    except MemoryVaultError as error:
        return [Check("settings", ok=False, detail=str(error), advice="correct the setting")]
    found = [Check("settings", ok=True, detail=f"data in {settings.data_dir}")]
    if isinstance(settings.embedder, str) and settings.embedder.startswith("minilm"):
        found.append(_model(context))
    if settings.reranker is not None:
        found.append(_reranker(settings))
    if settings.llm is not None:
        found.append(_llm(settings))
    if settings.plugins == "installed":
        found += _plugins()
    return found + _vault(replace(settings, reranker=None, llm=None), repair=repair)


def _model(context: typer.Context) -> Check:
    found = inspect(folder(context))
    if found["ok"]:
        return Check("model", ok=True, detail=f"intact in {found['folder']}")
    return Check("model", ok=False, detail=found["problem"], advice="memory-vault model install")


def _reranker(settings: MemoryConfig) -> Check:
    """Have two texts scored; a service is asked once."""
    from ..rerank.choose import choose

    async def score() -> None:
        reranker = choose(
            str(settings.reranker), settings.reranker_api_key, model_dir=settings.model_dir
        )
        try:
            await reranker.rerank("a question", ["an answer", "another"])
        finally:
            await reranker.close()

    try:
        run(score)
    except MemoryVaultError as error:
        return Check(
            "reranker", ok=False, detail=str(error), advice="correct reranker, or unset it"
        )
    return Check("reranker", ok=True, detail=f"answers; for the best {settings.rerank_top}")


def _llm(settings: MemoryConfig) -> Check:
    """Ask the language model for one word, in the form of JSON; it costs some 100 tokens."""
    from ..llm.choose import choose
    from ..llm.structured import ask as ask_for

    schema = {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    }

    async def ask() -> None:
        llm = choose(str(settings.llm), settings.llm_api_key, timeout_s=settings.llm_timeout_s)
        try:
            told = "Answer with the word: ready"
            await ask_for(llm, "Are you there?", system=told, schema=schema, max_tokens=2_000)
        finally:
            await llm.close()

    try:
        run(ask)
    except MemoryVaultError as error:
        return Check("llm", ok=False, detail=str(error), advice="correct llm, or unset it")
    return Check("llm", ok=True, detail="answers, and with JSON of the form it is told")


def _plugins() -> list[Check]:
    from ..plugins import survey

    return [
        Check(
            f"plugin {one.name}",
            ok=not problem,
            detail=problem or f"{one.group}, from {one.package} {one.version}",
            advice=f"correct or uninstall {one.package}" if problem else "",
        )
        for one, problem in survey()
    ]


_ADVICE = {
    "storage_failed": "make the data folder writable, or choose another with --data-dir",
    "wrong_key": "correct the key: MEMORY_VAULT_ENCRYPTION_KEY or the setting encryption_key",
    "not_a_vault": "memory-vault doctor --repair",
}


def _vault(settings: MemoryConfig, *, repair: bool) -> list[Check]:
    """Open the vault, ask how it is, and read its files."""

    async def look() -> tuple[Health, CheckReport]:
        from ..vault import Vault

        vault = Vault(settings)
        report = await vault.check(repair=True) if repair else None
        async with vault:
            return await vault.health(), report or await vault.check()

    try:
        health, report = run(look)
    except MemoryVaultError as error:
        advice = _ADVICE.get(error.code, _ADVICE["storage_failed"])
        return [Check("data folder", ok=False, detail=str(error), advice=advice)]
    return [*_parts(health, settings), *_files(report)]


def _parts(health: Health, settings: MemoryConfig) -> list[Check]:
    from ..embed.choose import is_local

    is_remote = isinstance(settings.embedder, str) and not is_local(settings.embedder)
    parts = {
        "data folder": (health.store, "make it writable, or choose another with --data-dir"),
        "index": (
            health.index,
            "recall goes on from the files; the index comes back by itself, or by check(repair)",
        ),
        "embedder": (
            health.embedder,
            "correct embedder and its key, or start the service"
            if is_remote
            else "memory-vault model install",
        ),
        "background work": (health.background, "restart the program: jobs resume at open"),
        "plugins": (health.plugins, "correct them, or set plugins to 'none'"),
    }
    return [
        Check(name, ok=state == "ok", detail=state, advice="" if state == "ok" else advice)
        for name, (state, advice) in parts.items()
    ]


def _files(report: CheckReport) -> list[Check]:
    done = [Check("repair", ok=True, detail=one) for one in report.repaired]
    if report.is_ok:
        sound = f"{show.plural(report.users, 'user file')} sound"
        return [*done, Check("files", ok=True, detail=sound)]
    return done + [
        Check("files", ok=False, advice=one.advice, detail=f"user {one.user_id!r}: {one.what}"
              if one.user_id is not None else one.what)
        for one in report.problems
    ]  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of what this library stands on."""
    from importlib.metadata import PackageNotFoundError, version

    import apsw

    found = {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version()}
    for name in ("memory-vault", "anyio", "apsw-sqlite3mc", "numpy", "onnxruntime", "tokenizers"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _show(checks: list[Check]) -> None:
    for one in checks:
        show.lines(f"{'ok   ' if one.ok else 'WRONG'} {one.name}: {one.detail}")
        if one.advice:
            show.lines(f"      what to do: {one.advice}")
    show.lines("", ", ".join(f"{name} {number}" for name, number in versions().items()))
