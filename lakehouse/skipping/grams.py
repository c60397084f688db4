"""Filters of the parts of texts: runs of four bytes, and runs of six digits. Pure.

A text that has a word in it has each run of bytes of that word. So a filter of the runs of all
texts of a file says, for any part of a text, whether it may be there: in the middle of a word, with
blanks in it. In numbers all runs of four digits are there soon, so runs of six have a filter of
their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lakehouse.skipping.hashes import MULTIPLY, Bytes, lower

RUN, DIGITS = 4, 6
BETWEEN = b"\0" * DIGITS
MULTIPLY_32 = np.uint32(0x9E3779B1)
DIGITS_MASK = np.uint64((1 << 8 * DIGITS) - 1)
SMALLEST, LARGEST = 10, 24
# What few rows of many words need.
LEAST = 13
# A filter is halved while it is emptier than this, and of no use where it is fuller than that.
EMPTY, FULL = 0.3, 0.85
# So much text at a time, which the caches of a processor hold with what is made of it.
CHUNK = 1 << 15
Bits = npt.NDArray[np.bool_]


@dataclass
class Runs:
    """What is seen of the texts of a file, in two tables of 2^power places each."""

    power: int
    words: Bits = field(init=False)
    digits: Bits = field(init=False)

    def __post_init__(self) -> None:
        self.words = np.zeros(1 << self.power, bool)
        self.digits = np.zeros(1 << self.power, bool)

    def add(self, text: Bytes) -> None:
        """Adds the runs of texts, in lower case; BETWEEN is between two of them."""
        for begin in range(0, len(text), CHUNK):
            self._add(lower(text[begin : begin + CHUNK + DIGITS - 1]))

    def _add(self, text: Bytes) -> None:
        words = _hashes_of_words(text)
        words >>= np.uint32(32 - self.power)
        self.words[words.astype(np.intp)] = True
        self.digits[_hashes_of_digits(text) >> np.uint64(64 - self.power)] = True

    def filters(self) -> tuple[bytes | None, bytes | None]:
        """Returns the filter of words and of digits; None for one that says nothing."""
        return _packed(self.words), _packed(self.digits)


def power_of(size: int, share: float) -> int:
    """Returns how large a table may be for a file of so many bytes."""
    return min(LARGEST, max(LEAST, int(size * 8 * share).bit_length() - 1))


def asked(part: str) -> tuple[list[int], list[int]]:
    """Returns the hashes of a part of a text, of its words and of its digits.

    Runs with a sign that is not ASCII are left out: its lower case is an engine's to know.
    """
    text = lower(np.frombuffer(part.encode() or b"\0", np.uint8))
    words, digits = _hashes_of_words(text), _hashes_of_digits(text)
    ascii_runs = _all_of(text < 128, RUN)
    return np.unique(words[ascii_runs]).tolist(), np.unique(digits).tolist()


def may_hold_words(bits: memoryview, hashes: list[int]) -> bool:
    """Whether each run of four may be in a filter."""
    return _may_hold(bits, hashes, 32)


def may_hold_digits(bits: memoryview, hashes: list[int]) -> bool:
    """Whether each run of six digits may be in a filter."""
    return _may_hold(bits, hashes, 64)


def _may_hold(bits: memoryview, hashes: list[int], width: int) -> bool:
    if not len(bits):
        return not hashes
    away = width - (8 * len(bits)).bit_length() + 1
    return all(bits[(one >> away) >> 3] >> ((one >> away) & 7) & 1 for one in hashes)


def _hashes_of_words(text: Bytes) -> npt.NDArray[np.uint32]:
    if len(text) < RUN:
        return np.empty(0, np.uint32)
    runs = np.ndarray((len(text) - RUN + 1,), "<u4", text, 0, (1,))
    return runs * MULTIPLY_32


def _hashes_of_digits(text: Bytes) -> npt.NDArray[np.uint64]:
    starts = np.flatnonzero(_all_of((text - ord("0")) < 10, DIGITS))
    content = np.concatenate([text, np.zeros(8, np.uint8)])
    words = np.ndarray((len(text) + 1,), "<u8", content, 0, (1,))
    return (words[starts] & DIGITS_MASK) * MULTIPLY


def _all_of(true: npt.NDArray[np.bool_], length: int) -> npt.NDArray[np.bool_]:
    """Returns for each run of that length whether all of it is true."""
    found, have = true, 1
    while have < length:  # two runs, one behind the other or one upon the other, are a longer one
        step = min(have, length - have)
        found, have = found[:-step] & found[step:], have + step
    return found


def _packed(bits: Bits) -> bytes | None:
    """Returns a table as small as it stays of use; a place of half a table is half of its own."""
    count = int(np.count_nonzero(bits))
    if not count:
        return b""
    while len(bits) > 1 << SMALLEST and count < EMPTY * len(bits):
        bits = bits[0::2] | bits[1::2]
        count = int(np.count_nonzero(bits))
    if count > FULL * len(bits):
        return None
    return np.packbits(bits, bitorder="little").tobytes()
