"""Avro: records by the schema that they name, of a schema registry. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

from lakehouse.formats.format import Fault, Fields, Format, Parse, with_more
from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas import lookup, weight, wire
from lakehouse.formats.schemas.avro_types import ARRAY, ENUM, FIXED, RECORD, UNION, Type, parsed
from lakehouse.formats.schemas.avro_weight import Weigher
from lakehouse.formats.schemas.lookup import BadSchema, Read, Written

OURS = "logpond-"
# The name of a record, where a union has several kinds of them: as Protobuf's JSON says it.
NAMED = "@type"


def _parser(_reading: Reading) -> Parse:
    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        try:
            number = wire.number(record)
        except wire.NoHeader as error:
            return FORMAT.fault(f"it {error}")
        read = lookup.reader(number, lookup.AVRO, read_by)
        return read if isinstance(read, Fault) else read(record)

    return parse


def read_by(written: Written) -> Read:
    """Returns what reads the records of a schema. Raises BadSchema."""
    import fastavro

    _know_values()
    top = parsed(written)
    weigher = Weigher(top)
    short: dict[str, str] = {}
    schema = fastavro.parse_schema(_emitted(top, short))
    names = {to: name for name, to in short.items()}
    has_kinds = _has_kinds(top, set())
    how: Any = {"return_record_name": True, "return_record_name_override": True}
    how = how if has_kinds else {}

    def read(record: bytes) -> Fields | Fault:
        if fault := weight.too_long(record):
            return fault
        body = record[wire.HEADER :]
        try:
            weigher.check(body)
            stream = BytesIO(body)
            found = fastavro.schemaless_reader(stream, schema, None, **how)
        except weight.TooMuch as error:
            return weight.over_budget(error)
        except Exception as error:  # it raises many kinds for what is no such record
            return FORMAT.fault(f"it breaks off or is of another schema ({type(error).__name__})")
        if left := len(body) - stream.tell():
            return FORMAT.fault(f"{left} bytes follow the record")
        found = _with_kinds(found, names) if has_kinds else found
        return found if isinstance(found, dict) else _NO_OBJECT

    return read


_NO_OBJECT = Fault("not_an_object", "a value of Avro, but no record or map")


@cache
def _know_values() -> None:
    """Has `fastavro` convert values by our names, so that it knows which branch each is of."""
    from fastavro import read

    from lakehouse.formats.schemas.avro_values import LOGICAL

    for kind in ("bytes", "fixed", "int", "long", "float", "double"):
        read.LOGICAL_READERS.update({f"{kind}-{OURS}{of}": to for of, to in LOGICAL.items()})


def _emitted(one: Type, known: dict[str, str]) -> Any:
    """A type as `fastavro` reads it: named where it stands first, without what reading lacks.

    Names are short ones, which belong to no namespace wherever they stand.
    """
    if one.name in known:
        return known[one.name]
    if one.name:
        known[one.name] = f"T{len(known)}"
    if one.kind == UNION:
        return [_emitted(part, known) for _, part in one.parts]
    found: dict[str, Any] = {"type": one.kind}
    if one.name:
        found["name"] = known[one.name]
    if one.logical:
        found |= {"logicalType": OURS + one.logical, "scale": one.scale}
    if one.kind == RECORD:
        fields = [{"name": name, "type": _emitted(part, known)} for name, part in one.parts]
        return found | {"fields": fields}
    if one.kind in (ENUM, FIXED):
        return found | ({"symbols": one.symbols} if one.kind == ENUM else {"size": one.size})
    held = "items" if one.kind == ARRAY else "values"
    for _, of in one.parts:
        found[held] = _emitted(of, known)
    return found


def _has_kinds(one: Type, seen: set[Type]) -> bool:
    """Whether a union has several kinds of records, which their fields do not tell apart."""
    if one in seen:
        return False
    seen.add(one)
    if one.kind == UNION and sum(part.kind == RECORD for _, part in one.parts) > 1:
        return True
    return any(_has_kinds(part, seen) for _, part in one.parts)


def _with_kinds(found: Any, names: Mapping[str, str]) -> Any:
    """Values with the names of their records as a key of these."""
    if isinstance(found, tuple):
        name, record = found
        return with_more(_with_kinds(record, names), [(NAMED, names[name])])
    if isinstance(found, dict):
        return {key: _with_kinds(value, names) for key, value in found.items()}
    return [_with_kinds(one, names) for one in found] if isinstance(found, list) else found


FORMAT = Format(
    name="avro",
    title="Avro of a schema registry",
    wanted="Avro record of a schema registry",
    specificity=0,
    parser=_parser,
    recognise=lambda _sample: None,
    has_keys=True,
    asks_registry=True,
)
__all__ = ["FORMAT", "BadSchema", "read_by"]
