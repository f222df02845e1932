"""A folder of small text files that a model keeps in a vault, each one memory; free of any SDK.

All files are memories of one session. A change is an update, so that the version before stays and
can be taken back. A deleted file becomes working memory of no importance: recall does not see it,
`undo` brings it back, and when the session was idle for the configured time it is forgotten.

The answers are worded as those of the SDK's own tool, which models know.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import anyio

from ..errors import NotFound
from ..layer import MemoryLayer
from ..models import Memory
from ..remote import RemoteVault
from ..text.clean import clean, is_blank
from ..vault import Vault

ROOT = "/memories"
SESSION = "memory_tool"
_ORIGIN = "assistant:memory_tool"
_KIND = "memory_tool"
_PAGE = 1_000
_MAX_PATH_CHARS = 1_000
_MAX_LINES = 999_999
_WIDTH = len(str(_MAX_LINES))
_DEPTH = 2


class FileRefused(Exception):
    """What the model is told when a command cannot be done."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is now."""

    memory: Memory
    path: str
    text: str


class Files:
    """One user's files.

    Args:
        vault: An open vault.
        user_id: Whose memory it is.
    """

    def __init__(self, vault: Vault | RemoteVault, user_id: str) -> None:
        self._vault, self._user_id = vault, user_id
        self._lock = anyio.Lock()

    async def view(self, path: str, lines: Sequence[int] | None) -> str:
        """What a file says, with line numbers, or what is in a folder, two levels deep."""
        wanted = _checked(path)
        async with self._layer() as memory:
            files = await _files(memory)
        if wanted in files:
            return _numbered(path, files[wanted].text, lines)
        if wanted != ROOT and not _below(files, wanted):
            raise FileRefused(f"The path {path} does not exist. Please provide a valid path.")
        return _listed(path, files, wanted)

    async def create(self, path: str, text: str) -> str:
        """Make a new file."""
        wanted = _checked(path)
        async with self._lock, self._layer() as memory:
            _refuse_taken(await _files(memory), wanted, f"File {path} already exists")
            content, kept = _kept(wanted, text)
            await memory.save(
                content,
                role="assistant",
                origin=_ORIGIN,
                memory_type="semantic",
                occurred_at=datetime.now(UTC),  # else two files that say the same would be one
                metadata=kept,
            )
        return f"File created successfully at: {path}"

    async def str_replace(self, path: str, old: str, new: str) -> str:
        """Replace a text that stands in a file exactly once."""
        async with self._lock, self._layer() as memory:
            file = _file(await _files(memory), path)
            count = file.text.count(old)
            if count == 0:
                raise FileRefused(
                    f"No replacement was performed, old_str `{old}` did not appear verbatim in "
                    f"{path}."
                )
            if count > 1:
                raise FileRefused(
                    f"No replacement was performed. Multiple occurrences of old_str `{old}` in "
                    f"lines: {', '.join(map(str, _lines_with(file.text, old)))}. Please ensure it "
                    "is unique"
                )
            changed = file.text.replace(old, new)
            await _write(memory, file, changed)
        at, lines = file.text[: file.text.find(old)].count("\n"), changed.split("\n")
        first, last = max(0, at - 2), min(len(lines), at + 3)
        shown = [f"{str(n + 1).rjust(_WIDTH)}\t{lines[n]}" for n in range(first, last)]
        return (
            "The memory file has been edited. Here is the snippet showing the change (with line "
            "numbers):\n" + "\n".join(shown)
        )

    async def insert(self, path: str, after: int, text: str) -> str:
        """Insert lines after a line; 0 is the top."""
        async with self._lock, self._layer() as memory:
            file = _file(await _files(memory), path)
            lines = file.text.split("\n")
            if lines[-1] == "":
                lines.pop()
            if not 0 <= after <= len(lines):
                raise FileRefused(
                    f"Invalid `insert_line` parameter: {after}. It should be within the range "
                    f"[0, {len(lines)}]."
                )
            lines.insert(after, text.rstrip("\n"))
            changed = "\n".join(lines)
            await _write(memory, file, changed if changed.endswith("\n") else changed + "\n")
        return f"The file {path} has been edited."

    async def delete(self, path: str) -> str:
        """Put a file, or a folder with all files in it, away."""
        wanted = _checked(path)
        if wanted == ROOT:
            raise FileRefused(f"Cannot delete the {ROOT} directory itself")
        async with self._lock, self._layer() as memory:
            files = await _files(memory)
            found = [files[wanted]] if wanted in files else _below(files, wanted)
            if not found:
                raise FileRefused(f"The path {path} does not exist")
            await memory.start_session(SESSION)  # so that it is kept for the idle time from now
            for file in found:
                kept = {_KIND: {**file.memory.metadata[_KIND], "deleted": True}}
                await memory.update(
                    file.memory.id, memory_type="working", importance=0.0, metadata=_anew(kept)
                )
        return f"Successfully deleted {path}"

    async def rename(self, path: str, new_path: str) -> str:
        """Give a file, or a folder with all files in it, another path."""
        wanted, target = _checked(path), _checked(new_path)
        if wanted == ROOT:
            raise FileRefused(f"Cannot rename the {ROOT} directory itself")
        async with self._lock, self._layer() as memory:
            files = await _files(memory)
            _refuse_taken(files, target, f"The destination {new_path} already exists")
            found = [files[wanted]] if wanted in files else _below(files, wanted)
            if not found:
                raise FileRefused(f"The path {path} does not exist")
            if target.startswith(f"{wanted}/"):
                raise FileRefused(f"Cannot move {path} into itself")
            for file in found:
                moved = {**file.memory.metadata[_KIND], "path": target + file.path[len(wanted) :]}
                await memory.update(file.memory.id, metadata=_anew({_KIND: moved}))
        return f"Successfully renamed {path} to {new_path}"

    async def undo(self, path: str) -> str:
        """Take back the last change of a file, and with each further call the one before it."""
        wanted = _checked(path)
        async with self._lock, self._layer() as memory:
            files = await _files(memory, is_deleted=False)
            file = files.get(wanted) or (await _files(memory, is_deleted=True)).get(wanted)
            if file is None:
                raise FileRefused(f"The path {path} does not exist, and nothing there was deleted")
            versions = await memory.history(file.memory.id)
            now = file.memory.metadata[_KIND].get("at", len(versions) - 1)
            if now < 1:
                raise FileRefused(f"There is no earlier version of {path}")
            before = versions[now - 1].memory
            kept = {_KIND: {**before.metadata[_KIND], "at": now - 1}}
            if kept[_KIND]["path"] != wanted:
                _refuse_taken(files, kept[_KIND]["path"], f"{kept[_KIND]['path']} exists again")
            await memory.update(
                file.memory.id,
                content=before.content,
                memory_type=before.memory_type,
                importance=before.importance,
                metadata=kept,
            )
        return f"The last change of {path} was taken back."

    async def clear(self) -> str:
        """Forget all files with their versions, deleted ones too."""
        async with self._lock, self._layer() as memory:
            try:
                await memory.forget(session_id=SESSION)
            except NotFound:
                pass
        return "All memory cleared"

    def _layer(self) -> MemoryLayer:
        return MemoryLayer(self._user_id, session_id=SESSION, vault=self._vault)


