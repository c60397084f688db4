"""The whole job: exact totals, whatever fails or is killed; a rerun does what is missing."""

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession
from support import views
from support.views import line

from batch.commands import watch_time
from batch.jobs.exchange import Exchange
from batch.jobs.watch_time import job
from batch.jobs.watch_time.options import Options
from batch.jobs.watch_time.workspace import Workspace
from lakehouse.runtime import processes

pytestmark = [pytest.mark.spark, pytest.mark.slow]
Run = Callable[[Path | Options], job.Report]


@pytest.fixture(scope="module")
def run(spark: SparkSession) -> Run:
    """Runs the job over `in` of a folder."""
    spark.conf.set("spark.sql.shuffle.partitions", "2")

    def run(of: Path | Options) -> job.Report:
        options = views.options(of) if isinstance(of, Path) else of
        return job.run(options, lambda: spark, lambda _: None)

    return run


def no_spark() -> SparkSession:
    """For a run in which nothing is to be added up."""
    raise AssertionError("Spark was started")


def test_totals_are_those_of_duckdb_and_of_the_truth(tmp_path: Path, run: Run) -> None:
    """To the last decimal, over the same files; as many duplicates and rejects as were made."""
    spec = views.generated(tmp_path / "in")

    report = run(tmp_path)

    assert views.totals(tmp_path / "out") == views.peer(sorted((tmp_path / "in").glob("*.csv")))
    assert report.counts() == spec.truth(2)


def test_across_files_the_earliest_view_counts(tmp_path: Path, run: Run) -> None:
    """Then the first file by name, then the first line; a user in two regions has two rows."""
    early, late = "2026-01-01 00:00:00", "2026-01-01T00:00:01Z"
    views.write(
        tmp_path / "in" / "a.csv",
        [
            line("x", at=late, minutes="100"),
            line("y", at=early, minutes="0.1"),
            line("z", ip=views.HOME, minutes="0.2"),
        ],
    )
    views.write(
        tmp_path / "in" / "b" / "b.csv",
        [
            line("x", at=early, minutes="0.01"),
            line("y", at=early, minutes="200"),
        ],
    )

    report = run(tmp_path)

    expected = [("north-america", "ann", Decimal("0.11"), 2), ("private", "ann", Decimal("0.2"), 1)]
    assert views.totals(tmp_path / "out") == expected
    assert report.counts()["duplicates_across_files"] == 2


def test_a_file_that_fails_stops_no_other(tmp_path: Path, run: Run) -> None:
    """It is reported with its reason; mended, it is the only one that is cleaned."""
    broken = tmp_path / "in" / "b.csv.gz"
    views.write(tmp_path / "in" / "a [1]{x}*.csv", [line("a")])
    views.write(tmp_path / "in" / "c.csv", [line("c")])
    whole = gzip.compress(f"{views.HEADER}\n{line('b')}\n".encode())
    broken.write_bytes(whole[:-9])
    first = run(tmp_path)

    broken.write_bytes(whole)
    second = run(tmp_path)

    assert [(f.file, "to its end" in f.reason) for f in first.failures] == [("b.csv.gz", True)]
    assert (first.counts()["views"], second.counts()["views"]) == (2, 3)
    assert (second.cleaned, second.failures) == (1, [])


def test_a_rerun_does_only_what_is_missing(tmp_path: Path, run: Run) -> None:
    """Nothing, if nothing is; the file alone, if it has changed."""
    path = views.write(tmp_path / "in" / "a.csv", [line()])
    views.write(tmp_path / "in" / "b.csv", [line("b")])
    run(tmp_path)
    idle = job.run(views.options(tmp_path), no_spark, lambda _: None)
    views.write(path, [line(minutes="7.25")])

    changed = run(tmp_path)

    assert (idle.cleaned, idle.added_up, changed.cleaned, changed.added_up) == (0, False, 1, True)
    assert sum(one.watch_time_min for one in changed.regions) == Decimal("8.75")


