"""Secrets in texts: `token=...`, `password=...` and their like, and the forms of `named`.

What is before each sign is looked at in the bytes of a whole column first: most columns of most
batches have no such name, and are left as they are. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.privacy import named
from lakehouse.decode.privacy.endings import Endings

MASK = "***"
# What the name of a secret ends with, once it is decoded.
SECRET = re.compile(
    r"(?:token|passw(?:or)?d|passphrase|passcode|pwd|secret|signature|credentials?|jwt"
    r"|authorization|session|sess(?:ion)?[-_.]?id|(?:api|access|secret|private)[-_.]?key"
    r"|(?:^|[^a-z0-9])(?:pass|sid|sig|o?auth))(?:s?\[\w*\]|\])*\Z",
    re.ASCII | re.IGNORECASE,
)
# Of these too where blanks are around `=`, or after `--password`; others are words of programs.
SPACED = re.compile(
    rf"(?:{named.WORDS}|token|pwd|secret|credentials?|jwt|(?:^|[-_.])pass)\Z",
    re.ASCII | re.IGNORECASE,
)
# The last bytes that such a name may have before the sign.
LAST = Endings(
    *("oken", "word", "sswd", "rase", "code", "cret", "ture", "tial", "ials", "tion"),
    *("sion", "onid", "ssid", *(f"{end}{sign}id" for end in "ns" for sign in "\x7f-.")),
    *("pwd", "jwt", "key", "ass", "sid", "sig", "uth"),
)
LONGEST_NAME = 80
# `=` as it is, as addresses encode it, once or more often, and as JSON may escape it.
SIGN = re.compile(r"=|%(?:25)*3[dD]|\\u003[dD]")
NAME = re.compile(r"[\w.\-\[\]%]*\Z")
BARE = r"""[^\s&"'<>;,\\)\]}|#]"""
SCHEME = r"(?:(?i:bearer|basic|digest)(?:[ +]|%20))?"
VALUE = re.compile(rf"\"(?:[^\"\\]|\\[\s\S])*\"?|'[^']*'?|{SCHEME}{BARE}+")
# In a message as it came, a quote that is not escaped is one of JSON itself.
RAW = re.compile(
    rf"\\\"(?:[^\"\\]|\\[^\"])*\\\"|'[^'\"\\]*'"
    rf"|{SCHEME}(?:{BARE}|\\u(?!00(?:2[0267]|3[cCeE]))[0-9a-fA-F]{{4}}|\\/)+"
)
MOST_BLANKS = 8
FLAG = re.compile(
    rf"(?<![\w-])--([\w.-]{{1,{LONGEST_NAME}}}) {{1,{MOST_BLANKS}}}(?=[^\s-])", re.ASCII
)
# What goes on behind `--password` in a sentence about it.
PROSE = re.compile(
    r"(?:a|an|and|are|argument|as|at|by|can|cannot|defaults?|flag|for|from|has|if|in|instead|is|"
    r"may|must|needs?|not|on|option|or|parameter|requires?|requested|should|so|that|the|to|twice|"
    r"value|was|when|will|with|without)(?![\w=-])"
)
# An encoded value ends where the address that it is a part of goes on.
ENDED = re.compile(r"%(?:25)*2[36]")
ENCODED = re.compile(rb"%(?:25)*3[dD]|\\u003[dD]|%[0-9A-Fa-f]{2}[\w.\-\[\]%]{0,80}?(?==)", re.ASCII)


def is_secret(name: str) -> bool:
    """Whether what stands before `=` is the name of a secret, in whatever case and encoding."""
    while (plain := unquote(name)) != name:
        name = plain
    return bool(SECRET.search(name))


def masked(text: str, mask: Callable[[str], str] = lambda _: MASK, value: Any = VALUE) -> str:
    """Returns a text with the values of secrets masked; `value` matches one where it begins."""
    parts, done = list[str](), 0
    for start, end, is_number in sorted([*_secrets(text, value), *named.spans(text)]):
        if start < done:
            continue
        parts += [text[done:start], "0".ljust(end - start) if is_number else mask(text[start:end])]
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def _secrets(text: str, value: Any) -> Iterator[named.Span]:
    """Yields where the values of secrets begin and end, without their quotes."""
    if "--" in text:
        yield from _of_flags(text, value)
    done = 0
    for sign in SIGN.finditer(text):
        at, start = sign.span()
        if at < done:
            continue
        is_spaced = sign[0] == "=" and text[at - 1 : at] == " "
        if is_spaced:
            at, start = _without_blanks(text, at, start)
        name = NAME.search(text, max(done, at - LONGEST_NAME), at)
        is_one = name and (SPACED.search(name[0]) if is_spaced else is_secret(name[0]))
        found = value.match(text, start) if is_one else None
        if found is None or (name and name[0] == "PWD" and text[start] == "/"):
            continue
        end = done = found.end()
        if sign[0] != "=" and (over := ENDED.search(text, start, end)):
            end = done = over.start()
        start, end = _unquoted(text, start, end)
        if end > start:
            yield start, end, False


def _without_blanks(text: str, at: int, start: int) -> tuple[int, int]:
    """Where a name ends and its value begins that has blanks around `=`; no value after `==`."""
    if text.startswith("=", start):
        return at, start
    least, most = max(0, at - MOST_BLANKS), min(len(text), start + MOST_BLANKS)
    while at > least and text[at - 1] == " ":
        at -= 1
    while start < most and text[start] == " ":
        start += 1
    return at, start


def _of_flags(text: str, value: Any) -> Iterator[named.Span]:
    """The values of `--password X`."""
    for flag in FLAG.finditer(text):
        start = flag.end()
        is_one = SPACED.search(flag[1]) and not PROSE.match(text, start)
        found = value.match(text, start) if is_one else None
        if found:
            start, end = _unquoted(text, start, found.end())
            if end > start:
                yield start, end, False


def _unquoted(text: str, start: int, end: int) -> tuple[int, int]:
    quote = next((q for q in ('\\"', '"', "'") if text.startswith(q, start)), "")
    if quote:
        start += len(quote)
        end -= len(quote) * (end - len(quote) >= start and text.endswith(quote, start, end))
    return start, end


def masked_bytes(payload: bytes) -> bytes:
    """Returns a message as it came without its secrets. What is no UTF-8 keeps its length."""
    if not _places(payload).size:
        return payload
    try:
        return masked(payload.decode(), value=RAW).encode()
    except UnicodeDecodeError:
        text = payload.decode("latin-1")
        return masked(text, lambda one: "*" * len(one), RAW).encode("latin-1")


def masked_column(column: pa.Array) -> pa.Array:
    """Returns texts without their secrets; the same column where it has none."""
    rows = _suspects(column)
    texts = column.take(pa.array(rows)).to_pylist() if rows.size else []
    hidden = [text and masked(text) for text in texts]
    if hidden == texts:
        return column
    is_one = np.zeros(len(column), bool)
    is_one[rows] = True
    return pc.replace_with_mask(column, pa.array(is_one), pa.array(hidden, column.type))


def _suspects(column: pa.Array) -> np.ndarray:
    """The rows that may have a secret, in order."""
    _, ends, texts = column.buffers()
    if not len(column) or texts is None or not texts.size:
        return np.zeros(0, np.int64)
    offsets = np.frombuffer(ends, np.int32)[column.offset : column.offset + len(column) + 1]
    content = texts.slice(offsets[0], offsets[-1] - offsets[0]).to_pybytes()
    at = _places(content)
    rows = np.searchsorted(offsets - offsets[0], at, side="right") - 1
    return np.unique(rows).astype(np.int64)


def _places(content: bytes) -> np.ndarray:
    """The places beside which a secret may be."""
    return np.concatenate([_ends_of_names(content), named.places(content)])


def _ends_of_names(content: bytes) -> np.ndarray:
    """The places where the name of a secret may end: before `=`, or what is encoded, or a flag."""
    at = _plain(content) if b"=" in content else np.zeros(0, np.int64)
    if b"%" in content or b"\\u003" in content:
        encoded = [one.end() - 1 for one in ENCODED.finditer(content)]
        at = np.concatenate([at, np.array(encoded, np.int64)])
    if b"-" in content and b"--" in content:
        at = np.concatenate([at, _flags(content)])
    return at


def _plain(content: bytes) -> np.ndarray:
    """The places before `=` where a name ends that is not encoded."""
    signs = np.frombuffer(content, np.uint8)
    at = np.flatnonzero(signs == ord("="))
    at = at[at > 0]
    spaced = np.flatnonzero(signs[at - 1] == ord(" "))
    for _ in range(MOST_BLANKS if spaced.size else 0):
        at[spaced] -= 1
        spaced = spaced[(at[spaced] > 0) & (signs[at[spaced] - 1] == ord(" "))]
    at = at[at > 0]
    ends: np.ndarray = at[LAST.before(signs, at) | (signs[at - 1] == ord("]"))] - 1
    return ends


def _flags(content: bytes) -> np.ndarray:
    """The places where the name of a flag ends: before the first blank behind `--`."""
    signs = np.frombuffer(content, np.uint8)
    dashes = np.flatnonzero(signs == ord("-"))
    dashes = dashes[:-1][np.diff(dashes) == 1]
    blanks = np.flatnonzero(signs == ord(" "))
    next_ones = np.searchsorted(blanks, dashes)
    at = blanks[next_ones[next_ones < blanks.size]]
    ends: np.ndarray = at[LAST.before(signs, at)] - 1
    return ends