# paths --------------------------------------------------------------------------------------------


def _checked(path: str) -> str:
    """A path without the slashes that say nothing; refused if it could lead anywhere else."""
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        raise FileRefused(f"Path must start with {ROOT}, got: {path}")
    if len(path) > _MAX_PATH_CHARS:
        raise FileRefused(f"A path has at most {_MAX_PATH_CHARS} characters")
    parts = [part for part in path.split("/") if part]
    for part in parts:
        plain = unquote(unquote(part))
        if plain in (".", "..") or set(plain) & set("/\\") or not plain.isprintable():
            raise FileRefused(f"Path {path} would escape {ROOT} directory")
    return "/" + "/".join(parts)


def _below(files: dict[str, File], folder: str) -> list[File]:
    return [file for path, file in files.items() if path.startswith(f"{folder}/")]


def _refuse_taken(files: dict[str, File], path: str, message: str) -> None:
    """Refuse a path at which, or above which, there is a file, or below which there are some."""
    if path == ROOT or path in files or _below(files, path):
        raise FileRefused(message)
    above = path.rpartition("/")[0]
    while above != ROOT:
        if above in files:
            raise FileRefused(f"{above} is a file, not a directory")
        above = above.rpartition("/")[0]


def _file(files: dict[str, File], path: str) -> File:
    wanted = _checked(path)
    if wanted in files:
        return files[wanted]
    if wanted == ROOT or _below(files, wanted):
        raise FileRefused(f"The path {path} is not a file.")
    raise FileRefused(f"The path {path} does not exist. Please provide a valid path.")