def test_a_file_that_is_gone_counts_no_more(tmp_path: Path, run: Run) -> None:
    """The totals are of the files that are there."""
    path = views.write(tmp_path / "in" / "a.csv", [line()])
    views.write(tmp_path / "in" / "b.csv", [line("b", user="bob")])
    run(tmp_path)
    path.unlink()

    report = run(tmp_path)

    assert [row[1] for row in views.totals(tmp_path / "out")] == ["bob"]
    assert len(report.notes) == 1


def test_cleaned_files_are_where_work_says(tmp_path: Path, run: Run) -> None:
    """The output has totals and insights alone; another output needs no file cleaned again."""
    views.write(tmp_path / "in" / "a.csv", [line(), line("b", user="bob"), "broken"])
    options = replace(views.options(tmp_path), work=Workspace(tmp_path / "work"))
    run(options)

    report = run(replace(options, output=tmp_path / "other"))

    visible = {path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."}
    assert visible == {"totals", "insights", "lock"}
    assert views.totals(tmp_path / "other") == views.totals(tmp_path / "out")
    assert (report.cleaned, report.added_up, len(report.notes)) == (0, True, 1)


def test_one_command_makes_its_data_and_adds_it_up(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an empty folder to what the truth beside the data says."""
    monkeypatch.setattr(watch_time, "_spark", lambda *_: lambda: spark)
    words = [
        "--input",
        str(tmp_path / "in"),
        "--output",
        str(tmp_path / "out"),
        "--format",
        "json",
        "--files",
        "2",
        "--size",
        "50kB",
    ]

    told = CliRunner().invoke(watch_time.watch_time, words, catch_exceptions=False)

    truth = json.loads((tmp_path / "in" / "_truth.json").read_text())
    said = json.loads(told.stdout)
    assert (told.exit_code, {name: said[name] for name in truth}) == (0, truth)
    assert said["performance"]["phases"][0]["rows"] == truth["rows"]


def child(folder: Path) -> subprocess.Popen[bytes]:
    """The command over `in` of a folder, one file at a time."""
    words = [
        "--input",
        str(folder / "in"),
        "--output",
        str(folder / "out"),
        "--workers",
        "1",
        "--lake",
        str(folder / "lake"),
    ]
    return processes.spawn(
        [sys.executable, "-m", "cli", "watch-time", *words],
        subprocess.DEVNULL,
        (folder / "said").open("wb").fileno(),
        processes.importable(),
    )


def killed(folder: Path, sign: str) -> None:
    """Run it, and kill it as soon as a file of this name is there."""
    running = child(folder)
    while running.poll() is None and not [*(folder / "out").glob(sign)]:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert running.returncode == -signal.SIGKILL, (folder / "said").read_text()


AT_NIGHT = (pytest.param(one, marks=pytest.mark.nightly) for one in ("views/*.json", "_spill/*/*"))


@pytest.mark.faults
@pytest.mark.parametrize("sign", [*AT_NIGHT, ".runs/*/totals/_temporary"])
def test_killed_anywhere_a_rerun_gives_the_same(tmp_path: Path, run: Run, sign: str) -> None:
    """In phase 1, within a file and between two, and in phase 2; nothing is done twice."""
    spec = views.generated(tmp_path / "in", files=3, size=2_000_000)
    killed(tmp_path, sign)
    done = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("views/*.json")}

    report = run(tmp_path)

    assert report.counts() == spec.truth(3)
    assert views.totals(tmp_path / "out") == views.peer(sorted((tmp_path / "in").glob("*.csv")))
    assert {file: file.stat().st_mtime_ns for file in done} == done
    assert (report.cleaned, [*(tmp_path / "out").rglob("*.part")]) == (3 - len(done), [])


def test_where_executors_see_no_folder_the_totals_are_the_same(tmp_path: Path, run: Run) -> None:
    """By copies at a URL, of the cleaned files and of the totals."""
    views.generated(tmp_path / "in")
    exchange = Exchange(f"file://{tmp_path}/scratch")
    run(replace(views.options(tmp_path), exchange=exchange))
    assert views.totals(tmp_path / "out") == views.peer(sorted((tmp_path / "in").glob("*.csv")))
    assert [*(tmp_path / "scratch" / "given").iterdir()]
