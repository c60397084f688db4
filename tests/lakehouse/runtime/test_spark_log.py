"""The log of Spark is shared by who runs, who stands by and who is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.runtime import session


def test_a_start_leaves_what_another_one_says(tmp_path: Path) -> None:
    """Both go on in it."""
    log = tmp_path / "state" / "spark-streaming.log"
    with session.begun(log) as first:
        first.write("one\n")
        first.flush()
        with session.begun(log) as second:
            second.write("two\n")
        first.write("three\n")
    lines = log.read_text().splitlines()
    assert [line for line in lines if not line.startswith(session.BEGINS)] == [
        "one",
        "two",
        "three",
    ]
    assert len(lines) == 5


def test_a_full_one_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it does not grow for ever; who writes the old one goes on there."""
    monkeypatch.setattr(session, "LOG_BYTES", 10)
    log = tmp_path / "spark-streaming.log"
    for word in ("one", "two", "three"):
        with session.begun(log) as file:
            file.write(word)
    assert "two" in Path(f"{log}.1").read_text()
    assert "three" in log.read_text()
