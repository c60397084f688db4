"""The job on generated files: the same numbers by both engines, and by a recount."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.lakes import Lake, events
from support.records import decoded, message

from batch.formats.paths import expand
from batch.jobs.exchange import Exchange
from batch.jobs.service_metrics.job import TABLES, Options, Summary, run, table_rows
from batch.jobs.service_metrics.score import mean_us, scores
from batch.jobs.service_metrics.source import Files
from batch.jobs.service_metrics.source import Lake as LakeSource
from lakehouse.errors import LogpondError, SettingsError
from producer.datasets import make
from producer.datasets.services import Spec as Made
from producer.traffic.curve import MICROS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
MADE = Made(3, 1_735_689_600 * MICROS, 2, 4.0, 2, ("prod", "staging"), 3, 0.01)
ODD = [
    message(environment=None, response_time=None),
    message(environment=None, response_time=1e300),
    message(service="\x1b[2J'\"; $x$", environment="a/../b"),
    b"",
    b"oops",
]
ALL = {name: f"SELECT * FROM {name} ORDER BY ALL" for name in TABLES}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Generated files, and one of odd lines."""
    folder = tmp_path_factory.mktemp("services")
    assert list(make.make(MADE.files(folder), 1))
    (folder / "odd.ndjson").write_bytes(b"\n".join(ODD))
    return Files(tuple(expand([folder])))


@pytest.fixture(scope="module")
def results(
    files: Files, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Summary]]:
    """What each engine makes of them."""
    found = {}
    for engine in ("dataframe", "rdd"):
        folder = tmp_path_factory.mktemp(engine)
        found[engine] = folder, run(Options(files, folder, engine), spark, no_page)
    return found


def no_page(folder: Path) -> None:
    """Draws nothing."""
    (folder / "insights").mkdir()


def lines(files: Files) -> list[bytes]:
    """All lines there are."""
    return [
        line
        for file in files.files
        for line in file.read_bytes().split(b"\n")
        if line or file.name == "odd.ndjson"
    ]


@pytest.mark.parametrize("table", TABLES)
def test_both_engines_give_the_same(results: dict[str, Any], table: str) -> None:
    """Every row of every table, to the last bit."""
    by_dataframe, by_rdd = (table_rows(results[e][0], ALL[table]) for e in ("dataframe", "rdd"))
    assert by_dataframe
    assert by_dataframe == by_rdd


def test_metrics_are_a_plain_recount(files: Files, results: dict[str, Any]) -> None:
    """Requests, errors and whole microseconds of each service and environment."""
    found = Counter[tuple[Any, ...]]()
    for event in decoded(*lines(files)).events.to_pylist():
        key, took = (event["service"], event["environment"]), event["response_time"]
        found[*key, "requests"] += 1
        found[*key, "errors"] += event["status_code"] >= 400
        found[*key, "total_us"] += int(min(took or 0, 10**15) * 1000 + 0.5)
    rows = table_rows(results["dataframe"][0], ALL["metrics"])
    assert {
        (r["service"], r["environment"], name): int(r[name])
        for r in rows
        for name in ("requests", "errors", "total_us")
    } == found


def test_minutes_are_scored_by_the_formula(results: dict[str, Any]) -> None:
    """SQL gives each minute what the pure function gives."""
    rows = table_rows(results["dataframe"][0], ALL["minutes"])
    of = [r for r in rows if (r["service"], r["environment"]) == ("search", "staging")]
    means = [(int(r["minute"].timestamp()), mean_us(int(r["total_us"]), r["timed"])) for r in of]
    wanted = list(scores(means, timedelta(minutes=30)))
    assert [(r["history"], r["expected_ms"], r["spread_ms"], r["z"]) for r in of] == wanted


