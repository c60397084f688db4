"""A rollup as readers get it: closed windows, and the open ones counted as they ask."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from support.lakes import Lake
from support.windows import Pond, Row, at, differences, keyed, logged

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.past import sources
from lakehouse.query.ask import Moment, ask
from lakehouse.store.log import Log
from lakehouse.tables.rollups import TRAFFIC, USAGE, WATERMARK
from lakehouse.windows.definition import prepare

pytestmark = pytest.mark.slow


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """Half hours of two days, closed up to the noon of the second."""
    made = Pond(lake)
    times = [at(minutes) for minutes in (5, 40, 1441, 1500, 2190, 2200)]
    made.arrive(logged(times, endpoint=["/a", "/b", "/a", "/b", "/a", "/b"]))
    made.close(at(2160))
    return made


def told(rows: list[Row]) -> list[tuple[int, str, int, bool]]:
    """Minute, endpoint, requests and whether it is final."""
    return [
        (
            int((r["window_start"] - at(0)).total_seconds() / 60),
            r["endpoint"],
            r["requests"],
            r["is_final"],
        )
        for r in rows
    ]


def test_closed_half_hours_and_open_ones(pond: Pond) -> None:
    """In one table, told apart."""
    assert told(pond.read()) == [
        (0, "/a", 1, True),
        (30, "/b", 1, True),
        (1440, "/a", 1, True),
        (1500, "/b", 1, True),
        (2190, "/a", 1, False),
        (2190, "/b", 1, False),
    ]


def test_an_open_day_is_made_of_both(pond: Pond) -> None:
    """Of its closed half hours and its open ones, and is not final."""
    assert told(pond.read(granularity="1d")) == [
        (0, "/a", 1, True),
        (0, "/b", 1, True),
        (1440, "/a", 2, False),
        (1440, "/b", 2, False),
    ]


def test_an_open_window_has_what_came_last(pond: Pond) -> None:
    """At once, in half hour and day; a closed one waits for `reconcile`."""
    pond.arrive(logged([at(2195), at(1445)], endpoint="/new"))
    new = [row for of in ("30m", "1d") for row in told(pond.read(granularity=of))]
    assert [row for row in new if row[1] == "/new"] == [
        (2190, "/new", 1, False),
        (1440, "/new", 1, False),
    ]


@pytest.mark.slow
def test_before_anything_is_closed(lake: Lake) -> None:
    """Every window is open; and where nothing came yet, there is none."""
    pond = Pond(lake)
    for rollup in (TRAFFIC, USAGE):
        prepare(lake.places, rollup, WATERMARK)
    with pytest.raises(TableError, match="no table logs"):
        pond.read()
    pond.arrive(logged([at(5), at(1500)]))
    assert differences(lake) == []
    assert {row["is_final"] for row in pond.read("usage") + pond.read(granularity="1d")} == {False}


@pytest.mark.slow
def test_where_everything_is_closed(pond: Pond) -> None:
    """To the day's end: nothing is open."""
    pond.close(at(2880))
    assert {row["is_final"] for row in pond.read() + pond.read("usage", "1d")} == {True}
    assert differences(pond.lake) == []


def test_a_version_has_stored_rows_only(pond: Pond) -> None:
    """Those of that version, all final; before the first close there is none."""
    newest = store.open_table(pond.lake.places, "traffic").version()
    rows = pond.read(moment=Moment(version=newest))
    assert (len(rows), {row["is_final"] for row in rows}) == (4, {True})
    assert pond.read(moment=Moment(version=0)) == []


@pytest.mark.slow
def test_as_of_a_time_both_tables_are_as_they_were(pond: Pond) -> None:
    """What came to `logs` since is in no window, nor is any closed that was open then."""
    before = pond.read() + pond.read(granularity="1d")
    then = Moment(as_of=datetime.now(UTC))
    pond.arrive(logged([at(2192), at(2300), at(5000)], endpoint="/since"))
    pond.close(at(2880))
    assert pond.read(moment=then) + pond.read(granularity="1d", moment=then) == before
    assert differences(pond.lake) == []


def test_what_serves_the_making_of_windows_is_hidden(pond: Pond) -> None:
    """No histogram, no hashes, nothing with an underscore, nothing opaque."""
    names = [*pond.read()[0]]
    assert [name for name in names if name.startswith("_")] == []
    assert names[:6] == ["granularity", "date", "window_start", "window_end", *TRAFFIC.keys]
    schema = ask(pond.lake.places, "SELECT * FROM traffic").schema
    assert [
        f.name for f in schema if pa.types.is_nested(f.type) or pa.types.is_binary(f.type)
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) AS n FROM TRAFFIC WHERE granularity = '30m'",
        "SELECT count(*) AS n FROM \"traffic\" AS t WHERE t.granularity = '30m'",
        "WITH t AS (SELECT * FROM traffic) SELECT count(*) AS n FROM t WHERE granularity = '30m'",
        "SELECT sum(requests) AS n FROM usage WHERE granularity = '30m'",
        "SELECT count(*) AS n FROM logs JOIN usage ON timestamp >= window_start"
        " AND timestamp < window_end WHERE granularity = '30m'",
    ],
)
def test_a_rollup_is_a_table_like_any_other(pond: Pond, sql: str) -> None:
    """Named in any way, alone or beside others."""
    assert ask(pond.lake.places, sql).to_pylist() == [{"n": 6}]


def test_each_window_and_key_is_there_once(pond: Pond) -> None:
    """Closed or open, never both."""
    pond.close(at(2190))
    assert len(keyed(pond.read())) == 6


def test_windows_beyond_what_delta_keeps_are_counted_again(pond: Pond) -> None:
    """From the rows of then; which of them were closed is not known, and it is said."""
    places = pond.lake.places
    log = Log(places, TRAFFIC.name)
    when = Log(places, "logs").time(store.open_table(places, "logs").version())
    pond.arrive(logged([at(5), at(2300)], endpoint="/later"))
    store.open_table(places, TRAFFIC.name).create_checkpoint()
    newest = log.timeline().newest
    for version in range(newest):
        (Path(places.delta_log(TRAFFIC.name)) / f"{version:020d}.json").unlink()

    answer = ask(places, "SELECT * FROM traffic ORDER BY ALL", Moment(as_of=when))
    rows = [row for row in answer.to_pylist() if row["granularity"] == "30m"]

    assert told(rows) == [
        (0, "/a", 1, None),
        (30, "/b", 1, None),
        (1440, "/a", 1, None),
        (1500, "/b", 1, None),
        (2190, "/a", 1, None),
        (2190, "/b", 1, None),
    ]
    assert "traffic: all windows are counted again, from logs as of then" in sources.of(answer)
