"""Whatever is altered behind everybody's back: `verify` says so, in counts or in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from support.altered import changed, data_files, first_gone, rewrite, rewrite_with_size
from support.lakes import Lake

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.ingest.absent import Absent, Loss, Stretch, noted
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import QUARANTINE

pytestmark = pytest.mark.slow


@pytest.fixture
def proved(running: Lake) -> Lake:
    """The same, proved before anything is altered."""
    assert verify(running.places).proof.noted == 1
    return running


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
def test_a_data_file_that_was_exchanged_is_named(proved: Lake, name: str) -> None:
    """Even where each of its rows has a place: it is not the file that was committed."""
    table, change = ALTERED[name]
    file = rewrite(proved, table, change)
    with pytest.raises(TableError, match=file.name) as error:
        verify(proved.places)
    assert "recover tables" in error.value.remedy


@pytest.mark.parametrize("left", [None, 0, 0.5], ids=["gone", "empty", "half"])
@pytest.mark.parametrize("table", ["logs", "quarantine"])
def test_a_data_file_that_is_not_whole_is_named(
    proved: Lake, table: str, left: float | None
) -> None:
    """As a crash of the machine, or somebody who makes room, leaves it."""
    file = data_files(proved, table)[0]
    content = file.read_bytes()
    if left is None:
        file.unlink()
    else:
        file.write_bytes(content[: int(len(content) * left)])
    with pytest.raises(TableError, match=file.name):
        verify(proved.places)


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


def test_a_reject_of_another_day_is_caught(proved: Lake) -> None:
    """By its day it is kept and deleted."""
    found = store.open_table(proved.places, QUARANTINE)
    found.update(updates={"date": "DATE '2001-01-01'"}, predicate="_offset = 1")
    verdict = verify(proved.places)
    assert (verdict.ok, verdict.misplaced) == (False, 1)


@pytest.mark.parametrize("bounds", [(8, 0), (None, None)], ids=str)
def test_a_note_of_no_offsets_excuses_none(
    proved: Lake, bounds: tuple[int | None, int | None]
) -> None:
    """Whatever is written in it."""
    store.open_table(proved.places, "logs").delete("_offset = 4")
    stretch = [Stretch(proved.topic.name, 0, *bounds)]  # type: ignore[arg-type]
    Absent(proved.places).note("invisible", "a", noted(stretch))
    verdict = verify(proved.places)
    assert (verdict.ok, verdict.gaps, verdict.records) == (False, 1, 9)


@pytest.mark.parametrize("share", [0, 0.5], ids=["empty", "half"])
@pytest.mark.parametrize("kind", ["invisible", "lost"])
def test_a_note_that_is_not_whole_is_named(proved: Lake, kind: str, share: float) -> None:
    """With what becomes of it."""
    where, topic = Absent(proved.places), proved.topic.name
    where.note("invisible", "a", noted([Stretch(topic, 0, 4, 4)]))
    now = datetime.now(UTC)
    where.acknowledge(Loss(topic=topic, partition=0, first=4, last=4, reason="no", by="me", at=now))
    (note,) = (file for file in Path(proved.places.absent, kind).iterdir() if file.is_file())
    note.write_bytes(note.read_bytes()[: int(note.stat().st_size * share)])
    with pytest.raises(TableError, match=note.name) as error:
        verify(proved.places)
    assert "move it aside" in error.value.remedy
