"""`logpond aggregate` as a person runs it."""

import csv
import json
import os
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from batch.commands.aggregate import aggregate
from batch.jobs.aggregate.line import METRICS
from lakehouse.errors import SettingsError
from producer.datasets.metrics import Spec, write

GOOD = "2025-01-02 00:15:23,user1,maps,1,2,3,4,5,6,7,8,9\n"


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of generated days."""
    folder = tmp_path_factory.mktemp("week")
    for path, make in Spec(1, datetime(2025, 1, 1).date(), 7, 3000).files(folder).items():
        make(path)
    return folder


def run(folder: Path, output: Path, *flags: str) -> Result:
    """The command over a folder."""
    words = ["--input", str(folder), "--output", str(output), *flags]
    return CliRunner().invoke(aggregate, words, catch_exceptions=False)


def rows(path: Path) -> list[list[str]]:
    """A result without its header."""
    with path.open(newline="") as text:
        return list(csv.reader(text))[1:]


def recounted(folder: Path, period: str, keys: str, where: str = "true") -> list[list[str]]:
    """The same by DuckDB, which reads every file, by types of its own choice."""
    sums = ", ".join(f"sum({name})" for name in METRICS)
    names = ["timestamp", "user", "app", *METRICS]
    found = duckdb.sql(
        f"SELECT time_bucket(INTERVAL {period}, timestamp) AS period, {keys}, {sums} "
        f"FROM read_csv('{folder}/*.csv', header=false, names={names}) WHERE {where} "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [[str(value) for value in row] for row in found]


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", ["user", "app", "user,app"])
@pytest.mark.parametrize(("granularity", "period"), [("30m", "30 minutes"), ("1day", "1 day")])
def test_sums_are_those_of_a_recount(
    week: Path, tmp_path: Path, dimensions: str, granularity: str, period: str
) -> None:
    """For each granularity and choice of dimensions, in the same order."""
    flags = ("--granularity", granularity, "--dimensions", dimensions)
    run(week, tmp_path / "r.csv", *flags)
    assert rows(tmp_path / "r.csv") == recounted(week, f"'{period}'", dimensions)


def test_a_range_and_members_narrow_the_sums(week: Path, tmp_path: Path) -> None:
    """Half a period at the edge has the rows of the range alone, its last second too."""
    flags = (
        "--from-datetime",
        "2025-01-02 10:10:00",
        "--to-datetime",
        "2025-01-04 00:00:01",
        "--user",
        "user1,user2,nobody",
        "--app",
        "maps,gmail",
    )
    run(week, tmp_path / "r.csv", *flags)
    where = (
        "timestamp >= '2025-01-02 10:10:00' AND timestamp <= '2025-01-04 00:00:01' "
        "AND user IN ('user1', 'user2') AND app IN ('maps', 'gmail')"
    )
    found = recounted(week, "'30 minutes'", "user, app", where)
    assert found
    assert rows(tmp_path / "r.csv") == found


def test_threads_change_nothing(week: Path, tmp_path: Path) -> None:
    """The same bytes, by one thread or four."""
    for threads in ("1", "4"):
        run(week, tmp_path / f"{threads}.csv", "--threads", threads)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "4.csv").read_bytes()


def test_files_outside_the_range_are_not_opened(tmp_path: Path) -> None:
    """Their names are enough: they could not even be opened."""
    (tmp_path / "2025-01-02.log.csv").write_text(GOOD)
    for day in ("2025-01-01", "2025-01-03"):
        os.mkfifo(tmp_path / f"{day}.log.csv")
    done = run(
        tmp_path,
        tmp_path / "r.csv",
        "--from-datetime",
        "2025-01-02",
        "--to-datetime",
        "2025-01-03",
        "--format",
        "json",
    )
    assert json.loads(done.stdout)["files"] == ["2025-01-02.log.csv"]


def test_a_row_counts_by_its_own_time(tmp_path: Path) -> None:
    """Also where it stands in the file of another day."""
    (tmp_path / "2025-01-01.log.csv").write_text(GOOD)
    run(tmp_path, tmp_path / "r.csv", "--granularity", "1day")
    assert [row[0] for row in rows(tmp_path / "r.csv")] == ["2025-01-02 00:00:00"]


def test_malformed_lines_are_counted_and_named(tmp_path: Path) -> None:
    """By file, line and reason; the rest is summed, and the exit code is 0."""
    (tmp_path / "2025-01-02.log.csv").write_text(GOOD + "\nx\n" + GOOD + GOOD.replace("9\n", "9.5"))
    done = run(tmp_path, tmp_path / "r.csv", "--format", "json")
    told = json.loads(done.stdout)

    assert (done.exit_code, told["lines"], told["malformed"]) == (0, 5, 3)
    assert [(f["line"], f["reason"]) for f in told["first_malformed"]] == [
        (2, "the line is empty"),
        (3, "fields: 1, not 12"),
        (5, "metric_9 is no whole number"),
    ]
    assert rows(tmp_path / "r.csv")[0][3] == "2"


def test_strict_ends_with_1_and_writes_all_the_same(tmp_path: Path) -> None:
    """A job behind it can stop there."""
    (tmp_path / "2025-01-02.log.csv").write_text(GOOD + "x\n")
    done = run(tmp_path, tmp_path / "r.csv", "--strict")
    assert done.exit_code == 1
    assert "2025-01-02.log.csv:2: fields: 1, not 12" in done.stdout
    assert len(rows(tmp_path / "r.csv")) == 1


def test_an_old_result_stays(week: Path, tmp_path: Path) -> None:
    """The next one gets a number."""
    for _ in range(3):
        run(week, tmp_path / "r" / "result.csv")
    names = sorted(path.name for path in (tmp_path / "r").iterdir())
    assert names == ["result.csv", "result_1.csv", "result_2.csv"]


def test_missing_days_are_said(week: Path, tmp_path: Path) -> None:
    """With their dates."""
    done = run(week, tmp_path / "r.csv", "--to-datetime", "2025-01-09")
    assert "days of the range without a file: 1 (2025-01-08)" in done.stdout


def test_it_tells_the_machine_and_each_phase(week: Path, tmp_path: Path) -> None:
    """With rows a second, processor time, memory, and what was read and written."""
    done = run(week, tmp_path / "r.csv", "--format", "json")
    told = json.loads(done.stdout)["performance"]
    phases = {phase["phase"]: phase for phase in told["phases"]}

    assert told["system"]["cores"] > 0
    assert phases["read and sum"]["rows"] == 21_000
    assert phases["read and sum"]["bytes"] == sum(p.stat().st_size for p in week.iterdir())


def test_a_dry_run_writes_nothing(week: Path, tmp_path: Path) -> None:
    """It says what would be read."""
    done = run(week, tmp_path / "r.csv", "--to-datetime", "2025-01-03", "--dry-run")
    assert "would read 2025-01-02.log.csv" in done.stdout
    assert "2025-01-03" not in done.stdout
    assert not (tmp_path / "r.csv").exists()


def test_files_or_a_lake_must_be_named(tmp_path: Path) -> None:
    """Neither is guessed."""
    with pytest.raises(SettingsError, match="no --input is given"):
        CliRunner().invoke(aggregate, [], catch_exceptions=False)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Nothing is written without it."""
    (tmp_path / "2025-01-02.log.csv").mkdir()
    with pytest.raises(SettingsError, match=r"2025-01-02\.log\.csv cannot be read: Is a dir"):
        run(tmp_path, tmp_path / "r" / "result.csv")
    assert not (tmp_path / "r").exists()


def test_a_day_without_lines_has_no_rows(tmp_path: Path) -> None:
    """Its result has a header alone."""
    write(
        Spec(1, datetime(2025, 1, 1).date(), 1, 0),
        datetime(2025, 1, 1).date(),
        tmp_path / "2025-01-01.log.csv",
    )
    run(tmp_path, tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text() == f"period,user,app,{','.join(METRICS)}\n"
