"""`logpond discover`: what is in files, before they are imported."""

from __future__ import annotations

import gzip
import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from batch.commands.discover import discover

ACCESS = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.7.1"\n'
ROWS = "time,client_ip,status,url,ms\n" + "".join(
    f"2026-05-01T{n:02d}:00:00Z,192.0.2.{n % 7},{500 if n % 5 == 0 else 200},/a/{n},{n / 2}\n"
    for n in range(24)
)


@pytest.fixture
def daily(tmp_path: Path) -> Path:
    """A folder of five days, some packed; one has a column more, one no numbers as status."""
    more = ROWS.replace("\n", ",x\n").replace("ms,x", "ms,extra")
    odd = {2: more, 3: ROWS.replace(",200,", ",OK,").replace(",500,", ",KO,")}
    for day in range(1, 6):
        folder = tmp_path / "daily" / f"date=2026-05-0{day}"
        folder.mkdir(parents=True)
        content = odd.get(day, ROWS).replace("2026-05-01T", f"2026-05-0{day}T").encode()
        (folder / "a.csv").write_bytes(gzip.compress(content) if day % 2 else content)
    return tmp_path / "daily"


def run(*words: str | Path) -> Result:
    """The command."""
    return CliRunner().invoke(discover, [str(word) for word in words])


def found(*words: str | Path) -> list[dict[str, Any]]:
    """The datasets, as a program gets them."""
    datasets: list[dict[str, Any]] = json.loads(run(*words, "--format", "json").stdout)
    return datasets


