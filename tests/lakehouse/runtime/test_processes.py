"""What a child says is kept, in bounds."""

from __future__ import annotations

import io
from pathlib import Path

from lakehouse.runtime.processes import keep, last_lines


def test_a_log_is_bounded(tmp_path: Path) -> None:
    """A full file makes room; the newest lines are there, each whole."""
    file = tmp_path / "logs" / "web.log"
    said = b"".join(b"line %05d\n" % number for number in range(10_000))
    keep(io.BytesIO(said), file, most=5000).join(20)
    kept = [file, file.with_name("web.log.1")]
    assert sum(one.stat().st_size for one in kept) <= 10_000
    assert sorted(file.parent.iterdir()) == kept
    assert last_lines(file, count=1) == "    line 09999"
    assert kept[1].read_bytes().startswith(b"line ")


def test_a_line_without_end_is_bounded_too(tmp_path: Path) -> None:
    """As is whatever else a child says."""
    file = tmp_path / "web.log"
    keep(io.BytesIO(b"x" * 100_000), file, most=5000).join(20)
    assert file.stat().st_size <= 5000
