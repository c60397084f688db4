"""The windows query over a real `logs`: what it closes equals recounts, whatever happens to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.lakes import Lake
from support.modelled import Steps
from support.windows import DAY, Pond, Row, at, differences, keyed, logged, measured, read, unequal

from lakehouse import maintenance, store
from lakehouse.ingest import queries
from lakehouse.query.ask import Moment, ask
from lakehouse.settings import Windows as Settings
from lakehouse.tables.rollups import ROLLUPS, WINDOWS
from lakehouse.windows.horizon import horizon, last_closed
from lakehouse.windows.stream import WindowsReport
from streaming import windows
from streaming.repair.recover import anew

pytestmark = [pytest.mark.spark, pytest.mark.slow]

GRANULARITIES = {"30m": "30 minutes", "1d": "1 day"}
BY_SPARK = """
SELECT window(timestamp, '{size}').start AS window_start, service, endpoint, count(*) AS requests,
    count_if(status_code BETWEEN 400 AND 499) AS client_errors,
    count_if(status_code BETWEEN 500 AND 599) AS server_errors, avg(response_time) AS latency_mean,
    percentile(response_time, 0.5) AS latency_p50, percentile(response_time, 0.95) AS latency_p95,
    percentile(response_time, 0.99) AS latency_p99, sum(bytes_sent) AS bytes,
    count(DISTINCT ip) AS unique_visitors
FROM logs GROUP BY ALL"""


class Crash(Exception):
    """Stands for the end of the process."""


def crash(_told: WindowsReport | str) -> None:
    """What a killed process does once its windows are closed, before Spark notes the batch."""
    raise Crash


def run(lake: Lake, spark: Any, on_closed: Callable[[WindowsReport], None] = print) -> list[str]:
    """Close what the newest event closes; the failures by which it ended."""
    failures: list[Exception] = []
    windows.prepare_tables(lake.places, Settings(), print)
    windows.windows(spark, lake.places, Settings(), on_closed, failures.append).once()
    return [str(failure).splitlines()[0].rpartition(": ")[2] for failure in failures]


def traffic(seed: int, first: float, last: float, count: int) -> Any:
    """Rows between two minutes of the first day on, up to a minute out of order."""
    draw = random.Random(seed)
    times = [at(first + (last - first) * n / count - draw.random()) for n in range(1, count + 1)]
    return logged(
        times,
        endpoint=[draw.choice(["/a", "/b", "/c"]) for _ in times],
        ip=[f"192.0.2.{draw.randrange(99)}" for _ in times],
        response_time=[round(draw.lognormvariate(3, 1), 3) for _ in times],
        status_code=[draw.choice([200, 200, 200, 404, 500]) for _ in times],
        bytes_sent=[draw.choice([None, 512, 2**40]) for _ in times],
        user=[draw.choice([None, "ada"]) for _ in times],
    )


def lost(_step: WindowsReport | str) -> None:
    """What counting meets where `erase` has deleted a version that it had opened."""
    with duckdb.connect() as connection:
        connection.sql("SELECT count(*) FROM read_parquet('is-gone-*.parquet')").fetchall()


PARTS = [traffic(1, 0, 700, 400), traffic(2, 700, 1500, 400), traffic(3, 1500, 2000, 300)]


@pytest.fixture(scope="module")
def finished(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two days, the query run after each of three commits; for tests that only look."""
    pond = Pond(Lake.at(tmp_path_factory.mktemp("finished")))
    for part in PARTS:
        pond.arrive(part)
        assert run(pond.lake, spark) == []
    return pond.lake


def versions(lake: Lake) -> list[int]:
    """The versions of both tables."""
    return [store.open_table(lake.places, rollup.name).version() for rollup in WINDOWS]


def closed_up_to(lake: Lake) -> list[datetime | None]:
    """The horizon of both tables."""
    return [horizon(store.open_table(lake.places, rollup.name)) for rollup in WINDOWS]


def test_a_stop_hides_nothing_that_fails_after_it(spark: Any, tmp_path: Path) -> None:
    """Stopped between two commits that is no fault; failing at the end it is."""
    pond = Pond(Lake.at(tmp_path))
    pond.arrive(PARTS[0])
    failures: list[Exception] = []
    closing = windows.windows(spark, pond.lake.places, Settings(), print, failures.append)
    closing.reached = lambda _step: closing.stop()
    closing.once()
    assert failures == []

    closing.reached = crash
    closing.once()
    assert len(failures) == 1


def test_closes_what_the_watermark_has_passed(finished: Lake) -> None:
    """Two minutes behind the newest event, in both tables; the day before with it."""
    newest = max(PARTS[-1]["timestamp"].to_pylist())
    assert closed_up_to(finished) == [last_closed(newest - timedelta(minutes=2))] * 2
    assert {r["is_final"] for r in read(finished, granularity="1d") if r["date"].day == 29} == {
        True
    }


