"""The largest value for each pair of whole numbers: a table with open addresses, for compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Values = NDArray[np.float32]
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: multiplied by it, keys that lie close together fall far apart in the upper bits."""
UPPER = np.uint64(32)


@njit(cache=True, nogil=True)
def pair_key(one: Any, other: Any) -> Any:
    """A pair as one number; both from 0 to 2³¹ - 1."""
    return one << 32 | other


@njit(cache=True, nogil=True)
def pair_of(key: Any) -> tuple[Any, Any]:
    """Both numbers of a key."""
    return key >> 32, key & 0xFFFFFFFF


@njit(cache=True, nogil=True)
def empty_pairs(size: int) -> tuple[Keys, Values]:
    """A table for up to half of `size` keys, a power of two; -1 is no key."""
    return np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.float32)


@njit(cache=True, nogil=True)
def raise_pair(keys: Keys, values: Values, key: int, value: np.float32) -> bool:
    """Raise the value of a key to at least this one; returns whether the key is new."""
    slot = np.int64((np.uint64(key) * SPREAD) >> UPPER) & (len(keys) - 1)
    while keys[slot] != key:
        if keys[slot] < 0:
            keys[slot], values[slot] = key, value
            return True
        slot = slot + 1 & (len(keys) - 1)
    values[slot] = max(values[slot], value)
    return False


@njit(cache=True, nogil=True)
def grown_pairs(keys: Keys, values: Values) -> tuple[Keys, Values]:
    """The same in a table twice as large."""
    more, raised = empty_pairs(2 * len(keys))
    for slot in range(len(keys)):
        if keys[slot] >= 0:
            raise_pair(more, raised, keys[slot], values[slot])
    return more, raised
