"""Windows are closed once, whole, a day a commit; whatever happens in between changes nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from support.lakes import Lake
from support.windows import DAY, Pond, at, differences, logged, measured, stored

from lakehouse import maintenance, store
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import TRAFFIC, WATERMARK, WINDOWS
from lakehouse.windows.close import close
from lakehouse.windows.count import counting
from lakehouse.windows.definition import prepare
from lakehouse.windows.horizon import horizon, last_closed

pytestmark = pytest.mark.slow

TIMES = [at(minutes) for minutes in (5, 31, 700, 1000, 1439, 1445, 2000, 4400, 4500)]
END = at(4470)


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """Rows of four days, the third without any, in two commits."""
    made = Pond(lake)
    made.arrive(logged(TIMES[:5], endpoint=["/a", "/b", "/a", "/c", "/a"]))
    made.arrive(logged(TIMES[5:], endpoint="/a"))
    return made


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The rows of `traffic` where windows are closed one by one as rows arrive."""
    made = Pond(Lake.at(tmp_path_factory.mktemp("steps")))
    made.arrive(logged(TIMES[:5], endpoint=["/a", "/b", "/a", "/c", "/a"]))
    for minutes in range(0, 1440, 240):
        made.close(at(minutes), [TRAFFIC])
    made.arrive(logged(TIMES[5:], endpoint="/a"))
    for minutes in range(1440, 4471, 505):
        made.close(last_closed(at(minutes)), [TRAFFIC])
    made.close(END, [TRAFFIC])
    return measured(made.lake)


def version(pond: Pond) -> int:
    """The version of `traffic`."""
    return store.open_table(pond.lake.places, TRAFFIC.name).version()


def test_a_day_is_counted_by_its_own_files(pond: Pond) -> None:
    """Files of other days are not opened: thousands of days cost their number, not its square."""
    logs = store.open_table(pond.lake.places, LOGS)
    for file in (f for f in logs.file_uris() if f"date={TIMES[0].date()}" not in f):
        Path(file.removeprefix("file://")).unlink()
    with counting(pond.lake.places, logs, (DAY.date(), DAY.date())) as count:
        rows = count.windows(TRAFFIC, at(0), at(1440))
    assert sum(rows["requests"].to_pylist()) == 5


@pytest.mark.slow
def test_at_once_or_step_by_step(pond: Pond, expected: list[dict[str, object]]) -> None:
    """A first start on a full `logs` gives the rows of a start from the beginning."""
    pond.close(END)
    assert measured(pond.lake) == expected
    assert differences(pond.lake) == []


@pytest.mark.slow
def test_of_a_compacted_and_ordered_logs(pond: Pond, expected: list[dict[str, object]]) -> None:
    """Which commit brought a row survives, so windows know what they counted."""
    maintenance.optimize(pond.lake.places, "logs", zorder=("endpoint", "status_code"))
    pond.close(END)
    assert measured(pond.lake) == expected


@pytest.mark.slow
def test_closing_again_commits_nothing(pond: Pond) -> None:
    """Nor with an earlier end."""
    pond.close(END)
    before = version(pond)
    assert pond.close(END) == pond.close(at(60)) == []
    assert version(pond) == before


@pytest.mark.slow
@pytest.mark.parametrize("commits", [1, 2])
def test_ended_between_two_commits(
    pond: Pond, expected: list[dict[str, object]], commits: int
) -> None:
    """The next one goes on where this one ended."""
    prepare(pond.lake.places, TRAFFIC, WATERMARK)
    closing = close(pond.lake.places, TRAFFIC, END, most_rows=1)
    for _ in range(commits):
        next(closing)
    closing.close()
    assert differences(pond.lake, [TRAFFIC]) == []
    pond.close(END, [TRAFFIC])
    assert measured(pond.lake) == expected


@pytest.mark.nightly
def test_a_history_spread_thin_is_one_commit(lake: Lake) -> None:
    """Many days of few rows cost what one does; the last one is open, and goes on later."""
    pond = Pond(lake)
    pond.arrive(logged([at(5 + 1000 * number) for number in range(40)], endpoint="/a"))
    end = at(39 * 1000)
    before = {closed.table: closed for closed in pond.close(end)}

    assert {name: closed.windows for name, closed in before.items()} == {"traffic": 39, "usage": 39}
    assert version(pond) == 1
    assert differences(pond.lake) == []
    pond.arrive(logged([at(40_100), at(50_000)], endpoint="/b"))
    pond.close(at(49_000))
    assert differences(pond.lake) == []
    assert pond.judged().wrong == 0


