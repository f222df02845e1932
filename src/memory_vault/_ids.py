"""Ids that sort in the order in which one process made them."""

from __future__ import annotations

import os
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """A new id, such as "mem_01jd…": 48 bits of milliseconds, then 80 random bits, in base 32.

    Ids of one millisecond count up, so that ids of one process always sort as they were made.
    The layout is that of a ULID (github.com/ulid/spec).
    """
    global _last
    fresh = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | int.from_bytes(os.urandom(10), "big")
    with _lock:
        _last = number = max(fresh, _last + 1)
    return prefix + "_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
