"""Web logs as CSV: seeded, ordered, and taken back by discover and import as they are."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.__main__ import logpond
from producer.datasets.web_logs import COLUMNS, Spec, write
from producer.traffic.curve import HOUR, MICROS

SPEC = Spec(7, 1_735_689_600 * MICROS, 2, 0.2)


def run(*words: str) -> Result:
    """A command of the front door."""
    return CliRunner().invoke(logpond, [*words], catch_exceptions=False)


def test_an_hour_has_the_same_bytes_for_a_seed(tmp_path: Path) -> None:
    """Whatever was made before; in order, with the columns of an event."""
    paths = [tmp_path / name for name in ("one", "two")]
    assert len({write(SPEC, SPEC.start, path) for path in paths}) == 1
    assert paths[0].read_bytes() == paths[1].read_bytes()
    rows = [*csv.DictReader(paths[0].open(newline=""))]
    assert tuple(rows[0]) == COLUMNS
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)


def test_hours_differ(tmp_path: Path) -> None:
    """No event is in two files."""
    for number in range(2):
        write(SPEC, SPEC.start + number * HOUR, tmp_path / str(number))
    ids = [row["event_id"] for n in "01" for row in csv.DictReader((tmp_path / n).open(newline=""))]
    assert len({*ids}) == len(ids)


@pytest.mark.slow
def test_discover_and_import_take_them_back(tmp_path: Path) -> None:
    """All columns by name, every row into logs, and none into quarantine."""
    logs = str(tmp_path / "web_logs")
    made = run("files", "web-logs", "--hours", "2", "--rate", "0.1", "--output-dir", logs).output
    rows = int(made.splitlines()[-1].split()[0].replace(",", ""))
    (found,) = json.loads(run("discover", logs, "--format", "json").stdout)
    assert (found["rows"], found["missing"], found["broken_rows"]) == (rows, [], 0)

    imported = run("import", logs, "--lake", str(tmp_path / "lake"), "--format", "json")
    files = json.loads(imported.stdout)
    assert sum(one["logs"] for one in files) == rows
    assert sum(one["quarantine"] for one in files) == 0
