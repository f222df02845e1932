"""LangGraph: a vault as the long-term store of a graph."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import missing

try:
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        MatchCondition,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
        get_text_at_path,
        tokenize_path,
        validate_op_namespace,
    )
except ImportError as _error:
    raise missing("langchain") from _error

from ..errors import InvalidInput
from ..layer import MemoryLayer
from ._calling import AnyVault, Caller
from ._items import Items, StoredItem

Names = tuple[str, ...]


class VaultStore(BaseStore):
    """LangGraph's `BaseStore` over a vault: durable, searchable, with former versions kept.

    With `user_id`, all namespaces are this user's. Without, the first label of a namespace is the
    user id, and a search or listing has to name it: no call ever sees two users.

    A batch reads first and writes then, the last put of a key only, as LangGraph's own store does;
    each put is whole or nothing, a batch is not. Values are JSON. An item lives at least its TTL
    after it was last used, and at most a tenth longer; reads never show it after that, and
    `asweep_ttl` forgets it.

    Args:
        vault: An open vault, of this program or a server's. A `Vault` or `RemoteVault` serves the
            methods with `await` natively, and those without from other threads; a `VaultSync` or
            `RemoteVaultSync` the other way round.
        user_id: Whose memory it is; None for the first label of each namespace.
        fields: Which fields of a value are searched by words, as paths; None for all. `put` may
            say otherwise for its item.
        ttl: LangGraph's settings for the life of items.
    """

    supports_ttl = True

    def __init__(
        self,
        vault: AnyVault,
        *,
        user_id: str | None = None,
        fields: Sequence[str] | None = None,
        ttl: TTLConfig | None = None,
    ) -> None:
        self._caller = Caller(vault)
        self._user_id = user_id
        self._fields = fields
        self.ttl_config = ttl

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations; LangGraph's other methods with `await` call this one."""
        return await self._caller.wait(self._run, list(ops))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations. Blocking."""
        return self._caller.block(self._run, list(ops))

    async def asweep_ttl(self, user_id: str | None = None) -> int:
        """Forget what has expired, of one user, and say how many items that was."""
        return await self._caller.wait(self._sweep, user_id)

    def sweep_ttl(self, user_id: str | None = None) -> int:
        """Forget what has expired, of one user, and say how many items that was. Blocking."""
        return self._caller.block(self._sweep, user_id)

    async def _sweep(self, user_id: str | None) -> int:
        wanted = user_id or self._user_id
        if wanted is None:
            raise InvalidInput("user_id=None: this store has many users; name the one to sweep")
        async with self._of(wanted) as memory:
            return await Items(memory).sweep()

    async def _run(self, ops: list[Op]) -> list[Result]:
        for op in ops:
            validate_op_namespace(op)
        results: list[Result] = [
            None if isinstance(op, PutOp) else await self._read(op) for op in ops
        ]
        puts = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        for op in puts.values():
            await self._write(op)
        return results

    async def _read(self, op: GetOp | SearchOp | ListNamespacesOp) -> Result:
        if isinstance(op, GetOp):
            async with self._of(self._user(op.namespace)) as memory:
                found = await Items(memory).get(op.namespace, op.key, refresh=op.refresh_ttl)
            return None if found is None else Item(**_fields(found))
        if isinstance(op, SearchOp):
            async with self._of(self._user(op.namespace_prefix)) as memory:
                return await _search(Items(memory), op)
        if isinstance(op, ListNamespacesOp):
            async with self._of(self._user(_prefix(op))) as memory:
                return _namespaces(await Items(memory).listed(), op)
        raise InvalidInput(f"{type(op).__name__} is no operation of a store")

    async def _write(self, op: PutOp) -> None:
        async with self._of(self._user(op.namespace)) as memory:
            if op.value is None:
                await Items(memory).delete(op.namespace, op.key)
                return
            await Items(memory).put(
                op.namespace,
                op.key,
                dict(op.value),
                text=self._text(op.value, op.index),
                ttl_minutes=op.ttl,
            )

    def _of(self, user_id: str) -> MemoryLayer:
        return MemoryLayer(user_id, vault=self._caller.vault)

    def _user(self, namespace: Sequence[str]) -> str:
        """Whose memory a namespace is.

        Raises:
            InvalidInput: If it does not say so.
        """
        if self._user_id is not None:
            return self._user_id
        if not namespace or namespace[0] == "*":
            raise InvalidInput(
                "this store has many users: begin the namespace with a user id, or make it with "
                "user_id= for one user"
            )
        return namespace[0]

    def _text(self, value: Mapping[str, Any], index: object) -> str | None:
        """What of a value is searched by words, or None for nothing."""
        if index is False:
            return None
        paths = self._fields if index is None else index
        if paths is None:
            return "\n".join(f"{name}: {_readable(one)}" for name, one in value.items())
        assert isinstance(paths, Sequence), "the protocol's type"
        texts: list[str] = []
        for path in paths:
            texts += get_text_at_path(value, path if path == "$" else tokenize_path(path))
        return "\n".join(texts) or None


def _readable(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _fields(item: StoredItem) -> dict[str, Any]:
    return {
        "namespace": item.namespace,
        "key": item.key,
        "value": item.value,
        "created_at": item.memory.recorded_at,
        "updated_at": item.updated_at,
    }


async def _search(items: Items, op: SearchOp) -> list[SearchItem]:
    """Items below a prefix that pass the filter: by rank, then those that words do not find."""

    def accept(item: StoredItem) -> bool:
        is_below = item.namespace[: len(op.namespace_prefix)] == op.namespace_prefix
        return is_below and _passes(item.value, op.filter or {})

    stop = op.offset + op.limit
    found = await items.ranked(op.query, accept, stop) if op.query else []
    if len(found) < stop:
        seen = {(one.namespace, one.key) for one in found}
        rest = [one for one in await items.listed() if accept(one)]
        found += [one for one in rest if (one.namespace, one.key) not in seen]
    shown = found[op.offset : stop]
    if op.refresh_ttl:
        for one in shown:
            await items.used(one)
    return [SearchItem(**_fields(one), score=one.score) for one in shown]


def _prefix(op: ListNamespacesOp) -> Names:
    """The longest prefix that a listing asks for, to tell whose it is."""
    found = [one.path for one in op.match_conditions or () if one.match_type == "prefix"]
    return max(found, key=len, default=())


def _namespaces(items: Sequence[StoredItem], op: ListNamespacesOp) -> list[Names]:
    """Namespaces that hold something and meet all conditions, sorted, cut to the depth."""
    names = {one.namespace for one in items}
    kept = [n for n in names if all(_matches(one, n) for one in op.match_conditions or ())]
    return sorted({one[: op.max_depth] for one in kept})[op.offset : op.offset + op.limit]


def _matches(condition: MatchCondition, namespace: Names) -> bool:
    path = condition.path
    part = namespace[: len(path)]
    if condition.match_type == "suffix":
        part = namespace[-len(path) :] if path else ()
    return len(part) == len(path) and all(
        wanted in ("*", label) for wanted, label in zip(path, part, strict=True)
    )


_NUMERIC = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}


def _passes(value: Any, wanted: Any) -> bool:
    """Whether a value is as a filter wants it; LangGraph's rules for nested values and operators.

    Raises:
        InvalidInput: If an operator is not known.
    """
    if isinstance(wanted, Mapping):
        if any(name.startswith("$") for name in wanted):
            return all(_meets(value, name, other) for name, other in wanted.items())
        return isinstance(value, Mapping) and all(
            _passes(value.get(name), one) for name, one in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(_passes(a, b) for a, b in zip(value, wanted, strict=True))
        )
    return bool(value == wanted)


def _meets(value: Any, operator: str, other: Any) -> bool:
    if operator in ("$eq", "$ne"):
        return bool((value == other) == (operator == "$eq"))
    if operator not in _NUMERIC:
        raise InvalidInput(f"{operator!r}: a filter knows $eq, $ne, $gt, $gte, $lt and $lte")
    try:
        return bool(_NUMERIC[operator](float(value), float(other)))
    except (TypeError, ValueError):
        return False  # what is no number is neither more nor less
