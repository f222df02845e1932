"""Make text safe to store without changing what it says."""

from __future__ import annotations

import re
import unicodedata

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = frozenset(("Cc", "Cf", "Cn", "Cs", "Zl", "Zp", "Zs"))
# Letters and symbols by category that nevertheless show nothing: Hangul fillers, the
# combining grapheme joiner, the blank Braille pattern, and variation selectors.
_BLANK_MARKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


def clean(text: str) -> str:
    """Replace what neither UTF-8 nor SQLite can hold by U+FFFD; keep all else verbatim.

    That is NUL and surrogates without a partner. The length in characters never changes.
    """
    return _UNSTORABLE.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: only spaces, zero-width and control characters."""
    return not any(_is_visible(char) for char in text.strip())


def _is_visible(char: str) -> bool:
    """Whether one character leaves a mark."""
    return unicodedata.category(char) not in _INVISIBLE and not _BLANK_MARKS.match(char)
