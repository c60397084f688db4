"""Values that fit their fields, but that the mapper of formats would change. By whole columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.columns import place
from lakehouse.event.routes import MALFORMED, template
from lakehouse.formats.values import KINDS, NOTHING, address

_TEXTS = [place(name) for name, kind in KINDS.items() if kind is str]
_IP, _PATH, _ENDPOINT = place("ip"), place("path"), place("endpoint")
_LONGEST = max(map(len, NOTHING))
_LAST_BLANK, _FIRST_NOT_ASCII = 0x20, 0x80


def converted(columns: list[pa.Array], constants: Mapping[str, str]) -> set[int]:
    """The places of events of which the mapper would make other values.

    It takes a text such as `-` for no value, and takes a port off an address and a path out of a
    request line. Another value than the source's constant becomes an attribute.
    """
    found = {row for number in _TEXTS for row in _places(columns[number], _may_be_none, _is_none)}
    found |= _places(columns[_IP], _may_be_more, lambda text: address(text) != text)
    for name, text in constants.items():
        others = pc.fill_null(pc.not_equal(columns[place(name)], text), False)
        found |= {*pc.indices_nonzero(others).to_pylist()}
    return found | _places(columns[_PATH], _may_be_request, lambda _text: True)


def with_endpoints(columns: list[pa.Array], others: set[int]) -> pa.Array:
    """The endpoints, made of the path where there is none, but for the places of `others`."""
    paths, endpoints = columns[_PATH], columns[_ENDPOINT]
    lacking = pc.and_(paths.is_valid(), endpoints.is_null())
    rows = [row for row in pc.indices_nonzero(lacking).to_pylist() if row not in others]
    if not rows:
        return endpoints
    mask = np.zeros(len(paths), bool)
    mask[rows] = True
    encoded = paths.filter(pa.array(mask)).dictionary_encode()
    named = [template(path) or MALFORMED for path in encoded.dictionary.to_pylist()]
    made = pa.array(named, pa.string()).take(encoded.indices)
    return pc.replace_with_mask(endpoints, pa.array(mask), made)


def with_constants(columns: list[pa.Array], constants: Mapping[str, str]) -> list[pa.Array]:
    """The columns with the texts that every event of the source gets."""
    made = [*columns]
    for name, text in constants.items():
        made[place(name)] = pa.repeat(pa.scalar(text, pa.string()), len(columns[0]))
    return made


def _places(
    texts: pa.Array, may_be: Callable[[pa.Array], pa.Array], is_one: Callable[[str], bool]
) -> set[int]:
    """The places of texts for which `is_one` holds, which is asked of those that `may_be`."""
    if texts.null_count == len(texts):
        return set()
    some = texts.filter(may_be(texts)).unique().drop_null()
    ones = [text for text in some.to_pylist() if is_one(text)]
    if not ones:
        return set()
    held = pc.is_in(texts, pa.array(ones, pa.string()))
    return {*pc.indices_nonzero(held).to_pylist()}


def _is_none(text: str) -> bool:
    return text.strip() in NOTHING


def _may_be_none(texts: pa.Array) -> pa.Array:
    """Those that are short, or have a blank at one of their ends."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    content = np.frombuffer(texts.buffers()[2] or b"\0", np.uint8)
    is_short = np.diff(offsets) <= _LONGEST
    last = content.size - 1
    ends = [content[np.clip(at, 0, last)] for at in (offsets[:-1], offsets[1:] - 1)]
    blank = [(end <= _LAST_BLANK) | (end >= _FIRST_NOT_ASCII) for end in ends]
    return pa.array(is_short | blank[0] | blank[1])


def _may_be_more(texts: pa.Array) -> pa.Array:
    return pc.greater(pc.binary_length(pc.ascii_trim(texts, "0123456789.")), 0)


def _may_be_request(texts: pa.Array) -> pa.Array:
    return pc.match_substring(texts, " HTTP/")