def columns(dataset: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The columns of a dataset by name."""
    return {column["column"]: column for column in dataset["columns"]}


def test_files_of_one_shape_are_one_dataset(daily: Path) -> None:
    """With its rows, times and the partitions that its folders name."""
    (one,) = found(daily)
    assert (len(one["files"]), one["rows"], one["rows_are_exact"]) == (5, 120, True)
    assert one["partitions"] == {"date": [f"2026-05-0{day}" for day in range(1, 6)]}
    assert (one["first"], one["last"]) == ("2026-05-01T00:00:00Z", "2026-05-05T23:00:00Z")


def test_a_file_that_differs_is_named(daily: Path) -> None:
    """By the columns that it has more, and by values of another type."""
    (one,) = found(daily)
    assert one["drift"] == [
        "date=2026-05-02/a.csv has extra",
        "date=2026-05-03/a.csv has no integer in status",
    ]


def test_columns_are_counted(daily: Path) -> None:
    """Type, nulls, distinct values, others, extremes and the field that it is proposed for."""
    (one,) = found(daily)
    status, extra = columns(one)["status"], columns(one)["extra"]
    assert (status["type"], status["min"], status["max"]) == ("integer", 200, 500)
    assert (status["others"], status["field"], status["distinct"]) == (24, "status_code", 4)
    assert (extra["nulls"], extra["examples"]) == (96, ["x"])


def test_the_import_is_there_to_copy(daily: Path) -> None:
    """It names the files and what maps to what; nothing is left to fill in."""
    (one,) = found(daily)
    words = shlex.split(one["import"])
    assert words[:3] == ["logpond", "import", str(daily)]
    assert {"client_ip=ip", "url=path"} <= {*words}
    assert not {"--set", "--utc"} & {*words}
    assert (one["missing"], one["services"], one["zone"]) == (["service"], ["a"], None)
    said = "service is a, by the file's name; --set service=NAME says otherwise"
    assert said in run(daily).stdout


def test_times_without_a_zone_are_noticed(tmp_path: Path) -> None:
    """And taken as UTC, which is said; the import does so too."""
    (tmp_path / "a.csv").write_text(ROWS.replace("Z,", ","))
    (one,) = found(tmp_path)
    assert (one["zone"], "--zone" in one["import"]) == ("UTC", False)
    assert run(tmp_path).stdout.count("times have no zone: taken as UTC") == 1


def test_a_year_that_is_not_written_is_that_of_the_file(tmp_path: Path) -> None:
    """As an import takes it."""
    (tmp_path / "a.log").write_text("Jan  2 00:00:01 host cron[1]: new\n" * 3)
    os.utime(tmp_path / "a.log", (0, 1546387205))
    (one,) = found(tmp_path)
    assert one["first"] == "2019-01-02T00:00:01Z"


@pytest.mark.parametrize(
    ("time", "is_one"),
    [("2026-05-01", False), ("1777593600", True), ("01/May/2026:00:00:00 +0000", True)],
)
def test_a_column_of_no_times_is_not_proposed(tmp_path: Path, time: str, is_one: bool) -> None:
    """One of times in any form is, and its extent is told."""
    (tmp_path / "a.csv").write_text(f"ts,ip\n{time},192.0.2.1\n")
    (one,) = found(tmp_path)
    assert ("--map ts=timestamp" in one["import"], bool(one["first"])) == (is_one, is_one)


def test_of_many_rows_the_first_are_read(daily: Path) -> None:
    """And the rest is estimated, which is said."""
    (one,) = found(daily, "--rows", "3")
    assert not one["rows_are_exact"]
    assert one["rows"] == 120


NO_ROW = "line 26: no CSV row of the file's columns: 1 values for 5 columns"


@pytest.mark.parametrize(
    ("content", "rows", "first"),
    [
        (
            ROWS + "oops\na,b,c,d,e,f\n",
            24,
            "line 26: no CSV row of the file's columns: 1 values for 5 columns",
        ),
        ('{"ts": "2026-05-01T00:00:00Z"}\n' * 3 + "[1]\n\n{broken\n", 3, "line 4: no JSON object"),
        (ACCESS * 4 + "\ncut off\n" + ACCESS[:40], 4, "line 6: no access log line"),
    ],
)
def test_broken_rows_are_counted_and_found(
    tmp_path: Path, content: str, rows: int, first: str
) -> None:
    """They are no rows, they do not stop anything, and the first ones are named with their line."""
    (tmp_path / "some.log").write_text(content)
    (one,) = found(tmp_path)
    assert (one["rows"], one["broken_rows"]) == (rows, 2)
    assert one["broken_examples"][0] == f"some.log {first}"


def test_quoted_line_ends_marks_and_odd_names_are_read(tmp_path: Path) -> None:
    """As a spreadsheet writes them; a file may be named as a glob is."""
    text = '\ufeffat;"the ""text"""\r\n2026-05-01;"two\r\nlines; and more"\r\n2026-05-02;\r\n'
    (tmp_path / "od[d]*.csv").write_text(text, newline="")
    (one,) = found(tmp_path)
    assert (one["rows"], list(columns(one))) == (2, ["at", 'the "text"'])
    assert columns(one)['the "text"']["examples"] == ["two\r\nlines; and more"]


@pytest.mark.slow
def test_what_is_no_log_is_left_out_with_its_reason(tmp_path: Path) -> None:
    """The others are told, and the exit code says so; nothing known is a mistake in words."""
    (tmp_path / "empty.csv").write_text("")
    alone = run(tmp_path)
    (tmp_path / "good.csv").write_text(ROWS)
    (tmp_path / "cut.json").write_bytes(gzip.compress(b'{"ts": 1}\n' * 99_999)[:-50])
    both = run(tmp_path)
    assert "empty.csv is empty" in str(alone.exception)
    assert both.exit_code == 1
    assert "cut.json" in both.stderr
    assert "24 rows" in both.stdout


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """Names and values reach a terminal as escapes."""
    bad = "\x1b[2J\u202epwned"
    (tmp_path / f"{bad}.csv").write_text(f"time,{bad}\n2026-05-01T00:00:00Z,{bad}\n")
    shown = run(tmp_path).stdout
    assert "\\x1b[2J\\u202epwned" in shown
    assert not {"\x1b", "\u202e"} & {*shown}


def test_a_real_access_log_is_told(shared_data: Path) -> None:
    """Its 10,000 lines, of which one is broken, its four days and its statuses."""
    (one,) = found(shared_data / "web")
    assert (one["rows"], one["broken_rows"], one["missing"]) == (9_999, 1, [])
    assert (one["first"][:10], one["last"][:10]) == ("2015-05-17", "2015-05-20")
    assert columns(one)["status_code"]["max"] == 500


@pytest.mark.slow
def test_real_edits_and_attacks_are_told(shared_data: Path) -> None:
    """39,244 edits as JSON; 31,067 payloads made to break whatever reads them."""
    edits, attacks = found(shared_data / "json", shared_data / "hostile" / "*.csv.gz")
    assert (edits["rows"], columns(edits)["time"]["type"]) == (39_244, "time")
    assert (attacks["rows"], attacks["broken_rows"]) == (31_067, 0)
