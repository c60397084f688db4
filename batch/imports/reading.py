"""How a file is read: what was recognised, and what a person says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch.formats.kind import Kind
from batch.imports.values import KINDS, misfit
from lakehouse.errors import SettingsError
from lakehouse.ingest.raw_zone import Reading

FIELDS = "fields of an event: " + ", ".join(KINDS)


@dataclass(frozen=True)
class Overrides:
    """What a person says: column to field, field to the value of all records, times in UTC."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    utc: bool = False


def overrides_of(maps: Sequence[str], sets: Sequence[str], utc: bool) -> Overrides:
    """What the flags say; SettingsError for a field that no event has, or a pair that is none."""
    mapping, constants = _pairs(maps, "--map column=field"), _pairs(sets, "--set field=value")
    unknown = [name for name in (*mapping.values(), *constants) if name and name not in KINDS]
    if unknown:
        raise SettingsError(f"an event has no field {', '.join(unknown)}", FIELDS)
    if misfits := [fault for name, text in constants.items() if (fault := misfit(name, text, utc))]:
        raise SettingsError(f"--set does not fit: {'; '.join(misfits)}", "every record would fail")
    return Overrides(mapping, constants, utc)


def reading(path: Path, kind: Kind, overrides: Overrides) -> Reading:
    """How the file is read: its own proposal, but for what was said.

    SettingsError where it has no such column.
    """
    missing = [name for name in overrides.mapping if name not in kind.columns]
    if missing and kind.format == "csv":
        raise SettingsError(
            f"{path} has no column {', '.join(missing)}", f"it has {', '.join(kind.columns)}"
        )
    given = {*overrides.mapping.values()}
    proposed = {name: to for name, to in kind.mapping.items() if to not in given}
    return Reading(
        format=kind.format,
        compressed=kind.compressed,
        delimiter=kind.delimiter,
        header=kind.header,
        columns=kind.columns if kind.format == "csv" else (),
        mapping={} if kind.format == "access" else {**proposed, **overrides.mapping},
        constants={**overrides.constants},
        utc=overrides.utc,
    )


def _pairs(pairs_given: Sequence[str], flag: str) -> dict[str, str]:
    pairs = [
        text.rpartition("=") if flag.startswith("--map") else text.partition("=")
        for text in pairs_given
    ]
    if any(not name or not sign for name, sign, _ in pairs):
        raise SettingsError(f"{flag}: {', '.join(pairs_given)} is no such pair", FIELDS)
    return {name: value for name, _, value in pairs}
