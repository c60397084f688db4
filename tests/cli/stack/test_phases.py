"""A start says what it waits for, and how long that took last time."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.stack.phases import Phases


def test_what_took_long_is_known_at_the_next_start(tmp_path: Path) -> None:
    """Each phase that ended is kept; one that was broken off leaves what it took before."""
    now = [0.0]
    file = tmp_path / "_state" / "phases.json"
    first = Phases(file, lambda: now[0])
    assert first.line == ""
    first.enter("Kafka")
    now[0] = 4
    assert first.line == " (4 s)"
    first.enter("Spark")
    now[0] = 14
    first.leave()
    first.leave()
    first.enter("Kafka")  # and dies there

    second = Phases(file, lambda: now[0])
    second.enter("Spark")
    now[0] = 17
    assert second.line == " (3 s; last time 10 s)"
    second.enter("Kafka")
    assert second.line == " (0 s; last time 4 s)"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": "b"}', '{"a": null}', "\x00" * 99])
def test_a_file_of_others_is_no_reason_to_fail(content: str, tmp_path: Path) -> None:
    """What was not written by us says nothing."""
    file = tmp_path / "phases.json"
    file.write_text(content)
    phases = Phases(file)
    phases.enter("Kafka")
    phases.leave()
    assert Phases(file)._usual.keys() == {"Kafka"}


def test_a_place_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    """A start goes on without a memory."""
    (tmp_path / "file").write_text("")
    phases = Phases(tmp_path / "file" / "phases.json")
    phases.enter("Kafka")
    phases.leave()
    assert phases.line == ""
