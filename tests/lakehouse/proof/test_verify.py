"""The checker: it agrees with what is right, and catches every way of being wrong."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.lakes import LIMITS, Lake, events, records

from lakehouse import store
from lakehouse.decode import decode
from lakehouse.errors import CheckpointError, TableError
from lakehouse.ingest.absent import Absent, Stretch, noted
from lakehouse.ingest.intake import stamped
from lakehouse.proof.verdict import Verdict
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import LOGS, QUARANTINE


@pytest.fixture
def running(lake: Lake) -> Lake:
    """Two completed batches of two partitions: 14 records, 2 of them in quarantine; proved."""
    lake.adopt({0: 0, 1: 100})
    lake.batch(0, {0: 5, 1: 103}, bad={1})
    lake.batch(1, {0: 9, 1: 105}, bad={104})
    assert verify(lake.places).proof.noted == 1
    return lake


def delete(lake: Lake, where: str, table: str = "logs") -> None:
    """Take rows away."""
    store.open_table(lake.places, table).delete(where)


def rejects(offsets: list[int]) -> pa.Table:
    """Rows of quarantine."""
    found = decode(records(offsets, bad=offsets), LIMITS).rejects
    return stamped(found, QUARANTINE.columns, datetime.now(UTC), "test:0")


def faults(verdict: Verdict) -> dict[str, int]:
    """The counts that are not zero, of those that make it fail."""
    names = ("gaps", "duplicates", "unexpected", "misplaced")
    counts = {name: getattr(verdict, name) for name in names}
    assert verdict.ok == (not any(counts.values()))
    return {name: count for name, count in counts.items() if count}


def test_what_is_right_is_ok(running: Lake) -> None:
    """Every record is found, in the one table or the other."""
    verdict = verify(running.places)

    assert faults(verdict) == {}
    assert (verdict.records, verdict.logs, verdict.quarantine) == (14, 12, 2)
    assert [(p.partition, p.first, p.end) for p in verdict.partitions] == [(0, 0, 9), (1, 100, 105)]


def test_the_json_says_all(running: Lake) -> None:
    """Its shape is what scripts rely on."""
    found = json.loads(json.dumps(verify(running.places).as_dict()))

    assert (
        found.items()
        >= {
            "ok": True,
            "records": 14,
            "logs": 12,
            "quarantine": 2,
            "gaps": 0,
            "duplicates": 0,
            "unexpected": 0,
            "misplaced": 0,
            "in_flight": 0,
            "duplicate_event_ids": 0,
        }.items()
    )
    assert set(found["versions"]) == {"logs", "quarantine"}


@pytest.mark.parametrize("offset", [0, 3, 8], ids=["first", "middle", "last"])
def test_a_dropped_row_is_a_gap(running: Lake, offset: int) -> None:
    """Wherever it was, it is missed, and shown."""
    delete(running, f"_partition = 0 and _offset = {offset}")

    verdict = verify(running.places)

    assert faults(verdict) == {"gaps": 1}
    assert verdict.examples_of_gaps == [
        {"topic": "web-logs", "partition": 0, "first": offset, "last": offset}
    ]


def test_a_dropped_reject_is_a_gap(running: Lake) -> None:
    """Quarantine is under the promise too."""
    delete(running, "_offset = 1", "quarantine")
    assert faults(verify(running.places)) == {"gaps": 1}


def test_a_partition_that_is_gone_is_all_gaps(running: Lake) -> None:
    """Also where not one row is left to tell."""
    delete(running, "_partition = 1")
    delete(running, "_partition = 1", "quarantine")
    assert faults(verify(running.places)) == {"gaps": 5}


def test_a_repeated_row_is_a_duplicate(running: Lake) -> None:
    """The same record twice in logs."""
    running.put(events([3]))

    verdict = verify(running.places)

    assert faults(verdict) == {"duplicates": 1}
    assert verdict.duplicate_event_ids == 1


def test_a_gap_does_not_hide_behind_a_duplicate(running: Lake) -> None:
    """The number of rows being right is no proof."""
    delete(running, "_partition = 0 and _offset = 4")
    running.put(events([3]))
    assert faults(verify(running.places)) == {"gaps": 1, "duplicates": 1}


def test_a_row_shifted_to_another_offset_is_caught(running: Lake) -> None:
    """Onto another record it is a gap and a duplicate, beyond the end a gap and a stranger."""
    store.open_table(running.places, LOGS).update(
        updates={"_offset": "5"}, predicate="_partition = 0 and _offset = 4"
    )
    assert faults(verify(running.places)) == {"gaps": 1, "duplicates": 1}


@pytest.mark.parametrize(
    "to", [{"_offset": "900"}, {"_partition": "7"}, {"_offset": "-1"}], ids=str
)
def test_a_row_shifted_to_nowhere_is_caught(running: Lake, to: dict[str, str]) -> None:
    """No record has such coordinates."""
    store.open_table(running.places, LOGS).update(
        updates=to, predicate="_partition = 0 and _offset = 4"
    )
    assert faults(verify(running.places)) == {"gaps": 1, "unexpected": 1}


def test_a_row_shifted_to_another_hour_is_caught(running: Lake) -> None:
    """The partition of a row is that of its time."""
    rows = events([9]).to_pydict()
    delete(running, "_partition = 0 and _offset = 8")
    wrong = rows | {"hour": [3], "_offset": [8]}
    running.put(pa.Table.from_pydict(wrong, schema=LOGS.columns))
    assert faults(verify(running.places)) == {"misplaced": 1}


def test_an_open_reject_twice_is_a_duplicate(running: Lake) -> None:
    """Quarantine holds a record once."""
    running.put(rejects([1]), table=QUARANTINE)
    assert faults(verify(running.places)) == {"duplicates": 1}


def test_closed_quarantine_is_no_duplicate(running: Lake) -> None:
    """A reject whose record is in logs by now counts there only."""
    running.put(events([1]))

    verdict = verify(running.places)

    assert faults(verdict) == {}
    assert (verdict.logs, verdict.quarantine) == (13, 1)


@pytest.mark.parametrize("offsets", [[0], [0, 1, 2]])
def test_rows_of_an_unknown_topic_are_caught(running: Lake, offsets: list[int]) -> None:
    """A row has to come from somewhere."""
    rows = events(offsets)
    place = rows.schema.get_field_index("_topic")
    running.put(
        rows.set_column(place, LOGS.columns.field("_topic"), pa.array(["who"] * len(offsets)))
    )
    assert faults(verify(running.places)) == {"unexpected": len(offsets)}


def test_rows_of_a_file_that_nobody_imported_are_caught(running: Lake) -> None:
    """The raw zone knows every file that rows can be of."""
    rows = events([0])
    place = rows.schema.get_field_index("_topic")
    running.put(rows.set_column(place, LOGS.columns.field("_topic"), pa.array(["file:abc"])))
    assert faults(verify(running.places)) == {"unexpected": 1}


@pytest.mark.parametrize("crash", ["offsets", "planned", "quarantine", "logs"])
def test_a_batch_in_flight_is_no_fault(running: Lake, crash: str) -> None:
    """Its records may be there or not, up to what was planned; they are counted apart."""
    running.batch(2, {0: 12, 1: 105}, bad={10}, crash=crash)

    verdict = verify(running.places)

    assert faults(verdict) == {}
    assert (verdict.records, verdict.in_flight) == (14, {"quarantine": 1, "logs": 3}.get(crash, 0))


def test_a_row_twice_in_flight_is_caught(running: Lake) -> None:
    """A batch that is not completed has no licence to repeat."""
    running.batch(2, {0: 12, 1: 105}, crash="logs")
    running.put(events([10]))
    assert faults(verify(running.places)) == {"duplicates": 1}


def test_a_row_beyond_the_plan_is_caught(running: Lake) -> None:
    """Nobody asked for it yet."""
    running.batch(2, {0: 12, 1: 105}, crash="logs")
    running.put(events([12]))
    assert faults(verify(running.places)) == {"unexpected": 1}


def test_the_same_event_sent_twice_is_information(lake: Lake) -> None:
    """Two records with one event_id are both rows: to tell them apart is a reader's business."""
    lake.adopt({0: 0})
    plan = lake.batch(0, {0: 3}, crash="planned")
    lake.put(events([0, 1, 2], event_id="same"))
    lake.batch(0, {0: 3}, crash="offsets")
    (Path(lake.places.checkpoint("ingest")) / "commits").mkdir()
    (Path(lake.places.checkpoint("ingest")) / "commits" / "0").write_text("v1\n{}")
    store.create(lake.places, QUARANTINE)

    verdict = verify(lake.places)

    assert plan.rows_of("logs") == 3
    assert (faults(verdict), verdict.duplicate_event_ids) == ({}, 2)


