"""Which versions the rows of each file are of: a file that was merged has those of many. Pure.

By it most files of a table are known to be older than a version, and others to be newer: their rows
need not be looked at.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("first", pa.int64(), nullable=False),
        pa.field("last", pa.int64(), nullable=False),
        pa.field("rows", pa.int64()),
    ]
)
Action = Mapping[str, Any]


class Span(NamedTuple):
    """Rows of a file were added by versions `first` to `last`; `rows` is None where not known."""

    first: int
    last: int
    rows: int | None


@dataclass
class Spans:
    """The files of a table at a version by their paths; of one that is missing nothing is known."""

    version: int = -1
    files: dict[str, Span] = field(default_factory=dict)

    def of(self, path: str) -> Span:
        """Returns the span of a file of this version, as wide as can be where it is not known."""
        return self.files.get(unquote(path), Span(0, self.version, None))

    def append(self, version: int, adds: Iterable[Action]) -> None:
        """Takes in files that a version brought with new rows."""
        for add in adds:
            self.files[unquote(add["path"])] = Span(version, version, rows_of(add))

    def forget(self, adds: Iterable[Action]) -> None:
        """Takes back what is known of files: their rows may be of any version."""
        for add in adds:
            self.files.pop(unquote(add["path"]), None)

    def rewrite(self, adds: Iterable[Action], removes: Iterable[Action]) -> list[Span]:
        """Takes in files that have rows of others in their place, partition by partition.

        Returns the spans of those that went, each with the rows that are in no other file now.
        """
        before = self.version
        by_part: dict[tuple[Any, ...], tuple[list[Span], list[Action]]] = {}
        for remove in removes:
            known = self.files.pop(unquote(remove["path"]), Span(0, before, None))
            by_part.setdefault(_partition(remove), ([], []))[0].append(known)
        for add in adds:
            by_part.setdefault(_partition(add), ([], []))[1].append(add)
        lost = []
        for went, came in by_part.values():
            union = _union(went, before)
            for add in came:
                self.files[unquote(add["path"])] = union._replace(rows=rows_of(add))
            kept = _sum(rows_of(add) for add in came)
            rows = None if union.rows is None or kept is None else union.rows - kept
            lost += [union._replace(rows=rows)]
        return lost

    def encoded(self) -> bytes:
        """Returns the spans as an object of the ledger."""
        rows = [{"path": path, **span._asdict()} for path, span in self.files.items()]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS), buffer, compression="zstd")
        return buffer.getvalue()

    @classmethod
    def decoded(cls, version: int, content: bytes) -> Spans:
        """Returns the spans of an object. Raises an error of Arrow where it is not whole."""
        rows = pq.read_table(pa.BufferReader(content), schema=COLUMNS).to_pydict()
        spans = map(Span, rows["first"], rows["last"], rows["rows"])
        return cls(version, dict(zip(rows["path"], spans, strict=True)))


def rows_of(add: Action) -> int | None:
    """Returns how many rows an added file has, by its statistics; None where they do not say."""
    found = msgspec.json.decode(add.get("stats") or "{}").get("numRecords")
    return None if found is None else int(found)


def _partition(action: Action) -> tuple[Any, ...]:
    values = action.get("partitionValues") or {}
    return tuple(sorted((key, str(value)) for key, value in values.items()))


def _union(spans: list[Span], before: int) -> Span:
    if not spans:
        return Span(0, before, 0)
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    return Span(first, last, _sum(span.rows for span in spans))


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [*counts]
    return None if None in known else sum(filter(None, known))
