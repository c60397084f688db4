"""Rows that came after their window was closed are late, told apart from wrong, and mended."""

from __future__ import annotations

import random
import threading
from datetime import date, timedelta

import pytest
from support.lakes import Lake
from support.windows import DAY, Pond, at, differences, logged, measured, tampered

from lakehouse import maintenance, store
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import TRAFFIC, WATERMARK, WINDOWS
from lakehouse.windows.check import WindowsVerdict
from lakehouse.windows.close import close
from lakehouse.windows.recount import reconcile

pytestmark = pytest.mark.slow


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """A row a half hour of two days but for their midst, closed up to the noon of the second."""
    made = Pond(lake)
    times = [at(30 * n + 7) for n in [*range(14), *range(44, 62), *range(71, 80)]]
    made.arrive(logged(times, endpoint=["/a" if n % 2 else "/b" for n in range(len(times))]))
    made.close(at(2160))
    return made


def faults(verdict: WindowsVerdict) -> list[tuple[str, str, str, float, int]]:
    """Table, granularity, fault, minutes after the first day's begin, late rows."""
    return [
        (f.table, f.granularity, f.fault, (f.window_start - DAY).total_seconds() / 60, f.late_rows)
        for f in verdict.faults
    ]


def test_what_is_in_time_is_right(pond: Pond) -> None:
    """33 half hours and a day of each table are looked at."""
    verdict = pond.judged()
    assert (verdict.checked, verdict.wrong, verdict.late, verdict.late_rows) == (68, 0, 0, 0)


def test_late_rows_are_told_with_their_number(pond: Pond) -> None:
    """By window, not as wrong; those of an open window are in time."""
    pond.arrive(logged([at(8), at(9), at(2161)]))
    verdict = pond.judged()
    assert (verdict.wrong, verdict.late, verdict.late_rows) == (0, 2, 4)
    assert faults(verdict) == [("traffic", "30m", "late", 0, 2), ("usage", "30m", "late", 0, 2)]


def test_how_late_is_told(pond: Pond) -> None:
    """From the end of the window to the newest of its rows' arrivals."""
    rows = logged([at(8), at(9)])
    place = rows.schema.get_field_index("_ingested_at")
    came = [at(90), at(75)]
    pond.arrive(rows.set_column(place, rows.schema.field(place), [came]))
    assert {fault.latest_by for fault in pond.judged().faults} == {timedelta(minutes=60)}


def test_reconcile_counts_late_rows_and_their_day(pond: Pond) -> None:
    """Every window equals a recount then; a second one finds nothing."""
    pond.arrive(logged([at(8), at(9), at(1500)], endpoint="/late", response_time=3.0))
    found = pond.reconcile()
    assert [(f.table, f.date.day, len(f.late)) for f in found] == [
        ("traffic", 29, 1),
        ("traffic", 30, 1),
        ("usage", 29, 1),
        ("usage", 30, 1),
    ]
    assert differences(pond.lake) == []
    assert (pond.judged().late, pond.reconcile()) == (0, [])


def test_reconcile_leaves_other_windows_as_they_are(pond: Pond) -> None:
    """Row by row, also which version of `logs` they counted."""
    before = [row for row in pond.read() if row["is_final"] and row["window_start"] != at(0)]
    pond.arrive(logged([at(8)]))
    pond.reconcile()
    after = pond.read()
    assert [row for row in before if row not in after] == []


def test_windows_that_were_never_written(pond: Pond) -> None:
    """An import into hours and days long closed: late, then there, with its days."""
    early = [at(-4000), at(-3999), at(-1450)]
    pond.arrive(logged(early, endpoint="/imported"), writer="file:abc", batch=0)
    verdict = pond.judged()
    assert (verdict.wrong, verdict.late, verdict.late_rows) == (0, 4, 6)
    pond.reconcile()
    days = [r["date"] for r in pond.read(granularity="1d") if r["endpoint"] == "/imported"]
    assert days == [date(2026, 4, 26), date(2026, 4, 27)]
    assert differences(pond.lake) == []
    assert pond.judged().late == 0


def test_since_looks_no_further_back(pond: Pond) -> None:
    """Days before it are as they were."""
    pond.arrive(logged([at(8), at(1500)]))
    done = [*reconcile(pond.lake.places, TRAFFIC, WATERMARK, date(2026, 4, 30))]
    assert [found.date.day for found in done] == [30]
    assert [fault.window_start for fault in pond.judged().faults if fault.table == "traffic"] == [
        at(0)
    ]


