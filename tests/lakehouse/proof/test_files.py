"""`verify` over imported files: right with or without a topic, after `retain`, and never fooled."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from support.importing import Imports, csv_lines, written
from support.lakes import QUERY, TABLES, Lake
from support.records import LIMITS, message, otlp_at

from lakehouse import maintenance, store
from lakehouse.decode import RAW, Decoded, Limits, decode
from lakehouse.errors import TableError
from lakehouse.ingest.queries import REPLAY
from lakehouse.proof.verdict import Verdict
from lakehouse.proof.verify import verify
from lakehouse.store import objects
from lakehouse.tables.catalog import LOGS
from streaming.repair.recover import recover
from streaming.repair.replay import replay_quarantine

pytestmark = pytest.mark.slow


@pytest.fixture
def imports(lake: Lake, tmp_path: Path) -> Imports:
    """Forty records, 22:10 to 02:04: eighteen of the 29th, the rest of the 30th; 3 and 17 bad.

    They are proved.
    """
    made = Imports(lake)
    made.run(written(tmp_path / "a.csv", csv_lines(40, bad=[3, 17])))
    assert found(made).proof.noted == 1
    return made


def faults(verdict: Verdict) -> tuple[int, int, int]:
    """Gaps, duplicates and unexpected rows."""
    assert verdict.ok == (not (verdict.gaps or verdict.duplicates or verdict.unexpected))
    return verdict.gaps, verdict.duplicates, verdict.unexpected


def delete(imports: Imports, where: str, table: str = "logs") -> None:
    """Take rows away."""
    store.open_table(imports.lake.places, table).delete(where)


def found(imports: Imports) -> Verdict:
    """What is found."""
    return verify(imports.lake.places)


def test_a_topic_and_files_are_counted_together(running: Lake, tmp_path: Path) -> None:
    """Nine records of the topic, five of a file."""
    Imports(running).run(written(tmp_path / "a.csv", csv_lines(5)))
    verdict = verify(running.places)
    assert (verdict.ok, verdict.records, len(verdict.files)) == (True, 14, 1)


@pytest.mark.slow
def test_a_stream_can_begin_on_a_lake_of_files(imports: Imports) -> None:
    """And a lost checkpoint be made anew: what was imported is no record of its topic."""
    lake = imports.lake
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    writers = {table.name: store.Writer(lake.places, table) for table in TABLES}
    first = {lake.topic.name: {0: 0}}
    done = recover(lake.places, QUERY, [lake.topic], first, writers, TABLES, 1)
    assert (done.start, done.lost) == ({"web-logs": {0: 5}}, 0)
    assert (found(imports).ok, found(imports).records) == (True, 45)


@pytest.mark.parametrize(("table", "where"), [("logs", "_offset = 5"), ("quarantine", "true")])
def test_a_row_that_is_gone_is_a_gap(imports: Imports, table: str, where: str) -> None:
    """In either table."""
    delete(imports, where, table)
    assert faults(found(imports)) == ({"logs": 1, "quarantine": 2}[table], 0, 0)


@pytest.mark.parametrize(("to", "expected"), [("6", (1, 1, 0)), ("40", (1, 0, 1))])
def test_a_row_at_another_place_is_caught(
    imports: Imports, to: str, expected: tuple[int, int, int]
) -> None:
    """Where another record is, or where none can be."""
    logs = store.open_table(imports.lake.places, LOGS)
    logs.update(updates={"_offset": to}, predicate="_offset = 5")
    assert faults(found(imports)) == expected


def test_tables_that_are_new_lack_all_of_it(imports: Imports, tmp_path: Path) -> None:
    """What the raw zone promises is asked of them."""
    for table in TABLES:
        objects.remove(imports.lake.places.table(table))
    imports.run(written(tmp_path / "b.csv", csv_lines(2)))
    assert faults(found(imports)) == (40, 0, 0)


def test_a_manifest_that_is_broken_is_named(imports: Imports, tmp_path: Path) -> None:
    """Put aside, its rows are from nowhere, until its file is imported again."""
    (manifest,) = Path(imports.lake.places.raw, "manifests").iterdir()
    manifest.write_text("{}")
    with pytest.raises(TableError, match=manifest.name):
        found(imports)
    manifest.unlink()
    assert imports.done(tmp_path / "a.csv") == ["imported"]
    assert faults(found(imports)) == (0, 0, 0)


def test_what_retain_deleted_is_not_missed(imports: Imports, tmp_path: Path) -> None:
    """What it left is; rejects stay, by the day of the import."""
    imports.run(written(tmp_path / "b.csv", later(2)))
    maintenance.retain(imports.lake.places, "logs", days=1)
    verdict = found(imports)
    assert (faults(verdict), verdict.records, verdict.logs) == ((0, 0, 0), 4, 2)
    delete(imports, "_offset = 1")
    assert faults(found(imports)) == (1, 0, 0)


@pytest.mark.slow
def test_old_rows_after_a_retain_are_no_fault(imports: Imports, tmp_path: Path) -> None:
    """Imported late, they are there until the next one, and are asked for like all others."""
    imports.run(written(tmp_path / "b.csv", later(2)))
    maintenance.retain(imports.lake.places, "logs", days=1)
    imports.run(written(tmp_path / "c.csv", csv_lines(6, service="late")))
    assert faults(found(imports)) == (0, 0, 0)
    delete(imports, "service = 'late' AND _offset = 2")
    assert faults(found(imports)) == (1, 0, 0)
    maintenance.retain(imports.lake.places, "logs", days=1)
    assert faults(found(imports)) == (1, 0, 0)


@pytest.mark.slow
def test_rejects_that_pass_a_replay_are_there(imports: Imports) -> None:
    """In `logs` then, once."""
    places = imports.lake.places

    def milder(raw: pa.RecordBatch, limits: Limits) -> Decoded:
        events = [message(event_id=f"e-{n}") for n in raw["_offset"].to_pylist()]
        return decode(raw.set_column(0, RAW.field(0), pa.array(events)), limits)

    done = replay_quarantine(places, REPLAY.writers(places), LIMITS, milder)
    assert (done.passed, faults(found(imports))) == (2, (0, 0, 0))
    assert found(imports).logs == 40


def later(rows: int) -> list[str]:
    """Rows of nine days later."""
    header, *others = csv_lines(rows)
    return [header, *(row.replace("2026-04-29", "2026-05-08") for row in others)]


@pytest.fixture
def requests(lake: Lake, tmp_path: Path) -> Imports:
    """Three requests of OTLP with seven events on two days; one of each of two is of the future."""
    made = Imports(lake)
    days = [f"2026-04-{day}T12:00:00Z" for day in (28, 29)]
    later = "2099-01-01T00:00:00Z"
    lines = [otlp_at(*days, later), otlp_at(later, days[1]), otlp_at(*days)]
    file = tmp_path / "requests.json"
    file.write_bytes(b"\n".join(lines) + b"\n")
    made.run(file)
    assert found(made).proof.noted == 1
    return made


def test_events_of_one_record_are_no_repeats(requests: Imports) -> None:
    """Three records are found, in five rows of `logs` and two of quarantine."""
    verdict = found(requests)
    assert (faults(verdict), verdict.logs, verdict.quarantine) == ((0, 0, 0), 5, 2)
    assert [file.records for file in verdict.files] == [3]


def test_an_event_that_is_there_twice_is_a_repeat(requests: Imports) -> None:
    """By its number within its record."""
    logs = store.open_table(requests.lake.places, LOGS)
    logs.update(updates={"_item": "1"}, predicate="_offset = 2")
    assert faults(found(requests)) == (0, 1, 0)


def test_a_record_of_several_events_that_is_gone_is_one_gap(requests: Imports) -> None:
    """However many events it had."""
    delete(requests, "_offset = 2")
    assert faults(found(requests)) == (1, 0, 0)


def test_events_that_retain_deleted_leave_their_records(requests: Imports, tmp_path: Path) -> None:
    """A record is there as long as one of its events is."""
    requests.run(written(tmp_path / "b.csv", csv_lines(2)))
    maintenance.retain(requests.lake.places, "logs", days=1)
    verdict = found(requests)
    assert (faults(verdict), verdict.records) == ((0, 0, 0), 5)
