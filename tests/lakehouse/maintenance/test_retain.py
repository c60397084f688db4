"""`retain` deletes whole dates and says where that ends: nothing is missed below, all is above."""

from __future__ import annotations

import sys
from datetime import date

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from support.aging import day, three_days
from support.asked import rows_at
from support.lakes import QUERY, TABLES, Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import SettingsError, TableError
from lakehouse.maintenance.retention_marks import retained_to
from lakehouse.proof.verify import Verdict, verify
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.table import Table
from streaming.repair.recover import recover


@pytest.fixture
def aged(lake: Lake) -> Lake:
    """Records 0-9 of the 1st (1 and 6 rejects), 10-14 of the 8th, 15-19 of the 10th."""
    return three_days(lake)


def recovered(lake: Lake) -> dict[int, int]:
    """Where a recovery starts that finds all of the topic on the broker."""
    writers = {t.name: store.Writer(lake.places, t) for t in TABLES}
    return recover(lake.places, QUERY, lake.topic, {0: 0}, writers, TABLES, 1).start


def faults(verdict: Verdict) -> tuple[int, int, int]:
    """Gaps, duplicates and rows from nowhere."""
    assert verdict.ok == (not (verdict.gaps or verdict.duplicates or verdict.unexpected))
    return verdict.gaps, verdict.duplicates, verdict.unexpected


def logs(lake: Lake) -> DeltaTable:
    """The newest `logs`."""
    return store.open_table(lake.places, LOGS)


def test_the_builder_is_right(aged: Lake) -> None:
    """Before `retain` all twenty records are there."""
    verdict = verify(aged.places)
    assert (verdict.ok, verdict.records) == (True, 20)


def test_dates_before_the_last_days_go(aged: Lake) -> None:
    """The newest date and the days asked for before it are kept, to the day."""
    told = maintenance.retain(aged.places, "logs", days=2)

    assert told.gone == (date(2026, 5, 1),)
    assert (told.first, told.kept) == (date(2026, 5, 8), (date(2026, 5, 8), date(2026, 5, 10)))
    assert aged.coordinates() == [(0, n) for n in range(10, 20)]


def test_it_is_one_commit_and_says_before_and_after(aged: Lake) -> None:
    """Figures of both states: rows and files go, one version comes, none becomes unreadable."""
    told = maintenance.retain(aged.places, "logs", days=1)

    assert (told.before.rows, told.after.rows, told.removed) == (18, 5, 2)
    assert (told.before.files, told.after.files) == (3, 1)
    assert told.after.version == told.before.version + 1
    assert told.after.oldest_version == told.before.oldest_version
    assert store.open_table(aged.places, LOGS, version=told.before.version).count() == 18


def test_a_dry_run_says_the_same_and_changes_nothing(aged: Lake) -> None:
    """But for the version, as nothing is committed."""
    would = maintenance.retain(aged.places, "logs", days=2, dry_run=True)
    assert aged.count() == 18
    did = maintenance.retain(aged.places, "logs", days=2)

    assert (would.gone, would.removed) == (did.gone, did.removed)
    assert (would.after.rows, would.after.files) == (did.after.rows, did.after.files)
    assert (would.after.bytes, would.after.small_files) == (did.after.bytes, did.after.small_files)
    assert would.after.version == did.after.version - 1


def test_nothing_old_is_no_commit(aged: Lake) -> None:
    """Nor is a point noted."""
    told = maintenance.retain(aged.places, "logs", days=30)
    assert (told.after, told.gone) == (told.before, ())
    assert maintenance.retained_from(logs(aged)) is None


def test_the_first_date_kept_is_noted(aged: Lake) -> None:
    """Who recounts days knows where they begin; a version from before knows nothing of it."""
    told = maintenance.retain(aged.places, "logs", days=1)
    before = store.open_table(aged.places, LOGS, version=told.before.version)

    assert maintenance.retained_from(logs(aged)) == date(2026, 5, 9)
    assert maintenance.retained_from(before) is None


def test_verify_starts_where_it_ends(aged: Lake) -> None:
    """Rejects of the same records, which stay, are neither missed nor counted."""
    maintenance.retain(aged.places, "logs", days=1)
    verdict = verify(aged.places)

    assert faults(verdict) == (0, 0, 0)
    assert (verdict.records, verdict.logs, verdict.quarantine) == (5, 5, 0)
    assert verdict.partitions[0].first == 15


def test_rows_below_the_point_are_tolerated(aged: Lake) -> None:
    """A record of a date that is kept may have come before ones of a date that is gone."""
    store.open_table(aged.places, LOGS).delete("_offset = 3")
    aged.put(rows_at(day(10), [3]))
    maintenance.retain(aged.places, "logs", days=1)

    verdict = verify(aged.places)
    assert (faults(verdict), verdict.logs, aged.count()) == ((0, 0, 0), 5, 6)


@pytest.mark.parametrize(("offset", "found"), [(16, (0, 1, 0)), (900, (0, 0, 1)), (-1, (0, 0, 1))])
def test_what_is_wrong_above_and_outside_is_still_found(
    aged: Lake, offset: int, found: tuple[int, int, int]
) -> None:
    """A repeated row, one beyond the end, one from before the first record."""
    maintenance.retain(aged.places, "logs", days=1)
    aged.put(rows_at(day(10), [offset]))
    assert faults(verify(aged.places)) == found


