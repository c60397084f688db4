"""Entries of many data files as one object, of which a question reads the kinds it needs. Pure.

    signature, length and checksum of the head | head (JSON) | a block a kind of filter

A block has the filters of one kind for all files, and a checksum. What does not fit, to the last
bit, raises Damaged: a bit too few in a filter would hide a row.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from zlib import crc32

import msgspec

SIGNATURE = b"logpond skip 1\n\0"
PREFIX = struct.Struct("<16sII")
LARGEST_HEAD = 64 << 20


class Damaged(ValueError):
    """An object is no segment, or not as it was written."""


class File(msgspec.Struct, frozen=True):
    """A data file by its path in the table and its bytes; where its filters are in the blocks."""

    path: str
    size: int
    filters: dict[str, tuple[int, int]]


class Block(msgspec.Struct, frozen=True):
    """The filters of a kind: where in the object, how many bytes, their checksum."""

    begin: int
    length: int
    checksum: int


class Head(msgspec.Struct, frozen=True):
    """What is in a segment. `searched` are the columns whose texts are in the filters of texts."""

    searched: tuple[str, ...]
    files: tuple[File, ...]
    blocks: dict[str, Block]


class Entry(msgspec.Struct, frozen=True):
    """A data file with its filters, by kind."""

    path: str
    size: int
    filters: dict[str, bytes]


def encode(searched: Sequence[str], entries: Sequence[Entry]) -> bytes:
    """Returns a segment of these entries."""
    kinds = sorted({kind for entry in entries for kind in entry.filters})
    contents, places = dict[str, bytes](), list[dict[str, tuple[int, int]]]()
    places = [{} for _ in entries]
    for kind in kinds:
        parts, begin = [], 0
        for entry, place in zip(entries, places, strict=True):
            if (bits := entry.filters.get(kind)) is not None:
                parts.append(bits)
                place[kind] = (begin, len(bits))
                begin += len(bits)
        contents[kind] = b"".join(parts)
    blocks, begin = dict[str, Block](), 0
    for kind, content in contents.items():
        blocks[kind] = Block(begin, len(content), crc32(content))
        begin += len(content)
    files = [File(e.path, e.size, place) for e, place in zip(entries, places, strict=True)]
    head = msgspec.json.encode(Head(tuple(searched), tuple(files), blocks))
    return b"".join((PREFIX.pack(SIGNATURE, len(head), crc32(head)), head, *contents.values()))


def head_length(beginning: bytes) -> int:
    """Returns with how many bytes a segment begins before its first block."""
    if len(beginning) < PREFIX.size:
        raise Damaged("it is too short")
    signature, length, _ = PREFIX.unpack_from(beginning)
    if signature != SIGNATURE or length > LARGEST_HEAD:
        raise Damaged("it is of another format")
    return PREFIX.size + int(length)


def head(beginning: bytes) -> Head:
    """Returns the head of a segment, of at least `head_length` bytes of it."""
    end = head_length(beginning)
    content = memoryview(beginning)[PREFIX.size : end]
    if len(beginning) < end or crc32(content) != PREFIX.unpack_from(beginning)[2]:
        raise Damaged("its head is not as it was written")
    try:
        return msgspec.json.decode(content, type=Head)
    except msgspec.DecodeError as error:
        raise Damaged("its head is of another format") from error


def block(of: Block, content: bytes) -> memoryview:
    """Returns the bytes of a block, if they are those that were written."""
    if len(content) != of.length or crc32(content) != of.checksum:
        raise Damaged("a block of it is not as it was written")
    return memoryview(content)


def decode(content: bytes) -> tuple[Head, list[Entry]]:
    """Returns a whole segment, each of whose blocks is right."""
    found, begin = head(content), head_length(content)
    blocks = {
        kind: block(of, content[begin + of.begin : begin + of.begin + of.length])
        for kind, of in found.blocks.items()
    }
    return found, [
        Entry(file.path, file.size, {k: bytes(part(blocks[k], file, k)) for k in file.filters})
        for file in found.files
    ]


def part(of: memoryview, file: File, kind: str) -> memoryview:
    """Returns the filter of a file in the block of a kind."""
    begin, length = file.filters[kind]
    return of[begin : begin + length]


Blocks = Mapping[str, memoryview]
