"""A question and a text as one row of tokens, as a tokenizer's own file says pairs are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Ids = list[int]


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a pair, and for each token whose it is as the model was told in training."""

    ids: Ids
    types: Ids


class PairWriter:
    """Writes pairs of at most so many tokens.

    The tokenizer's own truncation is not used: it keeps every part that it cuts off, combined with
    every part of the other text, which for two long texts takes minutes.

    Args:
        tokenizer: One that neither cuts nor fills up.
        max_tokens: Tokens of a pair, special ones counted.
    """

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        self._tokenizer = tokenizer
        sample = tokenizer.encode("a", "a")
        self._places = list(zip(sample.sequence_ids, sample.ids, sample.type_ids, strict=True))
        special = sum(sequence is None for sequence, _, _ in self._places)
        self._room = max(0, max_tokens - special)

    def write(self, query: str, texts: Sequence[str]) -> list[Pair]:
        """A pair for each text, the longer of the two cut first. Blocking."""
        # Several in one call, because `encode` holds the GIL and `encode_batch` does not.
        found = self._tokenizer.encode_batch_fast([query, *texts], add_special_tokens=False)
        question = found[0].ids
        return [self._write(question, one.ids) for one in found[1:]]

    def _write(self, question: Ids, text: Ids) -> Pair:
        first, second = share_room(len(question), len(text), self._room)
        parts = {0: question[:first], 1: text[:second]}
        ids: Ids = []
        types: Ids = []
        for sequence, special, kind in self._places:
            part = [special] if sequence is None else parts.pop(sequence, [])
            ids += part
            types += [kind] * len(part)
        return Pair(ids, types)


def share_room(first: int, second: int, room: int) -> tuple[int, int]:
    """How much is kept of two lengths: the longer is cut first, both to half if both are long."""
    if first > second:
        second, first = share_room(second, first, room)
        return first, second
    shorter = min(first, room // 2)
    return shorter, min(second, room - shorter)
