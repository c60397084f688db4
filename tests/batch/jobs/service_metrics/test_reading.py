"""Files of JSON lines to rows: each line once, an event or a reject with its reason."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
from support.records import message

from batch.jobs.service_metrics import reading
from batch.jobs.service_metrics.reading import ROWS, UNREADABLE, ReadFiles


def rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a file, in the order of its lines."""
    read = ReadFiles((str(file),), (str(file),))(iter([pa.record_batch({"id": [0]})]))
    found = pa.Table.from_batches(read, ROWS).to_pylist()
    return sorted(found, key=lambda row: row["line"] or 0)


def test_each_line_is_one_row(tmp_path: Path) -> None:
    """With its number; an empty line too, and the last one without an end."""
    lines = [message(event_id="a"), b"{", b"", b"[1]", message(event_id="b", status_code=503)]
    (tmp_path / "one").write_bytes(b"\n".join(lines))
    found = rows(tmp_path / "one")
    assert [(r["line"], r["event_id"], r["reason"]) for r in found] == [
        (1, "a", None),
        (2, None, "syntax"),
        (3, None, "syntax"),
        (4, None, "not_an_object"),
        (5, "b", None),
    ]
    assert {r["source"] for r in found} == {str(tmp_path / "one")}
    assert (found[4]["is_error"], found[1]["payload"]) == (True, "{")


def test_lines_are_numbered_over_batches(tmp_path: Path, monkeypatch: Any) -> None:
    """A file of many batches, packed or not, has each number once."""
    monkeypatch.setattr(reading, "LINES", 7)
    text = b"".join(message(event_id=f"e{n}") + b"\n" for n in range(1, 51))
    for file, raw in ((tmp_path / "a", text), (tmp_path / "b.gz", gzip.compress(text))):
        file.write_bytes(raw)
        assert [(r["line"], r["event_id"]) for r in rows(file)] == [
            (n, f"e{n}") for n in range(1, 51)
        ]


def test_a_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    """The lines before are rows; one more says which file, and why."""
    packed = gzip.compress(b"".join(message(event_id=f"e{n}") + b"\n" for n in range(500)))
    (tmp_path / "broken.gz").write_bytes(packed[: len(packed) // 2])
    unread = [row for row in rows(tmp_path / "broken.gz") if row["reason"]]
    assert [row["reason"] for row in unread] == [UNREADABLE]
    assert "broken.gz cannot be read to its end" in unread[0]["detail"]


def test_any_time_is_taken(tmp_path: Path) -> None:
    """The verdict on a line does not depend on the clock."""
    times = ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    (tmp_path / "one").write_bytes(b"\n".join(message(timestamp=t) for t in times))
    assert [row["reason"] for row in rows(tmp_path / "one")] == [None, None]
