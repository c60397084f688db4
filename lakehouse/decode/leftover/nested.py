"""Objects within objects, by whole columns: which keys to look for, and the values of these. Pure.

A level of objects costs a pass of C code; a record of other keys is read by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lakehouse.decode.wire import Keys, can_be_looked_for
from lakehouse.event.written import parts_of

Parts = dict[str, msgspec.Raw]
# So deep objects are looked into.
DEEPEST = 8


def keys_of(sample: Sequence[Parts], fewest: int, most: int, longest: int) -> Keys:
    """The keys that at least `fewest` objects of a sample have: the `most` usual ones of an object.

    Those of objects within are among them where no two values would get one dotted name, and none
    is longer than `longest` bytes.
    """
    found = _keys(sample, fewest, most, DEEPEST)
    names = found.names
    is_usable = len({*names}) == len(names) <= most
    if is_usable and max((len(name.encode()) for name in names), default=0) <= longest:
        return found
    return _keys([_short(parts, longest) for parts in sample], fewest, most, 0)


def _short(parts: Parts, longest: int) -> Parts:
    return {key: value for key, value in parts.items() if len(key.encode()) <= longest}


def _keys(sample: Sequence[Parts], fewest: int, most: int, depth: int) -> Keys:
    seen: Counter[str] = Counter()
    kinds: dict[str, set[bytes]] = {}
    for parts in sample:
        for key in filter(can_be_looked_for, parts):
            seen[key] += 1
            kinds.setdefault(key, set()).add(bytes(parts[key])[:1])
    often = sorted(key for key, n in seen.most_common(most) if n >= fewest)
    objects = {key for key in often if depth and b"{" in kinds[key] and kinds[key] <= {b"{", b"n"}}
    inner = (
        (key, _keys(_objects_of(sample, key), fewest, most, depth - 1)) for key in sorted(objects)
    )
    texts = tuple(key for key in often if kinds[key] <= {b'"', b"n"})
    raws = tuple(key for key in often if key not in texts and key not in objects)
    return Keys(texts, raws, tuple(inner))


def _objects_of(sample: Iterable[Parts], key: str) -> list[Parts]:
    written = (bytes(parts[key]) for parts in sample if key in parts)
    return [parts_of(one) for one in written if one[:1] == b"{"]


def opened(columns: Sequence[Sequence[Any]], keys: Keys) -> tuple[list[Sequence[Any]], set[int]]:
    """The values of `keys.names`, a sequence a name, and the places of objects that have none.

    `columns` are those of texts, of raws, and of objects. An object without a value is a value
    itself where it is empty, which cannot be told here.
    """
    own = len(keys.texts) + len(keys.raws)
    found, empty = [*columns[:own]], set[int]()
    for objects, (_, inner) in zip(columns[own:], keys.objects, strict=True):
        absent = inner.absent
        rows = [one if one is None else msgspec.structs.astuple(one) for one in objects]
        if absent in rows:
            empty |= {place for place, row in enumerate(rows) if row == absent}
        full = [absent if row is None else row for row in rows] if None in rows else rows
        leaves, more = opened([*zip(*full, strict=True)] or [()] * len(absent), inner)
        found += leaves
        empty |= more
    return found, empty
