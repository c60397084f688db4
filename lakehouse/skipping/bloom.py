"""Bloom filters of hashes, for whole values. Pure."""

from __future__ import annotations

import numpy as np

from lakehouse.skipping.hashes import Hashes, distinct

# Eight bits a value and five probes: one file in fifty is read in vain.
BITS, PROBES, LEAST = 8, 5, 128
LOW = 0xFFFFFFFF


def build(hashes: Hashes) -> bytes:
    """Returns the filter of these; empty where there is none."""
    values = distinct(hashes)
    if not len(values):
        return b""
    size = max(LEAST, 8 * -(-len(values) * BITS // 8))
    bits = np.zeros(size, bool)
    first, step = values & np.uint64(LOW), values >> np.uint64(32)
    for probe in range(PROBES):
        bits[(first + np.uint64(probe) * step) % np.uint64(size)] = True
    return np.packbits(bits, bitorder="little").tobytes()


def may_hold(bits: memoryview, value: int) -> bool:
    """Whether the hash may be among those of a filter."""
    size = 8 * len(bits)
    first, step = value & LOW, value >> 32
    places = ((first + probe * step) % size for probe in range(PROBES)) if size else ()
    return size > 0 and all(bits[place >> 3] >> (place & 7) & 1 for place in places)
