"""What was proved of a lake, as a value: enough to look only at what came since.

It holds coordinates, counts, names of data files and checksums; nothing of what events say.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.proof.files import FileVerdict
from lakehouse.proof.verdict import PartitionVerdict

KEY = b"logpond.proof"
FILES = pa.schema(
    [
        pa.field("table", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("written", pa.int64(), nullable=False),
        pa.field("changed", pa.int64(), nullable=False),
        pa.field("number", pa.uint64(), nullable=False),
        pa.field("tag", pa.string(), nullable=False),
        pa.field("digest", pa.binary(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("checksum", pa.uint64(), nullable=False),
    ]
)


class Stamp(NamedTuple):
    """What a file system or a bucket says of a file without its bytes being read.

    Size [bytes], when it was written and when anything of it changed [ns since 1970], its number in
    the file system; of an object its tag. What does not apply is 0 or empty.
    """

    size: int
    written: int = 0
    changed: int = 0
    number: int = 0
    tag: str = ""


class DataFile(NamedTuple):
    """A data file: its stamp, the SHA-256 of its bytes, its rows and their checksum.

    The checksum is a sum of a hash of each row with all columns. Of an object in a bucket no bytes
    are hashed, and `digest` is empty.
    """

    stamp: Stamp
    digest: bytes
    rows: int
    checksum: int


Files = Mapping[str, Mapping[str, DataFile]]


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """Offsets [lowest, end) of a partition; records from `first` on had to be there."""

    topic: str
    partition: int
    lowest: int
    first: int
    end: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """An imported file whose rows are in, by this batch; `verdict` leaves out its path."""

    batch: int
    verdict: FileVerdict


class TableState(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it was opened, and the columns whose values its checksums are of."""

    id: str
    version: int
    columns: list[str]


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """The closed windows of a table: up to `horizon`, how many by day; `late` lack rows."""

    horizon: datetime
    checked_from: date | None
    days: dict[date, int]
    late: list[datetime]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of `verify` has found right. `before` names the proof that it goes on from.

    `engine` made the checksums of rows. `notes` and `rules` are hashes of the notes of absent
    offsets within the extents, and of those by rule of retention. `ledgers` names the segments of
    the ledgers of commits that were counted.
    """

    number: int
    at: datetime
    before: str
    engine: str
    tables: dict[str, TableState]
    topic_ids: dict[str, str]
    firsts: dict[str, date]
    extents: list[Extent]
    partitions: list[PartitionVerdict]
    contents: dict[str, Content]
    notes: str
    rules: str
    retained_by: dict[str, int]
    duplicate_event_ids: int
    windows: dict[str, Windows]
    ledgers: dict[str, list[str]]

    @property
    def rows(self) -> int:
        """How many rows of `logs` and open quarantine it has proved."""
        of_topics = sum(part.logs + part.quarantine for part in self.partitions)
        verdicts = (one.verdict for one in self.contents.values())
        return of_topics + sum(one.logs + one.quarantine for one in verdicts)


def encoded(proof: Proof, files: Files) -> bytes:
    """Returns a proof as an object: Parquet of the files, and the rest in its metadata."""
    rows = [
        {"table": table, "path": path, **one.stamp._asdict(), **_without_stamp(one)}
        for table, of in files.items()
        for path, one in of.items()
    ]
    table = pa.Table.from_pylist(rows, schema=FILES)
    buffer = io.BytesIO()
    noted = table.replace_schema_metadata({KEY: msgspec.json.encode(proof)})
    pq.write_table(noted, buffer, compression="zstd", write_statistics=False)
    return buffer.getvalue()


def decoded(content: bytes) -> tuple[Proof, dict[str, dict[str, DataFile]]]:
    """Returns a proof and its files by table and path.

    Raises ArrowException, OSError, KeyError or msgspec.DecodeError where it is of another release.
    """
    rows = pq.read_table(pa.BufferReader(content))
    proof = msgspec.json.decode(rows.schema.metadata[KEY], type=Proof)
    found: dict[str, dict[str, DataFile]] = {name: {} for name in proof.tables}
    columns = (rows[name].to_pylist() for name in FILES.names)
    for table, path, size, written, changed, number, tag, *rest in zip(*columns, strict=True):
        stamp = Stamp(size, written, changed, number, tag)
        found[table][path] = DataFile(stamp, *rest)
    return proof, found


def _without_stamp(one: DataFile) -> dict[str, object]:
    return {"digest": one.digest, "rows": one.rows, "checksum": one.checksum}
