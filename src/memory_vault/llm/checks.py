"""What every language model refuses: input that is not text."""

from __future__ import annotations

from ..embed.runtime import refusing_surrogates
from ..errors import InvalidInput


def check_input(prompt: str, system: str, max_tokens: int) -> None:
    """Refuse what no service takes.

    Raises:
        InvalidInput: If something is not a string, holds a lone surrogate, or is no number.
    """
    if not isinstance(prompt, str) or not isinstance(system, str):
        raise InvalidInput("prompt and system: each must be a string")
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
        raise InvalidInput(f"max_tokens={max_tokens!r}: give at least 1")
    with refusing_surrogates():
        (prompt + system).encode()
