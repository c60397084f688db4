"""Rows as bytes, a batch at a time: Python touches no value but exact numbers. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analytics.postgres.types import Written

NOTHING = pa.scalar(b"", pa.binary())
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = struct.pack("!h", -1)
# What a text of COPY may not hold as it is.
ESCAPED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


@dataclass(frozen=True)
class Rows:
    """Rows as DataRow messages; with `is_copy` as those of a binary COPY, a tuple each."""

    written: Sequence[Written]
    is_copy: bool = False

    def encode(self, batch: pa.RecordBatch) -> memoryview:
        """Returns all rows of a batch, one after the other."""
        values = [_values(c, of) for c, of in zip(batch.columns, self.written, strict=True)]
        sizes = [_sizes(one) for one in values]
        fixed = self._heads(batch.num_rows, sizes)
        parts: list[Any] = []
        for size, value in zip(sizes, values, strict=True):
            fixed.append(_as_bytes(size.astype(">i4")))
            if isinstance(value, np.ndarray):
                fixed.append(_as_bytes(value))
            else:
                parts += [_binary(np.hstack(fixed)), value]
                fixed = []
        if fixed:
            parts.append(_binary(np.hstack(fixed)))
        return _joined(parts)

    def _heads(self, rows: int, sizes: list[Any]) -> list[Any]:
        columns = len(self.written)
        total = np.full(rows, 6, np.int64)
        for size in sizes:
            total += 4 + np.maximum(size, 0)
        heads = np.full(rows, 0, np.dtype([("kind", "S1"), ("length", ">i4"), ("columns", ">i2")]))
        heads["kind"], heads["length"], heads["columns"] = (
            b"d" if self.is_copy else b"D",
            total,
            columns,
        )
        return [_as_bytes(heads)]


@dataclass(frozen=True)
class Lines:
    """Rows as the messages of a COPY, a line each: columns are text already."""

    delimiter: str
    null: str
    is_csv: bool = False

    def encode(self, batch: pa.RecordBatch) -> memoryview:
        """Returns all rows of a batch, one after the other."""
        between = pa.scalar(self.delimiter.encode(), pa.binary())
        values = [self._written(column).cast(pa.binary()) for column in batch.columns]
        heads = np.zeros(batch.num_rows, np.dtype([("kind", "S1"), ("length", ">i4")]))
        heads["kind"], heads["length"] = b"d", sum(map(_sizes, values)) + len(values) + 4
        parts: list[Any] = [_binary(_as_bytes(heads))]
        for value in values:
            parts += [value, between]
        parts[-1] = pa.scalar(b"\n", pa.binary())
        return _joined(parts)

    def head(self, names: Sequence[str]) -> bytes:
        """Returns a first message with the names of columns."""
        batch = pa.record_batch(
            [pa.array([name], pa.string()) for name in names], [*map(str, range(len(names)))]
        )
        return bytes(self.encode(batch))

    def _written(self, column: pa.Array) -> pa.Array:
        return pc.fill_null(self._quoted(column) if self.is_csv else _escaped(column), self.null)

    def _quoted(self, column: pa.Array) -> pa.Array:
        is_null = pc.equal(column, pa.scalar(self.null))
        if not (_holds(column, f'{self.delimiter}"\r\n') or pc.any(is_null).as_py()):
            return column
        special = f'[{re_of(self.delimiter)}"\r\n]'
        wants = pc.or_(pc.match_substring_regex(column, special), is_null)
        doubled = pc.replace_substring(column, '"', '""')
        quote = pa.scalar('"', pa.string())
        return pc.if_else(wants, pc.binary_join_element_wise(quote, doubled, quote, ""), column)


def re_of(character: str) -> str:
    """Returns a character as a class of a regular expression has it."""
    return f"\\x{{{ord(character):x}}}"


def _holds(column: pa.Array, characters: str) -> bool:
    """Whether one of these may be in a column: in the bytes of all its texts, one after another."""
    data = column.buffers()[2]
    found = data.to_pybytes() if data else b""
    return any(one.encode() in found for one in characters)


def _escaped(column: pa.Array) -> pa.Array:
    for one, instead in ESCAPED:
        if _holds(column, one):
            column = pc.replace_substring(column, one, instead)
    return column


def _values(column: pa.Array, of: Written) -> Any:
    """Returns numbers of a column without NULL as they go out, all else as binary."""
    if of.number:
        numbers = column.fill_null(0).to_numpy(zero_copy_only=False).astype(of.number)
        return numbers if not column.null_count else _with_nulls(numbers, column)
    if of.pack:
        found = pc.dictionary_encode(column)
        packed = [None if one is None else of.pack(one) for one in found.dictionary.to_pylist()]
        return pa.array(packed, pa.binary()).take(found.indices)
    return column.cast(pa.binary())


def _with_nulls(numbers: Any, column: pa.Array) -> pa.Array:
    return pc.if_else(column.is_valid(), _binary(_as_bytes(numbers)), pa.scalar(None, pa.binary()))


def _sizes(value: Any) -> Any:
    """Returns how many bytes each value has; -1 for NULL."""
    if isinstance(value, np.ndarray):
        return np.full(len(value), value.itemsize, np.int32)
    return pc.fill_null(pc.binary_length(value), -1).to_numpy(zero_copy_only=False)


def _as_bytes(values: Any) -> Any:
    """Returns values of one size as a matrix of bytes, a row each."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)


def _binary(of: Any) -> pa.Array:
    rows, width = of.shape
    ends = pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    return pa.Array.from_buffers(
        pa.binary(), rows, [None, ends, pa.py_buffer(np.ascontiguousarray(of))]
    )


def _joined(parts: list[Any]) -> memoryview:
    found = pc.binary_join_element_wise(
        *parts, NOTHING, null_handling="replace", null_replacement=b""
    )
    if isinstance(found, pa.Scalar):
        return memoryview(found.as_py())
    # rows of nothing have no buffer
    return memoryview(found.buffers()[2] or b"")
