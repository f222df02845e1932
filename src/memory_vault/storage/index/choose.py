"""From the setting `index` to the outer index, if it names one."""

from __future__ import annotations

from pathlib import Path

from ... import plugins
from ...errors import ConfigError
from . import VectorIndex

EXACT = "exact"


def choose(given: str | VectorIndex, data_dir: Path) -> VectorIndex | None:
    """The outer index that a setting names, closed still; None for the exact one in memory.

    Args:
        given: "exact", "chroma", "chroma:URL", a plugin's name, or an object, taken as it is.
        data_dir: Folder of the vault, where an embedded one keeps its files.

    Raises:
        ConfigError: If the name is none of these.
    """
    if not isinstance(given, str):
        return given
    if given == EXACT:
        return None
    kind, _, argument = given.partition(":")
    if kind == "chroma":
        from ..chroma import choose as choose_chroma

        return choose_chroma(argument, data_dir)
    made = plugins.make("indexes", kind, argument, None, VectorIndex)  # type: ignore[type-abstract]
    if made is None:
        raise ConfigError(
            f"index={kind!r}: give 'exact', 'chroma', 'chroma:http://HOST:PORT', the name of an "
            "installed plugin, or an object that fulfils VectorIndex"
        )
    return made
