"""Commands on the keys of the server: create, list, rotate, revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .._arguments import name as check_name
from ..access import RIGHTS, ApiKey, new_secret, rights
from ..errors import InvalidInput
from . import options, show
from .running import with_vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..storage.sqlite.api_keys import ApiKeys

T = TypeVar("T")

app: typer.Typer = typer.Typer(
    help="Make, list, rotate and revoke the keys of the server.", rich_markup_mode=None
)
_ONCE = "this key is shown once and kept nowhere: put it where your program finds it"


def _with_keys(context: typer.Context, use: Callable[[ApiKeys], T]) -> T:
    return with_vault(context, lambda vault: vault.engine.store.with_api_keys(use))


@app.command("create")
def create(
    context: typer.Context,
    users: Annotated[
        list[str] | None, typer.Option("--user", "-u", help="Whose memory; may be repeated.")
    ] = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="For every user.")] = False,
    right: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(RIGHTS)}; may be repeated. Else read and write."),
    ] = None,
    name: Annotated[str, typer.Option(help="What you call it.")] = "",
    days: Annotated[float | None, typer.Option(help="Days until it ends by itself.")] = None,
    json: options.Json = False,
) -> None:
    """Make a key and show it, once."""
    if bool(users) == all_users:
        raise InvalidInput("give --user, once or more, or --all-users")
    now = datetime.now(UTC)
    key_id, secret = new_secret()
    key = ApiKey(
        id=key_id,
        name=options.text("--name", name),
        users=None if all_users else tuple(check_name("user", one) for one in users or ()),
        rights=rights(right or ("read", "write")),
        created_at=now,
        expires_at=None if days is None else now + _days(days),
    )
    _with_keys(context, lambda keys: keys.add(key, secret))
    _show_secret(key, secret, as_json=json)


@app.command("list")
def list_(context: typer.Context, json: options.Json = False) -> None:
    """List all keys, revoked ones too."""
    found = _with_keys(context, lambda keys: keys.list())
    if json:
        show.as_json(found)
        return
    now = datetime.now(UTC)
    rows = [
        (one.id, one.name, "all" if one.users is None else ", ".join(one.users),
         ", ".join(one.rights), _state(one, now), show.when(one.last_used_at) or "never")
        for one in found
    ]  # fmt: skip
    show.table(("key", "name", "users", "rights", "state", "last used"), rows, empty="no keys")


@app.command("rotate")
def rotate(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Which key.")],
    keep_hours: Annotated[
        float, typer.Option(help="Hours for which the one before still opens.", min=0, max=720)
    ] = 0.0,
    json: options.Json = False,
) -> None:
    """Give a key a new secret and show it, once; rights and users stay."""
    _, secret = new_secret(options.text("the id", key_id))
    key = _with_keys(context, lambda keys: keys.replace(key_id, secret, keep_s=keep_hours * 3_600))
    _show_secret(key, secret, as_json=json)


@app.command("revoke")
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Which key.")],
    json: options.Json = False,
) -> None:
    """End a key; running servers refuse it within a second."""
    key = _with_keys(context, lambda keys: keys.revoke(options.text("the id", key_id)))
    show.as_json(key) if json else show.lines(f"revoked {key.id}")


def _days(days: float) -> timedelta:
    if not 0 < days <= 36_500:
        raise InvalidInput(f"--days {days:g}: give more than 0 and at most 36500")
    return timedelta(days=days)


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "open" if key.is_valid(now) else "expired"


def _show_secret(key: ApiKey, secret: str, *, as_json: bool) -> None:
    """The key itself on standard output, alone, so that a script can take it."""
    if as_json:
        show.as_json({"key": secret, "id": key.id})
        return
    show.lines(secret)
    typer.echo(_ONCE, err=True)
