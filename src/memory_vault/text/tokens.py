"""Count the tokens of a text: exactly where a table is at hand, safely where none is."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ..errors import ConfigError

# Costs in hundredths of a token, fitted by linear programming: the least total over the sample
# in which no text counts for less than it has in either encoding. See OfflineCounter.
_PER_TEXT = 190
_LISTED = {"s": 101, "n": 115, "S": 95, "N": 166}
_INFLECTED = {"s": 186, "n": 156, "S": 180, "N": 198}
# By number of letters from 1 to 12; "s" after a space, "n" after anything else, large when the
# word begins with a capital.
_UNLISTED = {
    "s": (96, 96, 189, 376, 376, 376, 376, 376, 376, 376, 376, 440),
    "n": (95, 96, 187, 187, 187, 187, 345, 345, 345, 348, 385, 686),
    "S": (95, 96, 138, 148, 329, 329, 329, 329, 329, 329, 329, 329),
    "N": (161, 161, 183, 290, 290, 297, 351, 351, 417, 417, 548, 548),
}
_MORE_LETTERS = 65
_CAPITALS = {"S": 90, "N": 123}
_MORE_CAPITALS = 40
_DIGITS = 109
_NEWLINE, _MORE_NEWLINES = 95, 30
_SPACES, _MORE_SPACES, _RARE_SPACE = 104, 7, 300
# By number of ASCII signs from 1 to 4.
_SIGNS = {"s": (139, 143, 185, 200), "n": (95, 96, 149, 200)}
_MORE_SIGNS, _SAME_SIGN = 80, 34
_SCRIPTS = (
    (0x250, 144),  # Latin with accents
    (0x370, 409),  # phonetic letters, combining marks
    (0x400, 154),  # Greek
    (0x530, 141),  # Cyrillic
    (0x590, 221),  # Armenian
    (0x600, 147),  # Hebrew
    (0x700, 146),  # Arabic
    (0x900, 300),
    (0xE00, 203),  # scripts of India
    (0xE80, 116),  # Thai
    (0x1100, 243),  # Lao, Tibetan, Myanmar, Georgian
    (0x1E00, 300),
    (0x2000, 306),  # Latin and Greek with several accents
    (0x2070, 116),  # dashes, quotes, bullets
    (0x2600, 300),
    (0x2800, 230),  # dingbats
    (0x3000, 300),
    (0x3100, 97),  # kana and CJK punctuation
    (0x4E00, 300),
    (0xA000, 203),  # Han
    (0xAC00, 300),
    (0xD7B0, 190),  # Hangul
    (0xFF00, 300),
    (0x10000, 102),  # full-width forms
    (0x1F000, 400),
    (0x20000, 292),  # emoji
    (0x110000, 400),
)
"""First code point after each range, with the cost of one of its characters."""

_PIECE = re.compile(r" ?[^\W\d_]+|\d{1,3}| ?[^\s\w]+| ?_+|\s*\n|\s+(?=\s\S)|\s+|\S")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\x00-\x7f]")
_RUN = re.compile(r"(.)\1*", re.DOTALL)
_SUFFIXES = (
    "s",
    "ed",
    "ing",
    "ly",
    "er",
    "d",
    "es",
    "al",
    "ers",
    "ment",
    "able",
    "ness",
    "est",
    "ful",
)
_WORD = re.compile(r"\n?\S+")
_NOT_ALONE = 1 << 40
"""More than any text costs: what a word costs that must be counted with its surroundings."""
_MAX_CACHE = 50_000
_CACHED_PIECE = 64
_CACHED_WORD = 24

_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


class TokenCounter(Protocol):
    r"""Says how much of a model's context a text takes.

    Promises:
    1. The same text always has the same count; "" has none.
    2. Putting texts on lines of one text adds at most one token for each line break:
       `count(a + "\n" + b) <= count(a) + count(b) + 1`.
    3. It may be called from several threads at once.
    """

    name: str

    def count(self, text: str) -> int:
        """Number of tokens of a text."""
        ...


class OfflineCounter:
    """Counts without tables, rather too many than too few.

    A text is cut into words, numbers, signs and white space about as the encodings do it, and
    each piece costs what pieces of its kind were seen to cost: by length and case, and less for
    common English words. A cost of 1.9 is added for each text that is not only white space.

    Calibrated against the larger of cl100k_base and o200k_base. Sample: 131,921 texts (50,658
    chat turns and questions, 39,455 single sentences, 4,600 lines and blocks as in a prompt,
    8,352 pieces of code and documentation, 24,396 texts in 96 other languages, and base64, hex,
    URLs, numbers, tables, emoji and passwords). None counts for too little; the nearest is
    1.013 times the truth. Mean ratio: chat 1.28, prompt blocks 1.20, sentences 1.40, code 1.59,
    other languages 1.74. Two checks afterwards: of 191,434 passages cut anew from the same
    conversations none counted for too little; of 19,726 pieces of other packages three did, all
    regular expressions (worst 0.91), after which long runs of signs were made dearer.
    Only bytes are a hard bound: text made for it can have more tokens than this says.
    `benchmarks/results/token_counter.json` has the figures by kind of text.
    """

    name = "offline"

    def __init__(self) -> None:
        self._costs = _Costs()
        self._words = _Words(self._costs)

    def count(self, text: str) -> int:
        """Number of tokens that a text has at most."""
        if not text:
            return 0
        first, *words = text.replace("\n", " \n").split(" ")
        cost = self._costs.of(first) if _WORD.fullmatch(first) else _NOT_ALONE
        cost += sum(map(self._words.__getitem__, words))
        if cost >= _NOT_ALONE:
            cost = self._costs.of(text)
        return -(-(cost + (0 if text.isspace() else _PER_TEXT)) // 100)


class _Words(dict[str, int]):
    """Cost of each word after one space, or with the newline that it begins with, when first seen.

    No piece goes on across a single space or newline, so that most texts cost what their words do,
    and a word is looked up several times faster than its pieces are found.
    """

    def __init__(self, costs: _Costs) -> None:
        self._costs = costs

    def __missing__(self, word: str) -> int:
        cost = _NOT_ALONE
        if _WORD.fullmatch(word):
            cost = self._costs.of(word if word[0] == "\n" else " " + word)
        if len(word) <= _CACHED_WORD:
            if len(self) >= _MAX_CACHE:
                self.clear()
            self[word] = cost
        return cost


class _Costs(dict[str, int]):
    """Cost of each piece in hundredths of a token, worked out when first seen."""

    def of(self, text: str) -> int:
        """What all pieces of a text cost."""
        return sum(map(self.__getitem__, _PIECE.findall(text)))

    @cached_property
    def common(self) -> frozenset[str]:
        """Words listed as cheap; read when first needed."""
        from ._common_words import COMMON_WORDS

        return COMMON_WORDS

    def __missing__(self, piece: str) -> int:
        cost = self._cost(piece)
        if len(piece) <= _CACHED_PIECE:
            if len(self) >= _MAX_CACHE:
                self.clear()
            self[piece] = cost
        return cost

    def _cost(self, piece: str) -> int:
        """What one piece costs."""
        if piece.isspace():
            return sum(
                _space(match.group(), match.end() == len(piece)) for match in _RUN.finditer(piece)
            )
        core = piece[1:] if piece[0] == " " else piece
        if core.isdigit():
            return _DIGITS if core.isascii() else sum(map(_other, core))
        if core[0].isalnum():
            return sum(self._word(part, lead) for part, lead in _parts(piece))
        return _signs(core, "s" if piece[0] == " " else "n")

    def _word(self, part: str, lead: str) -> int:
        """One run of letters of the same case, or one letter beyond ASCII."""
        size = len(part)
        if part > "\x7f":
            return _other(part)
        kind = lead.upper() if part[0] < "a" else lead
        if size > 1 and part.isupper():
            return _CAPITALS[kind] + _MORE_CAPITALS * (size - 1)
        if size > 2 and part.lower() in self.common:
            return _LISTED[kind]
        if size > 2 and self._is_inflected(part.lower()):
            return _INFLECTED[kind]
        table = _UNLISTED[kind]
        return table[min(size, len(table)) - 1] + _MORE_LETTERS * max(0, size - len(table))

    def _is_inflected(self, word: str) -> bool:
        """Whether a word is a listed one with an English ending."""
        stems = (word.removesuffix(end) for end in _SUFFIXES if word.endswith(end))
        return any(form in self.common for stem in stems for form in _dictionary_forms(stem))


def _parts(piece: str) -> Iterator[tuple[str, str]]:
    """Parts of a word, each with whether it follows a space ("s") or not ("n")."""
    for at, part in enumerate(_PART.findall(piece)):
        yield part, "s" if at == 0 and piece[0] == " " else "n"


def _dictionary_forms(stem: str) -> Iterator[str]:
    """What a word may have been before it took an ending: run(n), hop(e), happ(y)."""
    if len(stem) < 3:
        return
    yield stem
    yield stem + "e"
    if len(stem) > 3 and stem[-1] == stem[-2]:
        yield stem[:-1]
    if stem[-1] == "i":
        yield stem[:-1] + "y"


def _space(run: str, is_last: bool) -> int:
    """A run of one kind of white space; the newline that ends a piece is the dear one."""
    more = len(run) - 1
    if run[0] == "\n":
        return _MORE_NEWLINES * more + (_NEWLINE if is_last else _MORE_NEWLINES)
    if run[0] > "\x7f":
        return _RARE_SPACE * len(run)
    return _SPACES + _MORE_SPACES * more


def _signs(core: str, lead: str) -> int:
    """A run of signs: ASCII ones by their number, others one by one."""
    others = [char for char in core if char > "\x7f"]
    size = len(core) - len(others)
    cost = sum(map(_other, others))
    if not size:
        return cost
    more = _SAME_SIGN if len(set(core)) == 1 else _MORE_SIGNS
    return cost + _SIGNS[lead][min(size, 4) - 1] + more * max(0, size - 4)


def _other(char: str) -> int:
    """One character beyond ASCII."""
    code = ord(char)
    return next(cost for end, cost in _SCRIPTS if code < end)


class TiktokenCounter:
    """Counts exactly as OpenAI's models do; needs the package and its table on this disk."""

    def __init__(self, encoding: str) -> None:
        """Load the table of an encoding: "cl100k_base" or "o200k_base".

        Raises:
            ConfigError: The encoding is unknown, tiktoken is not installed, or its table is not
                on disk: it is never fetched here.
        """
        self.name: str = f"tiktoken:{encoding}"
        _require_table(encoding)
        self._encoding = _load(encoding)

    def count(self, text: str) -> int:
        """Number of tokens of a text; special tokens written out count as plain text."""
        return len(self._encoding.encode_ordinary(text))


