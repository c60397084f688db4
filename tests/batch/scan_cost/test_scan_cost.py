"""`logpond scan-cost`: the same question to raw files and to the lake, measured."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result
from support.importing import Imports
from support.lakes import Lake
from support.windows import Pond, at, logged

from batch.commands.scan import scan_cost
from batch.imports.reading import Overrides
from batch.scan_cost import Compared, Raw, Stored, compare
from lakehouse.errors import SettingsError
from lakehouse.query import pinned
from lakehouse.query.ask import NOW

pytestmark = pytest.mark.slow

ROWS = 20_000
DAYS = 5
QUESTIONS = [
    "SELECT COUNT(*) AS n FROM logs",
    "SELECT service, status_class, AVG(response_time), SUM(bytes_sent) FROM logs GROUP BY ALL",
    "SELECT hour, is_error, COUNT(DISTINCT ip), MAX(timestamp) FROM logs GROUP BY ALL",
    "SELECT l.user, path FROM logs AS l WHERE date = '2026-04-30' AND status_code >= 500",
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A lake of five days."""
    lake = Lake.at(tmp_path_factory.mktemp("scan"))
    step = timedelta(days=DAYS) / ROWS
    rows = logged(
        [at(0) + n * step for n in range(ROWS)],
        service=["shop", "pay"] * (ROWS // 2),
        status_code=[500 if n % 97 == 0 else 200 for n in range(ROWS)],
        ip=[f"192.0.2.{n % 251}" for n in range(ROWS)],
        bytes_sent=[*range(ROWS)],
        response_time=[n % 100 / 7 for n in range(ROWS)],
        path=[f"/a,{n}" for n in range(ROWS)],
        user=[None if n % 2 else 'a "user"' for n in range(ROWS)],
        status_class=["5xx" if n % 97 == 0 else "2xx" for n in range(ROWS)],
    )
    Pond(lake).arrive(rows)
    return Stored.of(lake.places, pinned.pin(lake.places, ["logs"], NOW)["logs"].table)


@pytest.fixture(scope="module")
def files(stored: Stored, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Its events as CSV."""
    folder = tmp_path_factory.mktemp("raw") / "logs"
    stored.write(folder)
    return sorted(folder.rglob("*.csv"))


def compared(stored: Stored, files: list[Path], sql: str) -> Compared:
    """The costs of a question."""
    return compare(Raw.of(files, Overrides()), stored, sql)


def run(stored: Stored, *words: str) -> Result:
    """The command on the lake."""
    return CliRunner().invoke(scan_cost, [*words, "--lake", str(Path(stored.root).parent)])


@pytest.mark.slow
@pytest.mark.parametrize("sql", QUESTIONS)
def test_both_give_the_same_answer(stored: Stored, files: list[Path], sql: str) -> None:
    """To the value, whether a column is derived, quoted, missing or a fraction."""
    found = compared(stored, files, sql)
    assert found.rows
    assert found.different == 0


@pytest.mark.slow
def test_raw_files_are_read_whole(stored: Stored, files: list[Path]) -> None:
    """For any question, and the lake by columns and days."""
    found = compared(stored, files, QUESTIONS[3])
    assert found.raw.bytes_read == found.raw.bytes == sum(f.stat().st_size for f in files)
    assert found.raw.files_read == found.raw.files == DAYS
    assert (found.lake.files, found.lake.files_read) == (DAYS * 24, 24)
    assert found.lake.bytes_read < found.lake.bytes / 3


@pytest.mark.skipif(not hasattr(psutil.Process, "io_counters"), reason="the system does not count")
def test_bytes_are_those_that_the_process_reads(stored: Stored, files: list[Path]) -> None:
    """As the system counts them, of both sides together."""
    raw = Raw.of(files, Overrides())
    compare(raw, stored, QUESTIONS[1])
    before = psutil.Process().io_counters().read_chars
    found = compare(raw, stored, QUESTIONS[1])
    read = psutil.Process().io_counters().read_chars - before
    assert abs(read - found.raw.read - found.lake.read) < 0.05 * read


@pytest.mark.parametrize("packed", [False, True])
def test_json_is_raw_as_well(stored: Stored, tmp_path: Path, packed: bool) -> None:
    """Also as gzip; what it lacks is a constant or is said to be missing."""
    lines = "".join(json.dumps({"code": 200 + n % 2, "took": n}) + "\n" for n in range(50))
    file = tmp_path / "a.json"
    file.write_bytes(gzip.compress(lines.encode()) if packed else lines.encode())
    raw = Raw.of([file], Overrides({"took": "response_time"}, {"service": "shop"}))
    sql = "SELECT 'shop' IN (MIN(service), MAX(service)), MIN(response_time) FROM logs"
    assert compare(raw, stored, sql).different == 0
    with pytest.raises(SettingsError, match="no column for ip"):
        compare(raw, stored, "SELECT COUNT(DISTINCT ip) FROM logs")


@pytest.mark.slow
def test_what_is_written_can_be_imported(lake: Lake, files: list[Path]) -> None:
    """A lake of the files that another one wrote answers as they do."""
    told = Imports(lake).run(*files)
    copy = Stored.of(lake.places, pinned.pin(lake.places, ["logs"], NOW)["logs"].table)
    assert sum(outcome.logs for outcome in told) == ROWS
    assert compared(copy, files, QUESTIONS[1]).different == 0


def test_answers_that_differ_are_said(stored: Stored, files: list[Path]) -> None:
    """By exit code as well: files without one day are not what the lake holds."""
    without = [word for file in files[1:] for word in ("--raw", str(file))]
    found = run(stored, QUESTIONS[0], *without)
    assert found.exit_code == 1
    assert "THE ANSWERS DIFFER in 1 rows of 1" in found.stdout


def test_without_files_the_lake_is_written_as_csv(stored: Stored) -> None:
    """Which is said, and gone afterwards."""
    found = run(stored, QUESTIONS[0], "--format", "json")
    told: dict[str, Any] = json.loads(found.stdout)
    assert (told["different_rows"], told["raw"]["rows"]) == (0, ROWS)
    folder = found.stderr.rsplit(" to ", 1)[1].split(",")[0]
    assert folder
    assert not Path(folder).exists()


@pytest.mark.slow
def test_reading_has_a_price(stored: Stored) -> None:
    """Of all bytes read, the log too, at whatever a TB costs in whatever currency."""
    words = (QUESTIONS[0], "--price-per-tb", "6.25", "--currency", "credits")
    price = (told := json.loads(run(stored, *words, "--format", "json").stdout))["price"]
    assert price["currency"] == "credits"
    for source in ("raw", "lake"):
        read = told[source]["bytes_read"] + (told[source]["log_bytes"] or 0)
        assert price[source] == read * 6.25 / 10**12
    shown = next(one for one in run(stored, *words).stdout.splitlines() if "price" in one)
    assert shown.count(" credits") == 2
    assert "0.0000" in shown


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DROP TABLE logs", "only reads"),
        ("SELECT 1", "compares `logs`"),
        ("SELECT is_bot FROM logs", "no column for is_bot"),
        ("SELECT nothing FROM logs", 'column "nothing" not found'),
    ],
)
def test_what_cannot_be_asked_is_refused(
    stored: Stored, files: list[Path], sql: str, reason: str
) -> None:
    """In words."""
    with pytest.raises(SettingsError, match=reason):
        compared(stored, files, sql)


def test_access_logs_are_not_for_sql(stored: Stored, shared_data: Path) -> None:
    """Which is said, with what can be asked."""
    with pytest.raises(SettingsError, match="is access log"):
        compared(stored, [*(shared_data / "web").iterdir()], QUESTIONS[0])


@pytest.mark.slow
def test_no_jvm_is_started(stored: Stored) -> None:
    """Nor is pyspark imported."""
    lake = str(Path(stored.root).parent)
    code = (
        "import sys; from batch.commands.scan import scan_cost as s;"
        f"s(['SELECT COUNT(*) FROM logs', '--lake', {lake!r}], standalone_mode=False)"
    )
    check = f"import sys, atexit; atexit.register(lambda: print('pyspark' in sys.modules)); {code}"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert found.stdout.splitlines()[-1] == "False"
