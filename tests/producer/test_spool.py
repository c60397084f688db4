"""Unsent records wait on disk, whole, for one producer at a time."""

from __future__ import annotations

from pathlib import Path

from producer import spool

RECORDS: list[tuple[bytes, bytes | None]] = [
    (b"192.0.2.1", b'{"a": 1}'),
    (b"", b"\xff\n\x00"),
    (b"192.0.2.2", None),
    (b"192.0.2.2", b""),
]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    """In order, also what is no text, empty, or has no value."""
    spool.keep(tmp_path / "new", RECORDS[:2])
    spool.keep(tmp_path / "new", RECORDS[2:])

    assert list(spool.records(spool.claim(tmp_path / "new"))) == RECORDS


def test_nothing_unsent_leaves_no_file(tmp_path: Path) -> None:
    """A clean end leaves nothing behind."""
    assert spool.keep(tmp_path, []) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_belongs_to_one_producer(tmp_path: Path) -> None:
    """While one sends it, another does not."""
    spool.keep(tmp_path, RECORDS)
    held = spool.claim(tmp_path)

    assert len(held) == 1
    assert spool.claim(tmp_path) == []


def test_dropped_files_are_gone(tmp_path: Path) -> None:
    """What was sent is not sent again."""
    spool.keep(tmp_path, RECORDS)
    spool.drop(spool.claim(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_half_written_file_is_no_leftover(tmp_path: Path) -> None:
    """A crash while keeping records leaves a file that no start reads as unsent."""
    (tmp_path / "unsent-1-1.tmp").write_bytes(b'["')

    assert spool.claim(tmp_path) == []