def _load(encoding: str) -> Any:
    """The encoding from the optional package."""
    try:
        import tiktoken
    except ImportError as error:
        raise ConfigError(
            f'token_counter="tiktoken:{encoding}" needs the package tiktoken: '
            'run "pip install memory-vault[tiktoken]", or set token_counter="offline"'
        ) from error
    return tiktoken.get_encoding(encoding)


def _require_table(encoding: str) -> None:
    """Refuse an encoding for which tiktoken would go to the network."""
    if encoding not in _SHA256:
        raise ConfigError(_unknown(f"tiktoken:{encoding}"))
    path = _table_path(encoding)
    # tiktoken fetches the table anew when the file is damaged, so that must be seen before.
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == _SHA256[encoding]:
        return
    raise ConfigError(
        f"The table of {encoding} is not in tiktoken's cache or is damaged: on a machine with "
        f"network run python -c \"import tiktoken; tiktoken.get_encoding('{encoding}')\" with "
        "TIKTOKEN_CACHE_DIR set to a folder, and set it here to that folder too; "
        'or set token_counter="offline"'
    )


def _table_path(encoding: str) -> Path:
    """Where tiktoken keeps a table: a file named by the SHA-1 of its address."""
    default = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR", default))
    key = hashlib.sha1(_URL.format(encoding).encode(), usedforsecurity=False).hexdigest()
    # Set but empty means no cache to tiktoken, which then always goes to the network.
    return Path(folder or os.devnull) / key


def token_counter(name: str) -> TokenCounter:
    """Make the counter that a setting names.

    Raises:
        ConfigError: There is no counter of this name, or its table is not on disk.
    """
    if name == "offline":
        return OfflineCounter()
    kind, _, encoding = name.partition(":")
    if kind == "tiktoken":
        return TiktokenCounter(encoding)
    raise ConfigError(_unknown(name))


def _unknown(name: str) -> str:
    """What to say of a counter that does not exist."""
    known = ", ".join(["offline", *(f"tiktoken:{encoding}" for encoding in _SHA256)])
    return f"token_counter={name!r}: give one of {known}"
