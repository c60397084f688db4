"""Reports: right rows, the same on both engines."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from support.asked import answer
from support.lakes import Lake
from support.windows import Pond, at, logged

from analytics import reports
from analytics.reports import REPORTS, discover, endpoint_daily, run
from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.terminal import render

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow

PER_HALF_HOUR = [10, 12, 11, 9, 80, 10]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three hours of two services; the fifth half hour is far above usual; one is still open."""
    pond = Pond(Lake.at(tmp_path_factory.mktemp("busy")))
    for half_hour, count in enumerate(PER_HALF_HOUR):
        times = [at(30 * half_hour + 25 * n / count) for n in range(count)]
        pond.arrive(
            logged(
                times,
                endpoint=["/a", "/b"] * (count // 2) + ["/a"] * (count % 2),
                service="shop",
                message=[f"item {n} of {half_hour} taken" for n in range(count)],
                response_time=[10.5 + n for n in range(count)],
                bytes_sent=100,
                status_code=[500 if n % 5 == 0 else 200 for n in range(count)],
                ip=[f"192.0.2.{n % 3}" for n in range(count)],
                user=[None if n % 2 else "ann" for n in range(count)],
                app="web",
                is_bot=None,
                client_family="curl",
            )
        )
    pond.arrive(logged([at(3), at(100)], service="pay", endpoint="/pay", response_time=None))
    pond.close(at(150))
    incident(pond.lake)
    return pond.lake


def incident(lake: Lake) -> None:
    """One row of `anomalies`, open."""
    row: dict[str, Any] = {
        "incident_id": "abc",
        "date": at(0).date(),
        "status": "open",
        "scope": "endpoint",
        "opened": at(121),
        "last_breach": at(125),
        "observed": 80.0,
        "expected": 10.5,
    }
    rows = [{field.name: row.get(field.name) for field in ANOMALIES.columns}]
    writer = store.Writer(lake.places, ANOMALIES)
    writer.append(pa.Table.from_pylist(rows, ANOMALIES.columns), store.Key("test", 0))


def rows(lake: Lake, name: str, since: datetime | None = None, **more: Any) -> list[dict[str, Any]]:
    """The rows of a report."""
    found: list[dict[str, Any]] = run(REPORTS[name], lake.places, since, **more).to_pylist()
    return found


def as_json(lake: Lake, name: str, since: datetime | None, **more: Any) -> str:
    """A report as the command prints it."""
    out = io.StringIO()
    found = run(REPORTS[name], lake.places, since, **more)
    render.show(render.Rows.of_arrow(found), "json", out)
    return out.getvalue()


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_has_rows_up_to_its_time(busy: Lake, name: str) -> None:
    """And from a later time on none."""
    assert rows(busy, name)
    assert not rows(busy, name, at(3000))


@pytest.mark.spark
@pytest.mark.parametrize(
    "since",
    [None, pytest.param(at(61), marks=pytest.mark.nightly)],
    ids=["all", "since"],
)
@pytest.mark.parametrize("name", REPORTS)
def test_both_engines_give_the_same(
    busy: Lake, spark: SparkSession, name: str, since: datetime | None
) -> None:
    """The same text, byte for byte."""
    by_duckdb = as_json(busy, name, since)
    assert by_duckdb == as_json(busy, name, since, spark=lambda: spark)
    assert by_duckdb.count("\n") > 2


def test_errors_are_counted_by_endpoint_and_status(busy: Lake) -> None:
    """As many as a plain count says, the most first."""
    sql = "SELECT COUNT(*) AS n FROM logs WHERE is_error AND endpoint = '/a'"
    first = rows(busy, "top-errors")[0]
    assert (first["endpoint"], first["status_code"]) == ("/a", 500)
    assert [{"n": first["errors"]}] == answer(busy, sql)


@pytest.mark.parametrize(
    "name",
    ["hourly", "services", "endpoints", "users", "status-codes", "addresses", "endpoint-daily"],
)
def test_every_request_is_in_a_sum_once(busy: Lake, name: str) -> None:
    """Of closed windows and of the open one alike."""
    assert sum(row["requests"] for row in rows(busy, name)) == sum(PER_HALF_HOUR) + 2


def test_a_mean_leaves_out_what_has_no_time(busy: Lake) -> None:
    """Folded from half hours it is that of the events."""
    sql = "SELECT ROUND(AVG(response_time), 3) AS m FROM logs WHERE service = 'shop' AND hour = 0"
    assert [{"m": rows(busy, "hourly")[0]["latency_mean"]}] == answer(busy, sql)
    by_service = {row["service"]: row["latency_mean"] for row in rows(busy, "services")}
    assert by_service["pay"] is None


def test_windows_far_above_usual_are_found(busy: Lake) -> None:
    """The one half hour of both endpoints, and none that is as usual."""
    found = rows(busy, "windows")
    assert {(row["window_start"], row["endpoint"]) for row in found} == {
        (at(120), "/a"),
        (at(120), "/b"),
    }
    assert all(row["times_usual"] > 5 for row in found)


def test_the_slowest_come_first(busy: Lake) -> None:
    """As many as are asked for."""
    found = rows(busy, "slowest", limit=3)
    assert [row["response_time"] for row in found] == [89.5, 88.5, 87.5]


def test_daily_errors_are_those_of_a_recount(busy: Lake) -> None:
    """Of each day and endpoint; the day that is not over is marked."""
    sql = """SELECT CAST(date AS VARCHAR) AS day, service, endpoint, COUNT(*) AS requests,
        COUNT(*) FILTER (WHERE is_error) AS errors FROM logs GROUP BY ALL ORDER BY ALL"""
    found = rows(busy, "endpoint-daily")
    names = ("service", "endpoint", "requests", "errors")
    seen = [{"day": str(row["day"]), **{name: row[name] for name in names}} for row in found]
    assert seen == answer(busy, sql)
    assert {row["is_final"] for row in found} == {False}


def test_a_figure_is_of_the_endpoints_with_the_most_errors(busy: Lake) -> None:
    """A line each, named, at most eight; names are no formulas."""
    table = run(REPORTS["endpoint-daily"], busy.places)
    many = pa.Table.from_pylist(
        [{**row, "endpoint": f"/$_{n}", "errors": n} for row in table.to_pylist() for n in range(9)]
    )
    drawn = endpoint_daily.figure(many)
    named = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert named[0].endswith("/$_8")
    assert len(drawn.axes[0].lines) == 8


def test_a_figure_has_volume_errors_and_rate(busy: Lake) -> None:
    """A panel each, with the numbers of the rows."""
    table = run(REPORTS["endpoint-daily"], busy.places)
    worst = max(table.to_pylist(), key=lambda row: row["errors"])
    drawn = endpoint_daily.figure(table)
    heights = [[*axes.lines[0].get_ydata()] for axes in drawn.axes]
    assert [axes.get_ylabel() for axes in drawn.axes] == [
        "status of 400 or more [%]",
        "errors",
        "requests",
    ]
    assert 100 * worst["error_rate"] in heights[0]
    assert worst["errors"] in heights[1]
    assert worst["requests"] in heights[2]


def test_a_table_that_is_not_there_is_named(lake: Lake) -> None:
    """With what there is."""
    Pond(lake).arrive(logged([at(1)]))
    with pytest.raises(TableError, match="no table traffic"):
        rows(lake, "hourly")


def test_a_report_is_one_file(busy: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new module with a `REPORT` is listed and can be run; nothing else is touched."""
    (tmp_path / "all_rows.py").write_text(
        "from analytics.reports.report import Report\n"
        'REPORT = Report("all-rows", "All rows", "logs", "SELECT COUNT(*) AS n FROM logs")\n'
    )
    monkeypatch.setattr(reports, "__path__", [*reports.__path__, str(tmp_path)])

    assert set(discover()) - set(REPORTS) == {"all-rows"}
    assert run(discover()["all-rows"], busy.places).to_pylist()[0]["n"] > 0
