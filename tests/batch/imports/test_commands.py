"""`import` as a person calls it: what it prints, and how it ends."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.importing import FIRST, Imports, csv_lines, written
from support.lakes import Lake

from analytics.commands.verify import verify
from batch.commands.import_ import import_
from lakehouse import store
from lakehouse.errors import CheckpointError, SettingsError
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.store.lock import alone
from lakehouse.tables.catalog import ANOMALIES


def run(lake: Lake, *words: str | Path) -> Result:
    """The command on a lake."""
    return CliRunner().invoke(import_, [*map(str, words), "--lake", lake.places.lake])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A CSV of ten rows, one of them broken."""
    return written(tmp_path / "a.csv", csv_lines(10, bad=[4]))


@pytest.mark.slow
def test_json_is_a_row_a_file(lake: Lake, file: Path) -> None:
    """With what became of it."""
    found = run(lake, file, "--no-reconcile", "--format", "json")
    (row,) = json.loads(found.stdout)
    assert found.exit_code == 0
    assert (
        row.items()
        >= {
            "file": str(file),
            "format": "csv",
            "records": 10,
            "logs": 9,
            "quarantine": 1,
            "done": "imported",
            "reason": "",
        }.items()
    )


@pytest.mark.slow
def test_a_person_is_told_the_sum_and_the_windows(lake: Lake, file: Path) -> None:
    """And what was left over is told in the same way; nothing is left then."""
    found = run(lake, file)
    assert "1 of 1 files, 10 records: 9 to logs, 1 to quarantine" in found.stdout
    assert "windows from 2026-04-29 on are right" in found.stderr
    assert RawZone(lake.places).plans.all() == []


@pytest.mark.slow
def test_windows_can_be_left_for_later(lake: Lake, file: Path) -> None:
    """The command that counts them is named."""
    found = run(lake, file, "--no-reconcile")
    assert "`logpond reconcile --since 2026-04-29`" in found.stderr


@pytest.mark.slow
def test_a_folder_with_a_broken_file(lake: Lake, file: Path) -> None:
    """Ends with 1, names it with its reason, and imports the others."""
    written(file.with_name("b.csv"), ["\x00\x01\x02"])
    found = run(lake, file.parent / "*.csv", "--no-reconcile")
    assert found.exit_code == 1
    assert f"failed: {file.with_name('b.csv')} is binary" in found.stderr
    assert "1 of 2 files" in found.stdout


@pytest.mark.slow
def test_the_same_again_ends_well(lake: Lake, file: Path) -> None:
    """Nothing was to be done, and that is said."""
    run(lake, file, "--no-reconcile")
    found = run(lake, file)
    assert (found.exit_code, "unchanged" in found.stdout) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--map", "when=time"),
        ("--map", "=ip"),
        ("--map", "ip=user", "--map", "endpoint=user"),
        ("--map", "ip=user", "--map", "ip=host"),
        ("--set", "colour=red"),
        ("--set", "service"),
        ("--set", "status_code=OK"),
        ("--set", "timestamp=2026-05-01"),
        ("--set", "event_id=one"),
    ],
)
def test_words_that_mean_nothing_are_refused(
    lake: Lake, file: Path, words: tuple[str, ...]
) -> None:
    """Before anything is written."""
    assert isinstance(run(lake, file, *words).exception, SettingsError)
    assert not Path(lake.places.lake).exists()


def test_a_column_that_is_not_there_is_named(lake: Lake, file: Path) -> None:
    """With those that are."""
    found = run(lake, file, "--map", "when=timestamp")
    assert found.exit_code == 1
    assert "has no column when" in found.stderr


def test_one_import_at_a_time(lake: Lake, file: Path) -> None:
    """A second one is told so."""
    with alone(lake.places.ledger("import"), "an import"):
        assert isinstance(run(lake, file).exception, CheckpointError)


def test_verify_lists_files(lake: Lake, file: Path) -> None:
    """By path for a person, by coordinate for a program."""
    Imports(lake).run(file)
    words = ["--lake", lake.places.lake]
    assert str(file) in CliRunner().invoke(verify, words).stdout
    row = CliRunner().invoke(verify, [*words, "--format", "csv"]).stdout.splitlines()[1]
    assert row.startswith("file:")
    assert row.endswith(",0,0,10,9,1,0,0,0,0,0,0,0")


@pytest.mark.slow
def test_what_is_imported_is_judged(lake: Lake, tmp_path: Path) -> None:
    """However its lines lie; whoever leaves it has it judged by the next `analyze`."""
    lines = troubled_lines()
    first = run(lake, written(tmp_path / "a.log", lines[::-1]), "--no-reconcile", "--no-judge")
    assert "judged" not in first.stderr
    said = run(lake, written(tmp_path / "b.log", lines[-1:]), "--no-reconcile")
    assert (said.exit_code, "incidents of the past" in said.stderr) == (0, True)
    found = store.open_table(lake.places, ANOMALIES).to_pyarrow_table().to_pylist()
    assert {(one["measure"], one["of_past"]) for one in found} == {("server_errors", True)}
    again = run(lake, tmp_path / "a.log", "--no-reconcile")
    assert "judged" not in again.stderr


def troubled_lines() -> list[str]:
    """Two hours of an access log, 30 requests a minute; for eight minutes most of them fail."""
    times = [FIRST + timedelta(seconds=2 * n) for n in range(60 * 60)]
    failing = range(80, 88)
    return [
        f"192.0.2.{n % 7} - - [{time:%d/%b/%Y:%H:%M:%S} +0000] "
        f'"GET /api/{n % 3} HTTP/1.1" {503 if n // 30 in failing else 200} 512'
        for n, time in enumerate(times)
    ]


@pytest.mark.slow
def test_a_policy_is_one_for_files_too(
    lake: Lake, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, rejects and the raw zone have no address but those of networks."""
    monkeypatch.setenv("LOGPOND_PRIVACY_POLICY", "ip=cut")
    assert run(lake, file, "--no-reconcile", "--no-judge").exit_code == 0
    rows = store.open_table(lake.places, "logs").to_pyarrow_table(columns=["ip"])
    assert {*rows["ip"].to_pylist()} == {"192.0.2.0"}
    rejects = store.open_table(lake.places, "quarantine").to_pyarrow_table(columns=["payload"])
    assert rejects["payload"].to_pylist() == [None]
    assert not [*Path(lake.places.raw).glob("files/*")]
