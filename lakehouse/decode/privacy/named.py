"""Secrets in other forms: `"password": "..."`, `X-Api-Key: ...`, `Bearer ...`, `//user:...@host`.

As with `name=value`, the bytes of a whole column are looked at first. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lakehouse.decode.privacy.endings import Endings

WORDS = (
    r"passw(?:or)?d|passphrase|passcode|client[-_.]?secret|(?:api|access|secret|private)[-_.]?key"
)
# Names of a key in quotes, or of an attribute. A session is no secret there: it is what people
# group by, and headers with one have `=`.
KEY = re.compile(
    rf"(?:{WORDS}|token|pwd|secret|credentials?|jwt|authorization|(?:^|[^a-z0-9])(?:pass|oauth))\Z",
    re.ASCII | re.IGNORECASE,
)
# Names that stand as they are, as in a header. `token: ` alone is a word of messages.
HEADER = re.compile(rf"(?:{WORDS}|[\w.-]token)\Z", re.ASCII | re.IGNORECASE)
CREDENTIALS = re.compile(r"authorization\Z", re.ASCII | re.IGNORECASE)
LAST = Endings(
    *("oken", "word", "sswd", "rase", "code", "cret", "tial", "ials", "tion"),
    *("pwd", "jwt", "key", "ass", "uth"),
)

# A number may be one of these; other such keys of numbers are counts and ids.
OF_NUMBERS = re.compile(rf"(?:{WORDS}|pwd|secret)\Z", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")

NAME = re.compile(r"[\w.-]*\Z", re.ASCII)
LONGEST_NAME = 80
MOST_SLASHES = 15
SIGN = re.compile(rf"(?:(\\{{0,{MOST_SLASHES}}})([\"']))?[ ]?:[ \t]{{0,8}}")
OPENED = re.compile(rf"(?:\[[ ]?)?(\\{{0,{MOST_SLASHES}}})([\"'])")
QUOTE = {sign: re.compile(rf"(?<!\\)(\\*){sign}") for sign in "\"'"}
SCHEME = r"(?:(?:bearer|basic|digest|token|negotiate|apikey|hmac|aws4-hmac-sha256)[ \t]{1,8})"
BARE = r"""[^\s&"'<>;,\\)\]}|#]"""
HEADER_VALUE = re.compile(rf"{SCHEME}?({BARE}+)", re.IGNORECASE)
WITH_SCHEME = re.compile(rf"{SCHEME}({BARE}+)", re.IGNORECASE)
BEARER = re.compile(r"\b[Bb]earer[ \t]{1,8}([\w.~+/=-]{6,})", re.ASCII)
IN_ADDRESS = re.compile(r"://[^\s/@:\"'<>\\?#]{0,128}:([^\s/@\"'<>\\?#]{1,256})@", re.ASCII)
BEARER_BYTES = re.compile(rb"[Bb]earer[ \t]")
LONG = 20

# Where a secret begins and ends, and whether it is a number of JSON, which has to stay one.
Span = tuple[int, int, bool]


def is_key(name: str) -> bool:
    """Whether an attribute, or a key of JSON, of this name is a secret as a whole."""
    return bool(KEY.search(name))


def are_keys(names: pa.Array) -> np.ndarray:
    """Whether each of many names is one of a secret; names without NULLs."""
    _, ends, texts = names.buffers()
    found = np.zeros(len(names), bool)
    if len(names) and texts is not None and texts.size:
        at = np.frombuffer(ends, np.int32)[names.offset + 1 : names.offset + len(names) + 1]
        may = LAST.before(np.frombuffer(texts, np.uint8), at)
        for row in np.flatnonzero(may):
            found[row] = is_key(names[int(row)].as_py())
    return found


def spans(text: str) -> Iterator[Span]:
    """Yields where secrets of these forms begin and end, without their quotes; in any order."""
    if ":" in text:
        yield from _pairs(text)
    if "://" in text:
        yield from ((*found.span(1), False) for found in IN_ADDRESS.finditer(text))
    if "earer" in text:
        found_ones = BEARER.finditer(text)
        yield from ((*one.span(1), False) for one in found_ones if _looks_made(one[1]))


def _pairs(text: str) -> Iterator[Span]:
    done = 0
    for sign in SIGN.finditer(text):
        at, start = sign.span()
        if at < done:
            continue
        named = NAME.search(text, max(done, at - LONGEST_NAME), at)
        name = named[0] if named else ""
        if sign[2]:
            span = _quoted(text, start, name) if is_key(name) else None
        else:
            span = _header(text, start, name)
        if span and span[1] > span[0]:
            yield span
            done = span[1]


def _quoted(text: str, start: int, name: str) -> Span | None:
    """The value of a key in quotes: it ends at a quote as deep as its first one."""
    opened = OPENED.match(text, start)
    if opened is None:
        number = NUMBER.match(text, start) if OF_NUMBERS.search(name) else None
        return (*number.span(), True) if number else None
    depth = len(opened[1])
    for quote in QUOTE[opened[2]].finditer(text, opened.end()):
        before = len(quote[1])
        if before <= depth or (before - depth) % (2 * depth + 2) == 0:
            return opened.end(), quote.end() - 1 - min(before, depth), False
    return opened.end(), len(text), False


def _header(text: str, start: int, name: str) -> Span | None:
    """The value of a name without quotes: with its scheme before it, as headers have one."""
    if CREDENTIALS.search(name):
        found = WITH_SCHEME.match(text, start) or HEADER_VALUE.match(text, start)
        is_one = found and (found.start(1) > start or _looks_made(found[1]))
    else:
        found = HEADER_VALUE.match(text, start) if HEADER.search(name) else None
        is_one = found is not None
    return (*found.span(1), False) if found and is_one else None


def _looks_made(word: str) -> bool:
    """Whether it is no word of a sentence: `Bearer authentication` hides nothing."""
    return len(word) >= LONG or any(sign.isdigit() for sign in word)


def places(content: bytes) -> np.ndarray:
    """The places in texts beside which such a secret may be."""
    found = [_before_colons(content)] if b":" in content else []
    if b"@" in content and b"://" in content:
        found.append(_all(rb"://", content))
    if b"earer" in content:
        found.append(np.array([one.start() for one in BEARER_BYTES.finditer(content)], np.int64))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _before_colons(content: bytes) -> np.ndarray:
    """The colons before which a name ends that may be one, with quotes between them or without."""
    signs = np.frombuffer(content, np.uint8)
    at = np.flatnonzero(signs == ord(":"))
    end = at = at[at > 0]
    before = signs[end - 1]
    if (spaced := before == ord(" ")).any():
        end = end - spaced
        before = signs[end - 1]
    if (quoted := (before == ord('"')) | (before == ord("'"))).any():
        end = end - quoted
        for _ in range(MOST_SLASHES):
            step = quoted & (end > 0) & (signs[end - 1] == ord("\\"))
            if not step.any():
                break
            end = end - step
    found: np.ndarray = at[LAST.before(signs, np.maximum(end, 0))]
    return found


def _all(pattern: bytes, content: bytes) -> np.ndarray:
    return np.array([one.start() for one in re.finditer(pattern, content)], np.int64)
