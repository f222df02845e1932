"""Errors as HTTP tells them: problem details (RFC 9457), free of any web framework.

What a client can mend (status below 500) is explained in the error's own words, which never quote
memory text. What only the operator can mend is not: such messages name files and settings of the
machine, so the client reads a fixed sentence and the server logs the error.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from .errors import (
    MEANINGS,
    BackendUnavailable,
    MemoryVaultError,
    NotOpen,
    RateLimited,
    StorageBusy,
)

MEDIA_TYPE = "application/problem+json"
_TEMPORARY = (BackendUnavailable, StorageBusy, NotOpen)
_RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """The members of one problem document.

    Attributes:
        type: A URN that ends in the error's stable code.
        title: The same for every error of the code.
        status: The HTTP status.
        detail: What is wrong here, safe to show to the client.
        code: The error's stable code, for programs.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str

    def as_json(self) -> dict[str, str | int]:
        """The document, as `json.dumps` takes it."""
        return asdict(self)


def problem_details(error: MemoryVaultError) -> ProblemDetails:
    """What an HTTP client is told of an error."""
    code = error.code
    status = MEANINGS[code].http_status
    return ProblemDetails(
        type=f"urn:memory-vault:error:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=str(error) if status < 500 else _of_the_server(error),
        code=code,
    )


def headers(error: MemoryVaultError) -> dict[str, str]:
    """Headers beside the document: when to try again, where that may help."""
    if not isinstance(error, _TEMPORARY):
        return {}
    wait_s = error.wait_s if isinstance(error, RateLimited) else _RETRY_AFTER_S
    return {"retry-after": str(max(1, math.ceil(wait_s)))}


def _of_the_server(error: MemoryVaultError) -> str:
    if isinstance(error, _TEMPORARY):
        return "The memory cannot be used at this moment: try again."
    return "The memory cannot be used; the log of the server says why."
