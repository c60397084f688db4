"""What windows were made with may not change under them; `rebuild` makes them again."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from support.lakes import Lake
from support.windows import DAY, Pond, at, differences, logged, measured, stored

from lakehouse import maintenance, store
from lakehouse.errors import CheckpointError
from lakehouse.tables.measures import Sum
from lakehouse.tables.rollups import TRAFFIC, WATERMARK, Rollup
from lakehouse.windows.check import check
from lakehouse.windows.definition import prepare
from lakehouse.windows.horizon import horizon
from lakehouse.windows.recount import rebuild, reconcile

BOTS = Sum("bots", "requests of crawlers", "count_if(is_bot)")
MORE = dataclasses.replace(TRAFFIC, measures=(*TRAFFIC.measures, BOTS))
LESS = dataclasses.replace(TRAFFIC, measures=TRAFFIC.measures[:-1])
OTHER_KEYS = dataclasses.replace(TRAFFIC, keys=("service", "method"))
LATER = timedelta(minutes=10)


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """Three days, closed up to the noon of the last."""
    made = Pond(lake)
    times = [at(minutes) for minutes in (5, 40, 1441, 1500, 2890, 2950, 4200)]
    made.arrive(logged(times, endpoint=["/a", "/b"] * 3 + ["/a"], is_bot=True))
    made.close(at(3600), [TRAFFIC])
    return made


def again(pond: Pond, rollup: Rollup = TRAFFIC, late: timedelta = WATERMARK) -> int:
    """Rebuild; how many requests the closed windows hold then."""
    return sum(done.requests for done in rebuild(pond.lake.places, rollup, late))


def wrong(pond: Pond, rollup: Rollup = TRAFFIC) -> int:
    """How many windows are not as a recount says."""
    places = pond.lake.places
    tables = [store.open_table(places, name) for name in (TRAFFIC.name, "logs")]
    return sum(len(day.wrong + day.wrong_days) for day in check(places, rollup, *tables))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rollup", "late"), [(OTHER_KEYS, WATERMARK), (TRAFFIC, LATER)], ids=["keys", "watermark"]
)
def test_a_change_is_refused_until_a_rebuild(pond: Pond, rollup: Rollup, late: timedelta) -> None:
    """By a start and by `reconcile`, with the way forward; nothing is touched."""
    before = measured(pond.lake)
    with pytest.raises(CheckpointError, match="logpond rebuild traffic"):
        prepare(pond.lake.places, rollup, late)
    with pytest.raises(CheckpointError, match="logpond rebuild traffic"):
        next(reconcile(pond.lake.places, rollup, late))
    assert measured(pond.lake) == before
    assert again(pond, rollup, late) == 6
    assert (prepare(pond.lake.places, rollup, late), wrong(pond, rollup)) == ([], 0)


def test_other_keys_have_their_own_columns(pond: Pond) -> None:
    """After a rebuild the old key is gone and the new one there, with table and comments."""
    again(pond, OTHER_KEYS)
    table = store.open_table(pond.lake.places, "traffic")
    assert [field.name for field in table.schema().fields] == OTHER_KEYS.columns.names
    assert table.metadata().partition_columns == ["granularity", "date"]
    assert table.schema().fields[4].metadata["comment"]
    assert {row["requests"] for row in table.to_pyarrow_table().to_pylist()} == {1, 2}


def test_a_rebuild_changes_no_row(pond: Pond) -> None:
    """Where nothing changed; nor the horizon."""
    before, closed = measured(pond.lake), horizon(store.open_table(pond.lake.places, "traffic"))
    assert again(pond) == 6
    assert measured(pond.lake)[: len(before)] == before
    assert (horizon(store.open_table(pond.lake.places, "traffic")) or DAY) >= (closed or DAY)


@pytest.mark.slow
def test_readers_see_right_numbers_during_a_rebuild(pond: Pond) -> None:
    """At each commit of it; killed, another one brings all windows back."""
    done = rebuild(pond.lake.places, TRAFFIC, WATERMARK, most_rows=1)
    for _ in range(2):
        next(done)
        assert differences(pond.lake, [TRAFFIC]) == []
    done.close()
    again(pond)
    assert differences(pond.lake, [TRAFFIC]) == []
    assert sum(row["is_final"] for row in pond.read()) == 6


@pytest.mark.slow
def test_an_added_measure_is_null_in_old_rows(pond: Pond) -> None:
    """Told once, no fault of `verify`; new windows have it; a rebuild fills it in."""
    assert prepare(pond.lake.places, MORE, WATERMARK) == ["bots"]
    assert prepare(pond.lake.places, MORE, WATERMARK) == []
    pond.close(at(4320), [MORE])
    values = stored(pond.lake).to_pylist()
    half_hours = [row["bots"] for row in values if row["granularity"] == "30m"]
    assert (half_hours, wrong(pond, MORE)) == ([None] * 6 + [1], 0)
    again(pond, MORE)
    assert {row["bots"] for row in stored(pond.lake).to_pylist()} <= {1, 2}
    assert wrong(pond, MORE) == 0


@pytest.mark.slow
def test_a_late_row_fills_an_added_measure(pond: Pond) -> None:
    """In its window; the day sums what is known, and `verify` is content."""
    prepare(pond.lake.places, MORE, WATERMARK)
    pond.arrive(logged([at(6)], is_bot=True))
    assert [day.date for day in reconcile(pond.lake.places, MORE, WATERMARK)] == [DAY.date()]
    assert wrong(pond, MORE) == 0


@pytest.mark.slow
def test_a_removed_measure_is_refused_until_a_rebuild(pond: Pond) -> None:
    """As any change that rows do not survive."""
    with pytest.raises(CheckpointError, match="logpond rebuild traffic"):
        prepare(pond.lake.places, LESS, WATERMARK)
    assert again(pond, LESS) == 6
    assert (prepare(pond.lake.places, LESS, WATERMARK), wrong(pond, LESS)) == ([], 0)


@pytest.mark.slow
@pytest.mark.parametrize("late", [WATERMARK, LATER], ids=["as it was", "another watermark"])
def test_a_rebuild_keeps_what_retain_took_from_logs(pond: Pond, late: timedelta) -> None:
    """Row by row, also where a late row has come to such a day since."""
    before = [row for row in measured(pond.lake) if row["date"] == DAY.date()]
    maintenance.retain(pond.lake.places, "logs", days=1)
    pond.arrive(logged([at(7)], endpoint="/late"))
    again(pond, late=late)
    assert [row for row in measured(pond.lake) if row["date"] == DAY.date()] == before
    assert [row["endpoint"] for row in pond.read() if row["date"] == DAY.date()] == ["/a", "/b"]
    assert pond.judged().wrong == 0
