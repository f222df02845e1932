"""A user's memory as a file, over HTTP: streamed, and whole or nothing at both ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from .. import _arguments as check
from .._host import finish
from .._work import Progress
from ..errors import ReplyRefused
from ..models import ExportReport, ImportReport
from ..portable.export import report
from ..portable.import_ import open_file
from ..portable.target import Target
from .calls import CALLS, request
from .reading import reader
from .transport import Transport, problem

if TYPE_CHECKING:
    import httpx

    from ..portable.source import File

_PIECE = 1 << 18


async def export(
    transport: Transport,
    user_id: str,
    path: str | Path,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Write what the server sends to a file of this machine; it appears whole or not at all."""
    target = Target(check.file_path(path), overwrite=overwrite)
    asked = request(CALLS["export"], {"user_id": user_id})
    written = _Written(target, progress)
    try:
        await to_thread.run_sync(target.open)
        async with transport.stream(asked) as response:
            if not response.is_success:
                raise problem(response.status_code, await response.aread())
            async for piece in response.aiter_bytes(_PIECE):
                with anyio.CancelScope(shield=True):  # cancelled between pieces: httpx tidies up
                    await to_thread.run_sync(written.add, piece)
        return await to_thread.run_sync(written.publish)
    finally:
        await finish(partial(to_thread.run_sync, target.close))


class _Written:
    """A file as it arrives: its digest and its last line tell whether it is whole."""

    def __init__(self, target: Target, progress: Progress | None) -> None:
        self._target, self._progress = target, progress
        self._digest, self._size, self._tail, self._lines = hashlib.sha256(), 0, b"", 0

    def add(self, piece: bytes) -> None:
        self._target.write(piece)
        self._size += len(piece)
        above, end, last = (self._tail + piece).rpartition(b"\n")
        if end and not last:  # the piece ends with a line: it may be the last of all
            above, end, last = above.rpartition(b"\n")
            last += b"\n"
        self._digest.update(above + end)
        self._lines += (above + end).count(b"\n")
        self._tail = last

    def publish(self) -> ExportReport:
        """Give the file its name.

        Raises:
            ReplyRefused: If the file is not whole.
        """
        try:
            is_whole = json.loads(self._tail)["sha256"] == self._digest.hexdigest()
        except (ValueError, KeyError, TypeError):
            is_whole = False
        if not is_whole:
            raise ReplyRefused(
                "the export broke off before its end: nothing was written; try again"
            )
        self._target.publish()
        if self._progress is not None:
            self._progress(self._lines, self._lines)
        return report(self._target.path, self._size, self._tail)


async def import_(
    transport: Transport,
    user_id: str,
    path: str | Path,
    origin: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Send a file of this machine; all of it is taken over or nothing."""
    asked = request(CALLS["import_"], {"user_id": user_id, "origin": check.origin(origin)})
    asked = replace(asked, headers={**asked.headers, "content-type": "application/x-ndjson"})
    file = await to_thread.run_sync(open_file, check.file_path(path))
    body = _body(file, progress)
    try:
        async with transport.stream(asked, body) as response:
            content = await response.aread()
            if not response.is_success:
                raise problem(response.status_code, content)
        return _report(content)
    finally:
        await finish(partial(to_thread.run_sync, file.close))


def _body(file: File, progress: Progress | None) -> httpx.AsyncByteStream:
    """A file, sent piece by piece."""
    import httpx

    class Body(httpx.AsyncByteStream):
        def __init__(self) -> None:
            self._sent = 0

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            piece = await to_thread.run_sync(file.read, _PIECE)
            if not piece:
                raise StopAsyncIteration
            self._sent += len(piece)
            if progress is not None:
                progress(self._sent, file.size)
            return piece

    return Body()


def _report(content: bytes) -> ImportReport:
    try:
        found: ImportReport = reader(ImportReport)(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise ReplyRefused("the server answered an import with no report") from error
    return found