def of_topic(rows: pa.Table, topic_id: str) -> pa.Table:
    """Rows that say which topic they are of."""
    place = rows.schema.get_field_index("_topic_id")
    ids = pa.array([topic_id] * rows.num_rows)
    return rows.set_column(place, rows.schema.field(place), ids)


def test_rows_say_which_topic_they_are_of(running: Lake) -> None:
    """By its id, which no other topic of the name has."""
    rows = store.open_table(running.places, LOGS).to_pyarrow_table(columns=["_topic_id"])
    assert set(rows["_topic_id"].to_pylist()) == {running.topic.id}


@pytest.mark.parametrize("offset", [4, 9])
def test_a_row_of_another_topic_of_the_name_is_caught(running: Lake, offset: int) -> None:
    """Where a record of ours was, and where none was."""
    delete(running, f"_partition = 0 and _offset = {offset}")
    running.put(of_topic(events([offset]), "id-2"))
    verdict = verify(running.places)
    assert (verdict.ok, verdict.gaps) == (False, 0)
    assert verdict.unexpected == (1 if offset == 4 else 2)


def note(lake: Lake, first: int, last: int) -> None:
    """Kafka gives these offsets of partition 0 to no reader."""
    stretch = Stretch(lake.topic.name, 0, first, last)
    Absent(lake.places).note("invisible", f"{first}", noted([stretch]))


