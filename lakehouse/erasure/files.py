"""Data files that no version knows: what a batch that died has written, what was put aside."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.duck import connect
from lakehouse.erasure.request import Request
from lakehouse.erasure.rows import PLACE, columns_of
from lakehouse.erasure.texts import text_of
from lakehouse.ingest.absent import Absent
from lakehouse.ingest.intake import without_erased
from lakehouse.maintenance import unknown_files
from lakehouse.paths import Places
from lakehouse.store import objects

PARQUET = ".parquet"


class _Named(msgspec.Struct):
    table: str
    path: str


class _Planned(msgspec.Struct):
    files: list[_Named] = []


def strays(places: Places, name: str, request: Request, before: datetime) -> tuple[list[str], int]:
    """Returns the files of a table that nobody will commit and that hold what is to be erased.

    With how many such were written after `before`: some process may be about to commit them.
    """
    found, young, planned = list[str](), 0, _planned(places, name)
    at, erased = objects.reader(places.table(name)), Absent(places).erased()
    for file in unknown_files(places, name):
        content = None if file in planned else objects.get(at, file)
        if content is None or not _holds(content, file, request, erased):
            continue
        written = objects.modified(at, file)
        if written and written < before:
            found.append(file)
        else:
            young += 1
    return found, young


def _planned(places: Places, table: str) -> set[str]:
    """Returns the files of a table that some plan will commit, or has committed."""
    root = objects.reader(places.checkpoints)
    ledgers = [name for name in objects.folders(root) if name.endswith(".ledger")]
    return {
        file.path
        for ledger in ledgers
        for content in _contents(places.plans(ledger.removesuffix(".ledger")))
        for file in _decoded(content).files
        if file.table == table
    }


def _contents(place: str) -> Iterator[bytes]:
    at = objects.reader(place)
    found = (objects.get(at, name) for name in objects.names_below(at))
    return (content for content in found if content)


def _decoded(content: bytes) -> _Planned:
    try:
        return msgspec.json.decode(content, type=_Planned)
    except msgspec.DecodeError:
        return _Planned()


def _holds(content: bytes, file: str, request: Request, erased: pa.Table) -> bool:
    """Whether a file has a row to erase; one that cannot be read may have, so it counts as such."""
    if PARQUET not in file:
        return request.mentions.in_bytes(content)
    try:
        rows = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError):
        return True
    if {*PLACE} <= {*rows.column_names}:
        # What was rewritten gives views of texts, which can be neither joined nor taken from.
        at = rows.select(PLACE).cast(erased.schema)
        if without_erased(at, erased).num_rows < at.num_rows:
            return True
    return _mentions(rows, request)


def _mentions(rows: pa.Table, request: Request) -> bool:
    with connect() as connection:
        connection.register("stray", rows)
        text = text_of(columns_of(connection, "stray"))
        wanted = request.mentions.sql("_text")
        sql = f"SELECT count(*) FROM (SELECT {text} AS _text FROM stray) WHERE {wanted}"
        ((count,),) = connection.sql(sql).fetchall()
    return bool(count)
