"""`logpond watch-time` as a person runs it; what needs no Spark."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import views

from batch.commands.watch_time import watch_time
from batch.jobs.performance import Performance
from batch.jobs.watch_time import job, options, pool
from batch.jobs.watch_time.totals import Region
from lakehouse.errors import LogpondError, SettingsError


def run(folder: Path, *flags: str) -> Result:
    """The command over `in` of a folder."""
    words = ["--input", str(folder / "in"), "--output", str(folder / "out"), *flags]
    return CliRunner().invoke(watch_time, words, catch_exceptions=False)


def test_a_dry_run_lists_and_writes_nothing(tmp_path: Path) -> None:
    """Each file, with its size, and whether it is clean."""
    path = views.write(tmp_path / "in" / "a.csv", [views.line()])

    told = run(tmp_path, "--dry-run", "--format", "json")

    size = path.stat().st_size
    assert json.loads(told.stdout) == [{"file": "a.csv", "bytes": size, "state": "to be cleaned"}]
    assert not (tmp_path / "out").exists()


def test_a_named_folder_without_files_is_refused(tmp_path: Path) -> None:
    """Nobody wants test data in a folder that was mistyped."""
    with pytest.raises(SettingsError, match="is not there"):
        run(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_a_container_of_little_memory_cleans_fewer_files_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in any case; where no limit is set, as many as the machine bears."""
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(options, "LIMIT", limit)
    monkeypatch.setattr(options, "usable_cores", lambda: 4)
    found = []
    for text in ("1073741824", "1800000000", "1000", "max"):
        limit.write_text(text)
        found.append(options.fitting_workers())

    assert (found[:3], found[3] >= 1) == ([1, 2, 1], True)


def test_a_table_of_regions_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before any file is read; it is a flag that does not fit, not a fault of each file."""
    table = views.write(tmp_path / "in" / "a.csv", [views.line()])

    with pytest.raises(SettingsError, match="cannot be read as Parquet"):
        run(tmp_path, "--regions", str(table))


def test_a_memory_that_is_none_is_refused(tmp_path: Path) -> None:
    """As a flag, before anything is done."""
    refused = run(tmp_path, "--driver-memory", "lots")

    assert (refused.exit_code, "write it as 512m or 2g" in refused.output) == (2, True)


def test_test_data_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """By the producer, which makes it in a process of its own."""
    with pytest.raises(SettingsError, match="test data was not made"):
        run(tmp_path, "--files", "1", "--size", "none")
    assert not (tmp_path / "in").exists()


@pytest.mark.slow
def test_where_no_file_can_be_read_all_fail(tmp_path: Path) -> None:
    """Exit 1, each with its reason, without starting Spark; no control character is shown."""
    views.write(tmp_path / "in" / "a\x1b[31m.csv", [], header="id,user\x1b]0;me")

    told = run(tmp_path)

    assert (told.exit_code, "FAILED" in told.stderr, "no column log_id" in told.stderr) == (
        1,
        True,
        True,
    )
    assert "\x1b" not in told.output
    assert not (tmp_path / "out" / "totals").exists()


def test_a_process_that_is_killed_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system kills what takes too much memory: that file fails, and no other."""
    views.write(tmp_path / "in" / "a.csv", [views.line()])
    monkeypatch.setattr(pool, "PROGRAM", ("sh", "-c", "kill -9 $$"))

    told = run(tmp_path)

    assert (told.exit_code, "killed (SIGKILL)" in told.stderr) == (1, True)


def test_rows_that_are_not_accounted_for_stop_the_job(tmp_path: Path) -> None:
    """Cleaned rows that are lost on the way to the totals are an error, not a result."""
    note = views.cleaned(views.write(tmp_path / "a.csv", [views.line(), views.line("b")]))
    region = Region("asia", users=1, views=1, copies=1, watch_time_min=Decimal(1))
    report = job.Report([note], [], 1, True, [region], Performance())

    with pytest.raises(LogpondError, match="not accounted for: 2 cleaned, 1 added up"):
        job.checked(report)
