"""`retain` deletes whole dates and notes which rows go: none of them is missed, any other is."""

from __future__ import annotations

import sys
from datetime import date

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction
from support.aging import day, three_days
from support.asked import rows_at
from support.lakes import QUERY, TABLES, Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import SettingsError, TableError
from lakehouse.ingest.absent import Absent
from lakehouse.maintenance.retention_marks import unnoted_from
from lakehouse.proof.verdict import Verdict
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.table import Table
from streaming.repair.recover import recover

pytestmark = pytest.mark.slow


@pytest.fixture
def aged(lake: Lake) -> Lake:
    """Records 0-9 of the 1st (1 and 6 rejects), 10-14 of the 8th, 15-19 of the 10th."""
    return three_days(lake)


def recovered(lake: Lake) -> dict[int, int]:
    """Where a recovery starts that finds all of the topic on the broker."""
    writers = {t.name: store.Writer(lake.places, t) for t in TABLES}
    first = {lake.topic.name: {0: 0}}
    done = recover(lake.places, QUERY, [lake.topic], first, writers, TABLES, 1)
    return done.start[lake.topic.name]


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


def test_verify_counts_all_that_it_left(aged: Lake) -> None:
    """Rejects that came among the rows that went stay, and stay under the promise."""
    maintenance.retain(aged.places, "logs", days=1)
    verdict = verify(aged.places)

    assert faults(verdict) == (0, 0, 0)
    assert (verdict.records, verdict.logs, verdict.quarantine) == (7, 5, 2)
    assert (verdict.partitions[0].first, verdict.retained) == (0, 13)


def test_rows_among_those_that_went_are_counted(aged: Lake) -> None:
    """A record of a date that is kept may have come before ones of a date that is gone."""
    store.open_table(aged.places, LOGS).delete("_offset = 3")
    aged.put(rows_at(day(10), [3]))
    maintenance.retain(aged.places, "logs", days=1)

    verdict = verify(aged.places)
    assert (faults(verdict), verdict.logs, aged.count()) == ((0, 0, 0), 6, 6)
    logs(aged).delete("_offset = 3")
    assert faults(verify(aged.places)) == (1, 0, 0)


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


def test_one_late_row_does_not_hide_those_before_it(aged: Lake) -> None:
    """It came last and goes first: what came before it is of days that are kept."""
    store.open_table(aged.places, LOGS).delete("_offset = 19")
    aged.put(rows_at(day(1), [19]))
    maintenance.retain(aged.places, "logs", days=1)
    assert (verify(aged.places).ok, verify(aged.places).logs) == (True, 4)
    logs(aged).delete("_offset = 17")
    assert faults(verify(aged.places)) == (1, 0, 0)


def retain_rejects(lake: Lake) -> None:
    """Delete the rejects of the 1st: one of the 10th makes them old."""
    found = store.open_table(lake.places, QUARANTINE).to_pyarrow_table().slice(0, 1)
    dates = rows_at(day(10), [30])["date"]
    place = found.schema.get_field_index("date")
    new = found.set_column(place, found.schema.field(place), dates).to_pylist()[0]
    lake.batch(3, {0: 21}, crash="offsets")
    new |= {"_offset": 20, "_kafka_timestamp": day(10)}
    lake.put(pa.Table.from_pylist([new], schema=QUARANTINE.columns), "q", QUARANTINE)
    lake.complete(3)
    told = maintenance.retain(lake.places, "quarantine", days=2)
    assert told.gone == (date(2026, 5, 1),)


def test_rejects_that_went_are_not_missed(aged: Lake) -> None:
    """And every row of `logs` that came among them is."""
    retain_rejects(aged)
    verdict = verify(aged.places)
    assert (faults(verdict), verdict.retained, verdict.records) == ((0, 0, 0), 2, 19)
    logs(aged).delete("_offset = 3")
    assert faults(verify(aged.places)) == (1, 0, 0)


