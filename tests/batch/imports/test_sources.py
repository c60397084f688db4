"""Real logs of six systems, and OTLP's own example: every line a row, as `grep` counts them."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.importing import Imports
from support.lakes import Lake
from support.reading_files import of_file

from batch.commands.import_ import import_

LEVELS = re.compile(rb" (INFO|WARN|WARNING|ERROR) ")
NORMAL = {b"WARNING": "WARN"}
# Those whose lines have levels; the others have none.
WITH_LEVELS = ("OpenStack", "Spark", "Zookeeper")
ALL = (*WITH_LEVELS, "Linux", "OpenSSH", "HealthApp")


@pytest.mark.parametrize("name", ALL)
def test_every_line_is_a_row(shared_data: Path, name: str) -> None:
    """With a time of its own, and a message that stood in the line."""
    file = shared_data / "sources" / f"loghub_{name}.log.gz"
    lines = gzip.decompress(file.read_bytes()).decode(errors="backslashreplace").splitlines()
    events, rejects = of_file(file)
    assert (len(events), rejects) == (len(lines), [])
    assert {row["time_from"] for row in events} == {"event"}
    assert all(row["message"] in line for row, line in zip(events, lines, strict=True))
    assert sum(bool(row["message"]) for row in events) >= len(lines) - 5


@pytest.mark.parametrize("name", ALL)
def test_levels_are_counted_as_grep_counts_them(shared_data: Path, name: str) -> None:
    """By the names of OpenTelemetry."""
    file = shared_data / "sources" / f"loghub_{name}.log.gz"
    counted: Counter[str | None] = Counter()
    for line in gzip.decompress(file.read_bytes()).splitlines():
        counted[_level(line, name)] += 1
    events, _ = of_file(file)
    assert Counter(row["level"] for row in events) == counted


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [ALL[0], *(pytest.param(name, marks=pytest.mark.nightly) for name in ALL[1:])]
)
def test_no_flag_is_needed(shared_data: Path, lake: Lake, name: str) -> None:
    """Every line is a row with its own time, level and message, and a service; none is refused."""
    file = shared_data / "sources" / f"loghub_{name}.log.gz"
    lines = gzip.decompress(file.read_bytes()).decode(errors="backslashreplace").splitlines()
    words = [str(file), "--no-reconcile", "--lake", lake.places.lake]
    found = CliRunner().invoke(import_, words)
    rows = Imports(lake).ask("SELECT time_from, level, message, service FROM logs ORDER BY _offset")
    counted = Counter(_level(line.encode(), name) for line in lines)

    assert (found.exit_code, len(rows)) == (0, len(lines))
    assert "times have no zone: taken as UTC" in found.stderr
    assert {row[0] for row in rows} == {"event"}
    assert Counter(row[1] for row in rows) == counted
    assert all(row[2] in line for row, line in zip(rows, lines, strict=True))
    assert Imports(lake).ask("SELECT count(*) FROM quarantine") == [(0,)]
    assert all(row[3] for row in rows)


def _level(line: bytes, name: str) -> str | None:
    found = LEVELS.search(line) if name in WITH_LEVELS else None
    return NORMAL.get(found[1], found[1].decode()) if found else None


@pytest.mark.slow
def test_no_flag_is_needed_for_otlp(shared_data: Path, lake: Lake) -> None:
    """Its own service, time and severity."""
    file = shared_data / "sources" / "otlp_logs_example.json"
    found = CliRunner().invoke(
        import_, [str(file), "--no-reconcile", "--lake", lake.places.lake, "--format", "json"]
    )
    rows = Imports(lake).ask("SELECT service, level, message, time_from FROM logs")
    assert rows == [("my.service", "INFO", "Example log record", "event")]
    assert json.loads(found.stdout)[0]["service"] == ""


def test_hosts_and_programs_of_syslog(shared_data: Path) -> None:
    """The service is what wrote the line, unless a person names one."""
    events, _ = of_file(shared_data / "sources" / "loghub_OpenSSH.log.gz")
    assert {(row["host"], dict(row["attributes"]).get("pid", "")[:2]) for row in events[:1]} == {
        ("LabSZ", "24")
    }


def test_the_example_of_otlp(shared_data: Path) -> None:
    """One event, with what its resource, its scope and itself say."""
    (row,), rejects = of_file(shared_data / "sources" / "otlp_logs_example.json")
    assert rejects == []
    assert [row[n] for n in ("message", "severity_number", "logger", "_item")] == [
        "Example log record",
        10,
        "my.library",
        0,
    ]
    assert row["timestamp"].isoformat() == "2018-12-13T14:51:00.300000+00:00"
    assert dict(row["attributes"])["map.attribute.some.map.key"] == "some value"
