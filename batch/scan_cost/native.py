"""Reads files by DuckDB alone, as one would without a lake: CSV and NDJSON, columns as text."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from batch.formats.kind import Kind
from lakehouse.duck.text_files import GZIP, PLAIN, read_csv, read_ndjson
from lakehouse.formats.registry import named

FILE = "_logpond_file"
# What DuckDB would need to be told, and is not.
_OWN = {"layout", "skip", "escape"}


def is_native(kind: Kind) -> bool:
    """Returns whether DuckDB reads such a file by itself."""
    is_known = kind.format == "csv" or named(kind.format).is_json
    return is_known and not {*kind.options} & _OWN


def relation(files: Mapping[Path, Kind]) -> str:
    """Returns the SELECT of all rows; those that are broken are left out, or rows of NULLs."""
    alike = sorted(files.items(), key=lambda one: _form(one[1]))
    groups = (dict(members) for _, members in groupby(alike, key=lambda one: _form(one[1])))
    return "\nUNION ALL BY NAME\n".join(f"SELECT * FROM {_read(group)}" for group in groups)


def _read(files: Mapping[Path, Kind]) -> str:
    kind, names = next(iter(files.values())), [str(file) for file in files]
    more = f"compression = '{GZIP if kind.compressed else PLAIN}', filename = '{FILE}'"
    if kind.format == "csv":
        more += ", store_rejects = true"
        return read_csv(names, kind.columns, kind.delimiter, kind.header, more)
    return read_ndjson(names, kind.columns, more)


def _form(kind: Kind) -> tuple[object, ...]:
    return (kind.format, kind.compressed, kind.delimiter, kind.header, kind.columns)
