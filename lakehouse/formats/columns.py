"""What the columns of a sample are proposed for: fields, units, zone, and what to say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lakehouse.formats import names, times, values
from lakehouse.formats.format import Fields, Proposal
from lakehouse.formats.values import NOTHING

# So deep objects within objects are columns.
DEEPEST = 4


def of_objects(found: Iterable[Fields]) -> dict[str, list[Any]]:
    """The values of each key, dotted where objects are in objects; keys as SQL tells them apart."""
    held: dict[str, list[Any]] = {}
    for name, value in (leaf for one in found for leaf in leaves(one)):
        held.setdefault(name, []).extend([] if value is None else [value])
    # SQL has no nameless column, and takes `A` for `a`.
    distinct = {name.casefold(): name for name in reversed(held) if name}
    return {name: some for name, some in held.items() if distinct.get(name.casefold()) == name}


def proposed(
    share: float,
    examples: Mapping[str, list[Any]],
    options: Mapping[str, Any] | None = None,
    has_names: bool = True,
) -> Proposal:
    """What columns are proposed for. A time to answer whose unit nobody tells is named as that."""
    mapping = names.proposed(examples) if has_names else names.by_value(examples)
    units, untold, notes = _units(mapping, examples)
    if "service" in examples and all(map(values.has_unit, examples["service"])):
        mapping = {**mapping, "service": ""}  # a router's time, which no program is named by
    taken = {name: to for name, to in mapping.items() if name not in untold}
    return Proposal(
        share,
        options or {},
        taken,
        units,
        tuple(examples),
        untold,
        tuple(notes),
        lacks_zone(mapping, examples),
    )


def lacks_zone(mapping: Mapping[str, str], examples: Mapping[str, list[Any]]) -> bool:
    """Whether times of the columns that give an event's have no zone."""
    of = [name for name, to in mapping.items() if to == "timestamp"]
    if len(of) > 1 and not any(map(times.is_time, examples[of[0]][:20])):
        joined = zip(*(map(str, examples[name][:20]) for name in of), strict=False)
        return any(times.lacks_zone(" ".join(one)) for one in joined)
    return any(times.lacks_zone(value) for name in of[:1] for value in examples[name][:20])


def leaves(one: Fields, before: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """Each key with its value, dotted where objects are in objects."""
    for key, value in one.items():
        if isinstance(value, dict) and value and depth < DEEPEST:
            yield from leaves(value, f"{before}{key}.", depth + 1)
        else:
            yield before + key, value


def _units(
    mapping: Mapping[str, str], examples: Mapping[str, list[Any]]
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    name = next((name for name, to in mapping.items() if to == "response_time"), None)
    if name is None:
        return {}, {}, []
    if unit := names.unit_of_name(name):
        return {"response_time": unit}, {}, []
    held = [value for value in examples[name] if str(value).strip() not in NOTHING]
    if held and all(map(values.has_unit, held)):
        return {}, {}, []
    numbers = [float(n) for n in map(values.number, held) if isinstance(n, int | float)]
    unit = values.unit_of(numbers)
    shown = f" ({numbers[0]:g})" if numbers else ""
    note = (
        f"the unit of {name} is not told; by the size of its values{shown} it may be {unit}: "
        f"--map {name}=response_time:{unit}"
    )
    return {}, {name: unit}, [note]