TAMPERED = {
    "a count": ("granularity = '30m' AND window_start = '2026-04-29T00:00:00Z'", "requests", "9"),
    "a quantile": (
        "granularity = '30m' AND window_start = '2026-04-29T01:00:00Z'",
        "latency_p50",
        "1.0",
    ),
    "a NULL": ("granularity = '30m' AND window_start = '2026-04-29T00:00:00Z'", "endpoint", "'/x'"),
    "a day": ("granularity = '1d' AND endpoint = '/a'", "bytes", "1"),
    "a set": ("granularity = '1d' AND endpoint = '/b'", "unique_visitors", "2"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_row_is_wrong_until_it_is_mended(lake: Lake, what: str) -> None:
    """Whatever the column; then every row is as it was."""
    pond = Pond(lake)
    pond.arrive(
        logged(
            [at(30 * n) for n in range(48)],
            endpoint=["/a", "/b"] * 24,
            response_time=5.0,
            bytes_sent=100,
        )
    )
    pond.close(at(1440))
    before = measured(lake)
    where, column, value = TAMPERED[what]
    tampered(lake, where, **{column: value})
    verdict = pond.judged()
    assert {(f.table, f.fault) for f in verdict.faults} == {("traffic", "wrong")}
    pond.reconcile()
    assert measured(lake) == before


def test_a_window_that_lacks_or_has_a_row_too_many(pond: Pond) -> None:
    """A row taken away, and one of nowhere, are wrong; so is a day that was never over."""
    table = store.open_table(pond.lake.places, "traffic")
    table.delete("granularity = '30m' AND window_start = '2026-04-29T03:00:00Z'")
    tampered(
        pond.lake,
        "granularity = '30m' AND window_start = '2026-04-29T05:00:00Z'",
        window_start="CAST('2026-04-29T05:10:00Z' AS TIMESTAMP)",
    )
    assert {fault[3] for fault in faults(pond.judged())} == {0, 180, 300, 310}
    pond.reconcile()
    assert pond.judged().wrong == 0
    assert differences(pond.lake) == []


def test_wrong_and_late_at_once(pond: Pond) -> None:
    """It is wrong as to what it counted; mended, it has the late row too."""
    pond.arrive(logged([at(8)]))
    tampered(
        pond.lake, "granularity = '30m' AND window_start = '2026-04-29T00:00:00Z'", requests="5"
    )
    assert faults(pond.judged()) == [
        ("traffic", "30m", "wrong", 0, 0),
        ("traffic", "1d", "wrong", 0, 0),
        ("usage", "30m", "late", 0, 1),
    ]
    pond.reconcile()
    assert differences(pond.lake) == []


def test_reconcile_after_the_rows_were_compacted(pond: Pond) -> None:
    """OPTIMIZE between closing and lateness, and after it, changes no verdict."""
    maintenance.optimize(pond.lake.places, "logs")
    assert pond.judged().late == 0
    pond.arrive(logged([at(8)]))
    maintenance.optimize(pond.lake.places, "logs")
    maintenance.optimize(pond.lake.places, "traffic")
    assert (pond.judged().wrong, pond.judged().late) == (0, 2)
    pond.reconcile()
    assert differences(pond.lake) == []


def test_reconcile_where_nothing_was_ever_closed(lake: Lake) -> None:
    """Closes what is over; the newest half hour stays open."""
    pond = Pond(lake)
    pond.arrive(logged([at(5), at(1450), at(1500)]))
    pond.reconcile()
    assert [row["is_final"] for row in pond.read()] == [True, True, False]
    assert differences(lake) == []
    assert pond.judged().wrong == 0


def test_after_retain_older_windows_stay(pond: Pond) -> None:
    """They cannot be recounted, and are not called wrong; nor does a late row there change them."""
    before = [row for row in measured(pond.lake) if row["date"] == DAY.date()]
    pond.arrive(logged([at(6 * 1440)]))
    maintenance.retain(pond.lake.places, "logs", days=5)
    pond.arrive(logged([at(9), at(1500)]))
    verdict = pond.judged()
    assert (verdict.wrong, verdict.late, verdict.late_rows) == (0, 2, 2)
    pond.reconcile()
    assert [row for row in measured(pond.lake) if row["date"] == DAY.date()] == before


def test_reconcile_beside_a_stream_that_closes(lake: Lake) -> None:
    """Late rows, closing and mending at the same time: nothing is lost or doubled."""
    pond = Pond(lake)
    pond.arrive(logged([at(7 * n) for n in range(430)], endpoint=["/a", "/b"] * 215))
    pond.close(at(60))
    failed: list[Exception] = []

    def closing() -> None:
        try:
            for half_hours in (3, 20, 48, 50, 97):
                for rollup in WINDOWS:
                    [*close(lake.places, rollup, at(30 * half_hours))]
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=closing)
    thread.start()
    for number in range(3):
        pond.arrive(logged([at(8 + number), at(300 * number)], endpoint="/late"))
        pond.reconcile()
    thread.join()
    pond.reconcile()
    assert failed == []
    assert differences(lake) == []
    assert (pond.judged().wrong, pond.judged().late) == (0, 0)


def test_two_percent_late_traffic(lake: Lake) -> None:
    """After `reconcile` every window equals an independent recount."""
    choose, pond = random.Random(4), Pond(lake)
    times = [at(choose.uniform(0, 1600)) for _ in range(6000)]
    late = set(choose.sample(range(6000), 120))
    rows = logged(
        times,
        endpoint=[choose.choice("abc") for _ in times],
        ip=[f"192.0.2.{choose.randrange(200)}" for _ in times],
        response_time=[round(choose.lognormvariate(3, 1), 3) for _ in times],
        status_code=[choose.choice([200, 200, 404, 500]) for _ in times],
    )
    pond.arrive(rows.filter([n not in late for n in range(6000)]))
    pond.close_by_now()
    pond.arrive(rows.filter([n in late for n in range(6000)]))
    assert pond.judged().late_rows > 200
    pond.reconcile()
    assert differences(lake) == []
    assert store.open_table(lake.places, LOGS).count() == 6000
    assert pond.judged().wrong == 0