def test_a_gap_above_the_point_is_still_found(aged: Lake) -> None:
    """What `retain` did not delete must be there."""
    maintenance.retain(aged.places, "logs", days=1)
    logs(aged).delete("_offset = 17")
    assert faults(verify(aged.places)) == (1, 0, 0)


def test_both_tables_have_points_and_the_greater_counts(aged: Lake) -> None:
    """Quarantine's dates are the broker's: its point is its own."""
    found = rows_at(day(1), [30])
    maintenance.retain(aged.places, "logs", days=2)
    late = store.open_table(aged.places, QUARANTINE).to_pyarrow_table().slice(0, 1)
    place = late.schema.get_field_index("date")
    aged.put(
        late.set_column(place, late.schema.field(place), found["date"].take([0])), table=QUARANTINE
    )

    assert retained_to(logs(aged), "web-logs", 0) == 10
    assert retained_to(store.open_table(aged.places, QUARANTINE), "web-logs", 0) == 0
    assert verify(aged.places).partitions[0].first == 10


def test_points_never_go_back(aged: Lake) -> None:
    """A late row of an old date that goes later does not lower what is noted."""
    maintenance.retain(aged.places, "logs", days=1)
    aged.put(rows_at(day(1), [3]))
    maintenance.retain(aged.places, "logs", days=5)

    assert retained_to(logs(aged), "web-logs", 0) == 15
    assert maintenance.retained_from(logs(aged)) == date(2026, 5, 9)


def test_recover_does_not_bring_back_what_went(aged: Lake) -> None:
    """Its first missing record is searched from the point on, though the broker has all."""
    maintenance.retain(aged.places, "logs", days=1)
    assert recovered(aged) == {0: 20}
    assert faults(verify(aged.places)) == (0, 0, 0)


def test_recover_finds_what_is_missing_above(aged: Lake) -> None:
    """A gap there is read again."""
    maintenance.retain(aged.places, "logs", days=1)
    logs(aged).delete("_offset = 17")
    assert recovered(aged) == {0: 17}


def test_a_batch_in_flight_may_lose_old_dates(aged: Lake) -> None:
    """Its point is beyond the last completed batch, and verify is not confused, then or later."""
    aged.batch(3, {0: 25}, crash="offsets")
    aged.put(rows_at(day(2), range(20, 23)))
    aged.put(rows_at(day(10), range(23, 25)))
    maintenance.retain(aged.places, "logs", days=2)
    during = verify(aged.places)
    aged.complete(3)
    after = verify(aged.places)

    assert (faults(during), during.records, during.in_flight) == ((0, 0, 0), 0, 2)
    assert (faults(after), after.records) == ((0, 0, 0), 2)


def test_rows_that_come_meanwhile_are_a_conflict_and_tried_again(
    aged: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late row of an old date goes too, and its offset is in the point."""
    room = sys.modules["lakehouse.maintenance.retain"]
    highest, late = room._highest, [rows_at(day(1), [40])]

    def with_a_late_row(*given: object) -> object:
        for rows in late:
            late.clear()
            aged.put(rows)
        return highest(*given)

    monkeypatch.setattr(room, "_highest", with_a_late_row)
    maintenance.retain(aged.places, "logs", days=2)

    assert aged.coordinates() == [(0, n) for n in range(10, 20)]
    assert retained_to(logs(aged), "web-logs", 0) == 41


def test_a_writer_that_was_open_goes_on(aged: Lake) -> None:
    """Ingest commits on top of it, once."""
    writer = store.Writer(aged.places, LOGS)
    maintenance.retain(aged.places, "logs", days=1)

    assert writer.append(events([99]), store.Key("late", 0))
    assert not writer.append(events([99]), store.Key("late", 0))


def test_a_rollup_loses_the_same_dates_of_every_granularity(lake: Lake) -> None:
    """Whatever else it is partitioned by; it comes from no topic, so only the date is noted."""
    kinds = [("granularity", pa.string()), ("date", pa.date32()), ("requests", pa.int64())]
    rollup = Table("traffic", "windows", pa.schema(kinds), ("granularity", "date"), ())
    dates = [date(2026, 5, on) for on in (1, 8, 10)]
    for size in ("30m", "1d"):
        rows = {"granularity": [size] * 3, "date": dates, "requests": [1, 2, 3]}
        lake.put(pa.table(rows, schema=rollup.columns), key=size, table=rollup)
    told = maintenance.retain(lake.places, "traffic", days=2)

    assert (told.before.rows, told.after.rows, told.removed) == (6, 4, 2)
    found = store.open_table(lake.places, "traffic")
    assert maintenance.retained_from(found) == date(2026, 5, 8)
    assert retained_to(found, "web-logs", 0) == 0


def test_less_than_a_day_is_refused(aged: Lake) -> None:
    """Nobody means to empty a table with it."""
    with pytest.raises(SettingsError, match="a day at least"):
        maintenance.retain(aged.places, "logs", days=0)


def test_an_empty_table_and_a_missing_one(lake: Lake) -> None:
    """The first is left as it is, the second is said."""
    store.create(lake.places, LOGS)
    told = maintenance.retain(lake.places, "logs", days=1)
    assert (told.first, told.after) == (None, told.before)
    with pytest.raises(TableError, match="no table nonsense"):
        maintenance.retain(lake.places, "nonsense", days=1)
