"""Builders: rows of `logs` at a time, and answers to SQL as objects."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from support.lakes import Lake, events

from lakehouse.query.ask import NOW, Moment, ask
from lakehouse.terminal import render

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def rows_at(time: datetime, offsets: Iterable[int], **fields: Any) -> pa.Table:
    """Rows of `logs` that happened at a time."""
    found = events(offsets, **fields)
    for name, value in (("timestamp", time), ("date", time.date()), ("hour", time.hour)):
        at = found.schema.get_field_index(name)
        of = found.schema.field(at)
        found = found.set_column(at, of, pa.array([value] * found.num_rows, of.type))
    return found


def answer(
    lake: Lake, sql: str, at: Moment = NOW, spark: Callable[[], SparkSession] | None = None
) -> list[dict[str, Any]]:
    """The rows of an answer, as objects out of its JSON."""
    found: list[dict[str, Any]] = json.loads(as_json(lake, sql, at, spark))
    return found


def as_json(
    lake: Lake, sql: str, at: Moment = NOW, spark: Callable[[], SparkSession] | None = None
) -> str:
    """The answer as the command prints it."""
    out = io.StringIO()
    render.show(render.Rows.of_arrow(ask(lake.places, sql, at, spark)), "json", out)
    return out.getvalue()