def test_a_replayed_row_is_missed_though_its_reject_went(aged: Lake) -> None:
    """It is a row of `logs` like any other."""
    aged.put(rows_at(day(8), [6]), key="replay")
    retain_rejects(aged)
    verdict = verify(aged.places)
    assert (faults(verdict), verdict.retained) == ((0, 0, 0), 1)
    logs(aged).delete("_offset = 6")
    assert faults(verify(aged.places)) == (1, 0, 0)


def test_cut_off_before_the_commit_nothing_is_missed(
    aged: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would have gone is noted, and there; a repeat ends it."""
    with monkeypatch.context() as patch:
        patch.setattr(DeltaTable, "delete", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            maintenance.retain(aged.places, "logs", days=1)
    assert (verify(aged.places).ok, verify(aged.places).logs) == (True, 18)
    maintenance.retain(aged.places, "logs", days=1)
    assert (verify(aged.places).ok, verify(aged.places).records) == (True, 7)


def raise_interrupt(*_given: object, **_flags: object) -> None:
    """Stands for the end of the process."""
    raise KeyboardInterrupt


def test_points_of_before_are_kept(aged: Lake) -> None:
    """A lake of an earlier release is verified from them on, after a `retain` of today too."""
    day_of = (date(2026, 5, 2) - date(1970, 1, 1)).days
    now = [Transaction("retain/web-logs/0", 10, 0), Transaction("retain/date", day_of, 0)]
    logs(aged).delete("_offset < 10", commit_properties=CommitProperties(app_transactions=now))
    assert (verify(aged.places).ok, verify(aged.places).partitions[0].first) == (True, 10)
    maintenance.retain(aged.places, "logs", days=1)
    verdict = verify(aged.places)
    assert (verdict.ok, verdict.partitions[0].first, verdict.records) == (True, 10, 5)
    assert unnoted_from(logs(aged)) == date(2026, 5, 2)


def test_the_date_never_goes_back(aged: Lake) -> None:
    """A late row of an old date that goes later does not lower what is noted."""
    maintenance.retain(aged.places, "logs", days=1)
    aged.put(rows_at(day(1), [3]))
    maintenance.retain(aged.places, "logs", days=5)

    assert maintenance.retained_from(logs(aged)) == date(2026, 5, 9)
    assert faults(verify(aged.places)) == (0, 0, 0)


def test_recover_does_not_bring_back_what_went(aged: Lake) -> None:
    """What it deleted is not missing, though the broker has all."""
    maintenance.retain(aged.places, "logs", days=1)
    assert recovered(aged) == {0: 20}
    assert faults(verify(aged.places)) == (0, 0, 0)


def test_recover_finds_what_is_missing_above(aged: Lake) -> None:
    """A gap there is read again."""
    maintenance.retain(aged.places, "logs", days=1)
    logs(aged).delete("_offset = 17")
    assert recovered(aged) == {0: 17}


def test_a_batch_in_flight_may_lose_old_dates(aged: Lake) -> None:
    """Beyond the last completed batch, and verify is not confused, then or later."""
    aged.batch(3, {0: 25}, crash="offsets")
    aged.put(rows_at(day(2), range(20, 23)))
    aged.put(rows_at(day(10), range(23, 25)))
    maintenance.retain(aged.places, "logs", days=2)
    during = verify(aged.places)
    aged.complete(3)
    after = verify(aged.places)

    assert (faults(during), during.records, during.in_flight) == ((0, 0, 0), 12, 2)
    assert (faults(after), after.records) == ((0, 0, 0), 14)


def test_rows_that_come_meanwhile_are_a_conflict_and_tried_again(
    aged: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late row of an old date goes too, and its offset is noted."""
    room = sys.modules["lakehouse.maintenance.retain"]
    note, late = room.note, [rows_at(day(1), [40])]

    def with_a_late_row(*given: object) -> object:
        for rows in late:
            late.clear()
            aged.put(rows)
        return note(*given)

    monkeypatch.setattr(room, "note", with_a_late_row)
    maintenance.retain(aged.places, "logs", days=2)

    assert aged.coordinates() == [(0, n) for n in range(10, 20)]
    assert 40 in Absent(aged.places).of("retained")["last_"].to_pylist()


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
    assert Absent(lake.places).of("retained").num_rows == 0


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
