"""Hashes of texts, many at once, the same on every machine and in every release. Pure.

Of text only case is left out, and that of ASCII alone. Two other signs become ASCII where an engine
takes their case away (K of Kelvin, I with a dot): where there is one, nothing is hashed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
BECOME_ASCII = ("\u212a", "\u0130")
WORD = 8
MULTIPLY, MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
# The bytes of a word that count, by how many of it are there.
MASKS = np.array([(1 << 8 * there) - 1 for there in range(WORD + 1)], np.uint64)


def is_plain(values: pa.Array) -> bool:
    """Whether no other sign of these texts becomes ASCII in lower case."""
    content = _content(values)
    if not len(content) or content.max() < 128:
        return True
    signs = content.tobytes()
    return not any(sign.encode() in signs for sign in BECOME_ASCII)


def of(values: pa.Array) -> Hashes:
    """Returns a hash of each text (strings without NULL), in lower case."""
    offsets, content = _offsets(values), lower(_content(values))
    starts, left = (offsets[:-1] - offsets[0]).astype(np.int64), np.diff(offsets)
    length = int(left.max(initial=0))
    if length and length % WORD == 0 and len(content) == length * len(values):
        return _of_whole_words(content.view("<u8").reshape(len(values), -1))
    content = np.concatenate([content, np.zeros(WORD, np.uint8)])
    # a word from each byte on; as plain bytes, so that none has to be aligned
    from_each = np.ndarray((len(content) - WORD + 1,), f"V{WORD}", content, 0, (1,))
    found, rows = left.astype(np.uint64) * MULTIPLY, np.arange(len(values))
    for begin in range(0, length, WORD):
        if begin:
            rows = rows[left[rows] > begin]
        words = from_each[starts[rows] + begin].view("<u8")
        words &= MASKS[np.minimum(left[rows] - begin, WORD)]
        found[rows] = _mixed((found[rows] ^ words) * MULTIPLY)
    return _mixed(found * MIX)


def _of_whole_words(words: Hashes) -> Hashes:
    """Returns the same of texts of as many whole words each, a text a row: identifiers are so."""
    count, each = words.shape
    found = np.full(count, each * WORD, np.uint64) * MULTIPLY
    for at in range(each):
        found = _mixed((found ^ words[:, at]) * MULTIPLY)
    return _mixed(found * MIX)


def of_one(text: str) -> int | None:
    """Returns the hash of a text; None where only an engine knows its lower case."""
    return int(of(pa.array([text]))[0]) if text.isascii() else None


def distinct(hashes: Hashes) -> Hashes:
    """Returns each of them once, in order."""
    ordered: Hashes = np.sort(hashes)
    is_new = np.ones(len(ordered), bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_new]


def joined(values: pa.Array, between: bytes) -> Bytes:
    """Returns the bytes of all texts, with others between two of them."""
    if not len(values):
        return np.empty(0, np.uint8)
    listed = pa.ListArray.from_arrays([0, len(values)], values.cast(pa.binary()))
    return np.frombuffer(pc.binary_join(listed, between).buffers()[2], np.uint8)


def bounds(values: pa.Array) -> tuple[int, int, int, int]:
    """Returns the least and the greatest length of texts, then of their bytes in lower case."""
    lengths, content = np.diff(_offsets(values)), lower(_content(values))
    low, high = int(content.min(initial=255)), int(content.max(initial=0))
    return int(lengths.min()), int(lengths.max()), low, high


def lower(text: Bytes) -> Bytes:
    """Returns bytes with ASCII in lower case."""
    is_capital = (text - np.uint8(ord("A"))) < np.uint8(26)
    return text + is_capital.view(np.uint8) * np.uint8(32)


def _offsets(values: pa.Array) -> npt.NDArray[np.int32]:
    return np.frombuffer(values.buffers()[1], np.int32)[values.offset :][: len(values) + 1]


def _content(values: pa.Array) -> Bytes:
    """Returns the bytes of all texts, one after the other."""
    if not len(values) or values.buffers()[2] is None:
        return np.empty(0, np.uint8)
    offsets = _offsets(values)
    return np.frombuffer(values.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]


def _mixed(found: Hashes) -> Hashes:
    return found ^ (found >> np.uint64(29))
