"""Lines for machines: JSON, one a line, with ids and counts and never the text of a memory.

Paths and queries are not logged, since ids, keys of preferences and sessions stand in them: a
request is named by its route.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ..access import ApiKey
from ..errors import MemoryVaultError
from ..models import ForgetReceipt

_requests = logging.getLogger("memory_vault.requests")
_audit = logging.getLogger("memory_vault.audit")
_failures = logging.getLogger("memory_vault.failures")


class JsonLines(logging.Formatter):
    """One JSON object a line. Of an exception it tells the kind and the place, not the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = [
                f"{one.filename}:{one.lineno} {one.name}"
                for one in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, ensure_ascii=True)


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": JsonLines}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "lines",
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"uvicorn": {"level": "INFO"}, "uvicorn.access": {"level": "ERROR"}},
}
"""For `logging.config.dictConfig`: everything to stderr as JSON, no paths of requests."""


def log_request(
    operation: str, method: str, status: int, seconds: float, caller: ApiKey | None
) -> None:
    """One line for one request."""
    _requests.info(
        "request",
        extra={
            "fields": {
                "operation": operation,
                "method": method,
                "status": status,
                "ms": round(seconds * 1_000, 2),
                "key": caller and caller.id,
            }
        },
    )


def log_failure(error: MemoryVaultError) -> None:
    """What the client is not told; our messages never quote memory text."""
    _failures.error(str(error), extra={"fields": {"code": error.code}})


@contextmanager
def audited(what: str, caller: ApiKey, user_id: str, **about: Any) -> Iterator[dict[str, Any]]:
    """One line for one forget or export, however it ends: who, whose, which ids, how many.

    Yields what to put the outcome into; a call that fails or is cancelled leaves it empty.
    """
    told: dict[str, Any] = {}
    failure = "cancelled"
    try:
        yield told
        failure = ""
    except MemoryVaultError as error:
        failure = error.code
        raise
    finally:
        known = {name: value for name, value in about.items() if value is not None}
        fields = {"key": caller.id, "user": user_id, **known, "failure": failure, **told}
        _audit.info(what, extra={"fields": fields})


def removed(receipt: ForgetReceipt) -> dict[str, Any]:
    """What the audit says of a receipt."""
    return {"removed": dict(receipt.removed), "state": receipt.state, "dry_run": receipt.dry_run}
