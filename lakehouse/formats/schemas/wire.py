"""What stands before a record whose schema is in a registry (Confluent's wire format). Pure.

A zero byte and four bytes with the number of the schema; in Protobuf also which message it is.
"""

from __future__ import annotations

from lakehouse.formats.schemas.varint import varint

MAGIC, HEADER = 0, 5
MOST_INDEXES, MOST_NUMBER = 64, 2**31


class NoHeader(ValueError):
    """A record that does not begin so; the text says how it does."""


def number(record: bytes) -> int:
    """The number of a record's schema."""
    if not has_header(record):
        begins = f"begins with 0x{record[0]:02x}, not 0x00" if record else "is empty"
        raise NoHeader(begins if record[:1] != b"\x00" else "breaks off in its header")
    found = int.from_bytes(record[1:HEADER], "big")
    if found >= MOST_NUMBER:
        raise NoHeader(f"has the schema number {found}, which no registry gives")
    return found


def has_header(record: bytes) -> bool:
    """Whether a record begins as those of a registry do."""
    return len(record) >= HEADER and record[0] == MAGIC


def indexes(record: bytes) -> tuple[tuple[int, ...], int]:
    """Which message of a file of Protobuf a record is, level by level, and where it begins."""
    count, at = _zigzag(record, HEADER)
    if not 0 <= count <= MOST_INDEXES:
        raise NoHeader(f"names its message by {count} numbers")
    found = []
    for _ in range(count):
        index, at = _zigzag(record, at)
        found.append(index)
    return tuple(found) or (0,), at


def _zigzag(record: bytes, at: int) -> tuple[int, int]:
    try:
        value, at = varint(record, at)
    except ValueError as error:
        raise NoHeader(str(error).removeprefix("it ")) from None
    return (value >> 1) ^ -(value & 1), at