def test_what_no_reader_sees_is_no_gap(running: Lake) -> None:
    """Marks of transactions, aborted records: counted apart, and no records."""
    delete(running, "_partition = 0 and _offset in (2, 3, 8)")
    note(running, 2, 3)
    note(running, 8, 8)
    verdict = verify(running.places)
    assert (faults(verdict), verdict.invisible, verdict.records) == ({}, 3, 11)
    assert [p.invisible for p in verdict.partitions] == [3, 0]


def test_what_is_invisible_hides_no_gap_and_no_row(running: Lake) -> None:
    """Notes that overlap count once; a row that is there counts as a row."""
    delete(running, "_partition = 0 and _offset in (2, 3, 5)")
    for stretch in ((2, 2), (2, 3), (3, 4), (7, 7), (9, 50)):
        note(running, *stretch)
    verdict = verify(running.places)
    assert (faults(verdict), verdict.invisible) == ({"gaps": 1}, 2)
    assert [(g["first"], g["last"]) for g in verdict.examples_of_gaps] == [(5, 5)]


def test_a_row_shifted_onto_an_invisible_offset_is_a_gap(running: Lake) -> None:
    """Where it came from it is missed."""
    delete(running, "_partition = 0 and _offset = 2")
    note(running, 2, 2)
    store.open_table(running.places, LOGS).update(
        updates={"_offset": "2"}, predicate="_partition = 0 and _offset = 6"
    )
    assert faults(verify(running.places)) == {"gaps": 1}


def test_notes_that_are_made_one_say_the_same(running: Lake) -> None:
    """Many small ones become one, and are gone."""
    delete(running, "_partition = 0 and _offset = 2")
    for _ in range(2):
        for n in range(100, 160):
            Absent(running.places).note("invisible", f"a{n}", noted([Stretch("x", 0, n, n)]))
        note(running, 2, 2)
        for n in range(200, 260):
            Absent(running.places).note("invisible", f"b{n}", noted([Stretch("x", 0, n, n)]))
        Absent(running.places).tidy("invisible")
    assert len([*Path(running.places.absent, "invisible").iterdir()]) == 1
    assert faults(verify(running.places)) == {}


def test_a_lake_of_before_is_verified_as_before(running: Lake) -> None:
    """Its rows do not say which topic they are of, and nothing is noted of it."""
    root = Path(running.places.table(LOGS))
    rows = store.open_table(running.places, LOGS).to_pyarrow_table().drop_columns(["_topic_id"])
    shutil.rmtree(root)
    write_deltalake(root, rows, partition_by=[*LOGS.partition_by])
    assert faults(verify(running.places)) == {}


def test_compaction_changes_no_verdict(running: Lake) -> None:
    """The same rows in other files are the same."""
    before = dataclasses.replace(verify(running.places), versions={})
    store.open_table(running.places, LOGS).optimize.compact()
    assert dataclasses.replace(verify(running.places), versions={}) == before


def test_nothing_yet_is_said(lake: Lake) -> None:
    """An empty lake is an error with a remedy, and stays empty."""
    with pytest.raises(CheckpointError, match="nothing to verify") as error:
        verify(lake.places)
    assert error.value.remedy
    assert not Path(lake.places.lake).exists()


def test_a_missing_table_is_said(lake: Lake) -> None:
    """A manifest without tables is an error with a remedy."""
    lake.adopt({0: 0})
    with pytest.raises(TableError, match="no table"):
        verify(lake.places)
