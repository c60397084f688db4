"""How a file is read: what its first lines propose, and what a person says instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batch.formats.assumed import has_service, service_of, zone_of
from batch.formats.kind import Kind, before
from batch.imports.first_time import with_first_time
from lakehouse.errors import SettingsError
from lakehouse.event.fields import LogEvent
from lakehouse.formats import times, values
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import named

# Of a date and a time of day in two columns one time is made.
ONE_COLUMN = {*values.KINDS} - {"timestamp"}
FIELDS = "fields of an event: " + ", ".join(values.KINDS)


@dataclass(frozen=True)
class Overrides:
    """What a person says: column to field, units of fields, values of all records, a zone.

    With `format` files are of it, whatever their lines look like; `options` are that format's.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def overrides_of(
    maps: Sequence[str],
    sets: Sequence[str],
    zone: str = "",
    format: str = "",
    options: Sequence[str] = (),
) -> Overrides:
    """Returns what the flags say.

    Raises SettingsError for a field that no event has, a unit or a zone that is none, or a value
    that cannot be that of its field.
    """
    mapping, units = _mapped(_pairs(maps, "--map column=field"))
    constants = _pairs(sets, "--set field=value")
    unknown = [
        name for name in (*mapping.values(), *constants) if name and name not in values.KINDS
    ]
    if unknown:
        raise SettingsError(f"an event has no field {', '.join(unknown)}", FIELDS)
    if zone and not times.is_zone(zone):
        raise SettingsError(f"--zone: {zone} is no time zone", "say UTC, Europe/Berlin or +02:00")
    if misfits := [why for name, text in constants.items() if (why := _misfit(name, text, zone))]:
        raise SettingsError(f"--set does not fit: {'; '.join(misfits)}", "every record would fail")
    if format:
        named(format)
    given = _pairs(options, "--option name=value")
    return Overrides(mapping, constants, zone, units, format, given)


def reading(path: Path, kind: Kind, overrides: Overrides) -> Reading:
    """Returns how the file is read: its own proposal, but for what was said.

    Where nobody names it, times without a zone are of UTC, the service is the file's name, and
    records before the first time get that one. Raises SettingsError where it has no such column.
    """
    missing = [name for name in overrides.mapping if name not in kind.columns]
    if missing and kind.format == "csv":
        raise SettingsError(
            f"{path} has no column {', '.join(missing)}", f"it has {', '.join(kind.columns)}"
        )
    given = {*overrides.mapping.values()}
    proposed = {name: to for name, to in kind.mapping.items() if to not in given}
    options: dict[str, Any] = {**kind.options, **overrides.options, **before(path, kind.format)}
    found = Reading(
        format=kind.format,
        options=options,
        mapping={**proposed, **overrides.mapping},
        units={**kind.units, **overrides.units},
        constants={**overrides.constants},
        zone=overrides.zone or zone_of(kind),
        on_missing_time="previous",
        default_service=_service(path, kind, overrides),
    )
    return with_first_time(path, found)


def assumed_service(kind: Kind, found: Reading) -> str:
    """Returns the service that records get by the file's name; empty where they name their own."""
    return "" if has_service(kind) else found.default_service


def _service(path: Path, kind: Kind, overrides: Overrides) -> str:
    is_given = "service" in overrides.constants or named(kind.format).service
    return "" if is_given else service_of(path)


def _mapped(pairs: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Column to field, and field to unit: of `field:unit`."""
    mapping = {column: text.partition(":")[0] for column, text in pairs.items()}
    units = {
        text.partition(":")[0]: text.partition(":")[2] for text in pairs.values() if ":" in text
    }
    shared = [to for to, n in Counter(mapping.values()).items() if n > 1 and to in ONE_COLUMN]
    if shared:
        raise SettingsError(
            f"--map: several columns give {', '.join(shared)}",
            "give each field one column; only timestamp may have two, a date and a time of day",
        )
    wrong = [f"{to}:{unit}" for to, unit in units.items() if unit not in values.UNITS]
    wrong += [to for to in units if to != "response_time"]
    if wrong:
        raise SettingsError(
            f"--map: {', '.join(wrong)} has no such unit",
            f"response_time comes in {', '.join(values.UNITS)}: --map duration=response_time:s",
        )
    return mapping, units


def _misfit(name: str, text: str, zone: str) -> str:
    """Why a text cannot be the value of a field in all records; empty where it can."""
    if name == "event_id":
        return "event_id: each record has its own"
    if name == "timestamp":
        return "" if times.rfc_3339(text, zone) else f"timestamp: {text} is no time with a zone"
    kind, found = values.KINDS[name], values.converter(name)(text)
    column = LogEvent.__dataclass_fields__[name].metadata["column"]
    is_fit = isinstance(found, kind) or (kind is float and isinstance(found, int))
    if is_fit and not isinstance(found, str):
        least, most = column.ge, column.le
        is_fit = (least is None or found >= least) and (most is None or found <= most)
    elif is_fit and column.ge:
        is_fit = bool(text)
    return "" if is_fit else f"{name}: {text} is no value of it"


def _pairs(pairs_given: Sequence[str], flag: str) -> dict[str, str]:
    pairs = [
        text.rpartition("=") if flag.startswith("--map") else text.partition("=")
        for text in pairs_given
    ]
    if any(not name or not sign for name, sign, _ in pairs):
        raise SettingsError(f"{flag}: {', '.join(pairs_given)} is no such pair", FIELDS)
    found = {name: value for name, _, value in pairs}
    if len(found) < len(pairs):
        raise SettingsError(f"{flag}: {', '.join(pairs_given)} says one name twice", FIELDS)
    return found
