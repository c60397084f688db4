"""Unsent records wait on disk, whole, for one producer at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from producer import publish, spool
from producer.job import UNSENT_KEPT, Options, Run

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


@pytest.mark.slow
def test_leftovers_that_find_no_broker_again_are_kept_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop while leftovers are sent loses none, those not even tried included."""
    monkeypatch.setattr(kafka, "describe", lambda *_: None)
    monkeypatch.setattr(publish, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setitem(publish.TUNING, "queue.buffering.max.messages", 1)
    first, stop = spool.keep(tmp_path, RECORDS), threading.Event()
    options = Options(Connection("127.0.0.1:9"), "t", tmp_path, None, False, None, None)
    threading.Timer(0.5, stop.set).start()

    assert Run(options, stop, print, print)() == UNSENT_KEPT
    assert first is not None
    assert not first.exists()
    assert sorted(spool.records(spool.claim(tmp_path)), key=str) == sorted(RECORDS, key=str)