def test_windows_equal_a_recount_by_hand(finished: Lake) -> None:
    """Of both tables at both granularities, closed and open."""
    assert differences(finished) == []


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_windows_equal_a_recount_by_spark(finished: Lake, spark: Any, granularity: str) -> None:
    """By its own window(), percentile and count(DISTINCT)."""
    query = BY_SPARK.format(size=GRANULARITIES[granularity])
    recount: list[Row] = ask(finished.places, query, spark=lambda: spark).to_pylist()
    assert unequal(keyed(read(finished, granularity=granularity)), keyed(recount)) == []


@pytest.mark.parametrize("rollup", ["traffic", "usage"])
def test_both_engines_give_the_same_rows(finished: Lake, spark: Any, rollup: str) -> None:
    """Closed and open, now, at a version, and as of a time."""
    then = store.open_table(finished.places, rollup).history()[0]["timestamp"]
    as_of = Moment(as_of=datetime.fromtimestamp(then / 1000 + 0.001, DAY.tzinfo))
    for moment in (Moment(), Moment(version=2), as_of):
        for granularity in GRANULARITIES:
            asked = (finished, rollup, granularity, moment)
            by_duckdb = keyed(read(*asked), ROLLUPS[rollup])  # NULLs are not ordered alike
            assert by_duckdb == keyed(read(*asked, spark), ROLLUPS[rollup])
            assert by_duckdb or moment.version
    finals = [row["is_final"] for row in read(finished, rollup, spark=spark)]
    assert {True, False} == {*finals}


def test_a_first_start_on_a_full_and_optimized_logs(finished: Lake, lake: Lake, spark: Any) -> None:
    """Gives the rows of a start from the beginning."""
    pond = Pond(lake)
    for part in PARTS:
        pond.arrive(part)
    maintenance.optimize(lake.places, "logs", zorder=("endpoint", "status_code"))
    assert run(lake, spark) == []
    assert closed_up_to(lake) == closed_up_to(finished)
    for rollup in WINDOWS:
        assert measured(lake, rollup.name) == measured(finished, rollup.name)


def test_a_batch_that_is_repeated_changes_nothing(lake: Lake, spark: Any) -> None:
    """Killed once its windows are closed, before Spark knows; and run again with nothing new."""
    pond = Pond(lake)
    pond.arrive(PARTS[0])
    assert run(lake, spark, crash) == ["Crash()"]
    before = versions(lake)
    assert run(lake, spark) == run(lake, spark) == []
    assert (versions(lake), differences(lake)) == (before, [])


def test_what_goes_under_its_hands_is_looked_for_anew(lake: Lake, spark: Any) -> None:
    """A file of a version that it had opened: the query goes on from the newest one."""
    pond = Pond(lake)
    pond.arrive(PARTS[0])
    windows.prepare_tables(lake.places, Settings(), print)
    steps, failures = iter([lost]), list[Exception]()
    closing = windows.windows(spark, lake.places, Settings(), print, failures.append)
    closing.reached = lambda step: next(steps, print)(step)
    closing.once()
    assert (failures, next(steps, None), differences(lake)) == ([], None, [])


def test_what_stays_away_is_said(lake: Lake, spark: Any) -> None:
    """Looked for once more, and no third time."""
    pond, asked = Pond(lake), list[str]()
    pond.arrive(PARTS[0])
    windows.prepare_tables(lake.places, Settings(), print)
    failures = list[Exception]()

    def each_time(step: str) -> None:
        asked.append(step)
        lost(step)

    closing = windows.windows(spark, lake.places, Settings(), print, failures.append)
    closing.reached = each_time
    closing.once()
    assert (len(asked), "No files found" in str(failures[0])) == (2, True)


def test_a_lost_checkpoint_is_no_loss(lake: Lake, spark: Any) -> None:
    """`recover windows` starts anew: what is closed stays, what is not is closed."""
    pond = Pond(lake)
    pond.arrive(PARTS[0])
    run(lake, spark)
    before = versions(lake)
    assert anew(lake.places, queries.WINDOWS.name)
    assert run(lake, spark) == []
    assert versions(lake) == before
    pond.arrive(PARTS[1])
    assert anew(lake.places, queries.WINDOWS.name)
    assert run(lake, spark) == []
    assert closed_up_to(lake) == [at(1470)] * 2
    assert (differences(lake), pond.judged().wrong) == ([], 0)


class Streamed(Steps):
    """Steps whose stream is the real one."""

    spark: Any = None

    def stream(self) -> None:
        """The query runs over all that is there."""
        assert run(self.pond.lake, self.spark) == []
        self.seen = max(event.time for event in self.events)

    def kill(self) -> None:
        """It is killed between its last commit and Spark's."""
        assert run(self.pond.lake, self.spark, crash) in ([], ["Crash()"])


def test_any_order_of_events(lake: Lake, spark: Any) -> None:
    """As in the tests of the model, with the real query."""
    steps = Streamed(Pond(lake), random.Random(11))
    steps.spark = spark
    steps(6)
    steps.reconcile()
    steps.stream()
    assert (steps.pond.judged().wrong, steps.pond.judged().late) == (0, 0)
    steps.assert_as_modelled("the end")