def test_days_of_many_rows_are_closed_one_by_one(pond: Pond) -> None:
    """What a commit holds is bounded: by the rows of its days, or one day."""
    prepare(pond.lake.places, TRAFFIC, WATERMARK)
    done = list(close(pond.lake.places, TRAFFIC, END, most_rows=6))

    assert [(closed.first.day - DAY.day, closed.requests) for closed in done] == [(0, 5), (1, 3)]


@pytest.mark.slow
def test_a_day_comes_with_its_last_half_hour(pond: Pond) -> None:
    """For all its keys, in one commit: no state of the table has the one without the other."""
    for minutes in range(30, 1471, 360):
        pond.close(at(minutes), [TRAFFIC])
    pond.close(END, [TRAFFIC])
    for number in range(version(pond) + 1):
        state = store.open_table(pond.lake.places, "traffic", version=number)
        rows = state.to_pyarrow_table(columns=["granularity", "date"]).to_pylist()
        closed = horizon(state)
        assert {r["date"] for r in rows if r["granularity"] == "1d"} == {
            r["date"]
            for r in rows
            if closed
            and at(1440 * (r["date"] - DAY.date()).days) <= closed
            and closed - at(1440 * (r["date"] - DAY.date()).days) >= timedelta(days=1)
        }


@pytest.mark.slow
def test_a_day_has_the_keys_of_all_its_half_hours(pond: Pond) -> None:
    """Those too that had no row in the last ones."""
    pond.close(at(720))
    pond.close(at(1440))
    days = [row["endpoint"] for row in pond.read(granularity="1d") if row["is_final"]]
    assert days == ["/a", "/b", "/c"]


@pytest.mark.slow
def test_a_closed_window_is_left_alone(pond: Pond) -> None:
    """What comes later is for `reconcile`; windows that are open count it."""
    pond.close(at(60))
    before = measured(pond.lake)
    pond.arrive(logged([at(6), at(61)], endpoint="/late"))
    pond.close(at(90))
    assert measured(pond.lake)[: len(before)] == before
    assert [row["window_start"] for row in pond.read() if row["endpoint"] == "/late"] == [at(60)]


def test_nothing_is_closed_before_the_first_end(pond: Pond) -> None:
    """No commit, no horizon."""
    assert pond.close(at(0)) == []
    assert horizon(store.open_table(pond.lake.places, TRAFFIC.name)) is None


def test_of_an_empty_logs(lake: Lake) -> None:
    """Nothing to close, to mend or to find."""
    store.create(lake.places, LOGS)
    pond = Pond(lake)
    assert (pond.close(END), pond.close_by_now(), pond.reconcile()) == ([], [], [])
    assert (pond.judged().checked, pond.read()) == (0, [])


@pytest.mark.slow
def test_a_day_whose_rest_was_deleted_is_closed_all_the_same(pond: Pond) -> None:
    """`retain` took the day while it was half closed: its closed half hours still make a day."""
    pond.close(at(720))
    maintenance.retain(pond.lake.places, "logs", days=1)
    pond.close(END)
    days = {
        row["date"]: row["requests"]
        for row in pond.read(granularity="1d", rollup="traffic")
        if row["is_final"] and row["endpoint"] == "/a"
    }
    assert days[DAY.date()] == 2
    assert pond.judged().wrong == 0


def test_closed_rows_say_up_to_which_offsets_they_count(pond: Pond) -> None:
    """One past the last record of each partition, in half hours and in the days made of them."""
    pond.arrive(logged([at(4), at(4), at(31)]))
    pond.close(at(1440))
    logs = store.open_table(pond.lake.places, LOGS).to_pyarrow_table().sort_by("_offset")
    newest = {row["timestamp"]: row["_offset"] + 1 for row in logs.to_pylist()}

    ends = {
        (r["granularity"], r["window_start"]): dict(r["_end_offsets"])
        for r in stored(pond.lake).to_pylist()
    }
    assert ends["30m", at(30)] == ends["1d", at(0)] == {"web-logs/0": newest[at(31)]}
    assert ends["30m", at(0)] == {"web-logs/0": newest[at(4)]}


def test_closed_rows_say_how_they_were_counted(pond: Pond) -> None:
    """Version of `logs`, and the newest batch of each writer."""
    pond.arrive(logged([at(6)]), writer="import", batch=41)
    pond.arrive(logged([at(7)]), writer="by hand, no batch")
    pond.close(at(30))
    for rollup in WINDOWS:
        (*rows,) = stored(pond.lake, rollup.name).to_pylist()
        assert {row["logs_version"] for row in rows} == {4}
        assert dict(rows[0]["_counted"]) == {"ingest": 0, "import": 41, "by hand, no batch": 3}
