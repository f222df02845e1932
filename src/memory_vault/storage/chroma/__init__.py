"""ChromaDB as an outer index: embedded, with a folder a user, or served, with a collection a user.

Nothing goes out but embeddings, the numbers of their chunks, and the mark. A folder a user, since
ChromaDB leaves the embeddings of a collection on the disk when the collection is deleted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..index import VectorIndex


def choose(argument: str, data_dir: Path) -> VectorIndex:
    """The index that stands in the settings behind "chroma:"; the embedded one if nothing does.

    Raises:
        ConfigError: If it is no URL of a server.
    """
    if argument:
        from .served import ServedChroma

        return ServedChroma(argument)
    from .embedded import EmbeddedChroma

    return EmbeddedChroma(data_dir / "chroma")
