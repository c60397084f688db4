"""Whatever is altered behind everybody's back: `verify` says so, in counts or in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import Lake

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.ingest.absent import Absent, Loss, Stretch, noted
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import QUARANTINE

pytestmark = pytest.mark.slow

Change = Callable[[pa.Table], pa.Table]


def files(lake: Lake, table: str) -> list[Path]:
    """The data files of a table."""
    return sorted(Path(lake.places.table(table)).glob("date=*/**/*.parquet"))


def changed(name: str, of: Callable[[list[Any]], list[Any]]) -> Change:
    """Other values in a column, also NULL."""

    def change(rows: pa.Table) -> pa.Table:
        at = rows.schema.get_field_index(name)
        kind = rows.schema.field(at).with_nullable(True)
        return rows.set_column(at, kind, pa.array(of(rows[name].to_pylist()), kind.type))

    return change


def first_gone(values: list[Any]) -> list[Any]:
    """NULL in the first row."""
    return [None, *values[1:]]


def rewrite(lake: Lake, table: str, change: Change) -> Path:
    """Another file in the place of the first one of a table."""
    file = files(lake, table)[0]
    pq.write_table(change(pq.read_table(file, partitioning=None)), file)
    return file


def rewrite_with_size(lake: Lake, change: Change) -> None:
    """The same, and the log of `logs` is made to agree."""
    file = rewrite(lake, "logs", change)
    for entry in Path(lake.places.delta_log("logs")).glob("*.json"):
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        for add in (action["add"] for action in actions if "add" in action):
            if add["path"].endswith(file.name):
                add["size"] = file.stat().st_size
        entry.write_text("\n".join(map(json.dumps, actions)))


ALTERED = {
    "rows of events swapped": ("logs", changed("event_id", lambda ids: ids[::-1])),
    "a path forged": ("logs", changed("path", lambda paths: ["/forged"] * len(paths))),
    "a second later": (
        "logs",
        changed("timestamp", lambda times: [time + timedelta(seconds=1) for time in times]),
    ),
    "a row repeated": ("logs", lambda rows: pa.concat_tables([rows, rows.slice(0, 1)])),
    "a row less": ("logs", lambda rows: rows.slice(1)),
    "a payload forged": ("quarantine", changed("payload", lambda old: ["forged"] * len(old))),
}


@pytest.mark.parametrize("name", ALTERED)
def test_a_data_file_that_was_exchanged_is_named(running: Lake, name: str) -> None:
    """Even where each of its rows has a place: it is not the file that was committed."""
    table, change = ALTERED[name]
    file = rewrite(running, table, change)
    with pytest.raises(TableError, match=file.name) as error:
        verify(running.places)
    assert "recover tables" in error.value.remedy


@pytest.mark.parametrize("left", [None, 0, 0.5], ids=["gone", "empty", "half"])
@pytest.mark.parametrize("table", ["logs", "quarantine"])
def test_a_data_file_that_is_not_whole_is_named(
    running: Lake, table: str, left: float | None
) -> None:
    """As a crash of the machine, or somebody who makes room, leaves it."""
    file = files(running, table)[0]
    content = file.read_bytes()
    if left is None:
        file.unlink()
    else:
        file.write_bytes(content[: int(len(content) * left)])
    with pytest.raises(TableError, match=file.name):
        verify(running.places)


@pytest.mark.parametrize("column", ["_topic", "_partition", "_offset"])
def test_a_row_without_coordinates_is_caught(running: Lake, column: str) -> None:
    """Where it was it is missed, and it comes from nowhere."""
    rewrite_with_size(running, changed(column, first_gone))
    verdict = verify(running.places)
    assert (verdict.ok, verdict.gaps, verdict.unexpected) == (False, 1, 1)


def test_a_row_without_coordinates_beside_all_others_is_caught(running: Lake) -> None:
    """Nothing is missed then."""
    rows = [changed(name, first_gone) for name in ("_topic", "_partition", "_offset")]

    def one_more(file: pa.Table) -> pa.Table:
        extra = file.slice(0, 1)
        for change in rows:
            extra = change(extra)
        return pa.concat_tables([file.cast(extra.schema), extra])

    rewrite_with_size(running, one_more)
    verdict = verify(running.places)
    assert (verdict.ok, verdict.gaps, verdict.unexpected) == (False, 0, 1)


def test_a_row_without_a_time_is_caught(running: Lake) -> None:
    """It can be in no hour."""
    rewrite_with_size(running, changed("timestamp", first_gone))
    verdict = verify(running.places)
    assert (verdict.ok, verdict.misplaced) == (False, 1)


def test_a_reject_of_another_day_is_caught(running: Lake) -> None:
    """By its day it is kept and deleted."""
    found = store.open_table(running.places, QUARANTINE)
    found.update(updates={"date": "DATE '2001-01-01'"}, predicate="_offset = 1")
    verdict = verify(running.places)
    assert (verdict.ok, verdict.misplaced) == (False, 1)


@pytest.mark.parametrize("bounds", [(8, 0), (None, None)], ids=str)
def test_a_note_of_no_offsets_excuses_none(
    running: Lake, bounds: tuple[int | None, int | None]
) -> None:
    """Whatever is written in it."""
    store.open_table(running.places, "logs").delete("_offset = 4")
    stretch = [Stretch(running.topic.name, 0, *bounds)]  # type: ignore[arg-type]
    Absent(running.places).note("invisible", "a", noted(stretch))
    verdict = verify(running.places)
    assert (verdict.ok, verdict.gaps, verdict.records) == (False, 1, 9)


@pytest.mark.parametrize("share", [0, 0.5], ids=["empty", "half"])
@pytest.mark.parametrize("kind", ["invisible", "lost"])
def test_a_note_that_is_not_whole_is_named(running: Lake, kind: str, share: float) -> None:
    """With what becomes of it."""
    where, topic = Absent(running.places), running.topic.name
    where.note("invisible", "a", noted([Stretch(topic, 0, 4, 4)]))
    now = datetime.now(UTC)
    where.acknowledge(Loss(topic=topic, partition=0, first=4, last=4, reason="no", by="me", at=now))
    (note,) = (file for file in Path(running.places.absent, kind).iterdir() if file.is_file())
    note.write_bytes(note.read_bytes()[: int(note.stat().st_size * share)])
    with pytest.raises(TableError, match=note.name) as error:
        verify(running.places)
    assert "move it aside" in error.value.remedy
