"""The seam between a layer and a vault that another program has open."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial, update_wrapper
from inspect import signature
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

from ._tracing import Tracer, traced
from .errors import NotOpen

P = ParamSpec("P")
T = TypeVar("T")
L = TypeVar("L", bound="Caller")


@runtime_checkable
class Elsewhere(Protocol):
    """A vault that is reached rather than opened; `RemoteVault` is one.

    Promises:
    1. `call` does what the method of `MemoryLayer` of that name does for this user, with the
       arguments that were given, and returns an equal value or raises the same error.
    2. It is refused with `NotOpen` before the vault is open and after it is closed, and with
       `WrongEventLoop` from another event loop.
    3. Cancelled, it has happened wholly or not at all.
    """

    def require_open(self) -> None:
        """Refuse a call at the wrong moment or from the wrong event loop."""
        ...

    async def call(
        self, name: str, user_id: str, session_id: str | None, given: Mapping[str, Any]
    ) -> Any:
        """Do one call.

        Args:
            name: The method.
            user_id: Whose memory.
            session_id: The layer's own session, for methods that fall back on it.
            given: Arguments by name; those that were not given are not in it.
        """
        ...


class Caller(Protocol):
    """What `anywhere` needs of a layer."""

    _user_id: str
    _session_id: str | None
    _is_open: bool
    _elsewhere: Elsewhere | None

    @property
    def _tracer(self) -> Tracer | None: ...


def anywhere(
    method: Callable[Concatenate[L, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[L, P], Coroutine[Any, Any, T]]:
    """Run a method of a layer here or, if its vault is elsewhere, there."""
    arguments, name = signature(method), method.__name__.lstrip("_")

    async def call(self: L, /, *args: P.args, **given: P.kwargs) -> T:
        if self._elsewhere is None:
            return await traced(self._tracer, name, partial(method, self, *args, **given))
        require_open(self)
        bound = dict(arguments.bind(self, *args, **given).arguments)
        del bound["self"]
        done: T = await self._elsewhere.call(name, self._user_id, self._session_id, bound)
        return done

    update_wrapper(call, method)
    return call


def require_open(layer: Caller) -> None:
    """Refuse a call on a layer that is not open.

    Raises:
        NotOpen: If it is not.
    """
    if not layer._is_open:  # noqa: SLF001 - a layer asks about itself
        raise NotOpen("the layer is not open: use `async with MemoryLayer(...)` or open() it")
