"""Numbers of variable length, as Protobuf and Avro write them. Pure."""

from __future__ import annotations


def varint(record: bytes, at: int) -> tuple[int, int]:
    """Returns a number of at most 64 bits and where it ends. Raises ValueError where none does."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(record):
            raise ValueError("it breaks off")
        byte, at = record[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it has a number of more than 64 bits")
