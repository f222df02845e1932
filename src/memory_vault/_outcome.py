"""What a piece of work for somebody else came to, to be handed to whom it belongs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """A value or an error. Cancellation is neither: it passes."""

    value: T | None = None
    error: Exception | None = None

    @classmethod
    def of(cls, work: Callable[[], T]) -> Outcome[T]:
        """Do the work, and catch what it raises: a fence, for others go on beside it."""
        try:
            return cls(work())
        except Exception as error:  # noqa: BLE001 - raised again by `get`
            return cls(error=error)

    @classmethod
    async def of_async(cls, work: Callable[[], Awaitable[T]]) -> Outcome[T]:
        """`of`, for work that is awaited."""
        try:
            return cls(await work())
        except Exception as error:  # noqa: BLE001 - raised again by `get`
            return cls(error=error)

    def get(self) -> T:
        """The value, or the error raised."""
        if self.error is not None:
            raise self.error
        return cast("T", self.value)
