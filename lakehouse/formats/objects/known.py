"""JSON of programs whose keys are known: what a format of it needs, and nothing more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lakehouse.formats import columns
from lakehouse.formats.format import ENOUGH, Fault, Fields, Format, Parse, Proposal, Sample
from lakehouse.formats.objects.json import as_written, objects_of, split
from lakehouse.formats.reading import Reading

SPECIFIC = 60


def known(
    name: str,
    title: str,
    signs: Sequence[Sequence[str]],
    mapping: Mapping[str, str],
    units: Mapping[str, str] | None = None,
    edit: Callable[[Fields], None] = lambda _fields: None,
    specificity: int = SPECIFIC,
) -> Format:
    """The format of objects that hold all keys of one of `signs`; `edit` changes what it is given.

    What it is given are the values as they are written (`msgspec.Raw`). Keys may be dotted, where
    objects are in objects.
    """

    own: Format

    def parser(_reading: Reading) -> Parse:
        def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
            found = as_written(record)
            if found is None:
                return own.fault()
            edit(found)
            return found

        return parse

    def recognise(sample: Sample) -> Proposal | None:
        found, share, layout = objects_of(sample)
        alike = [one for one in found if any(all(_has(one, k) for k in keys) for keys in signs)]
        share *= len(alike) / max(len(found), 1)
        return _proposal(alike, share, layout, mapping) if share >= ENOUGH else None

    own = Format(
        name=name,
        title=title,
        wanted="JSON object",
        specificity=specificity,
        parser=parser,
        recognise=recognise,
        mapping=mapping,
        units=units or {},
        split=split,
        is_json=True,
        has_keys=True,
    )
    return own


def _proposal(
    alike: list[Fields], share: float, layout: str, mapping: Mapping[str, str]
) -> Proposal:
    """Its own mapping; of its other keys what is proposed for fields that it does not give."""
    examples = columns.of_objects(alike)
    own = {key: to for key, to in mapping.items() if key in examples}
    rest = {key: some for key, some in examples.items() if key not in own}
    more = columns.proposed(share, rest, {"layout": layout})
    others = {key: to for key, to in more.mapping.items() if to not in own.values()}
    lacks_zone = columns.lacks_zone({**own, **others}, examples)
    return Proposal(
        share,
        {} if layout == "lines" else {"layout": layout},
        {**own, **others},
        columns=tuple(examples),
        lacks_zone=lacks_zone,
    )


def _has(one: Any, key: str) -> bool:
    """Whether an object has a key, as it is written or from object to object."""
    if not isinstance(one, dict):
        return False
    first, _, rest = key.partition(".")
    return key in one or (bool(rest) and _has(one.get(first), rest))
