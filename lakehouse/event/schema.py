"""Schemas derived from the dataclasses of `event`: Arrow for the tables, StructType for Spark."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.event.fields import DerivedFields, Leftover, LogEvent, column, is_required, kinds

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")


def arrow_field(name: str, kind: pa.DataType, comment: str, nullable: bool = True) -> pa.Field:
    """A column with its comment, in the form that Delta keeps."""
    return pa.field(name, kind, nullable, metadata={"comment": comment})


def arrow_fields(declared: type) -> list[pa.Field]:
    """The columns of a dataclass whose fields carry a `Column`."""
    kind_of = kinds(declared)
    return [
        arrow_field(
            f.name,
            _arrow_type(kind_of[f.name], column(f).bits),
            column(f).comment,
            nullable=not is_required(f),
        )
        for f in dataclasses.fields(declared)
    ]


def event_fields() -> list[pa.Field]:
    """The columns of an event: its own, those derived from them, and what is left over."""
    return [*arrow_fields(LogEvent), *arrow_fields(DerivedFields), *arrow_fields(Leftover)]


def struct_type(columns: pa.Schema) -> StructType:
    """The Spark form of an Arrow schema, with its comments; needs no session."""
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StructField, StructType

    return StructType(
        [
            StructField(f.name, from_arrow_type(f.type), f.nullable, {"comment": comment(f)})
            for f in columns
        ]
    )


def comment(of: pa.Field) -> str:
    """The comment of a column, empty where it has none."""
    found: bytes = (of.metadata or {}).get(b"comment", b"")
    return found.decode()


def _arrow_type(kind: Any, bits: int) -> pa.DataType:
    integer = pa.int32() if bits == 32 else pa.int64()
    return {
        str: pa.string(),
        int: integer,
        float: pa.float64(),
        bool: pa.bool_(),
        date: pa.date32(),
        datetime: UTC_TIMESTAMP,
        dict[str, str]: pa.map_(pa.string(), pa.string()),
        list[str]: pa.list_(pa.string()),
    }[kind]