# files as memories --------------------------------------------------------------------------------


def _kept(path: str, text: str, **also: Any) -> tuple[str, dict[str, Any]]:
    """Content and metadata; a text that a memory cannot hold as it is, is kept as JSON."""
    is_plain = not is_blank(text) and clean(text) == text
    kept = {"path": path, "is_json": not is_plain, **also}
    return (text if is_plain else json.dumps(text)), {_KIND: kept}


def _anew(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a change, which is the last one, whatever was taken back before."""
    return {_KIND: {name: one for name, one in metadata[_KIND].items() if name != "at"}}


async def _write(memory: MemoryLayer, file: File, text: str) -> None:
    content, kept = _kept(file.path, text)
    await memory.update(file.memory.id, content=content, metadata=kept)


async def _files(memory: MemoryLayer, *, is_deleted: bool = False) -> dict[str, File]:
    """Files by path; of those deleted at one path, the one made last."""
    found: dict[str, File] = {}
    cursor = None
    while True:
        page = await memory.list_memories(session_id=SESSION, page_size=_PAGE, cursor=cursor)
        for one in page.items:
            kept = one.metadata.get(_KIND)
            if kept is not None and kept.get("deleted", False) == is_deleted:
                text = json.loads(one.content) if kept["is_json"] else one.content
                found[kept["path"]] = File(one, kept["path"], text)
        cursor = page.next_cursor
        if cursor is None:
            return found


# what the model reads -----------------------------------------------------------------------------


def _numbered(path: str, text: str, lines: Sequence[int] | None) -> str:
    shown, first = text.split("\n"), 0
    if len(shown) > _MAX_LINES:
        raise FileRefused(f"File {path} exceeds maximum line limit of {_MAX_LINES:,} lines.")
    if lines is not None and len(lines) == 2:
        first = max(1, lines[0]) - 1
        shown = shown[first : len(shown) if lines[1] == -1 else lines[1]]
    numbered = [f"{str(first + n + 1).rjust(_WIDTH)}\t{line}" for n, line in enumerate(shown)]
    return f"Here's the content of {path} with line numbers:\n" + "\n".join(numbered)


def _listed(path: str, files: dict[str, File], folder: str) -> str:
    """Names two levels deep, folders first named and then opened, each with its size."""
    sizes: dict[tuple[str, ...], int] = {}
    total = 0
    for file in _below(files, folder):
        names = tuple(file.path[len(folder) + 1 :].split("/"))
        if any(name.startswith(".") for name in names):
            continue
        size = len(file.text.encode("utf-8", "replace"))
        total += size
        for depth in range(1, min(len(names), _DEPTH) + 1):
            shown = names[:depth] if depth == len(names) else (*names[:depth], "")
            sizes[shown] = sizes.get(shown, 0) + size
    lines = [f"{_size(total)}\t{path}"]
    lines += [f"{_size(sizes[names])}\t{path}/{'/'.join(names)}" for names in sorted(sizes)]
    return (
        f"Here're the files and directories up to 2 levels deep in {path}, excluding hidden "
        "items:\n" + "\n".join(lines)
    )


def _size(count: int) -> str:
    if count == 0:
        return "0B"
    power = min((count.bit_length() - 1) // 10, 3)
    size = count / 1024**power
    return f"{int(size)}{'BKMG'[power]}" if size == int(size) else f"{size:.1f}{'BKMG'[power]}"


def _lines_with(text: str, part: str) -> list[int]:
    """Numbers of the lines in which a text begins, from 1."""
    found, at = [], text.find(part)
    while at != -1:
        found.append(text[:at].count("\n") + 1)
        at = text.find(part, at + 1)
    return found
