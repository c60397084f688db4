"""`report patterns`: every line with a message is counted once, with its levels and times."""

from __future__ import annotations

from contextvars import copy_context
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from support.lakes import Lake
from support.windows import Pond, at, logged

from analytics.patterns import patterns
from analytics.patterns.patterns import OTHERS
from analytics.reports import REPORTS, run
from analytics.reports.report import Report
from lakehouse.errors import LogpondError
from lakehouse.http.asker import ASKER, Asker, Gone
from lakehouse.patterns.drain import Drain
from lakehouse.terminal.commands import program

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def rows(lake: Lake, **options: Any) -> list[dict[str, Any]]:
    """The rows of the report."""
    found: list[dict[str, Any]] = run(REPORTS["patterns"], lake.places, **options).to_pylist()
    return found


@pytest.fixture
def lines(lake: Lake) -> Lake:
    """Orders of two services, one line that is new, one without a message."""
    orders = [f"order {n} taken in {n}.5 ms" for n in range(6)]
    Pond(lake).arrive(
        logged(
            [at(n) for n in range(8)],
            service=["cart", "cart", "cart", "cart", "mailer", "mailer", "cart", "cart"],
            message=[*orders, None, "disk 0xff is full\n\tat"],
            level=["INFO", "INFO", "WARN", None, "INFO", "INFO", "INFO", "ERROR"],
        )
    )
    return lake


def test_lines_are_counted_by_pattern(lines: Lake) -> None:
    """By service, the most lines first, with levels, times and an example."""
    first, *others = rows(lines)
    assert first == {
        "service": "cart",
        "pattern": "order <*> taken in <*> ms",
        "lines": 4,
        "levels": "INFO 2, - 1, WARN 1",
        "first_seen": at(0),
        "last_seen": at(3),
        "example": "order 0 taken in 0.5 ms",
    }
    found = [(row["service"], row["pattern"], row["lines"]) for row in others]
    assert found == [("mailer", "order <*> taken in <*> ms", 2), ("cart", "disk <*> is full", 1)]


def test_new_patterns_have_no_older_line(lines: Lake) -> None:
    """One that came later and is like an older one is not new."""
    assert [row["pattern"] for row in rows(lines, new_since=at(5))] == ["disk <*> is full"]
    assert [row["service"] for row in rows(lines, new_since=at(4))] == ["mailer", "cart"]


def test_lines_of_no_pattern_are_counted(lines: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more patterns than are kept, the rest has a row."""
    monkeypatch.setattr(patterns, "Drain", lambda: Drain(most=1))
    found = {(row["service"], row["pattern"]): row["lines"] for row in rows(lines)}
    assert found["cart", OTHERS] == 1
    assert sum(found.values()) == 7


def test_lines_that_take_long_to_fold_are_told_so(
    lines: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, with what to do."""
    monkeypatch.setattr(patterns, "PATIENCE_SECONDS", -1)
    with pytest.raises(LogpondError, match="differ so much") as refused:
        rows(lines)
    assert "--since" in refused.value.remedy


def test_lines_are_folded_for_who_waits(lines: Lake) -> None:
    """Nothing is done for a browser that has gone."""
    groups = run(Report("groups", "", "logs", patterns.SQL), lines.places).to_pylist()
    assert len(patterns.rows_of(groups)) == 3
    one = Asker()
    one.leave()
    context = copy_context()
    context.run(ASKER.set, one)
    with pytest.raises(Gone):
        context.run(patterns.rows_of, groups)


@pytest.mark.spark
def test_both_engines_find_the_same(lake: Lake, spark: SparkSession) -> None:
    """Over addresses, names of 128 bits, hexadecimal numbers, quotes and letters beyond ASCII."""
    messages = [
        "from 198.51.100.7:80 to ::1",
        "id 123e4567-e89b-12d3-a456-426614174000 done",
        "ptr 0xdeadBEEF é '1' \\d {0} $1",
        "hash d41d8cd98f00b204e9800998ecf8427e",
        "",
        " ",
    ]
    times = [at(0) + timedelta(seconds=n) for n in range(len(messages))]
    Pond(lake).arrive(logged(times, message=messages))
    assert rows(lake) == rows(lake, spark=lambda: spark)


def test_new_since_is_of_patterns_alone(lines: Lake) -> None:
    """Another report says so."""
    words = ["report", "services", "--new-since", "1h", "--lake", lines.places.lake]
    found = CliRunner().invoke(program("analytics"), words)
    assert "--new-since is of patterns" in str(found.exception)
