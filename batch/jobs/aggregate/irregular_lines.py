"""Lines that the engine may read otherwise than `line.judge` does, found by their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch.jobs.aggregate.line import FIELDS, LONGEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LF, SPACE, QUOTE, COMMA = 10, 32, 34, 44
COMMAS = len(FIELDS) - 1
# What stands for an odd line: never good, and the lines after it keep their numbers.
STAND_IN = b"," * COMMAS
# Small enough to stay in the processor's cache.
PIECE = 1 << 18


def is_regular(text: bytes, lines: int) -> bool:
    """Whether counts show that no line is odd, as long as none lacks a field or its time's space.

    `text` has so many lines.
    """
    return (
        _counts(text, lines) == (lines, lines, lines * COMMAS)
        and b'"' not in text
        and _is_utf8(text)
        and not _has_long_line(text)
    )


def _counts(text: bytes, lines: int) -> tuple[int, int, int]:
    """Control characters, spaces and commas."""
    import numpy as np

    controls = spaces = commas = 0
    whole, matches = np.frombuffer(text, np.uint8), np.empty(PIECE, bool)
    for begin in range(0, len(whole), PIECE):
        piece = whole[begin : begin + PIECE]
        out = matches[: len(piece)]
        controls += int(np.count_nonzero(np.less(piece, SPACE, out=out)))
        spaces += int(np.count_nonzero(np.equal(piece, SPACE, out=out)))
        commas += int(np.count_nonzero(np.equal(piece, COMMA, out=out)))
    return controls, spaces, commas


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_long_line(text: bytes) -> bool:
    at = 0
    while at < len(text):
        end = text.rfind(b"\n", at, at + LONGEST + 1)
        if end < 0:
            return True
        at = end + 1
    return False


def irregular_places(text: bytes) -> list[int]:
    """The places of odd lines, from 0; the others are read by the engine as they are judged."""
    import numpy as np

    codes = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(codes == LF)
    commas = np.diff(np.searchsorted(np.flatnonzero(codes == COMMA), ends), prepend=0)
    lengths = np.diff(ends, prepend=-1) - 1
    wrong = np.flatnonzero((commas != COMMAS) | (lengths > LONGEST))
    of_bytes = np.searchsorted(ends, np.flatnonzero(_irregular_bytes(codes, _is_utf8(text))))
    return np.union1d(wrong, of_bytes).tolist()  # type: ignore[no-any-return]


def _irregular_bytes(codes: NDArray[np.uint8], is_utf8: bool) -> NDArray[np.bool_]:
    """Control characters, quotes, blanks that begin a field; all but ASCII in a broken text."""
    control = (codes < SPACE) & (codes != LF)
    blank = codes == SPACE
    blank[1:] &= codes[:-1] == COMMA
    irregular: NDArray[np.bool_] = control | blank | (codes == QUOTE)
    return irregular if is_utf8 else irregular | (codes >= 128)


def without(text: bytes, lines: list[int]) -> bytes:
    """The text with a stand-in for each of these lines."""
    kept = text.split(b"\n")
    for line in lines:
        kept[line] = STAND_IN
    return b"\n".join(kept)