def test_staged_spikes_are_found(results: dict[str, Any]) -> None:
    """The first minute of each is a spike, with a high z."""
    rows = table_rows(results["dataframe"][0], ALL["anomalies"])
    found = {(r["service"], r["environment"], int(r["minute"].timestamp())): r["z"] for r in rows}
    first = [(s.service, s.environment, s.start // MICROS) for s in MADE.staged]
    assert len(first) == 3
    assert all(found.get(one, 0) > 8 for one in first)


def test_no_line_is_lost(files: Files, results: dict[str, Any]) -> None:
    """Each is an event or a reject, with its file and line."""
    folder, outcome = results["dataframe"]
    there = table_rows(
        folder, "SELECT source, line FROM enriched UNION ALL SELECT source, line FROM rejects"
    )
    wanted = decoded(*lines(files))
    assert outcome.lines == len(there) == len({(r["source"], r["line"]) for r in there})
    assert outcome.events == wanted.events.num_rows
    assert outcome.rejects == Counter(wanted.rejects["reason"].to_pylist())


def test_an_event_is_enriched_by_its_minute(results: dict[str, Any]) -> None:
    """Each has the z of the minute that it lies in; no other row comes of it."""
    differ = """SELECT count(*) AS rows, count_if(minute_z IS DISTINCT FROM z) AS wrong,
        count_if(e.minute <> date_trunc('minute', timestamp)) AS misplaced
        FROM enriched e JOIN minutes m ON e.service = m.service AND e.minute = m.minute
        AND e.environment IS NOT DISTINCT FROM m.environment"""
    folder, outcome = results["rdd"]
    (found,) = table_rows(folder, differ)
    assert found == {"rows": outcome.events, "wrong": 0, "misplaced": 0}


def test_a_record_is_judged_by_all_of_its_service(results: dict[str, Any]) -> None:
    """Its z is that of a plain computation; those that are high are the outliers, and no others."""
    plain = """WITH s AS (SELECT service, environment, avg(response_time) AS mean,
        stddev_samp(response_time) AS spread FROM enriched GROUP BY ALL
        HAVING count(response_time) >= 10)
        SELECT count(*) AS rows, count_if(is_outlier) AS outliers,
            max(abs(record_z - (response_time - mean) / greatest(spread, 1))) AS off
        FROM enriched e JOIN s ON e.service = s.service
        AND e.environment IS NOT DISTINCT FROM s.environment"""
    folder, outcome = results["dataframe"]
    (found,) = table_rows(folder, plain)
    assert found["rows"] > 1000
    assert found["off"] < 1e-3
    assert found["outliers"] == outcome.outliers > 0
    rows = table_rows(folder, "SELECT * FROM outliers")
    assert len(rows) == outcome.outliers
    assert min(row["record_z"] for row in rows) >= 3


def test_the_first_reject_is_named(results: dict[str, Any]) -> None:
    """With file, line and reason."""
    assert results["rdd"][1].example.partition(".ndjson:")[2][0].isdigit()


@pytest.mark.parametrize("fault", ["no event", "broken"])
def test_bad_input_leaves_what_was_there(tmp_path: Path, spark: SparkSession, fault: str) -> None:
    """It is refused with its file; the result before is still shown."""
    good, bad = tmp_path / "good", tmp_path / "bad.gz"
    good.write_bytes(message())
    bad.write_bytes(b"oops\nand again" if fault == "no event" else b"\x1f\x8b\x08broken")
    run(Options(Files((good,)), tmp_path / "out"), spark, no_page)
    with pytest.raises(SettingsError, match=r"bad\.gz"):
        run(Options(Files((bad,)), tmp_path / "out"), spark, no_page)
    assert len(table_rows(tmp_path / "out", ALL["metrics"])) == 1


def test_lines_that_went_missing_are_no_result(tmp_path: Path, spark: SparkSession) -> None:
    """A source that says of more lines than it gives is found out."""
    (tmp_path / "one").write_bytes(message())

    class Longer(Files):
        def lines(self) -> int:
            return 2

    with pytest.raises(LogpondError, match="2 lines became 1 events and 0 rejects"):
        run(Options(Longer((tmp_path / "one",)), tmp_path / "out"), spark, no_page)
    assert not (tmp_path / "out" / "metrics").exists()


def test_the_lake_is_read_as_files_are(lake: Lake, spark: SparkSession, tmp_path: Path) -> None:
    """Each row of logs, once; other flags give other spikes."""
    for minute in range(12):
        at, slow = f"2026-05-01T11:{minute:02d}:30Z", 900.0 if minute == 11 else 100.0
        lake.put(events([minute], timestamp=at, response_time=slow))
    order = Options(LakeSource.newest(lake.places), tmp_path / "out", threshold=20.0)
    outcome = run(order, spark, no_page)
    above = run(replace(order, threshold=900.0), spark, no_page)
    assert (outcome.lines, outcome.events, outcome.rejected) == (12, 12, 0)
    assert [o.metrics[0]["spikes"] for o in (outcome, above)] == [1, 0]


@pytest.mark.slow
def test_where_executors_see_no_folder_the_numbers_are_the_same(
    files: Files,
    results: dict[str, tuple[Path, Summary]],
    spark: SparkSession,
    tmp_path: Path,
) -> None:
    """By copies at a URL: of the files, and of what is written; rejects name the files."""
    exchange = Exchange(f"file://{tmp_path}/scratch")
    options = Options(replace(files, exchange=exchange), tmp_path / "out", exchange=exchange)
    run(options, spark, no_page)
    there = results["dataframe"][0]
    for name, sql in ALL.items():
        assert table_rows(tmp_path / "out", sql) == table_rows(there, sql), name
    assert [*(tmp_path / "scratch" / "given").iterdir()]
